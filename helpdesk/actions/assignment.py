"""Who works on a ticket, and where it waits."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from helpdesk import events, permissions, search
from helpdesk.errors import InvalidInput, NotPermitted
from helpdesk.models import (
    Customer,
    EventKind,
    InformedQueue,
    Priority,
    Queue,
    Right,
    Ticket,
    TicketLink,
    TicketType,
)
from helpdesk.permissions import Actor

from .base import Expected, address_of, locked, not_meanwhile, touch
from .ending_confidence import end_by_queue
from .informing import stop_reading
from .sharing import share_with, uninvite_all


@transaction.atomic
def assign(
    *,
    actor: Actor,
    ticket: Ticket,
    owner: Any | None,
    by: str = "",
    expected: Expected = None,
) -> Ticket:
    """Make `owner` (a user) the owner, or nobody with None (right *own*); `by` is the code of the occasion.

    Raises `InvalidInput` for somebody who may not own tickets in this queue. This and the other verbs that
    change one fact raise `StaleField` if it is not what was `expected` (see `base.not_meanwhile`).
    """
    ticket = locked(actor, ticket, Right.OWN)
    not_meanwhile(ticket, expected, owner_id=owner.pk if owner else None)
    if owner is not None and not permissions.can(permissions.agent(owner), Right.OWN, ticket):
        raise InvalidInput(_("This person may not own tickets in this queue."), field="owner")
    before = ticket.owner_id
    if before == (owner.pk if owner else None):
        return ticket
    ticket.owner = owner
    touch(actor, ticket, "owner")
    events.record(
        actor=actor,
        ticket=ticket,
        kind=EventKind.OWNER_CHANGED,
        data={"from": before, "to": ticket.owner_id, **({"by": by} if by else {})},
    )
    return ticket


def claim(*, actor: Actor, ticket: Ticket, expected: Expected = None) -> Ticket:
    """Make the acting agent the owner. Raises `NotPermitted` for anybody else."""
    if actor.kind != "agent":
        raise NotPermitted
    return assign(actor=actor, ticket=ticket, owner=actor.user, expected=expected)


def hand_back(*, actor: Actor, ticket: Ticket, expected: Expected = None) -> Ticket:
    """Give the ticket back to the queue: nobody owns it."""
    return assign(actor=actor, ticket=ticket, owner=None, expected=expected)


@transaction.atomic
def set_responsible(
    *, actor: Actor, ticket: Ticket, responsible: Any | None, expected: Expected = None
) -> Ticket:
    """Set who answers for the ticket (right *own*). Raises `InvalidInput` as `assign` does."""
    ticket = locked(actor, ticket, Right.OWN)
    not_meanwhile(ticket, expected, responsible_id=responsible.pk if responsible else None)
    if responsible is not None and not permissions.can(
        permissions.agent(responsible), Right.READ, ticket
    ):
        raise InvalidInput(
            _("This person may not read tickets in this queue."), field="responsible"
        )
    before = ticket.responsible_id
    ticket.responsible = responsible
    if before != ticket.responsible_id:
        touch(actor, ticket, "responsible")
        events.record(
            actor=actor,
            ticket=ticket,
            kind=EventKind.RESPONSIBLE_CHANGED,
            data={"from": before, "to": ticket.responsible_id},
        )
    return ticket


@transaction.atomic
def move(
    *,
    actor: Actor,
    ticket: Ticket,
    queue: Queue,
    opens: bool = False,
    expected: Expected = None,
) -> Ticket:
    """Move the ticket to `queue` (right *note* here, *move into* there).

    An owner without the right to own tickets there loses it to the queue; whoever is responsible
    and may not even read there is so no longer. A queue that was informed of the ticket and left
    stays so, unless the ticket becomes confidential; the one it comes into need not read along any more.

    `opens` confirms that what is confidential may be read in a queue that is not; that is written down. Raises
    `InvalidInput` at `opens` without it.
    """
    ticket = locked(actor, ticket, Right.NOTE)
    not_meanwhile(ticket, expected, queue_id=queue.pk)
    permissions.require(actor, Right.MOVE_INTO, queue)
    end_by_queue(actor, ticket, queue, confirmed=opens)
    relocate(actor=actor, ticket=ticket, queue=queue)
    return ticket


def relocate(*, actor: Actor, ticket: Ticket, queue: Queue) -> bool:
    """Put a locked ticket into `queue`, record it, and tell whether it was elsewhere before.

    Asks for no right: only verbs call this.
    """
    before = ticket.queue_id
    if before == queue.pk:
        return False
    ticket.queue = queue
    InformedQueue.objects.filter(ticket=ticket, queue=queue).delete()
    if queue.keeps_confidence:
        along = InformedQueue.objects.filter(ticket=ticket).values_list("queue_id", flat=True)
        stop_reading(actor, ticket, list(along), by="confidential")
    handed_back, released = ticket.owner_id, ticket.responsible_id
    if _keeps(ticket.owner, Right.OWN, ticket):
        handed_back = None
    else:
        ticket.owner = None
    if _keeps(ticket.responsible, Right.READ, ticket):
        released = None
    else:
        ticket.responsible = None
    touch(actor, ticket, "queue", "owner", "responsible")
    events.record(
        actor=actor,
        ticket=ticket,
        kind=EventKind.QUEUE_CHANGED,
        data={"from": before, "to": queue.pk},
    )
    if handed_back:
        events.record(
            actor=actor,
            ticket=ticket,
            kind=EventKind.OWNER_CHANGED,
            data={"from": handed_back, "to": None, "by": "move"},
        )
    if released:
        events.record(
            actor=actor,
            ticket=ticket,
            kind=EventKind.RESPONSIBLE_CHANGED,
            data={"from": released, "to": None, "by": "move"},
        )
    return True


def _keeps(user: Any | None, right: Right, ticket: Ticket) -> bool:
    return user is None or permissions.can(permissions.agent(user), right, ticket)


@transaction.atomic
def set_priority(
    *, actor: Actor, ticket: Ticket, priority: Priority, expected: Expected = None
) -> Ticket:
    """Set the priority (right *priority*)."""
    ticket = locked(actor, ticket, Right.PRIORITY)
    not_meanwhile(ticket, expected, priority_id=priority.pk)
    before = ticket.priority_id
    if before != priority.pk:
        ticket.priority = priority
        touch(actor, ticket, "priority")
        events.record(
            actor=actor,
            ticket=ticket,
            kind=EventKind.PRIORITY_CHANGED,
            data={"from": before, "to": priority.pk},
        )
    return ticket


@transaction.atomic
def set_type(
    *, actor: Actor, ticket: Ticket, type_: TicketType | None, expected: Expected = None
) -> Ticket:
    """Set the ticket type (right *note*)."""
    ticket = locked(actor, ticket, Right.NOTE)
    not_meanwhile(ticket, expected, type_id=type_.pk if type_ else None)
    before = ticket.type_id
    ticket.type = type_
    if before != ticket.type_id:
        touch(actor, ticket, "type")
        events.record(
            actor=actor,
            ticket=ticket,
            kind=EventKind.TYPE_CHANGED,
            data={"from": before, "to": ticket.type_id},
        )
    return ticket


@transaction.atomic
def rename(*, actor: Actor, ticket: Ticket, subject: str, expected: Expected = None) -> Ticket:
    """Give the ticket another subject (right *note*). Raises `InvalidInput` for an empty one."""
    ticket = locked(actor, ticket, Right.NOTE)
    subject = " ".join(subject.split())[:250]
    if not subject:
        raise InvalidInput(_("Give the ticket a subject."), field="subject")
    not_meanwhile(ticket, expected, subject=subject)
    before = ticket.subject
    if before != subject:
        ticket.subject = subject
        touch(actor, ticket, "subject")
        search.index_ticket(ticket)
        events.record(
            actor=actor,
            ticket=ticket,
            kind=EventKind.SUBJECT_CHANGED,
            content={"from": before, "to": subject},
        )
    return ticket


@transaction.atomic
def set_customer(
    *,
    actor: Actor,
    ticket: Ticket,
    customer: Customer | None,
    contact: str = "",
    expected: Expected = None,
) -> Ticket:
    """Set whose request it is and where answers go (right *note*).

    Without `contact` that is the customer's main address. Links given to another contact open nothing any more,
    an organisation that is not the new customer's sees the request no longer, nor does whom another customer
    invited. Raises `InvalidInput` if
    the contact is none.
    """
    ticket = locked(actor, ticket, Right.NOTE)
    before, before_contact = ticket.customer_id, ticket.contact
    contact = address_of(contact or (customer.main_address() if customer else ""), "contact")
    not_meanwhile(ticket, expected, customer_id=customer.pk if customer else None, contact=contact)
    ticket.customer, ticket.contact = customer, contact
    if (before, before_contact) == (ticket.customer_id, ticket.contact):
        return ticket
    if before_contact and before_contact != ticket.contact:
        ticket.renew_link()
    touch(actor, ticket, "customer", "contact", "link_nonce")
    search.index_ticket(ticket)
    theirs = customer.organisation_id if customer is not None else None
    if ticket.organisation_id not in (None, theirs):
        share_with(actor=actor, ticket=ticket, organisation_id=None, by="customer")
    is_same_person = before == ticket.customer_id or (
        before is None and before_contact == ticket.contact
    )
    uninvited = [] if is_same_person else uninvite_all(ticket)
    events.record(
        actor=actor,
        ticket=ticket,
        kind=EventKind.CUSTOMER_CHANGED,
        data={
            "from": before,
            "to": ticket.customer_id,
            **({"uninvited": uninvited} if uninvited else {}),
        },
        content={"from": before_contact, "to": ticket.contact},
    )
    return ticket


@transaction.atomic
def link(*, actor: Actor, source: Ticket, target: Ticket, kind: str) -> TicketLink:
    """Link two tickets (right *note* on both). Linking them so a second time changes nothing.

    Raises `InvalidInput` for a ticket with itself and for a kind that does not exist.
    """
    if source.pk == target.pk:
        raise InvalidInput(_("A ticket cannot be linked with itself."), field="target")
    if kind not in TicketLink.Kind.values:
        raise InvalidInput(field="kind")
    # always in one order, so that two people linking the same two never wait for each other
    first, second = sorted((source, target), key=lambda ticket: ticket.pk)
    rows = {row.pk: row for row in (locked(actor, one, Right.NOTE) for one in (first, second))}
    source, target = rows[source.pk], rows[target.pk]
    row, created = TicketLink.objects.get_or_create(source=source, target=target, kind=kind)
    if created:
        for one, other in ((source, target), (target, source)):
            touch(actor, one)
            events.record(
                actor=actor,
                ticket=one,
                kind=EventKind.LINKED,
                data={"ticket": other.pk, "kind": kind},
            )
    return row
