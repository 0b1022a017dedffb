"""What an agent has read."""

from __future__ import annotations

from django.utils import timezone

from helpdesk import permissions
from helpdesk.errors import NotPermitted
from helpdesk.models import Right, Seen, Ticket
from helpdesk.permissions import Actor

from .watching import mark_read


def mark_seen(*, actor: Actor, ticket: Ticket) -> None:
    """Note that the acting agent has read `ticket`, and what was told of it, up to now. Changes nothing of the ticket itself."""
    if actor.kind != "agent":
        raise NotPermitted
    permissions.require(actor, Right.READ, ticket)
    mark_read(actor=actor, ticket=ticket)
    Seen.objects.update_or_create(ticket=ticket, user=actor.user, defaults={"at": timezone.now()})
