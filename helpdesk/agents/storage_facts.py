"""What the screens say of how long a ticket stays: from when it may go, that its team was warned, that it is held."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from django.utils import timezone

from helpdesk.models import Hold, Right, StorageStep, Ticket
from helpdesk.privacy import due

from .change_form import ChangeForm
from .desk import Desk
from .holds import HOLDS


@dataclass(frozen=True)
class Storage:
    """How long a ticket stays. `erased_on`: the first day on which it may be gone, as its queue counts days."""

    erased_on: date | None
    is_warned: bool
    is_overdue: bool
    hold: Hold | None
    forms: Mapping[str, ChangeForm]


def context_of(desk: Desk, bound: Mapping[str, ChangeForm]) -> Storage:
    """Return what the ticket screen says, with the forms of a hold for those who manage the queue."""
    ticket = desk.ticket
    day = due.day_of(timezone.now())
    group = due.group_of(ticket.pk)
    holds = due.holds_on(day).filter(ticket__in=group).select_related("placed_by", "reviewed_by")
    rows = {row.ticket_id: row for row in holds}
    hold = rows.get(ticket.pk) or next(iter(rows.values()), None)
    erased_on = None
    if ticket.erase_at is not None:
        erased_on = ticket.erase_at.astimezone(ZoneInfo(desk.queue.time_zone())).date()
    return Storage(
        erased_on=erased_on,
        is_warned=is_warned(ticket),
        is_overdue=ticket.erase_at is not None and ticket.erase_at <= timezone.now(),
        hold=hold,
        forms=_forms(desk, bound, hold) if desk.may(Right.MANAGE) else {},
    )


def _forms(
    desk: Desk, bound: Mapping[str, ChangeForm], hold: Hold | None
) -> Mapping[str, ChangeForm]:
    """Return what can be done with holds: on the ticket itself, not on those merged with it."""
    names: list[str] = []
    if hold is None:
        names = ["hold"]
    elif hold.ticket_id == desk.ticket.pk:
        names = ["extend-hold", "lift-hold"]
    # what was refused because a colleague was faster is shown with the reason
    names += [name for name in bound if name in HOLDS and name not in names]
    initial = {"until": hold.until} if hold is not None else {}
    found = {name: bound.get(name) or HOLDS[name](desk=desk, initial=initial) for name in names}
    return {name.replace("-", "_"): form for name, form in found.items()}


def is_warned(ticket: Ticket) -> bool:
    """Tell whether the team was warned that the ticket is erased soon, and nothing happened since. No query."""
    at = ticket.erase_warned_at
    return (
        at is not None and at >= ticket.changed_at and ticket.storage_step == StorageStep.END
    ) and ticket.state.is_open
