"""The deadlines of a ticket in words: for its screen, and for a row of the list."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from django.utils.timesince import timesince, timeuntil
from django.utils.translation import gettext as _

from helpdesk.actions import clocks
from helpdesk.models import Clock, NextAction, Ticket
from helpdesk.rules import clocks as rules
from helpdesk.rules import worktime
from helpdesk.rules.openings import NoWorkingTime

from .desk import Desk

#: A date that comes within so long is marked in the list.
SOON = timedelta(hours=4)


@dataclass(frozen=True)
class Date:
    """One date with its name, how far it is in words, and how to mark it: "late", "soon" or ""."""

    label: Any
    at: datetime
    words: str
    tone: str


def next_date(ticket: Ticket, now: datetime | None = None) -> Date | None:
    """Return the next date of a ticket, or None for one that is closed."""
    if ticket.next_action_at is None or not ticket.next_action:
        return None
    label = NextAction(ticket.next_action).label
    return dated(label, ticket.next_action_at, now or timezone.now())


def dated(label: Any, at: datetime, now: datetime) -> Date:
    """Return a date in words, as seen from `now`."""
    if at <= now:
        words = _("%(time)s late") % {"time": timesince(at, now, depth=1)}
        return Date(label, at, words, "late")
    words = _("in %(time)s") % {"time": timeuntil(at, now, depth=1)}
    return Date(label, at, words, "soon" if at - now < SOON else "")


@dataclass(frozen=True)
class ClockFact:
    """One clock on the ticket's screen: what it is, where it stands, and why."""

    label: Any
    status: str  # "running", "still", "done", "missed", "closed"
    words: str
    at: datetime | None = None
    tone: str = ""
    why: str = ""


def clock_facts(desk: Desk) -> list[ClockFact]:
    """Return the clocks of the ticket, the newest run of each kind. One query, none without a promise."""
    rows = list(Clock.objects.filter(ticket=desk.ticket).order_by("kind", "run"))
    newest = {row.kind: row for row in rows if row.end != Clock.End.DROPPED}
    now = timezone.now()
    return [_fact(desk, newest[kind], now) for kind in rules.KINDS if kind in newest]


def _fact(desk: Desk, clock: Clock, now: datetime) -> ClockFact:
    label = clock.get_kind_display()
    if clock.ended_at is not None:
        return _ended(label, clock)
    if clock.running_since is None:
        used = rules.used(clocks.run_of(clock), _work_time(desk), at=now)
        words = _("stands still, %(used)s of %(all)s used") % {
            "used": worktime.amount(used),
            "all": worktime.amount(clock.minutes * 60),
        }
        return ClockFact(label, "still", words)
    if clock.due_at is None:
        return ClockFact(label, "still", _("the calendar never opens"))
    date = dated(label, clock.due_at, now)
    return ClockFact(label, "running", date.words, clock.due_at, date.tone, _why(desk, clock))


def _ended(label: Any, clock: Clock) -> ClockFact:
    is_missed = clock.breached_at is not None
    if is_missed:
        return ClockFact(label, "missed", _("done too late"), clock.ended_at, "late")
    if clock.end == Clock.End.CLOSED:
        return ClockFact(label, "closed", _("closed before"), clock.ended_at)
    return ClockFact(label, "done", _("done in time"), clock.ended_at)


def _work_time(desk: Desk) -> worktime.WorkTime:
    return clocks.work_time_of(desk.ticket, desk.ticket.promise)


def _why(desk: Desk, clock: Clock) -> str:
    """Return how a deadline comes about, in a sentence or two."""
    work_time = _work_time(desk)
    run = clocks.run_of(clock)
    if clock.running_since is None:
        return ""
    before = rules.used(run, work_time, at=clock.running_since)
    left = clock.minutes * 60 - before
    if left <= 0:
        return _("The promised time was used up before it last stood still.")
    try:
        sentence = work_time.explain(clock.running_since, left)
    except NoWorkingTime:
        return ""
    if not before:
        return sentence
    return (
        _("%(used)s of %(all)s were used up before.")
        % {
            "used": worktime.amount(before),
            "all": worktime.amount(clock.minutes * 60),
        }
        + f" {sentence}"
    )


def other_dates(ticket: Ticket) -> list[Date]:
    """Return the dates of a ticket that are no clocks: when it is handed back or looked at again."""
    now = timezone.now()
    found = []
    if ticket.hand_back_at is not None:
        found.append(dated(NextAction.HAND_BACK.label, ticket.hand_back_at, now))
    if ticket.next_action == NextAction.LOOK_AGAIN and ticket.next_action_at is not None:
        found.append(dated(NextAction.LOOK_AGAIN.label, ticket.next_action_at, now))
    return found
