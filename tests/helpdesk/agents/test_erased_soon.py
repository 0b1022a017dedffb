"""The list of tickets by when they may be erased: in how many days, held ones left out, the date shown with each."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from helpdesk import actions, permissions
from helpdesk.agents.list_views import VIEWS
from helpdesk.agents.tickets_list import TicketFilters, for_rows, ordered, tickets_for
from helpdesk.models import Ticket
from helpdesk.permissions import SYSTEM
from helpdesk.rules.terms import Terms
from helpdesk.states import StateType
from tests import factories as f

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 15, 12, tzinfo=UTC)
WITHIN = {"erased": "30"}


@pytest.fixture(autouse=True)
def _clock():
    with time_machine.travel(NOW, tick=False):
        yield


def url(slug: str = "all") -> str:
    return reverse("helpdesk_agents:tickets_view", args=[slug])


def goes_in(queue, days: int, **terms) -> Ticket:
    """Make a closed ticket that may be erased from so many days from now on."""
    ticket = f.make_ticket(queue, subject=f"Goes in {days}", contact="", terms=Terms(100, **terms))
    with time_machine.travel(NOW - timedelta(days=101 - days), tick=False):
        actions.change_state(actor=SYSTEM, ticket=ticket, state=f.state(StateType.CLOSED))
    ticket.refresh_from_db()
    return ticket


def listed(client, slug: str = "all", **query) -> list[int]:
    return [row.pk for row in client.get(url(slug), query).context["object_list"]]


def hold(ticket: Ticket, days: int) -> None:
    until = timezone.localdate() + timedelta(days=days)
    actions.place_hold(actor=SYSTEM, ticket=ticket, reason="x", until=until)


def test_those_that_go_within_the_days_are_listed_the_soonest_first(red, blue):
    later, late, soon, due = (goes_in(red.queue, days) for days in (60, 20, 3, -2))
    goes_in(blue.queue, 5)
    assert listed(red.client, **WITHIN) == [due.pk, soon.pk, late.pk]
    assert listed(red.client, erased="7") == [due.pk, soon.pk]
    assert listed(red.client, erased="90") == [due.pk, soon.pk, late.pk, later.pk]
    assert listed(red.client, "closed", ordering="-erase_at", **WITHIN) == [
        late.pk,
        soon.pk,
        due.pk,
    ]
    assert listed(red.client, "open", **WITHIN) == []
    assert red.ticket.pk in listed(red.client, erased="")


def test_archived_ones_are_among_them_and_nothing_offers_to_add_them(red):
    ticket = goes_in(red.queue, 10)
    Ticket.objects.filter(pk=ticket.pk).update(archived_at=timezone.now())
    assert listed(red.client) == [red.ticket.pk]
    page = red.client.get(url(), WITHIN)
    assert [row.pk for row in page.context["object_list"]] == [ticket.pk]
    assert "Also show archived tickets" not in page.content.decode()


def test_open_ones_that_nobody_closes_are_among_them(red):
    with time_machine.travel(NOW - timedelta(days=720), tick=False):
        ticket = f.make_ticket(red.queue, contact="")
    assert listed(red.client, "open", **WITHIN) == [ticket.pk]


def test_what_a_hold_keeps_longer_is_not_among_them(red):
    held, freed, merged, source = (goes_in(red.queue, days) for days in (5, 6, 7, 8))
    hold(held, 31)
    hold(freed, 20)
    actions.merge(actor=SYSTEM, source=source, target=merged, visible=False)
    assert listed(red.client, **WITHIN) == [freed.pk, merged.pk]
    hold(source, 31)
    assert listed(red.client, **WITHIN) == [freed.pk]


def test_the_date_stands_with_each_and_what_happens_then(red):
    goes_in(red.queue, 10)
    goes_in(red.queue, 12, at_end="anonymise")
    page = red.client.get(url(), WITHIN).content.decode()
    assert '<span class="hd-label">erased from 25 Mar 2026 on</span>' in page
    assert '<span class="hd-label">made anonymous from 27 Mar 2026 on</span>' in page
    assert "erased from" not in red.client.get(url()).content.decode()


@pytest.mark.parametrize("slug", VIEWS)
def test_every_list_has_the_filter_and_says_that_it_is_on(red, slug):
    assert 'name="erased"' in red.client.get(url(slug)).content.decode()
    page = red.client.get(url(slug), WITHIN).content.decode()
    assert "in the next 30 days" in page.partition("w-active-filters")[2]


@pytest.mark.parametrize("asked", ["x", "31", "-1", "7' OR 1"])
def test_other_numbers_are_no_filter(red, asked):
    answer = red.client.get(url(), {"erased": asked})
    assert answer.status_code == 200
    assert [row.pk for row in answer.context["object_list"]] == [red.ticket.pk]


def test_it_asks_as_much_with_two_as_with_many(red, monkeypatch):
    monkeypatch.setattr("helpdesk.agents.tickets_list.TicketIndexView.paginate_by", 250)
    row = goes_in(red.queue, 10)
    hold(goes_in(red.queue, 10), 40)
    counts = []
    for number in range(201):
        if number in (0, 1, 200):
            with CaptureQueriesContext(connection) as captured:
                assert len(listed(red.client, **WITHIN)) == number + 1
            counts.append(len(captured))
        row.pk, row.number, row.link_nonce = None, f"20260101{number:08d}", f"n{number}"
        row.save(force_insert=True)
    assert counts[1] == counts[2]


@pytest.mark.parametrize("is_root", [True, False])
def test_the_few_are_looked_up_in_an_index(red, is_root):
    row = goes_in(red.queue, 10)
    values = {one.attname: getattr(row, one.attname) for one in row._meta.concrete_fields}
    rows = []
    for number in range(2000):
        at = NOW + timedelta(days=20 + number)
        own = {"id": None, "number": f"n{number}", "erase_at": at, "storage_step_at": at}
        rows.append(Ticket(**{**values, **own}))
    Ticket.objects.bulk_create(rows)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    actor = permissions.agent(f.UserFactory(is_superuser=True) if is_root else red.agent)
    found = tickets_for(actor, TicketFilters("all", erased_within=30))
    plan = ordered(for_rows(found, actor), "erase_at")[:51].explain()
    assert "helpdesk_ticket_storage" in plan, plan
