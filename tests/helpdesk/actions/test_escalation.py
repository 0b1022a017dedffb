from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import connection, connections

from helpdesk import actions, permissions
from helpdesk.actions import Draft, escalation
from helpdesk.models import Calendar, Channel, Clock, Event, EventKind, Promise, Queue, Ticket
from helpdesk.permissions import SYSTEM
from helpdesk.states import StateType
from tests import factories as f

pytestmark = pytest.mark.django_db

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
RAISED = (EventKind.CLOCK_WARNING, EventKind.CLOCK_BREACHED)


@pytest.fixture
def clock():
    with time_machine.travel(MONDAY, tick=False) as traveller:
        yield traveller


@pytest.fixture
def queue(clock):
    calendar = Calendar.objects.create(name="Office", country="DE", subdivision="NW")
    return f.QueueFactory(
        promise=Promise.objects.create(name="Hour", first_response=60), calendar=calendar
    )


def raised(ticket: Ticket) -> list[tuple[str, dict]]:
    rows = Event.objects.filter(ticket=ticket, kind__in=RAISED).order_by("pk")
    return [(row.kind, row.data) for row in rows]


def fresh(ticket: Ticket) -> Ticket:
    return Ticket.objects.get(pk=ticket.pk)


def answer(ticket: Ticket, **options) -> None:
    agent = permissions.agent(f.make_agent(ticket.queue))
    draft = Draft(body="Yes.", channel=Channel.EMAIL)
    actions.answer(actor=agent, ticket=ticket, draft=draft, **options)


def pend(ticket: Ticket, until: datetime, type_: StateType = StateType.PENDING_REMINDER) -> None:
    actions.change_state(actor=SYSTEM, ticket=ticket, state=f.state(type_), pending_until=until)


# --- warning and breach --------------------------------------------------------------------------


def test_a_clock_warns_once_and_breaks_once(queue, clock):
    ticket = f.make_ticket(queue)
    assert escalation.raise_clocks() == 0
    clock.shift(48 * 60)
    assert (escalation.raise_clocks(), escalation.raise_clocks()) == (1, 0)
    due = (MONDAY + timedelta(hours=1)).isoformat()
    told = {"clock": "first_response", "run": 1, "due": due}
    assert raised(ticket) == [("clock.warning", told)]
    clock.shift(12 * 60)
    assert (escalation.raise_clocks(), escalation.raise_clocks()) == (1, 0)
    clock.shift(86400)
    assert escalation.raise_clocks() == 0
    assert raised(ticket) == [("clock.warning", told), ("clock.breached", told)]
    assert Event.objects.filter(kind__in=RAISED).values_list("actor_kind").distinct().get() == (
        "system",
    )


def test_one_that_is_over_already_does_not_warn_any_more(queue, clock):
    ticket = f.make_ticket(queue)
    clock.shift(7200)
    assert (escalation.raise_clocks(), escalation.raise_clocks()) == (1, 0)
    assert [kind for kind, _data in raised(ticket)] == ["clock.breached"]


def test_an_answer_that_comes_too_late_between_two_rounds_is_a_breach_as_well(queue, clock):
    ticket = f.make_ticket(queue)
    clock.shift(3700)
    answer(ticket)
    assert [kind for kind, _data in raised(ticket)] == ["clock.breached"]
    assert escalation.raise_clocks() == 0
    in_time = f.make_ticket(queue)
    clock.shift(3500)
    answer(in_time)
    clock.shift(7200)
    assert escalation.raise_clocks() == 0
    assert raised(in_time) == []


def test_each_run_may_break_anew(queue, clock):
    queue.promise.first_response, queue.promise.update = None, 60
    queue.promise.save()
    ticket = f.make_ticket(queue)
    for _round in range(2):
        clock.shift(7200)
        escalation.raise_clocks()
        answer(ticket)
        ask = Draft(body="And now?", channel=Channel.EMAIL)
        actions.receive_message(actor=SYSTEM, ticket=ticket, draft=ask)
    assert [(kind, data["run"]) for kind, data in raised(ticket)] == [
        ("clock.breached", 1),
        ("clock.breached", 2),
    ]


def test_no_ticket_is_left_out_however_many_there_are(queue, clock, monkeypatch):
    tickets = [f.make_ticket(queue) for _n in range(7)]
    clock.shift(7200)
    monkeypatch.setattr(escalation, "BATCH", 3)
    rounds = []
    while count := escalation.raise_clocks():
        rounds.append(count)
    assert rounds == [3, 3, 1]
    assert {row.ticket_id for row in Event.objects.filter(kind="clock.breached")} == {
        ticket.pk for ticket in tickets
    }


def test_what_is_due_is_found_on_its_own_index(queue, clock):
    due = Clock.objects.filter(next_at__lte=MONDAY).order_by("next_at", "pk")[:100]
    reminders = Ticket.objects.filter(remind_at__lte=MONDAY).order_by("remind_at", "pk")[:100]
    idle = Ticket.objects.filter(hand_back_at__lte=MONDAY).order_by("hand_back_at", "pk")[:100]
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute("SET LOCAL enable_sort = off")
    assert "helpdesk_clock_next" in due.explain()
    assert "helpdesk_ticket_remind" in reminders.explain()
    assert "helpdesk_ticket_hand_back" in idle.explain()


# --- reminders -----------------------------------------------------------------------------------


def test_a_reminder_comes_back_every_working_day_until_the_date_is_changed(queue, clock):
    ticket = f.make_ticket(queue)
    pend(ticket, datetime(2026, 3, 5, 9, tzinfo=UTC))  # Thursday, ten in Berlin
    clock.move_to(datetime(2026, 3, 5, 8, 59, tzinfo=UTC))
    assert escalation.remind() == 0
    moments = []
    for hour in range(1, 24 * 5):
        clock.move_to(datetime(2026, 3, 5, 8, 59, tzinfo=UTC) + timedelta(hours=hour))
        if escalation.remind():
            moments.append(fresh(ticket).remind_at)
    # Thursday, Friday, Monday, Tuesday; nothing at the week-end
    assert Event.objects.filter(kind=EventKind.REMINDED).count() == 4
    assert {moment.isoweekday() for moment in moments} <= {1, 2, 3, 4, 5}
    assert all(7 <= moment.hour < 16 for moment in moments)
    version = fresh(ticket).version
    pend(ticket, datetime(2026, 4, 1, 9, tzinfo=UTC))
    assert fresh(ticket).remind_at == datetime(2026, 4, 1, 9, tzinfo=UTC)
    assert fresh(ticket).version == version + 1
    actions.change_state(actor=SYSTEM, ticket=ticket, state=f.state(StateType.OPEN))
    assert fresh(ticket).remind_at is None


def test_a_ticket_closes_by_itself_on_its_date(queue, clock):
    ticket, other = f.make_ticket(queue), f.make_ticket(queue)
    until = MONDAY + timedelta(days=1)
    pend(ticket, until, StateType.PENDING_AUTO)
    pend(other, until)
    assert fresh(ticket).remind_at is None
    assert fresh(other).remind_at == until
    clock.move_to(until)
    assert (escalation.close_pending(), escalation.close_pending()) == (1, 0)
    assert fresh(ticket).state.type == StateType.CLOSED
    assert fresh(ticket).closed_at == until
    assert fresh(other).state.type == StateType.PENDING_REMINDER


# --- handing back --------------------------------------------------------------------------------


def test_an_idle_owner_loses_the_ticket_to_the_queue_with_an_event(queue, clock):
    Queue.objects.filter(pk=queue.pk).update(hand_back_minutes=60)
    queue.refresh_from_db()
    ticket = f.make_ticket(queue)
    agent = permissions.agent(f.make_agent(queue))
    actions.claim(actor=agent, ticket=ticket)
    clock.shift(3599)
    assert escalation.hand_back_idle() == 0
    clock.shift(1)
    assert (escalation.hand_back_idle(), escalation.hand_back_idle()) == (1, 0)
    assert (fresh(ticket).owner, fresh(ticket).hand_back_at) == (None, None)
    event = Event.objects.filter(kind=EventKind.OWNER_CHANGED).last()
    assert event.data == {"from": agent.user.pk, "to": None, "by": "hand_back"}


@pytest.mark.parametrize("minutes", [None, 0])
def test_without_a_time_nobody_loses_a_ticket(queue, clock, minutes):
    Queue.objects.filter(pk=queue.pk).update(hand_back_minutes=minutes)
    ticket = f.make_ticket(queue)
    actions.claim(actor=permissions.agent(f.make_agent(queue)), ticket=ticket)
    clock.shift(90 * 86400)
    assert escalation.hand_back_idle() == 0
    assert fresh(ticket).owner is not None


# --- several workers -----------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(
    "not __import__('django.db').db.connection.features.has_select_for_update_skip_locked",
    reason="SQLite has one writer at a time",
)
def test_many_workers_raise_once(clock):
    queue = f.QueueFactory(promise=Promise.objects.create(name="Hour", first_response=60))
    tickets = [f.make_ticket(queue) for _n in range(20)]
    clock.shift(86400)
    now = datetime.now(tz=UTC)

    def work():
        try:
            while escalation.raise_clocks(now=now):
                pass
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work) for _n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    while escalation.raise_clocks(now=now):  # what another held at that moment
        pass
    counted = Event.objects.filter(kind="clock.breached").values_list("ticket_id", flat=True)
    assert sorted(counted) == sorted(ticket.pk for ticket in tickets)
