"""The one place where a ticket's promise, clocks and next date are worked out.

Every verb comes by here when it saves its ticket (`base.touch`), and so does the worker when something
changed that deadlines depend on. Whatever the verbs did, the result depends on the ticket as it stands.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.utils.dateparse import parse_datetime

from helpdesk import conf, events
from helpdesk.models import (
    Calendar,
    Clock,
    EventKind,
    NextAction,
    Promise,
    Ticket,
    directory,
    insert,
    usual_work_time,
)
from helpdesk.permissions import Actor
from helpdesk.rules import clocks as rules
from helpdesk.rules import promises
from helpdesk.rules.openings import NoWorkingTime
from helpdesk.rules.worktime import WorkTime
from helpdesk.states import StateType

#: What `settle` may change on a ticket.
FIELDS = ("promise", "next_action_at", "next_action", "hand_back_at", "remind_at")


@dataclass
class Plan:
    """What has to be written besides the ticket itself."""

    new: list[Clock] = field(default_factory=list)
    changed: list[Clock] = field(default_factory=list)
    promise_before: int | None = None


def settle(actor: Actor, ticket: Ticket, *, at: datetime) -> None:
    """Bring clocks and dates of a locked ticket into line with it, as of `at`; the caller saves `FIELDS`.

    Costs no statement for a ticket to which nothing is promised, if the directory is kept.
    """
    carry_out(actor, ticket, prepare(ticket, at=at), at=at)


def prepare(ticket: Ticket, *, at: datetime, known: Iterable[Clock] | None = None) -> Plan:
    """Set promise and dates on `ticket` and return what its clocks become.

    `known` are its clocks, if they are read already. Writes nothing.
    """
    plan = Plan(promise_before=ticket.promise_id)
    promise = promise_of(ticket)
    ticket.promise_id = promise.pk if promise is not None else None
    rows: list[Clock] = []
    if promise is not None or plan.promise_before is not None:
        if known is None:
            known = Clock.objects.filter(ticket=ticket) if ticket.pk else ()
        rows = _settled(ticket, promise, list(known), plan, at)
    _set_dates(ticket, rows, promise)
    return plan


def carry_out(actor: Actor, ticket: Ticket, plan: Plan, *, at: datetime) -> None:
    """Write the clocks of a ticket that exists already, and record it if another promise holds now."""
    write(actor, ticket, plan, at=at)
    before, now = plan.promise_before, ticket.promise_id
    if before != now:
        events.record(
            actor=actor,
            ticket=ticket,
            kind=EventKind.TERMS_APPLIED,
            data={"from": {"promise": before}, "to": {"promise": now}},
        )


def write(actor: Actor, ticket: Ticket, plan: Plan, *, at: datetime) -> None:
    """Write the clocks of a plan. A run that ended too late is recorded as such, if nobody has yet."""
    for clock in plan.changed:
        if clock.ended_at is not None and _is_late(clock):
            breach(actor, ticket, clock, at=at)
        clock.save()
    for clock in plan.new:
        clock.ticket = ticket
        insert(clock, with_id=False)


def breach(actor: Actor, ticket: Ticket, clock: Clock, *, at: datetime) -> None:
    """Note on a clock that its time is used up, and record it. The caller saves the clock."""
    clock.breached_at = at
    clock.next_at = None
    _record(actor, ticket, clock, EventKind.CLOCK_BREACHED, clock.due_at)


def warn(actor: Actor, ticket: Ticket, clock: Clock, *, at: datetime) -> None:
    """Note on a clock that its deadline comes near, and record it. The caller saves the clock."""
    clock.warned_at = at
    clock.next_at = clock.due_at
    _record(actor, ticket, clock, EventKind.CLOCK_WARNING, clock.due_at)


def _record(
    actor: Actor, ticket: Ticket, clock: Clock, kind: EventKind, due: datetime | None
) -> None:
    events.record(
        actor=actor,
        ticket=ticket,
        kind=kind,
        data={"clock": clock.kind, "run": clock.run, "due": due.isoformat() if due else None},
    )


def _is_late(clock: Clock) -> bool:
    due, ended = clock.due_at, clock.ended_at
    is_dropped = clock.end == Clock.End.DROPPED
    return bool(due and ended and ended > due and clock.breached_at is None and not is_dropped)


# --- promise and calendar ------------------------------------------------------------------------


def promise_of(ticket: Ticket) -> Promise | None:
    """Return the promise that holds for a ticket: spam and test tickets are promised nothing."""
    if ticket.queue.is_junk or ticket.is_test:
        return None
    rows = directory()
    inherited = ticket.queue.inherited("promise_id")
    chosen = promises.choose(
        [
            promises.Override(row.queue_id, row.type_id, row.priority_id, row.promise_id)
            for row in rows.overrides
        ],
        lineage=[queue.pk for queue in ticket.queue.lineage()],
        type_id=ticket.type_id,
        priority_id=ticket.priority_id,
        page_promise_id=ticket.page_promise_id,
        queue_promise_id=inherited if isinstance(inherited, int) else None,
    )
    if chosen is None:
        return None
    found = rows.promises.get(chosen)
    if found is None:  # made since the directory was read
        found = Promise.objects.select_related("calendar").get(pk=chosen)
    return found


def work_time_of(ticket: Ticket, promise: Promise | None) -> WorkTime:
    """Return the working time by which a ticket's deadlines count.

    The promise's calendar, else the queue's, else the usual working week.
    """
    if promise is not None and promise.calendar is not None:
        return promise.calendar.work_time()
    inherited = ticket.queue.inherited("calendar")
    return inherited.work_time() if isinstance(inherited, Calendar) else usual_work_time()


# --- clocks --------------------------------------------------------------------------------------


def facts_of(ticket: Ticket) -> rules.Facts:
    """Return what the clocks of a ticket go by. An imported ticket counts from its import."""
    state = ticket.state
    flags = {
        rules.FIRST_RESPONSE: state.pauses_first_response,
        rules.UPDATE: state.pauses_update,
        rules.SOLUTION: state.pauses_solution,
    }
    imported = ticket.imported_at
    waiting = ticket.waiting_since
    return rules.Facts(
        is_open=state.is_open,
        began_at=imported or ticket.created_at,
        reopened_at=ticket.reopened_at,
        closed_at=ticket.closed_at,
        first_response_at=ticket.first_response_at,
        waiting_since=max(waiting, imported) if waiting and imported else waiting,
        paused=frozenset(kind for kind, pauses in flags.items() if pauses),
    )


def run_of(clock: Clock) -> rules.Run:
    """Return a row as the rules know it."""
    stretches = tuple((_moment(start), _moment(end)) for start, end in clock.stretches)
    return rules.Run(
        kind=clock.kind,
        number=clock.run,
        minutes=clock.minutes,
        started_at=clock.started_at,
        running_since=clock.running_since,
        stretches=stretches,
        ended_at=clock.ended_at,
        end=clock.end,
    )


def _moment(text: str) -> datetime:
    found = parse_datetime(text)
    if found is None:
        raise ValueError(text)
    return found


def _settled(
    ticket: Ticket, promise: Promise | None, known: list[Clock], plan: Plan, at: datetime
) -> list[Clock]:
    by_run = {(clock.kind, clock.run): clock for clock in known}
    minutes = {kind: value for kind in rules.KINDS if promise and (value := getattr(promise, kind))}
    before = {key: run_of(clock) for key, clock in by_run.items()}
    rows = []
    for run in rules.settle(before.values(), facts_of(ticket), minutes, at=at):
        clock = by_run.get((run.kind, run.number))
        is_new = clock is None
        if clock is None:
            clock = Clock(kind=run.kind, run=run.number)
        was = before.get((run.kind, run.number))
        moved = _take(clock, run, ticket, promise) or run != was
        if is_new:
            plan.new.append(clock)
        elif moved:
            plan.changed.append(clock)
        rows.append(clock)
    return rows


def _take(clock: Clock, run: rules.Run, ticket: Ticket, promise: Promise | None) -> bool:
    """Write a run into its row; tell whether its deadline moved."""
    was = (clock.warn_at, clock.due_at, clock.next_at)
    clock.minutes = run.minutes
    clock.started_at, clock.running_since = run.started_at, run.running_since
    clock.stretches = [[start.isoformat(), end.isoformat()] for start, end in run.stretches]
    clock.ended_at, clock.end = run.ended_at, run.end
    if run.is_alive and promise is not None:
        found = rules.deadline(run, work_time_of(ticket, promise), promise.warning_percent)
        clock.warn_at, clock.due_at = found.warn_at, found.due_at
    clock.next_at = _next_of(clock)
    return was != (clock.warn_at, clock.due_at, clock.next_at)


def _next_of(clock: Clock) -> datetime | None:
    """Return when something is to be raised on a clock: once a warning, once a breach."""
    if clock.ended_at is not None or clock.breached_at is not None:
        return None
    return clock.due_at if clock.warned_at is not None else clock.warn_at or clock.due_at


# --- dates ---------------------------------------------------------------------------------------


def _set_dates(ticket: Ticket, rows: list[Clock], promise: Promise | None) -> None:
    kind = ticket.state.type
    if not ticket.state.is_open or ticket.is_test:  # a test waits for nobody
        ticket.next_action_at = ticket.hand_back_at = ticket.remind_at = None
        ticket.next_action = ""
        return
    if kind != StateType.PENDING_REMINDER:
        ticket.remind_at = None
    work_time = work_time_of(ticket, promise)
    ticket.hand_back_at = _hand_back_at(ticket, work_time)
    dates: dict[str, datetime | None] = {
        row.kind: row.due_at for row in rows if row.running_since is not None
    }
    is_closing = kind == StateType.PENDING_AUTO
    dates[NextAction.CLOSE if is_closing else NextAction.PENDING] = ticket.pending_until
    dates[NextAction.HAND_BACK] = ticket.hand_back_at
    name, when = rules.next_date(dates, look_again_at=_look_again_at(ticket, work_time))
    ticket.next_action, ticket.next_action_at = str(name), when


def _hand_back_at(ticket: Ticket, work_time: WorkTime) -> datetime | None:
    """Return when an owner who does nothing loses the ticket: counted from what there was last to act on."""
    minutes = ticket.queue.inherited("hand_back_minutes")
    if ticket.owner_id is None or not isinstance(minutes, int) or not minutes:
        return None
    since = [ticket.owner_acted_at or ticket.changed_at, ticket.waiting_since, ticket.pending_until]
    try:
        return work_time.add(max(one for one in since if one is not None), minutes * 60)
    except NoWorkingTime:
        return None


def _look_again_at(ticket: Ticket, work_time: WorkTime) -> datetime:
    minutes = ticket.queue.inherited("look_again_minutes")
    if not isinstance(minutes, int) or not minutes:
        minutes = int(conf.get("LOOK_AGAIN_MINUTES"))
    try:
        return work_time.add(ticket.changed_at, minutes * 60)
    except NoWorkingTime:
        return ticket.changed_at + timedelta(minutes=minutes)
