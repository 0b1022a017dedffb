"""Which parts of a form are shown, and which of its fields must be answered: decided in one pass.

A condition asks about fields that stand before it, so one pass from top to bottom decides everything; what
is hidden counts as not answered for all that follows. A section's condition holds for the fields up to the
next section, a step's for all up to the next step. The browser does the same (`static/helpdesk/forms.js`,
`decide`) from what `Row.spec` tells it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.utils import timezone
from wagtail.blocks.struct_block import StructBlockValidationError

from helpdesk.rules.conditions import Condition, ConditionError, FieldType

from .blocks import InputBlock
from .conditions import fields_of, problem, read, values_of

#: The slots of a block that hold a condition.
SLOTS = ("condition", "required_when")


@dataclass(frozen=True)
class Row:
    """One block of the form as this pass sees it.

    `kind` is "step", "section", "text" or "field"; `key` and `type` are a field's, `type` None if no condition can
    ask about it. `shown` and `required` are conditions, None where there is none.
    """

    kind: str
    key: str = ""
    type: FieldType | None = None
    shown: Condition | None = None
    required: Condition | None = None

    def spec(self) -> dict[str, Any]:
        """Return the row as JSON, for the browser."""
        return {
            "kind": self.kind,
            "key": self.key,
            "type": self.type,
            "shown": self.shown and self.shown.to_json(),
            "required": self.required and self.required.to_json(),
        }


@dataclass(frozen=True)
class Asked:
    """What a form asks, given its answers: the places of the blocks shown, and the keys that must be answered.

    A key is `required` only through its condition; what a field demands by itself is not here.
    """

    places: frozenset[int]
    required: frozenset[str]


def rows_of(children: Iterable[Any]) -> tuple[Row, ...]:
    """Return the rows of the blocks of a form, in their order.

    A condition that cannot be read (its field is gone, or stands later) does not count: rather ask once too
    often than lose an answer. Publishing refuses such a form.
    """
    rows: list[Row] = []
    inputs: list[Any] = []
    for child in children:
        shown, required = (_condition(child, slot, inputs) for slot in SLOTS)
        if isinstance(child.block, InputBlock):
            type_ = child.block.compared_as
            rows.append(Row("field", child.value["key"], type_, shown, required))
            inputs.append(child)
        else:
            kind = {"step": "step", "section": "section"}.get(child.block_type, "text")
            rows.append(Row(kind, shown=shown))
    return tuple(rows)


def _condition(child: Any, slot: str, before: list[Any]) -> Condition | None:
    data = _slot(child, slot)
    try:
        return read(data, fields_of(before)) if data else None
    except ConditionError:
        return None


def _slot(child: Any, slot: str) -> Any:
    return child.value.get(slot) if isinstance(child.value, Mapping) else None


def decide(
    rows: Iterable[Row], value_of: Callable[[str], object], now: datetime | None = None
) -> Asked:
    """Return what is asked. `value_of` gives the answer to a field that is shown, as conditions compare it."""
    now = now or timezone.now()
    values: dict[str, object] = {}
    places, required = set(), set()
    is_step = is_section = True
    for place, row in enumerate(rows):
        holds = row.shown is None or row.shown.matches(values, now)
        if row.kind == "step":
            is_step = is_shown = holds
            is_section = True
        elif row.kind == "section":
            is_section = holds
            is_shown = is_step and is_section
        else:
            is_shown = is_step and is_section and holds
        if not is_shown:
            continue
        places.add(place)
        if row.type is not None:
            values[row.key] = value_of(row.key)
        if row.required is not None and row.required.matches(values, now):
            required.add(row.key)
    return Asked(frozenset(places), frozenset(required))


def compared(child: Any, cleaned: Any) -> object:
    """Return the clean value of a field as conditions compare it."""
    entry = {"key": child.value["key"], "value": child.block.typed(child.value, cleaned)}
    return values_of([entry], fields_of([child])).get(child.value["key"])


# --- for editors -------------------------------------------------------------------------------


def problems(children: Iterable[Any]) -> dict[int, StructBlockValidationError]:
    """Return what is wrong with conditions, by the place of their block: in words, at the slot."""
    children = list(children)
    labels = {one.value["key"]: one.value["label"] for one in _inputs(children)}
    found = {}
    for place, child in enumerate(children):
        errors = {}
        for slot in SLOTS:
            data = _slot(child, slot)
            words = data and problem(data, fields_of(_inputs(children[:place])), labels)
            if words:
                errors[slot] = ValidationError(words, code="condition")
        if errors:
            found[place] = StructBlockValidationError(errors)
    return found


def _inputs(children: Iterable[Any]) -> list[Any]:
    return [child for child in children if isinstance(child.block, InputBlock)]


def _name(child: Any) -> str:
    if not isinstance(child.value, Mapping):
        return str(child.block.label)
    named = (child.value.get(name) for name in ("label", "title", "heading"))
    return next(filter(None, named), None) or str(child.block.label)
