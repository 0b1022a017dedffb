from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from helpdesk import actions, duplicates, permissions
from helpdesk.actions.archiving import archive_closed
from helpdesk.agents.list_views import VIEWS
from helpdesk.agents.tickets_list import TicketFilters, tickets_for
from helpdesk.models import Ticket
from helpdesk.states import StateType
from tests import factories as f

pytestmark = pytest.mark.django_db

WITH = {"archive": "with"}
LINK = "archive=with"


def view(slug: str) -> str:
    return reverse("helpdesk_agents:tickets_view", args=[slug])


@pytest.fixture
def old(red) -> Ticket:
    """A ticket of Red that was closed long ago, watched by its agent, in the archive."""
    ticket = f.make_ticket(red.queue, subject="Ancient quokka", contact="")
    actions.watch(actor=red.actor, ticket=ticket)
    actions.change_state(actor=red.actor, ticket=ticket, state=f.state(StateType.CLOSED))
    Ticket.objects.filter(pk=ticket.pk).update(closed_at=timezone.now() - timedelta(days=61))
    assert archive_closed() == 1
    ticket.refresh_from_db()
    return ticket


def rows(client, slug: str, **query) -> list[int]:
    return [row.pk for row in client.get(view(slug), query).context["object_list"]]


@pytest.mark.parametrize("slug", ["all", "closed", "watched"])
def test_lists_of_closed_tickets_hold_archived_ones_when_asked(red, old, slug):
    assert old.pk not in rows(red.client, slug)
    assert old.pk in rows(red.client, slug, **WITH)


def test_state_filter_too(red, old):
    assert rows(red.client, "all", state=old.state_id) == []
    assert rows(red.client, "all", state=old.state_id, **WITH) == [old.pk]


@pytest.mark.parametrize("slug", [slug for slug, one in VIEWS.items() if not one.has_closed])
def test_lists_of_open_tickets_have_no_archive(red, old, slug):
    page = red.client.get(view(slug), WITH)
    assert old not in page.context["object_list"]
    assert LINK not in red.client.get(view(slug)).content.decode()


def test_list_says_where_they_are_and_the_switch_keeps_its_place(red, old):
    page = red.client.get(view("all"), {"ordering": "created_at"}).content.decode()
    assert "What has been closed for more than 60 days is in the archive." in page
    assert "?ordering=created_at&amp;archive=with" in page
    page = red.client.get(view("all"), {"ordering": "created_at", **WITH}).content.decode()
    assert "is in the archive." not in page
    assert '<span class="hd-label">archived</span>' in page
    assert "archive=with" in page  # in the addresses by which one sorts and turns pages


def test_empty_list_says_so_too(red, old):
    page = red.client.get(view("closed")).content.decode()
    assert "Also show archived tickets" in page


@pytest.mark.parametrize("slug", ["all", "closed"])
def test_search_always_finds_them_marked(red, old, slug):
    page = red.client.get(view(slug), {"q": "quokka"})
    assert [row.pk for row in page.context["object_list"]] == [old.pk]
    assert '<span class="hd-label">archived</span>' in page.content.decode()
    assert "Also show archived tickets" not in page.content.decode()


def test_search_by_number_and_finder_find_them_marked(red, old):
    assert rows(red.client, "all", q=old.number) == [old.pk]
    found = red.client.get(reverse("helpdesk_agents:find_ticket"), {"q": "quokka"}).content.decode()
    assert old.number in found
    assert "archived" in found


def test_with_archive_it_is_what_one_may_read(red, blue, old):
    asked = TicketFilters(view="all", with_archive=True)
    assert set(tickets_for(red.actor, asked)) == set(permissions.visible_tickets(red.actor))
    assert old not in tickets_for(blue.actor, asked)
    assert blue.client.get(view("all"), {**WITH, "q": "quokka"}).context["items_count"] == 0


def test_ticket_screen_says_so_until_it_is_open_again(red, old):
    url = reverse("helpdesk_agents:ticket", args=[old.pk])
    assert "In the archive since" in red.client.get(url).content.decode()
    actions.change_state(actor=red.actor, ticket=old, state=f.state(StateType.OPEN))
    assert "In the archive since" not in red.client.get(url).content.decode()
    assert old.pk in rows(red.client, "open")


def test_dashboard_and_hints_leave_them_out(red, old):
    twin = f.make_ticket(red.queue, subject="Ancient quokka", contact="", customer=old.customer)
    assert duplicates.likely(red.actor, twin) == []
    Ticket.objects.filter(pk=old.pk).update(archived_at=None)
    assert [one.ticket for one in duplicates.likely(red.actor, twin)] == [old]


def test_customer_goes_on_seeing_them(red, old):
    customer = permissions.customer(old.customer)
    assert old in permissions.visible_tickets(customer)


def test_list_with_archive_needs_as_many_queries_for_200_rows_as_for_2(red, old, monkeypatch):
    monkeypatch.setattr("helpdesk.agents.tickets_list.TicketIndexView.paginate_by", 250)

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert red.client.get(view("all"), WITH).status_code == 200
        return len(captured)

    queries()
    few = queries()
    row = Ticket.objects.get(pk=old.pk)
    for number in range(198):
        row.pk, row.number, row.link_nonce = None, f"20260101{number:08d}", f"n{number}"
        row.save(force_insert=True)
    assert queries() == few
