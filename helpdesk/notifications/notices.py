"""Notices to the people of the team. They never hold what customers or colleagues wrote."""

from __future__ import annotations

from collections.abc import Sequence

from django.contrib.auth import get_user_model
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext as _

from helpdesk import addressing, conf, permissions
from helpdesk.models import Article, OutboundMail, Right, Ticket
from helpdesk.rules import delivery

from . import compose, limiter, links, suspension
from .automatic import is_ours


def tell_owner_of_bounce(
    *, ticket: Ticket, mail: OutboundMail, report: Article, bounces: Sequence[Sequence[str]]
) -> str:
    """Queue a notice to the ticket's owner that `mail` came back; return 'queued' or why there is none.

    `bounces` are the rows [address, status, words] that are new. The words of the server stay on the
    ticket. Of a notice that came back nobody is told: that would never end.
    """
    owner = ticket.owner
    reason = _why_no_notice(ticket, mail)
    if owner is None or reason:
        return reason
    language = conf.site_language(getattr(owner, "language", "") or "")
    with translation.override(language):
        subject = _("A mail came back: %(subject)s (%(number)s)") % {
            "subject": addressing.clean_subject(mail.subject),
            "number": ticket.number,
        }
        lines = [_explained(status, words, address) for address, status, words in bounces]
        context = {
            "ticket": ticket,
            "name": owner.get_full_name(),
            "lines": lines,
            "ticket_url": links.ticket_url(ticket),
            "site_name": conf.get("SITE_NAME"),
        }
        text = render_to_string("helpdesk/mail/came_back.txt", context)
    row = compose.team_notice(
        ticket=ticket,
        unique=f"b{report.pk}",
        to=(owner.get_full_name(), owner.email),
        subject=subject,
        text=text,
        language=language,
    )
    row.save(force_insert=True)
    return "queued"


def _explained(status: str, words: str, address: str) -> str:
    cause = delivery.judge(status, words).cause
    return f"{delivery.sentence(cause, address)} {delivery.advice(cause)}"


def _why_no_notice(ticket: Ticket, mail: OutboundMail) -> str:
    """Return the code of the first reason against a notice, or ''. Counts the mail if there is none."""
    owner = ticket.owner
    if mail.kind == OutboundMail.Kind.NOTICE:
        return "notice"
    if owner is None:
        return "no_owner"
    if not permissions.can(permissions.agent(owner), Right.READ, ticket):
        return "no_right"
    try:
        address = addressing.canonical(owner.email)
    except addressing.BadAddress:
        return "bad_address"
    if address == ticket.contact:
        return "customer"
    if address in {one.lower() for one, _status, _words in mail.bounces}:
        return "came_back"
    if is_ours(addressing.normalise(address), compose.sender_of(ticket.queue)[1]):
        return "own_address"
    if suspension.suspended(address):
        return "suspended"
    return limiter.take(address) or ""


def may_still_go(row: OutboundMail) -> bool:
    """Tell whether a queued notice may be sent: whom it goes to may still read the ticket.

    True for every other kind of mail.
    """
    if row.kind != OutboundMail.Kind.NOTICE or row.ticket is None:
        return True
    users = get_user_model()._default_manager
    return all(
        any(
            permissions.can(permissions.agent(user), Right.READ, row.ticket)
            for user in users.filter(is_active=True, email__iexact=address)[:10]
        )
        for _name, address in row.to
    )
