"""Listening with a real dovecot: mail becomes a ticket at once, a broken line comes back, the end comes soon."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone
from django_mailbox.models import Mailbox

from helpdesk import storage
from helpdesk.mail import fetch, listen
from helpdesk.models import InboundMail, MailAccount, Ticket
from helpdesk.worker import GRACE, Worker
from tests import factories as f
from tests.servers.dovecot import Dovecot, dovecot
from tests.servers.relay import relay

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        connection.vendor == "sqlite", reason="threads share a database on PostgreSQL only"
    ),
]

#: Seconds within which a mail is a ticket, and for all else that needs its time on a loaded machine.
# nobody polls here: what comes at all comes by listening, however loaded the machine is
AT_ONCE, PATIENCE = 15.0, 60.0


@pytest.fixture(scope="module")
def shared() -> Iterator[Dovecot]:
    with dovecot() as running:
        yield running


@pytest.fixture
def server(shared: Dovecot) -> Dovecot:
    shared.empty()
    return shared


def account(server: Dovecot, **facts: object) -> MailAccount:
    facts.setdefault("uri", server.imap_uri)
    mailbox = Mailbox.objects.create(name="Desk", uri=facts.pop("uri"))
    return MailAccount.objects.create(
        mailbox=mailbox, queue=f.QueueFactory(), secret=storage.encrypt(server.secret), **facts
    )


def message(number: int) -> bytes:
    return (
        f"From: ada{number}@mail.example\r\nTo: desk@desk.example\r\nSubject: Key {number}\r\n"
        f"Message-ID: <{number}@mail.example>\r\n\r\nMy key {number} is lost.\r\n"
    ).encode()


def wait_for(fact: Callable[[], object], seconds: float = PATIENCE) -> float:
    began = time.monotonic()
    while not fact():
        assert time.monotonic() - began < seconds, "it did not happen in time"
        time.sleep(0.05)
    return time.monotonic() - began


@contextmanager
def listening(**options: int) -> Iterator[listen.Listeners]:
    """Look again and again, as the worker does, a bit faster."""
    stopping = threading.Event()
    listeners = listen.Listeners(stopping, **options)

    def looks() -> None:
        while not stopping.wait(0.2):
            listeners.look()
        connection.close()

    thread = threading.Thread(target=looks)
    thread.start()
    try:
        yield listeners
    finally:
        stopping.set()
        thread.join(PATIENCE)
        listeners.join(PATIENCE)


def listened(row: MailAccount) -> bool:
    return MailAccount.objects.filter(pk=row.pk, listening_until__gt=timezone.now()).exists()


def threads() -> int:
    return sum(one.name.startswith("listen ") for one in threading.enumerate())


def settled(server: Dovecot, row: MailAccount) -> None:
    """Wait until it listens: a first mail has come through."""
    server.deliver(message(0))
    wait_for(lambda: Ticket.objects.filter(subject="Key 0").exists())
    assert listened(row)


def test_a_mail_is_a_ticket_at_once_without_polling(server):
    row = account(server)
    with listening():
        settled(server, row)
        for number in (1, 2, 3):
            server.deliver(message(number))
            taken = wait_for(lambda n=number: Ticket.objects.filter(subject=f"Key {n}").exists())
            assert taken < AT_ONCE
        assert fetch.fetch_all() == []  # nobody polls what is listened to
        wait_for(lambda: server.remaining() == [])
    row.refresh_from_db()
    assert row.listening_until is None
    assert (row.last_error, InboundMail.objects.count()) == ("", 4)


def test_a_cut_connection_comes_back(server):
    with relay(server.imap) as between:
        row = account(server, uri=f"imap://desk@127.0.0.1:{between.port}/")
        with listening():
            settled(server, row)
            between.cut()
            server.deliver(message(1))
            wait_for(lambda: Ticket.objects.filter(subject="Key 1").exists())
            wait_for(lambda: listened(row))
            server.deliver(message(2))
            assert wait_for(lambda: Ticket.objects.filter(subject="Key 2").exists()) < PATIENCE


def test_while_the_server_is_away_polling_tells_why_and_tries_grow_rarer(server, monkeypatch):
    monkeypatch.setattr(listen, "BACK_OFF", (0.5, 4.0))
    with relay(server.imap) as between:
        row = account(server, uri=f"imap://desk@127.0.0.1:{between.port}/")
        with listening() as listeners:
            settled(server, row)
            between.refusing = True
            between.cut()
            wait_for(lambda: not listened(row))
            wait_for(lambda: row.pk in listeners._resting and listeners._resting[row.pk].wait > 1)
            [report] = fetch.fetch_all()
            assert "failed" in report.error
            between.refusing = False
            server.deliver(message(1))
            wait_for(lambda: Ticket.objects.filter(subject="Key 1").exists())
    row.refresh_from_db()
    assert row.last_error == ""


def test_only_one_worker_listens_and_another_takes_over(server):
    row = account(server)
    with listening():
        settled(server, row)
        with listening() as others:
            time.sleep(1)
            assert others._running == {}
    other_worker = timezone.now() + timedelta(seconds=1)
    MailAccount.objects.filter(pk=row.pk).update(listening_until=other_worker)
    with listening():
        server.deliver(message(1))
        wait_for(lambda: Ticket.objects.filter(subject="Key 1").exists())
        row.refresh_from_db()
        assert row.listening_until > other_worker


def test_a_listener_that_lost_its_lease_leaves(server):
    row = account(server)
    with listening() as listeners:
        settled(server, row)
        MailAccount.objects.update(listening_until=timezone.now() + timedelta(hours=1))
        wait_for(lambda: row.pk not in listeners._running)
    row.refresh_from_db()
    assert row.listening_until is not None


@pytest.mark.parametrize(
    "change",
    [
        lambda row: MailAccount.objects.update(uses_idle=False),
        lambda row: Mailbox.objects.update(active=False),
        lambda row: MailAccount.objects.all().delete(),
    ],
    ids=["not to listen", "out of use", "gone"],
)
def test_an_account_that_changes_is_left(server, change):
    row = account(server)
    with listening() as listeners:
        settled(server, row)
        change(row)
        wait_for(lambda: listeners._running == {})
        time.sleep(0.5)
        assert threads() == 0


def test_a_new_password_is_used(server):
    row = account(server)
    MailAccount.objects.update(secret=storage.encrypt("wrong"))
    with listening() as listeners:
        wait_for(lambda: row.pk in listeners._resting)
        MailAccount.objects.update(secret=storage.encrypt(server.secret))
        settled(server, row)


def test_a_server_that_cannot_is_asked_once_and_polled():
    with (
        dovecot(extra="imap_capability = IMAP4rev1 UIDPLUS\n") as server,
        relay(server.imap) as between,
    ):
        row = account(server, uri=f"imap://desk@127.0.0.1:{between.port}/")
        with listening() as listeners:
            wait_for(lambda: row.pk in listeners._resting)
            wait_for(lambda: not listened(row))
            time.sleep(1)
            assert between.made == 1
            server.deliver(message(1))
            assert [report.fetched for report in fetch.fetch_all()] == [1]


def test_others_than_imap_are_not_listened_to(server):
    account(server, uri=server.pop3_uri)
    account(server, uses_idle=False)
    with listening() as listeners:
        time.sleep(0.6)
        assert (listeners._running, threads()) == ({}, 0)


def test_no_more_than_so_many_are_listened_to(server):
    rows = [account(server, uri=f"{server.imap_uri}?folder=INBOX") for _number in range(3)]
    with listening(most=2) as listeners:
        wait_for(lambda: len(listeners._running) == 2)
        time.sleep(0.6)
        assert sum(listened(row) for row in rows) == 2


def test_no_connection_to_the_database_is_held_while_nothing_happens(server):
    row = account(server)
    with listening():
        settled(server, row)
        with connection.cursor() as cursor:
            # the one of this test, and the one that looks
            wait_for(lambda: _connections(cursor) <= 2)


def _connections(cursor) -> int:
    cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
    return cursor.fetchone()[0]


def test_a_worker_that_stops_leaves_within_seconds(server):
    row = account(server)
    worker = Worker()
    worker.jobs = []

    def run() -> None:
        worker.run_for_ever()
        connection.close()

    running = threading.Thread(target=run)
    running.start()
    settled(server, row)
    began = time.monotonic()
    worker.stopping.set()
    running.join(PATIENCE)
    assert time.monotonic() - began < GRACE  # whatever takes so long is cut off
    assert threads() == 0
    row.refresh_from_db()
    assert row.listening_until is None
    assert Ticket.objects.filter(subject="Key 0").exists()
