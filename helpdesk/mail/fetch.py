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
from urllib.parse import quote

from django.db.models import Q
from django.utils import timezone
from django_mailbox.models import Mailbox, Message

from helpdesk import conf, storage
from helpdesk.models import InboundMail, MailAccount

from . import ingest, ledger
from .transports import (
    Item,
    Limits,
    MessageGone,
    TooLarge,
    Transport,
    TransportError,
    open_transport,
)

logger = logging.getLogger(__name__)

#: A fetch that takes longer than this may be taken over by another worker.
LEASE = timedelta(minutes=15)
BATCH = 50


@dataclass
class Report:
    """What one fetch of a mailbox did. `error` is '' or what to tell an administrator."""

    mailbox: str
    fetched: int = 0
    removed: int = 0
    error: str = ""


class HardenedMailbox(Mailbox):
    """django-mailbox's mailbox with a transport that loses nothing."""

    class Meta:
        proxy = True
        app_label = "helpdesk"
        verbose_name = Mailbox._meta.verbose_name
        verbose_name_plural = Mailbox._meta.verbose_name_plural

    def get_connection(self) -> Transport:
        """Return our transport for this mailbox, not yet connected."""
        account = _account(self)
        return open_transport(
            _with_archive(self.uri or "", account.move_to if account else ""),
            _secret(account),
            limits=Limits(max_bytes=int(conf.get("MAIL_MAX_BYTES"))),
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


def fetch_all() -> list[Report]:
    """Fetch every active mailbox in turn; one that fails never stops the next."""
    return [fetch_mailbox(mailbox) for mailbox in HardenedMailbox.objects.filter(active=True)]


def fetch_mailbox(mailbox: Mailbox) -> Report:
    """Bring what lies in a mailbox into the ledger, and remove from the server what is committed.

    Only one worker fetches a mailbox at a time (a lease on its account). Faults end in the report
    and on the account, where the administrator sees them; nothing is raised.
    """
    hardened = HardenedMailbox.objects.get(pk=mailbox.pk)
    report = Report(hardened.name)
    account = _account(hardened)
    if account is not None and not _take_lease(account):
        return report
    try:
        with hardened.get_connection() as transport:
            _drain(hardened, account, transport, report)
    except (TransportError, storage.SecretLost) as error:
        report.error = str(error) or type(error).__name__
        logger.warning("mailbox %s: %s", hardened.pk, type(error).__name__)
    _note(hardened, account, report)
    return report


def _account(mailbox: Mailbox) -> MailAccount | None:
    return MailAccount.objects.select_related("queue").filter(mailbox_id=mailbox.pk).first()


def _take_lease(account: MailAccount) -> bool:
    now = timezone.now()
    free = Q(lease_until__isnull=True) | Q(lease_until__lt=now)
    rows = MailAccount.objects.filter(free, pk=account.pk)
    return bool(rows.update(lease_until=now + LEASE))


def _drain(
    mailbox: HardenedMailbox, account: MailAccount | None, transport: Transport, report: Report
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
        for item in batch:
            if item.key in known or _take(mailbox, account, transport, source, item, report):
                gone.append(item.key)
        if len(gone) >= BATCH and account is not None:
            MailAccount.objects.filter(pk=account.pk).update(lease_until=timezone.now() + LEASE)
    kept = InboundMail.objects.filter(source=source, blob__isnull=True)
    unread = set(kept.values_list("key", flat=True))
    gone = [key for key in gone if key not in unread]
    transport.remove(gone)
    report.removed = len(gone)


def _take(
    mailbox: HardenedMailbox,
    account: MailAccount | None,
    transport: Transport,
    source: str,
    item: Item,
    report: Report,
) -> bool:
    """Fetch and commit one message; tell whether the server's copy may go."""
    queue = account.queue if account is not None else None
    try:
        raw = transport.fetch(item.key)
    except MessageGone:
        return False
    except TooLarge as error:
        ledger.refuse_unread(
            source=source,
            key=item.key,
            size=item.size or 0,
            error=str(error),
            mailbox=mailbox,
            queue=queue,
        )
        return False
    ledger.accept(raw, source=source, key=item.key, mailbox=mailbox, queue=queue)
    report.fetched += 1
    return True


def _note(mailbox: HardenedMailbox, account: MailAccount | None, report: Report) -> None:
    now = timezone.now()
    if not report.error:
        Mailbox.objects.filter(pk=mailbox.pk).update(last_polling=now)
    if account is None:
        return
    if report.error:
        MailAccount.objects.filter(pk=account.pk).update(
            lease_until=None, last_error_at=now, last_error=report.error[:2000]
        )
    else:
        MailAccount.objects.filter(pk=account.pk).update(
            lease_until=None, last_success_at=now, last_error=""
        )
