"""What the town adds to the ticket screen."""

from __future__ import annotations

from django.utils.html import format_html
from wagtail import hooks

from helpdesk.agents.panels import TicketAction, TicketPanel


@hooks.register("register_ticket_panel")
def weather_panel(request, ticket):
    if ticket.queue.slug != "streets":
        return None  # nothing for this ticket
    return TicketPanel(title="Weather", html=format_html("<p>{}</p>", "Rain in Mill Lane"))


@hooks.register("register_ticket_action")
def map_action(request, ticket):
    html = format_html('<a class="button button-secondary" href="/map/?q={}">Map</a>', ticket.pk)
    return TicketAction(html=html)
