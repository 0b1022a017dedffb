"""Conditions over the answers of a form: which fields they may ask about, and what is compared.

A condition is a tree of `rules.conditions`, whose fields are the keys of the form's blocks. It is asked
on the server here, and in the browser by `static/helpdesk/forms.js`, which reads the same JSON.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from helpdesk.rules.conditions import Field, FieldSet, FieldType


def fields_of(inputs: Iterable[Any]) -> FieldSet:
    """Return what conditions may ask about, in the order of the form.

    `inputs` are the children of the stream that ask for an answer (`FormFieldsBlock.inputs`). Labels are
    those of the page's language; choices are compared by their values, which have none.
    """
    return FieldSet(
        *(
            Field(
                child.value["key"],
                child.block.compared_as,
                child.value["label"],
                choices=[
                    (one["value"], one["label"]) for one in child.block.choices_of(child.value)
                ]
                or None,
                codes=True,
            )
            for child in inputs
            if child.block.compared_as is not None
        )
    )


def values_of(answers: Iterable[Mapping[str, Any]], fields: FieldSet) -> dict[str, object]:
    """Return the values by key that `Condition.matches` takes; `answers` are entries of a snapshot."""
    found = {}
    for entry in answers:
        field = fields.get(entry["key"])
        if field is not None:
            found[field.name] = _compared(field.type, entry["value"])
    return found


def _compared(type_: FieldType, value: Any) -> object:
    if type_ is FieldType.DATE:
        return date.fromisoformat(value) if value else None
    return value
