"""The builder of conditions: rows to fill in, for any set of fields, with and without script.

`of(stored)` shows a stored condition, `typed(data)` what was sent; `act` does what a button of the
builder says, `clean` checks and returns the condition. What does not fit into rows is shown as a
sentence and edited as JSON. The template is `helpdesk/agents/parts/conditions.html`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from helpdesk.rules.conditions import Condition, ConditionError, parse
from helpdesk.rules.fields import OPERATORS, Field, FieldSet, FieldType, Operand

from .condition_rows import (
    ALL,
    ANY,
    MAX_GROUPS,
    MAX_ROWS,
    Group,
    Row,
    Rows,
    row_json,
    rows_of,
    tree,
)

Text = str | Promise
Choice = tuple[str, Text, bool]  # value, label, chosen

MAX_JSON = 100_000

_UNITS = {
    "days": gettext_lazy("days"),
    # elsewhere the word means those of opening
    "hours": pgettext_lazy("unit of time", "hours"),
    "minutes": gettext_lazy("minutes"),
}
_MOMENTS = {
    "": gettext_lazy("(a date: 2026-12-31)"),
    "days_ago": gettext_lazy("days ago"),
    "hours_ago": gettext_lazy("hours ago"),
    "minutes_ago": gettext_lazy("minutes ago"),
    "days_ahead": gettext_lazy("days from now"),
    "hours_ahead": gettext_lazy("hours from now"),
    "minutes_ahead": gettext_lazy("minutes from now"),
}
_EMPTY = Rows(groups=(Group(rows=(Row(),)),))


@dataclass(frozen=True)
class RowView:
    """A row as the template shows it. `kind` says which control its value has."""

    name: str
    number: int
    fields: list[Choice]
    operators: list[Choice]
    kind: str
    value: str
    options: list[Choice]
    units: list[Choice]
    help: Text
    error: Text


@dataclass(frozen=True)
class GroupView:
    name: str
    number: int
    modes: list[Choice]
    rows: list[RowView]
    takes_more: bool


class ConditionForm:
    """One condition in a form, its controls named `<prefix>-…`."""

    def __init__(self, fields: FieldSet, prefix: str = "condition") -> None:
        self.fields = fields.cached()
        self.prefix = prefix
        self.rows: Rows = _EMPTY
        self.advanced = False
        self.text = ""
        self.error: Text = ""
        self.row_errors: dict[tuple[int, int], Text] = {}
        self.focus = ""

    # --- where it comes from -----------------------------------------------------------------

    @classmethod
    def of(cls, stored: object, fields: FieldSet, prefix: str = "condition") -> ConditionForm:
        """Return the form of a stored condition; an empty `{}` is a new one."""
        form = cls(fields, prefix)
        if stored == {}:
            return form
        form.text = json.dumps(stored, ensure_ascii=False, indent=2)
        try:
            rows = rows_of(parse(stored, form.fields, known=False))
        except ConditionError as error:
            form.advanced, form.error = True, _at(error)
            return form
        form.advanced = rows is None
        form.rows = rows or _EMPTY
        return form

    @classmethod
    def typed(cls, data: QueryDict, fields: FieldSet, prefix: str = "condition") -> ConditionForm:
        """Return the form as it was sent, with nothing typed lost."""
        form = cls(fields, prefix)
        form.advanced = data.get(f"{prefix}-advanced") == "1"
        form.text = data.get(f"{prefix}-json", "")
        if form.advanced:
            return form
        groups = [
            Group(
                _word(data.get(f"{prefix}-{g}-mode")),
                tuple(
                    form._read(data, f"{prefix}-{g}-{r}")
                    for r in range(_count(data.get(f"{prefix}-{g}-rows"), MAX_ROWS))
                ),
            )
            for g in range(_count(data.get(f"{prefix}-groups"), MAX_GROUPS))
        ]
        form.rows = Rows(_word(data.get(f"{prefix}-join")), tuple(groups))
        return form

    def _read(self, data: QueryDict, name: str) -> Row:
        row = Row(
            data.get(f"{name}-field", ""),
            data.get(f"{name}-op", ""),
            tuple(data.getlist(f"{name}-value")),
            data.get(f"{name}-unit", ""),
        )
        if data.get(f"{name}-lines") == "1":
            lines = (row.values[0] if row.values else "").replace("\r\n", "\n").split("\n")
            row = replace(row, values=tuple(line for line in lines if line.strip()))
        return self._settled(row)

    def _settled(self, row: Row) -> Row:
        """Give a row whose field has changed an operator and a unit that its field knows."""
        field = self.fields.get(row.field)
        if field is None:
            return row
        operators = OPERATORS[field.type]
        if row.op not in operators:
            row = replace(row, op="contains" if "contains" in operators else next(iter(operators)))
        units = _units(operators[row.op].operand)
        if row.unit not in units:
            row = replace(row, unit=next(iter(units), ""))
        return row

    # --- buttons -----------------------------------------------------------------------------

    def act(self, command: str) -> bool:
        """Do what a button of this builder says (`<prefix>:add:0`); tell whether it was one."""
        prefix, _colon, rest = command.partition(":")
        if prefix != self.prefix:
            return False
        verb, *numbers = rest.split(":")
        at = [int(one) for one in numbers if one.isdecimal() and len(one) < 4]
        groups = list(self.rows.groups)
        if verb == "advanced":
            self._to_json()
        elif verb == "simple":
            self._to_rows()
        elif verb == "group" and len(groups) < MAX_GROUPS:
            mode = ANY if self.rows.join == ALL and groups else ALL
            self.rows = replace(self.rows, groups=(*groups, Group(mode, (Row(),))))
            self.focus = f"{self.prefix}-{len(groups)}-0-field"
        elif verb == "add" and at and at[0] < len(groups):
            self._add(groups, at[0])
        elif verb == "remove" and len(at) == 2 and at[0] < len(groups):
            self._remove(groups, *at)
        return True

    def _add(self, groups: list[Group], at: int) -> None:
        group = groups[at]
        if len(group.rows) < MAX_ROWS:
            groups[at] = replace(group, rows=(*group.rows, Row()))
            self.rows = replace(self.rows, groups=tuple(groups))
            self.focus = f"{self.prefix}-{at}-{len(group.rows)}-field"

    def _remove(self, groups: list[Group], at: int, row: int) -> None:
        left = tuple(one for index, one in enumerate(groups[at].rows) if index != row)
        groups[at] = replace(groups[at], rows=left)
        kept = tuple(group for group in groups if group.rows)
        self.rows = replace(self.rows, groups=kept or _EMPTY.groups)
        self.focus = f"{self.prefix}-group"

    def _to_json(self) -> None:
        found = self._filled()
        data = tree(found, self.fields) if any(group.rows for group in found.groups) else {ALL: []}
        self.text = json.dumps(data, ensure_ascii=False, indent=2)
        self.advanced = True
        self.focus = f"{self.prefix}-json"

    def _to_rows(self) -> None:
        condition = self.clean()
        if condition is None:
            return
        rows = _EMPTY if condition.to_json() == {ALL: []} else rows_of(condition)
        if rows is None:
            self.error = _("This condition is nested more deeply than the rows can show.")
            return
        self.rows, self.advanced = rows, False

    # --- checking ----------------------------------------------------------------------------

    def clean(self) -> Condition | None:
        """Return the checked condition, or None with `error` and `row_errors` set."""
        self.error, self.row_errors = "", {}
        if self.advanced:
            return self._parsed_json()
        for g, group in enumerate(self.rows.groups):
            for r, row in enumerate(group.rows):
                if not row.is_blank:
                    self._check(row, (g, r))
        if self.row_errors:
            return None
        found = self._filled()
        if not any(group.rows for group in found.groups):
            self.row_errors[0, 0] = gettext_lazy("Give at least one condition.")
            return None
        try:
            return parse(tree(found, self.fields), self.fields)
        except ConditionError as error:
            self.error = error.message
            return None

    def _check(self, row: Row, at: tuple[int, int]) -> None:
        if not row.field:
            self.row_errors[at] = gettext_lazy("Choose what to look at.")
            return
        try:
            parse(row_json(row, self.fields), self.fields)
        except ConditionError as error:
            self.row_errors[at] = error.message

    def _filled(self) -> Rows:
        groups = tuple(
            replace(group, rows=tuple(row for row in group.rows if not row.is_blank))
            for group in self.rows.groups
        )
        return replace(self.rows, groups=groups)

    def _parsed_json(self) -> Condition | None:
        if len(self.text) > MAX_JSON:
            self.error = gettext_lazy("This text is too long.")
            return None
        try:
            return parse(json.loads(self.text, parse_constant=_no_number), self.fields)
        except ConditionError as error:
            self.error = _at(error)
        except (ValueError, RecursionError) as error:
            place = {"line": getattr(error, "lineno", 1)}
            self.error = _("This is no JSON. The fault is in line %(line)d.") % place
        return None

    # --- showing -----------------------------------------------------------------------------

    @property
    def sentence(self) -> str:
        """The condition of the JSON text in words, '' if it cannot be read."""
        try:
            return parse(json.loads(self.text), self.fields, known=False).describe()
        except (ConditionError, ValueError, RecursionError):
            return ""

    @property
    def joins(self) -> list[Choice]:
        return [
            (ALL, _("all groups have to hold"), self.rows.join == ALL),
            (ANY, _("one group is enough"), self.rows.join == ANY),
        ]

    @property
    def joiner(self) -> str:
        """The word between two groups."""
        return _("and") if self.rows.join == ALL else _("or")

    @property
    def groups(self) -> Iterator[GroupView]:
        for g, group in enumerate(self.rows.groups):
            modes: list[Choice] = [
                (ALL, _("all of these hold"), group.mode == ALL),
                (ANY, _("at least one of these holds"), group.mode == ANY),
            ]
            rows = [self._view(row, g, r) for r, row in enumerate(group.rows)]
            name = f"{self.prefix}-{g}"
            yield GroupView(name, g + 1, modes, rows, len(rows) < MAX_ROWS)

    @property
    def takes_more(self) -> bool:
        return len(self.rows.groups) < MAX_GROUPS

    def _view(self, row: Row, g: int, r: int) -> RowView:
        field = self.fields.get(row.field)
        chosen: list[Choice] = [(one.name, one.label, one.name == row.field) for one in self.fields]
        error = self.row_errors.get((g, r), "")
        name = f"{self.prefix}-{g}-{r}"
        if field is None:
            return RowView(name, r + 1, chosen, [], "", "", [], [], "", error)
        row = self._settled(row)
        found = OPERATORS[field.type][row.op]
        kind = _kind(field, found.operand)
        value = "\n".join(row.values) if kind == "lines" else (row.values[0] if row.values else "")
        return RowView(
            name,
            r + 1,
            chosen,
            [(one.code, one.label, one is found) for one in OPERATORS[field.type].values()],
            kind,
            value,
            _options(field, row.values) if kind in ("select", "checks", "bool") else [],
            [(unit, label, unit == row.unit) for unit, label in _units(found.operand).items()],
            _HELP.get(found.operand if kind != "checks" else None, ""),
            error,
        )


_HELP: dict[Any, Text] = {
    Operand.MANY: gettext_lazy("One in each line."),
    Operand.PATTERN: gettext_lazy(
        "A regular expression: . is any character, .* any text, \\d a digit, a|b one of both."
    ),
}


def _at(error: ConditionError) -> str:
    """Return an error of the JSON text with the place it belongs to."""
    place = {"message": error.message, "path": error.path}
    return _("%(message)s (at %(path)s)") % place if error.path else str(error.message)


def _no_number(text: str) -> object:
    raise ValueError(text)


def _word(value: str | None) -> str:
    return ANY if value == ANY else ALL


def _count(value: str | None, limit: int) -> int:
    return min(int(value), limit) if value and value.isdecimal() and len(value) < 4 else 0


def _units(operand: Operand) -> dict[str, Any]:
    if operand is Operand.SPAN:
        return _UNITS
    if operand is Operand.MOMENT:
        return _MOMENTS
    if operand is Operand.DAY:
        return {unit: label for unit, label in _MOMENTS.items() if unit[:4] in ("", "days")}
    return {}


def _kind(field: Field, operand: Operand) -> str:
    match operand:
        case Operand.NONE:
            return ""
        case Operand.MANY:
            return "lines" if field.options() is None else "checks"
        case Operand.SPAN | Operand.MOMENT | Operand.DAY:
            return "amount"
    if field.type is FieldType.BOOLEAN:
        return "bool"
    return "text" if field.options() is None else "select"


def _options(field: Field, values: tuple[str, ...]) -> list[Choice]:
    if field.type is FieldType.BOOLEAN:
        return [
            ("true", _("yes"), values[:1] == ("true",)),
            ("false", _("no"), values[:1] == ("false",)),
        ]
    offered = {str(value): label for value, label in (field.options() or {}).items()}
    gone = [
        value
        for value in values
        if value and value not in offered and (field.codes or value.isdecimal())
    ]
    found = [(value, label, value in values) for value, label in offered.items()]
    lost = _("%(value)s (does not exist any more)")
    return [*found, *((value, lost % {"value": value}, True) for value in gone)]
