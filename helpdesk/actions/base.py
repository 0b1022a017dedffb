"""What every verb does first and last: lock the row and ask the policy; raise the version."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from functools import wraps
from typing import ParamSpec, TypeVar

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from helpdesk import addressing, permissions
from helpdesk.errors import InvalidInput, NotFound
from helpdesk.models import Priority, Right, State, Ticket, directory, is_kept
from helpdesk.permissions import Actor
from helpdesk.states import StateType

P = ParamSpec("P")
R = TypeVar("R")

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
    fresh = Ticket.objects.select_for_update(no_key=True).filter(pk=ticket.pk).order_by().first()
    if fresh is None:
        raise NotFound
    known = directory()
    # a row made since is asked for when needed
    if fresh.state_id in known.states:
        fresh.state = known.states[fresh.state_id]
    if fresh.queue_id in known.queues:
        fresh.queue = known.queues[fresh.queue_id]
    if fresh.priority_id in known.priorities:
        fresh.priority = known.priorities[fresh.priority_id]
    permissions.require(actor, right, fresh)
    return fresh


def touch(actor: Actor, ticket: Ticket, *fields: str, at: datetime | None = None) -> None:
    """Save `fields` of a locked ticket, raise its version and its date of change."""
    ticket.version += 1
    ticket.changed_at = max(ticket.changed_at, at or timezone.now())
    ticket.save(update_fields=[*fields, "version", "changed_at"])


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
