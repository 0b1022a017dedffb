"""A condition as rows that people fill in: groups of *field – operator – value*, and back again.

What fits: one group, or several joined by one word, each with its rows joined by one word. A group
of the same word as the join and a single row need no group of their own in the tree, so the tree of
rows read from a tree is the same tree, or a shorter one that means the same.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from helpdesk.rules import operands
from helpdesk.rules.conditions import AllOf, AnyOf, Comparison, Condition, Not
from helpdesk.rules.fields import OPERATORS, Field, FieldSet, FieldType, Operand, Operator

ALL, ANY = "all", "any"
MAX_GROUPS, MAX_ROWS = 20, 50

_WHOLE = re.compile(r"\s*[-+]?\d{1,18}\s*", re.ASCII)
_DECIMAL = re.compile(r"\s*[-+]?\d{1,18}[.,]\d{1,18}\s*", re.ASCII)


@dataclass(frozen=True)
class Row:
    """One comparison as typed. `unit` belongs to times: `days`, `days_ago`, … ('' is a date)."""

    field: str = ""
    op: str = ""
    values: tuple[str, ...] = ()
    unit: str = ""

    @property
    def is_blank(self) -> bool:
        return not self.field and not any(value.strip() for value in self.values)


@dataclass(frozen=True)
class Group:
    mode: str = ALL
    rows: tuple[Row, ...] = ()


@dataclass(frozen=True)
class Rows:
    """All groups, joined by `join`."""

    join: str = ALL
    groups: tuple[Group, ...] = ()


# --- from a tree -------------------------------------------------------------------------------


def rows_of(condition: Condition) -> Rows | None:
    """Return the rows of a condition, None if it does not fit into them."""
    plain = _plain(condition)
    mode = _mode(plain)
    parts = plain.parts if isinstance(plain, AllOf | AnyOf) else (plain,)
    groups: list[Group] = []
    open_group = False  # the last group takes more rows of the same word
    for part in parts:
        inner = part.parts if isinstance(part, AllOf | AnyOf) else (part,)
        rows = [_row(one) if isinstance(one, Comparison) else None for one in inner]
        fitting = tuple(row for row in rows if row is not None)
        if not fitting or len(fitting) < len(rows):
            return None
        if isinstance(part, Comparison) and open_group:
            groups[-1] = replace(groups[-1], rows=(*groups[-1].rows, *fitting))
            continue
        open_group = isinstance(part, Comparison)
        groups.append(Group(mode if open_group else _mode(part), fitting))
    few = 1 <= len(groups) <= MAX_GROUPS and all(len(one.rows) <= MAX_ROWS for one in groups)
    return Rows(mode if len(groups) > 1 else ALL, tuple(groups)) if few else None


def _mode(condition: Condition) -> str:
    return ANY if isinstance(condition, AnyOf) else ALL


def _plain(condition: Condition) -> Condition:
    """Return a condition of the same meaning without needless groups and negations."""
    if isinstance(condition, AllOf | AnyOf):
        kind = type(condition)
        parts: list[Condition] = []
        for part in map(_plain, condition.parts):
            parts += part.parts if isinstance(part, kind) else (part,)
        return parts[0] if len(parts) == 1 else kind(tuple(parts))
    if isinstance(condition, Not):
        inner = _plain(condition.part)
        if isinstance(inner, Not):
            return inner.part
        if isinstance(inner, Comparison) and (opposite := _opposite(inner)) is not None:
            return replace(inner, operator=opposite)
        return Not(inner)
    return condition


def _opposite(comparison: Comparison) -> Operator | None:
    operators = OPERATORS[comparison.field.type]
    used = comparison.operator
    if used.negates:
        return operators[used.negates]
    return next((one for one in operators.values() if one.negates == used.code), None)


def _row(comparison: Comparison) -> Row | None:
    """Return the row of a comparison, None if an input of a form would change its value."""
    row = Row(comparison.field.name, comparison.operator.code)
    match comparison.value:
        case None:
            return row
        case operands.Span(unit, amount):
            return replace(row, values=(str(amount),), unit=unit)
        case operands.Relative(span, ahead):
            unit = f"{span.unit}_{'ahead' if ahead else 'ago'}"
            return replace(row, values=(str(span.amount),), unit=unit)
        case tuple() as many:
            values = tuple(_written(one) for one in many)
        case one:
            values = (_written(one),)
    if any("\n" in value or "\r" in value for value in values):
        return None
    return replace(row, values=values)


def _written(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(operands.write(value))  # type: ignore[arg-type]


# --- to a tree ---------------------------------------------------------------------------------


def tree(rows: Rows, fields: FieldSet) -> dict[str, object]:
    """Return the JSON condition of the rows, unchecked; without any row it is *always*."""
    groups = [(group, [row_json(row, fields) for row in group.rows]) for group in rows.groups]
    groups = [(group, parts) for group, parts in groups if parts]
    if len(groups) == 1:
        group, parts = groups[0]
        return parts[0] if len(parts) == 1 else {group.mode: parts}
    joined: list[dict[str, object]] = []
    for group, parts in groups:
        joined += parts if group.mode == rows.join or len(parts) == 1 else [{group.mode: parts}]
    return {rows.join: joined} if joined else {ALL: []}


def row_json(row: Row, fields: FieldSet) -> dict[str, object]:
    """Return the JSON comparison of a row as typed; `parse` says what is wrong with it."""
    data: dict[str, object] = {"field": row.field, "op": row.op}
    field = fields.get(row.field)
    found = OPERATORS[field.type].get(row.op) if field else None
    if field is None or found is None:
        return data
    first = row.values[0] if row.values else ""
    match found.operand:
        case Operand.NONE:
            return data
        case Operand.MANY:
            value: object = [_typed(one, field) for one in row.values if one.strip()]
        case Operand.SPAN:
            value = {row.unit: _whole(first)}
        case Operand.MOMENT | Operand.DAY:
            value = {row.unit: _whole(first)} if row.unit else first.strip()
        case Operand.PATTERN:
            value = first
        case Operand.CLOCK:
            value = first.strip()
        case Operand.ONE:
            value = _typed(first, field)
    return {**data, "value": value}


def _whole(text: str) -> int | str:
    return int(text) if _WHOLE.fullmatch(text) else text


def _typed(text: str, field: Field) -> object:
    match field.type:
        case FieldType.BOOLEAN:
            return {"true": True, "false": False}.get(text, text)
        case FieldType.CHOICE if not field.codes:
            return _whole(text)
        case FieldType.NUMBER if _DECIMAL.fullmatch(text):
            return float(text.replace(",", "."))
        case FieldType.NUMBER:
            return _whole(text)
    return text
