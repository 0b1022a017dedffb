"""Mails with a link: to a request, for its customer or somebody invited; and to confirm an address.

Each is sent at once or not at all: whoever asked for it stands before the screen and is told why not.
"""

from __future__ import annotations

import re

from django.conf import settings
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from helpdesk import addressing, conf
from helpdesk.errors import InvalidInput
from helpdesk.models import AddressClaim, Customer, OutboundMail, Participant, Ticket
from helpdesk.rules.wording import Link

from . import compose, links, responses, variables
from .automatic import Withheld, why_not

#: Reasons that anybody can see in the address.
_OF_THE_ADDRESS = frozenset({Withheld.BAD_ADDRESS, Withheld.NOBODY_READS, Withheld.OWN_ADDRESS})
_ADDRESS = re.compile(r"[@/<>\\]|www\.", re.IGNORECASE)


def send_invitation(
    *,
    ticket: Ticket,
    participant: Participant,
    inviter: str,
    customer: Customer | None,
    is_discreet: bool = False,
) -> OutboundMail:
    """Queue the mail to somebody invited to a request, with a link of their own.

    `customer` is the one with that address, if there is one. Raises `InvalidInput` at `email` with the reason
    why the machine may not write there; if `is_discreet` without it where it is no fact of the address as such, and
    nobody is refused for being blocked.
    """
    row = compose.letter(ticket=ticket)
    row.subject = addressing.tag_subject(_harmless(ticket.subject, ""), ticket.number)[:500]
    _may_go(participant.address, row, None if is_discreet else customer, is_discreet=is_discreet)
    with translation.override(row.language):
        values = {
            "greeting": _greeting(participant.name),
            "inviter": _harmless(inviter, _("Somebody")),
            "subject": _harmless(ticket.subject, ticket.number),
            "link": Link(links.participant_url(participant, ticket.language)),
        }
        paragraphs = [
            "{{ greeting }}",
            _(
                "{{ inviter }} has invited you to read a request and to write on it: “{{ subject }}”."
            ),
            _("With this link you come to it. It is yours alone, so keep it to yourself:")
            + "\n{{ link }}",
            _("If you do not know what this is about, you need not do anything."),
        ]
    return _send(row, participant.name, participant.address, paragraphs, values)


def send_link(*, ticket: Ticket) -> OutboundMail:
    """Queue a mail with the ticket's present status link to its contact address. Raises as `send_invitation`."""
    row = compose.letter(ticket=ticket)
    _may_go(ticket.contact, row, ticket.customer)
    name = ticket.contact_name
    with translation.override(row.language):
        values = {
            "greeting": _greeting(name),
            "subject": ticket.subject or ticket.number,
            "number": ticket.number,
            "link": Link(links.status_url(ticket, ticket.language)),
        }
        paragraphs = [
            "{{ greeting }}",
            _("here is the link to your request “{{ subject }}”, number {{ number }}:")
            + "\n{{ link }}",
            _("Whoever has this link can read the request, so keep it to yourself."),
        ]
    return _send(row, name, ticket.contact, paragraphs, values)


def send_proof(*, claim: AddressClaim, token: str, language: str) -> OutboundMail:
    """Queue the mail by which a customer confirms an address; `token` is that of its link.

    Raises `InvalidInput` as `send_invitation` does.
    """
    row = compose.notice(queue=None, language=conf.site_language(language))
    row.kind = OutboundMail.Kind.LINK
    _may_go(claim.address, row, claim.customer)
    with translation.override(row.language):
        path = reverse("helpdesk_customers:address_confirm", settings.ROOT_URLCONF, args=[token])
        values = {
            "greeting": _greeting(claim.customer.name),
            "address": claim.address,
            "site_name": str(conf.get("SITE_NAME")),
            "link": Link(f"{conf.get('SITE_URL')}{path}"),
        }
        row.subject = _("Please confirm your address")
        paragraphs = [
            "{{ greeting }}",
            _(
                "you want to see the requests from {{ address }} in your account at {{ site_name }}."
            ),
            _("Open this link while you are logged in, and confirm there. It works for three days:")
            + "\n{{ link }}",
            _("If it was not you, you need not do anything: without your answer nothing happens."),
        ]
    return _send(row, claim.customer.name, claim.address, paragraphs, values)


def _greeting(name: str) -> str:
    return variables.of_person(name, "")["greeting"]()


def _harmless(text: str, otherwise: str) -> str:
    """Return what a customer called something, unless it would carry an address to whoever gets the mail."""
    return otherwise if _ADDRESS.search(text) or not text.strip() else text


def _may_go(
    address: str, row: OutboundMail, customer: Customer | None, *, is_discreet: bool = False
) -> None:
    reason = why_not(address, sender=row.from_address, customer=customer)
    if reason is not None and is_discreet and reason not in _OF_THE_ADDRESS:
        raise InvalidInput(_("This address cannot be invited."), field="email")
    if reason is not None:
        message = _("No mail can be sent to this address: %(reason)s.")
        raise InvalidInput(message % {"reason": Withheld(reason).label}, field="email")


def _send(
    row: OutboundMail,
    name: str,
    address: str,
    paragraphs: list[str],
    values: dict[str, str],
) -> OutboundMail:
    row.to = [[name, address]]
    with translation.override(row.language):
        text = "\n\n".join(paragraphs)
        title = row.subject or addressing.clean_subject(values.get("subject", ""))
        row.body, row.html = responses.rendered(text, values, signature=row.body, title=title)
    row.save(force_insert=True)
    return row
