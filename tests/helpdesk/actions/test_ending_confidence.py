"""What is confidential goes where it is not: after a question, and with a line in the audit log."""

from __future__ import annotations

import pytest

from helpdesk import actions, permissions
from helpdesk.errors import InvalidInput
from helpdesk.models import AuditEntry, AuditKind, Right, Ticket
from tests import factories as f

pytestmark = pytest.mark.django_db


@pytest.fixture
def safe():
    return f.QueueFactory(name="Safe", is_confidential=True)


@pytest.fixture
def plain():
    return f.QueueFactory(name="Plain")


@pytest.fixture
def agent(safe, plain):
    f.make_agent(plain, rights=[Right.READ])
    return permissions.agent(f.make_agent(safe, plain))


def lines():
    return [
        (row.user_name, row.queue_id, row.ticket_number, row.data)
        for row in AuditEntry.objects.filter(kind=AuditKind.CONFIDENTIAL_READ)
    ]


def test_it_is_not_moved_without_a_word(agent, safe, plain):
    ticket = f.make_ticket(safe)
    with pytest.raises(InvalidInput) as refused:
        actions.move(actor=agent, ticket=ticket, queue=plain)
    assert refused.value.field == "opens"
    assert (
        "“Plain” is not confidential: everybody there can read the ticket then (2 people)"
        in str(refused.value)
    )
    assert Ticket.objects.get(pk=ticket.pk).queue == safe
    assert lines() == []
    actions.move(actor=agent, ticket=ticket, queue=plain, opens=True)
    assert Ticket.objects.get(pk=ticket.pk).queue == plain
    assert lines() == [(agent.user.username, safe.pk, ticket.number, {"moved_to": "Plain"})]


def test_a_queue_below_a_confidential_one_is_confidential(agent, safe, plain):
    below = f.QueueFactory(parent=safe)
    ticket = f.make_ticket(safe)
    agent = permissions.agent(agent.user)
    actions.move(actor=agent, ticket=ticket, queue=below)
    assert lines() == []
    with pytest.raises(InvalidInput):
        actions.move(actor=agent, ticket=ticket, queue=plain)


def test_other_ways_are_not_asked(agent, safe, plain):
    ticket = f.make_ticket(plain)
    actions.move(actor=agent, ticket=ticket, queue=safe)
    assert Ticket.objects.get(pk=ticket.pk).queue == safe
    assert lines() == []


def test_the_machine_does_what_was_set_up_and_it_is_written_down(safe, plain):
    ticket = f.make_ticket(safe)
    actions.move(actor=permissions.SYSTEM, ticket=ticket, queue=plain)
    assert lines() == [("", safe.pk, ticket.number, {"moved_to": "Plain"})]


def test_so_is_what_is_thrown_away(agent, safe):
    f.QueueFactory(name="Junk", is_junk=True)
    ticket = f.make_ticket(safe)
    actions.mark_spam(actor=agent, ticket=ticket)
    assert [data for *_rest, data in lines()] == [{"moved_to": "Junk"}]


def test_a_part_of_it_is_not_taken_out_without_a_word(agent, safe, plain):
    ticket = f.make_ticket(safe)
    article = ticket.articles.get()
    facts = {"actor": agent, "ticket": ticket, "article": article, "subject": "Part"}
    with pytest.raises(InvalidInput) as refused:
        actions.split(queue=plain, **facts)
    assert refused.value.field == "opens"
    assert Ticket.objects.count() == 1
    actions.split(queue=safe, **facts)
    assert lines() == []
    made = actions.split(queue=plain, opens=True, **facts).ticket
    assert made.queue == plain
    assert lines() == [(agent.user.username, safe.pk, ticket.number, {"split_to": "Plain"})]
