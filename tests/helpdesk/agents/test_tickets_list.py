from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from helpdesk import actions, permissions
from helpdesk.agents import paging
from helpdesk.agents.tickets_list import TicketFilters, tickets_for
from helpdesk.models import Priority, Right, Seen, Ticket
from helpdesk.states import StateType
from tests import factories as f

pytestmark = pytest.mark.django_db

LIST = "helpdesk_agents:tickets"


def view(slug: str) -> str:
    return reverse("helpdesk_agents:tickets_view", args=[slug])


def queries(client, url: str) -> list[str]:
    with CaptureQueriesContext(
        connection,
    ) as captured:
        assert client.get(url).status_code == 200
    return [query["sql"] for query in captured.captured_queries]


def test_list_needs_as_many_queries_for_200_rows_as_for_2(red, monkeypatch):
    monkeypatch.setattr("helpdesk.agents.tickets_list.TicketIndexView.paginate_by", 250)
    f.make_ticket(red.queue, contact="")
    queries(red.client, reverse(LIST))  # caches of content types and the like
    few = queries(red.client, reverse(LIST))
    row = Ticket.objects.get(pk=red.ticket.pk)
    people = [f.CustomerFactory(name=name) for name in ("", "Anna", "Jonas")]
    owners = [None, red.agent, f.make_agent(red.queue)]
    for number in range(198):
        row.pk, row.number, row.link_nonce = None, f"20260101{number:08d}", f"n{number}"
        row.customer, row.owner = people[number % 3], owners[number % 3]
        row.save(force_insert=True)
    many = queries(red.client, reverse(LIST))
    assert len(many) == len(few)
    assert Ticket.objects.count() == 200


@pytest.mark.parametrize("column", ["answers", "objection_wording", "retention_sentence", '"body"'])
def test_list_loads_no_long_texts(red, column):
    assert not [sql for sql in queries(red.client, reverse(LIST)) if column in sql]


def test_list_shows_only_visible_tickets(red, blue):
    page = red.client.get(view("all")).content.decode()
    assert red.ticket.subject in page
    assert "Secret of Blue" not in page
    assert "Blue" not in page


@pytest.mark.parametrize(
    ("slug", "found"),
    [
        ("mine", {"owned"}),
        ("unassigned", {"new", "waiting"}),
        ("open", {"new", "owned", "waiting"}),
        ("waiting-for-us", {"new", "owned"}),
        ("waiting-for-customer", {"waiting"}),
        ("closed", {"closed"}),
        ("all", {"new", "owned", "waiting", "closed"}),
    ],
)
def test_views_hold_what_their_name_says(red, slug, found):
    tickets = {
        name: f.make_ticket(red.queue, subject=name, contact="") for name in ("new", "owned")
    }
    tickets |= {n: f.make_ticket(red.queue, subject=n, contact="") for n in ("waiting", "closed")}
    actions.claim(actor=red.actor, ticket=tickets["owned"])
    Ticket.objects.filter(subject="waiting").update(waiting_since=None)
    state = f.state(StateType.CLOSED)
    actions.change_state(actor=red.actor, ticket=tickets["closed"], state=state)
    Ticket.objects.filter(pk=red.ticket.pk).delete()
    rows = tickets_for(red.actor, TicketFilters(view=slug))
    assert {row.subject for row in rows} == found
    page = red.client.get(view(slug))
    assert {row.subject for row in page.context["object_list"]} == found


def test_filters_by_queue_state_owner_and_priority_hold_together(red):
    urgent = Priority.objects.get(slug="urgent")
    actions.set_priority(actor=red.actor, ticket=red.ticket, priority=urgent)
    f.make_ticket(red.queue, subject="other", contact="")
    query = {"queue": red.queue.pk, "owner": "none", "priority": urgent.pk}
    rows = red.client.get(reverse(LIST), {**query, "state": red.ticket.state_id})
    assert [row.pk for row in rows.context["object_list"]] == [red.ticket.pk]
    actions.claim(actor=red.actor, ticket=red.ticket)
    assert not red.client.get(reverse(LIST), query).context["object_list"]
    mine = red.client.get(reverse(LIST), {**query, "owner": "me"})
    assert [row.pk for row in mine.context["object_list"]] == [red.ticket.pk]


def test_filter_by_a_foreign_queue_finds_nothing_and_offers_it_not(red, blue):
    page = red.client.get(reverse(LIST), {"queue": blue.queue.pk})
    assert "Secret of Blue" not in page.content.decode()
    assert "Blue" not in page.content.decode()


def test_search_stays_within_visible_tickets(red, blue):
    page = red.client.get(view("all"), {"q": "Secret"})
    assert [row.pk for row in page.context["object_list"]] == [red.ticket.pk]


def test_unread_is_said_in_words_until_the_agent_opens_the_ticket(red):
    assert "unread" in red.client.get(reverse(LIST)).content.decode()
    red.client.get(reverse("helpdesk_agents:ticket", args=[red.ticket.pk]))
    assert Seen.objects.get().user == red.agent
    assert "unread" not in red.client.get(reverse(LIST)).content.decode()


@pytest.mark.parametrize(
    "ordering", ["number", "-changed_at", "created_at", "waiting_since", "-priority__level"]
)
def test_list_sorts_by_what_it_offers(red, ordering):
    f.make_ticket(red.queue, contact="")
    page = red.client.get(reverse(LIST), {"ordering": ordering})
    assert len(page.context["object_list"]) == 2
    assert page.context["ordering"] == ordering


def test_list_does_not_sort_by_anything_else(red):
    page = red.client.get(reverse(LIST), {"ordering": "customer__user__password"})
    assert page.context["ordering"] == "-changed_at"


def test_count_stops_at_the_cap(red, monkeypatch):
    monkeypatch.setattr(paging, "CAP", 1)
    f.make_ticket(red.queue, contact="")
    page = red.client.get(reverse(LIST))
    assert page.context["paginator"].count == 1
    assert page.context["paginator"].items_count_label.startswith("1+")


def test_empty_list_says_what_to_do(red):
    assert "Claim one" in red.client.get(view("mine")).content.decode()
    page = red.client.get(view("mine"), {"q": "nothing"}).content.decode()
    assert view("all") in page


def test_list_is_no_export(red):
    page = red.client.get(reverse(LIST), {"export": "csv"})
    assert page["Content-Type"].startswith("text/html")


def test_unknown_view_is_not_found(red):
    assert red.client.get(view("nonsense")).status_code == 404


def test_user_without_rights_sees_neither_menu_nor_list(red):
    outsider = f.make_agent(rights=[])
    red.client.force_login(outsider)
    assert red.client.get(reverse(LIST)).status_code == 302
    assert "/admin/helpdesk/" not in red.client.get(reverse("wagtailadmin_home")).content.decode()


def test_agent_sees_menu_and_dashboard_of_own_rights(red):
    home = red.client.get(reverse("wagtailadmin_home")).content.decode()
    assert reverse(LIST) in home
    assert "Waiting longest" in home
    assert reverse("helpdesk_states:index") not in home
    reader = f.make_agent(red.queue, rights=[Right.READ])
    red.client.force_login(reader)
    home = red.client.get(reverse("wagtailadmin_home")).content.decode()
    assert reverse("helpdesk_agents:phone") not in home
    assert reverse("helpdesk_agents:failures") not in home


def test_dashboard_needs_as_many_queries_for_many_tickets(red):
    home = reverse("wagtailadmin_home")
    queries(red.client, home)
    few = len(queries(red.client, home))
    for _number in range(8):
        actions.claim(actor=red.actor, ticket=f.make_ticket(red.queue, contact=""))
    assert len(queries(red.client, home)) == few
    assert permissions.visible_tickets(red.actor).count() == 9
