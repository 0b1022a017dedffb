"""Conditions in a browser: an editor puts them together without code, by mouse and by keyboard."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import Locator, expect

from helpdesk.pages.keys import key_for
from portal.models import IntakeFormPage
from tests import page_factories as pages

from .conftest import Visitor
from .stage import set_up

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)

KIND, DETAIL, REASON = "kind-id", "detail-id", "reason-id"
PAPER, TONER = "paper-id", "toner-id"
IS_TONER = {"field": key_for(KIND), "op": "is", "value": key_for(TONER)}


def block(type_: str, id_: str, **value: Any) -> dict[str, Any]:
    return {"type": type_, "id": id_, "value": value}


def choice(id_: str, label: str) -> dict[str, Any]:
    return {"type": "item", "id": id_, "value": {"label": label}}


FIELDS = [
    block("choice", KIND, label="Kind", choices=[choice(PAPER, "Paper"), choice(TONER, "Toner")]),
    block("text", DETAIL, label="Colour"),
    block("long_text", REASON, label="Reason"),
]


def make(fields: list[dict[str, Any]]) -> IntakeFormPage:
    stage = set_up("en")
    return pages.make_form(stage.service, fields, queue=stage.queue)


@pytest.fixture
def form() -> IntakeFormPage:
    return make(FIELDS)


def edit(visit: Any, form: IntakeFormPage) -> Visitor:
    editor = visit(language="en")
    editor.log_in("editor")
    editor.goto(reverse("wagtailadmin_pages:edit", args=[form.pk]))
    return editor


def slot(editor: Visitor, place: int, name: str = "condition") -> Locator:
    """Return the editor of a condition, with the settings of its block opened."""
    opener = editor.page.locator(f"[aria-controls='block_group-fields-{place}-value-settings']")
    if opener.get_attribute("aria-expanded") == "false":
        opener.click()
    return editor.page.locator(f"input[name=fields-{place}-value-{name}] + .hd-condition")


def field(box: Locator, row: int = 0) -> Locator:
    return box.get_by_label("Question", exact=True).nth(row)


def operator(box: Locator, row: int = 0) -> Locator:
    return box.get_by_label("Comparison").nth(row)


def answer(box: Locator, row: int = 0) -> Locator:
    return box.get_by_label("Answer", exact=True).nth(row)


def save(editor: Visitor) -> None:
    with editor.page.expect_navigation():
        editor.page.get_by_role("button", name="Save draft").click()


def publish(editor: Visitor) -> None:
    editor.page.locator("[data-w-dropdown-target=toggle]").last.click()
    with editor.page.expect_navigation():
        editor.page.get_by_role("button", name="Publish").click()


def stored(form: IntakeFormPage, place: int, name: str = "condition") -> Any:
    """Return a condition as it stands in the latest revision."""
    latest = IntakeFormPage.objects.get(pk=form.pk).get_latest_revision_as_object()
    return latest.fields[place].value[name]


def test_an_editor_sets_a_condition_by_mouse_and_finds_it_again(visit, form):
    editor = edit(visit, form)
    box = slot(editor, 1)
    box.get_by_role("button", name="Add a condition").click()
    assert field(box).locator("option").all_inner_texts() == ["Please choose", "Kind"]
    field(box).select_option("Kind")
    assert operator(box).locator("option").all_inner_texts() == [
        "is",
        "is not",
        "is one of",
        "is none of",
        "is empty",
        "is not empty",
    ]
    answer(box).select_option("Toner")
    expect(box.locator("p").first).to_have_text("Shown when Kind is Toner.")
    save(editor)

    assert stored(form, 1) == IS_TONER
    again = slot(editor, 1)
    expect(again.locator("p").first).to_have_text("Shown when Kind is Toner.")
    expect(field(again)).to_have_value(key_for(KIND))
    editor.check()


def test_a_time_of_day_is_chosen_on_a_clock(visit):
    begin = {"type": "time", "id": "begin-id", "value": {"label": "Begin"}}
    form = make([begin, block("text", REASON, label="Reason")])
    editor = edit(visit, form)
    box = slot(editor, 1)
    box.get_by_role("button", name="Add a condition").click()
    field(box).select_option("Begin")
    operator(box).select_option("is after")
    answer(box).fill("17:30")
    expect(box.locator("p").first).to_have_text(
        re.compile(r"Shown when Begin is after 0?5:30\sPM\.", re.I)
    )
    save(editor)

    assert stored(form, 1) == {"field": key_for("begin-id"), "op": "after", "value": "17:30"}
    again = slot(editor, 1)
    expect(answer(again)).to_have_value("17:30")
    editor.check()


def test_an_editor_sets_two_conditions_by_keyboard_alone(visit, form):
    editor = edit(visit, form)
    keys = editor.page.keyboard
    opener = editor.page.locator("[aria-controls='block_group-fields-2-value-settings']")
    opener.focus()
    keys.press("Enter")
    box = editor.page.locator("input[name=fields-2-value-required_when] + .hd-condition")
    box.get_by_role("button", name="Add a condition").focus()
    keys.press("Enter")
    keys.type("Kind")
    keys.press("Tab")
    keys.press("Tab")
    keys.type("Toner")
    keys.press("Tab")  # to the button that removes
    keys.press("Tab")
    keys.press("Enter")  # another
    keys.type("Colour")
    keys.press("Tab")
    keys.type("contains")
    keys.press("Tab")
    keys.type("blau")
    told = box.locator("p").first
    expect(told).to_have_text("Must be answered when Kind is Toner and Colour contains “blau”.")
    box.get_by_label("If there are several").select_option("any")
    expect(told).to_have_text("Must be answered when Kind is Toner or Colour contains “blau”.")
    save(editor)

    contains = {"field": key_for(DETAIL), "op": "contains", "value": "blau"}
    assert stored(form, 2, "required_when") == {"any": [IS_TONER, contains]}


def test_rows_go_and_the_condition_with_the_last(visit):
    form = make([FIELDS[0], block("text", DETAIL, label="Colour", condition=IS_TONER), FIELDS[2]])
    editor = edit(visit, form)
    note = editor.page.locator(".hd-condition__note:visible")
    expect(note).to_have_text("Shown when Kind is Toner.")  # with the settings closed
    box = slot(editor, 1)
    box.get_by_role("button", name="Remove this condition").click()
    expect(box.get_by_role("button", name="Add a condition")).to_be_focused()
    save(editor)

    assert stored(form, 1) is None


def test_what_is_typed_and_moved_is_offered_at_once(visit, form):
    editor = edit(visit, form)
    page = editor.page
    page.locator("[name=fields-0-value-label]").fill("Sort")
    box = slot(editor, 1)
    box.get_by_role("button", name="Add a condition").click()
    field(box).select_option("Sort")
    answer(box).select_option("Paper")
    page.locator("[name=fields-0-value-choices-0-value-label]").fill("Sheets")
    expect(box.locator("p").first).to_have_text("Shown when Sort is Sheets.")

    page.get_by_role("button", name="Move down").first.click()
    page.locator("[name=fields-2-value-label]").fill("Why")  # so that the editor notices
    expect(field(box).locator("option:checked")).to_have_text("Sort (stands further down)")
    publish(editor)
    words = "The condition asks about “Sort”, which stands further down."
    expect(page.locator(".w-field__errors", has_text=words)).to_be_visible()
    box = page.locator("input[name=fields-0-value-condition] + .hd-condition")
    expect(field(box).locator("option:checked")).to_have_text("Sort (stands further down)")
