"""Of which organisation a customer is."""

from __future__ import annotations

from django.db import transaction

from helpdesk import permissions
from helpdesk.errors import NotFound, NotPermitted
from helpdesk.models import Customer, Organisation, Ticket
from helpdesk.permissions import Actor

from .sharing import share_with


@transaction.atomic
def set_organisation(
    *, actor: Actor, customer: Customer, organisation: Organisation | None
) -> Customer:
    """Say of which organisation (None: of none) a customer is; the one before sees nothing of theirs any more.

    For superusers, and for whoever manages every queue in which the customer has tickets; nobody does it for
    themselves, for others might share with the organisation what is not the agent's. Raises `NotPermitted`.
    """
    # the tickets before the customer, as whoever files a message locks its ticket first
    shared = Ticket.objects.filter(customer=customer.pk).exclude(organisation=None)
    rows = shared.select_for_update(of=("self",), no_key=True).order_by("pk")
    tickets = list(rows.select_related("state", "queue"))
    fresh = Customer.objects.select_for_update(no_key=True).filter(pk=customer.pk).first()
    if fresh is None:
        raise NotFound
    if not permissions.may_set_organisation(actor, fresh):
        raise NotPermitted
    after = organisation.pk if organisation is not None else None
    if fresh.organisation_id == after:
        return fresh
    fresh.organisation = organisation
    fresh.save(update_fields=["organisation"])
    for ticket in tickets:
        if ticket.organisation_id != after:
            share_with(actor=actor, ticket=ticket, organisation_id=None, by="organisation")
    return fresh
