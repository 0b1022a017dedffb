"""Conditions over the answers of a form: which fields they may ask about, and what is compared.

A condition is a tree of `rules.conditions`, whose fields are the keys of the form's blocks. It is asked
on the server here, and in the browser by `static/helpdesk/forms.js`, which reads the same JSON.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, time
from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from helpdesk.rules.conditions import (
    Condition,
    ConditionError,
    Field,
    FieldSet,
    FieldType,
    parse,
)
from helpdesk.rules.fields import OPERATORS, Operator


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
    if type_ is FieldType.TIME:
        return time.fromisoformat(value) if value else None
    return value


# --- what forms may say ------------------------------------------------------------------------

#: Not for people who build forms: a pattern is code, and browsers read it differently from us; the two
#: lengths of time say what "before" and "after" say.
_NOT_IN_FORMS = frozenset({"matches", "older_than", "newer_than"})
#: What can be asked where the answers are given.
_OF_CHOICES = frozenset({"is", "is_not", "in", "not_in", "empty", "not_empty"})


def operators_of(type_: FieldType, *, has_choices: bool = False) -> dict[str, Operator]:
    """Return the operators that a form's condition may use on a field, by code, in their order."""
    return {
        code: one
        for code, one in OPERATORS[type_].items()
        if code not in _NOT_IN_FORMS and (code in _OF_CHOICES or not has_choices)
    }


def read(data: object, fields: FieldSet) -> Condition:
    """Return the condition of a form's JSON, which may ask about `fields`.

    Raises `ConditionError` for what `parse` refuses, for an operator that forms do not have, and for an answer
    that is not among those of its field.
    """
    condition = parse(data, fields)
    for leaf in leaves(data):
        field = fields.get(leaf["field"])
        if field is None:
            continue
        options = field.options()
        if leaf["op"] not in operators_of(field.type, has_choices=options is not None):
            raise ConditionError(_("This field cannot be compared in this way."))
        value = leaf.get("value")
        if options is not None and value is not None:
            many = value if isinstance(value, list) else [value]
            if any(one not in options for one in many):
                raise ConditionError(_("This value does not exist any more. Choose another."))
    return condition


def leaves(data: object) -> Iterator[dict[str, Any]]:
    """Yield the comparisons in the JSON of a condition, also of one that is broken."""
    if not isinstance(data, dict):
        return
    if "field" in data:
        yield data
    for key in ("all", "any"):
        parts = data.get(key)
        for part in parts if isinstance(parts, list) else ():
            yield from leaves(part)
    yield from leaves(data.get("not"))


def problem(data: object, fields: FieldSet, later: Mapping[str, str] | None = None) -> str:
    """Return in words what is wrong with the JSON of a condition; '' if nothing is, or there is none.

    `fields` are those it may ask about; `later` are labels, by key, of those that stand too far down.
    """
    if data is None or data == "":
        return ""
    for leaf in leaves(data):
        name = leaf["field"]
        if not name:
            return gettext("A condition is not complete: choose a question.")
        if fields.get(name) is not None:
            continue
        if later and isinstance(name, str) and name in later:
            return gettext(
                "The condition asks about “%(label)s”, which stands further down. It can only ask about "
                "what stands above."
            ) % {"label": later[name]}
        return gettext(
            "The condition asks about a question that is gone. Choose another, or remove it."
        )
    try:
        read(data, fields)
    except ConditionError as error:
        return str(error.message)
    return ""
