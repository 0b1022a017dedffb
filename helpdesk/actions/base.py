"""What every verb does first and last: lock the row and ask the policy; raise the version."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from functools import wraps
from typing import ParamSpec, TypeVar

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from helpdesk import addressing, permissions
from helpdesk.errors import InvalidInput, NotFound, NotPermitted, StaleField
from helpdesk.models import (
    Priority,
    Right,
    State,
    Ticket,
    current_batch,
    directory,
    held,
    is_kept,
    update,
)
from helpdesk.permissions import Actor
from helpdesk.states import StateType

from . import clocks, storing

P = ParamSpec("P")
R = TypeVar("R")
#: What columns of a ticket were when they were shown to whoever changes them; see `not_meanwhile`.
Expected = Mapping[str, object] | None

_whole: ContextVar[bool] = ContextVar("helpdesk_one_transaction", default=False)


@contextmanager
def one_transaction() -> Iterator[None]:
    """Make everything inside one transaction without points to go back to: it succeeds or fails whole.

    For callers that do all of it again after a fault, as filing a mail does; saves two statements a verb.
    """
    token = _whole.set(True)
    try:
        with transaction.atomic():
            yield
    finally:
        _whole.reset(token)


@contextmanager
def savepoint() -> Iterator[None]:
    """Open a transaction, or a point inside one to which a fault goes back (not in `one_transaction`)."""
    with transaction.atomic(savepoint=not _whole.get()):
        yield


def is_whole() -> bool:
    """Tell whether we are inside `one_transaction`: a fault cannot be mended here, only passed on."""
    return _whole.get()


def verb(function: Callable[P, R]) -> Callable[P, R]:
    """Make a function a verb: it happens whole or not at all."""

    @wraps(function)
    def whole(*args: P.args, **kwargs: P.kwargs) -> R:
        with savepoint():
            return function(*args, **kwargs)

    return whole


def locked(actor: Actor, ticket: Ticket, right: Right | str) -> Ticket:
    """Return `ticket` read anew under a row lock, after asking for `right`.

    Raises `NotPermitted`, or `NotFound` if the ticket is gone. Call inside a transaction.
    """
    if is_kept():
        return _from_directory(actor, ticket, right)
    # Without the key: events and outbox rows that point here are written beside us, and nobody who holds
    # one of them waits for us while we wait for it.
    # The lock first, and alone: PostgreSQL, having waited for it, looks at the ticket as it is then but
    # at joined rows as they were, and finds nothing if the ticket points to another state by now.
    rows = Ticket.objects.select_for_update(no_key=True).filter(pk=ticket.pk).order_by()
    if not rows.values_list("pk", flat=True):
        raise NotFound
    fresh = Ticket.objects.select_related("state", "queue", "priority").get(pk=ticket.pk)
    permissions.require(actor, right, fresh)
    return fresh


def locked_to_decide(actor: Actor, ticket: Ticket) -> Ticket:
    """Do the same for what customers decide on their own requests, and agents (right *answer*) for them.

    Raises `NotPermitted` for whoever only takes part.
    """
    ticket = locked(actor, ticket, permissions.REPLY)
    require_decision(actor, ticket)
    return ticket


def require_decision(actor: Actor, ticket: Ticket) -> None:
    """Raise `NotPermitted` for a customer who sees the request only because it was shared."""
    if actor.kind == "customer" and not permissions.may_decide(actor, ticket):
        raise NotPermitted


def locked_at_home(actor: Actor, ticket: Ticket, right: Right | str) -> Ticket:
    """Do the same, but return the ticket into which `ticket` was merged, if it was.

    The right is asked for on `ticket` itself. What is known to be merged is not locked, so that nobody
    waits here who merges it further.
    """
    if ticket.merged_into_id is None:
        ticket = locked(actor, ticket, right)
    else:
        permissions.require(actor, right, ticket)
    while ticket.merged_into_id is not None:
        ticket = locked(permissions.SYSTEM, Ticket(pk=ticket.merged_into_id), right)
    return ticket


def _from_directory(actor: Actor, ticket: Ticket, right: Right | str) -> Ticket:
    """Do the same with one statement: what the ticket points to is known already."""
    fresh = held(Ticket, pk=ticket.pk)  # an open batch has its lock already
    if fresh is None:
        rows = Ticket.objects.select_for_update(no_key=True).filter(pk=ticket.pk)
        fresh = rows.order_by().first()
    if fresh is None:
        raise NotFound
    _fill(fresh)
    permissions.require(actor, right, fresh)
    return fresh


def _fill(fresh: Ticket) -> None:
    """Give a ticket what it points to from the directory that is kept."""
    known = directory()
    # a row made since is asked for when needed
    if fresh.state_id in known.states:
        fresh.state = known.states[fresh.state_id]
    if fresh.queue_id in known.queues:
        fresh.queue = known.queues[fresh.queue_id]
    if fresh.priority_id in known.priorities:
        fresh.priority = known.priorities[fresh.priority_id]


def hold_tickets(which: Q) -> None:
    """Lock tickets for the open batch, in the order in which everybody locks several."""
    opened = current_batch()
    if opened is not None:
        rows = Ticket.objects.select_for_update(no_key=True).filter(which).order_by("pk")
        for row in rows:
            _fill(row)
        opened.hold(rows)


def not_meanwhile(ticket: Ticket, expected: Expected, **wanted: object) -> None:
    """Stop a change of a locked ticket that was decided on what is no longer so.

    `expected` says what its columns were when they were shown (dates in ISO 8601); without it nothing is
    asked. Raises `StaleField` unless they still are, or have become what is `wanted` anyway.
    """
    if expected is None:
        return
    now = {name: in_json(getattr(ticket, name)) for name in {**expected, **wanted}}
    if all(now[name] == value for name, value in expected.items()):
        return
    if all(now[name] == in_json(value) for name, value in wanted.items()):
        return
    raise StaleField


def in_json(value: object) -> object:
    """Return the value of a column as `expected` has it."""
    return value.isoformat() if isinstance(value, datetime) else value


def touch(actor: Actor, ticket: Ticket, *fields: str, at: datetime | None = None) -> None:
    """Save `fields` of a locked ticket, raise its version and its date of change.

    Promise, clocks, next date and the dates of storage follow: no verb needs to think of them. `at` is the
    moment of the change if that is not now.
    """
    now = at or timezone.now()
    ticket.version += 1
    ticket.changed_at = max(ticket.changed_at, now)
    is_owner = actor.user is not None and actor.user.pk == ticket.owner_id
    if is_owner or ("owner" in fields and ticket.owner_id is not None):
        ticket.owner_acted_at = ticket.changed_at
    if "pending_until" in fields:
        ticket.remind_at = ticket.pending_until
    clocks.settle(actor, ticket, at=now)
    storing.take_steps_anew(ticket)
    storing.settle(ticket)
    also = ("version", "changed_at", "owner_acted_at", *clocks.FIELDS, *storing.FIELDS)
    update(ticket, *dict.fromkeys((*fields, *also, *storing.STEPS)))


def address_of(text: str, field: str) -> str:
    """Return a person's mail address in the form in which it is compared; '' stays ''.

    Raises `InvalidInput` at `field` if it is none.
    """
    if not text:
        return ""
    try:
        return addressing.canonical(text)
    except addressing.BadAddress:
        raise InvalidInput(
            _("%(text)s is no mail address.") % {"text": text}, field=field
        ) from None


def default_state(type_: StateType | str) -> State:
    """Return the first active state of a type. Raises `NotFound` if none is in use."""
    rows = [row for row in directory().states.values() if row.type == type_ and row.is_active]
    if not rows:
        raise NotFound
    return min(rows, key=lambda row: (row.position, row.pk))


def default_priority() -> Priority:
    """Return the priority of level 0, or the one nearest to it."""
    rows = [row for row in directory().priorities.values() if row.is_active]
    if not rows:
        raise NotFound
    return min(rows, key=lambda row: (abs(row.level), row.position))
