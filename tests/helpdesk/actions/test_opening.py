from __future__ import annotations

import pytest

from helpdesk import actions, permissions
from helpdesk.errors import AlreadyDone, NotPermitted
from helpdesk.models import Event, EventKind, Right, Ticket
from helpdesk.states import StateType
from tests import factories as f

pytestmark = pytest.mark.django_db


def test_open_ticket_leaves_one_event_and_waits_for_an_answer():
    ticket = f.make_ticket()
    assert ticket.state.type == StateType.NEW
    assert ticket.waiting_since == ticket.created_at
    assert [event.kind for event in ticket.events.all()] == [EventKind.TICKET_OPENED]
    assert ticket.retention_days == 730


def test_open_ticket_with_the_same_submission_key_makes_no_second():
    f.make_ticket(submission_key="once")
    with pytest.raises(AlreadyDone):
        f.make_ticket(submission_key="once")
    assert Ticket.objects.count() == 1


def test_agent_without_create_may_not_open():
    queue = f.QueueFactory()
    agent = f.make_agent(queue, rights=[Right.READ])
    with pytest.raises(NotPermitted):
        actions.open_by_phone(
            actor=permissions.agent(agent), queue=queue, subject="x", body="y", customer=None
        )
    assert not Event.objects.exists()


def test_terms_are_inherited_and_frozen():
    parent = f.QueueFactory(retention_days=90, legal_basis="Art. 6 DSGVO")
    ticket = f.make_ticket(f.QueueFactory(parent=parent))
    parent.retention_days = 10
    parent.save()
    ticket.refresh_from_db()
    assert ticket.retention_days == 90
    assert "90 " in ticket.retention_sentence
