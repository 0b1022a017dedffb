"""What is due by itself: warnings and breaches of clocks, reminders, closing, handing back.

The worker calls these; each looks for what is due with one query on its own index, takes the tickets one by
one under their lock, and looks again there: several workers, and one that dies, do nothing twice. There is
no cap: each call takes a batch and returns how many it did, and is called again until that is 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.utils import timezone

from helpdesk import events
from helpdesk.models import Clock, EventKind, Ticket
from helpdesk.permissions import SYSTEM
from helpdesk.rules.openings import NoWorkingTime
from helpdesk.states import StateType

from . import clocks
from .base import default_state, touch
from .lifecycle import transition

BATCH = 100


def raise_clocks(*, now: datetime | None = None) -> int:
    """Raise *warning* and *breached* of the clocks that are due; once for each clock and run."""
    now = now or timezone.now()
    due = Clock.objects.filter(next_at__lte=now).order_by("next_at", "pk")
    return each_locked(dict.fromkeys(due.values_list("ticket_id", flat=True)[:BATCH]), _raise, now)


def _raise(ticket: Ticket, now: datetime) -> bool:
    raised = False
    for clock in Clock.objects.filter(ticket=ticket, next_at__lte=now):
        is_over = clock.due_at is not None and clock.due_at <= now
        (clocks.breach if is_over else clocks.warn)(SYSTEM, ticket, clock, at=now)
        clock.save(update_fields=["warned_at", "breached_at", "next_at"])
        raised = True
    return raised


def remind(*, now: datetime | None = None) -> int:
    """Remind of pending tickets whose date has come; again on every working day until it is changed."""
    now = now or timezone.now()
    due = Ticket.objects.filter(remind_at__lte=now).order_by("remind_at", "pk")
    return each_locked(due.values_list("pk", flat=True)[:BATCH], _remind, now)


def _remind(ticket: Ticket, now: datetime) -> bool:
    if ticket.remind_at is None or ticket.remind_at > now:
        return False
    until = ticket.pending_until
    ticket.remind_at = _next_day(ticket, now)
    ticket.save(update_fields=["remind_at"])  # no change that anybody must read before writing
    events.record(
        actor=SYSTEM,
        ticket=ticket,
        kind=EventKind.REMINDED,
        data={"pending_until": until.isoformat() if until else None},
    )
    return True


def _next_day(ticket: Ticket, now: datetime) -> datetime:
    tomorrow = now + timedelta(days=1)
    try:
        return clocks.work_time_of(ticket, ticket.promise).next_opening(tomorrow)
    except NoWorkingTime:
        return tomorrow


def close_pending(*, now: datetime | None = None) -> int:
    """Close the tickets that were to close by themselves at a date that has come."""
    now = now or timezone.now()
    due = Ticket.objects.filter(pending_until__lte=now, state__type=StateType.PENDING_AUTO)
    pks = due.order_by("pending_until", "pk").values_list("pk", flat=True)
    return each_locked(pks[:BATCH], _close, now)


def _close(ticket: Ticket, now: datetime) -> bool:
    due = ticket.pending_until is not None and ticket.pending_until <= now
    if not due or ticket.state.type != StateType.PENDING_AUTO:
        return False
    return transition(actor=SYSTEM, ticket=ticket, state=default_state(StateType.CLOSED), at=now)


def hand_back_idle(*, now: datetime | None = None) -> int:
    """Give tickets back to their queue whose owner did nothing for as long as the queue allows."""
    now = now or timezone.now()
    due = Ticket.objects.filter(hand_back_at__lte=now).order_by("hand_back_at", "pk")
    return each_locked(due.values_list("pk", flat=True)[:BATCH], _hand_back, now)


def _hand_back(ticket: Ticket, now: datetime) -> bool:
    if ticket.hand_back_at is None or ticket.hand_back_at > now or ticket.owner_id is None:
        return False
    before = ticket.owner_id
    ticket.owner = None
    touch(SYSTEM, ticket, "owner", at=now)
    events.record(
        actor=SYSTEM,
        ticket=ticket,
        kind=EventKind.OWNER_CHANGED,
        data={"from": before, "to": None, "by": "hand_back"},
    )
    return True


def each_locked(pks: Iterable[int], act: Callable[[Ticket, datetime], bool], now: datetime) -> int:
    """Act on each ticket under its lock, in a transaction of its own; return on how many it did something.

    A ticket that somebody holds at the moment is left for the next time.
    """
    done = 0
    for pk in list(pks):
        with transaction.atomic():
            ticket = _free(pk)
            done += ticket is not None and act(ticket, now)
    return done


def _free(pk: int) -> Ticket | None:
    skip = connection.features.has_select_for_update_skip_locked
    rows = Ticket.objects.select_for_update(no_key=True, skip_locked=skip).filter(pk=pk)
    if not rows.order_by().values_list("pk", flat=True):
        return None
    return Ticket.objects.select_related("state", "queue", "priority", "promise__calendar").get(
        pk=pk
    )
