"""Holds: a ticket that must not be erased for the time being, although its time may be over.

A hold is no activity: it leaves the dates of the ticket as they are, so that after its end the next nightly run
takes what was due. A hold on one of several merged tickets holds all of them.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Final

from django.db import connection
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from helpdesk import audit, events
from helpdesk.errors import InvalidInput, NotFound
from helpdesk.models import AuditKind, EventKind, Hold, Right, Ticket
from helpdesk.permissions import SYSTEM, Actor

from .base import locked, verb

#: For so many days ahead a hold can be placed at most; then somebody has to look at it again.
LONGEST: Final = 730
#: Holds that are ended at once.
BATCH = 100


@verb
def place_hold(*, actor: Actor, ticket: Ticket, reason: str, until: date) -> Hold:
    """Keep a ticket from being erased through the day `until` (right *manage*).

    Raises `InvalidInput` without a reason, for a day that is past or too far away, or if it is held already.
    """
    ticket = locked(actor, ticket, Right.MANAGE)
    reason, until = _reason(reason), _day(until)
    if (standing := _standing(ticket)) is not None:
        if standing.until >= timezone.localdate():
            raise InvalidInput(_("There is a hold on this ticket already."))
        _end(standing)
    row = Hold.objects.create(
        ticket=ticket, reason=reason, until=until, placed_at=timezone.now(), placed_by=actor.user
    )
    _note(actor, row, EventKind.HOLD_PLACED, AuditKind.HOLD_PLACED)
    return row


@verb
def extend_hold(*, actor: Actor, ticket: Ticket, until: date, reason: str = "") -> Hold:
    """Let the hold on a ticket end on another day, or look at it and leave it as it is (right *manage*).

    An empty `reason` leaves the one that stands. Raises `NotFound` without a hold, `InvalidInput` as `place_hold`.
    """
    ticket = locked(actor, ticket, Right.MANAGE)
    row = _standing(ticket)
    if row is None:
        raise NotFound
    if until != row.until or until < timezone.localdate():
        row.until = _day(until)
        row.reminded_at = None
    row.reason = reason.strip() or row.reason
    row.reviewed_at, row.reviewed_by = timezone.now(), actor.user
    row.save(update_fields=["until", "reminded_at", "reason", "reviewed_at", "reviewed_by"])
    _note(actor, row, EventKind.HOLD_CHANGED, AuditKind.HOLD_CHANGED)
    return row


@verb
def lift_hold(*, actor: Actor, ticket: Ticket) -> Hold:
    """Take the hold from a ticket (right *manage*). Raises `NotFound` if there is none."""
    ticket = locked(actor, ticket, Right.MANAGE)
    row = _standing(ticket)
    if row is None:
        raise NotFound
    row.lifted_at, row.lifted_by = timezone.now(), actor.user
    row.save(update_fields=["lifted_at", "lifted_by"])
    _note(actor, row, EventKind.HOLD_LIFTED, AuditKind.HOLD_LIFTED)
    return row


@verb
def end_holds(*, today: date) -> int:
    """Lift the holds whose last day is over; return how many. Call again until that is 0."""
    rows = Hold.objects.filter(lifted_at__isnull=True, until__lt=today).select_related("ticket")
    skip = connection.features.has_select_for_update_skip_locked
    due = list(rows.select_for_update(of=("self",), skip_locked=skip).order_by("until")[:BATCH])
    for row in due:
        _end(row)
    return len(due)


def hold_also(
    *, actor: Actor, ticket: Ticket, as_on: Ticket, since: datetime | None = None
) -> Hold | None:
    """Hold a ticket that leaves another as that one is held: what lay there is not to go before its time.

    Both are locked. With `since` only a hold counts that was placed from then on. Nothing happens if `ticket`, or
    what is merged into it, is held already.
    """
    active = Hold.objects.active()
    if active.filter(_with(ticket)).exists():
        return None
    standing = active.filter(_with(as_on))
    if since is not None:
        standing = standing.filter(placed_at__gte=since)
    found = standing.order_by("-until", "pk").first()
    if found is None:
        return None
    if (ended := _standing(ticket)) is not None:
        _end(ended)
    row = Hold.objects.create(
        ticket=ticket,
        reason=found.reason,
        until=found.until,
        placed_at=found.placed_at,
        placed_by_id=found.placed_by_id,
    )
    _note(actor, row, EventKind.HOLD_PLACED, AuditKind.HOLD_PLACED)
    return row


def _with(ticket: Ticket) -> Q:
    return Q(ticket=ticket) | Q(ticket__merged_into=ticket)


def _end(row: Hold) -> None:
    row.lifted_at = timezone.now()
    row.save(update_fields=["lifted_at"])
    _note(SYSTEM, row, EventKind.HOLD_LIFTED, AuditKind.HOLD_LIFTED)


def _standing(ticket: Ticket) -> Hold | None:
    """Return the hold on a locked ticket that nobody lifted; its last day may be over."""
    return Hold.objects.filter(ticket=ticket, lifted_at__isnull=True).first()


def _note(actor: Actor, row: Hold, kind: EventKind, audited: AuditKind) -> None:
    """Write it down: the reason in what is erased with the ticket, and nowhere else."""
    data = {"until": row.until.isoformat()}
    content = {"reason": row.reason} if kind != EventKind.HOLD_LIFTED else None
    events.record(actor=actor, ticket=row.ticket, kind=kind, data=data, content=content)
    audit.record(audited, user=actor.user, ticket=row.ticket, data=data)


def _reason(text: str) -> str:
    found = text.strip()
    if not found:
        raise InvalidInput(_("Please say why the ticket must be kept."), field="reason")
    return found


def _day(until: date) -> date:
    day = until.date() if isinstance(until, datetime) else until
    today = timezone.localdate()
    if day <= today:
        raise InvalidInput(_("Please choose a day in the future."), field="until")
    if day > today + timedelta(days=LONGEST):
        raise InvalidInput(
            _("A hold ends after two years at the latest. It can be extended then."), field="until"
        )
    return day
