"""What conditions on answers compare."""

from __future__ import annotations

from datetime import date

import pytest
from django.utils import timezone

from helpdesk.pages.conditions import fields_of, values_of
from helpdesk.pages.stream import FormFieldsBlock
from helpdesk.rules.conditions import FieldType, parse

KEYS = ("name", "count", "day", "begin", "one", "many", "sure", "paper")


@pytest.fixture
def inputs():
    block = FormFieldsBlock()
    choices = [
        {"type": "item", "value": {"label": "Red", "value": "r"}, "id": "1"},
        {"type": "item", "value": {"label": "Blue", "value": "b"}, "id": "2"},
    ]
    rows = [
        ("text", {}),
        ("number", {}),
        ("date", {}),
        ("time", {}),
        ("choice", {"choices": choices}),
        ("choices", {"choices": choices}),
        ("yes_no", {}),
        ("files", {}),
    ]
    stream = block.to_python(
        [
            {"type": type_, "id": key, "value": {"label": key.title(), "key": key, **more}}
            for key, (type_, more) in zip(KEYS, rows, strict=True)
        ]
    )
    return block.inputs(stream)


def test_each_field_is_compared_as_what_it_is(inputs):
    found = {field.name: field.type for field in fields_of(inputs)}

    assert found == {
        "name": FieldType.TEXT,
        "count": FieldType.NUMBER,
        "day": FieldType.DATE,
        "begin": FieldType.TIME,
        "one": FieldType.CHOICE,
        "many": FieldType.LIST,
        "sure": FieldType.BOOLEAN,
    }


def test_choices_are_compared_by_value_and_told_by_label(inputs):
    condition = parse({"field": "one", "op": "is", "value": "b"}, fields_of(inputs))

    assert condition.describe() == "One is Blue"
    assert condition.matches({"one": "b"}, timezone.now())


@pytest.mark.parametrize(
    ("key", "value", "condition"),
    [
        ("name", "Ina", {"field": "name", "op": "starts_with", "value": "in"}),
        ("count", 3, {"field": "count", "op": "gt", "value": 2}),
        ("day", "2026-11-26", {"field": "day", "op": "is", "value": "2026-11-26"}),
        ("begin", "09:30", {"field": "begin", "op": "before", "value": "10:00"}),
        ("begin", "10:00", {"field": "begin", "op": "after", "value": "09:59"}),
        ("begin", None, {"field": "begin", "op": "is_not", "value": "09:59"}),
        ("many", ["r", "b"], {"field": "many", "op": "is", "value": "b"}),
        ("sure", False, {"field": "sure", "op": "is", "value": False}),
    ],
)
def test_an_answer_is_compared_as_it_is_stored(inputs, key, value, condition):
    fields = fields_of(inputs)
    values = values_of([{"key": key, "value": value}, {"key": "paper", "value": []}], fields)

    assert parse(condition, fields).matches(values, timezone.now())
    assert set(values) == {key}


def test_days_are_days(inputs):
    values = values_of([{"key": "day", "value": "2026-11-26"}], fields_of(inputs))

    assert values == {"day": date(2026, 11, 26)}
