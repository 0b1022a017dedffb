"""What is confidential comes where it is not: only on purpose, and written down."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from helpdesk import audit, permissions
from helpdesk.errors import InvalidInput
from helpdesk.models import AuditKind, Queue, Right, Ticket
from helpdesk.permissions import Actor


def end_by_merge(actor: Actor, source: Ticket, target: Ticket, *, confirmed: bool) -> None:
    """Write down that a merge brings what is confidential where it is not. Only verbs call this.

    Raises `InvalidInput` at `opens` unless that is `confirmed`.
    """
    if not opens(source, target.queue):
        return
    if not confirmed:
        raise InvalidInput(
            _(
                "One is confidential, and the other is not. Confirm that all of it may be read there."
            ),
            field="opens",
        )
    _record(actor, source, {"merged_into": target.number})


def end_by_queue(
    actor: Actor, ticket: Ticket, queue: Queue, *, confirmed: bool, did: str = "moved_to"
) -> None:
    """The same for a ticket that goes into another queue, or of which a part goes there; `did` is the code of that.

    The machine confirms nothing: somebody set up what it does.
    """
    if not opens(ticket, queue):
        return
    if actor.kind != "system" and not confirmed:
        raise InvalidInput(who_would_read(queue), field="opens")
    _record(actor, ticket, {did: queue.name})


def opens(ticket: Ticket, queue: Queue) -> bool:
    """Tell whether a ticket is confidential, and would not be in `queue`."""
    return ticket.queue.keeps_confidence and not queue.keeps_confidence


def who_would_read(queue: Queue) -> str:
    """Say how many people read what is in a queue. One query."""
    people = permissions.agents_with(Right.READ, queue).count()
    return ngettext(
        "“%(queue)s” is not confidential: everybody there can read the ticket then (%(n)d person). "
        "Nothing was changed yet.",
        "“%(queue)s” is not confidential: everybody there can read the ticket then (%(n)d people). "
        "Nothing was changed yet.",
        people,
    ) % {"queue": queue.name, "n": people}


def _record(actor: Actor, ticket: Ticket, data: dict[str, Any]) -> None:
    audit.record(AuditKind.CONFIDENTIAL_READ, user=actor.user, ticket=ticket, data=data)
