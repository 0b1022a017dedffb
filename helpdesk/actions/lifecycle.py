"""The states of a ticket: one function changes them, guided by the table in `helpdesk.states`."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from helpdesk import events, permissions, states
from helpdesk.errors import InvalidInput, WrongState
from helpdesk.models import EventKind, Right, State, Ticket
from helpdesk.permissions import Actor
from helpdesk.states import PENDING_TYPES, StateType

from .base import Expected, default_state, locked, locked_to_decide, not_meanwhile, touch


def transition(
    *,
    actor: Actor,
    ticket: Ticket,
    state: State,
    pending_until: datetime | None = None,
    at: datetime | None = None,
) -> bool:
    """Move a locked ticket to `state` and record it; tell whether anything changed.

    Pending states need a date in the future (`InvalidInput` otherwise) and lose it on leaving; the
    closing date is set and cleared here. Raises `WrongState` where the table of types forbids it and
    for merging, which has a verb of its own; `NotPermitted` for removing without the right *manage*,
    for a removed ticket is out of its team's sight.
    """
    now = timezone.now()
    before = ticket.state
    if state.type == StateType.REMOVED:
        permissions.require(actor, Right.MANAGE, ticket)
    if state.type == StateType.MERGED or not states.may_change(before.type, state.type):
        raise WrongState(
            _("A ticket that is “%(before)s” cannot become “%(after)s”.")
            % {"before": before.name, "after": state.name}
        )
    if state.type in PENDING_TYPES:
        if pending_until is None:
            raise InvalidInput(_("Choose the date on which it comes back."), field="pending_until")
        if pending_until <= now:
            raise InvalidInput(_("The date lies in the past."), field="pending_until")
    else:
        pending_until = None
    if before.pk == state.pk and ticket.pending_until == pending_until:
        return False
    ticket.state = state
    ticket.pending_until = pending_until
    if not state.is_open:
        ticket.closed_at = ticket.closed_at if not before.is_open else (at or now)
        ticket.waiting_since = None
    else:
        ticket.closed_at = None
        if not before.is_open:
            ticket.reopened_at = at or now
    fields = ("state", "pending_until", "closed_at", "waiting_since", "reopened_at")
    touch(actor, ticket, *fields, at=at)
    same = before.pk == state.pk
    events.record(
        actor=actor,
        ticket=ticket,
        kind=EventKind.PENDING_CHANGED if same else EventKind.STATE_CHANGED,
        data={
            "from": before.pk,
            "to": state.pk,
            "pending_until": pending_until.isoformat() if pending_until else None,
        },
    )
    return True


def put_back(
    *,
    actor: Actor,
    ticket: Ticket,
    state: State,
    pending_until: datetime | None,
    closed_at: datetime | None,
    by: str = "take_back",
) -> None:
    """Put a locked ticket into the state it was in before a change that is undone, and record it.

    The table of types is not asked, for nothing moves on: the change never was. A date that passed
    meanwhile is kept, so the ticket comes back at once.
    """
    before = ticket.state
    ticket.state = state
    ticket.pending_until = pending_until
    ticket.closed_at = closed_at
    touch(actor, ticket, "state", "pending_until", "closed_at")
    events.record(
        actor=actor,
        ticket=ticket,
        kind=EventKind.PENDING_CHANGED if before.pk == state.pk else EventKind.STATE_CHANGED,
        data={
            "from": before.pk,
            "to": state.pk,
            "pending_until": pending_until.isoformat() if pending_until else None,
            "by": by,
        },
    )


def become_merged(*, actor: Actor, ticket: Ticket, into: Ticket) -> None:
    """Move a locked ticket to the first state of the type *merged*, and note where it went.

    The one way there. Raises `WrongState` where the table of types forbids it.
    """
    before, state = ticket.state, default_state(StateType.MERGED)
    if not states.may_change(before.type, state.type):
        raise WrongState(_("A ticket that is removed cannot be merged."))
    ticket.state = state
    ticket.merged_into = into
    ticket.closed_at = ticket.closed_at or timezone.now()
    ticket.pending_until = ticket.waiting_since = None
    touch(actor, ticket, "state", "merged_into", "closed_at", "pending_until", "waiting_since")
    events.record(
        actor=actor,
        ticket=ticket,
        kind=EventKind.STATE_CHANGED,
        data={"from": before.pk, "to": state.pk, "pending_until": None, "by": "merge"},
    )


@transaction.atomic
def change_state(
    *,
    actor: Actor,
    ticket: Ticket,
    state: State,
    pending_until: datetime | None = None,
    expected: Expected = None,
) -> Ticket:
    """Set the state of `ticket` (right *note*), with its date if the state is a pending one.

    Raises what `transition` does, and `StaleField` if state or date are not as `expected`.
    """
    ticket = locked(actor, ticket, Right.NOTE)
    not_meanwhile(ticket, expected, state_id=state.pk, pending_until=pending_until)
    transition(actor=actor, ticket=ticket, state=state, pending_until=pending_until)
    return ticket


@transaction.atomic
def close_request(*, actor: Actor, ticket: Ticket) -> Ticket:
    """Close the own request: the customer's verb. Closing a closed request changes nothing.

    Raises `NotPermitted` for whoever only takes part in it.
    """
    ticket = locked_to_decide(actor, ticket)
    if ticket.state.is_open:
        transition(actor=actor, ticket=ticket, state=default_state(StateType.CLOSED))
    return ticket
