from __future__ import annotations

from datetime import UTC, datetime

import pytest
import time_machine

from helpdesk import actions
from helpdesk.actions import reckoning
from helpdesk.models import (
    Calendar,
    Clock,
    Promise,
    PromiseOverride,
    Reckoning,
    State,
    Ticket,
    TicketType,
)
from helpdesk.permissions import SYSTEM
from helpdesk.states import StateType
from tests import factories as f

pytestmark = pytest.mark.django_db

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.fixture
def queue():
    with time_machine.travel(MONDAY, tick=False):
        Reckoning.objects.all().delete()
        promise = Promise.objects.create(name="Hour", first_response=60)
        yield f.QueueFactory(promise=promise, calendar=Calendar.objects.create(name="Office"))


def finish() -> int:
    rounds = 1
    while reckoning.reckon():
        rounds += 1
    return rounds


def due(ticket: Ticket) -> datetime | None:
    rows = Clock.objects.filter(ticket=ticket, kind="first_response", ended_at=None)
    return rows.values_list("due_at", flat=True).first()


def test_nothing_is_asked_for_when_nothing_changed(queue):
    f.make_ticket(queue)
    assert not Reckoning.objects.exists()
    assert reckoning.reckon() is False


def later_hours(queue):
    queue.calendar.hours = {"mon": [["12:00", "17:00"]]}
    queue.calendar.save()
    return datetime(2026, 3, 2, 12, tzinfo=UTC)


def longer_promise(queue):
    queue.promise.first_response = 120
    queue.promise.save()
    return datetime(2026, 3, 2, 11, tzinfo=UTC)


def no_promise(queue):
    queue.promise = None
    queue.save()


def override(queue):
    fast = Promise.objects.create(name="Fast", first_response=30)
    PromiseOverride.objects.create(type=TicketType.objects.first(), promise=fast)
    return datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


def new_flags(queue):
    state = State.objects.get(slug="new")
    state.pauses_first_response = True
    state.save()


@pytest.mark.parametrize("change", [later_hours, longer_promise, no_promise, override, new_flags])
def test_whatever_deadlines_depend_on_moves_them(queue, change):
    ticket = f.make_ticket(queue, type_=TicketType.objects.first())
    before = Ticket.objects.values("version", "changed_at").get(pk=ticket.pk)
    expected = change(queue)
    assert Reckoning.objects.filter(finished_at=None).count() == 1
    finish()
    assert due(ticket) == expected
    after = Ticket.objects.get(pk=ticket.pk)
    assert {"version": after.version, "changed_at": after.changed_at} == before
    assert after.next_action_at is not None
    if expected:
        assert after.next_action_at == expected


def test_it_goes_on_where_it_was_and_says_how_far_it_is(queue, monkeypatch):
    tickets = [f.make_ticket(queue) for _n in range(5)]
    closed = f.make_ticket(queue)
    actions.change_state(actor=SYSTEM, ticket=closed, state=f.state(StateType.CLOSED))
    longer_promise(queue)
    monkeypatch.setattr(reckoning, "BATCH", 2)
    assert reckoning.reckon() is True
    row = Reckoning.objects.get()
    assert (row.done, row.total, row.finished_at) == (2, 5, None)
    # another change meanwhile waits for its turn, once
    longer_promise(queue)
    longer_promise(queue)
    assert Reckoning.objects.count() == 2
    finish()
    assert {due(ticket) for ticket in tickets} == {datetime(2026, 3, 2, 11, tzinfo=UTC)}
    assert not Reckoning.objects.filter(finished_at=None).exists()


def test_a_batch_costs_the_same_for_two_and_for_many(queue, django_assert_max_num_queries):
    for _n in range(12):
        f.make_ticket(queue)
    longer_promise(queue)
    # clocks are saved one by one: the only part that grows
    with django_assert_max_num_queries(12 + 16):
        reckoning.reckon()
