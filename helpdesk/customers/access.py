"""How somebody comes to a request: by log-in, or by the signed link in a mail."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpRequest, HttpResponseBase
from django.urls import reverse
from django.utils.crypto import constant_time_compare

from helpdesk import actions, addressing, permissions
from helpdesk.models import Ticket
from helpdesk.permissions import Actor

from . import codes


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
    """Open the request of a status link.

    Raises `Http404` for a link that is not genuine, was withdrawn, or whose request is gone: which
    of these is nobody's business.
    """
    parts = addressing.read_status_token(token, addressing.signing_keys())
    if parts is None:
        raise Http404
    ticket_id, nonce = parts
    ticket = _readable(permissions.SYSTEM).filter(pk=ticket_id).first()
    if ticket is None or not constant_time_compare(ticket.link_nonce, nonce):
        raise Http404
    actor = permissions.link_bearer(ticket)
    if not permissions.visible_tickets(actor).filter(pk=ticket.pk).exists():
        raise Http404
    return Door(actor, ticket, token)


def at_home(door: Door) -> Door:
    """Return the door to the request with which this one was joined; the same door where there is none.

    Only one and the same customer is led on; others keep the page of their own request.
    """
    ticket, into = door.ticket, door.ticket.merged_into
    if into is None:
        return door
    actor = permissions.link_bearer(into) if door.token else door.actor
    home = _readable(actor).filter(pk=into.pk).first()
    if home is None or not permissions.share_customer(ticket, home):
        return door
    return at_home(Door(actor, home, status_token(home) if door.token else ""))


def _readable(actor: Actor) -> Any:
    tickets = permissions.visible_tickets(actor)
    return tickets.select_related("state", "queue", "customer", "merged_into")


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
