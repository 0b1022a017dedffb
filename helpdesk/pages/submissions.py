"""Wagtail's list of a form's submissions, reading tickets.

Who may edit the form may open the list; what it shows are the tickets that this person may read as
an agent, no more. Tickets are never deleted from here.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Mapping
from functools import partial
from typing import Any

from django.db.models import QuerySet
from django.urls import NoReverseMatch, reverse
from django.utils.formats import date_format
from django.utils.functional import cached_property
from django.utils.text import Truncator
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _
from wagtail.admin.ui.tables import Column, DateColumn, TitleColumn
from wagtail.contrib.forms.views import SubmissionsListView

from helpdesk import audit, permissions
from helpdesk.confidence import Veil
from helpdesk.models import AuditKind, Ticket

from . import submission_filters
from .asked import FormField, fields_across

#: With what a formula begins, and what is none in spite of it: numbers, and those of telephones.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_SIGNED = re.compile(r"[+-][0-9(][0-9 ()/.,-]*")


class TicketSubmissionsView(SubmissionsListView):
    """The tickets of one form, newest first, with the answers by key.

    Of all versions and languages of the form: a field that it has lost keeps its column.
    """

    results_template_name = "helpdesk/pages/submissions_results.html"
    context_object_name = "submissions"
    default_ordering = ("-created_at",)
    ordering_csv = ("created_at",)
    orderable_fields = ("created_at", "number")
    model = Ticket

    @cached_property
    def veil(self) -> Veil:
        return Veil()

    @cached_property
    def asked(self) -> list[FormField]:
        """All fields of the form, those within lists of rows too."""
        return fields_across(self.form_page)

    @cached_property
    def filterset_class(self) -> Any:
        """The filters of this form: none over its answers, if they are confidential."""
        is_confidential = self.form_page.queue_id in self.veil.queues
        return submission_filters.filters_for([] if is_confidential else self.asked)

    def get_base_queryset(self) -> QuerySet[Ticket]:
        actor = permissions.agent(self.request.user)
        tickets = permissions.visible_tickets(actor).filter(form_key=self.form_page.form_key)
        if not submission_filters.wants_tests(self.request.GET):
            tickets = tickets.filter(is_test=False)
        return tickets.select_related("state").only(
            "number", "created_at", "state", "answers", "queue", "language", "is_test"
        )

    def get_ordering(self) -> str:
        """Return the order asked for by the heading of a column; older addresses say `order_by`."""
        asked = self.request.GET.get("ordering") or self.request.GET.get("order_by", "")
        if asked.removeprefix("-") in self.orderable_fields:
            return asked
        return str((self.ordering_csv if self.is_export else self.default_ordering)[0])

    @cached_property
    def fields(self) -> list[tuple[str, Any]]:
        """Name and heading of each column: what every ticket has, then the form's fields."""
        fixed = [
            ("number", _("Ticket number")),
            ("created_at", _("Received")),
            ("state", _("State")),
        ]
        return [*fixed, *((one.key, one.heading) for one in self.asked if not one.is_within)]

    @cached_property
    def columns(self) -> list[Column]:
        return [
            TitleColumn(
                "number",
                label=_("Ticket number"),
                accessor=_number,
                get_url=_ticket_url,
                sort_key="number",
                width="12em",
            ),
            DateColumn("created_at", label=_("Received"), sort_key="created_at"),
            Column("state", label=_("State")),
            *(
                Column(key, label=label, accessor=partial(self._shown, key))
                for key, label in self.fields[3:]
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
            "number": _number(item),
            "created_at": date_format(localtime(item.created_at), "SHORT_DATETIME_FORMAT"),
            "state": str(item.state),
            **{
                key: _harmless(text)
                for key, text in self._texts(item).items()
                if key not in {"number", "created_at", "state"}
            },
        }
        return OrderedDict((name, cells.get(name, "")) for name in self.list_export)

    def _shown(self, key: str, ticket: Ticket) -> str:
        return Truncator(self._texts(ticket).get(key, "")).chars(200)

    def _texts(self, ticket: Ticket) -> dict[str, str]:
        """Return what was answered by key, as it was shown: a list of rows line by line."""
        entries = [one for one in ticket.answers if isinstance(one, dict) and "key" in one]
        if self.veil.covers(ticket):
            return {str(one["key"]): str(_("confidential")) for one in entries}
        if ticket.language == self.form_page.locale.language_code:
            return {str(one["key"]): shown_of(one) for one in entries}
        return {str(one["key"]): self._in_our_words(one) for one in entries}

    def _in_our_words(self, entry: Mapping[str, Any]) -> str:
        """Return an answer from another language of the form: what was chosen in the words of this one."""
        field = self.by_key.get(str(entry["key"]))
        value = entry.get("value")
        values = value if isinstance(value, list) else [value]
        labels = field.choices if field is not None else {}
        if isinstance(value, bool):
            return str(_("Yes") if value else _("No"))
        if values and all(isinstance(one, str) and one in labels for one in values):
            return ", ".join(labels[one] for one in values)
        return shown_of(entry)

    @cached_property
    def by_key(self) -> dict[str, FormField]:
        """The fields of the form by key."""
        return {one.key: one for one in self.asked}

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


def shown_of(entry: Mapping[str, Any]) -> str:
    """Return the answer of a snapshot's entry as one text; a list of rows has a line for each."""
    rows = entry.get("rows")
    if not isinstance(rows, list):
        return str(entry.get("shown") or "")
    lines = (
        "; ".join(f"{one.get('label')}: {shown_of(one)}" for one in row if shown_of(one))
        for row in rows
    )
    return "\n".join(line for line in lines if line)


def _harmless(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula: strangers wrote it."""
    is_plain = _SIGNED.fullmatch(text) is not None
    return f"'{text}" if text.startswith(_FORMULA) and not is_plain else text


def _number(ticket: Ticket) -> str:
    return f"{ticket.number} ({_('test')})" if ticket.is_test else ticket.number


def _ticket_url(ticket: Ticket) -> str:
    try:
        return reverse("helpdesk_agents:ticket", args=[ticket.pk])
    except NoReverseMatch:  # a site without the agents' screens
        return ""
