"""Addresses of pages in mails. A site may have its own status page: a setting tells its name."""

from __future__ import annotations

from django.conf import settings
from django.urls import reverse
from django.utils import translation

from helpdesk import addressing, conf
from helpdesk.models import Absence, Participant, Ticket


def status_url(ticket: Ticket, language: str) -> str:
    """Return the full address of a ticket's status page in `language`, good for whoever holds it."""
    token = addressing.status_token(ticket.pk, ticket.link_nonce, addressing.signing_keys())
    return _status_page(token, language)


def participant_url(participant: Participant, language: str) -> str:
    """Return the full address of a request's page for somebody invited, by the link that is theirs."""
    token = addressing.status_token(
        participant.pk, participant.link_nonce, addressing.signing_keys(), purpose="participant"
    )
    return _status_page(token, language)


def _status_page(token: str, language: str) -> str:
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


def desk_url(name: str, *args: object) -> str:
    """Return the full address of a screen of the help desk in the admin, by its name without the namespace."""
    path = reverse(f"helpdesk_agents:{name}", settings.ROOT_URLCONF, args=args)
    return f"{conf.get('SITE_URL')}{path}"
