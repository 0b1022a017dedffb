"""By what the list of a form's tickets can be narrowed: the day, tests, and the answer in each field."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import django_filters
from django.db.models import QuerySet
from django.forms import CheckboxSelectMultiple, DateField, NumberInput
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django_filters.fields import RangeField
from django_filters.widgets import SuffixedMultiWidget
from wagtail.admin.filters import DateRangePickerWidget, WagtailFilterSet

from helpdesk import answered
from helpdesk.models import Ticket
from helpdesk.rules.answers import WITHIN, folded

from .asked import FormField

#: Stands before a field's key in the names of filters.
PREFIX = "answer_"


class TicketFilterSet(WagtailFilterSet):
    date = django_filters.DateFromToRangeFilter(
        label=_("Submission date"), field_name="created_at", widget=DateRangePickerWidget
    )
    tests = django_filters.ChoiceFilter(
        label=_("Test submissions"),
        choices=[("with", _("Show them too")), ("only", _("Show only them"))],
        empty_label=_("Leave them out"),
        method="with_tests",
    )

    class Meta:
        model = Ticket
        fields: list[str] = []

    def with_tests(self, tickets: QuerySet[Ticket], _name: str, value: str) -> QuerySet[Ticket]:
        """Leave the choice to `wants_tests`: only the view knows what is there without it."""
        return tickets.filter(is_test=True) if value == "only" else tickets


def wants_tests(query: Any) -> bool:
    """Tell whether the query asks for test submissions."""
    return query.get("tests") in {"with", "only"}


class _OfField:
    """A filter for the answers in one field."""

    answer_key = ""

    def asked(self, tickets: QuerySet[Ticket], **lookups: Any) -> QuerySet[Ticket]:
        return answered.having(tickets, self.answer_key, **lookups)


class TextFilter(_OfField, django_filters.CharFilter):
    def filter(self, qs: QuerySet[Ticket], value: Any) -> QuerySet[Ticket]:
        return self.asked(qs, text__contains=folded(value)) if value else qs


class OneOfFilter(_OfField, django_filters.MultipleChoiceFilter):
    def filter(self, qs: QuerySet[Ticket], value: Any) -> QuerySet[Ticket]:
        return self.asked(qs, text__in=[folded(one) for one in value]) if value else qs


class _Between(_OfField):
    column = ""

    def filter(self, qs: QuerySet[Ticket], value: Any) -> QuerySet[Ticket]:
        start, stop = (value.start, value.stop) if value else (None, None)
        lookups = {f"{self.column}__gte": start, f"{self.column}__lte": stop}
        lookups = {name: bound for name, bound in lookups.items() if bound is not None}
        return self.asked(qs, **lookups) if lookups else qs


class NumbersFilter(_Between, django_filters.RangeFilter):
    column = "number"


class _DayRangeField(RangeField):
    """Days, as the answers are, and not moments."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__((DateField(), DateField()), *args, **kwargs)


class DaysFilter(_Between, django_filters.DateFromToRangeFilter):
    column = "day"
    field_class = _DayRangeField


class AnyNumberWidget(SuffixedMultiWidget):
    """Like Wagtail's for ranges, which has nothing below 0 and no fractions."""

    template_name = "wagtailadmin/widgets/range_input.html"
    suffixes = ["min", "max"]

    def __init__(self, attrs: Any = None) -> None:
        bounds = (_("Minimum"), _("Maximum"))
        widgets = [NumberInput(attrs={"placeholder": bound, "step": "any"}) for bound in bounds]
        super().__init__(widgets, attrs)

    def decompress(self, value: Any) -> list[Any]:
        return [value.start, value.stop] if value else [None, None]


def filters_for(fields: Iterable[FormField]) -> type[TicketFilterSet]:
    """Return the filters of a form with these fields, each under `answer_<key>`."""
    asked = [field for field in fields if field.type != "group"]
    filters = {PREFIX + field.key.replace(WITHIN, "__"): _filter_of(field) for field in asked}
    return type("FormTicketFilterSet", (TicketFilterSet,), filters)


def _filter_of(field: FormField) -> Any:
    made: Any
    if field.type == "number":
        made = NumbersFilter(label=field.heading, widget=AnyNumberWidget)
    elif field.type == "date":
        made = DaysFilter(label=field.heading, widget=DateRangePickerWidget)
    elif field.type in {"choice", "choices"}:
        made = _one_of(field, list(field.choices.items()))
    elif field.type in {"yes_no", "consent"}:
        made = _one_of(field, [("yes", _now("Yes")), ("no", _now("No"))])
    else:
        made = TextFilter(label=field.heading)
    made.answer_key = field.key
    return made


def _one_of(field: FormField, choices: list[tuple[str, str]]) -> OneOfFilter:
    return OneOfFilter(label=field.heading, choices=choices, widget=CheckboxSelectMultiple)
