"""What every verb does first and last: lock the row and ask the policy; raise the version."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from helpdesk import addressing, permissions
from helpdesk.errors import InvalidInput, NotFound
from helpdesk.models import Priority, Right, State, Ticket
from helpdesk.permissions import Actor
from helpdesk.states import StateType


def locked(actor: Actor, ticket: Ticket, right: Right | str) -> Ticket:
    """Return `ticket` read anew under a row lock, after asking for `right`.

    Raises `NotPermitted`, or `NotFound` if the ticket is gone. Call inside a transaction.
    """
    # The lock first, and alone: PostgreSQL, having waited for it, looks at the ticket as it is then but
    # at joined rows as they were, and finds nothing if the ticket points to another state by now.
    rows = Ticket.objects.select_for_update().filter(pk=ticket.pk).order_by()
    if not rows.values_list("pk", flat=True):
        raise NotFound
    fresh = Ticket.objects.select_related("state", "queue", "priority").get(pk=ticket.pk)
    permissions.require(actor, right, fresh)
    return fresh


def touch(ticket: Ticket, *fields: str, at: datetime | None = None) -> None:
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
    state = State.objects.filter(type=type_, is_active=True).order_by("position", "pk").first()
    if state is None:
        raise NotFound
    return state


def default_priority() -> Priority:
    """Return the priority of level 0, or the one nearest to it."""
    rows = list(Priority.objects.filter(is_active=True))
    if not rows:
        raise NotFound
    return min(rows, key=lambda row: (abs(row.level), row.position))
