"""Promise 7, everywhere: whatever shows tickets shows each actor exactly those that they may read."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import hypothesis
import pytest
from django.test import Client, RequestFactory
from django.urls import reverse
from hypothesis import given

from helpdesk import duplicates, permissions, search
from helpdesk.actions import presence
from helpdesk.agents import finder, list_views, notices, policy
from helpdesk.agents.tickets_list import TicketFilters, tickets_for
from helpdesk.customers import access
from helpdesk.models import Attachment, Right, Ticket
from helpdesk.notifications.recipients import Batch
from helpdesk.permissions import Actor, can, visible_articles, visible_tickets
from helpdesk.states import OPEN_TYPES
from helpdesk.teams import Teams

from . import walls_elsewhere as elsewhere
from .walls_plan import QUEUES, USERS, arrangements
from .walls_world import World

pytestmark = pytest.mark.django_db

#: Each example arranges a whole world and asks everybody about everything.
bulk = hypothesis.settings(max_examples=max(10, hypothesis.settings.default.max_examples // 2))
#: Whole requests through the browser are slow: of these a sample.
sample = hypothesis.settings(max_examples=max(3, hypothesis.settings.default.max_examples // 8))


@pytest.fixture
def world():
    return World()


@pytest.fixture
def form(world):
    return elsewhere.make_form(world.door)


def numbers(tickets: Iterable[Ticket]) -> set[int]:
    found = [int(ticket.number[8:]) for ticket in tickets]
    assert len(found) == len(set(found))
    return set(found)


def fresh(world: World) -> list[Ticket]:
    rows = Ticket.objects.select_related("state", "queue", "priority", "customer")
    return list(rows.order_by("number"))


# --- by the functions, for everybody ---------------------------------------------------------------


def check_list_and_single_question(world: World) -> None:
    everything = fresh(world)
    for who in (*world.agents(), *world.outsiders()):
        wanted = world.seen_by(who)
        assert numbers(visible_tickets(who.actor)) == wanted, who
        assert numbers(one for one in everything if can(who.actor, Right.READ, one)) == wanted, who


def check_messages_and_files(world: World) -> None:
    for who in (*world.agents(), *world.outsiders()):
        for number in world.seen_by(who):
            ticket = world.tickets[number]
            shown = visible_articles(who.actor, ticket)
            works = who.kind == "agent" and _works(world, who, number)
            wanted = {f"open{number}walls", f"answer{number}walls"}
            wanted |= {f"inner{number}walls"} if works else set()
            assert {row.body for row in shown} == wanted, who
            files = Attachment.objects.filter(article__in=shown)
            assert files.count() == len(wanted)


def _works(world: World, who: Any, number: int) -> bool:
    return world.works(who.index, number)


def check_search(world: World) -> None:
    for who in (*world.agents(), *world.outsiders()):
        seen = world.seen_by(who)
        assert numbers(search.find_tickets(who.actor, "")) == seen
        for number, ticket in enumerate(world.tickets):
            hit = {number} & seen
            own = hit if world.finds_all_of(who, number) else set()
            assert numbers(search.find_tickets(who.actor, f"subject{number}walls")) == own, who
            for words in (f"open{number}walls", f"#{ticket.number}"):
                assert numbers(search.find_tickets(who.actor, words)) == hit, (who, words)
            inner = hit if who.kind == "agent" and _works(world, who, number) else set()
            found = numbers(search.find_tickets(who.actor, f"inner{number}walls"))
            assert found == inner, who
        if who.kind != "agent":  # who of the team wrote, customers find out nowhere
            for author in range(USERS):
                name = world.agents_name(author)
                assert not search.find_tickets(who.actor, name).exists(), who


def check_lists_and_counts(world: World) -> None:
    for who in world.agents():
        actor, seen = who.actor, world.seen_by(who)
        for slug in list_views.VIEWS:
            rows = tickets_for(actor, TicketFilters(view=slug))
            assert numbers(rows) <= seen, slug
            assert rows.order_by().count() == len(numbers(rows))
        assert numbers(tickets_for(actor, TicketFilters(view="all"))) == seen
        is_open = {
            number for number in seen if world.plan["tickets"][number]["state"] in OPEN_TYPES
        }
        assert numbers(tickets_for(actor, TicketFilters(view="open"))) == is_open


def check_finder_hints_and_customers(world: World) -> None:
    everything = fresh(world)
    for who in world.agents():
        actor, index = who.actor, who.index
        noted = {number for number in world.seen_by(who) if world.works(index, number, "note")}
        assert numbers(finder.workable(actor)) == noted
        worked = {number for number in world.seen_by(who) if world.works(index, number)}
        for ticket in everything:
            likely = duplicates.likely(actor, ticket, limit=10)
            assert numbers(one.ticket for one in likely) <= worked
            number = int(ticket.number[8:])
            other = everything[number - 1]
            found = finder.by_number(actor, ticket.number, but=other)
            assert (found is not None) == (number in noted and ticket != other)
        assert duplicates.marked(actor, everything) <= {row.pk for row in everything}
        people = {row.pk for row in policy.visible_customers(actor)}
        told = {number for number in worked if not world.keeps_confidence(number)}
        mine = {world.tickets[number].customer_id for number in told} - {None}
        assert people == mine if not policy.is_superuser(actor) else people >= mine


def check_notices_presence_and_mentions(world: World) -> None:
    everything = fresh(world)
    batch = Batch((), Teams())
    for who in world.agents():
        actor, index = who.actor, who.index
        seen = world.seen_by(who)
        told = permissions.visible_notices(actor).select_related("ticket")
        assert numbers(row.ticket for row in told) == seen
        assert notices.unread_count(actor) == len(seen)
        worked = {number for number in seen if world.works(index, number)}
        here = presence.present(actor=actor, ticket_ids=[row.pk for row in everything])
        active = [one for one in world.plan["users"] if one["is_active"]]
        others = len(active) - world.plan["users"][index]["is_active"]
        assert {everything.index(row) for row in everything if row.pk in here} == (
            worked if others else set()
        )
        if not actor.user.is_active or actor.user.is_superuser:
            continue  # whom nobody names, and who is no member of a team
        for number, ticket in enumerate(everything):
            # a batch of no events knows of no queue that is informed of one
            for internal in (False, True) if actor.user.pk in batch.teams.users else ():
                assert batch.may(actor.user.pk, ticket, internal) == (number in worked)
    for queue in range(QUEUES):
        named = {user.pk for user in permissions.agents_with(Right.READ, world.queues[queue])}
        readers = {
            user.pk
            for index, user in enumerate(world.users)
            if "read" in world.rights(index, queue) and not user.is_superuser
        }
        assert named - {user.pk for user in world.users if user.is_superuser} == readers


@bulk
@given(plan=arrangements)
def test_whatever_shows_tickets_shows_what_the_arrangement_says(world, plan):
    world.arrange(plan)
    check_list_and_single_question(world)
    check_messages_and_files(world)
    check_search(world)
    check_lists_and_counts(world)
    check_finder_hints_and_customers(world)
    check_notices_presence_and_mentions(world)


@bulk
@given(plan=arrangements)
def test_what_shows_tickets_elsewhere_shows_the_same(world, plan):
    world.arrange(plan)
    elsewhere.check_holds_and_ends(world)
    elsewhere.check_erased_ones(world)
    elsewhere.check_submissions(world)
    elsewhere.check_digest(world)
    elsewhere.check_look_up_for_phone_tickets(world)


# --- through the browser, for a sample ---------------------------------------------------------------


def client_of(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


def shown_numbers(world: World, page: str) -> set[int]:
    return {number for number, ticket in enumerate(world.tickets) if ticket.number in page}


@sample
@given(plan=arrangements)
def test_screens_and_pages(world, plan):
    world.arrange(plan)
    check_agents_screens(world)
    check_customers_pages(world)


@sample
@given(plan=arrangements)
def test_files_and_pages_elsewhere(world, form, plan):
    world.form_key = form.form_key
    world.arrange(plan)
    elsewhere.check_agents_pages(world, form)
    elsewhere.check_own_exports(world)


def check_agents_screens(world: World) -> None:
    for who in world.agents():
        if not who.actor.user.is_active:
            continue
        client, seen = client_of(who.actor.user), world.seen_by(who)
        index: int = who.index or 0
        is_in = permissions.is_agent(who.actor) or who.actor.user.is_superuser
        listed = client.get(reverse("helpdesk_agents:tickets_view", args=["all"]))
        assert listed.status_code == (200 if is_in else 302)
        assert shown_numbers(world, listed.content.decode() if is_in else "") == (
            seen if is_in else set()
        )
        noticed = client.get(reverse("helpdesk_agents:notices"), {"show": "all"})
        if is_in:
            assert shown_numbers(world, noticed.content.decode()) == seen
        ids = ",".join(str(ticket.pk) for ticket in world.tickets)
        for number, ticket in enumerate(world.tickets):
            _agents_ticket(world, client, index, number, is_seen=number in seen)
            if is_in:
                found = client.get(reverse("helpdesk_agents:find_ticket"), {"q": ticket.number})
                noted = number in seen and world.works(index, number, "note")
                assert shown_numbers(world, found.content.decode()) == (
                    {number} if noted else set()
                )
        if is_in:
            polled = client.post(reverse("helpdesk_agents:together"), {"rows": ids}).json()
            worked = {world.tickets[n].pk for n in seen if world.works(index, n)}
            assert {int(pk) for pk in polled["rows"]} <= worked


def _agents_ticket(world: World, client: Client, index: int, number: int, *, is_seen: bool) -> None:
    ticket = world.tickets[number]
    page = client.get(reverse("helpdesk_agents:ticket", args=[ticket.pk]))
    assert page.status_code == (200 if is_seen else 404)
    works = world.works(index, number)
    if is_seen:
        assert (f"inner{number}walls" in page.content.decode()) == works
    for row in Attachment.objects.filter(article__ticket=ticket).select_related("article"):
        url = reverse("helpdesk_agents:attachment", args=[ticket.pk, row.pk])
        wanted = works if not row.article.visible else is_seen
        assert client.get(url).status_code == (200 if wanted else 404)


def check_customers_pages(world: World) -> None:
    for who in world.outsiders():
        seen = world.seen_by(who)
        if who.kind == "customer":
            client = client_of(world.logins[who.index or 0])
            listed = client.get(reverse("helpdesk_customers:list"))
            assert shown_numbers(world, listed.content.decode()) == seen
            for number, ticket in enumerate(world.tickets):
                _customers_ticket(
                    world, client, ticket, {"number": ticket.number}, "", number in seen
                )
        elif who.kind == "link":
            ticket = world.tickets[who.ticket or 0]
            token = {"token": access.status_token(ticket)}
            _customers_ticket(world, Client(), ticket, token, "status_", bool(seen))


def _customers_ticket(
    world: World, client: Client, ticket: Ticket, by: dict[str, str], prefix: str, is_seen: bool
) -> None:
    page = client.get(reverse(f"helpdesk_customers:{prefix}detail", kwargs=by))
    # one that was joined with another of the same customer leads on to that
    assert page.status_code in ((200, 302) if is_seen else (404,)), (ticket.number, by)
    text = page.content.decode()
    assert "inner" not in text
    if not is_seen:
        assert "walls" not in text
    if page.status_code == 302:
        return
    number = int(ticket.number[8:])
    assert ("Lovelace" in text) == (is_seen and world.names_agents(number))
    for row in Attachment.objects.filter(article__ticket=ticket).select_related("article"):
        url = reverse(f"helpdesk_customers:{prefix}file", kwargs={**by, "pk": row.pk})
        wanted = is_seen and row.article.visible
        assert client.get(url).status_code == (200 if wanted else 404)


def test_the_submissions_of_a_form_are_the_visible_ones():
    """The listing starts where all start; what it shows is tested in pages/test_submissions."""
    from helpdesk.pages.submissions import TicketSubmissionsView

    view = TicketSubmissionsView()
    view.request = RequestFactory().get("/")
    view.request.user = Actor("agent").user  # nobody
    view.form_page = type("Page", (), {"form_key": "00000000-0000-0000-0000-000000000000"})()
    assert list(view.get_base_queryset()) == []
