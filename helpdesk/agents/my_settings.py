"""What an agent chooses for themselves: days off in the week, and the secret addresses of the feed."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST
from wagtail.admin import messages

from helpdesk import actions
from helpdesk.errors import HelpdeskError, NotPermitted
from helpdesk.models import AgentSettings

from . import policy
from .absences import AgentsView


class MySettingsView(AgentsView):
    """Days off in the week, and the addresses of the feed."""

    template_name = "helpdesk/agents/my_settings.html"
    page_title = gettext_lazy("My working days and calendar")

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        days = [int(one) for one in request.POST.getlist("free_days") if one.isdecimal()]
        try:
            actions.set_free_days(actor=self.actor, days=days)
        except NotPermitted as error:
            raise Http404 from error
        except HelpdeskError as error:
            context = self.get_context_data(error=str(error), chosen=days)
            return self.render_to_response(context, status=422)
        messages.success(request, _("Saved."))
        return redirect("helpdesk_agents:my_settings")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        row = AgentSettings.objects.filter(user=self.request.user.pk).first()
        chosen = kwargs.pop("chosen", row.free_days if row else [])
        return super().get_context_data(
            days=[(number, name, number in chosen) for number, name in WEEKDAYS.items()],
            feeds=self._feeds(row.feed_key) if row else [],
            **kwargs,
        )

    def _feeds(self, key: str) -> list[tuple[Any, str]]:
        names = (("team", _("Absences of my teams")), ("mine", _("Only my own absences")))
        return [
            (label, self.request.build_absolute_uri(reverse(f"helpdesk_feed:{name}", args=[key])))
            for name, label in names
        ]


@require_POST
def renew(request: HttpRequest) -> HttpResponse:
    """Make new secret addresses; the old ones lead nowhere then."""
    try:
        actions.renew_feed_key(actor=policy.actor_of(request))
    except NotPermitted as error:
        raise Http404 from error
    messages.success(request, _("Your calendar has new addresses. The old ones lead nowhere now."))
    return redirect("helpdesk_agents:my_settings")
