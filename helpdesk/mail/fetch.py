"""Fetching: mailboxes into the ledger, and only then off the server.

django-mailbox's own order loses or doubles mail when a process dies (docs/decisions/); so its
mailboxes are only read as configuration, and its `get_new_mail` runs this instead.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from urllib.parse import quote, unquote, urlsplit

from django.db import Error as DatabaseError
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django_mailbox.models import Mailbox, Message

from helpdesk import conf, oauth, storage
from helpdesk.models import InboundMail, MailAccount

from . import ingest, ledger
from .transports import (
    Item,
    Limits,
    LoginRefused,
    LoginUnavailable,
    MessageGone,
    TooLarge,
    Transport,
    TransportError,
    open_transport,
)

logger = logging.getLogger(__name__)

#: A fetch that shows no sign of life for so long may be taken over by another worker. It shows one before each
#: mail, and the largest mail may take `Limits.patience` (10 minutes).
LEASE = timedelta(minutes=15)
#: Signs of life are not written more often than this.
BEAT = timedelta(minutes=1)
#: Messages looked up in the ledger at once.
BATCH = 50
#: So many bytes of mail are stored with one commit.
TOGETHER = 8 * 1024 * 1024
#: Messages removed at once. POP3 deletes at the end of a session: each removal there costs a new login.
REMOVAL = 500


@dataclass
class Report:
    """What one fetch of a mailbox did. `error` is '' or what to tell an administrator.

    `busy`: somebody else is fetching it, so nothing was done.
    """

    mailbox: str
    fetched: int = 0
    removed: int = 0
    error: str = ""
    busy: bool = False


class LeaseLost(Exception):
    """Another worker fetches the mailbox now: this one took too long."""


class Lease:
    """The right to fetch a mailbox; while it is kept, no other worker has it."""

    def __init__(self, account: MailAccount) -> None:
        self._pk = account.pk
        self._until = timezone.now() + LEASE
        self._written = timezone.now()

    def take(self) -> bool:
        """Take the lease, if it is free."""
        free = Q(lease_until__isnull=True) | Q(lease_until__lt=timezone.now())
        rows = MailAccount.objects.filter(free, pk=self._pk)
        return bool(rows.update(lease_until=self._until))

    def keep(self) -> None:
        """Show a sign of life. Raises `LeaseLost` if the last one was too long ago."""
        now = timezone.now()
        if now < self._written + BEAT:
            return
        rows = MailAccount.objects.filter(pk=self._pk, lease_until=self._until)
        if not rows.update(lease_until=now + LEASE):
            raise LeaseLost
        self._until, self._written = now + LEASE, now

    def release(self) -> None:
        MailAccount.objects.filter(pk=self._pk, lease_until=self._until).update(lease_until=None)


class HardenedMailbox(Mailbox):
    """django-mailbox's mailbox with a transport that loses nothing."""

    class Meta:
        proxy = True
        app_label = "helpdesk"
        verbose_name = Mailbox._meta.verbose_name
        verbose_name_plural = Mailbox._meta.verbose_name_plural

    def get_connection(self, *, timeout: float = 30.0) -> Transport:
        """Return our transport for this mailbox, not yet connected; each answer has `timeout` seconds.

        Raises `TransportError` for an address that cannot be used and `storage.SecretLost`; entering it raises
        `TransportError` and `oauth.OAuthError`.
        """
        account = account_of(self)
        uri = self.uri or ""
        access = account.oauth if account is not None else None
        return open_transport(
            _with_archive(uri, account.move_to if account else ""),
            _secret(account) if access is None else "",
            authenticate=oauth.authenticator(access, _user(uri)) if access else None,
            limits=Limits(timeout=timeout, max_bytes=int(conf.get("MAIL_MAX_BYTES"))),
        )

    def get_new_mail(self, condition: object = None) -> Iterator[Message]:
        """Fetch and file what is there, and yield the journal rows, as django-mailbox does.

        `condition` cannot skip mail: every message is stored. A given one is refused (`ValueError`).
        """
        if condition is not None:
            raise ValueError("mail is never skipped; use a mail filter to ignore it")
        first = InboundMail.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
        fetch_mailbox(self)
        rows = InboundMail.objects.filter(pk__gt=first, mailbox_id=self.pk).order_by("pk")
        for pk in list(rows.values_list("pk", flat=True)):
            row = ingest.process(pk)
            if row.message is not None:
                yield row.message


def _secret(account: MailAccount | None) -> str | None:
    return storage.decrypt(account.secret) if account is not None and account.secret else None


def _with_archive(uri: str, folder: str) -> str:
    """Name the folder read mail moves to, unless the address names one itself."""
    if not folder or "archive=" in uri:
        return uri
    return f"{uri}{'&' if '?' in uri else '?'}archive={quote(folder, safe='')}"


def _user(uri: str) -> str:
    try:
        return unquote(urlsplit(uri).username or "")
    except ValueError:
        return ""  # the transport says what is wrong with the address


def fetch_all() -> list[Report]:
    """Fetch every active mailbox in turn that nobody listens to; one that fails never stops the next."""
    listened = MailAccount.objects.filter(listening_until__gt=timezone.now()).values("pk")
    mailboxes = HardenedMailbox.objects.filter(active=True).exclude(pk__in=listened)
    return [fetch_mailbox(mailbox) for mailbox in mailboxes]


def fetch_mailbox(mailbox: Mailbox) -> Report:
    """Bring what lies in a mailbox into the ledger, and remove from the server what is committed.

    Only one worker fetches a mailbox at a time (a lease on its account). Faults end in the report
    and on the account, where the administrator sees them; only a database that is gone raises.
    """
    hardened = HardenedMailbox.objects.get(pk=mailbox.pk)
    report = Report(hardened.name)
    account = account_of(hardened)
    lease = Lease(account) if account is not None else None
    if lease is not None and not lease.take():
        report.busy = True
        return report
    try:
        with hardened.get_connection() as transport:
            _drain(hardened, account, transport, report, lease)
    except DatabaseError:
        raise
    except LeaseLost:
        report.busy = True
        logger.warning("mailbox %s: another worker took over", hardened.pk)
    except (TransportError, oauth.OAuthError, storage.SecretLost) as error:
        report.error = str(error) or _("The stored password cannot be read; enter it again.")
        logger.warning("mailbox %s: %s", hardened.pk, type(error).__name__)
        refused = isinstance(error, LoginRefused | LoginUnavailable)
        if refused and account is not None and account.oauth_id:
            oauth.forget_token(account.oauth_id)  # it may have been revoked before its time
    except Exception as error:  # noqa: BLE001  a full disk, say: the mail stays on the server
        report.error = _("Fetching failed (%s).") % type(error).__name__
        logger.error("mailbox %s: %s", hardened.pk, type(error).__name__)
    _note(hardened, account, report)
    if lease is not None:
        lease.release()
    return report


def account_of(mailbox: Mailbox) -> MailAccount | None:
    """Return what we know of a mailbox beyond django-mailbox's row."""
    accounts = MailAccount.objects.select_related("queue", "oauth")
    return accounts.filter(mailbox_id=mailbox.pk).first()


def _drain(
    mailbox: HardenedMailbox,
    account: MailAccount | None,
    transport: Transport,
    report: Report,
    lease: Lease | None,
) -> None:
    """Batch by batch: what the ledger lacks is fetched and committed; then all of it may go.

    A message the ledger has already was committed by a run that died before removing it: it is only
    removed. Keys hold for one place, so the place is part of the source.
    """
    place = hashlib.sha256(transport.source.encode()).hexdigest()[:12]
    source = f"mailbox:{mailbox.pk}:{place}"
    items = transport.listing()
    gone: list[str] = []
    while batch := list(islice(items, BATCH)):
        known = ledger.known(source, [item.key for item in batch])
        gone += [item.key for item in batch if item.key in known]
        fresh = [item for item in batch if item.key not in known]
        for arrivals in _read(mailbox, account, transport, source, fresh, lease):
            ledger.accept_many(arrivals)
            report.fetched += len(arrivals)
            gone += [arrival.key for arrival in arrivals]
        if len(gone) >= REMOVAL:
            _remove(transport, source, gone, report)
            gone = []
    _remove(transport, source, gone, report)


def _read(
    mailbox: HardenedMailbox,
    account: MailAccount | None,
    transport: Transport,
    source: str,
    items: list[Item],
    lease: Lease | None,
) -> Iterator[list[ledger.Arrival]]:
    """Fetch messages and yield them, as many at a time as lie in memory and are stored with one commit."""
    waiting: list[ledger.Arrival] = []
    size = 0
    for item in items:
        try:
            if lease is not None:
                lease.keep()
            arrival = _take(mailbox, account, transport, source, item)
        except (TransportError, LeaseLost):
            if waiting:
                yield waiting  # what came before the fault need not come again
            raise
        if arrival is None:
            continue
        waiting.append(arrival)
        size += len(arrival.raw)
        if size >= TOGETHER:
            yield waiting
            waiting, size = [], 0
    if waiting:
        yield waiting


def _remove(transport: Transport, source: str, keys: list[str], report: Report) -> None:
    """Remove messages from the server, but none that was never read."""
    unread: set[str] = set()
    for start in range(0, len(keys), BATCH):
        rows = InboundMail.objects.filter(
            source=source, key__in=keys[start : start + BATCH], blob__isnull=True
        )
        unread.update(rows.values_list("key", flat=True))
    gone = [key for key in keys if key not in unread]
    if gone:
        transport.remove(gone)
        report.removed += len(gone)


def _take(
    mailbox: HardenedMailbox,
    account: MailAccount | None,
    transport: Transport,
    source: str,
    item: Item,
) -> ledger.Arrival | None:
    """Fetch one message; None if it is gone, or too large and therefore stays on the server."""
    queue = account.queue if account is not None else None
    try:
        raw = transport.fetch(item.key)
    except MessageGone:
        return None
    except TooLarge as error:
        ledger.refuse_unread(
            source=source,
            key=item.key,
            size=item.size or 0,
            error=str(error),
            mailbox=mailbox,
            queue=queue,
        )
        return None
    trusted = account is not None and account.trusted
    return ledger.Arrival(
        raw, source=source, key=item.key, mailbox=mailbox, queue=queue, trusted=trusted
    )


def _note(mailbox: HardenedMailbox, account: MailAccount | None, report: Report) -> None:
    now = timezone.now()
    if not report.error and not report.busy:
        Mailbox.objects.filter(pk=mailbox.pk).update(last_polling=now)
    if account is None:
        return
    facts: dict[str, object] = {}
    if report.fetched:
        facts.update(last_mail_at=now, silent_since=None)
    if report.error:
        facts.update(last_error_at=now, last_error=report.error[:2000])
    elif not report.busy:
        facts.update(last_success_at=now, last_error="")
    if facts:
        MailAccount.objects.filter(pk=account.pk).update(**facts)
