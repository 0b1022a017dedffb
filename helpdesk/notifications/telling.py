"""Agents are told: events become notices, and notices mails.

`events.record` leaves an `UntoldEvent` beside every event that may matter to somebody. Here it is deleted in the same
transaction in which the notices and their mails are made: whenever a process dies, nobody is told twice and nothing
is left out.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from helpdesk import conf
from helpdesk.models import (
    Event,
    Notice,
    NoticeChoice,
    NoticeKind,
    OutboundMail,
    Ticket,
    UntoldEvent,
    delete_rows,
)
from helpdesk.rules.recipients import DEFAULTS, Told
from helpdesk.teams import Teams

from . import notices
from .recipients import Batch, events_to_tell

logger = logging.getLogger(__name__)

#: Events taken at once.
BATCH = 100
#: An event over which we stumbled is tried again after so long.
RETRY_AFTER = timedelta(minutes=10)


def tell(*, limit: int = BATCH) -> int:
    """Tell agents of what happened; return how many events were done, for the worker to go on.

    Safe in several workers at once. An event that makes trouble is logged by type, kept, and tried again
    later; it stops no other. Must not be called inside a transaction.
    """
    pks = list(_due().order_by("pk").values_list("pk", flat=True)[:limit])
    if not pks:
        return 0  # claiming takes SQLite's only write lock: not for nothing
    try:
        return _tell(pks)
    except Exception as fault:  # noqa: BLE001  one by one it shows which event it is
        _log(fault, "a batch")
    return sum(_tell_alone(pk) for pk in pks)


def _due() -> QuerySet[UntoldEvent]:
    now = timezone.now()
    return UntoldEvent.objects.filter(Q(not_before__isnull=True) | Q(not_before__lte=now))


def _tell_alone(pk: int) -> int:
    try:
        return _tell([pk])
    except Exception as fault:  # noqa: BLE001  any fault at all belongs to this event alone
        _log(fault, f"event {pk}")
        _put_off([pk])
        return 0


def _put_off(pks: list[int]) -> None:
    UntoldEvent.objects.filter(pk__in=pks).update(not_before=timezone.now() + RETRY_AFTER)


def _log(fault: Exception, what: str) -> None:
    logger.error("telling of %s failed: %s", what, type(fault).__name__)


@transaction.atomic
def _tell(pks: list[int]) -> int:
    claimed = _due().select_for_update(
        skip_locked=connection.features.has_select_for_update_skip_locked
    )
    events = events_to_tell(claimed.filter(pk__in=pks).values_list("pk", flat=True))
    batch = Batch(events)
    told: list[tuple[Event, Told]] = []
    bad: list[int] = []
    for event in events:
        try:
            told += [(event, one) for one in batch.told_of(event)]
        except Exception as fault:  # noqa: BLE001  a fault in its data; one of the database fails the batch
            _log(fault, f"event {event.pk}")
            bad.append(event.pk)
    give(batch.notices(told), batch.teams)
    UntoldEvent.objects.filter(pk__in=[one.pk for one in events if one.pk not in bad]).delete()
    if bad:
        _put_off(bad)
    return len(events) - len(bad)


def give(rows: list[Notice], teams: Teams | None = None) -> list[Notice]:
    """Save new notices together with the mails of those that go out at once. Call inside a transaction.

    The only way in which notices come into being: whoever makes some of their own hands them over here. What
    cannot go by mail because an agent got too much today waits for the digest.
    """
    now = [row for row in rows if row.by_mail == Notice.ByMail.NOW]
    mails = notices.mails_for(now, teams or Teams())
    made = [mail for mail in mails.values() if mail is not None]
    OutboundMail.objects.bulk_create(made)
    for row in rows:
        row.mail = mails.get(id(row))
    return Notice.objects.bulk_create(rows, ignore_conflicts=True)


@transaction.atomic
def tell_one(*, user: Any, kind: NoticeKind, ticket: Ticket | None = None) -> Notice | None:
    """Tell one agent of something that is no event, as they chose to hear of its kind; None if not at all."""
    chosen = NoticeChoice.objects.filter(user=user, kind=kind).first()
    in_admin, by_mail = (chosen.in_admin, chosen.by_mail) if chosen else DEFAULTS[kind]
    if not in_admin and by_mail == Notice.ByMail.NO:
        return None
    row = Notice(
        user=user,
        kind=kind,
        ticket=ticket,
        at=timezone.now(),
        in_admin=in_admin,
        by_mail=by_mail,
    )
    give([row])
    return row


def tidy() -> int:
    """Forget notices that are older than anybody looks for, and digests that told of them; return how many went."""
    until = timezone.now() - timedelta(days=int(conf.get("NOTICE_DAYS")))
    gone = delete_rows(Notice.objects.filter(at__lt=until))
    digests = OutboundMail.objects.filter(ticket=None, kind=OutboundMail.Kind.NOTICE)
    old = list(digests.filter(created_at__lt=until).order_by().values_list("pk", flat=True))
    Notice.objects.filter(mail__in=old).update(mail=None, by_mail=Notice.ByMail.NO)
    return gone + delete_rows(OutboundMail.objects.filter(pk__in=old))
