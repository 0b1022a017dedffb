from __future__ import annotations

import itertools
from datetime import timedelta

import pytest
from django.utils import timezone

from helpdesk import actions, permissions, states
from helpdesk.errors import InvalidInput, NotPermitted, WrongState
from helpdesk.models import EventKind, Right, State, Ticket
from helpdesk.states import OPEN_TYPES, PENDING_TYPES, StateType
from tests import factories as f

pytestmark = pytest.mark.django_db

SYSTEM = permissions.SYSTEM


def soon():
    return timezone.now() + timedelta(days=2)


def change(ticket: Ticket, type_: str, **options: object) -> Ticket:
    options.setdefault("pending_until", soon() if type_ in PENDING_TYPES else None)
    return actions.change_state(actor=SYSTEM, ticket=ticket, state=f.state(type_), **options)


def in_state(type_: str) -> Ticket:
    ticket = f.make_ticket()
    pending_until = soon() if type_ in PENDING_TYPES else None
    closed_at = None if type_ in OPEN_TYPES else timezone.now()
    # merging is no verb yet: put there by hand
    Ticket.objects.filter(pk=ticket.pk).update(
        state=f.state(type_),
        pending_until=pending_until,
        next_action_at=(pending_until or timezone.now()) if closed_at is None else None,
        closed_at=closed_at,
        waiting_since=ticket.waiting_since if closed_at is None else None,
    )
    ticket.refresh_from_db()
    return ticket


def consistent(ticket: Ticket) -> bool:
    """What must hold of every ticket, whatever was done with it."""
    ticket.refresh_from_db()
    is_pending = ticket.state.type in PENDING_TYPES
    return (
        (ticket.closed_at is None) == ticket.state.is_open
        and (ticket.pending_until is not None) == is_pending
        and (ticket.next_action_at is not None) == ticket.state.is_open
        and (ticket.state.is_open or ticket.waiting_since is None)
    )


PAIRS = list(itertools.product(StateType, StateType))
# merging has a verb of its own
ALLOWED = [(a, b) for a, b in PAIRS if states.may_change(a, b) and b != StateType.MERGED]


@pytest.mark.parametrize(("before", "after"), ALLOWED)
def test_an_allowed_change_of_type_leaves_a_consistent_ticket(before, after):
    ticket = in_state(before)
    change(ticket, after)
    ticket.refresh_from_db()
    assert ticket.state.type == after
    assert consistent(ticket)


@pytest.mark.parametrize(("before", "after"), sorted(set(PAIRS) - set(ALLOWED)))
def test_any_other_change_of_type_is_refused(before, after):
    ticket = in_state(before)
    with pytest.raises(WrongState):
        change(ticket, after)
    ticket.refresh_from_db()
    assert ticket.state.type == before
    assert not ticket.events.filter(kind=EventKind.STATE_CHANGED).exists()


def test_the_table_is_closed_over_the_types():
    assert set(states.TRANSITIONS) == set(StateType)
    assert set().union(*states.TRANSITIONS.values()) == set(StateType)
    # nothing is lost for good but what was merged, and that leads on
    ends = {type_ for type_, after in states.TRANSITIONS.items() if after <= {type_}}
    assert ends == {StateType.MERGED}


def test_change_of_state_is_told_with_its_ends():
    ticket = f.make_ticket()
    before = ticket.state_id
    change(ticket, StateType.OPEN)
    event = ticket.events.get(kind=EventKind.STATE_CHANGED)
    assert event.data == {
        "from": before,
        "to": f.state(StateType.OPEN).pk,
        "pending_until": None,
    }


def test_setting_the_same_state_changes_nothing():
    ticket = f.make_ticket()
    version = ticket.version
    change(ticket, StateType.NEW)
    ticket.refresh_from_db()
    assert ticket.version == version
    assert ticket.events.count() == 1


@pytest.mark.parametrize("type_", sorted(PENDING_TYPES))
@pytest.mark.parametrize("days", [None, 0, -1])
def test_a_pending_state_needs_a_date_to_come(type_, days):
    ticket = f.make_ticket()
    date = None if days is None else timezone.now() + timedelta(days=days)
    with pytest.raises(InvalidInput) as refusal:
        change(ticket, type_, pending_until=date)
    assert refusal.value.field == "pending_until"
    ticket.refresh_from_db()
    assert (ticket.state.type, ticket.pending_until) == (StateType.NEW, None)


@pytest.mark.parametrize("type_", sorted(PENDING_TYPES))
def test_leaving_a_pending_state_clears_its_date(type_):
    ticket = change(f.make_ticket(), type_)
    assert ticket.pending_until == ticket.next_action_at
    assert consistent(ticket)
    change(ticket, StateType.OPEN, pending_until=soon())
    assert consistent(ticket)
    assert ticket.pending_until is None


def test_another_pending_date_alone_has_an_event_of_its_own():
    ticket = change(f.make_ticket(), StateType.PENDING_REMINDER)
    later = soon() + timedelta(days=1)
    change(ticket, StateType.PENDING_REMINDER, pending_until=later)
    ticket.refresh_from_db()
    assert ticket.pending_until == later
    assert ticket.events.filter(kind=EventKind.STATE_CHANGED).count() == 1
    assert ticket.events.filter(kind=EventKind.PENDING_CHANGED).count() == 1


def test_closing_date_is_set_kept_and_cleared():
    ticket = change(f.make_ticket(), StateType.CLOSED)
    closed_at = ticket.closed_at
    assert closed_at is not None
    assert ticket.waiting_since is None
    other = State.objects.filter(type=StateType.CLOSED).last()
    actions.change_state(actor=SYSTEM, ticket=ticket, state=other)
    ticket.refresh_from_db()
    assert (ticket.state, ticket.closed_at) == (other, closed_at)
    change(ticket, StateType.OPEN)
    ticket.refresh_from_db()
    assert ticket.closed_at is None


def test_removing_asks_for_the_right_to_manage_for_the_team_loses_sight_of_it():
    ticket = f.make_ticket()
    agent = f.make_agent(ticket.queue, rights=[Right.NOTE])
    with pytest.raises(NotPermitted):
        actions.change_state(
            actor=permissions.agent(agent), ticket=ticket, state=f.state(StateType.REMOVED)
        )
    manager = permissions.agent(f.make_agent(ticket.queue))
    actions.change_state(actor=manager, ticket=ticket, state=f.state(StateType.REMOVED))
    assert not permissions.visible_tickets(manager).exists()


@pytest.mark.parametrize("verb", [actions.answer, actions.add_note])
def test_no_verb_merges_on_the_way(verb):
    ticket = f.make_ticket(contact="")
    draft = actions.Draft(body="x", channel="note")
    with pytest.raises(WrongState):
        verb(actor=SYSTEM, ticket=ticket, draft=draft, state=f.state(StateType.MERGED))
    assert ticket.articles.count() == 1


def test_customer_closes_the_own_request_once():
    ticket = f.make_ticket()
    person = permissions.customer(ticket.customer)
    actions.close_request(actor=person, ticket=ticket)
    again = actions.close_request(actor=person, ticket=ticket)
    assert again.state.type == StateType.CLOSED
    assert consistent(ticket)
    event = ticket.events.get(kind=EventKind.STATE_CHANGED)
    assert (event.actor_kind, event.customer) == ("customer", ticket.customer)
