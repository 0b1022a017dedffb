"""What two tickets have to do with each other, taken back: a link, or the hint that they are the same."""

from __future__ import annotations

from django.db import transaction

from helpdesk import events, permissions
from helpdesk.errors import NotFound
from helpdesk.models import DismissedHint, EventKind, Right, Ticket, TicketLink
from helpdesk.permissions import Actor

from .base import locked, touch


@transaction.atomic
def unlink(*, actor: Actor, link: TicketLink) -> None:
    """Remove a link (right *note* on both tickets). Raises `NotFound` if it is gone."""
    ends = sorted((link.source_id, link.target_id))
    rows = [locked(actor, Ticket(pk=pk), Right.NOTE) for pk in ends]
    gone, _by_model = TicketLink.objects.filter(pk=link.pk).delete()
    if not gone:
        raise NotFound
    for one, other in (rows, rows[::-1]):
        touch(actor, one)
        events.record(
            actor=actor,
            ticket=one,
            kind=EventKind.UNLINKED,
            data={"ticket": other.pk, "kind": str(link.kind)},
        )


@transaction.atomic
def dismiss_hint(*, actor: Actor, ticket: Ticket, other: Ticket) -> None:
    """Note that two tickets are not the same (right *note* on `ticket`, *read* on the other).

    Neither is hinted at on the other any more. Changes nothing of the tickets themselves.
    """
    permissions.require(actor, Right.NOTE, ticket)
    permissions.require(actor, Right.READ, other)
    for one, two in ((ticket, other), (other, ticket)):
        DismissedHint.objects.get_or_create(ticket=one, other=two, defaults={"user": actor.user})
