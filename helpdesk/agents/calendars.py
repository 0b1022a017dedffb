"""Calendars in the admin: opening times a weekday, public holidays, own days, and what comes of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import dateformat, timezone
from django.utils.dates import WEEKDAYS as WEEKDAY_NAMES
from django.utils.translation import get_language, gettext_lazy, pgettext
from django.utils.translation import gettext as _
from wagtail.admin.ui.tables import Column

from helpdesk.errors import InvalidInput
from helpdesk.models import Calendar
from helpdesk.rules import hours, publicholidays, worktime
from helpdesk.rules.openings import Hours

from .departments import DepartmentColumn, DepartmentForm, with_department
from .viewsets import DeskViewSet, PolicedCreate, PolicedEdit, PolicedIndex

#: What the preview shows.
PREVIEW_DAYS = 14


class CalendarForm(DepartmentForm):
    """A calendar as an administrator writes it: a line of text a weekday, a line an own day."""

    place = forms.ChoiceField(
        label=gettext_lazy("Public holidays"),
        required=False,
        help_text=gettext_lazy("On public holidays of this place the calendar is closed."),
    )
    time_zone = forms.ChoiceField(label=gettext_lazy("Time zone"))
    days = forms.CharField(
        label=gettext_lazy("Own closed days and half days"),
        required=False,
        max_length=50_000,
        widget=forms.Textarea(attrs={"rows": 6, "spellcheck": "false"}),
        help_text=gettext_lazy(
            "One line a day: the date, then the hours if it is not closed, then a name. A date without a year "
            "holds every year."
        ),
    )

    class Meta:
        model = Calendar
        fields = ["name", "department", "opening_hours", "time_zone"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: Any = self.fields
        kept = self.instance
        for number, day in enumerate(hours.WEEKDAYS):
            fields[f"hours_{day}"] = forms.CharField(
                label=WEEKDAY_NAMES[number],
                required=False,
                max_length=200,
                initial=_written(kept.hours, day),
                widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
            )
        fields["time_zone"].choices = [(name, name) for name in _zones(kept.time_zone)]
        fields["time_zone"].initial = kept.time_zone
        place = "-".join(filter(None, (kept.country, kept.subdivision)))
        fields["place"].choices = _place_choices(place)
        fields["place"].initial = place
        fields["days"].initial = _lines(kept.own_days)

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        week = {day: self._hours(day, data) for day in hours.WEEKDAYS}
        own = self._own_days(data)
        country, subdivision = publicholidays.parse_place(data.get("place", ""))
        if self.errors:
            return data
        columns: dict[str, Any] = {
            "hours": {day: hours.stored(found) for day, found in week.items() if found},
            "own_days": [hours.store_own_day(entry) for entry in own],
            "country": country,
            "subdivision": subdivision,
        }
        try:
            worktime.loaded(time_zone=data["time_zone"], **columns).next_opening(timezone.now())
        except worktime.NeverOpen:
            self.add_error(None, _("This calendar is never open. Give at least one opening time."))
        except InvalidInput as error:
            self.add_error("time_zone" if error.field == "time_zone" else "place", str(error))
        for name, value in columns.items():
            setattr(self.instance, name, value)
        return data

    def _hours(self, day: str, data: dict[str, Any]) -> Hours:
        try:
            return hours.parse_hours(data.get(f"hours_{day}", ""))
        except hours.BadHours as error:
            self.add_error(f"hours_{day}", str(error))
            return ()

    def _own_days(self, data: dict[str, Any]) -> tuple[hours.OwnDays, ...]:
        try:
            return hours.parse_own_days(data.get("days", ""))
        except hours.BadLines as error:
            self.add_error("days", error.lines)  # type: ignore[arg-type]  # a list is fine
            return ()

    @property
    def week(self) -> list[forms.BoundField]:
        return [self[f"hours_{day}"] for day in hours.WEEKDAYS]


def _written(week: Any, day: str) -> str:
    try:
        return hours.written(hours.loaded(week.get(day, [])))
    except (hours.BadHours, AttributeError):
        return ""  # what cannot be read is written anew


def _lines(own_days: Any) -> str:
    try:
        return "\n".join(hours.write_own_day(hours.load_own_day(entry)) for entry in own_days)
    except (hours.BadHours, TypeError):
        return ""


def _zones(current: str) -> list[str]:
    """Return the time zones by their places; old names without one only where they are in use."""
    places = {name for name in available_timezones() if "/" in name and name[:4] != "Etc/"}
    return sorted({*places, "UTC", current})


def _place_choices(current: str) -> list[tuple[Any, Any]]:
    found: list[tuple[Any, Any]] = [("", _("None: open on public holidays, too"))]
    groups = publicholidays.choices(get_language() or "de")
    if current and not any(current == value for _name, group in groups for value, _label in group):
        found.append((current, current))  # not silently another one; saving it says what is wrong
    return [*found, *groups]


def preview(calendar: Calendar, first: dt.date | None = None) -> list[dict[str, Any]]:
    """Return the next days of a calendar, each with its opening times and what is special about it.

    Raises `InvalidInput` for a calendar whose columns are none.
    """
    work_time = calendar.work_time()
    first = first or work_time.local(timezone.now()).date()
    return [_row(work_time.day(first + dt.timedelta(days=n))) for n in range(PREVIEW_DAYS)]


def _row(day: worktime.OpenDay) -> dict[str, Any]:
    return {
        "date": day.date,
        "shown": dateformat.format(day.date, pgettext("date format", "D j M")),
        "hours": hours.written(day.hours),
        "special": day.is_special or bool(day.name),
        "reason": day.name or (_("own day") if day.is_special else ""),
    }


class CalendarFormMixin:
    """Saves, or only shows what would come of it: the button below the preview."""

    request: HttpRequest
    form: Any

    def form_valid(self, form: Any) -> HttpResponse:
        if "preview" not in self.request.POST:
            return super().form_valid(form)  # type: ignore[misc]
        self.form = form
        return self.render_to_response(self.get_context_data(form=form))  # type: ignore[attr-defined]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)  # type: ignore[misc]
        form = context["form"]
        context["preview"] = list(self._preview(form))
        if "preview" in self.request.POST:
            context["has_unsaved_changes"] = True
        return context

    def _preview(self, form: Any) -> Iterator[dict[str, Any]]:
        if form.errors:
            return  # what stands in the fields is no calendar yet
        try:
            yield from preview(form.instance)
        except InvalidInput:
            return


class CalendarCreate(CalendarFormMixin, PolicedCreate):
    pass


class CalendarEdit(CalendarFormMixin, PolicedEdit):
    pass


def _place(calendar: Calendar) -> str:
    if not calendar.country:
        return ""
    name = publicholidays.country_name(calendar.country, get_language() or "de")
    if not calendar.subdivision:
        return name
    return f"{publicholidays.subdivision_name(calendar.country, calendar.subdivision)} ({name})"


class CalendarIndex(PolicedIndex):
    def prepared(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        found: QuerySet[Any] = with_department(rows)
        return found


class CalendarViewSet(DeskViewSet):
    model = Calendar
    name, url_prefix = "helpdesk_calendars", "helpdesk/calendars"
    icon = "calendar"
    form_class = CalendarForm
    index_view_class = CalendarIndex
    add_view_class = CalendarCreate
    edit_view_class = CalendarEdit
    create_template_name = edit_template_name = "helpdesk/agents/calendar_form.html"
    list_display = [
        "name",
        "opening_hours",
        Column("place", label=gettext_lazy("Public holidays"), accessor=_place),
        "time_zone",
        DepartmentColumn(),
    ]
    search_fields = ["name"]
