"""Where a site adds to the ticket screen, in Wagtail's manner.

    @hooks.register("register_ticket_panel")
    def incident_of_the_page(request, ticket):
        return TicketPanel(title=_("Incident"), html=format_html(…))

`register_ticket_action` is asked in the same way and returns a `TicketAction`: a link or form in the
row of buttons below the subject. Both may return None: nothing for this ticket.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.utils.safestring import SafeString
from wagtail import hooks

from helpdesk.models import Ticket


@dataclass(frozen=True)
class TicketPanel:
    """A box in the right column. `html` is safe already (`format_html`, a rendered template)."""

    title: str
    html: SafeString
    order: int = 100


@dataclass(frozen=True)
class TicketAction:
    """A button below the subject."""

    html: SafeString
    order: int = 100


def panels_of(request: HttpRequest, ticket: Ticket) -> list[TicketPanel]:
    """Return what the site's `register_ticket_panel` hooks add, in their order."""
    return _collect("register_ticket_panel", request, ticket)


def actions_of(request: HttpRequest, ticket: Ticket) -> list[TicketAction]:
    """Return what the site's `register_ticket_action` hooks add, in their order."""
    return _collect("register_ticket_action", request, ticket)


def _collect(hook: str, request: HttpRequest, ticket: Ticket) -> list[Any]:
    functions: list[Callable[..., Any]] = hooks.get_hooks(hook)
    found = [function(request, ticket) for function in functions]
    return sorted((one for one in found if one is not None), key=lambda one: one.order)
