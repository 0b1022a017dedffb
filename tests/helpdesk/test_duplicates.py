from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from helpdesk import actions, duplicates, permissions
from helpdesk.actions import Draft
from helpdesk.models import Channel, InformedQueue, Ticket
from helpdesk.rules.likeness import Reason
from helpdesk.states import StateType
from tests import factories as f

pytestmark = pytest.mark.django_db

TEXT = "The printer on the third floor prints nothing since yesterday morning, please help us."


@pytest.fixture
def queue():
    return f.QueueFactory()


@pytest.fixture
def agent(queue):
    return permissions.agent(f.make_agent(queue))


@pytest.fixture
def ticket(queue):
    return f.make_ticket(queue, subject="Printer on the third floor", body=TEXT)


def twin(ticket, **options):
    options = {
        "queue": ticket.queue,
        "customer": ticket.customer,
        "body": "Nothing yet?",
        **options,
    }
    return f.make_ticket(subject="The printer on the third floor", **options)


def found(actor, ticket):
    return [one.ticket for one in duplicates.likely(actor, ticket)]


def test_the_same_sender_with_a_similar_subject_is_found_from_both_sides(agent, ticket):
    other = twin(ticket)
    f.make_ticket(ticket.queue, customer=ticket.customer, subject="New chair", body="I want one.")
    [hint] = duplicates.likely(agent, ticket)
    assert hint.ticket == other
    assert Reason.SENDER in hint.likeness.reasons
    assert found(agent, other) == [ticket]


def test_the_same_text_of_somebody_else_is_found_by_its_words(agent, ticket):
    other = f.make_ticket(ticket.queue, subject="Help", body=TEXT + " Thanks")
    [hint] = duplicates.likely(agent, ticket)
    assert (hint.ticket, hint.likeness.reasons) == (other, (Reason.TEXT,))


def test_the_same_mail_in_another_queue_is_found(agent, queue):
    second = f.QueueFactory()
    rows = []
    for where in (queue, second):
        opened = actions.open_ticket(
            actor=permissions.SYSTEM,
            queue=where,
            subject=f"In {where}",
            draft=Draft(body=where.name, channel=Channel.EMAIL, message_id="<1@mail.example>"),
            customer=None,
            receipt=False,
        )
        rows.append(opened.ticket)
    assert found(agent, rows[0]) == []  # that queue is not the agent's
    both = permissions.agent(f.make_agent(queue, second))
    assert found(both, rows[0]) == [rows[1]]


def test_what_cannot_be_read_is_no_hint(ticket):
    twin(ticket)
    hidden = twin(ticket, queue=f.QueueFactory())
    reader = permissions.agent(f.make_agent(ticket.queue))
    assert hidden not in found(reader, ticket)
    InformedQueue.objects.create(ticket=hidden, queue=ticket.queue, at=timezone.now())
    assert hidden not in found(permissions.agent(reader.user), ticket)


@pytest.mark.parametrize("how", ["merged", "removed", "old", "dismissed", "duplicate", "test"])
def test_what_is_settled_is_no_hint(agent, ticket, how):
    other = twin(ticket, is_test=how == "test")
    root = permissions.agent(f.UserFactory(is_superuser=True))
    third = f.make_ticket(ticket.queue, customer=ticket.customer, subject="Chair", body="x" * 30)
    if how == "merged":
        actions.merge(actor=agent, source=other, target=third)
    elif how == "removed":
        actions.change_state(actor=root, ticket=other, state=f.state(StateType.REMOVED))
    elif how == "old":
        at = ticket.created_at - timedelta(days=8)
        Ticket.objects.filter(pk=other.pk).update(created_at=at)
    elif how == "dismissed":
        actions.dismiss_hint(actor=agent, ticket=other, other=ticket)
    elif how == "duplicate":
        actions.link(actor=agent, source=other, target=ticket, kind="duplicate")
    assert other not in found(agent, ticket)


def test_a_fixed_number_of_queries(agent, ticket, django_assert_num_queries):
    counts = []
    for more in (2, 30):
        for _n in range(more):
            twin(ticket, body=TEXT)
        actor = permissions.agent(agent.user)
        actor.queue_rights  # noqa: B018 (asked for once a request)
        with django_assert_num_queries(6):
            counts.append(len(duplicates.likely(actor, ticket, limit=100)))
    assert counts[0] == 2
    assert counts[1] <= 2 * duplicates.CANDIDATES


# --- in the list ---------------------------------------------------------------------------------


def test_the_worker_looks_once_at_new_tickets_and_the_list_marks_them(agent, ticket):
    other = twin(ticket)
    assert duplicates.look() == 2
    assert duplicates.look() == 0
    assert duplicates.marked(agent, [ticket, other]) == {ticket.pk, other.pk}
    actions.dismiss_hint(actor=agent, ticket=ticket, other=other)
    assert duplicates.marked(agent, [ticket, other]) == set()


@pytest.mark.parametrize("how", ["merged", "linked", "elsewhere"])
def test_a_mark_goes_when_the_matter_is_settled_or_out_of_sight(agent, ticket, how):
    other = twin(ticket, queue=f.QueueFactory() if how == "elsewhere" else ticket.queue)
    duplicates.look()
    if how == "merged":
        actions.merge(actor=agent, source=other, target=ticket)
    elif how == "linked":
        actions.link(actor=agent, source=other, target=ticket, kind="duplicate")
    assert duplicates.marked(agent, [ticket]) == set()


def test_marking_a_list_is_one_query(agent, ticket, django_assert_num_queries):
    rows = [ticket, *(twin(ticket) for _n in range(10))]
    duplicates.look()
    agent.queue_rights  # noqa: B018 (asked for once a request)
    with django_assert_num_queries(1):
        assert len(duplicates.marked(agent, rows)) == 11


# --- customers -----------------------------------------------------------------------------------


def test_own_open_requests_that_look_alike(ticket):
    actor = permissions.customer(ticket.customer)
    [hint] = duplicates.alike(actor, subject="printer, third floor", text=TEXT)
    assert hint.ticket == ticket
    assert duplicates.alike(actor, subject="Chair", text="I want one, please, and soon.") == []


def test_neither_anothers_nor_closed_requests_are_shown(agent, ticket):
    stranger = permissions.customer(f.CustomerFactory())
    assert duplicates.alike(stranger, subject=ticket.subject, text=TEXT) == []
    assert duplicates.alike(permissions.link_bearer(ticket), subject="", text=TEXT) == []
    actions.change_state(actor=agent, ticket=ticket, state=f.state(StateType.CLOSED))
    own = permissions.customer(ticket.customer)
    assert duplicates.alike(own, subject=ticket.subject, text=TEXT) == []


def test_the_words_of_a_list_are_its_cells_without_their_labels():
    cells = [{"label": "Name", "shown": "Ada"}, {"label": "Room", "shown": "12"}]
    entries = [{"shown": "Smoke"}, {"shown": "1. Name: Ada, Room: 12", "rows": [cells, "odd"]}]
    assert duplicates.words_of(entries) == "Smoke\nAda\n12"
