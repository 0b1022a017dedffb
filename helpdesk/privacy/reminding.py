"""Holds that end: by themselves when their last day is over, and a reminder before."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

from django.contrib.auth import get_user_model

from helpdesk.actions import end_holds
from helpdesk.models import ErasureRun, Hold, NoticeKind, Right
from helpdesk.notifications import telling
from helpdesk.permissions import agent, can
from helpdesk.teams import Teams

from .due import day_of, holds_on

#: So many days before its end somebody is reminded of a hold.
REMIND_DAYS = 14
BATCH = 50


def hold_batch(run: ErasureRun, now: datetime) -> tuple[Counter[str], bool]:
    """End the holds whose last day is over and remind of those that end soon."""
    day = day_of(now)
    ended = end_holds(today=day)
    soon = holds_on(day).filter(until__lte=day + timedelta(days=REMIND_DAYS), reminded_at=None)
    rows = list(soon.select_related("ticket", "placed_by").order_by("until", "pk")[:BATCH])
    teams = Teams()
    for hold in rows:
        _remind(hold, teams)
    Hold.objects.filter(pk__in=[hold.pk for hold in rows]).update(reminded_at=now)
    counts = Counter(holds_ended=ended, reminders=len(rows))
    return counts, bool(ended or rows)


def _remind(hold: Hold, teams: Teams) -> None:
    """Tell whoever placed it, if they still may read the ticket, and those who manage its queue."""
    ids = set(teams.team(hold.ticket.queue_id, Right.MANAGE))
    placed_by = hold.placed_by
    if placed_by is not None and can(agent(placed_by), Right.READ, hold.ticket):
        ids.add(placed_by.pk)
    users = get_user_model()._default_manager.filter(pk__in=ids, is_active=True)
    for user in users.order_by("pk"):
        telling.tell_one(user=user, kind=NoticeKind.STORAGE, ticket=hold.ticket)
