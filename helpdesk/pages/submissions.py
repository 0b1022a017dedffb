"""Wagtail's list of a form's submissions, reading tickets.

Who may edit the form may open the list; what it shows are the tickets that this person may read as
an agent, no more. Tickets are never deleted from here.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from django.db.models import QuerySet
from django.urls import NoReverseMatch, reverse
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _
from django_filters import DateFromToRangeFilter
from wagtail.admin.filters import DateRangePickerWidget, WagtailFilterSet
from wagtail.contrib.forms.views import SubmissionsListView

from helpdesk import permissions
from helpdesk.models import Ticket


class TicketFilterSet(WagtailFilterSet):
    date = DateFromToRangeFilter(
        label=_("Submission date"), field_name="created_at", widget=DateRangePickerWidget
    )

    class Meta:
        model = Ticket
        fields: list[str] = []


class TicketSubmissionsView(SubmissionsListView):
    """The tickets of one form, newest first, with the answers by key."""

    results_template_name = "helpdesk/pages/submissions_results.html"
    context_object_name = "submissions"
    default_ordering = ("-created_at",)
    ordering_csv = ("created_at",)
    orderable_fields = ("created_at",)
    filterset_class = TicketFilterSet
    model = Ticket

    def get_base_queryset(self) -> QuerySet[Ticket]:
        actor = permissions.agent(self.request.user)
        tickets = permissions.visible_tickets(actor).filter(
            form_key=self.form_page.translation_key, is_test=False
        )
        return tickets.select_related("state").only("number", "created_at", "state", "answers")

    def columns(self) -> list[tuple[str, Any]]:
        """Return name and heading of each column: what every ticket has, then the form's fields."""
        fixed = [("number", _("Number")), ("created_at", _("Received")), ("state", _("State"))]
        return [*fixed, *self.form_page.get_data_fields()]

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        self.form_page = kwargs.get("form_page")
        if self.is_export:
            self.list_export = [name for name, _heading in self.columns()]
        response = super().dispatch(request, *args, **kwargs)
        return response

    def row(self, ticket: Ticket) -> OrderedDict[str, str]:
        """Return a ticket's cells by column name."""
        answers = {entry["key"]: entry["shown"] for entry in ticket.answers}
        cells = {
            "number": ticket.number,
            "created_at": date_format(localtime(ticket.created_at), "SHORT_DATETIME_FORMAT"),
            "state": str(ticket.state),
            **answers,
        }
        return OrderedDict((name, cells.get(name, "")) for name, _heading in self.columns())

    def to_row_dict(self, item: Ticket) -> OrderedDict[str, str]:
        self.list_export = [name for name, _heading in self.columns()]
        self.export_headings = {name: str(heading) for name, heading in self.columns()}
        return self.row(item)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        # Wagtail's own method reads submission rows: step over it
        context: dict[str, Any] = super(SubmissionsListView, self).get_context_data(**kwargs)
        tickets = context[self.context_object_name]
        context["form_page"] = self.form_page
        context["is_agent"] = permissions.is_agent(permissions.agent(self.request.user))
        context["next_url"] = f"{self.get_index_url()}?{self.request.GET.urlencode()}"
        if not self.is_export:
            context["headings"] = [heading for _name, heading in self.columns()]
            context["rows"] = [(_ticket_url(one), list(self.row(one).values())) for one in tickets]
        return context


def _ticket_url(ticket: Ticket) -> str:
    try:
        return reverse("helpdesk_agents:ticket", args=[ticket.pk])
    except NoReverseMatch:  # a site without the agents' screens
        return ""
