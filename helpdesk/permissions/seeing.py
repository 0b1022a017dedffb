"""Which tickets, messages and notices an actor may read."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, Q, QuerySet

from helpdesk.models import (
    Article,
    Channel,
    CustomerAddress,
    EventKind,
    InformedQueue,
    Merge,
    Notice,
    NoticeKind,
    Participant,
    Right,
    Ticket,
)
from helpdesk.states import StateType

from .actors import Actor


def visible_tickets(actor: Actor) -> QuerySet[Ticket]:
    """Return the tickets that `actor` may read. The start of every query for tickets.

    What was anonymised is nobody's any more: it counts in figures only.
    """
    there = Ticket.objects.filter(anonymised_at__isnull=True)
    tickets = there.exclude(state__type=StateType.REMOVED)
    if actor.kind == "system":
        return Ticket.objects.all()
    if actor.kind == "customer":
        if actor.ticket_id is not None:
            return tickets.filter(pk=actor.ticket_id)
        return tickets.filter(own_tickets(actor) | _shared_tickets(actor), is_test=False)
    if actor.user is not None and actor.user.is_active and actor.user.is_superuser:
        return there
    readable = actor.queues_with(Right.READ)
    return tickets.filter(Q(queue__in=readable) | Q(pk__in=informing(actor).values("ticket")))


def informing(actor: Actor) -> QuerySet[InformedQueue]:
    """The rows by which tickets of other teams inform the agent's queues; a confidential ticket informs none."""
    rows = InformedQueue.objects.filter(queue__in=actor.queues_with(Right.READ))
    return rows.exclude(ticket__queue__in=actor.confidential)


def reads_along(actor: Actor, ticket: Ticket) -> bool:
    """Tell whether an agent sees `ticket` only because a queue of theirs got its mail as well.

    Who reads along sees the conversation with the customer: no notes, no history, nothing to do. The
    ticket itself must have been found by `visible_tickets`. No query.
    """
    return actor.kind == "agent" and ticket.queue_id not in actor.queue_rights


def own_tickets(actor: Actor) -> Q:
    """The condition for a customer's own tickets, those apart that somebody shared with them.

    One that came by mail counts only when the address it came from is verified; who is known by one address
    has what was written from it.
    """
    person = actor.customer
    if actor.ticket_id is not None and not actor.address:  # the link that its contact was given
        return Q(pk=actor.ticket_id, customer=person)
    if person is None or actor.ticket_id is not None:
        return Q(pk__in=())
    if actor.address:
        return Q(customer=person, contact=actor.address)
    verified = CustomerAddress.objects.filter(
        customer=person, normalised=OuterRef("contact"), verified_at__isnull=False
    )
    return Q(customer=person) & Q(~Q(channel=Channel.EMAIL) | Q(Exists(verified)))


def _shared_tickets(actor: Actor) -> Q:
    """The condition for tickets to which a customer was invited, or which were shared with their organisation."""
    person = actor.customer
    if actor.address:
        theirs = Q(normalised=actor.address)
    elif person is not None:
        addresses = CustomerAddress.objects.filter(customer=person, verified_at__isnull=False)
        theirs = Q(normalised__in=addresses.values("normalised"))
    else:
        return Q(pk__in=())
    invitations = Participant.objects.filter(theirs, may_read=True)
    shared = Q(pk__in=invitations.values("ticket"))
    if person is not None and person.organisation_id is not None and not actor.address:
        shared |= Q(organisation=person.organisation_id, organisation__is_active=True)
    return shared


def visible_articles(actor: Actor, ticket: Ticket) -> QuerySet[Article]:
    """Return the articles of `ticket` that `actor` may read, oldest first.

    Customers see only visible ones, as does who reads along. The ticket itself must have been found
    by `visible_tickets`.
    """
    articles = Article.objects.filter(ticket=ticket)
    outside = actor.kind == "customer" or reads_along(actor, ticket)
    if actor.kind == "customer" and ticket.merged_into_id is not None:
        own = Q(ticket=ticket, visible=True) | Q(pk__in=_moved(ticket))
        return Article.objects.filter(own).exclude(extra__has_key="taken_back")
    return articles.filter(visible=True) if outside else articles


def _moved(ticket: Ticket) -> list[int]:
    """Return the messages that a merge took from `ticket` and hid from the customer of the other.

    Whoever wrote and read them goes on seeing them, and nothing of what they were joined with.
    """
    journals = Merge.objects.filter(source=ticket, undone_at=None)
    return [pk for moved in journals.values_list("moved", flat=True) for pk in moved["hidden"]]


def share_customer(one: Ticket, other: Ticket) -> bool:
    """Tell whether two tickets are one and the same customer's, so that both may be read by whoever reads one.

    The holder of a ticket's link, or of its reply address, is known by the contact address alone: two
    different ones must both be verified. So must one from which a ticket came by mail, if there is an
    account, as in *My requests*. Nobody's tickets are shared only if they have the same contact.
    """
    contacts = {row.contact for row in (one, other) if row.contact}
    if one.customer_id != other.customer_id:
        return False
    if one.customer_id is None:
        return bool(one.contact) and one.contact == other.contact
    by_mail = Channel.EMAIL in (one.channel, other.channel)
    alike = {one.channel, other.channel} == {Channel.EMAIL} or not by_mail
    if len(contacts) < 2 and (alike or not _has_account(one)):
        return True
    verified = CustomerAddress.objects.filter(
        customer=one.customer_id, normalised__in=contacts, verified_at__isnull=False
    )
    return verified.count() == len(contacts)


def _has_account(ticket: Ticket) -> bool:
    return ticket.customer is not None and ticket.customer.user_id is not None


def hidden_articles(actor: Actor) -> QuerySet[Article] | None:
    """Return the articles that an agent must not find although the ticket is visible, or None.

    They are the internal ones of the tickets that the agent reads along.
    """
    if actor.kind != "agent":
        return None
    readable = actor.queues_with(Right.READ)
    along = informing(actor).exclude(ticket__queue__in=readable)
    return Article.objects.filter(visible=False, ticket__in=along.values("ticket"))


def visible_notices(actor: Actor) -> QuerySet[Notice]:
    """Return what an agent was told and may still know of, newest first.

    Of a ticket that the agent reads along nothing but the conversation with the customer.
    """
    if actor.kind != "agent" or actor.user is None or not actor.user.is_active:
        return Notice.objects.none()
    rows = Notice.objects.filter(user=actor.user)
    if actor.user.is_superuser:
        return rows
    readable = Q(ticket__in=visible_tickets(actor))
    worked_on = Q(ticket__queue__in=actor.queues_with(Right.READ))
    said = Q(event__kind__in=(EventKind.ANSWER_SENT, EventKind.CALL_LOGGED))
    conversation = Q(kind=NoticeKind.REPLY) | (Q(kind=NoticeKind.NOTE) & said)
    return rows.filter(Q(ticket__isnull=True) | (readable & (worked_on | conversation)))
