"""Wagtail's list of a form's submissions, reading tickets.

Who may edit the form may open the list; what it shows are the tickets that this person may read as
an agent, no more. Tickets are never deleted from here.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from django.db.models import QuerySet
from django.urls import NoReverseMatch, reverse
from django.utils import translation
from django.utils.formats import date_format
from django.utils.functional import cached_property
from django.utils.text import Truncator
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _
from wagtail.admin.ui.tables import Column, DateColumn, TitleColumn
from wagtail.admin.widgets.button import Button
from wagtail.contrib.forms.views import SubmissionsListView

from helpdesk import audit, permissions
from helpdesk.confidence import Veil
from helpdesk.models import AuditKind, Ticket
from helpdesk.rules.answers import WITHIN

from . import snapshot, submission_filters
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
        wanted = (one for one in self.asked if one.within == self.rows_of)
        return [*fixed, *((one.key, one.heading) for one in wanted)]

    @cached_property
    def groups(self) -> list[FormField]:
        """The lists of rows of the form."""
        return [one for one in self.asked if one.type == "group"]

    @cached_property
    def rows_of(self) -> str:
        """The list of rows of which a file has a line each; '' for a line for each ticket."""
        key = self.request.GET.get("rows", "") if self.is_export else ""
        return key if key in {one.key for one in self.groups} else ""

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
        """Leave it: Wagtail's own view sets the form's fields alone, ours begin with those of the ticket."""

    @property
    def export_headings(self) -> dict[str, str]:
        return {name: str(heading) for name, heading in self.fields}

    @export_headings.setter
    def export_headings(self, headings: dict[str, str]) -> None:
        """Leave it, for the same reason."""

    def to_row_dict(self, item: Any) -> OrderedDict[str, str]:
        """Return one line of a file: of a ticket, or of a ticket and one of its rows."""
        ticket, texts = item if isinstance(item, tuple) else (item, self._texts(item, _whole))
        cells = {key: _harmless(text) for key, text in texts.items()} | {
            "number": _number(ticket),
            "created_at": date_format(localtime(ticket.created_at), "SHORT_DATETIME_FORMAT"),
            "state": str(ticket.state),
        }
        return OrderedDict((name, cells.get(name, "")) for name in self.list_export)

    def _lines(self, tickets: Iterable[Ticket]) -> Iterator[tuple[Ticket, dict[str, str]]]:
        """Yield the rows of one list in each ticket with their texts by key."""
        for ticket in tickets:
            if self.veil.covers(ticket):
                yield ticket, {key: str(_("confidential")) for key, _label in self.fields[3:]}
                continue
            lists = (one for one in ticket.answers if isinstance(one, dict))
            for entry in lists:
                if entry.get("key") != self.rows_of:
                    continue
                for row in entry.get("rows") or ():
                    texts = {f"{self.rows_of}{WITHIN}{one['key']}": _whole(one) for one in row}
                    yield ticket, texts

    def _shown(self, key: str, ticket: Ticket) -> str:
        return Truncator(self._texts(ticket, snapshot.brief).get(key, "")).chars(200)

    def _texts(self, ticket: Ticket, shown: Callable[[Any], str]) -> dict[str, str]:
        """Return what was answered by key, by `shown` as it was shown."""
        entries = [one for one in ticket.answers if isinstance(one, dict) and "key" in one]
        if self.veil.covers(ticket):
            return {str(one["key"]): str(_("confidential")) for one in entries}
        if ticket.language == self.form_page.locale.language_code:
            return {str(one["key"]): shown(one) for one in entries}
        return {str(one["key"]): self._in_our_words(one) or shown(one) for one in entries}

    def _in_our_words(self, entry: Mapping[str, Any]) -> str:
        """Return what was chosen in another language of the form in the words of this one; '' for the rest."""
        field = self.by_key.get(str(entry["key"]))
        value = entry.get("value")
        values = value if isinstance(value, list) else [value]
        labels = field.choices if field is not None else {}
        if isinstance(value, bool):
            return str(_("Yes") if value else _("No"))
        if entry.get("type") == "date" and isinstance(value, str) and value:
            with translation.override(self.form_page.locale.language_code):
                return str(date_format(dt.date.fromisoformat(value)))
        if values and all(isinstance(one, str) and one in labels for one in values):
            return ", ".join(labels[str(one)] for one in values)
        return ""

    @cached_property
    def by_key(self) -> dict[str, FormField]:
        """The fields of the form by key."""
        return {one.key: one for one in self.asked}

    def as_spreadsheet(self, queryset: QuerySet[Ticket], spreadsheet_format: str) -> Any:
        """Give out the list as a file, and write down that it was given out."""
        data = {"what": "submissions", "page": self.form_page.pk, "format": spreadsheet_format}
        if self.rows_of:
            data["rows"] = self.rows_of
        audit.record(
            AuditKind.EXPORTED, user=self.request.user, queue=self.form_page.queue, data=data
        )
        lines: Any = self._lines(queryset) if self.rows_of else queryset
        return super().as_spreadsheet(lines, spreadsheet_format)

    @cached_property
    def header_more_buttons(self) -> list[Any]:
        """Wagtail's buttons, and a download with a line for each row of a list."""
        query = self.request.GET.copy()
        query["export"] = "csv"
        buttons = list(super().header_more_buttons)
        for group in self.groups:
            query["rows"] = group.key
            label = _("Download rows of “%(list)s” as CSV") % {"list": group.heading}
            url = f"{self.request.path}?{query.urlencode()}"
            buttons.append(Button(label, url=url, icon_name="download", priority=95))
        return buttons

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        # Wagtail's own method reads submission rows: step over it
        context: dict[str, Any] = super(SubmissionsListView, self).get_context_data(**kwargs)
        context["form_page"] = self.form_page
        context["is_agent"] = permissions.is_agent(permissions.agent(self.request.user))
        return context


def _whole(entry: Mapping[str, Any]) -> str:
    return str(entry.get("shown") or "")


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
