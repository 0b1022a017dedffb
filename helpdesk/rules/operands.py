"""What stands in a condition's `value`: read from JSON, written back, resolved against a clock."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass

from django.utils import formats, timezone
from django.utils.dateparse import parse_date, parse_datetime, parse_time
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from helpdesk.rules.fields import ConditionError, Field, FieldType, Operand, Text
from helpdesk.rules.patterns import BadPattern, portable

MAX_TEXT = 1000
MAX_VALUES = 200
#: Whole numbers that JSON, JavaScript and the databases hold exactly.
MAX_NUMBER = 2**53
#: Furthest distance of a relative time, in days.
MAX_DAYS = 36_500

_UNITS = {"days": 1, "hours": 24, "minutes": 24 * 60}
_SENTENCES: dict[str, Callable[[int], str]] = {
    "days": lambda n: ngettext("%(n)s day", "%(n)s days", n) % {"n": n},
    "hours": lambda n: ngettext("%(n)s hour", "%(n)s hours", n) % {"n": n},
    "minutes": lambda n: ngettext("%(n)s minute", "%(n)s minutes", n) % {"n": n},
}


@dataclass(frozen=True)
class Span:
    """A length of time in one unit: `{"days": 7}`."""

    unit: str
    amount: int

    @property
    def delta(self) -> dt.timedelta:
        return dt.timedelta(**{self.unit: self.amount})

    def __str__(self) -> str:
        return _SENTENCES[self.unit](self.amount)


@dataclass(frozen=True)
class Relative:
    """A time as seen from now: `{"days_ago": 7}`, `{"hours_ahead": 2}`."""

    span: Span
    ahead: bool

    def at(self, now: dt.datetime) -> dt.datetime:
        return now + self.span.delta if self.ahead else now - self.span.delta

    def day(self, now: dt.datetime) -> dt.date:
        """Return the local calendar day so many days away (a day with a clock change is one)."""
        today = timezone.localtime(now).date()
        return today + self.span.delta if self.ahead else today - self.span.delta

    def __str__(self) -> str:
        sentence = _("%(span)s from now") if self.ahead else _("%(span)s ago")
        return sentence % {"span": self.span}


Scalar = str | int | float | bool
Value = Scalar | tuple[Scalar, ...] | dt.date | dt.datetime | dt.time | Relative | Span | None

_CLOCK = re.compile(r"[0-9]{2}:[0-9]{2}")


def day_bounds(day: dt.date) -> tuple[dt.datetime, dt.datetime]:
    """Return the beginning of a day and of the next one, in the current time zone."""
    zone = timezone.get_current_timezone()
    start, end = (
        dt.datetime.combine(each, dt.time.min, tzinfo=zone)
        for each in (day, day + dt.timedelta(days=1))
    )
    return start, end


# --- from JSON ---------------------------------------------------------------------------------


def _text(data: object) -> str:
    if not isinstance(data, str) or not data.strip():
        raise ConditionError(gettext_lazy("A text is expected here."))
    if len(data) > MAX_TEXT:
        raise ConditionError(gettext_lazy("This text is too long."))
    if "\0" in data or any("\ud800" <= char <= "\udfff" for char in data):
        raise ConditionError(gettext_lazy("This text has characters that cannot be stored."))
    return data


def _number(data: object, field: Field) -> int | float:
    if isinstance(data, bool) or not isinstance(data, int | float):
        raise ConditionError(gettext_lazy("A number is expected here."))
    if not -MAX_NUMBER <= data <= MAX_NUMBER:  # also refuses "not a number"
        raise ConditionError(gettext_lazy("This number is too large."))
    if isinstance(data, float) and field.lookup is not None:
        # a column of whole numbers would silently cut it, differently for each operator
        raise ConditionError(gettext_lazy("A whole number is expected here."))
    return data


def _choice(data: object, field: Field, known: bool) -> int | str:
    expected = str if field.codes else int
    if isinstance(data, bool) or not isinstance(data, expected) or data == "":
        raise ConditionError(gettext_lazy("Choose one of the values."))
    value: int | str = _text(data) if isinstance(data, str) else int(_number(data, field))
    options = field.options() if known else None
    if options is not None and value not in options:
        raise ConditionError(gettext_lazy("This value does not exist any more. Choose another."))
    return value


def _boolean(data: object) -> bool:
    if not isinstance(data, bool):
        raise ConditionError(gettext_lazy("Yes or no is expected here."))
    return data


def _pattern(data: object) -> str:
    text = _text(data)
    try:
        portable(text)
    except BadPattern as error:
        raise ConditionError(error.message) from error
    return text


def _span(data: object, field: Field, suffix: str = "") -> Span:
    message = gettext_lazy("A number of days, hours or minutes is expected here.")
    if not isinstance(data, dict) or len(data) != 1:
        raise ConditionError(message)
    [(key, amount)] = data.items()
    unit = key.removesuffix(suffix) if isinstance(key, str) and key.endswith(suffix) else ""
    if unit not in _UNITS or isinstance(amount, bool) or not isinstance(amount, int):
        raise ConditionError(message)
    if field.type is FieldType.DATE and unit != "days":
        raise ConditionError(gettext_lazy("This field knows days only, no hours."))
    if not 0 <= amount <= MAX_DAYS * _UNITS[unit]:
        raise ConditionError(gettext_lazy("This length of time is not possible."))
    return Span(unit, amount)


def _relative(data: dict[object, object], field: Field) -> Relative:
    ahead = any(isinstance(key, str) and key.endswith("_ahead") for key in data)
    return Relative(_span(data, field, "_ahead" if ahead else "_ago"), ahead)


def _moment(data: object, field: Field, *, day: bool) -> dt.date | dt.datetime | Relative:
    if isinstance(data, dict):
        relative = _relative(data, field)
        if day and relative.span.unit != "days":
            raise ConditionError(gettext_lazy("A day is expected here."))
        return relative
    try:
        found = (parse_date(data) or parse_datetime(data)) if isinstance(data, str) else None
    except ValueError:
        found = None
    if found is None or not 1900 <= found.year <= 2200:
        raise ConditionError(gettext_lazy("A date is expected here."))
    if isinstance(found, dt.datetime):
        if day or field.type is FieldType.DATE:
            raise ConditionError(gettext_lazy("A day without a time is expected here."))
        if found.tzinfo is None:
            raise ConditionError(gettext_lazy("This time lacks its time zone."))
    return found


def _clock(data: object) -> dt.time:
    try:
        is_written = isinstance(data, str) and _CLOCK.fullmatch(data)
        found = parse_time(str(data)) if is_written else None
    except ValueError:
        found = None
    if found is None:
        raise ConditionError(gettext_lazy("A time of day is expected here, for example 09:30."))
    return found


def _one(data: object, field: Field, known: bool) -> Scalar:
    match field.type:
        case FieldType.NUMBER:
            return _number(data, field)
        case FieldType.CHOICE:
            return _choice(data, field, known)
        case FieldType.BOOLEAN:
            return _boolean(data)
    return _text(data)


def _many(data: object, field: Field, known: bool) -> tuple[Scalar, ...]:
    if not isinstance(data, list) or not 1 <= len(data) <= MAX_VALUES:
        raise ConditionError(gettext_lazy("A list of values is expected here."))
    return tuple(_one(item, field, known) for item in data)


def read(data: object, field: Field, operand: Operand, *, known: bool) -> Value:
    """Return the typed value of a JSON value. `known`: a choice must be among the field's.

    Raises `ConditionError` without path.
    """
    match operand:
        case Operand.NONE:
            return None
        case Operand.MANY:
            return _many(data, field, known)
        case Operand.PATTERN:
            return _pattern(data)
        case Operand.SPAN:
            return _span(data, field)
        case Operand.MOMENT | Operand.DAY:
            return _moment(data, field, day=operand is Operand.DAY)
        case Operand.CLOCK:
            return _clock(data)
    return _one(data, field, known)


# --- to JSON and to people ---------------------------------------------------------------------


def write(value: Value) -> object:
    """Return the JSON form; `read` of it gives the value again."""
    match value:
        case tuple():
            return list(value)
        case dt.date():
            return value.isoformat()
        case dt.time():
            return value.strftime("%H:%M")
        case Span():
            return {value.unit: value.amount}
        case Relative():
            return {f"{value.span.unit}_{'ahead' if value.ahead else 'ago'}": value.span.amount}
    return value


def show(value: Value, field: Field) -> str:
    """Return the value as a piece of a sentence in the active language."""
    options = field.options() or {}
    return _show(value, options)


def _show(value: Value, options: dict[int | str, Text]) -> str:
    match value:
        case tuple():
            return ", ".join(_show(item, options) for item in value)
        case bool():
            return _("yes") if value else _("no")
        case int() | str() if value in options:
            return str(options[value])
        case str():
            return _("“%(text)s”") % {"text": value}
        case dt.datetime():
            return formats.date_format(timezone.localtime(value), "SHORT_DATETIME_FORMAT")
        case dt.date():
            return formats.date_format(value, "SHORT_DATE_FORMAT")
        case dt.time():
            return formats.time_format(value, "TIME_FORMAT")
        case int() | float():
            return formats.localize(value)
    return str(value)
