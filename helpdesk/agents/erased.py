"""What agents see of tickets that are not there any more: number, queue, dates and reason, if they may read its queue."""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.generic import TemplateView
from wagtail.admin.views.generic.base import WagtailAdminTemplateMixin

from helpdesk import permissions, search
from helpdesk.models import Right, Tombstone
from helpdesk.permissions import Actor


def by_pk(actor: Actor, pk: int) -> Tombstone | None:
    """Return the erased ticket with this id or number, if `actor` may read its queue."""
    return _find(actor, Q(ticket_pk=pk) | Q(number=str(pk)))


def by_words(actor: Actor, words: str) -> Tombstone | None:
    """Return the erased ticket for which a query asks by its whole number. No query for other words."""
    number = search.read_number(words)
    return _find(actor, Q(number=number)) if number is not None else None


def _find(actor: Actor, which: Q) -> Tombstone | None:
    found = Tombstone.objects.filter(which).select_related("queue").order_by("pk").first()
    if found is None or permissions.is_superuser(actor):
        return found
    return found if found.queue_id in actor.queues_with(Right.READ) else None


class ErasedView(WagtailAdminTemplateMixin, TemplateView):
    """In place of a ticket's screen (410): old links and numbers lead here."""

    template_name = "helpdesk/agents/erased_ticket.html"
    header_icon = "bin"
    _show_breadcrumbs = True
    stone: Tombstone

    def get_page_title(self) -> str:
        return _("Erased ticket")

    def get_breadcrumbs_items(self) -> list[dict[str, str]]:
        return [
            *self.breadcrumbs_items,
            {"url": reverse("helpdesk_agents:tickets"), "label": _("Tickets")},
            {"url": "", "label": self.stone.number},
        ]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(stone=self.stone, **kwargs)


def show(request: HttpRequest, stone: Tombstone) -> HttpResponse:
    """Return the page of an erased ticket."""
    view = ErasedView()
    view.setup(request)
    view.stone = stone
    return view.render_to_response(view.get_context_data(), status=410)
