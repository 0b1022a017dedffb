"""Holds on the ticket screen and in their list; and what the screens say of how long a ticket stays."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation
from django.utils.formats import date_format

from helpdesk import actions, permissions
from helpdesk.models import Hold, InformedQueue, Right, Ticket
from helpdesk.rules.terms import Terms
from helpdesk.states import StateType
from tests import factories as f

from .conftest import browser

pytestmark = pytest.mark.django_db

URL = "/admin/helpdesk/holds/"
SYSTEM = permissions.SYSTEM


def day(number: int):
    return timezone.localdate() + timedelta(days=number)


def screen(ticket: Ticket) -> str:
    return f"/admin/helpdesk/tickets/{ticket.pk}/"


def do(team, change: str, **data: str):
    return team.client.post(f"{screen(team.ticket)}do/{change}/", data)


def test_a_hold_is_placed_shown_extended_and_lifted_on_the_ticket(red):
    page = red.client.get(screen(red.ticket)).content.decode()
    assert "Place a hold" in page
    answer = do(red, "hold", reason="A dispute about the bill", until=day(40).isoformat())
    assert answer.status_code == 302
    page = red.client.get(screen(red.ticket)).content.decode()
    assert "Must be kept until" in page
    assert "A dispute about the bill" in page
    assert "Hold placed by Red Agent" in page
    assert "Place a hold" not in page
    assert do(red, "extend-hold", until=day(90).isoformat()).status_code == 302
    assert Hold.objects.get().until == day(90)
    assert do(red, "lift-hold").status_code == 302
    assert "Must be kept until" not in red.client.get(screen(red.ticket)).content.decode()


def test_a_refused_hold_keeps_what_was_typed_and_says_why(red):
    answer = do(red, "hold", reason="Because of the court", until=day(0).isoformat())
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "Please choose a day in the future." in page
    assert "Because of the court" in page
    assert not Hold.objects.exists()


def test_a_second_hold_says_that_there_is_one(red):
    actions.place_hold(actor=SYSTEM, ticket=red.ticket, reason="x", until=day(5))
    answer = do(red, "hold", reason="Mine", until=day(9).isoformat())
    assert answer.status_code == 422
    assert "There is a hold on this ticket already." in answer.content.decode()


@pytest.mark.parametrize("change", ["hold", "extend-hold", "lift-hold"])
def test_who_does_not_manage_the_queue_is_refused(red, change):
    actions.place_hold(actor=SYSTEM, ticket=red.ticket, reason="x", until=day(5))
    rights = [right for right in Right if right != Right.MANAGE]
    client = browser(f.make_agent(red.queue, rights=rights))
    page = client.get(screen(red.ticket)).content.decode()
    assert "Must be kept until" in page  # everybody who works on it knows
    assert "Extend or lift" not in page
    data = {"reason": "y", "until": day(9).isoformat()}
    assert client.post(f"{screen(red.ticket)}do/{change}/", data).status_code == 404
    assert (Hold.objects.get().until, Hold.objects.get().lifted_at) == (day(5), None)


def test_a_hold_on_a_merged_ticket_shows_on_the_other(red):
    other = f.make_ticket(red.queue, customer=red.ticket.customer, contact="")
    actions.merge(actor=red.actor, source=other, target=red.ticket)
    actions.place_hold(actor=SYSTEM, ticket=other, reason="Audit", until=day(5))
    page = red.client.get(screen(red.ticket)).content.decode()
    assert "It is on a ticket that was merged with this one." in page
    assert "Extend or lift" not in page
    page = red.client.get(screen(other)).content.decode()
    assert "Extend or lift the hold" in page
    assert "together with the ticket into which it was merged" in page


def test_the_screen_says_when_it_is_erased(red):
    page = red.client.get(screen(red.ticket)).content.decode()
    assert "if nothing happens any more until then" in page
    actions.change_state(actor=SYSTEM, ticket=red.ticket, state=f.state(StateType.CLOSED))
    page = red.client.get(screen(red.ticket)).content.decode()
    assert "if nothing happens any more" not in page
    Ticket.objects.update(erase_at=timezone.now() - timedelta(hours=1))
    assert (
        "It is erased with the next nightly run."
        in red.client.get(screen(red.ticket)).content.decode()
    )


HELD = [
    # closed or open, days of files, day of the hold's end, what follows, what does not
    ("closed", None, "2027-06-30", ["erased from 1 July 2027 on"], ["March", "if nothing happens"]),
    ("closed", None, "2026-12-31", ["erased from 16 March 2027 on"], []),
    ("closed", 90, "2026-12-31", ["1 January 2027: the files go", "16 March 2027"], []),
    ("closed", 90, "2027-06-30", ["erased from 1 July 2027 on"], ["March", "the files go"]),
    ("open", None, "2027-06-30", ["erased from 15 July 2027 on", "1 July 2027: ", "if nothing happens"], []),
]  # fmt: skip


@pytest.mark.parametrize(("state", "files", "until", "said", "unsaid"), HELD)
def test_a_held_ticket_stays_until_the_hold_ends_and_what_follows_is_said(
    red, blue, state, files, until, said, unsaid
):
    with time_machine.travel(datetime(2026, 3, 15, 12, tzinfo=UTC)):
        Ticket.objects.update(changed_at=timezone.now())
        terms = Terms(retention_days=365, attachment_days=files)
        actions.apply_terms(actor=SYSTEM, ticket=red.ticket, terms=terms)
        if state == "closed":
            actions.change_state(actor=SYSTEM, ticket=red.ticket, state=f.state(StateType.CLOSED))
        end = date.fromisoformat(until)
        with translation.override("en"):
            stays = f"up to and including {date_format(end)} nothing of it is erased"
        actions.place_hold(actor=SYSTEM, ticket=red.ticket, reason="Zimtschnecke", until=end)
        InformedQueue.objects.create(ticket=red.ticket, queue=blue.queue, at=timezone.now())
        pages = [team.client.get(screen(red.ticket)).content.decode() for team in (red, blue)]
    cards = [page.partition('id="storage"')[2].partition("</dl>")[0] for page in pages]
    for card in cards:
        assert stays in card
        assert [words for words in said if words not in card] == []
        assert [words for words in unsaid if words in card] == []
    assert ["Zimtschnecke" in page for page in pages] == [True, False]


def test_of_several_holds_on_what_was_merged_the_last_one_counts(red):
    other = f.make_ticket(red.queue, customer=red.ticket.customer, contact="")
    actions.merge(actor=red.actor, source=other, target=red.ticket)
    actions.place_hold(actor=SYSTEM, ticket=red.ticket, reason="x", until=day(5))
    actions.place_hold(actor=SYSTEM, ticket=other, reason="y", until=day(9))
    with translation.override("en"):
        words = f"up to and including {date_format(day(9))} nothing"
    for ticket in (red.ticket, other):
        assert words in red.client.get(screen(ticket)).content.decode()


def test_a_step_that_is_due_again_is_told_for_the_next_night(red):
    with time_machine.travel(datetime(2026, 3, 15, 12, tzinfo=UTC)):
        terms = Terms(retention_days=730, attachment_days=30)
        actions.apply_terms(actor=SYSTEM, ticket=red.ticket, terms=terms)
        actions.change_state(actor=SYSTEM, ticket=red.ticket, state=f.state(StateType.CLOSED))
    with time_machine.travel(datetime(2026, 8, 1, 12, tzinfo=UTC)):
        page = red.client.get(screen(red.ticket)).content.decode()
    assert "2 August 2026: the files go" in page


def test_a_warned_ticket_says_so_in_the_list_and_on_its_screen_until_something_happens(red):
    Ticket.objects.update(
        erase_warned_at=timezone.now() + timedelta(seconds=1),
        storage_step="end",
        erase_at=timezone.now() + timedelta(days=14),
    )
    assert "unless something happens" in red.client.get("/admin/helpdesk/tickets/").content.decode()
    assert "unless something happens on it." in red.client.get(screen(red.ticket)).content.decode()
    Ticket.objects.update(erase_warned_at=timezone.now() - timedelta(days=1))
    for url in ("/admin/helpdesk/tickets/", screen(red.ticket)):
        assert "unless something happens" not in red.client.get(url).content.decode()


def test_the_list_has_those_to_be_looked_at_first(red, blue):
    soon, far, old = (f.make_ticket(red.queue, subject=name, contact="") for name in "abc")
    for ticket, until in ((soon, 10), (far, 300), (old, 200)):
        actions.place_hold(actor=SYSTEM, ticket=ticket, reason=f"Why {until}", until=day(until))
    Hold.objects.filter(ticket=old).update(placed_at=timezone.now() - timedelta(days=200))
    actions.place_hold(actor=SYSTEM, ticket=blue.ticket, reason="Blue words", until=day(5))
    answer = red.client.get(URL)
    assert [hold.ticket_id for hold in answer.context["review"]] == [soon.pk, old.pk]
    assert [hold.ticket_id for hold in answer.context["others"]] == [far.pk]
    page = answer.content.decode()
    assert "Why 10" in page
    assert "Blue words" not in page
    assert "ends soon" in page
    assert "long not looked at" in page


def test_lifted_and_ended_ones_are_not_listed(red):
    actions.place_hold(actor=SYSTEM, ticket=red.ticket, reason="x", until=day(5))
    Hold.objects.update(until=day(-1))
    assert "No ticket is held." in red.client.get(URL).content.decode()


def test_confidential_ones_are_veiled(red):
    red.queue.is_confidential = True
    red.queue.save()
    actions.place_hold(actor=SYSTEM, ticket=red.ticket, reason="Private reason", until=day(5))
    page = red.client.get(URL).content.decode()
    assert "Private reason" not in page
    assert "Secret of Red" not in page
    assert red.ticket.number in page


@pytest.mark.parametrize("rights", [[], ["read", "answer", "administer"]])
def test_the_list_is_for_those_who_manage(red, rights):
    client = browser(f.make_agent(red.queue, rights=rights))
    assert client.get(URL).status_code == 302
    assert URL not in client.get("/admin/").content.decode()


def test_the_list_needs_as_many_queries_for_two_hundred(red, time_machine):
    # once a minute it is noted that somebody is there
    time_machine.move_to(timezone.now(), tick=False)

    def queries() -> int:
        with CaptureQueriesContext(connection) as caught:
            assert red.client.get(URL).status_code == 200
        return len(caught)

    def hold(number: int) -> None:
        rows = Ticket.objects.bulk_create(
            Ticket(
                number=f"n{number}-{n}",
                subject="x",
                queue=red.queue,
                state=red.ticket.state,
                priority=red.ticket.priority,
                customer=red.ticket.customer,
                channel="web",
                created_at=timezone.now(),
                changed_at=timezone.now(),
                retention_days=1,
            )
            for n in range(number)
        )
        Hold.objects.bulk_create(
            Hold(
                ticket=row, reason="x", until=day(50), placed_at=timezone.now(), placed_by=red.agent
            )
            for row in rows
        )

    hold(2)
    few = queries()
    hold(198)
    assert queries() == few
