"""Who sees a request beside its customer, and by which links: always because somebody said so."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from helpdesk import events, notifications
from helpdesk.errors import InvalidInput, NotFound, WrongState
from helpdesk.models import (
    EventKind,
    Organisation,
    OutboundMail,
    Participant,
    Ticket,
)
from helpdesk.permissions import Actor

from .base import address_of, locked_to_decide, touch
from .customers import find_customer, refuse_blocked

#: So many people may be invited to one request.
MAX_INVITED = 20


@transaction.atomic
def invite(*, actor: Actor, ticket: Ticket, address: str, name: str = "") -> Participant:
    """Let somebody read a request and write on it, and mail them a link of their own.

    The customer who may decide does that, or an agent (right *answer*). Somebody invited before gets a new
    link, and the one before is worthless. Raises `InvalidInput` at `email` for an address that is none, is ours or
    the contact's, and where no mail may go; for an agent also for somebody who is blocked. A customer learns
    nothing of other people: they are invited as anybody, and what somebody blocked writes is refused. Raises
    `WrongState` for a request that was merged, or to which too many are invited.
    """
    ticket = locked_to_decide(actor, ticket)
    refuse_blocked(actor)
    normalised = address_of(address, "email")
    _may_be_invited(actor, ticket, normalised)
    row, _made = Participant.objects.get_or_create(
        ticket=ticket, normalised=normalised, defaults={"address": address.strip(" <>")[:254]}
    )
    if not row.may_read and ticket.participants.filter(may_read=True).count() >= MAX_INVITED:
        raise WrongState(_("At most %(n)d people can be invited.") % {"n": MAX_INVITED})
    row.may_read, row.name = True, name.strip()[:200] or row.name
    row.renew_link()
    row.save(update_fields=["may_read", "name", "link_nonce"])
    notifications.send_invitation(
        ticket=ticket,
        participant=row,
        inviter=_named(actor, ticket),
        customer=find_customer(normalised),
        is_discreet=actor.kind == "customer",
    )
    touch(actor, ticket)
    events.record(
        actor=actor,
        ticket=ticket,
        kind=EventKind.PARTICIPANT_INVITED,
        data={"participant": row.pk},
        content={"address": row.address},
    )
    return row


def _named(actor: Actor, ticket: Ticket) -> str:
    """Return who invites, in the eyes of whoever is invited: the customer, also if an agent does it for them."""
    if actor.kind == "customer" and actor.ticket_id is not None:  # known by the contact alone
        return ticket.contact_name or ticket.contact
    return ticket.customer.name if ticket.customer is not None else actor.name


def _may_be_invited(actor: Actor, ticket: Ticket, normalised: str) -> None:
    if not normalised:
        raise InvalidInput(_("Enter a mail address."), field="email")
    if ticket.merged_into_id is not None:
        raise WrongState(_("This request is dealt with together with another one."))
    if normalised == ticket.contact:
        raise InvalidInput(_("This address belongs to the request already."), field="email")
    invited = find_customer(normalised) if actor.kind != "customer" else None
    if invited is not None and invited.is_blocked:
        raise InvalidInput(_("This address cannot be invited."), field="email")


@transaction.atomic
def remove_participant(*, actor: Actor, ticket: Ticket, participant: Participant) -> None:
    """End somebody's part in a request: their link opens nothing from now on. Allowed as `invite` is.

    What they wrote stays. Raises `NotFound` for somebody who takes no part in it.
    """
    ticket = locked_to_decide(actor, ticket)
    row = Participant.objects.filter(pk=participant.pk, ticket=ticket).first()
    if row is None:
        raise NotFound
    was_invited, address = row.may_read, row.address
    row.delete()
    touch(actor, ticket)
    events.record(
        actor=actor,
        ticket=ticket,
        kind=EventKind.PARTICIPANT_REMOVED,
        data={"participant": participant.pk, "invited": was_invited},
        content={"address": address},
    )


def uninvite_all(ticket: Ticket) -> list[int]:
    """Let nobody read a locked request on by an invitation: it was another customer's word; return the rows' ids.

    They go on taking part by mail. Only verbs call this.
    """
    rows = Participant.objects.filter(ticket=ticket, may_read=True)
    invited = list(rows.order_by("pk").values_list("pk", flat=True))
    rows.update(may_read=False)
    return invited


@transaction.atomic
def share(*, actor: Actor, ticket: Ticket, organisation: Organisation | None) -> Ticket:
    """Share a request with the customer's organisation, or with None no longer. Allowed as `invite` is.

    Raises `InvalidInput` for an organisation that is not the customer's, or not in use; `WrongState` for
    a request that was merged.
    """
    ticket = locked_to_decide(actor, ticket)
    before, after = ticket.organisation_id, organisation.pk if organisation else None
    if before == after:
        return ticket
    if organisation is not None:
        if ticket.merged_into_id is not None:
            raise WrongState(_("This request is dealt with together with another one."))
        theirs = ticket.customer.organisation_id if ticket.customer is not None else None
        if theirs != organisation.pk or not organisation.is_active:
            raise InvalidInput(_("This is not the customer's organisation."), field="organisation")
    share_with(actor=actor, ticket=ticket, organisation_id=after)
    return ticket


def share_with(*, actor: Actor, ticket: Ticket, organisation_id: int | None, by: str = "") -> None:
    """Set with which organisation a locked ticket is shared, and record it. Only verbs call this."""
    before = ticket.organisation_id
    ticket.organisation_id = organisation_id
    touch(actor, ticket, "organisation")
    events.record(
        actor=actor,
        ticket=ticket,
        kind=EventKind.SHARING_CHANGED,
        data={"from": before, "to": organisation_id, **({"by": by} if by else {})},
    )


@transaction.atomic
def withdraw_links(*, actor: Actor, ticket: Ticket) -> Ticket:
    """Make every status link of a request given out so far worthless. Allowed as `invite` is.

    The links of people who were invited are their own: `remove_participant` ends them.
    """
    ticket = locked_to_decide(actor, ticket)
    ticket.renew_link()
    touch(actor, ticket, "link_nonce")
    events.record(actor=actor, ticket=ticket, kind=EventKind.LINK_WITHDRAWN)
    return ticket


@transaction.atomic
def send_link(*, actor: Actor, ticket: Ticket) -> OutboundMail:
    """Mail the request's present status link to its contact address. Allowed as `invite` is.

    Raises `InvalidInput` at `email` with the reason why no mail may go there.
    """
    ticket = locked_to_decide(actor, ticket)
    sent = notifications.send_link(ticket=ticket)
    events.record(
        actor=actor,
        ticket=ticket,
        kind=EventKind.RESPONSE_QUEUED,
        data={"mail": sent.pk, "kind": "link"},
    )
    return sent
