"""The builder against the conditions it builds: tree → rows → page → what is sent → tree."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.http import QueryDict
from django.template.loader import render_to_string
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from helpdesk.agents.condition_rows import Group, Row, Rows, rows_of, tree
from helpdesk.agents.conditions_form import ConditionForm
from helpdesk.rules.conditions import Field, FieldSet, FieldType, parse
from tests.helpdesk.rules.test_conditions import FIELDS, NOW, TEXTS, TIMES, _leaves, _trees

from .pages import sent


def page(form: ConditionForm) -> str:
    return render_to_string("helpdesk/agents/parts/conditions.html", {"builder": form})


def again(form: ConditionForm) -> ConditionForm:
    """Return the form as it comes back from a browser that only sends it."""
    return ConditionForm.typed(sent(page(form)), FIELDS)


def groups(*modes: str) -> st.SearchStrategy[dict[str, Any]]:
    rows = st.lists(_leaves(FIELDS), min_size=1, max_size=4)
    return st.builds(lambda mode, parts: {mode: parts}, st.sampled_from(modes), rows)


#: What rows can show: comparisons, groups, groups of groups.
FITTING = st.one_of(
    _leaves(FIELDS),
    groups("all", "any"),
    st.builds(
        lambda join, parts: {join: parts},
        st.sampled_from(["all", "any"]),
        st.lists(st.one_of(groups("all", "any"), _leaves(FIELDS)), min_size=1, max_size=4),
    ),
)


@settings(max_examples=50, deadline=None)
@given(FITTING)
def test_a_sent_form_is_the_same_condition(data):
    with timezone.override("Europe/Berlin"):
        stored = parse(data, FIELDS)
        first = ConditionForm.of(data, FIELDS)
        built = again(first).clean()
        assert built is not None
        if not first.advanced:  # a text with a line break needs the JSON
            twice = again(ConditionForm.of(built.to_json(), FIELDS)).clean()
            assert twice is not None
            assert twice.to_json() == built.to_json()
        for values in SAMPLES:
            assert built.matches(values, NOW) is stored.matches(values, NOW)


SAMPLES: list[dict[str, Any]] = [
    {
        "text": text,
        "number": number,
        "queue": number,
        "queue_name": text,
        "code": ["new", "open", "", None][number % 4],
        "flag": number % 2 == 0,
        "at": at,
        "day": timezone.localtime(at, timezone.get_fixed_timezone(60)).date(),
        "to": [text, "Drucker"][: number % 3],
        "weight": number,
    }
    for number, (text, at) in enumerate((text, at) for text in TEXTS for at in TIMES)
]


@settings(max_examples=50, deadline=None)
@given(_trees(FIELDS))
def test_no_condition_of_any_nesting_is_destroyed(data):
    with timezone.override("Europe/Berlin"):
        stored = parse(data, FIELDS)
        form = ConditionForm.of(data, FIELDS)
        assert not form.error
        built = again(form).clean()
        assert built is not None
        if form.advanced:
            assert built.to_json() == stored.to_json()
            assert form.sentence == stored.describe()
        for values in SAMPLES[::5]:
            assert built.matches(values, NOW) is stored.matches(values, NOW)


@pytest.mark.parametrize(
    "data",
    [
        {"field": "text", "op": "empty"},
        {"any": [{"field": "flag", "op": "is", "value": True}, {"field": "day", "op": "empty"}]},
        {
            "all": [
                {"field": "text", "op": "contains", "value": " a,b "},
                {
                    "any": [
                        {"field": "queue", "op": "in", "value": [1, 2]},
                        {"field": "to", "op": "empty"},
                    ]
                },
                {"field": "at", "op": "before", "value": {"days_ago": 7}},
            ]
        },
        {"field": "weight", "op": "gt", "value": 2.5},
        {"field": "text", "op": "in", "value": ["a, b", "c"]},
        {"field": "at", "op": "newer_than", "value": {"hours": 3}},
        {"field": "day", "op": "is", "value": "2026-11-24"},
    ],
)
def test_what_the_builder_makes_stays_as_it_is(data):
    found = rows_of(parse(data, FIELDS))
    assert found is not None
    assert tree(found, FIELDS) == data
    built = again(ConditionForm.of(data, FIELDS)).clean()
    assert built is not None
    assert built.to_json() == data


def test_a_negation_with_an_opposite_becomes_a_row():
    is_it = {"field": "text", "op": "contains", "value": "a"}
    found = rows_of(parse({"not": is_it}, FIELDS))
    assert found == Rows(groups=(Group(rows=(Row("text", "not_contains", ("a",)),)),))
    assert rows_of(parse({"not": {"not": is_it}}, FIELDS)) is not None


@pytest.mark.parametrize(
    "data",
    [
        {"all": []},
        {"not": {"field": "text", "op": "starts_with", "value": "a"}},
        {"all": [{"any": [{"all": [{"field": "text", "op": "empty"}, {"field": "day", "op": "empty"}]},
                          {"field": "flag", "op": "empty"}]}, {"field": "to", "op": "empty"}]},
        {"field": "text", "op": "contains", "value": "a\nb"},
    ],
)  # fmt: skip
def test_what_does_not_fit_is_shown_in_words_and_as_json(data):
    form = ConditionForm.of(data, FIELDS)
    assert form.advanced
    assert form.sentence == parse(data, FIELDS).describe()
    assert json.loads(sent(page(form))["condition-json"]) == data


def test_what_cannot_be_read_keeps_its_text_and_says_where():
    form = ConditionForm.of({"all": [{"field": "gone", "op": "is", "value": "x"}]}, FIELDS)
    assert form.advanced
    assert "all[0].field" in str(form.error)
    assert "gone" in sent(page(form))["condition-json"]


# --- errors


def filled(*rows: dict[str, Any], prefix: str = "condition", **more: str) -> QueryDict:
    """Return a sent form of one group."""
    data = QueryDict(mutable=True)
    data.update({f"{prefix}-groups": "1", f"{prefix}-0-rows": str(len(rows)), **more})
    for index, row in enumerate(rows):
        for name, value in row.items():
            data.setlist(
                f"{prefix}-0-{index}-{name}", value if isinstance(value, list) else [value]
            )
    return data


GOOD = {"field": "text", "op": "contains", "value": "a"}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"field": "", "value": "lost"}, "Choose what to look at."),
        ({"field": "gone", "value": "x"}, "There is no such field."),
        ({**GOOD, "value": " "}, "A text is expected here."),
        ({**GOOD, "op": "matches", "value": "(a"}, "This pattern is not complete."),
        ({**GOOD, "op": "matches", "value": "(a+)+b"}, None),
        ({**GOOD, "op": "in", "value": "\r\n", "lines": "1"}, "A list of values is expected here."),
        ({"field": "number", "op": "gt", "value": "many"}, "A number is expected here."),
        ({"field": "number", "op": "gt", "value": "2.5"}, "A whole number is expected here."),
        ({"field": "queue", "op": "is", "value": ""}, "Choose one of the values."),
        ({"field": "queue", "op": "is", "value": "7"}, "This value does not exist any more. Choose another."),
        ({"field": "flag", "op": "is", "value": ""}, "Yes or no is expected here."),
        ({"field": "day", "op": "before", "value": "soon"}, "A date is expected here."),
        ({"field": "day", "op": "before", "value": "3", "unit": "hours_ago"}, "This field knows days only, no hours."),
        ({"field": "at", "op": "older_than", "value": "x", "unit": "days"}, "A number of days, hours or minutes is expected here."),
    ],
)  # fmt: skip
def test_every_error_stands_at_its_row(row, message):
    form = ConditionForm.typed(filled(GOOD, row, GOOD), FIELDS)
    assert form.clean() is None
    assert list(form.row_errors) == [(0, 1)]
    if message:
        assert str(form.row_errors[0, 1]) == message
    html = page(form)
    assert 'id="condition-0-1-error"' in html
    assert sent(html).getlist("condition-0-1-value") or not row["field"] or row["field"] == "gone"


def test_all_errors_are_shown_at_once():
    bad = {**GOOD, "value": ""}
    form = ConditionForm.typed(filled(bad, GOOD, bad), FIELDS)
    assert form.clean() is None
    assert list(form.row_errors) == [(0, 0), (0, 2)]


def test_a_condition_needs_a_row():
    form = ConditionForm.typed(filled({"field": "", "value": ""}), FIELDS)
    assert form.clean() is None
    assert str(form.row_errors[0, 0]) == "Give at least one condition."
    assert ConditionForm.typed(QueryDict(), FIELDS).clean() is None


def test_blank_rows_are_left_out():
    form = ConditionForm.typed(filled(GOOD, {"field": ""}), FIELDS)
    built = form.clean()
    assert built is not None
    assert built.to_json() == GOOD


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "line 1"),
        ('{"all": [\n}', "line 2"),
        ('{"field": "number", "op": "is", "value": NaN}', "no JSON"),
        ("[" * 100_000, "no JSON"),
        (" " * 100_001, "too long"),
        ('{"all": [{"field": "text", "op": "flies", "value": "x"}]}', "all[0].op"),
        ("3", "This is no condition."),
    ],
)
def test_broken_json_is_refused_and_kept(text, words):
    data = QueryDict(mutable=True)
    data.update({"condition-advanced": "1", "condition-json": text})
    form = ConditionForm.typed(data, FIELDS)
    assert form.clean() is None
    assert words in str(form.error)
    assert form.text == text


# --- buttons


def test_buttons_add_and_remove_rows_and_groups_and_lose_nothing():
    form = ConditionForm.typed(filled(GOOD), FIELDS)
    assert form.act("condition:add:0")
    assert form.focus == "condition-0-1-field"
    form = again(form)
    assert [len(group.rows) for group in form.rows.groups] == [2]
    form.act("condition:group")
    form = again(form)
    assert [(group.mode, len(group.rows)) for group in form.rows.groups] == [("all", 2), ("any", 1)]
    form.act("condition:remove:1:0")
    form.act("condition:remove:0:1")
    built = again(form).clean()
    assert built is not None
    assert built.to_json() == GOOD
    form.act("condition:remove:0:0")
    assert form.rows == Rows(groups=(Group(rows=(Row(),)),))


def test_a_new_field_gets_an_operator_it_knows():
    form = ConditionForm.typed(filled({"field": "queue", "op": "contains", "value": "a"}), FIELDS)
    assert form.rows.groups[0].rows[0].op == "is"
    assert (
        ConditionForm.typed(filled({"field": "text"}), FIELDS).rows.groups[0].rows[0].op
        == "contains"
    )


def test_json_and_rows_change_into_each_other():
    form = ConditionForm.typed(filled(GOOD), FIELDS)
    form.act("condition:advanced")
    form = again(form)
    assert form.advanced
    assert json.loads(form.text) == GOOD
    form.act("condition:simple")
    assert not form.advanced
    assert again(form).clean().to_json() == GOOD


def test_json_that_does_not_fit_stays_json():
    data = QueryDict(mutable=True)
    text = '{"not": {"field": "text", "op": "starts_with", "value": "a"}}'
    data.update({"condition-advanced": "1", "condition-json": text})
    form = ConditionForm.typed(data, FIELDS)
    form.act("condition:simple")
    assert form.advanced
    assert form.text == text
    assert "more deeply" in form.error


@pytest.mark.parametrize(
    "command",
    ["condition:add:9", "condition:add:-1", "condition:remove:0", "condition:remove:7:7",
     "condition:remove:x:y", "condition:add:99999999999", "condition:", "condition:fly"],
)  # fmt: skip
def test_odd_commands_change_nothing(command):
    form = ConditionForm.typed(filled(GOOD), FIELDS)
    before = form.rows
    assert form.act(command)
    assert form.rows == before


def test_commands_of_others_are_not_taken():
    assert not ConditionForm.typed(filled(GOOD), FIELDS).act("effect:add")


def test_counts_that_somebody_made_up_are_bounded():
    data = QueryDict(mutable=True)
    data.update(
        {"condition-groups": "999", "condition-0-rows": "999999999", "condition-1-rows": "999"}
    )
    form = ConditionForm.typed(data, FIELDS)
    assert [len(group.rows) for group in form.rows.groups[:2]] == [0, 50]
    assert len(form.rows.groups) == 20


def test_a_value_that_is_gone_is_shown_as_gone_and_not_saved_unseen():
    fields = FieldSet(Field("queue", FieldType.CHOICE, "Queue", choices=[(1, "Faults")]))
    form = ConditionForm.of({"field": "queue", "op": "is", "value": 9}, fields)
    assert not form.advanced
    html = page(form)
    assert "9 (does not exist any more)" in html
    back = ConditionForm.typed(sent(html), fields)
    assert back.clean() is None
    assert list(back.row_errors) == [(0, 0)]
