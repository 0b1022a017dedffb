"""Who sees and changes what is stored of a customer beyond one ticket. It is one record for all departments.

Whoever may open tickets can do so for anybody whose address they know. That must not open what the person told others.
"""

from __future__ import annotations

from django.db.models import Exists, OuterRef, Q

from helpdesk.models import Customer, Right, Ticket

from .actors import Actor
from .administering import is_superuser


def open_records(actor: Actor) -> Q:
    """The condition for customers whose whole record the actor sees: other addresses, phone, log-in name, organisation.

    These are the customers of queues that the actor manages, and those who have tickets only where the actor reads.
    """
    if actor.kind == "system" or is_superuser(actor):
        return Q()
    tickets = Ticket.objects.filter(customer=OuterRef("pk")).order_by()
    managed, readable = actor.queues_with(Right.MANAGE), actor.queues_with(Right.READ)
    only_here = Q(Exists(tickets.filter(queue__in=readable))) & ~Q(
        Exists(tickets.exclude(queue__in=readable))
    )
    return Q(Exists(tickets.filter(queue__in=managed))) | only_here


def may_see_record(actor: Actor, customer: Customer) -> bool:
    """Tell whether the actor sees the whole record of a customer."""
    return Customer.objects.filter(open_records(actor), pk=customer.pk).exists()


def may_change_record(actor: Actor, customer: Customer, right: Right = Right.CREATE) -> bool:
    """Tell whether the actor may change what holds for a customer everywhere: superusers, or with `right` in every queue
    in which the customer has tickets, if there are any. Name, phone and language go with *create*, the rest
    (blocking, organisation) with *manage*.
    """
    if actor.kind == "system" or is_superuser(actor):
        return True
    tickets, queues = Ticket.objects.filter(customer=customer.pk), actor.queues_with(right)
    return (
        tickets.filter(queue__in=queues).exists() and not tickets.exclude(queue__in=queues).exists()
    )


def may_set_organisation(actor: Actor, customer: Customer) -> bool:
    """Tell whether the actor may say of which organisation a customer is: not for themselves, else as for blocking.

    Others might share with the organisation later what the actor may not read.
    """
    if actor.kind == "system" or is_superuser(actor):
        return True
    is_self = actor.user is not None and customer.user_id == actor.user.pk
    return not is_self and may_change_record(actor, customer, Right.MANAGE)


def own_organisations(actor: Actor) -> Q:
    """The condition for organisations that the actor may change: none of theirs asks in a queue of others."""
    if is_superuser(actor):
        return Q()
    theirs = Q(customer__organisation=OuterRef("pk")) | Q(organisation=OuterRef("pk"))
    tickets = Ticket.objects.filter(theirs).order_by()
    elsewhere = tickets.exclude(queue__in=actor.queues_with(Right.MANAGE))
    members = Customer.objects.filter(organisation=OuterRef("pk")).exclude(
        Exists(Ticket.objects.filter(customer=OuterRef("pk")))
    )
    return ~Q(Exists(elsewhere)) & ~Q(Exists(members))
