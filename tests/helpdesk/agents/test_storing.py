"""How long a ticket is kept, and its objection, on the ticket screen."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from helpdesk import actions, events, permissions
from helpdesk.actions.erasing import erase_files, erase_persons
from helpdesk.models import Channel, EventKind, InformedQueue, Right, Ticket, Tombstone
from helpdesk.permissions import SYSTEM
from helpdesk.rules.terms import Terms
from helpdesk.states import StateType
from tests import factories as f

from .conftest import browser

pytestmark = pytest.mark.django_db

BY_HAND = Tombstone.Reason.BY_HAND


def do(team, change: str, **data):
    url = reverse("helpdesk_agents:change", args=[team.ticket.pk, change])
    return team.client.post(url, data, follow=True)


def screen(team, ticket: Ticket | None = None) -> str:
    pk = (ticket or team.ticket).pk
    return team.client.get(reverse("helpdesk_agents:ticket", args=[pk])).text


def object_to(ticket: Ticket) -> None:
    bearer = permissions.link_bearer(ticket)
    actions.object_to_storage(actor=bearer, ticket=ticket, channel=Channel.WEB)


def close(ticket: Ticket) -> None:
    actions.change_state(actor=SYSTEM, ticket=ticket, state=f.state(StateType.CLOSED))


def test_an_agent_notes_and_withdraws_an_objection_and_says_why(red):
    assert "Objection to storage…" in screen(red)
    refused = do(red, "objection", channel="phone", reason="  ")
    assert refused.status_code == 422
    page = do(red, "objection", channel="phone", reason="Called on Monday").text
    assert "Red Agent" in page
    assert "Called on Monday" in page
    assert "then erased 14 days after closing" in page
    assert "noted an objection to the longer storage: Called on Monday" in page
    red.ticket.refresh_from_db()
    assert red.ticket.objection_channel == Channel.PHONE
    assert do(red, "objection-withdraw", reason="").status_code == 422
    page = do(red, "objection-withdraw", reason="Thought better of it").text
    assert "withdrew the objection to the longer storage: Thought better of it" in page
    red.ticket.refresh_from_db()
    assert red.ticket.objected_at is None


def test_without_the_right_to_answer_there_is_no_form(red):
    reader = f.make_agent(red.queue, rights=[Right.READ, Right.NOTE])
    client = browser(reader)
    page = client.get(reverse("helpdesk_agents:ticket", args=[red.ticket.pk]))
    assert "Retention" in page.text
    assert "Objection to storage…" not in page.text
    for change in ("objection", "objection-withdraw"):
        url = reverse("helpdesk_agents:change", args=[red.ticket.pk, change])
        answer = client.post(url, {"channel": "phone", "reason": "x"})
        assert answer.status_code in (302, 404)
    red.ticket.refresh_from_db()
    assert red.ticket.objected_at is None


def test_who_reads_along_reads_no_reason(red, blue):
    do(red, "objection", channel="note", reason="Zimtschnecke")
    InformedQueue.objects.create(ticket=red.ticket, queue=blue.queue, at=timezone.now())
    page = screen(blue, red.ticket)
    assert "then erased 14 days after closing" in page
    assert "Zimtschnecke" not in page


def test_dates_and_steps_stand_there_in_words(red):
    with time_machine.travel(datetime(2026, 3, 15, 12, tzinfo=UTC)):
        assert "if nothing happens any more until then" in screen(red)
        terms = Terms(retention_days=730, attachment_days=90)
        actions.apply_terms(actor=SYSTEM, ticket=red.ticket, terms=terms)
        close(red.ticket)
        page = screen(red)
    assert "730 days after closing" in page
    assert "from 15 March 2028 on" in page
    assert "14 June 2026: the files go" in page


def test_anothers_objection_is_named_and_not_offered_to_withdraw(red):
    other = f.make_ticket(red.queue, contact="")
    object_to(other)
    actions.merge(actor=SYSTEM, source=other, target=red.ticket, visible=False)
    page = screen(red)
    assert f"the customer of the merged ticket {other.number}" in page
    assert "Withdraw the objection…" not in page
    assert "Withdraw the objection…" in screen(red, other)
    actions.withdraw_objection(
        actor=permissions.link_bearer(other), ticket=Ticket.objects.get(pk=other.pk)
    )
    assert f"of the merged ticket {other.number}" not in screen(red)


def test_the_screen_stands_without_files_and_without_people(red):
    draft = actions.Draft(
        body="see", channel=Channel.WEB, files=(actions.Upload("plan.pdf", b"%PDF-1"),)
    )
    actions.receive_message(actor=SYSTEM, ticket=red.ticket, draft=draft)
    object_to(red.ticket)
    close(red.ticket)
    erase_files(tickets=[red.ticket.pk], reason=BY_HAND)
    page = screen(red)
    assert "Files erased" in page
    assert "plan.pdf" not in page
    erase_persons(tickets=[red.ticket.pk], reason=BY_HAND)
    page = screen(red)
    assert "Personal details erased" in page
    assert "erased the personal details" in page
    listed = red.client.get(reverse("helpdesk_agents:tickets_view", args=["all"]))
    assert red.ticket.number in listed.text or red.ticket.subject in listed.text


@pytest.mark.parametrize(
    ("kind", "data", "content", "said"),
    [
        (EventKind.STORAGE_WARNING, {"erase_at": "2028-03-15T00:00:00+01:00"}, None, "15 March"),
        (EventKind.HOLD_PLACED, {"until": "2027-01-31"}, {"reason": "Suit"}, "Suit"),
        (EventKind.HOLD_CHANGED, {"until": "2027-01-31"}, None, "until 31 January 2027"),
        (EventKind.HOLD_LIFTED, {}, None, "lifted a hold"),
        (EventKind.FILES_ERASED, {}, None, "erased the files"),
        (EventKind.PERSONS_ERASED, {}, None, "erased the personal details"),
        (EventKind.ANONYMISED, {}, None, "anonymised the ticket"),
        (
            EventKind.TERMS_APPLIED,
            {"from": {"retention_days": 730}, "to": {"retention_days": 30}},
            None,
            "kept 30 days instead of 730",
        ),
        (EventKind.TERMS_APPLIED, {}, None, "applied new terms"),
        (
            EventKind.STORAGE_WARNING,
            {"erase_at": "soon"},
            None,
            "is erased soon although it is open",
        ),
    ],
)
def test_the_history_tells_of_storage_in_words(red, kind, data, content, said):
    events.record(actor=SYSTEM, ticket=red.ticket, kind=kind, data=data, content=content)
    assert said in screen(red)


def test_the_card_asks_no_more_the_longer_the_history_is(red):
    counts = []
    for _round in range(2):
        for _time in range(3):
            do(red, "objection", channel="phone", reason="x")
            do(red, "objection-withdraw", reason="x")
        do(red, "objection", channel="phone", reason="x")
        with CaptureQueriesContext(connection) as captured:
            screen(red)
        counts.append(len(captured))
        do(red, "objection-withdraw", reason="x")
    assert counts[0] == counts[1]


# --- tickets that are not there any more -----------------------------------------------------------


@pytest.fixture
def stone(red):
    """What is left of a ticket of the team."""
    return Tombstone.objects.create(
        ticket_pk=987654,
        number="2026010110000011",
        queue=red.queue,
        opened_on=timezone.localdate() - timedelta(days=900),
        closed_on=None,
        erased_at=datetime(2026, 3, 15, 12, tzinfo=UTC),
        reason=Tombstone.Reason.OBJECTION,
    )


@pytest.mark.parametrize("by", ["ticket_pk", "number"])
def test_the_address_of_an_erased_ticket_says_what_is_known(red, admin, stone, by):
    url = reverse("helpdesk_agents:ticket", args=[int(getattr(stone, by))])
    for client in (red.client, admin):
        answer = client.get(url)
        assert answer.status_code == 410
        assert "the customer objected to the longer storage" in answer.text
        for words in (stone.number, red.queue.name, "15 March 2026"):
            assert words in answer.text


def test_others_find_nothing_there(blue, stone):
    for pk in (stone.ticket_pk, int(stone.number), 123456789):
        url = reverse("helpdesk_agents:ticket", args=[pk])
        assert blue.client.get(url).status_code == 404


def test_one_made_anonymous_says_so_and_one_without_queue_is_the_superusers(red, admin, stone):
    stone.is_anonymised, stone.queue = True, None
    stone.save()
    url = reverse("helpdesk_agents:ticket", args=[stone.ticket_pk])
    assert "made anonymous" in admin.get(url).text
    assert red.client.get(url).status_code == 404


def test_the_whole_number_finds_it_in_list_and_finder(red, blue, stone):
    listed = reverse("helpdesk_agents:tickets_view", args=["all"])
    found = reverse("helpdesk_agents:find_ticket")
    for url in (listed, reverse("helpdesk_agents:tickets_results", args=["all"]), found):
        for words in (stone.number, f"Ticket#{stone.number}"):
            assert "erased on 15 March 2026" in red.client.get(url, {"q": words}).text
        for words in (stone.number[:-1], "printer"):
            assert "erased on" not in red.client.get(url, {"q": words}).text
        assert "erased on" not in blue.client.get(url, {"q": stone.number}).text


def test_changes_of_an_erased_ticket_are_refused(red, stone):
    url = reverse("helpdesk_agents:change", args=[stone.ticket_pk, "claim"])
    assert red.client.post(url).status_code == 404
