"""Addresses of pages in mails. A site may have its own status page: a setting tells its name."""

from __future__ import annotations

from django.conf import settings
from django.urls import reverse
from django.utils import translation

from helpdesk import addressing, conf
from helpdesk.models import Absence, Ticket


def status_url(ticket: Ticket, language: str) -> str:
    """Return the full address of a ticket's status page in `language`, good for whoever holds it."""
    token = addressing.status_token(ticket.pk, ticket.link_nonce, addressing.signing_keys())
    with translation.override(conf.site_language(language)):
        path = reverse(conf.get("STATUS_VIEW"), settings.ROOT_URLCONF, kwargs={"token": token})
    return f"{conf.get('SITE_URL')}{path}"


def ticket_url(ticket: Ticket) -> str:
    """Return the full address of a ticket's screen in the admin, for those who may read it."""
    path = reverse("helpdesk_agents:ticket", settings.ROOT_URLCONF, args=[ticket.pk])
    return f"{conf.get('SITE_URL')}{path}"


def return_url(absence: Absence) -> str:
    """Return the full address of the page that tells an agent what happened during an absence."""
    path = reverse("helpdesk_agents:absence_summary", settings.ROOT_URLCONF, args=[absence.pk])
    return f"{conf.get('SITE_URL')}{path}"
