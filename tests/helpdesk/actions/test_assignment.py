from __future__ import annotations

import pytest

from helpdesk import actions, permissions
from helpdesk.errors import InvalidInput, NotPermitted
from helpdesk.models import EventKind, Priority, Right, TicketLink, TicketType
from tests import factories as f

pytestmark = pytest.mark.django_db

SYSTEM = permissions.SYSTEM


@pytest.fixture
def ticket():
    return f.make_ticket()


@pytest.fixture
def agent(ticket):
    return f.make_agent(ticket.queue)


def told(ticket, kind):
    return [event.data for event in ticket.events.filter(kind=kind)]


def test_claim_and_hand_back(ticket, agent):
    actor = permissions.agent(agent)
    assert actions.claim(actor=actor, ticket=ticket).owner == agent
    assert actions.hand_back(actor=actor, ticket=ticket).owner is None
    assert told(ticket, EventKind.OWNER_CHANGED) == [
        {"from": None, "to": agent.pk},
        {"from": agent.pk, "to": None},
    ]


def test_the_machine_and_customers_claim_nothing(ticket, agent):
    actions.assign(actor=SYSTEM, ticket=ticket, owner=agent)
    for actor in (SYSTEM, permissions.customer(ticket.customer)):
        with pytest.raises(NotPermitted):
            actions.claim(actor=actor, ticket=ticket)
    ticket.refresh_from_db()
    assert ticket.owner == agent


def test_assigning_the_owner_again_changes_nothing(ticket, agent):
    first = actions.assign(actor=SYSTEM, ticket=ticket, owner=agent)
    second = actions.assign(actor=SYSTEM, ticket=ticket, owner=agent)
    assert first.version == second.version
    assert len(told(ticket, EventKind.OWNER_CHANGED)) == 1


@pytest.mark.parametrize("rights", [[], [Right.READ, Right.ANSWER, Right.NOTE]])
def test_nobody_owns_without_the_right_to_own(ticket, agent, rights):
    other = f.make_agent(ticket.queue, rights=rights)
    with pytest.raises(InvalidInput) as refusal:
        actions.assign(actor=permissions.agent(agent), ticket=ticket, owner=other)
    assert refusal.value.field == "owner"
    ticket.refresh_from_db()
    assert ticket.owner is None


def test_an_inactive_person_owns_nothing(ticket, agent):
    with pytest.raises(InvalidInput):
        actions.assign(
            actor=SYSTEM, ticket=ticket, owner=f.make_agent(ticket.queue, is_active=False)
        )


def test_responsible_must_be_able_to_read(ticket, agent):
    reader = f.make_agent(ticket.queue, rights=[Right.READ])
    stranger = f.make_agent(f.QueueFactory())
    actions.set_responsible(actor=SYSTEM, ticket=ticket, responsible=reader)
    actions.set_responsible(actor=SYSTEM, ticket=ticket, responsible=reader)
    with pytest.raises(InvalidInput) as refusal:
        actions.set_responsible(actor=SYSTEM, ticket=ticket, responsible=stranger)
    assert refusal.value.field == "responsible"
    ticket.refresh_from_db()
    assert ticket.responsible == reader
    assert told(ticket, EventKind.RESPONSIBLE_CHANGED) == [{"from": None, "to": reader.pk}]


def test_move_keeps_an_owner_with_the_right_there(ticket, agent):
    other = f.QueueFactory()
    agent.groups.add(f.make_team(other))
    actions.assign(actor=SYSTEM, ticket=ticket, owner=agent)
    moved = actions.move(actor=permissions.agent(agent), ticket=ticket, queue=other)
    assert (moved.queue, moved.owner) == (other, agent)
    before = ticket.queue_id
    assert told(ticket, EventKind.QUEUE_CHANGED) == [{"from": before, "to": other.pk}]


def test_move_takes_the_ticket_from_those_without_a_right_there(ticket, agent):
    other = f.QueueFactory()
    agent.groups.add(f.make_team(other, rights=[Right.MOVE_INTO]))
    reader = f.make_agent(ticket.queue, rights=[Right.READ])
    actions.assign(actor=SYSTEM, ticket=ticket, owner=agent)
    actions.set_responsible(actor=SYSTEM, ticket=ticket, responsible=reader)
    actions.move(actor=permissions.agent(agent), ticket=ticket, queue=other)
    ticket.refresh_from_db()
    assert (ticket.owner, ticket.responsible) == (None, None)
    assert told(ticket, EventKind.OWNER_CHANGED)[-1] == {
        "from": agent.pk,
        "to": None,
        "by": "move",
    }
    assert told(ticket, EventKind.RESPONSIBLE_CHANGED)[-1] == {
        "from": reader.pk,
        "to": None,
        "by": "move",
    }


def test_move_to_where_it_is_changes_nothing(ticket, agent):
    version = ticket.version
    moved = actions.move(actor=permissions.agent(agent), ticket=ticket, queue=ticket.queue)
    assert moved.version == version
    assert not told(ticket, EventKind.QUEUE_CHANGED)


def test_priority_and_type_are_set_once(ticket, agent):
    urgent, fault = Priority.objects.get(slug="urgent"), TicketType.objects.get(slug="fault")
    before = ticket.priority_id
    for _twice in range(2):
        actions.set_priority(actor=permissions.agent(agent), ticket=ticket, priority=urgent)
        actions.set_type(actor=permissions.agent(agent), ticket=ticket, type_=fault)
    ticket.refresh_from_db()
    assert (ticket.priority, ticket.type) == (urgent, fault)
    assert told(ticket, EventKind.PRIORITY_CHANGED) == [{"from": before, "to": urgent.pk}]
    assert told(ticket, EventKind.TYPE_CHANGED) == [{"from": None, "to": fault.pk}]


def test_rename_keeps_words_in_the_erasable_column_only(ticket, agent):
    actions.rename(actor=permissions.agent(agent), ticket=ticket, subject="  A\n better  one ")
    ticket.refresh_from_db()
    assert ticket.subject == "A better one"
    event = ticket.events.get(kind=EventKind.SUBJECT_CHANGED)
    assert event.data == {}
    assert event.content == {"from": "The printer is silent", "to": "A better one"}


def test_a_subject_must_have_words(ticket, agent):
    with pytest.raises(InvalidInput) as refusal:
        actions.rename(actor=permissions.agent(agent), ticket=ticket, subject=" \n ")
    assert refusal.value.field == "subject"


def test_a_new_customer_brings_the_address_answers_go_to(ticket, agent):
    address = f.CustomerAddressFactory(address="Ina.Rother@Mail.Example")
    actor = permissions.agent(agent)
    actions.set_customer(actor=actor, ticket=ticket, customer=address.customer)
    ticket.refresh_from_db()
    # the form in which contacts are compared with addresses
    assert ticket.contact == address.normalised == "ina.rother@mail.example"
    version = ticket.version
    actions.set_customer(actor=actor, ticket=ticket, customer=address.customer)
    ticket.refresh_from_db()
    assert ticket.version == version
    event = ticket.events.get(kind=EventKind.CUSTOMER_CHANGED)
    assert event.data["to"] == address.customer.pk
    assert event.content["to"] == "ina.rother@mail.example"


def test_a_contact_must_be_an_address(ticket, agent):
    with pytest.raises(InvalidInput) as refusal:
        actions.set_customer(
            actor=permissions.agent(agent), ticket=ticket, customer=None, contact="nobody"
        )
    assert refusal.value.field == "contact"


def test_a_link_is_made_once_and_told_on_both_sides(ticket, agent):
    other = f.make_ticket(ticket.queue)
    actor = permissions.agent(agent)
    first = actions.link(actor=actor, source=other, target=ticket, kind="parent")
    second = actions.link(actor=actor, source=other, target=ticket, kind="parent")
    assert first == second == TicketLink.objects.get()
    assert (first.source, first.target) == (other, ticket)
    assert told(ticket, EventKind.LINKED) == [{"ticket": other.pk, "kind": "parent"}]
    assert told(other, EventKind.LINKED) == [{"ticket": ticket.pk, "kind": "parent"}]


@pytest.mark.parametrize(("kind", "field"), [("related", "target"), ("enemy", "kind")])
def test_impossible_links_are_refused(ticket, kind, field):
    ends = {"target": ticket, "kind": f.make_ticket()}
    with pytest.raises(InvalidInput) as refusal:
        actions.link(actor=SYSTEM, source=ticket, target=ends[field], kind=kind)
    assert refusal.value.field == field
    assert not TicketLink.objects.exists()
