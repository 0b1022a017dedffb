"""What the script of the page editor is told about conditions."""

from __future__ import annotations

import json
import re
from types import SimpleNamespace
from typing import Any

import pytest
from django.utils import translation

from helpdesk.pages.blocks import ConditionBlock
from helpdesk.pages.builder import catalogue, editor_assets
from helpdesk.pages.conditions import operators_of
from helpdesk.pages.stream import FormFieldsBlock
from helpdesk.rules.conditions import FieldType
from tests.helpdesk.pages.test_asking import COLOUR, IS_RED, block, stream


def told() -> dict[str, Any]:
    return catalogue(FormFieldsBlock().kinds())


def test_operators_and_their_words_come_from_the_language_of_conditions():
    with translation.override("de"):
        found = {one["code"]: one for one in told()["operators"]["text"]}

    assert found["contains"]["label"] == "enthält"
    assert found["contains"]["sentence"] == "%(field)s enthält %(value)s"
    assert list(found) == list(operators_of(FieldType.TEXT))
    assert "matches" not in found


def test_times_are_compared_as_times_of_day():
    found = {one["code"]: one["operand"] for one in told()["operators"]["time"]}

    assert found == {
        **dict.fromkeys(("is", "is_not", "before", "after"), "clock"),
        **dict.fromkeys(("empty", "not_empty"), "none"),
    }


@pytest.mark.parametrize("kind", list(FieldType))
def test_where_answers_are_given_they_are_chosen(kind):
    codes = set(operators_of(kind, has_choices=True))

    assert codes <= {"is", "is_not", "in", "not_in", "empty", "not_empty"}
    assert {"is", "empty"} <= codes


def test_each_kind_of_field_is_told_and_what_cannot_be_asked_is_none():
    kinds = told()["kinds"]

    assert (kinds["choice"], kinds["choices"], kinds["yes_no"]) == ("choice", "list", "boolean")
    assert kinds["files"] is None
    assert kinds["section"] is None


def test_field_sets_are_told_with_their_questions():
    one = SimpleNamespace(pk=7, fields=stream(COLOUR, block("files", "paper")))
    html = editor_assets(FormFieldsBlock().kinds(), [one])
    data = json.loads(re.search(r"<script[^>]*json[^>]*>(.*?)</script>", html, re.DOTALL)[1])

    assert data["sets"] == {
        "7": [
            {
                "key": "colour",
                "label": "Colour",
                "kind": "choice",
                "choices": [{"value": "r", "label": "Red"}, {"value": "b", "label": "Blue"}],
            }
        ]
    }


@pytest.mark.parametrize(
    ("sent", "stored"), [(json.dumps(IS_RED), IS_RED), ("", None), ("null", None)]
)
def test_what_was_sent_is_the_tree_and_comes_back_as_it_was(sent, stored):
    slot = ConditionBlock(required=False)
    value = slot.value_from_datadict({"c": sent}, {}, "c")

    assert value == stored
    assert slot.clean(value) == stored
    assert json.loads(slot.get_form_state(value) or "null") == stored


def test_what_is_no_json_is_refused_and_kept_in_sight():
    slot = ConditionBlock(required=False)
    value = slot.value_from_datadict({"c": "{"}, {}, "c")

    assert value == "{"
    with pytest.raises(Exception, match="JSON"):
        slot.clean(value)
