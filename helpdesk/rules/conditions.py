"""One condition tree for filters, views, forms, macros and rules, with two readers that agree.

In JSON a condition is `{"field": "queue", "op": "is", "value": 3}`, or `{"all": […]}`,
`{"any": […]}`, `{"not": {…}}` of conditions. `parse` checks it once, at save. Then
`matches(values, now)` asks given values and `to_q(now)` asks the database; both give the same
answer (a property test says so), because both take their comparisons from `_comparisons`.

No value at all (None, a missing key, a null column) fulfils no operator but `empty` and the exact
opposites (`is_not`, `not_in`, …). Texts are compared ignoring case. Days are those of the current
time zone.
"""

from __future__ import annotations

import abc
import datetime as dt
import operator
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache, reduce
from typing import cast

from django.db.models import F, Q
from django.db.models.functions import Left
from django.db.models.lookups import IRegex
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from helpdesk.rules import operands
from helpdesk.rules.fields import (
    OPERATORS,
    ConditionError,
    Field,
    FieldSet,
    FieldType,
    Operand,
    Operator,
)
from helpdesk.rules.patterns import MAX_TEXT, portable

__all__ = ["Condition", "ConditionError", "Field", "FieldSet", "FieldType", "parse"]

MAX_DEPTH = 10
MAX_NODES = 200

#: Both are spelled out: an empty Q vanishes under `~` and `|`.
_NEVER = Q(pk__in=[])
_ALWAYS = ~_NEVER


class Condition(abc.ABC):
    """A checked condition."""

    @abc.abstractmethod
    def matches(self, values: Mapping[str, object], now: dt.datetime) -> bool:
        """Tell whether the condition holds for the values, by field name, at an aware time.

        A value of another type than its field's raises `TypeError`.
        """

    @abc.abstractmethod
    def to_q(self, now: dt.datetime) -> Q:
        """Return the condition as a Q. Raises `ConditionError` for a field without a column."""

    @abc.abstractmethod
    def to_json(self) -> dict[str, object]:
        """Return what `parse` takes."""

    @abc.abstractmethod
    def describe(self) -> str:
        """Return the condition as a sentence in the active language, without full stop."""

    @abc.abstractmethod
    def fields(self) -> frozenset[str]:
        """Return the names of the fields it asks about."""


@dataclass(frozen=True)
class _Group(Condition):
    parts: tuple[Condition, ...]

    def to_json(self) -> dict[str, object]:
        return {self._key(): [part.to_json() for part in self.parts]}

    def fields(self) -> frozenset[str]:
        return frozenset().union(*(part.fields() for part in self.parts))

    def _joined(self, word: str) -> str:
        return f" {word} ".join(
            f"({part.describe()})"
            if isinstance(part, _Group) and len(part.parts) > 1
            else part.describe()
            for part in self.parts
        )

    @abc.abstractmethod
    def _key(self) -> str: ...


@dataclass(frozen=True)
class AllOf(_Group):
    """Every part holds; without parts: always."""

    def matches(self, values: Mapping[str, object], now: dt.datetime) -> bool:
        return all(part.matches(values, now) for part in self.parts)

    def to_q(self, now: dt.datetime) -> Q:
        return reduce(operator.and_, (part.to_q(now) for part in self.parts), _ALWAYS)

    def describe(self) -> str:
        return self._joined(_("and")) if self.parts else _("always")

    def _key(self) -> str:
        return "all"


@dataclass(frozen=True)
class AnyOf(_Group):
    """At least one part holds."""

    def matches(self, values: Mapping[str, object], now: dt.datetime) -> bool:
        return any(part.matches(values, now) for part in self.parts)

    def to_q(self, now: dt.datetime) -> Q:
        return reduce(operator.or_, (part.to_q(now) for part in self.parts), _NEVER)

    def describe(self) -> str:
        return self._joined(_("or"))

    def _key(self) -> str:
        return "any"


@dataclass(frozen=True)
class Not(Condition):
    part: Condition

    def matches(self, values: Mapping[str, object], now: dt.datetime) -> bool:
        return not self.part.matches(values, now)

    def to_q(self, now: dt.datetime) -> Q:
        return ~self.part.to_q(now)

    def to_json(self) -> dict[str, object]:
        return {"not": self.part.to_json()}

    def describe(self) -> str:
        return _("not (%(condition)s)") % {"condition": self.part.describe()}

    def fields(self) -> frozenset[str]:
        return self.part.fields()


@dataclass(frozen=True)
class Comparison(Condition):
    """One field, one operator, one value."""

    field: Field
    operator: Operator
    value: operands.Value

    def matches(self, values: Mapping[str, object], now: dt.datetime) -> bool:
        items = _items(self.field, values.get(self.field.name))
        code = self.operator.negates or self.operator.code
        if code == "empty":
            held = not items
        else:
            wanted = _comparisons(self.field, code, self.value, now)
            held = any(all(_COMPARE[how](item, to) for how, to in wanted) for item in items)
        return held is (self.operator.negates is None)

    def to_q(self, now: dt.datetime) -> Q:
        field = self.field
        if field.lookup is None or (field.type is FieldType.LIST and field.through is None):
            raise ConditionError(
                gettext_lazy("A list of tickets cannot be filtered by this field.")
            )
        code = self.operator.negates or self.operator.code
        if code == "empty":
            query = ~_present(field, field.lookup)
        else:
            query = _present(field, field.lookup, _comparisons(field, code, self.value, now))
        return ~query if self.operator.negates else query

    def to_json(self) -> dict[str, object]:
        data: dict[str, object] = {"field": self.field.name, "op": self.operator.code}
        if self.operator.operand is not Operand.NONE:
            data["value"] = operands.write(self.value)
        return data

    def describe(self) -> str:
        return str(self.operator.sentence) % {
            "field": self.field.label,
            "value": operands.show(self.value, self.field),
        }

    def fields(self) -> frozenset[str]:
        return frozenset({self.field.name})


# --- one meaning for both readers --------------------------------------------------------------

_REGEX = "iregex"
_BOUNDED = "bounded"

_ORDER = {
    "lt": "lt",
    "le": "lte",
    "gt": "gt",
    "ge": "gte",
    "is": "exact",
    "in": "in",
    "before": "lt",
    "after": "gt",  # of times of day
}


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


_COMPARE: dict[str, Callable[..., bool]] = {
    "exact": operator.eq,
    "in": lambda value, among: value in among,
    "lt": operator.lt,
    "lte": operator.le,
    "gt": operator.gt,
    "gte": operator.ge,
    _REGEX: lambda value, pattern: bool(_compiled(pattern).search(value)),
    _BOUNDED: lambda value, pattern: bool(_compiled(pattern).search(value[:MAX_TEXT])),
}


def _comparisons(
    field: Field, code: str, value: operands.Value, now: dt.datetime
) -> tuple[tuple[str, object], ...]:
    """Return the lookups that one value has to fulfil, all of them."""
    if field.type in (FieldType.TEXT, FieldType.LIST):
        return (_text_comparison(code, value),)
    if field.type in (FieldType.DATE, FieldType.DATETIME):
        return _time_comparisons(field, code, value, now)
    return ((_ORDER[code], value),)


def _text_comparison(code: str, value: operands.Value) -> tuple[str, str]:
    """Return a regular expression: SQLite's LIKE ignores case for A to Z only, not for Ä."""
    if code == "matches":
        return _BOUNDED, portable(str(value))
    many = value if isinstance(value, tuple) else (value,)
    text = "|".join(re.escape(str(item)) for item in many)
    before = r"\A" if code in ("is", "in", "starts_with") else ""
    after = r"\Z" if code in ("is", "in", "ends_with") else ""
    return _REGEX, f"{before}(?:{text}){after}"


def _time_comparisons(
    field: Field, code: str, value: operands.Value, now: dt.datetime
) -> tuple[tuple[str, object], ...]:
    if isinstance(value, operands.Span):  # "older than" is "before so long ago"
        value = operands.Relative(value, ahead=False)
        code = {"older_than": "before", "newer_than": "after"}[code]
    whole_day = field.type is FieldType.DATE or code == "is"
    if isinstance(value, operands.Relative):
        value = value.day(now) if whole_day else value.at(now)
    if field.type is FieldType.DATE or isinstance(value, dt.datetime):
        return (({"is": "exact", "before": "lt", "after": "gt"}[code], value),)
    start, end = operands.day_bounds(cast(dt.date, value))
    return {
        "is": (("gte", start), ("lt", end)),
        "before": (("lt", start),),
        "after": (("gte", end),),
    }[code]


_TYPES: dict[FieldType, tuple[type, ...]] = {
    FieldType.TEXT: (str,),
    FieldType.LIST: (str,),
    FieldType.NUMBER: (int, float, Decimal),
    FieldType.CHOICE: (int, str),
    FieldType.BOOLEAN: (bool,),
    FieldType.DATE: (dt.date,),
    FieldType.DATETIME: (dt.datetime,),
    FieldType.TIME: (dt.time,),
}


def _items(field: Field, value: object) -> list[object]:
    """Return the values of a field that are there: none, one, or those of a list."""
    many = isinstance(value, Collection) and not isinstance(value, str | bytes)
    found = list(value) if isinstance(value, Collection) and many else [value]
    items = [item for item in found if item is not None and item != ""]
    for item in items:
        right = isinstance(item, _TYPES[field.type])
        if isinstance(item, bool):
            right = field.type is FieldType.BOOLEAN
        if isinstance(item, dt.datetime):
            right = field.type is FieldType.DATETIME and timezone.is_aware(item)
        if not right:
            raise TypeError(f"{field.name} is no {field.type}: {type(item).__name__}")
    return items


def _present(field: Field, lookup: str, wanted: tuple[tuple[str, object], ...] = ()) -> Q:
    """Return a Q that is true or false, never unknown: a value is there and compares so."""
    query = Q(**{f"{lookup}__isnull": False})
    if not wanted and (field.codes or field.type in (FieldType.TEXT, FieldType.LIST)):
        query &= ~Q(**{lookup: ""})
    for how, value in wanted:
        if how == _BOUNDED:
            query &= Q(IRegex(Left(F(lookup), MAX_TEXT), value))
        else:
            query &= Q(**{f"{lookup}__{how}": value})
    return field.through(query) if field.through else query


# --- parsing -----------------------------------------------------------------------------------


class _Parser:
    def __init__(self, fields: FieldSet, known: bool) -> None:
        self.fields = fields
        self.known = known
        self.nodes = 0

    def condition(self, data: object, path: str, depth: int) -> Condition:
        self.nodes += 1
        if depth > MAX_DEPTH:
            raise ConditionError(gettext_lazy("Conditions are nested too deeply."), path)
        if self.nodes > MAX_NODES:
            raise ConditionError(gettext_lazy("There are too many conditions."), path)
        if not isinstance(data, dict):
            raise ConditionError(gettext_lazy("This is no condition."), path)
        match data:
            case {"all": list(parts)} if len(data) == 1:
                return AllOf(self.parts(parts, "all", path, depth))
            case {"any": list(parts)} if len(data) == 1:
                if not parts:
                    raise ConditionError(gettext_lazy("Give at least one condition."), path)
                return AnyOf(self.parts(parts, "any", path, depth))
            case {"not": part} if len(data) == 1:
                return Not(self.condition(part, _join(path, "not"), depth + 1))
            case {"field": name, "op": code} if set(data) <= {"field", "op", "value"}:
                return self.comparison(data, name, code, path)
        raise ConditionError(gettext_lazy("This is no condition."), path)

    def parts(self, parts: list[object], key: str, path: str, depth: int) -> tuple[Condition, ...]:
        return tuple(
            self.condition(part, _join(path, f"{key}[{index}]"), depth + 1)
            for index, part in enumerate(parts)
        )

    def comparison(
        self, data: dict[str, object], name: object, code: object, path: str
    ) -> Comparison:
        field = self.fields.get(name)
        if field is None:
            raise ConditionError(gettext_lazy("There is no such field."), _join(path, "field"))
        operators = OPERATORS[field.type]
        if not isinstance(code, str) or code not in operators:
            raise ConditionError(
                gettext_lazy("This field cannot be compared in this way."), _join(path, "op")
            )
        found = operators[code]
        if ("value" in data) is (found.operand is Operand.NONE):
            message = (
                gettext_lazy("No value belongs here.")
                if "value" in data
                else gettext_lazy("A value is missing.")
            )
            raise ConditionError(message, _join(path, "value"))
        try:
            value = operands.read(data.get("value"), field, found.operand, known=self.known)
        except ConditionError as error:
            raise ConditionError(error.message, _join(path, "value")) from error
        return Comparison(field, found, value)


def _join(path: str, step: str) -> str:
    return f"{path}.{step}" if path else step


def parse(data: object, fields: FieldSet, *, known: bool = True) -> Condition:
    """Return the checked condition of a JSON value.

    Raises `ConditionError`, whose `path` leads to the part and whose message says what is wrong:
    an unknown field, an operator or value that does not fit, a broken or costly pattern, more than
    `MAX_DEPTH` levels or `MAX_NODES` conditions. `known=False` also takes choices that are gone
    since (a removed queue): use it to read what was saved.
    """
    return _Parser(fields, known).condition(data, "", 1)
