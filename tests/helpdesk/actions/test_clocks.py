from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from helpdesk import actions, permissions
from helpdesk.actions import Draft
from helpdesk.models import (
    Calendar,
    Channel,
    Clock,
    EventKind,
    Priority,
    Promise,
    PromiseOverride,
    State,
    Ticket,
    TicketType,
)
from helpdesk.permissions import SYSTEM
from helpdesk.states import StateType, may_change
from tests import factories as f

pytestmark = pytest.mark.django_db

# a Monday; Berlin is an hour ahead of UTC
MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.fixture
def clock():
    with time_machine.travel(MONDAY, tick=False) as traveller:
        yield traveller


@pytest.fixture
def queue(clock):
    calendar = Calendar.objects.create(name="Office", country="DE", subdivision="NW")
    promise = Promise.objects.create(name="Day", first_response=60, update=240, solution=960)
    return f.QueueFactory(promise=promise, calendar=calendar)


def draft(body="Switch it on.", channel=Channel.EMAIL) -> Draft:
    return Draft(body=body, channel=channel)


def ask(ticket: Ticket) -> None:
    actions.receive_message(actor=SYSTEM, ticket=ticket, draft=draft("Still silent."))


def agent_of(queue):
    return permissions.agent(f.make_agent(queue))


def alive(ticket: Ticket) -> dict[str, Clock]:
    return {row.kind: row for row in Clock.objects.filter(ticket=ticket, ended_at=None)}


def fresh(ticket: Ticket) -> Ticket:
    return Ticket.objects.get(pk=ticket.pk)


def berlin(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 3, day, hour - 1, minute, tzinfo=UTC)


def test_a_new_ticket_has_its_deadlines_by_the_queues_calendar(queue):
    ticket = f.make_ticket(queue)
    found = {kind: row.due_at for kind, row in alive(ticket).items()}
    assert found == {
        "first_response": berlin(2, 11),
        "update": berlin(2, 14),
        "solution": berlin(3, 17),
    }
    assert (ticket.promise, ticket.next_action, ticket.next_action_at) == (
        queue.promise,
        "first_response",
        berlin(2, 11),
    )
    assert alive(ticket)["first_response"].warn_at == berlin(2, 10, 48)


def test_without_a_promise_a_ticket_is_due_for_another_look(clock):
    ticket = f.make_ticket()
    assert not Clock.objects.exists()
    # two working days of the usual week
    assert (ticket.next_action, ticket.next_action_at) == ("look_again", berlin(3, 17))
    queue = ticket.queue
    queue.look_again_minutes = 60
    queue.save()
    actions.rename(actor=SYSTEM, ticket=ticket, subject="Another")
    assert fresh(ticket).next_action_at == berlin(2, 11)


@pytest.mark.parametrize("way", ["note", "machine", "unverified", "receipt", "forward"])
def test_nothing_but_an_answer_ends_the_first_response(queue, clock, way):
    ticket, agent = f.make_ticket(queue, receipt=way == "receipt"), agent_of(queue)
    clock.shift(600)
    if way == "note":
        actions.add_note(actor=agent, ticket=ticket, draft=draft())
    if way == "machine":
        away = Draft(body="Away", channel=Channel.EMAIL, machine="auto-reply")
        actions.receive_message(actor=SYSTEM, ticket=ticket, draft=away)
    if way == "unverified":
        actions.receive_message(actor=SYSTEM, ticket=ticket, draft=draft(), visible=False)
    if way == "forward":
        to = (("", "help@maker.example"),)
        actions.forward(actor=agent, ticket=ticket, draft=draft(), original=None, to=to)
    assert set(alive(ticket)) == {"first_response", "update", "solution"}
    assert alive(ticket)["first_response"].due_at == berlin(2, 11)
    assert fresh(ticket).first_response_at is None


@pytest.mark.parametrize("way", ["answer", "call", "called"])
def test_an_answer_or_a_call_ends_the_first_response(queue, clock, way):
    ticket, agent = f.make_ticket(queue), agent_of(queue)
    clock.shift(600)
    if way == "answer":
        actions.answer(actor=agent, ticket=ticket, draft=draft())
    else:
        actions.log_call(actor=agent, ticket=ticket, draft=draft(), inbound=way == "called")
    assert "first_response" not in alive(ticket)
    assert ("update" in alive(ticket)) is (way == "called")  # who calls us waits for an answer
    ended = Clock.objects.get(ticket=ticket, kind="first_response")
    assert (ended.end, ended.ended_at) == ("done", MONDAY + timedelta(minutes=10))


def test_waiting_for_the_customer_stops_what_the_state_says(queue, clock):
    ticket, agent = f.make_ticket(queue), agent_of(queue)
    clock.shift(3600)
    waiting = f.state(StateType.PENDING_REMINDER)
    until = berlin(9, 9)
    actions.answer(actor=agent, ticket=ticket, draft=draft(), state=waiting, pending_until=until)
    solution = alive(ticket)["solution"]
    assert solution.stands_still
    assert solution.due_at is None
    assert set(alive(ticket)) == {"solution"}
    assert (fresh(ticket).next_action, fresh(ticket).next_action_at) == ("pending", until)
    # the answer comes on Thursday at ten: one hour of sixteen was used up
    clock.move_to(berlin(5, 10))
    ask(ticket)
    assert alive(ticket)["solution"].due_at == berlin(6, 16)
    assert alive(ticket)["update"].due_at == berlin(5, 14)


def test_waiting_for_others_stops_nothing(queue, clock):
    ticket = f.make_ticket(queue)
    others = State.objects.get(slug="waiting-others")
    before = {kind: row.due_at for kind, row in alive(ticket).items()}
    actions.change_state(actor=SYSTEM, ticket=ticket, state=others, pending_until=berlin(9, 9))
    assert {kind: row.due_at for kind, row in alive(ticket).items()} == before
    assert fresh(ticket).next_action == "first_response"


def test_reopening_restarts_the_solution_from_there(queue, clock):
    ticket, agent = f.make_ticket(queue), agent_of(queue)
    clock.shift(3600)
    solved = f.state(StateType.CLOSED)
    actions.answer(actor=agent, ticket=ticket, draft=draft(), state=solved)
    assert not alive(ticket)
    assert (fresh(ticket).next_action, fresh(ticket).next_action_at) == ("", None)
    clock.move_to(berlin(4, 9))
    ask(ticket)
    found = {kind: (row.run, row.started_at) for kind, row in alive(ticket).items()}
    assert found == {"update": (2, berlin(4, 9)), "solution": (2, berlin(4, 9))}
    assert Clock.objects.get(ticket=ticket, kind="solution", run=1).end == "done"


def test_an_answer_taken_back_never_stopped_a_clock(queue, clock):
    ticket, agent = f.make_ticket(queue), agent_of(queue)
    before = list(Clock.objects.values())
    clock.shift(60)
    article = actions.answer(
        actor=agent, ticket=ticket, draft=draft(), state=f.state(StateType.CLOSED)
    )
    clock.shift(5)
    actions.take_back(actor=agent, ticket=ticket, article=article)
    assert list(Clock.objects.values()) == before
    assert fresh(ticket).first_response_at is None


def test_type_and_priority_bring_another_promise_and_take_it_away_again(queue, clock):
    ticket, agent = f.make_ticket(queue), agent_of(queue)
    urgent, normal = Priority.objects.get(slug="urgent"), Priority.objects.get(slug="normal")
    fast = Promise.objects.create(name="Fast", first_response=10)
    PromiseOverride.objects.create(priority=urgent, promise=fast)
    clock.shift(120)
    actions.set_priority(actor=agent, ticket=ticket, priority=urgent)
    assert {kind: row.due_at for kind, row in alive(ticket).items()} == {
        "first_response": berlin(2, 10, 10)
    }
    event = ticket.events.get(kind=EventKind.TERMS_APPLIED)
    assert event.data == {"from": {"promise": queue.promise_id}, "to": {"promise": fast.pk}}
    actions.set_priority(actor=agent, ticket=ticket, priority=normal)
    assert {kind: row.due_at for kind, row in alive(ticket).items()} == {
        "first_response": berlin(2, 11),
        "update": berlin(2, 14),
        "solution": berlin(3, 17),
    }
    PromiseOverride.objects.create(queue=queue, type=TicketType.objects.first(), promise=None)
    actions.set_type(actor=agent, ticket=ticket, type_=TicketType.objects.first())
    assert not alive(ticket)
    assert fresh(ticket).promise is None


def test_a_move_brings_the_other_queues_promise_and_calendar(queue, clock):
    ticket = f.make_ticket(queue)
    night = Calendar.objects.create(name="Night", hours={"mon": [["20:00", "22:00"]]})
    slow = Promise.objects.create(name="Slow", first_response=60, calendar=night)
    other = f.QueueFactory(promise=slow)
    actions.move(actor=SYSTEM, ticket=ticket, queue=other)
    assert {kind: row.due_at for kind, row in alive(ticket).items()} == {
        "first_response": berlin(2, 21)
    }


def test_spam_and_tests_are_promised_nothing(queue, clock):
    junk = f.QueueFactory(is_junk=True, parent=queue)
    assert f.make_ticket(junk).promise is None
    assert f.make_ticket(queue, is_test=True).promise is None
    assert not Clock.objects.exists()


def test_an_owner_has_the_queues_time_to_act(queue, clock):
    queue.hand_back_minutes = 120
    queue.save()
    ticket, agent = f.make_ticket(queue), agent_of(queue)
    assert fresh(ticket).hand_back_at is None
    actions.claim(actor=agent, ticket=ticket)
    assert fresh(ticket).hand_back_at == berlin(2, 12)
    clock.shift(1800)
    actions.add_note(actor=agent, ticket=ticket, draft=draft())
    assert fresh(ticket).hand_back_at == berlin(2, 12, 30)
    clock.shift(1800)
    actions.add_note(actor=agent_of(queue), ticket=ticket, draft=draft())  # somebody else's
    assert fresh(ticket).hand_back_at == berlin(2, 12, 30)
    actions.answer(
        actor=agent,
        ticket=ticket,
        draft=draft(),
        state=f.state(StateType.PENDING_REMINDER),
        pending_until=berlin(4, 9),
    )
    assert fresh(ticket).hand_back_at == berlin(4, 11)


def test_an_import_counts_from_its_import(queue, clock):
    old = Draft(body="Old", channel=Channel.EMAIL, created_at=MONDAY - timedelta(days=400))
    opened = actions.open_ticket(
        actor=SYSTEM, queue=queue, subject="Old", draft=old, customer=None, imported=True
    )
    assert alive(opened.ticket)["first_response"].due_at == berlin(2, 11)


# --- promise 6: nothing can be forgotten silently -------------------------------------------------


def _to(type_, days=None):
    def change(ticket, _agent, _clock):
        until = datetime.now(tz=UTC) + timedelta(days=days) if days else None
        if may_change(ticket.state.type, type_):
            actions.change_state(
                actor=SYSTEM, ticket=ticket, state=f.state(type_), pending_until=until
            )

    return change


def _answer(ticket, agent, _clock):
    return actions.answer(actor=agent, ticket=ticket, draft=draft())


def _take_back(ticket, agent, clock):
    article = _answer(ticket, agent, clock)
    actions.take_back(actor=agent, ticket=ticket, article=article)


def _move(ticket, _agent, _clock):
    actions.move(actor=SYSTEM, ticket=ticket, queue=f.QueueFactory(hand_back_minutes=60))


def _urgent(ticket, _agent, _clock):
    urgent = Priority.objects.get(slug="urgent")
    actions.set_priority(actor=SYSTEM, ticket=ticket, priority=urgent)


STEPS = {
    "answer": _answer,
    "take_back": _take_back,
    "note": lambda t, a, _c: actions.add_note(actor=a, ticket=t, draft=draft()),
    "ask": lambda t, _a, _c: ask(t),
    "call": lambda t, a, _c: actions.log_call(actor=a, ticket=t, draft=draft(), inbound=True),
    "claim": lambda t, a, _c: actions.claim(actor=a, ticket=t),
    "hand_back": lambda t, a, _c: actions.hand_back(actor=a, ticket=t),
    "wait": _to(StateType.PENDING_REMINDER, days=3),
    "auto": _to(StateType.PENDING_AUTO, days=3),
    "close": _to(StateType.CLOSED),
    "open": _to(StateType.OPEN),
    "move": _move,
    "urgent": _urgent,
    "time": lambda _t, _a, clock: clock.shift(36 * 3600),
}


@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(steps=st.lists(st.sampled_from(sorted(STEPS)), max_size=8), promised=st.booleans())
def test_every_open_ticket_has_a_next_date_whatever_was_done(queue, clock, steps, promised):
    clock.move_to(MONDAY)
    queue.promise = Promise.objects.first() if promised else None
    queue.save()
    user = f.UserFactory(is_superuser=True)
    ticket = f.make_ticket(queue)
    for step in steps:
        clock.shift(700)
        STEPS[step](fresh(ticket), permissions.agent(user), clock)
        now = fresh(ticket)
        assert (now.next_action_at is not None) == now.state.is_open
        assert bool(now.next_action) == now.state.is_open
        running = [row for row in alive(now).values() if row.running_since is not None]
        assert all(row.due_at for row in running)
        assert not running or now.next_action_at <= min(row.due_at for row in running)
        assert now.promise_id or not alive(now)
