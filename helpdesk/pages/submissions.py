"""Wagtail's list of a form's submissions, reading tickets.

Who may edit the form may open the list; what it shows are the tickets that this person may read as
an agent, no more. Tickets are never deleted from here.
"""

from __future__ import annotations

from collections import OrderedDict
from functools import partial
from typing import Any

from django.db.models import QuerySet
from django.urls import NoReverseMatch, reverse
from django.utils.formats import date_format
from django.utils.functional import cached_property
from django.utils.text import Truncator
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _
from django_filters import DateFromToRangeFilter
from wagtail.admin.filters import DateRangePickerWidget, WagtailFilterSet
from wagtail.admin.ui.tables import Column, DateColumn, TitleColumn
from wagtail.contrib.forms.views import SubmissionsListView

from helpdesk import audit, permissions
from helpdesk.confidence import Veil
from helpdesk.models import AuditKind, Ticket

from . import snapshot


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

    @cached_property
    def veil(self) -> Veil:
        return Veil()

    def get_base_queryset(self) -> QuerySet[Ticket]:
        actor = permissions.agent(self.request.user)
        tickets = permissions.visible_tickets(actor).filter(
            form_key=self.form_page.translation_key, is_test=False
        )
        return tickets.select_related("state").only(
            "number", "created_at", "state", "answers", "queue"
        )

    @cached_property
    def fields(self) -> list[tuple[str, Any]]:
        """Name and heading of each column: what every ticket has, then the form's fields."""
        fixed = [
            ("number", _("Ticket number")),
            ("created_at", _("Received")),
            ("state", _("State")),
        ]
        return [*fixed, *self.form_page.get_data_fields()]

    @cached_property
    def columns(self) -> list[Column]:
        answers = self.form_page.get_data_fields()
        return [
            TitleColumn("number", label=_("Ticket number"), get_url=_ticket_url, width="12em"),
            DateColumn("created_at", label=_("Received"), sort_key="created_at"),
            Column("state", label=_("State")),
            *(
                Column(key, label=label, accessor=partial(self._shown, key))
                for key, label in answers
            ),
        ]

    @property
    def list_export(self) -> list[str]:
        return [name for name, _heading in self.fields]

    @list_export.setter
    def list_export(self, names: list[str]) -> None:
        # Wagtail's own method sets the form's fields alone: ours begin with those of the ticket
        self.export_headings = {name: str(heading) for name, heading in self.fields}

    def to_row_dict(self, item: Ticket) -> OrderedDict[str, str]:
        cells = {
            "number": item.number,
            "created_at": date_format(localtime(item.created_at), "SHORT_DATETIME_FORMAT"),
            "state": str(item.state),
            **{
                entry["key"]: str(_("confidential")) if self.veil.covers(item) else entry["shown"]
                for entry in item.answers
            },
        }
        return OrderedDict((name, cells.get(name, "")) for name in self.list_export)

    def _shown(self, key: str, ticket: Ticket) -> str:
        if self.veil.covers(ticket):
            return str(_("confidential"))
        found = (snapshot.brief(entry) for entry in ticket.answers if entry["key"] == key)
        return Truncator(next(found, "")).chars(200)

    def as_spreadsheet(self, queryset: QuerySet[Ticket], spreadsheet_format: str) -> Any:
        """Give out the list as a file, and write down that it was given out."""
        data = {"what": "submissions", "page": self.form_page.pk, "format": spreadsheet_format}
        audit.record(AuditKind.EXPORTED, user=self.request.user, data=data)
        return super().as_spreadsheet(queryset, spreadsheet_format)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        # Wagtail's own method reads submission rows: step over it
        context: dict[str, Any] = super(SubmissionsListView, self).get_context_data(**kwargs)
        context["form_page"] = self.form_page
        context["is_agent"] = permissions.is_agent(permissions.agent(self.request.user))
        return context


def _ticket_url(ticket: Ticket) -> str:
    try:
        return reverse("helpdesk_agents:ticket", args=[ticket.pk])
    except NoReverseMatch:  # a site without the agents' screens
        return ""
