from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.urls import reverse

from helpdesk import actions
from helpdesk.models import Calendar, Promise, Queue, Reckoning, Ticket
from helpdesk.permissions import SYSTEM
from helpdesk.states import StateType
from tests import factories as f

from .conftest import browser
from .test_tickets_list import queries

pytestmark = pytest.mark.django_db

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.fixture
def clock():
    with time_machine.travel(MONDAY, tick=False) as traveller:
        yield traveller


def due_url() -> str:
    return reverse("helpdesk_agents:tickets_view", args=["due"])


def promise(queue: Queue, minutes: int) -> None:
    queue.promise = Promise.objects.create(name=f"{minutes} minutes", first_response=minutes)
    queue.calendar = Calendar.objects.get_or_create(name="Office")[0]
    queue.save()


def test_due_comes_first_what_is_due_first(red, clock):
    Ticket.objects.all().delete()
    plain = f.make_ticket(red.queue, subject="Plain")
    promise(red.queue, 60)
    soon = f.make_ticket(red.queue, subject="Soon")
    waiting = f.make_ticket(red.queue, subject="Waiting")
    until = MONDAY + timedelta(minutes=30)
    actions.change_state(
        actor=SYSTEM, ticket=waiting, state=f.state(StateType.PENDING_REMINDER), pending_until=until
    )
    closed = f.make_ticket(red.queue, subject="Closed")
    actions.change_state(actor=SYSTEM, ticket=closed, state=f.state(StateType.CLOSED))
    page = red.client.get(due_url())
    rows = [ticket.pk for ticket in page.context["object_list"]]
    assert rows == [waiting.pk, soon.pk, plain.pk]
    text = page.content.decode().replace("\xa0", " ")
    assert "in 30 minutes" in text
    assert "first response" in text
    assert "look again" in text


def test_what_is_overdue_says_so_in_words(red, clock):
    promise(red.queue, 60)
    f.make_ticket(red.queue)
    clock.shift(3 * 3600)
    page = red.client.get(due_url()).content.decode().replace("\xa0", " ")
    assert "2 hours late" in page
    assert "Overdue" in page
    home = red.client.get(reverse("wagtailadmin_home")).content.decode()
    assert "Overdue" in home


def test_nothing_of_other_teams_is_due_here(red, blue, clock):
    promise(blue.queue, 60)
    f.make_ticket(blue.queue, subject="Foreign")
    clock.shift(3 * 3600)
    assert "Foreign" not in red.client.get(due_url()).content.decode()
    home = red.client.get(reverse("wagtailadmin_home")).content.decode()
    assert "Overdue" not in home


def test_the_start_page_says_how_far_the_deadlines_are(red):
    Reckoning.objects.all().delete()
    Reckoning.objects.create(asked_at=MONDAY, started_at=MONDAY, done=340, total=1200)
    home = reverse("wagtailadmin_home")
    assert "340 of 1200 tickets" in red.client.get(home).content.decode().replace(",", "")
    reader = browser(f.make_agent(red.queue, rights=["read"]))
    assert "worked out anew" not in reader.get(home).content.decode()


def test_due_costs_the_same_for_few_and_many(red, clock):
    promise(red.queue, 60)
    for _number in range(2):
        f.make_ticket(red.queue)
    queries(red.client, due_url())  # caches of content types and the like
    few = queries(red.client, due_url())
    for _number in range(40):
        f.make_ticket(red.queue)
    assert len(queries(red.client, due_url())) == len(few)
