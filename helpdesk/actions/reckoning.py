"""Working out all deadlines anew, in the background: a calendar, a promise or a queue has changed."""

from __future__ import annotations

from datetime import datetime

from django.db import connection, transaction
from django.utils import timezone

from helpdesk.models import (
    NOT_ARCHIVED,
    Clock,
    Directory,
    Reckoning,
    Ticket,
    directory,
    kept_directory,
)
from helpdesk.permissions import SYSTEM
from helpdesk.states import OPEN_TYPES

from . import clocks

BATCH = 200


def reckon(*, now: datetime | None = None) -> bool:
    """Go on with the oldest order by one batch of tickets; tell whether there is more to do.

    Batch and progress are one transaction: after a death it goes on behind the last ticket done.
    """
    now = now or timezone.now()
    with transaction.atomic(), kept_directory(anew=True):
        order = _order(now)
        if order is None:
            return False
        tickets = _batch(order.cursor)
        _work_out(tickets, now)
        if tickets:
            order.cursor = tickets[-1].pk
            order.done += len(tickets)
        if len(tickets) < BATCH:
            order.finished_at = now
        order.save()
    return order.finished_at is None or Reckoning.objects.filter(finished_at__isnull=True).exists()


def _order(now: datetime) -> Reckoning | None:
    """Return the order that is under way, else the one that waits, started now."""
    skip = connection.features.has_select_for_update_skip_locked
    rows = Reckoning.objects.select_for_update(skip_locked=skip).filter(finished_at__isnull=True)
    order = rows.order_by("pk").first()
    if order is not None and order.started_at is None:
        order.started_at = now
        order.total = Ticket.objects.filter(NOT_ARCHIVED, state__type__in=OPEN_TYPES).count()
    return order


def _batch(cursor: int) -> list[Ticket]:
    known: Directory = directory()
    types = [row.pk for row in known.states.values() if row.is_open]
    rows = Ticket.objects.select_for_update(no_key=True).filter(
        NOT_ARCHIVED, pk__gt=cursor, state__in=types
    )
    tickets = list(rows.order_by("pk")[:BATCH])
    for ticket in tickets:
        ticket.state, ticket.queue = known.states[ticket.state_id], known.queues[ticket.queue_id]
    return tickets


def _work_out(tickets: list[Ticket], now: datetime) -> None:
    by_ticket: dict[int, list[Clock]] = {ticket.pk: [] for ticket in tickets}
    for clock in Clock.objects.filter(ticket__in=list(by_ticket)):
        by_ticket[clock.ticket_id].append(clock)
    changed = []
    for ticket in tickets:
        before = _dates(ticket)
        plan = clocks.prepare(ticket, at=now, known=by_ticket[ticket.pk])
        clocks.carry_out(SYSTEM, ticket, plan, at=now)
        if _dates(ticket) != before:
            changed.append(ticket)
    # deadlines are no change of the ticket: its version and its date of change stay
    Ticket.objects.bulk_update(changed, clocks.FIELDS, batch_size=BATCH)


def _dates(ticket: Ticket) -> tuple[object, ...]:
    return (ticket.promise_id, *(getattr(ticket, name) for name in clocks.FIELDS[1:]))
