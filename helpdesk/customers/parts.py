"""Who sees a request: what its page shows and offers to the customer; and who writes through which door."""

from __future__ import annotations

from dataclasses import dataclass

from helpdesk import actions
from helpdesk.models import Customer, Organisation, Participant, Ticket

from .access import Door
from .forms import InvitationForm


@dataclass(frozen=True)
class Sharing:
    """Who sees a request beside its customer, and the form that invites one more.

    `organisation` is the customer's own, with which it can be shared; `shared_with` the one that sees it now.
    """

    invited: list[Participant]
    copied: list[Participant]
    organisation: Organisation | None
    shared_with: Organisation | None
    form: InvitationForm
    is_open: bool


def sharing_of(door: Door, form: InvitationForm | None = None) -> Sharing:
    """Return who takes part in the request behind a door. Three queries at most."""
    ticket = door.ticket
    rows = list(ticket.participants.order_by("pk"))
    return Sharing(
        invited=[row for row in rows if row.may_read],
        copied=[row for row in rows if not row.may_read and row.normalised != ticket.contact],
        organisation=organisation_of(door),
        shared_with=ticket.organisation if ticket.organisation_id else None,
        form=form or InvitationForm(auto_id="invite_%s", label_suffix=""),
        is_open=form is not None,
    )


def organisation_of(door: Door) -> Organisation | None:
    """Return the customer's organisation that is in use; None at a link whose mail did not go to the customer."""
    person = door.ticket.customer
    if person is None or (door.token and not door.ticket.is_contact_theirs):
        return None
    own = person.organisation if person.organisation_id else None
    return own if own is not None and own.is_active else None


def writer_of(door: Door) -> Customer | None:
    """Return the customer who writes through a door. Somebody invited becomes one by that, as by a mail."""
    actor = door.actor
    if actor.customer is not None or not actor.address:
        return actor.customer
    return actions.customer_for_address(actor.address, language=door.ticket.language)


def address_of(door: Door) -> str:
    """Return the address from which somebody writes through a door: the contact's, for the customer."""
    actor, ticket = door.actor, door.ticket
    if actor.address:
        return actor.address
    if is_customers(door) or actor.customer is None:
        return ticket.contact
    return actor.customer.main_address()


def is_customers(door: Door) -> bool:
    """Tell whether the request is that of the customer who came through the door."""
    ticket: Ticket = door.ticket
    return door.actor.customer is not None and door.actor.customer.pk == ticket.customer_id
