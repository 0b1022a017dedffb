"""Who is away shows in lists and on tickets; assigning to them warns and offers who stands in."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone, translation

from helpdesk import actions, permissions
from helpdesk.agents.standing import day_in_words
from helpdesk.agents.tickets_list import TicketFilters, tickets_for
from helpdesk.models import Absence, Right, Ticket
from helpdesk.states import StateType
from tests import factories as f

from .conftest import browser

pytestmark = pytest.mark.django_db

LIST = reverse("helpdesk_agents:tickets")
DAY = timedelta(days=1)
BERLIN = ZoneInfo("Europe/Berlin")


def view(slug: str) -> str:
    return reverse("helpdesk_agents:tickets_view", args=[slug])


def screen(ticket: Ticket) -> str:
    return reverse("helpdesk_agents:ticket", args=[ticket.pk])


def assign(ticket: Ticket) -> str:
    return reverse("helpdesk_agents:change", args=[ticket.pk, "owner"])


@pytest.fixture
def fink(red):
    return f.make_agent(red.queue, first_name="Fink", last_name="F")


@pytest.fixture
def meise(red):
    return f.make_agent(red.queue, first_name="Meise", last_name="M")


def owned(user, queue) -> Ticket:
    ticket = f.make_ticket(queue, contact="", subject=f"Of {user}")
    return actions.assign(actor=permissions.SYSTEM, ticket=ticket, owner=user)


def owner_of(ticket):
    return Ticket.objects.get(pk=ticket.pk).owner


@pytest.mark.parametrize(
    ("at", "is_end", "words"),
    [
        ("2026-12-24T00:00", False, "24 December"),
        ("2026-12-24T00:00", True, "23 December"),
        ("2026-12-24T13:30", True, "24 December, 13:30"),
        ("2027-01-04T00:00", True, "3 Jan 2027"),
    ],
)
def test_days_in_words(at, is_end, words):
    with time_machine.travel(datetime(2026, 12, 1, tzinfo=BERLIN), tick=False):
        moment = datetime.fromisoformat(at).replace(tzinfo=BERLIN)
        with translation.override("en"):
            assert day_in_words(moment, is_end=is_end) == words


def test_a_time_at_the_end_of_a_sentence_brings_no_second_dot(red, fink):
    ticket = owned(fink, red.queue)
    f.make_absence(fink)
    page = red.client.get(screen(ticket)).content.decode()
    assert "Fink F is away until" in page
    assert ".m.." not in page


def test_both_names_show_in_the_list_and_on_the_ticket(red, fink, meise):
    ticket = owned(fink, red.queue)
    f.make_absence(fink, deputy=meise, reason="Private matter")
    for url in (LIST, screen(ticket)):
        page = red.client.get(url).content.decode()
        assert "Fink F" in page
        assert "Meise M stands in" in page
        assert "Private" not in page


def test_team_stands_in_where_nobody_does(red, fink):
    ticket = owned(fink, red.queue)
    f.make_absence(fink)
    assert "the team stands in" in red.client.get(LIST).content.decode()
    assert "The team stands in." in red.client.get(screen(ticket)).content.decode()


def test_chain_is_told_on_the_ticket(red, fink, meise):
    ticket = owned(fink, red.queue)
    f.make_absence(fink, deputy=meise)
    f.make_absence(meise, deputy=red.agent)
    page = red.client.get(screen(ticket)).content.decode()
    assert "Meise M is away too. Red Agent stands in." in page
    assert "That is you." in page


def test_deputy_takes_over_with_one_click_and_the_owner_stays_until_then(red, fink):
    ticket = owned(fink, red.queue)
    f.make_absence(fink, deputy=red.agent)
    page = red.client.get(screen(ticket)).content.decode()
    claim = reverse("helpdesk_agents:change", args=[ticket.pk, "claim"])
    assert page.count(f'action="{claim}"') >= 1
    assert "Take over" in page
    assert owner_of(ticket) == fink
    red.client.post(claim)
    assert owner_of(ticket) == red.agent


def test_who_may_only_read_is_told_but_not_offered_to_take_over(red, fink):
    ticket = owned(fink, red.queue)
    f.make_absence(fink, deputy=red.agent)
    reader = browser(f.make_agent(red.queue, rights=[Right.READ]))
    page = reader.get(screen(ticket)).content.decode()
    assert "Red Agent stands in." in page
    assert "Take over" not in page


# --- assigning ---------------------------------------------------------------------------------------


def test_assigning_to_somebody_away_warns_and_offers_the_deputy(red, fink, meise):
    f.make_absence(fink, deputy=meise)
    answer = red.client.post(assign(red.ticket), {"owner": fink.pk})
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "Fink F is away until" in page
    assert "Assign to Meise M" in page
    assert owner_of(red.ticket) is None
    red.client.post(assign(red.ticket), {"owner": fink.pk, "instead": meise.pk})
    assert owner_of(red.ticket) == meise


def test_assigning_to_somebody_away_all_the_same_is_possible(red, fink):
    f.make_absence(fink)
    page = red.client.post(assign(red.ticket), {"owner": fink.pk}).content.decode()
    assert "Assign to Fink F all the same" in page
    assert 'name="instead"' not in page
    red.client.post(assign(red.ticket), {"owner": fink.pk, "anyway": "1"})
    assert owner_of(red.ticket) == fink


def test_choices_say_who_is_away(red, fink):
    f.make_absence(fink)
    page = red.client.get(screen(red.ticket)).content.decode()
    assert "Fink F (away until" in page


def test_assigning_to_those_who_are_there_asks_nothing(red, fink, meise):
    f.make_absence(fink, deputy=meise)
    assert red.client.post(assign(red.ticket), {"owner": meise.pk}).status_code == 302
    assert red.client.post(assign(red.ticket), {"owner": ""}).status_code == 302
    assert owner_of(red.ticket) is None


def test_an_absent_agent_assigns_to_themselves_without_being_asked(red):
    f.make_absence(red.agent)
    assert red.client.post(assign(red.ticket), {"owner": red.agent.pk}).status_code == 302


@pytest.mark.parametrize("instead", ["999999", "x", "²", "9" * 30])
def test_somebody_who_may_not_own_is_not_taken_instead(red, blue, fink, instead):
    f.make_absence(fink, deputy=blue.agent)
    for value in (instead, str(blue.agent.pk)):
        sent = {"owner": fink.pk, "instead": value}
        assert red.client.post(assign(red.ticket), sent).status_code == 422
    assert owner_of(red.ticket) is None


# --- lists -------------------------------------------------------------------------------------------


def found(user, slug) -> set[Ticket]:
    return set(tickets_for(permissions.agent(user), TicketFilters(view=slug)))


def test_tickets_of_absent_owners_surface_to_the_team_pending_ones_too(red, blue, fink):
    pending, other = owned(fink, red.queue), owned(red.agent, red.queue)
    actions.change_state(
        actor=permissions.SYSTEM,
        ticket=pending,
        state=f.state(StateType.PENDING_REMINDER),
        pending_until=timezone.now() + 3 * DAY,
    )
    closed = owned(fink, red.queue)
    actions.change_state(actor=permissions.SYSTEM, ticket=closed, state=f.state(StateType.CLOSED))
    assert found(red.agent, "absent-owners") == set()
    f.make_absence(fink)
    f.make_absence(red.agent, start=DAY, end=2 * DAY)
    assert found(red.agent, "absent-owners") == {pending}
    assert found(blue.agent, "absent-owners") == set()
    assert pending.subject in red.client.get(view("absent-owners")).content.decode()
    home = red.client.get(reverse("wagtailadmin_home")).content.decode()
    assert view("absent-owners") in home
    assert other not in found(red.agent, "absent-owners")


def test_i_stand_in_lists_tickets_for_which_the_agent_is_the_effective_person(red, fink, meise):
    first, second = owned(fink, red.queue), owned(meise, red.queue)
    f.make_absence(fink, deputy=meise)
    assert found(meise, "in-place-of-others") == {first}
    assert found(red.agent, "in-place-of-others") == set()
    f.make_absence(meise, deputy=red.agent)
    assert found(meise, "in-place-of-others") == set()
    assert found(red.agent, "in-place-of-others") == {first, second}
    page = red.client.get(view("in-place-of-others")).content.decode()
    assert first.subject in page
    assert second.subject in page


def test_tabs_about_absence_show_only_while_somebody_is_away(red, fink):
    page = red.client.get(LIST).content.decode()
    assert view("absent-owners") not in page
    assert red.client.get(view("absent-owners")).status_code == 200
    f.make_absence(fink)
    page = red.client.get(LIST).content.decode()
    assert view("absent-owners") in page
    assert view("in-place-of-others") in page


@pytest.mark.parametrize("slug", ["open", "absent-owners", "in-place-of-others"])
def test_lists_take_as_many_queries_for_200_absent_owners_as_for_2(red, fink, monkeypatch, slug):
    monkeypatch.setattr("helpdesk.agents.tickets_list.TicketIndexView.paginate_by", 250)
    group = fink.groups.get()
    Ticket.objects.exclude(pk=red.ticket.pk).delete()
    row = Ticket.objects.get(pk=red.ticket.pk)

    def count() -> int:
        with CaptureQueriesContext(connection) as captured:
            page = red.client.get(view(slug))
        assert page.status_code == 200
        assert len(page.context["object_list"]) >= made
        return len(captured)

    counts, made = [], 0
    for number in (2, 200):
        while made < number:
            owner = f.UserFactory()
            owner.groups.add(group)
            f.make_absence(owner, deputy=red.agent)
            row.pk, row.number, row.link_nonce = None, f"20260101{made:08d}", f"n{made}"
            row.owner = owner
            row.save(force_insert=True)
            made += 1
        count()
        counts.append(count())
    assert counts[0] == counts[1]


def test_history_tells_that_an_absence_was_the_reason(red, fink):
    ticket = owned(fink, red.queue)
    now = timezone.now()
    plan = actions.AbsencePlan(starts_at=now, ends_at=now + DAY, handover="queue")
    actions.enter_absence(actor=permissions.agent(fink), user=fink, plan=plan)
    assert Absence.objects.count() == 1
    page = red.client.get(screen(ticket)).content.decode()
    assert "Fink F → –, because of an absence" in page
