"""The screens by which something confidential could come where it is not: they ask, and lose nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.urls import reverse

from helpdesk.models import AuditEntry, AuditKind, Right, Ticket
from tests import factories as f

from .conftest import Team, browser, make_team

pytestmark = pytest.mark.django_db

WARNING = "“Red” is not confidential: everybody there can read the ticket then (2 people)"
BOX = 'name="opens"'


@pytest.fixture
def safe(db: None) -> Team:
    team = make_team("Safe")
    team.queue.is_confidential = True
    team.queue.save()
    return team


@pytest.fixture
def both(safe, red) -> Any:
    """The browser of somebody who works in both queues; one more reads the open one."""
    f.make_agent(red.queue, rights=[Right.READ])
    red.agent.groups.add(*safe.agent.groups.all())
    return red.client


def change(ticket: Ticket, name: str = "queue") -> str:
    return reverse("helpdesk_agents:change", args=[ticket.pk, name])


def split(ticket: Ticket) -> str:
    return reverse("helpdesk_agents:split", args=[ticket.pk, ticket.articles.get().pk])


def queue_of(ticket: Ticket) -> str:
    return Ticket.objects.get(pk=ticket.pk).queue.name


def lines() -> list[dict[str, Any]]:
    rows = AuditEntry.objects.filter(kind=AuditKind.CONFIDENTIAL_READ)
    return [row.data for row in rows if row.data]


def test_moving_asks_who_would_read_it(both, safe, red):
    page = both.get(f"/admin/helpdesk/tickets/{safe.ticket.pk}/").content.decode()
    assert BOX not in page  # nothing is chosen yet
    shown = json.dumps({"queue_id": safe.queue.pk})
    wanted = {"queue": str(red.queue.pk), "shown": shown}
    answer = both.post(change(safe.ticket), wanted)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert WARNING in page
    assert BOX in page
    assert f'<option value="{red.queue.pk}" selected>' in page  # what was chosen is still there
    assert queue_of(safe.ticket) == "Safe"
    assert lines() == []
    assert both.post(change(safe.ticket), {**wanted, "opens": "on"}).status_code == 302
    assert queue_of(safe.ticket) == "Red"
    assert lines() == [{"moved_to": "Red"}]
    log = browser(f.UserFactory(is_superuser=True)).get("/admin/helpdesk/audit/").content.decode()
    assert "moved to “Red”, which is not confidential" in log


def test_other_moves_do_not_ask(both, safe, red):
    answer = both.post(change(red.ticket), {"queue": str(safe.queue.pk)})
    assert answer.status_code == 302
    assert queue_of(red.ticket) == "Safe"
    other = f.QueueFactory(parent=safe.queue)
    both.post(change(safe.ticket), {"queue": str(other.pk)})
    assert queue_of(safe.ticket) == other.name
    assert lines() == []


def test_a_tick_meant_for_one_queue_opens_no_ticket_that_was_moved_meanwhile(both, safe, red):
    shown = json.dumps({"queue_id": red.queue.pk})
    sent = {"queue": str(red.queue.pk), "shown": shown, "opens": "on"}
    other = make_team("Other")
    red.agent.groups.add(*other.agent.groups.all())
    sent["queue"] = str(other.queue.pk)
    assert both.post(change(safe.ticket), sent).status_code == 409
    assert queue_of(safe.ticket) == "Safe"


def test_a_part_asks_as_well(both, safe, red):
    form = {"subject": "Part", "queue": str(red.queue.pk), "idempotency_key": "k"}
    assert BOX not in both.get(split(safe.ticket)).content.decode()
    answer = both.post(split(safe.ticket), form)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert WARNING in page
    assert BOX in page
    assert 'value="Part"' in page
    assert not Ticket.objects.filter(subject="Part").exists()
    assert both.post(split(safe.ticket), {**form, "opens": "on"}).status_code == 302
    assert queue_of(Ticket.objects.get(subject="Part")) == "Red"
    assert lines() == [{"split_to": "Red"}]


def test_spam_says_who_may_read_it(both, safe, red):
    words = "It is not confidential then"
    urls = [f"/admin/helpdesk/tickets/{team.ticket.pk}/" for team in (safe, red)]
    assert [words in both.get(url).content.decode() for url in urls] == [False, False]
    f.QueueFactory(is_junk=True)
    assert [words in both.get(url).content.decode() for url in urls] == [True, False]
