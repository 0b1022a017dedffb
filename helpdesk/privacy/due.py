"""Which tickets are due, and what is due on them. A hold on one of several merged tickets holds all of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date, datetime, time, timedelta
from typing import Final

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from helpdesk import conf
from helpdesk.actions import storing
from helpdesk.models import AtEnd, Hold, StorageStep, Ticket

#: What may be due on a ticket, as runs count it.
FILES: Final = "files_gone"
PERSONS: Final = "persons_gone"
WARNED: Final = "warned"
ERASED: Final = "erased"
ANONYMISED: Final = "anonymised"


def next_night(now: datetime) -> datetime:
    """Return when the next nightly run begins: today's hour of erasing if it is still to come."""
    here = timezone.get_default_timezone()
    local = now.astimezone(here)
    hour = time(int(conf.get("ERASE_HOUR")))
    begin = datetime.combine(local.date(), hour, here)
    if begin <= local:
        begin = datetime.combine(local.date() + timedelta(days=1), hour, here)
    return begin


def day_of(now: datetime) -> date:
    """Return the day that it is on the wall clock of the site."""
    return now.astimezone(timezone.get_default_timezone()).date()


def holds_on(day: date) -> QuerySet[Hold]:
    """Return the holds that hold on a day."""
    return Hold.objects.filter(lifted_at__isnull=True, until__gte=day)


def all_due(now: datetime) -> QuerySet[Ticket]:
    """Return the tickets on which something is due, held or not; a merged one is never among them."""
    return Ticket.objects.filter(storage_step_at__lte=now)


def due(now: datetime, *, left: Collection[int] = ()) -> QuerySet[Ticket]:
    """Return the same without what is held, and without those `left` for another night; longest due first.

    Walks along the index of `storage_step_at`. Two queries more where a hold is on a merged ticket.
    """
    day = day_of(now)
    rows = all_due(now).filter(~Exists(holds_on(day).filter(ticket=OuterRef("pk"))))
    if passed := {*homes_of_held(day), *left}:
        rows = rows.exclude(pk__in=passed)
    return rows.order_by("storage_step_at", "pk")


def homes_of_held(day: date) -> set[int]:
    """Return the ids of the tickets into which held ones were merged."""
    merged = holds_on(day).filter(ticket__merged_into__isnull=False)
    above: Iterable[int | None] = merged.values_list("ticket__merged_into_id", flat=True)
    found: set[int] = set()
    while ids := {pk for pk in above if pk is not None} - found:
        found |= ids
        above = Ticket.objects.filter(pk__in=ids).values_list("merged_into_id", flat=True)
    return found


def ways_of(ticket: Ticket, now: datetime) -> list[str]:
    """Return what is due on a ticket whose dates are right, in order; changes it in memory, so save it before.

    What is to go as a whole does not go by steps. An objection always means that everything goes.
    """
    found: list[str] = []
    while ticket.storage_step_at is not None and ticket.storage_step_at <= now:
        if ticket.storage_step == StorageStep.WARNING:
            return [WARNED]
        if ticket.erase_at is not None and ticket.erase_at <= now:
            keeps = ticket.at_end == AtEnd.ANONYMISE and ticket.objected_at is None
            return [ANONYMISED if keeps else ERASED]
        if ticket.storage_step == StorageStep.ATTACHMENTS:
            found.append(FILES)
            ticket.files_erased_at = now
        else:
            found.append(PERSONS)
            ticket.persons_erased_at = now
        storing.settle(ticket)
    return found


def homes(pks: Iterable[int]) -> dict[int, int]:
    """Return, for tickets and all that were merged into them, by id the one of `pks` with which each goes."""
    near = {pk: pk for pk in pks}
    found = dict(near)
    while near:
        rows = Ticket.objects.filter(merged_into__in=near).order_by()
        pairs = rows.values_list("pk", "merged_into_id")
        near = {pk: near[into] for pk, into in pairs if into is not None and pk not in found}
        found |= near
    return found


def group_of(pk: int) -> set[int]:
    """Return the ids of all tickets that were merged with one, it among them: they go together."""
    found, near = {pk}, {pk}
    while near:
        rows = Ticket.objects.filter(Q(pk__in=near) | Q(merged_into__in=near)).order_by()
        pairs = rows.values_list("pk", "merged_into_id")
        near = {one for pair in pairs for one in pair if one is not None} - found
        found |= near
    return found
