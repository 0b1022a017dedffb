"""Listening: mailboxes whose server tells at once when mail arrives (IMAP IDLE), one thread for each.

What a mailbox is told to hold is fetched by `fetch` and filed at once, so that nothing here decides about a mail.
A mailbox nobody listens to, for whatever reason, is polled. Only one worker listens to a mailbox: it holds a lease
on the account, which `Listeners.look` renews for all of them together.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import Error as DatabaseError
from django.db import connections
from django.db.models import Q
from django.utils import timezone

from helpdesk.models import MailAccount

from . import fetch, ingest
from .transports import TransportError
from .transports.idle import RENEWAL, idling, offered, watch
from .transports.imap import ImapTransport

logger = logging.getLogger(__name__)

#: Mailboxes that one worker listens to; others are left to other workers, or polled.
MOST = 50
#: Seconds between two looks at what is to be listened to; also the longest time until a change is seen.
LOOK = 3.0
#: A listener that was not renewed for so long was left by a process that died.
LEASE = timedelta(seconds=60)
#: Seconds until the next try after a broken connection; doubled up to the second figure.
BACK_OFF = (2.0, 600.0)
#: A connection that held so many seconds was a good one.
GOOD = 60.0
#: Seconds after which a server that could not IDLE is asked once more.
FORGET = 24 * 3600.0
#: Seconds between two looks at the stopping event.
TURN = 0.5
#: Another worker is just fetching the mailbox: tries, and the seconds between them.
BUSY = (20, 1.0)

#: What an account says; a listener ends when it changes.
Facts = tuple[object, ...]


@dataclass
class _Listener:
    """One thread and what the others need to know of it."""

    facts: Facts
    lease: datetime
    leave: threading.Event = field(default_factory=threading.Event)
    thread: threading.Thread | None = None


@dataclass
class _Rest:
    """When a mailbox is tried again, and what it said when it failed."""

    facts: Facts
    until: float
    wait: float


class Listeners:
    """All that this process listens to. `look` is called again and again by one thread."""

    def __init__(self, stopping: threading.Event, *, most: int = MOST) -> None:
        self.stopping = stopping
        self._most = most
        self._lock = threading.Lock()
        self._running: dict[int, _Listener] = {}
        self._resting: dict[int, _Rest] = {}

    def look(self) -> None:
        """Renew what is held, end what has changed, and start what nobody listens to.

        Raises `DatabaseError` when the accounts cannot be read.
        """
        wanted = _wanted()
        self._renew(wanted)
        for pk, (facts, held) in wanted.items():
            if len(self._running) >= self._most or self.stopping.is_set():
                return
            if held or pk in self._running or self._rests(pk, facts):
                continue
            lease = timezone.now() + LEASE
            if _claim(pk, lease):
                self._start(pk, _Listener(facts, lease))

    def join(self, seconds: float) -> None:
        """Wait until all have ended, but not longer than this."""
        until = time.monotonic() + seconds
        for listener in list(self._running.values()):
            if listener.thread is not None:
                listener.thread.join(max(0.0, until - time.monotonic()))

    def _renew(self, wanted: dict[int, tuple[Facts, datetime | None]]) -> None:
        """Renew all leases in one statement; tell those to leave that have lost theirs or whose account changed."""
        lease = timezone.now() + LEASE
        with self._lock:
            kept: dict[int, datetime] = {}
            for pk, listener in self._running.items():
                facts, held = wanted.get(pk, ((), None))
                if facts == listener.facts and held == listener.lease:
                    kept[pk] = listener.lease
                else:
                    listener.leave.set()
            values = set(kept.values())
            rows = MailAccount.objects.filter(pk__in=kept, listening_until__in=values)
            if kept and rows.update(listening_until=lease) == len(kept):
                for pk in kept:
                    self._running[pk].lease = lease

    def _rests(self, pk: int, facts: Facts) -> bool:
        rest = self._resting.get(pk)
        return rest is not None and rest.facts == facts and rest.until > time.monotonic()

    def _start(self, pk: int, listener: _Listener) -> None:
        name = f"listen {pk}"
        listener.thread = threading.Thread(
            target=self._run, args=(pk, listener), name=name, daemon=True
        )
        self._running[pk] = listener
        listener.thread.start()

    def _run(self, pk: int, listener: _Listener) -> None:
        began = time.monotonic()
        pause: float | None = None
        try:
            pause = self._listen(pk, listener)
        except Exception as error:  # noqa: BLE001  one mailbox's fault never stops the others
            before = self._resting.get(pk)
            good = before is None or time.monotonic() - began > GOOD
            pause = BACK_OFF[0] if good or not before else min(before.wait * 2, BACK_OFF[1])
            logger.info("listening to mailbox %s ended: %s", pk, type(error).__name__)
        finally:
            self._end(pk, listener, pause)
            connections.close_all()  # this thread's own

    def _end(self, pk: int, listener: _Listener, pause: float | None) -> None:
        """Leave the mailbox to others: give the lease back, and do not come again for `pause` seconds."""
        with self._lock:
            if pause is not None:
                self._resting[pk] = _Rest(listener.facts, time.monotonic() + pause, pause)
            self._running.pop(pk, None)
            lease = listener.lease
        try:
            rows = MailAccount.objects.filter(pk=pk, listening_until=lease)
            rows.update(listening_until=None)
        except DatabaseError:
            logger.error("database gone; the lease on mailbox %s runs out by itself", pk)

    def _listen(self, pk: int, listener: _Listener) -> float | None:
        """Listen until told to leave; return the seconds to stay away, None if that is up to others."""
        mailbox = fetch.HardenedMailbox.objects.get(pk=pk)
        transport = mailbox.get_connection()
        if not isinstance(transport, ImapTransport):
            return FORGET
        with transport:
            if not offered(transport):
                return FORGET
            watch(transport)  # before the fetch: what arrives during it is told afterwards
            self._fetch(mailbox, listener)
            while not self._leaving(listener):
                if self._hear(transport, listener):
                    self._resting.pop(pk, None)
                if not self._leaving(listener):
                    self._fetch(mailbox, listener)
        return None

    def _leaving(self, listener: _Listener) -> bool:
        return self.stopping.is_set() or listener.leave.is_set()

    def _hear(self, transport: ImapTransport, listener: _Listener) -> bool:
        """Wait until mail arrives; return False when it is time to look anyway, or to leave."""
        until = time.monotonic() + RENEWAL
        with idling(transport) as session:
            while not self._leaving(listener) and time.monotonic() < until:
                if session.wait(TURN):
                    return True
        return False

    def _fetch(self, mailbox: fetch.HardenedMailbox, listener: _Listener) -> None:
        """Fetch and file what has arrived. Raises `TransportError` if it cannot be fetched: polling goes on then."""
        for _try in range(BUSY[0]):
            report = fetch.fetch_mailbox(mailbox)
            if report.error:
                raise TransportError(report.error)
            if not report.busy:
                break
            if listener.leave.wait(BUSY[1]) or self.stopping.is_set():
                return
        else:
            raise TransportError("another worker is fetching this mailbox")
        while ingest.process_pending() and not self._leaving(listener):
            pass
        connections.close_all()  # none is held while there is nothing to do


def _wanted() -> dict[int, tuple[Facts, datetime | None]]:
    """Return the accounts to listen to: what they say, and until when somebody does."""
    rows = MailAccount.objects.filter(
        uses_idle=True, mailbox__active=True, mailbox__uri__istartswith="imap"
    )
    names = ("mailbox__uri", "secret", "oauth_id", "move_to", "queue_id")
    now = timezone.now()
    found = {}
    for pk, until, *facts in rows.order_by("pk").values_list("pk", "listening_until", *names):
        found[pk] = (tuple(facts), until if until is not None and until > now else None)
    return found


def _claim(pk: int, lease: datetime) -> bool:
    free = Q(listening_until__isnull=True) | Q(listening_until__lt=timezone.now())
    return bool(MailAccount.objects.filter(free, pk=pk).update(listening_until=lease))
