from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.urls import reverse

from helpdesk import actions
from helpdesk.actions import Draft, reckoning
from helpdesk.models import (
    Calendar,
    Channel,
    Priority,
    Promise,
    PromiseOverride,
    Reckoning,
    State,
    Ticket,
)
from helpdesk.permissions import SYSTEM
from helpdesk.states import StateType
from tests import factories as f

from .conftest import browser

pytestmark = pytest.mark.django_db

MONDAY = datetime(2026, 3, 2, 8, 12, tzinfo=UTC)


def url(name: str, action: str, *args: object) -> str:
    return reverse(f"helpdesk_{name}:{action}", args=args)


# --- administration ------------------------------------------------------------------------------


def test_a_changed_promise_says_that_deadlines_are_worked_out_anew(admin):
    Reckoning.objects.all().delete()
    promise = Promise.objects.create(name="Day", first_response=60)
    data = {"name": "Day", "first_response": 120, "warning_percent": 50}
    page = admin.post(url("promises", "edit", promise.pk), data, follow=True).content.decode()
    assert "worked out anew in the background" in page
    promise.refresh_from_db()
    assert (promise.first_response, promise.warning_percent) == (120, 50)
    assert Reckoning.objects.filter(started_at=None).count() == 1


@pytest.mark.parametrize("percent", [0, 100, -5])
def test_a_warning_comes_before_the_deadline_and_after_the_start(admin, percent):
    data = {"name": "Odd", "first_response": 120, "warning_percent": percent}
    assert admin.post(url("promises", "add"), data).status_code == 200
    assert not Promise.objects.exists()


def test_an_override_needs_a_type_or_a_priority_and_is_there_once(admin, red):
    promise = Promise.objects.create(name="Fast", first_response=10)
    urgent = Priority.objects.get(slug="urgent")
    add = url("overrides", "add")
    page = admin.post(add, {"promise": promise.pk, "queue": red.queue.pk})
    assert "Choose a type or a priority." in page.content.decode()
    data = {"promise": promise.pk, "priority": urgent.pk}
    assert admin.post(add, data).status_code == 302
    page = admin.post(add, data)
    assert "There is such a promise already." in page.content.decode()
    assert PromiseOverride.objects.count() == 1
    assert urgent.name_en in admin.get(url("overrides", "index")).content.decode()


def test_removing_an_override_moves_deadlines_too(admin):
    urgent = Priority.objects.get(slug="urgent")
    row = PromiseOverride.objects.create(priority=urgent)
    Reckoning.objects.all().delete()
    assert admin.post(url("overrides", "delete", row.pk)).status_code == 302
    assert Reckoning.objects.count() == 1


def test_a_states_clocks_are_set_and_shown(admin):
    state = State.objects.get(slug="waiting-others")
    data = {
        **{name: getattr(state, name) for name in ("slug", "name_de", "name_en", "position")},
        "is_active": "on",
        "pauses_solution": "on",
    }
    assert admin.post(url("states", "edit", state.pk), data).status_code == 302
    state.refresh_from_db()
    flags = (state.pauses_first_response, state.pauses_update, state.pauses_solution)
    assert flags == (False, False, True)
    assert state.type == StateType.PENDING_REMINDER
    page = admin.get(url("states", "index")).content.decode()
    assert "next answer, solution" in page


# --- on the ticket -------------------------------------------------------------------------------


@pytest.fixture
def promised(red):
    calendar = Calendar.objects.create(name="Office", country="DE", subdivision="NW")
    red.queue.promise = Promise.objects.create(name="Day", first_response=240, solution=960)
    red.queue.calendar = calendar
    red.queue.save()
    return red


def screen(client, ticket: Ticket) -> str:
    return client.get(reverse("helpdesk_agents:ticket", args=[ticket.pk])).content.decode()


def test_the_ticket_says_when_what_is_due_and_why(promised):
    with time_machine.travel(MONDAY, tick=False) as clock:
        ticket = f.make_ticket(promised.queue)
        page = screen(promised.client, ticket)
        assert "4 h working time from Mon 09:12 is Mon 13:12." in page
        assert "in 4" in page.replace("\xa0", " ")
        clock.shift(timedelta(hours=6))
        assert "2 hours late" in screen(promised.client, ticket).replace("\xa0", " ")
        actions.answer(
            actor=promised.actor,
            ticket=ticket,
            draft=Draft(body="Yes.", channel=Channel.EMAIL),
            state=f.state(StateType.PENDING_REMINDER),
            pending_until=MONDAY + timedelta(days=9),
        )
        page = screen(promised.client, ticket)
        assert "done too late" in page
        assert "stands still, 6 h of 16 h used" in page
        clock.shift(timedelta(days=1))
        ask = Draft(body="And now?", channel=Channel.EMAIL)
        actions.receive_message(actor=SYSTEM, ticket=ticket, draft=ask)
        page = screen(promised.client, ticket)
        assert "6 h of 16 h were used up before. 10 h working time from Tue 15:12" in page


def test_without_a_promise_the_ticket_says_when_it_is_looked_at_again(red):
    page = screen(red.client, f.make_ticket(red.queue))
    assert "Look again" in page or "look again" in page


def test_who_reads_along_sees_no_deadlines(promised, blue):
    ticket = f.make_ticket(promised.queue)
    article = ticket.articles.get()
    actions.inform_queue(actor=SYSTEM, ticket=ticket, article=article, queue_id=blue.queue.pk)
    assert "side-clocks" in screen(promised.client, ticket)
    assert "side-clocks" not in screen(blue.client, ticket)


def test_the_queues_own_times_against_forgetting_are_set_by_its_managers(red):
    page = red.client.get(url("queues", "edit", red.queue.pk)).content.decode()
    assert 'name="hand_back_minutes"' in page
    assert 'name="look_again_minutes"' in page


def test_reckoning_is_cheap_when_there_is_nothing_to_do(django_assert_num_queries):
    Reckoning.objects.all().delete()
    with django_assert_num_queries(3):
        assert reckoning.reckon() is False


def test_strangers_get_nothing_of_it(promised):
    stranger = browser(f.make_agent(f.QueueFactory()))
    ticket = f.make_ticket(promised.queue)
    found = stranger.get(reverse("helpdesk_agents:ticket", args=[ticket.pk]))
    assert found.status_code == 404
