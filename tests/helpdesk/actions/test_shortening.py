"""Shorter terms for tickets that are there: never longer, and no ticket goes later."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from helpdesk import actions
from helpdesk.actions import due_storage
from helpdesk.models import EventKind, Queue, Ticket
from helpdesk.permissions import SYSTEM
from helpdesk.rules.terms import Objection, Terms
from helpdesk.states import StateType
from tests import factories as f

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
OBJECTION = Objection(at=NOW, wording="I object.", channel="web", days=14)


def shorten(ticket: Ticket, terms: Terms) -> int:
    return actions.shorten_terms(tickets=[ticket.pk], promised=lambda row: terms)


def closed(**options) -> Ticket:
    return f.make_ticket(state=f.state(StateType.CLOSED), contact="", **options)


def test_shorter_terms_come_with_their_sentence_in_the_tickets_language():
    ticket = closed(terms=Terms(retention_days=730), language="de")
    before = ticket.erase_at
    terms = Terms(retention_days=365, purpose="Nachweis", legal_basis="§ 3 HG", attachment_days=90)
    assert shorten(ticket, terms) == 1
    ticket.refresh_from_db()
    assert (ticket.retention_days, ticket.attachment_days) == (365, 90)
    assert before - ticket.erase_at == timedelta(days=365)
    assert ticket.storage_step == "attachments"
    for words in ("1 Jahr", "90", "Nachweis", "§ 3 HG"):
        assert words in ticket.retention_sentence
    event = ticket.events.get(kind=EventKind.TERMS_APPLIED)
    assert event.actor_kind == "system"
    assert event.data["from"]["retention_days"] == 730
    assert event.data["to"]["attachment_days"] == 90


def test_it_is_no_change_of_the_request():
    ticket = closed(terms=Terms(retention_days=730))
    Ticket.objects.filter(pk=ticket.pk).update(changed_at=NOW - timedelta(days=5))
    before = Ticket.objects.values("changed_at", "version").get(pk=ticket.pk)
    shorten(ticket, Terms(retention_days=10))
    assert Ticket.objects.values("changed_at", "version").get(pk=ticket.pk) == before


@pytest.mark.parametrize(
    "promised",
    [
        Terms(retention_days=731),
        Terms(retention_days=730, attachment_days=730),
        Terms(retention_days=730, at_end="anonymise"),
        Terms(retention_days=730, legal_basis="Other words", retention_sentence="Other."),
    ],
)
def test_what_is_no_shorter_changes_nothing(promised):
    ticket = closed(terms=Terms(retention_days=730, retention_sentence="As read."))
    row = Ticket.objects.values().get(pk=ticket.pk)
    assert shorten(ticket, promised) == 0
    assert Ticket.objects.values().get(pk=ticket.pk) == row
    assert not ticket.events.filter(kind=EventKind.TERMS_APPLIED).exists()


def test_an_earlier_step_is_taken_over_and_the_longer_rest_is_not():
    ticket = closed(terms=Terms(retention_days=90, legal_basis="Given"))
    shorten(ticket, Terms(retention_days=730, legal_basis="New", attachment_days=30))
    ticket.refresh_from_db()
    assert (ticket.retention_days, ticket.attachment_days, ticket.legal_basis) == (90, 30, "Given")


def test_an_objection_and_its_date_stay():
    ticket = closed(terms=Terms(retention_days=730, objection=OBJECTION))
    before = ticket.erase_at
    assert shorten(ticket, Terms(retention_days=365)) == 1
    ticket.refresh_from_db()
    assert (ticket.erase_at, ticket.objected_at, ticket.objection_days) == (before, NOW, 14)


def test_a_merged_and_an_anonymised_ticket_are_passed_over():
    queue = f.QueueFactory()
    source, target = (f.make_ticket(queue, contact="") for _n in range(2))
    actions.merge(actor=SYSTEM, source=source, target=target, visible=False)
    anonymised = closed()
    Ticket.objects.filter(pk=anonymised.pk).update(anonymised_at=NOW)
    pks = [source.pk, anonymised.pk]
    assert actions.shorten_terms(tickets=pks, promised=lambda row: Terms(retention_days=1)) == 0


def test_its_dates_are_those_that_stay_when_they_are_worked_out_again():
    with time_machine.travel(NOW, tick=False):
        ticket = f.make_ticket(contact="", terms=Terms(retention_days=730))
        early = ticket.erase_at - timedelta(days=700)  # as if worked out under other settings
        Ticket.objects.filter(pk=ticket.pk).update(erase_at=early)
        shorten(ticket, Terms(retention_days=365))
        ticket.refresh_from_db()
        said = (ticket.erase_at, ticket.storage_step_at, ticket.storage_step)
        due_storage.settle_storage(tickets=[ticket.pk])
        ticket.refresh_from_db()
        assert (ticket.erase_at, ticket.storage_step_at, ticket.storage_step) == said


days = st.integers(0, 900)
terms = st.builds(
    Terms,
    retention_days=days,
    attachment_days=st.none() | days,
    personal_days=st.none() | days,
    at_end=st.sampled_from(["erase", "anonymise"]),
    objection=st.none() | st.just(OBJECTION),
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    terms=terms,
    promised=st.lists(terms, min_size=1, max_size=3),
    is_open=st.booleans(),
    warned=st.booleans(),
)
def test_no_policy_ever_makes_a_ticket_go_later(db, terms, promised, is_open, warned):
    queue = Queue.objects.first() or f.QueueFactory()
    kind = StateType.NEW if is_open else StateType.CLOSED
    ticket = f.make_ticket(queue, state=f.state(kind), contact="", terms=terms)
    if warned:
        ticket.erase_warned_at = timezone.now()
        actions.storing.settle(ticket)
        ticket.save()
    for policy in promised:
        before = Ticket.objects.get(pk=ticket.pk)
        shorten(ticket, policy)
        after = Ticket.objects.get(pk=ticket.pk)
        assert after.erase_at <= before.erase_at
        assert after.storage_step_at <= before.storage_step_at
        assert after.retention_days <= before.retention_days
        assert after.objected_at == before.objected_at
        assert shorten(ticket, policy) == 0  # applied once, there is nothing left to shorten
