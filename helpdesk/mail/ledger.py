"""The ledger of arriving mail: every raw message is committed here before anything else happens."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext_noop
from django_mailbox.models import Mailbox

from helpdesk import storage
from helpdesk.models import Blob, InboundMail, Queue

logger = logging.getLogger(__name__)

#: Waiting time before the next attempt to file a failed mail; after the last one only by hand.
RETRY_AFTER = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
)


def known(source: str, keys: Sequence[str]) -> frozenset[str]:
    """Return those of `keys` that the ledger has already, for one source."""
    rows = InboundMail.objects.filter(source=source, key__in=keys)
    return frozenset(rows.values_list("key", flat=True))


def delivery_key(raw: bytes, recipients: Sequence[str]) -> str:
    """Return the key of a mail that was handed in: equal bytes to equal recipients are one delivery.

    A mail server repeats a delivery whose end it did not see.
    """
    return hashlib.sha256(raw + "\0".join(sorted(recipients)).encode()).hexdigest()


@dataclass(frozen=True)
class Arrival:
    """A raw mail that is about to be stored.

    `key` identifies the delivery inside its source (IMAP's UIDVALIDITY:UID, POP3's UIDL, a digest).
    `queue` is where it goes if no address decides; with `silent` (an archive) always. From a
    `trusted` way X-Stelze- headers set attributes.
    """

    raw: bytes
    source: str
    key: str
    envelope_to: Sequence[str] = ()
    queue: Queue | None = None
    mailbox: Mailbox | None = None
    silent: bool = False
    trusted: bool = False


def accept(raw: bytes, *, source: str, key: str, **facts: Any) -> InboundMail:
    """Store a raw mail and return its row, committed: `accept_many` for one mail."""
    return accept_many([Arrival(raw, source, key, **facts)])[0]


def accept_many(arrivals: Sequence[Arrival]) -> list[InboundMail]:
    """Store raw mails and return their rows in order, committed together.

    The same source and key is the same mail: the row it has already is returned. Must not be called
    inside a transaction: a caller that deletes its copies afterwards relies on the commit.
    """
    storage.put_all(one.raw for one in arrivals)  # the slow part before the transaction
    try:
        return _accept(arrivals)
    except IntegrityError:
        # another worker stored the same mail, or gave up equal bytes, in this moment
        return _accept(arrivals)


@transaction.atomic(durable=True)
def _accept(arrivals: Sequence[Arrival]) -> list[InboundMail]:
    rows = _rows(arrivals)
    fresh = {_identity(one): one for one in arrivals if _identity(one) not in rows}
    blobs = Blob.keep_all(one.raw for one in fresh.values())
    now = timezone.now()
    InboundMail.objects.bulk_create(
        InboundMail(
            source=one.source,
            key=one.key,
            blob=blob,
            size=len(one.raw),
            envelope_to=list(one.envelope_to),
            queue=one.queue,
            mailbox=one.mailbox,
            silent=one.silent,
            trusted=one.trusted,
            next_try_at=now,
        )
        for one, blob in zip(fresh.values(), blobs, strict=True)
    )
    if fresh:
        rows = _rows(arrivals)
    return [rows[_identity(one)] for one in arrivals]


def _identity(arrival: Arrival) -> tuple[str, str]:
    return arrival.source, arrival.key


def _rows(arrivals: Sequence[Arrival]) -> dict[tuple[str, str], InboundMail]:
    found: dict[tuple[str, str], InboundMail] = {}
    for source in {one.source for one in arrivals}:
        keys = [one.key for one in arrivals if one.source == source]
        for row in InboundMail.objects.filter(source=source, key__in=keys):
            found[source, row.key] = row
    return found


def refuse_unread(
    *, source: str, key: str, size: int, error: str, mailbox: Mailbox | None, queue: Queue | None
) -> InboundMail:
    """Note a mail that was not fetched (too large) in the failure inbox; it stays on the server."""
    row, _created = InboundMail.objects.get_or_create(
        source=source,
        key=key,
        defaults={
            "size": size,
            "mailbox": mailbox,
            "queue": queue,
            "state": InboundMail.State.FAILED,
            "error": error,
            "reason": error[:250],
            "processed_at": timezone.now(),
        },
    )
    return row


def start(keys: Sequence[int]) -> None:
    """Count an attempt to file these mails, before it is made: one that kills the process is counted too."""
    waiting = [InboundMail.State.RECEIVED, InboundMail.State.FAILED]
    InboundMail.objects.filter(pk__in=keys, state__in=waiting).update(attempts=F("attempts") + 1)


def fail(pk: int, error: str, *, ticket: int | None = None, **head: str) -> None:
    """Put a mail into the failure inbox with the reason and what is known of it, and set its next attempt.

    After the last one it belongs to the `ticket` (id) that it answers, and is erased with that.
    """
    attempts, blob = InboundMail.objects.values_list("attempts", "blob_id").get(pk=pk)
    again = attempts <= len(RETRY_AFTER) and blob is not None
    next_try_at = timezone.now() + RETRY_AFTER[max(attempts, 1) - 1] if again else None
    _set_aside(pk, error, next_try_at, **head, **({} if again else {"ticket_id": ticket}))


def give_up(pk: int) -> None:
    """Set a mail aside over which the process died every time: from now on it is tried by hand only."""
    logger.error("mail %s ended the process too often", pk)
    _set_aside(pk, gettext_noop("Filing this mail ended the process every time."), None)


def _set_aside(pk: int, error: str, next_try_at: datetime | None, **facts: Any) -> None:
    InboundMail.objects.filter(pk=pk).exclude(
        state__in=[InboundMail.State.FILED, InboundMail.State.IGNORED]
    ).update(
        state=InboundMail.State.FAILED,
        error=error[:4000],
        reason=error.strip().splitlines()[-1][:250] if error.strip() else "",
        next_try_at=next_try_at,
        processed_at=timezone.now(),
        **facts,
    )
