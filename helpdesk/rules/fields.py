"""The vocabulary of conditions: typed fields, their operators, and what is wrong with a condition."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache

from django.db.models import Q
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from helpdesk.errors import InvalidInput

Text = str | Promise
Options = Iterable[tuple[int | str, Text]]


class ConditionError(InvalidInput):
    """A condition that cannot be saved. `path` leads to the faulty part: `all[2].value`."""

    code = "condition"

    def __init__(self, message: Text, path: str = "") -> None:
        super().__init__(message)
        self.path = path


class FieldType(enum.StrEnum):
    TEXT = "text"
    NUMBER = "number"
    CHOICE = "choice"
    BOOLEAN = "boolean"
    DATE = "date"
    DATETIME = "datetime"
    TIME = "time"
    """A time of day, in whole minutes and without a zone."""
    LIST = "list"
    """A list of texts, such as recipients: an operator holds if it holds for any of them."""


@dataclass(frozen=True)
class Field:
    """One thing a condition may ask about.

    `lookup` is the query path of its column; without it the field is for `matches` only. A field
    with many values has its `lookup` in the related rows and `through`, which takes a Q over these
    rows and returns a Q that says that one exists (an `Exists` subquery). A choice holds ids, or
    text codes if `codes`; `choices` are its pairs of value and label, or a function that returns
    them.
    """

    name: str
    type: FieldType
    label: Text
    lookup: str | None = None
    choices: Options | Callable[[], Options] | None = None
    codes: bool = False
    through: Callable[[Q], Q] | None = None

    def options(self) -> dict[int | str, Text] | None:
        """Return the labels by value, None where any value is possible."""
        if self.choices is None:
            return None
        return dict(self.choices() if callable(self.choices) else self.choices)


class FieldSet:
    """The fields of one kind of condition, by name, in the order in which they are offered."""

    def __init__(self, *fields: Field) -> None:
        self._fields = {field.name: field for field in fields}
        if len(self._fields) != len(fields):
            raise ValueError("Two fields have the same name.")

    def get(self, name: object) -> Field | None:
        return self._fields.get(name) if isinstance(name, str) else None

    def __iter__(self) -> Iterator[Field]:
        return iter(self._fields.values())

    def __len__(self) -> int:
        return len(self._fields)

    def cached(self) -> FieldSet:
        """Return the same fields, whose choices are looked up at most once: for one request."""
        return FieldSet(
            *(
                replace(field, choices=cache(field.choices)) if callable(field.choices) else field
                for field in self
            )
        )


class Operand(enum.Enum):
    """What has to stand in `value`."""

    NONE = "none"
    ONE = "one"
    MANY = "many"
    PATTERN = "pattern"
    MOMENT = "moment"
    DAY = "day"
    SPAN = "span"
    CLOCK = "clock"


@dataclass(frozen=True)
class Operator:
    """`label` stands in a list to choose from, `sentence` in a description.

    `negates` names the operator of which this one is the exact opposite: it holds whenever the
    other does not, also where there is no value at all.
    """

    code: str
    label: Text
    sentence: Text
    operand: Operand = Operand.ONE
    negates: str | None = None


def _by_code(*operators: Operator) -> dict[str, Operator]:
    return {operator.code: operator for operator in operators}


_EQUAL = _by_code(
    Operator("is", _("is"), _("%(field)s is %(value)s")),
    Operator("is_not", _("is not"), _("%(field)s is not %(value)s"), negates="is"),
)
_AMONG = _by_code(
    Operator("in", _("is one of"), _("%(field)s is one of %(value)s"), Operand.MANY),
    Operator(
        "not_in", _("is none of"), _("%(field)s is none of %(value)s"), Operand.MANY, negates="in"
    ),
)
_EMPTY = _by_code(
    Operator("empty", _("is empty"), _("%(field)s is empty"), Operand.NONE),
    Operator(
        "not_empty", _("is not empty"), _("%(field)s is not empty"), Operand.NONE, negates="empty"
    ),
)
_TEXT = {
    **_EQUAL,
    **_AMONG,
    **_by_code(
        Operator("contains", _("contains"), _("%(field)s contains %(value)s")),
        Operator(
            "not_contains",
            _("does not contain"),
            _("%(field)s does not contain %(value)s"),
            negates="contains",
        ),
        Operator("starts_with", _("starts with"), _("%(field)s starts with %(value)s")),
        Operator("ends_with", _("ends with"), _("%(field)s ends with %(value)s")),
        Operator(
            "matches",
            _("matches the pattern"),
            _("%(field)s matches the pattern %(value)s"),
            Operand.PATTERN,
        ),
    ),
    **_EMPTY,
}
_NUMBER = {
    **_EQUAL,
    **_AMONG,
    **_by_code(
        Operator("lt", _("is less than"), _("%(field)s is less than %(value)s")),
        Operator("le", _("is at most"), _("%(field)s is at most %(value)s")),
        Operator("gt", _("is more than"), _("%(field)s is more than %(value)s")),
        Operator("ge", _("is at least"), _("%(field)s is at least %(value)s")),
    ),
    **_EMPTY,
}
_TIME = {
    **_by_code(
        Operator("is", _("is on"), _("%(field)s is on %(value)s"), Operand.DAY),
        Operator(
            "is_not", _("is not on"), _("%(field)s is not on %(value)s"), Operand.DAY, negates="is"
        ),
        Operator("before", _("is before"), _("%(field)s is before %(value)s"), Operand.MOMENT),
        Operator("after", _("is after"), _("%(field)s is after %(value)s"), Operand.MOMENT),
        Operator(
            "older_than",
            _("is longer ago than"),
            _("%(field)s is longer ago than %(value)s"),
            Operand.SPAN,
        ),
        Operator(
            "newer_than",
            _("is later than the last"),
            _("%(field)s lies within the last %(value)s or in the future"),
            Operand.SPAN,
        ),
    ),
    **_EMPTY,
}
_CLOCK = {
    **_by_code(
        Operator("is", _("is at"), _("%(field)s is at %(value)s"), Operand.CLOCK),
        Operator(
            "is_not",
            _("is not at"),
            _("%(field)s is not at %(value)s"),
            Operand.CLOCK,
            negates="is",
        ),
        Operator("before", _("is before"), _("%(field)s is before %(value)s"), Operand.CLOCK),
        Operator("after", _("is after"), _("%(field)s is after %(value)s"), Operand.CLOCK),
    ),
    **_EMPTY,
}

#: The operators of each type, in the order in which they are offered.
OPERATORS: dict[FieldType, dict[str, Operator]] = {
    FieldType.TEXT: _TEXT,
    FieldType.LIST: _TEXT,
    FieldType.NUMBER: _NUMBER,
    FieldType.CHOICE: {**_EQUAL, **_AMONG, **_EMPTY},
    FieldType.BOOLEAN: {**_EQUAL, **_EMPTY},
    FieldType.DATE: _TIME,
    FieldType.DATETIME: _TIME,
    FieldType.TIME: _CLOCK,
}
