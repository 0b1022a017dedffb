"""Lists of rows: what is sent for them, what becomes of it, and what nobody sensible sends."""

from __future__ import annotations

from datetime import date

import pytest
from django.template.loader import render_to_string
from django.utils.datastructures import MultiValueDict
from hypothesis import given
from hypothesis import strategies as st

from helpdesk.pages import pasting, snapshot
from helpdesk.pages.forms import IntakeForm
from helpdesk.pages.keys import key_for
from helpdesk.pages.rows import MAX_CELLS, MAX_ROWS, SPARE
from helpdesk.pages.stream import FormFieldsBlock
from helpdesk.rules import answers
from tests.page_factories import question

CONTACT = {"contact_name": "Ada", "contact_email": "ada@mail.example"}
PEOPLE = [
    question("text", "first", "First name", required=True),
    question("email", "mail", "E-mail"),
    question("date", "born", "Born"),
    question("number", "age", "Age"),
    question("choice", "diet", "Meals", choices={"meat": "With meat", "none": "No meat"}),
    question("yes_no", "stays", "Stays overnight", required=True),
    question("login", "login", "Log-in name"),
    question("phone", "phone", "Phone"),
]
ADA = {
    "first": "Ada",
    "mail": "ada@mail.example",
    "born": "2001-12-10",
    "age": "24",
    "diet": "none",
    "stays": "no",
    "login": "adlov100",
    "phone": "555-12",
}
TWO = [question("text", "a", "Article", required=True), question("number", "n", "Quantity")]


def group(columns=None, **options):
    block = FormFieldsBlock()
    raw = question("group", "team", "Team", columns=columns or TWO, **options)
    return block.to_python([raw])


def sent(stream, rows=(), count=None, **more):
    data = {f"q_team-{at}-{key}": text for at, row in enumerate(rows) for key, text in row.items()}
    data["q_team-rows"] = str(len(rows) if count is None else count)
    posted = MultiValueDict(
        {
            name: one if isinstance(one, list) else [one]
            for name, one in {**CONTACT, **data, **more}.items()
        }
    )
    return IntakeForm(posted, stream=stream, label_suffix="")


def value(form):
    assert form.is_valid(), form.errors
    return form.cleaned_data["q_team"]


def drawn(form):
    return render_to_string("helpdesk/pages/includes/field.html", {"field": form["q_team"]})


def test_rows_are_dicts_of_clean_values():
    [row] = value(sent(group(PEOPLE), [ADA]))
    assert row == {
        "first": "Ada",
        "mail": "ada@mail.example",
        "born": date(2001, 12, 10),
        "age": 24,
        "diet": "none",
        "stays": False,
        "login": "adlov100",
        "phone": "555-12",
    }


def test_snapshot_has_the_rows_typed_and_as_people_read_them():
    form = sent(group(PEOPLE), [ADA, {}, {"first": "Kim", "stays": "yes"}])
    assert form.is_valid()
    [entry] = snapshot.take(form)
    assert (entry["type"], entry["key"], entry["label"]) == ("group", "team", "Team")
    assert entry["value"][0] == {
        **ADA,
        "age": 24,
        "stays": False,
    }
    assert [one["shown"] for one in entry["rows"][0]][3:6] == ["24", "No meat", "No"]
    assert entry["rows"][0][4]["choices"][0] == {"value": "meat", "label": "With meat"}
    assert entry["shown"].splitlines()[1] == "2. First name: Kim, Stays overnight: Yes"
    assert snapshot.as_text((entry,)).startswith("Team:\n1. First name: Ada, E-mail: ada@")
    assert snapshot.brief(entry) == "2 rows"


def test_empty_rows_are_dropped_and_blanks_are_empty():
    form = sent(group(), [{"a": " ", "n": ""}, {"a": "Chair"}, {}])
    assert value(form) == [{"a": "Chair", "n": None}]


def test_an_error_stands_at_its_cell_and_is_led_to():
    form = sent(group(row_name="Thing"), [{"a": "Chair"}, {"n": "many"}])
    assert not form.is_valid()
    first, second = form.problems()
    assert (first.anchor, first.label) == ("id_q_team-1-a", "Thing 2, Article")
    assert (second.anchor, second.label) == ("id_q_team-1-n", "Thing 2, Quantity")
    assert form.errors["q_team"][0] == "Thing 2, Article: This field is required."
    html = drawn(form)
    assert 'id="id_q_team-1-n_error"' in html
    assert 'aria-describedby="id_q_team-1-n_error"' in html
    assert 'value="many"' in html


@pytest.mark.parametrize(
    ("options", "rows", "message"),
    [
        ({"minimum": 2}, [{"a": "Chair"}], "Please fill in at least 2 rows."),
        ({"required": True}, [], "Please fill in at least 1 row."),
        ({"maximum": 1}, [{"a": "x"}, {"a": "y"}], "No more than 1 row is possible here."),
    ],
)
def test_number_of_rows(options, rows, message):
    form = sent(group(**options), rows)
    assert not form.is_valid()
    [problem] = form.problems()
    assert (problem.anchor, problem.message) == ("id_q_team-0-a", message)


def test_the_first_page_offers_empty_rows_up_to_the_most():
    assert IntakeForm(stream=group())["q_team"].count == 3
    assert IntakeForm(stream=group(maximum=2))["q_team"].count == 2
    assert IntakeForm(stream=group(minimum=5))["q_team"].count == 5


def test_adding_a_row_checks_nothing_and_loses_nothing():
    form = sent(group(), [{"a": "", "n": "many"}], **{"q_team-add": "1", "contact_name": ""})
    assert not form.is_valid()
    assert (form.errors, form.problems()) == ({}, [])
    html = drawn(form)
    assert 'name="q_team-rows" value="2"' in html
    assert 'value="many"' in html
    assert "_error" not in html
    assert form["q_team"].rows[1].cells[0].field.widget.attrs["autofocus"]


def test_removing_a_row_moves_the_others_up():
    rows = [{"a": "Chair"}, {"a": "Table"}, {"a": "Lamp"}]
    form = sent(group(), rows, **{"q_team-remove": "1"})
    assert not form.is_valid()
    assert [row.cells[0].value() for row in form["q_team"].rows] == ["Chair", "Lamp"]


@pytest.mark.parametrize("place", ["-1", "99", "x", ""])
def test_removing_what_is_not_there_changes_nothing(place):
    form = sent(group(), [{"a": "Chair"}], **{"q_team-remove": place})
    assert not form.is_valid()
    assert form["q_team"].rows[0].cells[0].value() == "Chair"


def test_the_most_rows_cannot_be_exceeded_by_adding():
    form = sent(group(maximum=1), [{"a": "Chair"}], **{"q_team-add": "1"})
    assert form["q_team"].count == 1
    assert not form["q_team"].can_grow


@pytest.mark.parametrize("count", ["1000000", "-3", "1e9", "٣", "", "x" * 9000])
def test_a_number_of_rows_that_makes_no_sense_is_counted_instead(count):
    form = sent(group(), [{"a": "Chair"}, {"a": "Table"}], count=count)
    assert [row["a"] for row in value(form)] == ["Chair", "Table"]


def test_missing_cells_are_empty():
    form = sent(group(), [{"a": "Chair"}], count=3)
    assert value(form) == [{"a": "Chair", "n": None}]


def test_more_rows_than_any_list_has_are_refused():
    form = sent(group(), [{"a": "x"}] * (MAX_ROWS + 5), count="")
    assert not form.is_valid()
    assert "No more than 100 rows" in form.problems()[0].message
    assert form["q_team"].count == MAX_ROWS


def test_a_wide_list_is_a_short_one():
    columns = [question("text", f"c{n}", f"C{n}") for n in range(12)]
    form = IntakeForm(stream=group(columns))
    assert form.fields["q_team"].max_rows == MAX_CELLS // 12


def test_nobody_is_filled_in_for_others():
    class Known:
        is_authenticated = True
        email = "ada@mail.example"

        def get_full_name(self):
            return "Ada"

        def get_username(self):
            return "adlov100"

    stream = group([question("login", "login", "Log-in name")])
    form = IntakeForm({"q_team-rows": "1", "q_team-0-login": "kimbo"}, stream=stream, user=Known())
    assert value(form) == [{"login": "kimbo"}]


# --- pasted tables ---


def test_pasted_rows_fill_the_empty_ones():
    form = sent(
        group(),
        [{"a": "Chair"}, {"a": ""}],
        **{"q_team-paste": "Table\t2\nLamp\t3", "q_team-fill": "1"},
    )
    assert not form.is_valid()
    cells = [[cell.value() for cell in row.cells] for row in form["q_team"].rows]
    assert cells == [["Chair", None], ["Table", "2"], ["Lamp", "3"]]


def test_a_table_pasted_and_sent_at_once_is_taken():
    form = sent(group(), **{"q_team-paste": "Table;2\r\nLamp;3\r\n"})
    assert value(form) == [{"a": "Table", "n": 2}, {"a": "Lamp", "n": 3}]


KIND = question("choice", "k", "Kind", choices={"new": "Brand new", "used": "Used, but good"})
DAY = question("date", "d", "Since")
YES = question("yes_no", "y", "Still there?")
TABLE = "Thing\tSince\tKind\tStill there?\n"


def table(text, **more):
    stream = group([question("text", "a", "Thing"), DAY, KIND, YES])
    return sent(stream, [], **{"q_team-paste": text, **more})


def test_a_pasted_day_is_one_that_the_control_shows():
    text = "Laptop\t31.12.2025\tbrand new\tja\nMouse\t1.2.25\tnew\tno\nPen\t2026-01-02\nCup\t3/4/99"
    assert [(row["a"], row["d"].isoformat(), row["k"], row["y"]) for row in value(table(text))] == [
        ("Laptop", "2025-12-31", "new", True),
        ("Mouse", "2025-02-01", "new", False),
        ("Pen", "2026-01-02", "", None),
        ("Cup", "1999-04-03", "", None),
    ]


@pytest.mark.parametrize(
    ("line", "cell", "column"),
    [
        ("Laptop\t31.12.2025\tWorn out\tyes", "Worn out", "Kind"),
        ("Laptop\tlast year\tUsed, but good\tyes", "last year", "Since"),
        ("Laptop\t31.2.2025", "31.2.2025", "Since"),
        ("Laptop\t\t\tperhaps", "perhaps", "Still there?"),
    ],
)
def test_a_row_that_fits_nowhere_stays_in_its_box_and_says_why(line, cell, column):
    text = f"{TABLE}Pen\t1.1.2026\tnew\tyes\n{line}\n"
    # the button: filled in is what fits
    filled = table(text, **{"q_team-fill": "1"})
    bound = filled["q_team"]
    assert [row.cells[0].value() for row in bound.rows] == ["Pen"]
    assert bound.left.rstrip("\t") == line.rstrip("\t")
    assert f"“{cell}” does not fit “{column}”" in bound.left_words
    # sent at once: refused, for what stays in the box is in no row
    refused = table(text)
    assert not refused.is_valid()
    assert [cell in one and column in one for one in refused["q_team"].general_errors] == [True]
    assert refused["q_team"].left
    # what was left is read again in the order of the columns
    again = table(bound.left.replace(cell, ""))
    assert [row["a"] for row in value(again)] == ["Laptop"]


def test_several_rows_that_do_not_fit_are_counted():
    assert "3 pasted rows are not filled in" in table("A\tx\nB\ty\nC\tz")["q_team"].left_words


# --- several answers in a cell ---

EXTRAS = question(
    "choices", "x", "Extras", choices={"bed": "Bed", "bike": "Bike, lock", "dog": "Dog"}
)
WITH_EXTRAS = [question("text", "a", "Guest", required=True), EXTRAS]


def test_several_answers_stand_in_one_cell():
    form = sent(group(WITH_EXTRAS), [{"a": "Ada", "x": ["bed", "dog"]}, {"a": "Kim"}, {"x": []}])
    assert value(form) == [{"a": "Ada", "x": ["bed", "dog"]}, {"a": "Kim", "x": []}]
    [entry] = snapshot.take(form)
    assert entry["value"] == [{"a": "Ada", "x": ["bed", "dog"]}, {"a": "Kim", "x": []}]
    assert entry["rows"][0][1]["shown"] == "Bed, Dog"
    assert [one["value"] for one in entry["rows"][0][1]["choices"]] == ["bed", "bike", "dog"]
    assert entry["shown"] == "1. Guest: Ada, Extras: Bed, Dog\n2. Guest: Kim"
    found = answers.values_of([entry])
    assert [(one.key, one.row, one.text) for one in found if one.key == "team.x"] == [
        ("team.x", 0, "bed"),
        ("team.x", 0, "dog"),
    ]


def test_what_is_no_answer_stands_at_its_boxes():
    form = sent(group(WITH_EXTRAS), [{"a": "Ada", "x": ["bed", "cat"]}])
    assert not form.is_valid()
    [problem] = form.problems()
    assert (problem.anchor, problem.label) == ("id_q_team-0-x_0", "Row 1, Extras")
    html = drawn(form)
    assert '<legend>Extras <span class="field__mark">' in html
    assert 'name="q_team-0-x" value="bed"' in html


def test_boxes_that_must_be_ticked_are_demanded_of_rows_with_something_in_them():
    extras = {**EXTRAS, "value": {**EXTRAS["value"], "required": True}}
    form = sent(group([question("text", "a", "Guest"), extras]), [{"a": "Ada"}, {}])
    assert not form.is_valid()
    assert [one.label for one in form.problems()] == ["Row 1, Extras"]


@pytest.mark.parametrize(
    ("cell", "values"),
    [
        ("Bed; dog", ["bed", "dog"]),
        ("bed, Dog", ["bed", "dog"]),
        ("Bike, lock", ["bike"]),
        ("Bike, lock; Bed;", ["bike", "bed"]),
        ("bed;bed", ["bed"]),
    ],
)
def test_several_answers_are_pasted(cell, values):
    pasted = {"q_team-paste": f"Guest\tExtras\nAda\t{cell}"}
    assert value(sent(group(WITH_EXTRAS), **pasted)) == [{"a": "Ada", "x": values}]
    filled = sent(group(WITH_EXTRAS), **pasted, **{"q_team-fill": "1"})
    [row] = filled["q_team"].rows
    assert row.cells[1].value() == values
    assert drawn(filled).count(" checked") == len(values)


@pytest.mark.parametrize("cell", ["Bed; Cat", ";", "Bike"])
def test_a_cell_with_one_wrong_answer_stays_in_the_box(cell):
    form = sent(group(WITH_EXTRAS), **{"q_team-paste": f"Guest\tExtras\nAda\t{cell}"})
    assert not form.is_valid()
    assert form["q_team"].left == f"Ada\t{cell}"


def test_signs_in_quotes_divide_no_cells():
    form = sent(group(WITH_EXTRAS), **{"q_team-paste": 'Ada,"Bed; Dog"\nKim,'})
    assert value(form) == [{"a": "Ada", "x": ["bed", "dog"]}, {"a": "Kim", "x": []}]


def test_boxes_count_among_what_a_request_can_carry():
    many = question("choices", "x", "X", choices={f"c{n}": f"C{n}" for n in range(59)})
    form = IntakeForm(stream=group([question("text", "a", "A"), many]))
    assert form.fields["q_team"].max_rows == MAX_CELLS // 60
    huge = question("choices", "x", "X", choices={f"c{n}": f"C{n}" for n in range(700)})
    assert IntakeForm(stream=group([huge])).fields["q_team"].max_rows == 1


READINGS = [
    pasting.Reading("first_name", ("Rufname", *pasting.ALIASES["first_name"])),
    pasting.Reading("last_name", pasting.ALIASES["last_name"]),
    pasting.Reading("email", pasting.ALIASES["email"]),
    pasting.Reading("stays", ("Übernachtung",), {"ja": "yes"}),
]


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("Ada\tLovelace\n", [{"first_name": "Ada", "last_name": "Lovelace"}]),
        ("Ada;;ada@x.de", [{"first_name": "Ada", "email": "ada@x.de"}]),
        ('"Ada, Countess",Lovelace', [{"first_name": "Ada, Countess", "last_name": "Lovelace"}]),
        ("E-Mail;Vorname\na@x.de;Ada", [{"email": "a@x.de", "first_name": "Ada"}]),
        ("SURNAME\tFirst Name\tRoom\nLovelace\tAda\t12", [{"last_name": "Lovelace", "first_name": "Ada"}]),
        ("Vorname;Abteilung\nAda;IT", [{"first_name": "Ada"}]),
        ("Rufname\nAda\n\nKim", [{"first_name": "Ada"}, {"first_name": "Kim"}]),
        ("übernachtung;e-mail adresse\nJa;a@x.de", [{"stays": "yes", "email": "a@x.de"}]),
        ("a;b;c;d;e;f", [{"first_name": "a", "last_name": "b", "email": "c", "stays": "d"}]),
        ('"Ada\nMarie";"Love ""L"" lace"', [{"first_name": "Ada Marie", "last_name": 'Love "L" lace'}]),
        ("", []),
        ("\n \t\n", []),
    ],
)  # fmt: skip
def test_tables_are_read(text, rows):
    assert pasting.read(text, READINGS, 10) == rows


@given(st.text(alphabet=st.characters(codec="utf-8") | st.sampled_from('\t;,"\n\r\0')))
def test_no_text_stops_the_reading(text):
    for row in pasting.read(text, READINGS, 5):
        assert row.keys() <= {one.key for one in READINGS}
        assert all(row.values())


@given(st.text(max_size=50), st.integers(0, 9))
def test_no_text_is_too_long_or_too_many_rows(text, most):
    assert len(pasting.read(text * 300, READINGS, most)) <= most


def test_a_label_brings_along_what_means_the_same():
    assert "Vorname" in pasting.names_of("First name", "f1", "text")
    assert "Mail" in pasting.names_of("Your address", "f1", "email")
    assert pasting.names_of("Shoe size", "f1", "text") == ("Shoe size",)


# --- what editors build ---


def test_columns_get_keys_of_their_own_and_keep_them():
    block = FormFieldsBlock()
    columns = [
        {"type": "text", "id": "one", "value": {"label": "Name"}},
        {"type": "choice", "id": "two", "value": {
            "label": "Size",
            "choices": [{"type": "item", "id": "small", "value": {"label": "Small"}}],
        }},
    ]  # fmt: skip
    stream = block.to_python(
        [{"type": "group", "id": "g", "value": {"label": "Team", "columns": columns}}]
    )
    [stored] = block.get_prep_value(stream)
    first, second = stored["value"]["columns"]
    assert stored["value"]["key"] == key_for("g")
    assert (first["value"]["key"], second["value"]["key"]) == (key_for("one"), key_for("two"))
    assert second["value"]["choices"][0]["value"]["value"] == key_for("small")
    second["value"]["label"] = "Größe"
    assert block.get_prep_value(block.to_python([stored])) == [stored]


def test_a_list_of_people_has_four_columns_with_known_keys():
    block = FormFieldsBlock()
    stream = block.to_python([{"type": "people", "value": {"label": "Team", "key": "team"}}])
    keys = [child.value["key"] for child in stream[0].block.inner(stream[0].value)]
    assert keys == ["first_name", "last_name", "email", "login_name"]
    row = {"first_name": "Ada", "last_name": "L", "email": "a@x.example", "login_name": "adlov1"}
    assert value(sent(stream, [row])) == [row]


def test_the_most_rows_depend_on_the_columns():
    from wagtail.blocks import StreamBlockValidationError

    block = FormFieldsBlock()
    columns = [question("text", f"c{n}", f"C{n}") for n in range(12)]
    stream = block.to_python([question("group", "g", "G", columns=columns, maximum=60)])
    with pytest.raises(StreamBlockValidationError) as caught:
        block.clean(stream)
    assert "maximum" in caught.value.block_errors[0].block_errors


def test_one_number_draws_no_hundred_rows():
    form = sent(group(), [{"a": "Chair"}], count=100, **{"q_team-add": "1"})
    assert form["q_team"].count == 1 + SPARE + 1
    form = sent(group(maximum=4), [{"a": "Chair"}], count=100, **{"q_team-add": "1"})
    assert form["q_team"].count == 2


def test_rows_between_and_behind_what_was_filled_in_stay():
    form = sent(group(), [{}, {}, {"a": "Chair"}, {}, {}], **{"q_team-fill": "1"})
    assert [row.cells[0].value() for row in form["q_team"].rows] == [
        None,
        None,
        "Chair",
        None,
        None,
    ]
