"""Who has a ticket open. No change of the ticket: neither an event nor a version tells of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone

from helpdesk import permissions
from helpdesk.errors import NotPermitted
from helpdesk.models import Presence, Right, Ticket
from helpdesk.permissions import Actor

#: Seconds without a sign of life after which somebody is gone.
PRESENT_FOR = 30
#: Rows older than this are of no use to anybody.
KEPT_FOR = timedelta(hours=1)


@dataclass(frozen=True)
class Person:
    """A colleague who has a ticket open."""

    name: str
    is_writing: bool


def note_presence(*, actor: Actor, ticket: Ticket, writing: bool = False) -> None:
    """Note that the acting agent looks at `ticket`, or writes on it, at this moment. One statement.

    Raises `NotPermitted` for everybody who does not work in its queue: who reads along is not seen.
    """
    if actor.kind != "agent" or ticket.queue_id not in actor.queues_with(Right.READ):
        raise NotPermitted
    row = Presence(ticket=ticket, user=actor.user, seen_at=timezone.now(), is_writing=writing)
    Presence.objects.bulk_create(
        [row],
        update_conflicts=True,
        unique_fields=["ticket", "user"],
        update_fields=["seen_at", "is_writing"],
    )


def leave(*, actor: Actor, ticket_id: int) -> None:
    """Note that the acting agent has gone from a ticket; for one that nobody is on nothing happens."""
    if actor.kind != "agent":
        raise NotPermitted
    Presence.objects.filter(ticket=ticket_id, user=actor.user).delete()


def present(*, actor: Actor, ticket_ids: Iterable[int]) -> dict[int, list[Person]]:
    """Return who else has which of some tickets open, in the order of their names. One query.

    Tickets that the actor may not see, or only reads along, are left out, as if nobody were there.
    """
    if actor.kind != "agent":
        return {}
    tickets = permissions.visible_tickets(actor).filter(
        pk__in=list(ticket_ids), queue__in=actor.queues_with(Right.READ)
    )
    since = timezone.now() - timedelta(seconds=PRESENT_FOR)
    rows = Presence.objects.filter(ticket__in=tickets, seen_at__gte=since, user__is_active=True)
    found: dict[int, list[Person]] = {}
    for row in rows.exclude(user=actor.user).select_related("user").order_by("user_id"):
        name = row.user.get_full_name() or row.user.get_username()
        found.setdefault(row.ticket_id, []).append(Person(name, row.is_writing))
    for people in found.values():
        people.sort(key=lambda one: one.name)
    return found


def forget_presence() -> int:
    """Delete what is long past; return the number of rows. For the worker."""
    return Presence.objects.filter(seen_at__lt=timezone.now() - KEPT_FOR).delete()[0]
