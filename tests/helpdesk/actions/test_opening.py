from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from helpdesk import actions, permissions
from helpdesk.actions import Draft, Origin, Upload
from helpdesk.errors import AlreadyDone, InvalidInput, NotPermitted, WrongState
from helpdesk.models import Article, Blob, Channel, Event, EventKind, OutboundMail, Right, Ticket
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
    parent = f.QueueFactory(retention_days=90, legal_basis_de="Art. 6 DSGVO")
    ticket = f.make_ticket(f.QueueFactory(parent=parent))
    parent.retention_days = 10
    parent.save()
    ticket.refresh_from_db()
    assert ticket.retention_days == 90
    assert "90 " in ticket.retention_sentence


def test_the_first_submission_is_handed_back_to_a_second():
    first = f.make_ticket(submission_key="once")
    with pytest.raises(AlreadyDone) as done:
        f.make_ticket(submission_key="once")
    assert done.value.existing == first
    assert (Article.objects.count(), Event.objects.count()) == (1, 1)


def test_a_page_hands_over_where_it_came_from_and_the_answers():
    answers = ({"key": "room", "label": "Room", "value": "12.04"},)
    ticket = f.make_ticket(origin=Origin(answers=answers))
    ticket.refresh_from_db()
    assert ticket.answers == list(answers)
    assert ticket.page is None


def test_files_are_kept_once_with_the_article():
    files = (Upload("a.txt", b"same"), Upload("b.txt", b"same"))
    opened = actions.open_ticket(
        actor=permissions.SYSTEM,
        queue=f.QueueFactory(),
        subject="x",
        draft=Draft(body="y", channel=Channel.WEB, files=files),
        customer=None,
    )
    assert [row.name for row in opened.article.attachments.all()] == ["a.txt", "b.txt"]
    assert Blob.objects.count() == 1


@pytest.mark.parametrize(
    "type_",
    [StateType.PENDING_REMINDER, StateType.PENDING_AUTO, StateType.MERGED, StateType.REMOVED],
)
def test_no_ticket_starts_in_a_state_that_needs_more_than_a_name(type_):
    with pytest.raises(WrongState):
        f.make_ticket(state=f.state(type_))
    assert not Ticket.objects.exists()


def test_a_ticket_opened_closed_has_a_closing_date_and_waits_for_nobody():
    ticket = f.make_ticket(state=f.state(StateType.CLOSED))
    assert ticket.closed_at == ticket.created_at
    assert ticket.waiting_since is None


def test_nobody_owns_a_new_ticket_without_the_right_to_own():
    queue = f.QueueFactory()
    with pytest.raises(InvalidInput) as refusal:
        f.make_ticket(queue, owner=f.make_agent(queue, rights=[Right.READ]))
    assert refusal.value.field == "owner"
    owner = f.make_agent(queue, rights=[Right.OWN])
    assert f.make_ticket(queue, owner=owner).owner == owner


@pytest.mark.parametrize(
    ("given", "kept"),
    [("Ina@Mail.Example", "ina@mail.example"), ("no address", "no address"), ("", "")],
)
def test_contact_is_kept_in_the_form_in_which_it_is_compared(given, kept):
    assert f.make_ticket(contact=given).contact == kept


@pytest.mark.parametrize(("days", "past"), [(-400, True), (400, False)])
def test_an_imported_ticket_has_its_own_date_never_in_the_future_and_tells_nobody(days, past):
    date = timezone.now() + timedelta(days=days)
    opened = actions.open_ticket(
        actor=permissions.SYSTEM,
        queue=f.QueueFactory(),
        subject="Old",
        draft=Draft(body="x", channel=Channel.EMAIL, created_at=date),
        customer=None,
        contact="ina@mail.example",
        imported=True,
    )
    ticket = opened.ticket
    assert (ticket.created_at == date) == past
    assert ticket.created_at <= ticket.imported_at
    assert ticket.created_at == ticket.changed_at == ticket.waiting_since
    assert opened.article.created_at == ticket.created_at
    assert [event.kind for event in ticket.events.all()] == [EventKind.TICKET_IMPORTED]
    assert not OutboundMail.objects.exists()


@pytest.mark.parametrize("is_test", [True, False])
def test_receipts_go_out_for_all_but_test_tickets(is_test):
    f.make_ticket(contact="ina@mail.example", receipt=True, is_test=is_test)
    assert OutboundMail.objects.exists() != is_test


def test_a_call_becomes_a_ticket_of_the_caller_once():
    queue = f.QueueFactory()
    agent = permissions.agent(f.make_agent(queue, rights=[Right.CREATE, Right.OWN]))
    options = {
        "actor": agent,
        "queue": queue,
        "subject": "Phone",
        "body": "It rang.",
        "customer": f.CustomerFactory(),
        "owner": agent.user,
        "idempotency_key": "call-1",
    }
    opened = actions.open_by_phone(**options)
    assert (opened.ticket.channel, opened.article.sender) == (Channel.PHONE, "customer")
    assert opened.ticket.waiting_since is not None
    assert opened.ticket.owner == agent.user
    with pytest.raises(AlreadyDone) as done:
        actions.open_by_phone(**options)
    assert done.value.existing == opened.ticket
