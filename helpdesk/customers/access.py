"""How somebody comes to a request: by log-in, or by the signed link in a mail."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.http import Http404, HttpRequest, HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from helpdesk import actions, addressing, conf, permissions
from helpdesk.models import Participant, Ticket
from helpdesk.permissions import Actor

from . import codes, kept


class Gone(Exception):
    """The request of a genuine link was erased; `erased` is what may be told."""

    def __init__(self, erased: kept.Erased) -> None:
        super().__init__()
        self.erased = erased


@dataclass(frozen=True)
class Door:
    """An opened way to one request. `token` is that of the link, '' for somebody who is known."""

    actor: Actor
    ticket: Ticket
    token: str = ""

    def url(self, name: str = "detail", *, ticket: Ticket | None = None, **options: Any) -> str:
        """Return the address of a page of the request (or of another `ticket`), by the same way."""
        if not self.token:
            number = (ticket or self.ticket).number
            return reverse(f"helpdesk_customers:{name}", kwargs={"number": number, **options})
        token = self.token if ticket in (None, self.ticket) else status_token(ticket)
        return reverse(f"helpdesk_customers:status_{name}", kwargs={"token": token, **options})


def status_token(ticket: Ticket) -> str:
    """Return the secret part of the status link of `ticket`."""
    return addressing.status_token(ticket.pk, ticket.link_nonce, addressing.signing_keys())


def actor_of(user: Any) -> Actor:
    """Return the customer that a logged-in user is here: also an agent has only own requests."""
    return permissions.customer(actions.customer_for_user(user))


def actor_of_request(request: HttpRequest) -> Actor | None:
    """Return who visits: the person logged in, the guest of an address proved by a code, or None."""
    if request.user.is_authenticated:
        request.session.pop(codes.GUEST, None)
        return actor_of(request.user)
    address = codes.guest_address(request)
    return permissions.guest(address, actions.find_customer(address)) if address else None


def by_number(actor: Actor, number: str) -> Door:
    """Open a request that `actor` may read. Raises `Http404` for any other number."""
    ticket = _readable(actor).filter(number=number).first()
    if ticket is None:
        raise Http404
    return Door(actor, ticket)


def by_link(token: str) -> Door:
    """Open the request of a status link, or of the link of somebody invited.

    Raises `Http404` for a link that is not genuine, was withdrawn or has expired: which of these is nobody's
    business. Raises `Gone` for a genuine one to a request that was erased.
    """
    actor, ticket = _bearer(token)
    if has_expired(ticket) or not permissions.visible_tickets(actor).filter(pk=ticket.pk).exists():
        raise Http404
    return Door(actor, ticket, token)


def _bearer(token: str) -> tuple[Actor, Ticket]:
    """Return who holds a link, and to which request."""
    keys = addressing.signing_keys()
    tickets = _readable(permissions.SYSTEM)
    if parts := addressing.read_status_token(token, keys):
        ticket = tickets.filter(pk=parts[0]).first()
        if ticket is not None and constant_time_compare(ticket.link_nonce, parts[1]):
            return permissions.link_bearer(ticket), ticket
        gone = kept.erased_from(*parts) if ticket is None else kept.erased_of(ticket, parts[1])
        if gone is not None:
            raise Gone(gone)
    elif parts := addressing.read_status_token(token, keys, "participant"):
        row = Participant.objects.filter(pk=parts[0], may_read=True).first()
        if row is not None and constant_time_compare(row.link_nonce, parts[1]):
            return permissions.invited(row), tickets.get(pk=row.ticket_id)
    raise Http404


def has_expired(ticket: Ticket) -> bool:
    """Tell whether links to a request hold no more: for `STATUS_LINK_DAYS` days it has been closed, or nothing happened.

    They hold again when something happens. For one that was joined with another that one counts: there it goes on.
    """
    while ticket.merged_into is not None:
        ticket = ticket.merged_into
    closed_at = None if ticket.state.is_open else ticket.closed_at
    since = closed_at or ticket.changed_at
    return timezone.now() > since + timedelta(days=int(conf.get("STATUS_LINK_DAYS")))


def at_home(door: Door) -> Door:
    """Return the door to the request with which this one was joined; the same door where there is none.

    Only one and the same customer is led on; others keep the page of their own request, as does who was invited to that one alone.
    """
    ticket, into = door.ticket, door.ticket.merged_into
    if into is None:
        return door
    if door.token and door.actor.address:
        return _invited_to(into, door)
    actor = permissions.link_bearer(into) if door.token else door.actor
    home = _readable(actor).filter(pk=into.pk).first()
    if home is None or not permissions.share_customer(ticket, home):
        return door
    return at_home(Door(actor, home, status_token(home) if door.token else ""))


def _invited_to(home: Ticket, door: Door) -> Door:
    """Return the door to the request in which another went on, for somebody invited to both."""
    row = Participant.objects.filter(
        ticket=home, normalised=door.actor.address, may_read=True
    ).first()
    if row is None:
        return door
    ticket = _readable(permissions.SYSTEM).get(pk=home.pk)
    return at_home(Door(permissions.invited(row), ticket, participant_token(row)))


def participant_token(row: Participant) -> str:
    """Return the secret part of the link of somebody invited."""
    keys = addressing.signing_keys()
    return addressing.status_token(row.pk, row.link_nonce, keys, purpose="participant")


def _readable(actor: Actor) -> Any:
    tickets = permissions.visible_tickets(actor)
    return tickets.select_related(
        "state", "queue", "customer__organisation", "organisation", "merged_into"
    ).prefetch_related("customer__addresses")


def discreet(response: HttpResponseBase) -> HttpResponseBase:
    """Keep a customer's page out of caches and search machines, and its address from other sites.

    `same-origin` and not `no-referrer`: under the latter a browser sends the forms of the page with
    `Origin: null`, which the protection against forged requests has to refuse. To other sites both
    send nothing.
    """
    response["Cache-Control"] = "private, no-store"
    response["Referrer-Policy"] = "same-origin"
    response["X-Robots-Tag"] = "noindex, nofollow"
    return response
