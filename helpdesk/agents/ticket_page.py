"""Pages about one ticket beside its screen: who may open them, and the way back."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.generic import TemplateView
from wagtail.admin.views.generic.base import WagtailAdminTemplateMixin

from helpdesk.models import Right

from . import confidential, policy


class TicketPage(WagtailAdminTemplateMixin, TemplateView):
    """For who may write notes on the ticket (404 otherwise); what was merged is worked on elsewhere."""

    _show_breadcrumbs = True

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        self.actor = policy.actor_of(request)
        self.ticket = policy.find_ticket(request, kwargs["pk"])
        policy.require(self.actor, Right.NOTE, self.ticket)
        if self.ticket.merged_into_id is not None:
            raise Http404
        self.prepare(**kwargs)
        confidential.opened(self.actor, self.ticket)
        return super().dispatch(request, *args, **kwargs)

    def prepare(self, **kwargs: Any) -> None:
        """Find what else the page is about; raise `Http404` if it is not for this agent."""

    def get_breadcrumbs_items(self) -> list[dict[str, str]]:
        ticket = self.ticket
        return [
            *self.breadcrumbs_items,
            {"url": reverse("helpdesk_agents:tickets"), "label": _("Tickets")},
            {"url": reverse("helpdesk_agents:ticket", args=[ticket.pk]), "label": ticket.number},
            {"url": "", "label": str(self.page_title)},
        ]
