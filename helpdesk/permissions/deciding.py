"""Whether an actor may do something."""

from __future__ import annotations

from helpdesk.errors import NotPermitted
from helpdesk.models import Article, Customer, Queue, Right, Ticket
from helpdesk.states import StateType

from .actors import Actor
from .seeing import informing, own_tickets, visible_tickets

#: Write on a request from the customer's side: the customer's own right, and that of whoever may
#: answer. It is no row of the table, for a customer must never pass for an agent who answers.
REPLY = "reply"


#: What a customer may do with an own request.
CUSTOMER_RIGHTS = frozenset({str(Right.READ), REPLY})


def can(actor: Actor, right: Right | str, thing: Ticket | Queue) -> bool:
    """Tell whether `actor` has `right` on a ticket (through its queue) or on a queue.

    A ticket may also be read through a queue that it informs; nothing else follows from that.
    """
    if actor.kind == "system":
        return True
    if isinstance(thing, Queue):
        return str(right) in actor.queue_rights.get(thing.pk, frozenset())
    if actor.kind == "customer":
        return str(right) in CUSTOMER_RIGHTS and visible_tickets(actor).filter(pk=thing.pk).exists()
    if right == REPLY:
        right = Right.ANSWER
    rights = actor.queue_rights.get(thing.queue_id, frozenset())
    is_removed = thing.state.type == StateType.REMOVED
    is_superuser = actor.user is not None and actor.user.is_superuser
    if (is_removed and not is_superuser) or thing.anonymised_at is not None:
        return False
    return str(right) in rights or (right == Right.READ and _is_informed(actor, thing))


def _is_informed(actor: Actor, ticket: Ticket) -> bool:
    readable = actor.queues_with(Right.READ)
    return bool(readable) and informing(actor).filter(ticket=ticket.pk).exists()


def require(actor: Actor, right: Right | str, thing: Ticket | Queue) -> None:
    """Raise `NotPermitted` unless `actor` has `right` on `thing`."""
    if not can(actor, right, thing):
        raise NotPermitted


def may_decide(actor: Actor, ticket: Ticket) -> bool:
    """Tell whether a customer may decide on the request: close it, object, share it. Not whoever takes part only."""
    return (
        actor.kind == "customer"
        and Ticket.objects.filter(own_tickets(actor), pk=ticket.pk).exists()
    )


def administered(actor: Actor) -> frozenset[int]:
    """Return the ids of the queues whose teams, accounts and calendars the actor looks after."""
    return actor.queues_with(Right.ADMINISTER)


def may_grant(actor: Actor, right: Right | str, queue: Queue) -> bool:
    """Tell whether `actor` may give (or take away) `right` in `queue`: only what they have there themselves."""
    return can(actor, Right.ADMINISTER, queue) and can(actor, right, queue)


def may_merge_customers(actor: Actor, one: Customer, other: Customer) -> bool:
    """Tell whether `actor` may make two customers one: it joins what others may hold, and cannot be taken back.

    Superusers, and whoever manages every queue in which the two have tickets, if each has some.
    """
    if actor.kind == "system":
        return True
    if actor.user is None or not actor.user.is_active or actor.kind != "agent":
        return False
    if actor.user.is_superuser:
        return True
    managed = actor.queues_with(Right.MANAGE)
    tickets = Ticket.objects.filter(customer__in=(one.pk, other.pk))
    if not managed or tickets.exclude(queue__in=managed).exists():
        return False
    return set(tickets.order_by().values_list("customer", flat=True)) == {one.pk, other.pk}


def may_take_back(actor: Actor, ticket: Ticket, article: Article) -> bool:
    """Tell whether `actor`, who may answer, may stop this message: its author, or a manager."""
    if actor.kind == "system":
        return True
    is_author = actor.user is not None and article.author_id == actor.user.pk
    return is_author or can(actor, Right.MANAGE, ticket)
