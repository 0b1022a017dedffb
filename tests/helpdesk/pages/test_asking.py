"""Which parts of a form are asked, on the server."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import QueryDict
from django.utils.datastructures import MultiValueDict
from hypothesis import given, settings
from hypothesis import strategies as st
from wagtail import blocks

from helpdesk.pages import snapshot
from helpdesk.pages.asking import decide, problems, rows_of
from helpdesk.pages.forms import IntakeForm
from helpdesk.pages.stream import FormFieldsBlock

CHOICES = [
    {"type": "item", "value": {"label": "Red", "value": "r"}, "id": "1"},
    {"type": "item", "value": {"label": "Blue", "value": "b"}, "id": "2"},
]


def block(type_: str, key: str = "", **value: Any) -> dict[str, Any]:
    if key:
        value = {"label": key.title(), "key": key, **value}
    return {"type": type_, "id": f"id-{key}-{type_}", "value": value}


def stream(*raw: dict[str, Any]) -> Any:
    return FormFieldsBlock().to_python(list(raw))


def comparison(field: str, op: str, value: Any = None) -> dict[str, Any]:
    return {"field": field, "op": op, **({} if value is None else {"value": value})}


IS_RED = comparison("colour", "is", "r")
COLOUR = block("choice", "colour", choices=CHOICES)


def asked(raw: list[dict[str, Any]], **answers: Any) -> tuple[set[str], set[str]]:
    """Return the keys that are asked, and those demanded by a condition."""
    rows = rows_of(stream(*raw))
    found = decide(rows, answers.get)
    keys = {row.key for place, row in enumerate(rows) if place in found.places and row.key}
    return keys, set(found.required)


def form(*raw: dict[str, Any], files: Any = None, **data: Any) -> IntakeForm:
    sent = QueryDict(mutable=True)
    sent.update({"contact_name": "Ada", "contact_email": "ada@mail.example"})
    for name, value in data.items():
        sent.setlist(name, value if isinstance(value, list) else [value])
    return IntakeForm(sent, MultiValueDict(files or {}), stream=stream(*raw))


# --- deciding ----------------------------------------------------------------------------------


def test_a_field_is_asked_when_its_condition_holds():
    raw = [COLOUR, block("text", "shade", condition=IS_RED)]

    assert asked(raw, colour="r")[0] == {"colour", "shade"}
    assert asked(raw, colour="b")[0] == {"colour"}
    assert asked(raw)[0] == {"colour"}


def test_what_is_hidden_counts_as_not_answered():
    raw = [
        COLOUR,
        block("text", "shade", condition=IS_RED),
        block("text", "paint", condition=comparison("shade", "not_empty")),
        block("text", "why", condition=comparison("shade", "empty")),
    ]

    assert asked(raw, colour="r", shade="dark")[0] == {"colour", "shade", "paint"}
    assert asked(raw, colour="b", shade="dark")[0] == {"colour", "why"}


def test_a_section_takes_its_fields_with_it_and_a_step_its_sections():
    raw = [
        COLOUR,
        block("section", heading="Red", condition=IS_RED),
        block("text", "a"),
        block("section", heading="More"),
        block("text", "b"),
        block("step", title="Step", condition=IS_RED),
        block("text", "c"),
        block("section", heading="In the step"),
        block("text", "d"),
        block("step", title="Last"),
        block("text", "e"),
    ]

    assert asked(raw, colour="r")[0] == {"colour", "a", "b", "c", "d", "e"}
    assert asked(raw, colour="b")[0] == {"colour", "b", "e"}


def test_a_text_hides_itself_alone():
    rows = rows_of(
        stream(COLOUR, block("help_text", text="<p>x</p>", condition=IS_RED), block("text", "a"))
    )

    assert decide(rows, {"colour": "b"}.get).places == {0, 2}


def test_a_condition_demands_an_answer():
    raw = [COLOUR, block("text", "shade", required_when=IS_RED)]

    assert asked(raw, colour="r")[1] == {"shade"}
    assert asked(raw, colour="b")[1] == set()


@pytest.mark.parametrize(
    "broken",
    [
        comparison("gone", "is", "r"),
        comparison("later", "is", "x"),
        comparison("colour", "is", "gone"),
        comparison("colour", "contains", "r"),
        {"field": "", "op": "is"},
        {"nonsense": 1},
        [1],
        "x",
    ],
)
def test_a_condition_that_cannot_be_read_hides_nothing_and_demands_nothing(broken):
    raw = [
        COLOUR,
        block("text", "shade", condition=broken, required_when=broken),
        block("text", "later"),
    ]

    assert asked(raw) == ({"colour", "shade", "later"}, set())


# --- the form ----------------------------------------------------------------------------------


def test_what_is_hidden_is_neither_checked_nor_demanded_nor_kept():
    raw = [
        COLOUR,
        block("number", "count", required=True, condition=IS_RED),
        block("files", "paper", required=True, condition=IS_RED),
        block("text", "name", in_subject=True, condition=IS_RED),
    ]
    files = {"q_paper": [SimpleUploadedFile("a.exe", b"MZ")]}
    sent = form(*raw, files=files, q_colour="b", q_count="many", q_name="secret")

    assert sent.is_valid(), sent.errors
    answers = snapshot.take(sent)
    assert [entry["key"] for entry in answers] == ["colour"]
    assert snapshot.subject("Title", sent, answers) == "Title"
    assert "secret" not in snapshot.as_text(answers)
    assert sent.uploads() == ()


def test_what_is_shown_is_checked():
    raw = [COLOUR, block("number", "count", required=True, condition=IS_RED)]

    assert set(form(*raw, q_colour="r").errors) == {"q_count"}
    assert set(form(*raw, q_colour="r", q_count="many").errors) == {"q_count"}
    assert form(*raw, q_colour="r", q_count="3").is_valid()


def test_a_required_condition_is_enforced_and_no_more():
    raw = [COLOUR, block("text", "shade", required_when=IS_RED)]

    assert set(form(*raw, q_colour="r").errors) == {"q_shade"}
    assert form(*raw, q_colour="b").is_valid()
    assert form(*raw, q_colour="r", q_shade="dark").is_valid()


def test_an_answer_that_cannot_be_read_is_none():
    raw = [
        block("number", "count"),
        block("text", "why", required=True, condition=comparison("count", "gt", 5)),
    ]

    assert set(form(*raw, q_count="six").errors) == {"q_count"}
    assert set(form(*raw, q_count="6").errors) == {"q_why"}


def test_a_form_that_comes_back_has_what_was_typed_into_hidden_fields():
    raw = [COLOUR, block("text", "shade", condition=IS_RED), block("text", "must", required=True)]
    sent = form(*raw, q_colour="b", q_shade="dark")

    assert not sent.is_valid()
    assert sent["q_shade"].value() == "dark"
    assert "disabled" not in str(sent["q_shade"])
    assert [part.is_asked for part in sent.parts()] == [True, False, True]


def test_the_help_says_the_condition_for_those_without_scripts():
    raw = [
        COLOUR,
        block("text", "shade", help_text="A & B", condition=IS_RED, required_when=IS_RED),
    ]
    help_ = str(form(*raw)["q_shade"].help_text)

    assert help_.startswith("A &amp; B <span")
    assert "Only if Colour is Red." in help_
    assert "Must be answered if Colour is Red." in help_


@settings(max_examples=60, deadline=None)
@given(
    colour=st.sampled_from(["r", "b", "", "x"]),
    many=st.lists(st.sampled_from(["r", "b"]), unique=True),
    count=st.one_of(st.just(""), st.integers(-5, 5).map(str), st.just("x")),
    link=st.sampled_from([IS_RED, comparison("many", "is", "b"), comparison("count", "lt", 0)]),
    word=st.text("secrtäß", min_size=4, max_size=8),
)
def test_a_value_of_a_hidden_field_never_reaches_the_snapshot(colour, many, count, link, word):
    raw = [
        COLOUR,
        block("choices", "many", choices=CHOICES),
        block("number", "count"),
        block("text", "first", condition=link, in_subject=True),
        block("long_text", "second", condition=comparison("first", "not_empty")),
    ]
    word = f"geheim{word}"
    data = {"q_colour": colour, "q_many": many, "q_count": count}
    sent = form(*raw, **data, q_first=word, q_second=word)
    shown = {"q_first", "q_second"} & set(sent.asked_inputs())
    if sent.is_valid():
        answers = snapshot.take(sent)
        subject = snapshot.subject("T", sent, answers)
        assert {entry["key"] for entry in answers} == {
            name.removeprefix("q_") for name in sent.asked_inputs()
        }
        assert (word in snapshot.as_text(answers)) == bool(shown)
        assert (word in subject) == ("q_first" in shown)
        assert set(sent.cleaned_data) & {"q_first", "q_second"} == shown


# --- what editors hear -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        (comparison("gone", "is", "x"), "a question that is gone"),
        (comparison("later", "is", "x"), "asks about “Later”, which stands further down"),
        (comparison("colour", "is", "gone"), "does not exist any more"),
        (comparison("many", "is", "gone"), "does not exist any more"),
        (comparison("many", "in", ["r", "gone"]), "does not exist any more"),
        (comparison("colour", "contains", "r"), "cannot be compared in this way"),
        (comparison("colour", "is"), "A value is missing"),
        ({"field": "", "op": "is"}, "choose a question"),
        ({"any": [IS_RED, comparison("gone", "empty")]}, "a question that is gone"),
    ],
)
@pytest.mark.parametrize("slot", ["condition", "required_when"])
def test_publishing_refuses_a_faulty_condition_at_its_block_and_drafts_keep_it(
    condition, words, slot
):
    value = stream(
        COLOUR,
        block("choices", "many", choices=CHOICES),
        block("text", "shade", **{slot: condition}),
        block("text", "later"),
    )
    stream_block = value.stream_block

    with pytest.raises(blocks.StreamBlockValidationError) as refused:
        stream_block.clean(value)
    error = refused.value.block_errors[2].block_errors[slot]
    assert words in error.messages[0]

    kept = stream_block.clean_deferred(value)
    assert kept[2].value[slot] == condition


@pytest.mark.parametrize("name", ["section", "step", "help_text"])
def test_structure_is_checked_as_well(name):
    named = {"section": "heading", "step": "title", "help_text": "text"}[name]
    value = stream(block(name, **{named: "x", "condition": comparison("gone", "empty")}))

    assert set(problems(value)) == {0}


def test_a_sound_form_has_no_problems():
    value = stream(COLOUR, block("text", "shade", condition=IS_RED, required_when=IS_RED))

    assert problems(value) == {}
    assert value.stream_block.clean(value)


def test_a_text_between_fields_of_older_forms_is_read():
    value = stream({"type": "help_text", "id": "1", "value": "<p>Old</p>"})

    assert value[0].value["text"].source == "<p>Old</p>"
    assert value.stream_block.get_prep_value(value)[0]["value"]["text"] == "<p>Old</p>"
