"""Lists of rows in a real browser: with scripts and without, by keyboard, on a phone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from playwright.sync_api import expect

from helpdesk.models import Ticket
from helpdesk.pages import pasting
from helpdesk.pages.forms import IntakeForm
from tests import page_factories as pages

from .conftest import Visitor
from .stage import set_up

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)

COLUMNS = [
    pages.question("text", "first", "First name", required=True),
    pages.question("text", "last", "Last name"),
    pages.question("email", "mail", "E-mail"),
    pages.question("choice", "diet", "Meals", choices={"meat": "With meat", "none": "Without"}),
]
PASTE = """(node, text) => {
  const data = new DataTransfer();
  data.setData('text/plain', text);
  node.dispatchEvent(new ClipboardEvent('paste', {clipboardData: data, bubbles: true, cancelable: true}));
}"""


@pytest.fixture
def form():
    stage = set_up("en")
    fields = [
        pages.question(
            "group", "team", "Group", columns=COLUMNS, row_name="Person", required=True, maximum=6
        ),
        pages.question("long_text", "why", "Why?", max_length=20),
    ]
    return pages.make_form(stage.service, fields)


def start(visit: Callable[..., Visitor], form, **options) -> Visitor:
    visitor = visit(language="en", **options)
    visitor.goto(form.url)
    visitor.page.fill("[name=contact_name]", "Ada")
    visitor.page.fill("[name=contact_email]", "ada@mail.example")
    return visitor


def cell(visitor: Visitor, row: int, key: str):
    return visitor.page.locator(f"[name=q_team-{row}-{key}]")


def rows(visitor: Visitor) -> int:
    return visitor.page.locator("[data-row-item]").count()


def send(visitor: Visitor) -> None:
    visitor.page.locator("[data-send], form.card p > button.button").last.click()
    visitor.page.wait_for_load_state()


def test_rows_are_added_removed_and_sent_by_keyboard(visit, form):
    visitor = start(visit, form)
    page = visitor.page
    assert rows(visitor) == 1
    visitor.check()
    cell(visitor, 0, "first").fill("Ada")
    page.locator("[data-rows-add]").focus()
    page.keyboard.press("Enter")
    expect(cell(visitor, 1, "first")).to_be_focused()
    page.keyboard.type("Kim")
    expect(page.locator("[data-rows-status]")).to_have_text("Row added: Person 2")
    page.locator("[data-rows-add]").press("Space")
    page.keyboard.type("Lou")
    page.locator("[data-rows-remove]").nth(1).press("Enter")
    expect(page.locator("[data-rows-remove]").nth(1)).to_be_focused()
    assert [cell(visitor, at, "first").input_value() for at in (0, 1)] == ["Ada", "Lou"]
    assert page.locator("[data-row-name]").all_inner_texts() == ["Person 1", "Person 2"]
    visitor.check()
    send(visitor)
    [ticket] = Ticket.objects.all()
    assert [row["first"] for row in ticket.answers[0]["value"]] == ["Ada", "Lou"]


def test_a_table_fills_rows_from_the_cell_on(visit, form):
    visitor = start(visit, form)
    first = cell(visitor, 0, "first")
    first.evaluate(
        PASTE, "Ada\tLovelace\tada@x.example\twithout\nKim\tMeier\tkim@x.example\tWith meat\n"
    )
    assert rows(visitor) == 2
    assert cell(visitor, 1, "mail").input_value() == "kim@x.example"
    assert cell(visitor, 0, "diet").input_value() == "none"
    cell(visitor, 1, "last").evaluate(PASTE, "Müller\tm@x.example\nSchmidt\ts@x.example")
    assert rows(visitor) == 3
    assert cell(visitor, 1, "last").input_value() == "Müller"
    assert cell(visitor, 2, "mail").input_value() == "s@x.example"


@pytest.fixture
def guests():
    stage = set_up("en")
    extras = pages.question(
        "choices", "extras", "Extras", choices={"bed": "Bed", "bike": "Bike, lock", "dog": "Dog"}
    )
    columns = [pages.question("text", "first", "First name", required=True), extras]
    return pages.make_form(
        stage.service, [pages.question("group", "team", "Group", columns=columns, row_name="Guest")]
    )


def ticked(visitor: Visitor, row: int) -> list[str]:
    boxes = visitor.page.locator(f"[name=q_team-{row}-extras]:checked").all()
    return [str(box.get_attribute("value")) for box in boxes]


def test_several_answers_are_ticked_in_rows_and_pasted(visit, guests):
    visitor = start(visit, guests)
    page = visitor.page
    assert rows(visitor) == 1
    cell(visitor, 0, "first").fill("Ada")
    page.locator("[data-rows-add]").click()
    page.locator("[name=q_team-1-extras][value=dog]").check()
    page.locator("details.rows__paste summary").click()
    page.fill("[name=q_team-paste]", "Kim\tBed; Bike, lock\nLou\tBed; Cat")
    page.locator("[data-rows-fill]").click()
    # the second row has a box ticked: it is not empty
    assert (rows(visitor), ticked(visitor, 1), ticked(visitor, 2)) == (3, ["dog"], ["bed", "bike"])
    assert page.input_value("[name=q_team-paste]") == "Lou\tBed; Cat"
    expect(page.locator("[data-rows-left]")).to_contain_text("“Bed; Cat” does not fit “Extras”")
    visitor.check()
    page.fill("[name=q_team-paste]", "")
    page.locator("[data-rows-remove]").nth(0).click()
    assert (ticked(visitor, 0), ticked(visitor, 1)) == (["dog"], ["bed", "bike"])
    page.get_by_label("Bed").first.check()
    cell(visitor, 0, "first").fill("Ben")
    send(visitor)
    [ticket] = Ticket.objects.all()
    assert ticket.answers[0]["value"] == [
        {"first": "Ben", "extras": ["bed", "dog"]},
        {"first": "Kim", "extras": ["bed", "bike"]},
    ]


def test_several_answers_need_no_scripts(visit, guests):
    visitor = start(visit, guests, scripts=False)
    page = visitor.page
    cell(visitor, 0, "first").fill("Ada")
    page.locator("[name=q_team-0-extras][value=dog]").check()
    page.locator(".rows__paste summary").click()
    page.fill("[name=q_team-paste]", "Kim\tBed; Dog")
    page.locator("[data-rows-fill]").click()
    page.wait_for_load_state()
    assert (ticked(visitor, 0), ticked(visitor, 1)) == (["dog"], ["bed", "dog"])
    page.locator("[data-rows-remove]").nth(0).click()
    page.wait_for_load_state()
    assert ticked(visitor, 0) == ["bed", "dog"]
    send(visitor)
    [ticket] = Ticket.objects.all()
    assert ticket.answers[0]["shown"] == "1. First name: Kim, Extras: Bed, Dog"


CELLS = (
    "Bed; Dog",
    "bed,dog",
    "Bike, lock",
    "Bike, lock; Bed;",
    "bed;bed",
    "Bed; Cat",
    ";",
    "",
    "Bike",
)


def test_browser_and_server_read_several_answers_alike(visit, guests):
    visitor = start(visit, guests)
    reading = IntakeForm(stream=guests.fields)["q_team"].field.columns[1].reading
    column = {"type": reading.type, "values": dict(reading.values), "key": "extras"}
    asked = """async ([texts, column]) => {
      const { sentFor, fits } = await import('/static/helpdesk/rows.js');
      return [texts.map((text) => sentFor(column, text)), texts.map((text) => fits(column, text))];
    }"""
    sent, fits = visitor.page.evaluate(asked, [CELLS, column])
    assert sent == [reading.sent(text) for text in CELLS]
    assert fits == [reading.fits(text) for text in CELLS]


def test_a_table_with_a_header_goes_into_the_box_and_what_has_no_room_stays_there(visit, form):
    visitor = start(visit, form)
    page = visitor.page
    page.locator(".rows__paste summary").click()
    lines = "\n".join(f"Person{n};p{n}@x.example" for n in range(8))
    page.locator("[data-rows-paste]").fill(f"Vorname;E-Mail-Adresse\n{lines}")
    page.locator("[data-rows-fill]").click()
    assert rows(visitor) == 6
    assert cell(visitor, 5, "mail").input_value() == "p5@x.example"
    assert page.locator("[data-rows-paste]").input_value().splitlines()[0].startswith("Person6")
    expect(page.locator("[data-rows-add]")).to_be_disabled()
    visitor.check()


def test_an_error_leads_to_its_cell(visit, form):
    visitor = start(visit, form, phone=True)
    page = visitor.page
    cell(visitor, 0, "mail").fill("nowhere")
    send(visitor)
    page.locator("#problems a").last.click()
    expect(cell(visitor, 0, "mail")).to_be_focused()
    assert cell(visitor, 0, "mail").get_attribute("aria-describedby") == "id_q_team-0-mail_error"
    visitor.check()


def test_nothing_needs_scripts(visit, form):
    visitor = start(visit, form, scripts=False)
    page = visitor.page
    assert rows(visitor) == 3
    cell(visitor, 0, "mail").fill("nowhere")
    page.locator("[data-rows-add]").click()
    assert rows(visitor) == 4
    assert cell(visitor, 0, "mail").input_value() == "nowhere"
    assert page.locator(".field__error").count() == 0
    expect(cell(visitor, 3, "first")).to_be_focused()
    page.locator("[data-rows-remove]").nth(0).click()
    page.locator(".rows__paste summary").click()
    page.locator("[data-rows-paste]").fill("Ada,Lovelace,ada@x.example\nKim,,")
    page.locator("[data-rows-fill]").click()
    assert cell(visitor, 1, "first").input_value() == "Kim"
    page.locator("[name=contact_name]").press("Enter")  # sends, and removes no row
    page.wait_for_load_state()
    [ticket] = Ticket.objects.all()
    assert ticket.answers[0]["shown"].splitlines()[1] == "2. First name: Kim"


def test_a_narrow_phone(visit, form):
    visitor = visit(phone=True, language="en")
    visitor.page.set_viewport_size({"width": 320, "height": 700})
    visitor.goto(form.url)
    visitor.page.locator("[data-rows-add]").click()
    visitor.page.locator(".rows__paste summary").click()
    visitor.check()


def test_characters_are_counted(visit, form):
    visitor = start(visit, form)
    visitor.page.fill("[name=q_why]", "Ä" * 23)
    expect(visitor.page.locator("[data-count]")).to_have_text("3 characters too many")


TABLES = [
    "Ada\tLovelace\tada@x.example",
    '"Ada, Countess";"Love ""L"" lace"\r\nKim;',
    "E-Mail,Vorname\n a@x.example , Ada ",
    'Ada\t"two\nlines"\tx',
    "\n;;\nAda;;a@x.example;b;c;d\n",
    "Mail;Room\na@x.example;12",
    "ESSEN\twhat\twhen\nwithout\tx\ty",
    "Straße;Ort\nA;B",
    'Ada,"a; b",x\n"Kim;",b,c',
    '5" pipe; x; 6" pipe',
    "",
]
READ = """async ([texts, columns]) => {
  const { cellsOf, ordered } = await import('/static/helpdesk/rows.js');
  return texts.map((text) => {
    const { order, rows } = ordered(cellsOf(text), columns);
    return rows.map((cells) =>
      Object.fromEntries(order.map((key, at) => [key, cells[at]]).filter(([key, cell]) => key && cell)));
  });
}"""


DAYS = ("31.12.2025", "1.2.25", "3/4/99", "1. 2. 2025", "2026-01-02", "31.2.2025", "2026-02-30", "last year", "0.1.2025", "12.13.2025", "1.1.68", "1.1.69", "00.00.0000")  # fmt: skip


def test_browser_and_server_read_days_and_answers_alike(visit, form):
    visitor = start(visit, form)
    asked = """async ([texts, column]) => {
      const { dayOf, fits } = await import('/static/helpdesk/rows.js');
      return [texts.map(dayOf), texts.map((text) => fits(column, text))];
    }"""
    column = {"type": "date", "values": {}, "key": "d"}
    days = [pasting.day(text) for text in DAYS]
    assert visitor.page.evaluate(asked, [DAYS, column]) == [days, [bool(day) for day in days]]
    reading = IntakeForm(stream=form.fields)["q_team"].field.columns[3].reading
    column = {"type": reading.type, "values": dict(reading.values), "key": "diet"}
    answers = ["With meat", "WITHOUT", "none", "vegan", ""]
    expected = [reading.fits(text) for text in answers]
    assert visitor.page.evaluate(asked, [answers, column])[1] == expected
    assert expected == [True, True, True, False, False]


def test_a_pasted_row_that_does_not_fit_stays_in_the_box(visit, form):
    visitor = start(visit, form)
    page = visitor.page
    page.locator("details.rows__paste summary").click()
    page.fill(
        "[name=q_team-paste]",
        "E-mail\tFirst name\tMeals\na@x.example\tAda\twithout\nb@x.example\tBen\tvegan",
    )
    page.locator("[data-rows-fill]").click()
    assert (cell(visitor, 0, "first").input_value(), rows(visitor)) == ("Ada", 1)
    assert cell(visitor, 0, "diet").input_value() == "none"
    # in the order of the columns, for the line that named them is used up
    assert page.input_value("[name=q_team-paste]") == "Ben\t\tb@x.example\tvegan"
    left = page.locator("[data-rows-left]")
    expect(left).to_be_visible()
    expect(left).to_contain_text("“vegan” does not fit “Meals”")
    visitor.check()
    page.fill("[name=q_team-paste]", "Ben\t\tb@x.example\twith meat")
    page.locator("[data-rows-fill]").click()
    expect(left).to_be_hidden()
    assert (cell(visitor, 1, "first").input_value(), rows(visitor)) == ("Ben", 2)
    assert page.input_value("[name=q_team-paste]") == ""


def test_without_scripts_the_row_that_does_not_fit_stays_too(visit, form):
    visitor = start(visit, form, scripts=False)
    page = visitor.page
    page.locator("details.rows__paste summary").click()
    page.fill("[name=q_team-paste]", "Ada\t\t\twithout\nBen\t\t\tvegan")
    page.locator("[name=q_team-fill]").click()
    page.wait_for_load_state()
    assert cell(visitor, 0, "diet").input_value() == "none"
    assert page.input_value("[name=q_team-paste]") == "Ben\t\t\tvegan"
    expect(page.locator("[data-rows-left]")).to_contain_text("“vegan” does not fit “Meals”")


def test_browser_and_server_read_tables_alike(visit, form):
    visitor = start(visit, form)
    bound = IntakeForm(stream=form.fields)["q_team"]
    readings = [replace(column.reading, values={}, type="") for column in bound.field.columns]
    expected = [pasting.read(text, readings, 100) for text in TABLES]
    assert visitor.page.evaluate(READ, [TABLES, bound.columns]) == expected
    assert expected[2] == [{"mail": "a@x.example", "first": "Ada"}]
