from __future__ import annotations

from typing import Any

import pytest
from django.http import QueryDict
from django.template.loader import render_to_string

from helpdesk.agents.effects_form import EffectsForm

from .pages import sent

KNOWN = {"queue": {3: "Faults"}, "priority": {2: "high"}}
GOOD = {"do": "set_queue", "queue": 3}


def page(form: EffectsForm) -> str:
    return render_to_string("helpdesk/agents/parts/effects.html", {"builder": form})


def again(form: EffectsForm) -> EffectsForm:
    return EffectsForm.typed(sent(page(form)), KNOWN)


@pytest.mark.parametrize(
    "data",
    [
        [],
        [
            GOOD,
            {"do": "add_tags", "tags": "vpn, door"},
            {"do": "add_note", "text": "two\n\nlines\n"},
        ],
        [{"do": "ignore", "reason": "7"}],
        [{"do": "refuse", "text": "\nWrite to <b>us</b>."}],
    ],
)
def test_a_sent_form_is_the_same_list(data):
    built = again(EffectsForm.of(data, KNOWN)).clean()
    assert built is not None
    assert [one.to_json() for one in built] == data


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"do": "set_queue", "queue": 9}, "This value does not exist any more. Choose another."),
        ({"do": "set_priority", "priority": ""}, "Choose one of the values."),
        ({"do": "add_note", "text": " "}, "A text is expected here."),
        ({"do": "add_tags", "tags": ","}, "Give at least one tag."),
        ({"do": "fly"}, "There is no such effect."),
        ({"do": "ignore", "reason": "x"}, "Where no ticket is made, nothing else can be done with it."),
    ],
)  # fmt: skip
def test_every_error_stands_at_its_row(bad, message):
    form = again(EffectsForm.of([GOOD, bad], KNOWN))
    assert form.clean() is None
    assert [str(row.error) for row in form.rows] == ["", message]
    assert 'id="effect-1-error"' in page(form)


def test_buttons_add_and_remove_rows():
    form = EffectsForm.of([GOOD], KNOWN)
    assert form.act("effect:add")
    assert form.focus == "effect-1-do"
    form = again(form)
    assert [row.kind for row in form.rows] == ["set_queue", ""]
    form.act("effect:remove:0")
    form = again(form)
    assert [row.kind for row in form.rows] == [""]
    assert form.clean() == ()
    assert not form.act("condition:add:0")


@pytest.mark.parametrize(
    "stored", [None, {}, "x", [3], [{}], [{"do": None}], [{"do": "fly", "x": []}]]
)
def test_whatever_is_stored_can_be_shown(stored: Any):
    assert again(EffectsForm.of(stored, KNOWN)).rows


def test_a_row_that_is_gone_is_shown_as_gone():
    form = EffectsForm.of([{"do": "set_queue", "queue": 9}], KNOWN)
    assert "9 (does not exist any more)" in page(form)
    assert form.rows[0].error


def test_counts_that_somebody_made_up_are_bounded():
    data = QueryDict(mutable=True)
    data["effect-rows"] = "999"
    assert len(EffectsForm.typed(data, KNOWN).rows) == 50
