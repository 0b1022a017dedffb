"""A form with conditions and steps, as customers meet it: with a script, and without."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.sync_api import expect

from helpdesk.models import Ticket
from helpdesk.pages.forms import IntakeForm
from portal.models import IntakeFormPage
from tests import page_factories as pages

from .conftest import Visitor
from .stage import set_up

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)

IS_TONER = {"field": "kind", "op": "is", "value": "toner"}
MANY = {"field": "count", "op": "gt", "value": 10}


def part(type_: str, **value: Any) -> dict[str, Any]:
    return {"type": type_, "value": value}


CONDITIONS = [
    pages.question(
        "choice", "kind", "Kind", required=True, choices={"paper": "Paper", "toner": "Toner"}
    ),
    pages.question("text", "colour", "Colour", required=True, condition=IS_TONER),
    pages.question("text", "model", "Model", condition=IS_TONER),
    pages.question("number", "count", "Number"),
    pages.question("text", "reason", "Reason", required_when=MANY),
]
STEPS = [
    part("step", title="You", text="<p>Who asks.</p>"),
    pages.question("text", "room", "Room", required=True),
    part("step", title="The request"),
    *CONDITIONS,
    part("step", title="Toner", condition=IS_TONER),
    pages.question("yes_no", "empty", "Is it empty?", required=True),
    part("step", title="The rest"),
    pages.question("date", "day", "When"),
    pages.question("consent", "agree", "I agree.", required=True),
]


def make(fields: list[dict[str, Any]]) -> IntakeFormPage:
    stage = set_up("en")
    english = stage.tree.english
    return pages.make_form(english, fields, title="Order", queue=stage.queue, locale=english.locale)


def come(visit: Any, form: IntakeFormPage, **how: Any) -> Visitor:
    visitor = visit(language="en", **how)
    visitor.goto(form.url.replace("http://testserver", visitor.base))
    return visitor


def introduce(visitor: Visitor) -> None:
    visitor.page.get_by_label("Your name").fill("Ada Example")
    visitor.page.get_by_label("Your e-mail address").fill("ada@mail.example")


def on(visitor: Visitor, *titles: str) -> None:
    """Go on, step by step; the server checks each."""
    for title in titles:
        visitor.page.get_by_role("button", name="Next").click()
        expect(visitor.page.locator("[aria-current=step]")).to_have_text(title)


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    """Let a form be sent at once: what holds programs back has tests of its own."""
    monkeypatch.setattr(IntakeForm, "clean_shown_at", lambda form: "")


# --- conditions --------------------------------------------------------------------------------


def test_questions_come_and_go_and_the_news_is_told(visit):
    visitor = come(visit, make(CONDITIONS))
    page = visitor.page
    colour, model = page.get_by_label("Colour"), page.get_by_label("Model")
    expect(colour).to_be_hidden()
    expect(colour).to_be_disabled()
    page.get_by_label("Toner").check()
    expect(colour).to_be_visible()
    expect(model).to_be_enabled()
    expect(page.locator("[data-live]")).to_have_text("2 questions were added below.")
    expect(page.get_by_label("Toner")).to_be_focused()
    visitor.check()

    reason = page.locator("label", has_text="Reason")
    expect(reason.locator(".field__mark")).to_be_visible()
    page.get_by_label("Number").fill("11")
    expect(reason.locator(".field__mark")).to_be_hidden()

    colour.fill("cyan")
    page.get_by_label("Paper").check()
    expect(colour).to_be_hidden()
    introduce(visitor)
    page.get_by_role("button", name="Send request").click()
    expect(page.locator("#problems")).to_contain_text("Reason")
    # it comes back as it was
    expect(page.get_by_label("Colour")).to_be_hidden()
    page.get_by_label("Reason").fill("For all")
    page.get_by_role("button", name="Send request").click()
    page.wait_for_url("**done=*")

    keys = [entry["key"] for entry in Ticket.objects.get().answers]
    assert keys == ["kind", "count", "reason"]


@pytest.mark.parametrize("phone", [False, True])
def test_without_a_script_all_is_shown_and_explained(visit, phone):
    visitor = come(visit, make(STEPS), scripts=False, phone=phone)
    page = visitor.page
    expect(page.get_by_role("heading", name="Step 2: The request")).to_be_visible()
    expect(page.get_by_text("Only if Kind is Toner.").first).to_be_visible()
    expect(page.get_by_text("Must be answered if Number is more than 10.")).to_be_visible()
    introduce(visitor)
    page.get_by_label("Room").fill("1.01")
    page.get_by_label("Paper").check()
    page.get_by_label("Colour").fill("secret")
    page.get_by_label("I agree.").check()
    page.get_by_label("Number").fill("12")
    page.get_by_role("button", name="Send request").click()
    expect(page.locator("#problems a")).to_have_count(1)
    page.get_by_label("Reason").fill("For all")
    page.get_by_role("button", name="Send request").click()
    page.wait_for_url("**done=*")

    ticket = Ticket.objects.get()
    keys = [entry["key"] for entry in ticket.answers]
    assert keys == ["room", "kind", "count", "reason", "day", "agree"]
    assert "secret" not in ticket.articles.get().body


# --- steps -------------------------------------------------------------------------------------


def test_one_step_at_a_time_to_the_end(visit):
    visitor = come(visit, make(STEPS))
    page = visitor.page
    onward = page.get_by_role("button", name="Next")
    current = page.locator("[aria-current=step]")
    expect(page.get_by_role("heading", name="Step 1 of 4: You")).to_be_visible()
    expect(page.get_by_role("button", name="Back")).to_be_hidden()
    expect(page.get_by_role("button", name="Send request")).to_be_hidden()
    onward.click()
    # the server's words, at the field, and the focus there
    expect(page.get_by_label("Your name")).to_be_focused()
    expect(page.locator(".field__error")).to_have_count(3)
    expect(page.locator("[data-live]")).to_have_text("3 answers need another look.")
    visitor.check()
    introduce(visitor)
    page.get_by_label("Room").fill("1.01")
    page.keyboard.press("Enter")  # as good as the button

    second = page.get_by_role("heading", name="Step 2 of 4: The request")
    expect(second).to_be_focused()
    expect(current).to_have_text("The request")
    page.get_by_label("Toner").check()
    expect(page.get_by_role("heading", name="Step 2 of 5: The request")).to_be_visible()
    page.get_by_label("Paper").check()
    expect(second).to_be_visible()
    visitor.check()
    onward.click()
    expect(current).to_have_text("The rest")  # the step about toner is skipped

    page.go_back()
    expect(current).to_have_text("The request")
    page.go_forward()
    expect(current).to_have_text("The rest")
    page.get_by_role("link", name="You", exact=True).click()
    expect(current).to_have_text("You")
    expect(page.get_by_label("Room")).to_have_value("1.01")


def test_answers_are_looked_through_before_they_are_sent(visit):
    visitor = come(visit, make(STEPS))
    page = visitor.page
    introduce(visitor)
    page.get_by_label("Room").fill("1.01")
    on(visitor, "The request")
    page.get_by_label("Paper").check()
    on(visitor, "The rest")
    page.get_by_label("When").fill("2026-12-01")
    page.get_by_label("I agree.").check()
    on(visitor, "Check your answers")

    expect(page.get_by_role("heading", name="Step 4 of 4: Check your answers")).to_be_focused()
    summary = page.locator("[data-summary]")
    pairs = summary.locator("dl > div").all_inner_texts()
    assert [tuple(pair.split("\n")) for pair in pairs] == [
        ("Your name", "Ada Example"),
        ("Your e-mail address", "ada@mail.example"),
        ("Room", "1.01"),
        ("Kind", "Paper"),
        ("Number", "Not answered"),
        ("Reason", "Not answered"),
        ("When", "12/1/2026"),
        ("I agree.", "Yes"),
    ]
    expect(page.get_by_text("How long your request is kept")).to_be_visible()
    visitor.check()
    page.get_by_role("link", name="Change: You").click()
    page.get_by_label("Room").fill("2.02")
    on(visitor, "The request", "The rest", "Check your answers")
    expect(summary).to_contain_text("2.02")
    assert Ticket.objects.count() == 0
    page.get_by_role("button", name="Send request").click()
    page.wait_for_url("**done=*")
    keys = [entry["key"] for entry in Ticket.objects.get().answers]
    assert keys == ["room", "kind", "count", "reason", "day", "agree"]


def test_what_is_wrong_in_a_list_is_told_at_its_cell(visit):
    columns = [
        pages.question("text", "first", "First name", required=True),
        pages.question("email", "mail", "E-mail"),
    ]
    team = pages.question("group", "team", "Team", columns=columns, row_name="Person")
    rest = [part("step", title="The rest"), pages.question("text", "room", "Room")]
    visitor = come(visit, make([part("step", title="You"), team, *rest]))
    page = visitor.page
    introduce(visitor)
    page.locator("[name=q_team-0-first]").fill("Ada")
    page.get_by_role("button", name="Add a row").click()
    page.locator("[name=q_team-1-first]").fill("Kim")
    wrong = page.locator("[name=q_team-1-mail]")
    wrong.fill("kim@@mail")
    page.get_by_role("button", name="Next").click()
    expect(wrong).to_be_focused()
    expect(wrong).to_have_attribute("aria-invalid", "true")
    expect(page.locator("[data-row-item]").nth(1).locator(".field__error")).to_have_count(1)
    expect(page.locator(".field__error")).to_have_count(1)
    wrong.fill("kim@mail.example")
    on(visitor, "The rest", "Check your answers")
    expect(page.locator("[data-summary]")).to_contain_text(
        "1. First name: Ada 2. First name: Kim, E-mail: kim@mail.example"
    )


def test_errors_of_the_server_open_their_step(visit, monkeypatch):
    visitor = come(visit, make(STEPS))
    page = visitor.page
    introduce(visitor)
    page.get_by_label("Room").fill("1.01")
    # as if the script had not asked the server: what is checked last is checked by it alone
    page.route("**", lambda route: route.abort() if "check_step" in (route.request.post_data or "") else route.continue_())  # fmt: skip
    for _step in range(3):
        page.get_by_role("button", name="Next").click()
        page.wait_for_timeout(300)
    page.get_by_role("button", name="Send request").click()
    expect(page.locator("[aria-current=step]")).to_have_text("The request")
    expect(page.locator("#problems")).to_be_focused()
    expect(page.get_by_label("Paper")).to_be_visible()
    page.locator("#problems a", has_text="I agree").click()
    expect(page.get_by_label("I agree.")).to_be_focused()
    visitor.check()


def test_a_phone_has_room_for_all(visit):
    visitor = come(visit, make(STEPS), phone=True)
    visitor.page.set_viewport_size({"width": 320, "height": 640})
    visitor.check()
    introduce(visitor)
    visitor.page.get_by_label("Room").fill("1.01")
    visitor.page.get_by_role("button", name="Next").click()
    visitor.page.get_by_label("Toner").check()
    visitor.check()


# --- files -----------------------------------------------------------------------------------------


def file(name: str, content: bytes = b"plain") -> dict[str, Any]:
    return {"name": name, "mimeType": "application/octet-stream", "buffer": content}


PHOTO = pages.question("files", "photo", "Photo", endings="txt", max_files=2, max_megabytes=1)


def test_files_survive_an_error_for_they_are_checked_before_they_are_sent(visit):
    visitor = come(visit, make([pages.question("text", "room", "Room", required=True), PHOTO]))
    page = visitor.page
    introduce(visitor)
    photo, send = page.locator("[name=q_photo]"), page.get_by_role("button", name="Send request")
    photo.set_input_files([file("a.pdf")])
    send.click()
    wrong = page.locator("[data-name=q_photo] .field__error")
    expect(wrong).to_contain_text("“a.pdf” is not of a kind that can be sent here")
    expect(page.locator("[data-name=q_room] .field__error")).to_have_count(1)
    expect(page.get_by_label("Room")).to_be_focused()
    visitor.check()
    photo.set_input_files([file("a.TXT"), file("b.txt", b"x" * (1024 * 1024 + 1))])
    send.click()
    expect(wrong).to_contain_text("“b.txt” is too large")
    photo.set_input_files([file(f"{n}.txt") for n in range(3)])
    send.click()
    expect(wrong).to_contain_text("At most 2 files")
    photo.set_input_files([file("a.txt")])
    send.click()
    expect(wrong).to_have_count(0)
    assert photo.evaluate("(one) => one.files.length") == 1
    page.get_by_label("Room").fill("1.01")
    send.click()
    page.wait_for_url("**done=*")
    assert Ticket.objects.get().answers[1]["value"][0]["name"] == "a.txt"


def test_what_is_wrong_with_a_list_stands_at_its_head(visit):
    """Not in the box for pasting, which is closed."""
    columns = [pages.question("text", "a", "Thing", help_text="What it is")]
    team = pages.question("group", "g", "Things", required=True, columns=columns)
    visitor = come(visit, make([part("step", title="You"), team, part("step", title="More"), CONDITIONS[3]]))  # fmt: skip
    introduce(visitor)
    visitor.page.get_by_role("button", name="Next").click()
    wrong = visitor.page.locator("[data-rows] > fieldset > .field__error")
    expect(wrong).to_contain_text("at least 1 row")
    expect(wrong).to_be_visible()
    visitor.check()


def test_a_file_of_the_wrong_kind_is_told_at_its_step(visit):
    fields = [part("step", title="You"), PHOTO, part("step", title="More"), *CONDITIONS[3:4]]
    visitor = come(visit, make(fields))
    page = visitor.page
    introduce(visitor)
    page.locator("[name=q_photo]").set_input_files([file("a.pdf")])
    page.get_by_role("button", name="Next").click()
    expect(page.locator("[data-name=q_photo] .field__error")).to_contain_text("“a.pdf” is not")
    expect(page.locator("[aria-current=step]")).to_have_text("You")
    page.locator("[name=q_photo]").set_input_files([file("a.txt")])
    on(visitor, "More", "Check your answers")
    # an answer that is wrong in the end leads back to its step, and the file is still there
    page.locator("[name=q_count]").evaluate("(one) => { one.value = 'many'; }")
    page.get_by_role("button", name="Send request").click()
    expect(page.locator("[aria-current=step]")).to_have_text("More")
    expect(page.get_by_label("Number")).to_be_focused()
    page.get_by_label("Number").fill("3")
    on(visitor, "Check your answers")
    page.get_by_role("button", name="Send request").click()
    page.wait_for_url("**done=*")


# --- a form that changes while it is open --------------------------------------------------------


@pytest.mark.parametrize("scripts", [True, False])
def test_a_form_that_changed_is_looked_through_from_the_start(visit, scripts):
    model = pages.question("text", "model", "Model")
    form = make([part("step", title="You"), model, part("step", title="More"), CONDITIONS[3]])
    visitor = come(visit, form, scripts=scripts)
    page = visitor.page
    introduce(visitor)
    page.get_by_label("Model").fill("XL")
    if scripts:
        on(visitor, "More")
    page.get_by_label("Number").fill("7")
    form.fields = json.dumps([part("step", title="You"), part("step", title="More"), CONDITIONS[3]])
    form.save_revision().publish()
    if scripts:
        on(visitor, "Check your answers")
    page.get_by_role("button", name="Send request").click()
    expect(page.locator("#problems")).to_contain_text("This form has changed since you opened it")
    given = page.get_by_label("What you wrote where there is no question any more")
    expect(given).to_have_value("Model: XL")
    visitor.check()
    if scripts:
        expect(page.locator("[aria-current=step]")).to_have_text("You")
        on(visitor, "More", "Check your answers")
    page.get_by_role("button", name="Send request").click()
    page.wait_for_url("**done=*")
    assert [one["value"] for one in Ticket.objects.get().answers] == [7]
