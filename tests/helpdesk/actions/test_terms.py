from __future__ import annotations

import pytest
from django.utils import timezone

from helpdesk import actions, permissions
from helpdesk.actions import terms_of
from helpdesk.models import Channel, EventKind
from helpdesk.rules.terms import Objection, Terms
from tests import factories as f

pytestmark = pytest.mark.django_db

OBJECTION = Objection(at=timezone.now(), wording="I object.", channel="web")


def test_terms_come_from_the_nearest_queue_that_has_them():
    root = f.QueueFactory(retention_days=90, legal_basis_de="Art. 6")
    terms = terms_of(f.QueueFactory(parent=root, retention_days=365), language="en")
    assert (terms.retention_days, terms.promise_id, terms.legal_basis) == (365, None, "Art. 6")
    assert "1 year" in terms.retention_sentence


def test_zero_days_are_a_term_of_their_own():
    root = f.QueueFactory(retention_days=90)
    assert (
        terms_of(f.QueueFactory(parent=root, retention_days=0), language="en").retention_days == 0
    )


def test_a_pages_terms_win_over_the_queues_and_are_frozen():
    queue = f.QueueFactory(retention_days=90)
    terms = Terms(retention_days=7, retention_sentence="One week.", objection=OBJECTION)
    ticket = f.make_ticket(queue, terms=terms)
    ticket.refresh_from_db()
    assert (ticket.retention_days, ticket.retention_sentence) == (7, "One week.")
    assert (ticket.objected_at, ticket.objection_wording, ticket.objection_channel) == (
        OBJECTION.at,
        "I object.",
        "web",
    )


def test_only_the_verb_brings_new_terms_and_an_objection_outlives_them():
    ticket = f.make_ticket(terms=Terms(retention_days=7, objection=OBJECTION))
    actor = permissions.agent(f.make_agent(ticket.queue))
    new = Terms(retention_days=30, legal_basis="Art. 6", retention_sentence="30 days.")
    actions.apply_terms(actor=actor, ticket=ticket, terms=new)
    ticket.refresh_from_db()
    assert (ticket.retention_days, ticket.legal_basis, ticket.retention_sentence) == (
        30,
        "Art. 6",
        "30 days.",
    )
    assert ticket.objected_at == OBJECTION.at
    event = ticket.events.get(kind=EventKind.TERMS_APPLIED)
    assert event.data["from"] == {"promise": None, "retention_days": 7}
    assert event.data["to"] == {"promise": None, "retention_days": 30}


@pytest.mark.parametrize(("language", "words"), [("en", "I object"), ("de", "")])
def test_an_objection_is_noted_once_with_its_wording(language, words):
    ticket = f.make_ticket(language=language)
    person = permissions.customer(ticket.customer)
    for channel in (Channel.WEB, Channel.PHONE):
        actions.object_to_storage(actor=person, ticket=ticket, channel=channel)
    ticket.refresh_from_db()
    assert ticket.objected_at is not None
    assert words in ticket.objection_wording
    assert ticket.objection_wording
    assert ticket.objection_channel == Channel.WEB
    assert ticket.events.filter(kind=EventKind.OBJECTION_CHANGED).count() == 1
