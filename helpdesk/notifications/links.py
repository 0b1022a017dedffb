"""Addresses of pages in mails. Below the fronts nothing knows their URL names."""

from __future__ import annotations

from helpdesk import addressing, conf
from helpdesk.models import Ticket


def status_url(ticket: Ticket, language: str) -> str:
    """Return the full address of a ticket's status page in `language`, good for whoever holds it."""
    token = addressing.status_token(ticket.pk, ticket.link_nonce, addressing.signing_keys())
    prefix = conf.get("LANGUAGE_PREFIX").get(language, "")
    return f"{conf.get('SITE_URL')}{prefix}{conf.get('STATUS_PATH').format(token=token)}"
