"""Each kind of field: what it takes and refuses, what is stored, what people read."""

from __future__ import annotations

from datetime import date, time, timedelta

import pytest
from django.utils import timezone, translation
from wagtail.blocks import StreamBlockValidationError

from helpdesk.pages import shapes, snapshot
from helpdesk.pages.forms import IntakeForm
from helpdesk.pages.inputs.numbers import Window
from helpdesk.pages.stream import FormFieldsBlock
from helpdesk.rules.conditions import FieldType
from helpdesk.rules.patterns import BadPattern
from tests.page_factories import question

CONTACT = {"contact_name": "Ada", "contact_email": "ada@mail.example"}
TODAY = timezone.localdate


def stream(type_, **options):
    return FormFieldsBlock().to_python([question(type_, "f", "Field", **options)])


def form(type_, given, **options):
    data = {} if given is None else {"q_f": given}
    return IntakeForm({**CONTACT, **data}, stream=stream(type_, **options), label_suffix="")


def entry(type_, given, **options):
    filled = form(type_, given, **options)
    assert filled.is_valid(), filled.errors
    [found] = snapshot.take(filled)
    return found


def in_days(days):
    return (TODAY() + timedelta(days=days)).isoformat()


@pytest.mark.parametrize(
    ("type_", "given", "options", "value", "shown"),
    [
        ("text", " Ada ", {}, "Ada", "Ada"),
        ("text", "1234567", {"shape": "matriculation"}, "1234567", "1234567"),
        ("text", "23.02.U1", {"shape": "room"}, "23.02.U1", "23.02.U1"),
        ("text", "H 5", {"shape": "room"}, "H 5", "H 5"),
        ("text", "40225", {"shape": "postcode"}, "40225", "40225"),
        ("text", "adlov100", {"shape": "login"}, "adlov100", "adlov100"),
        ("text", "ab-1234", {"shape": "own", "own_pattern": r"[A-Z]{2}-\d{4}"}, "ab-1234", "ab-1234"),
        ("text", "", {"shape": "matriculation"}, "", ""),
        ("text", "abc", {"min_length": 3, "max_length": 3}, "abc", "abc"),
        ("long_text", "a\r\nb", {"max_length": 3}, "a\nb", "a\nb"),
        ("email", "a@uni.example", {"domains": "uni.example, lab.example"}, "a@uni.example", "a@uni.example"),
        ("email", "a@LAB.example", {"domains": "@uni.example lab.example"}, "a@LAB.example", "a@LAB.example"),
        ("phone", "+49 (211) 81-00", {}, "+49 (211) 81-00", "+49 (211) 81-00"),
        ("number", "3", {"decimals": False}, 3, "3"),
        ("number", "2.5", {}, 2.5, "2.5"),
        ("number", "", {}, None, ""),
        ("number", "2,500", {}, 2500, "2500"),
        ("number", "1,299.50", {}, 1299.5, "1299.5"),
        ("number", "12 345", {"decimals": False}, 12345, "12345"),
        ("number", "1.000", {"decimals": False}, 1, "1"),
        ("number", "-1,000,000", {}, -1000000, "-1000000"),
        ("date", "2026-02-03", {}, "2026-02-03", "3 February 2026"),
        ("date", "3.2.2026", {"earliest": "2026-02-03", "latest": "2026-02-03"}, "2026-02-03", "3 February 2026"),
        ("time", "14:30", {}, "14:30", "14:30"),
        ("time", "9.05", {}, "09:05", "09:05"),
        ("time", "", {}, None, ""),
        ("time", "09:00", {"earliest": "09:00", "latest": "17:00"}, "09:00", "9 a.m."),
        ("time", "17:00:30", {"earliest": "09:00", "latest": "17:00"}, "17:00", "5 p.m."),
        ("choice", "b", {"choices": {"a": "Apple", "b": "Berry"}}, "b", "Berry"),
        ("choices", ["a", "b"], {"choices": {"a": "Apple", "b": "Berry"}}, ["a", "b"], "Apple, Berry"),
        ("yes_no", "no", {}, False, "No"),
        ("yes_no", None, {}, None, ""),
        ("consent", "on", {}, True, "Yes"),
        ("login", "adlov100", {}, "adlov100", "adlov100"),
        ("hidden", "something else", {"value": "faculty-3"}, "faculty-3", "faculty-3"),
        ("hidden", None, {"value": "faculty-3"}, "faculty-3", "faculty-3"),
        ("hidden", " Foyer\n\x00" + "x" * 500, {"parameter": "place"}, "Foyer  " + "x" * 192, "Foyer  " + "x" * 192),
        ("hidden", None, {"parameter": "place"}, "", ""),
    ],
)  # fmt: skip
def test_taken(type_, given, options, value, shown):
    found = entry(type_, given, **options)
    assert (found["type"], found["value"], found["shown"]) == (type_, value, shown)


@pytest.mark.parametrize(
    ("type_", "given", "options", "words"),
    [
        ("text", "", {"required": True}, "required"),
        ("text", "12345", {"shape": "matriculation"}, "six to eight digits"),
        ("text", "123456789", {"shape": "matriculation"}, "six to eight digits"),
        ("text", "1234567\u0665", {"shape": "matriculation"}, "six to eight digits"),
        ("text", "Foyer", {"shape": "room"}, "enter a room"),
        ("text", "4022", {"shape": "postcode"}, "five digits"),
        ("text", "ad lov", {"shape": "login"}, "log-in name"),
        ("text", "x ab-1234", {"shape": "own", "own_pattern": r"[A-Z]{2}-\d{4}"}, "form that is asked"),
        ("text", "ab", {"shape": "own", "own_pattern": "a|abc", "own_message": "A, please."}, "A, please."),
        ("text", "ab", {"min_length": 3}, "at least 3"),
        ("text", "abcd", {"max_length": 3}, "at most 3"),
        ("text", "x" * 501, {}, "at most 500"),
        ("long_text", "a\r\nbc", {"max_length": 3}, "at most 3"),
        ("email", "x@hhu.de.evil.org", {"domains": "hhu.de"}, "ends in @hhu.de"),
        ("email", "x@sub.hhu.de", {"domains": "hhu.de"}, "ends in @hhu.de"),
        ("email", "x@evilhhu.de", {"domains": "hhu.de, uni.example"}, "@hhu.de or @uni.example"),
        ("email", "hhu.de@evil.org", {"domains": "hhu.de"}, "ends in"),
        ("email", "x@hhu.dе", {"domains": "hhu.de"}, "ends in"),
        ("email", "nowhere", {}, "valid email"),
        ("phone", "call me", {}, "phone number"),
        ("number", "2.5", {"decimals": False}, "whole number"),
        ("number", "many", {}, "Enter a number"),
        ("number", "0", {"minimum": "1"}, "greater than or equal"),
        ("number", "NaN", {}, "Enter a number"),
        ("number", "1e400", {}, ""),
        ("date", "2026-02-30", {}, "valid date"),
        ("date", "2026-02-02", {"earliest": "2026-02-03"}, "Please choose 3 February 2026 or a later day."),
        ("date", "2026-02-04", {"latest": "2026-02-03"}, "Please choose 3 February 2026 or an earlier day."),
        ("date", "2025-01-01", {"earliest": "2026-02-03", "latest": "2026-02-04"}, "from 3 February 2026 to 4 Feb"),
        ("time", "25:00", {}, "valid time"),
        ("time", "08:59", {"earliest": "09:00"}, "Please choose 9 a.m. or a later time."),
        ("time", "17:01", {"latest": "17:00"}, "Please choose 5 p.m. or an earlier time."),
        ("time", "00:01", {"latest": "00:00", "earliest": "00:00"}, "from midnight to midnight"),
        ("choice", "c", {"choices": {"a": "Apple"}}, "valid choice"),
        ("yes_no", "maybe", {}, "valid choice"),
        ("consent", "", {}, "Please agree"),
        ("login", "a b", {}, "log-in name"),
        ("login", "<b>", {}, "log-in name"),
    ],
)  # fmt: skip
def test_refused(type_, given, options, words):
    filled = form(type_, given, **options)
    assert not filled.is_valid()
    assert words in filled.errors["q_f"][0]


@pytest.mark.parametrize(
    ("given", "value", "shown"),
    [
        ("2.500", 2500, "2500"),
        ("1.000", 1000, "1000"),
        ("1.299,00", 1299, "1299"),
        ("1.299,50", 1299.5, "1299,5"),
        ("1.000.000", 1000000, "1000000"),
        ("12 345,5", 12345.5, "12345,5"),
        ("12\u202f345", 12345, "12345"),
        ("2,50", 2.5, "2,5"),
        ("2.5", 2.5, "2,5"),
        ("0.500", 0.5, "0,5"),
    ],
)
def test_a_german_number(given, value, shown):
    with translation.override("de"):
        found = entry("number", given)
    assert (found["value"], found["shown"]) == (value, shown)


@pytest.mark.parametrize("given", ["1.0000,5", "1.00.000", "1,5,5", "1.000 000", "1,000,000"])
def test_what_is_no_german_number_is_refused(given):
    with translation.override("de"):
        assert "q_f" in form("number", given).errors


def test_a_condition_reads_thousands_too():
    """In German “1.000” was one, and the question that it brings was not asked."""
    raw = [
        question("number", "n", "Number"),
        question(
            "text", "t", "Why", required=True, condition={"field": "n", "op": "ge", "value": 1000}
        ),
    ]
    with translation.override("de"):
        filled = IntakeForm(
            {**CONTACT, "q_n": "1.000"}, stream=FormFieldsBlock().to_python(raw), label_suffix=""
        )
        assert list(filled.errors) == ["q_t"]


@pytest.mark.parametrize(
    ("relative", "good", "bad"),
    [
        ({"relative": "from_today"}, [0, 400], [-1]),
        ({"relative": "until_today"}, [0, -400], [1]),
        ({"relative": "past"}, [-1, -400], [0]),
        ({"relative": "within", "days": 14}, [0, 14], [-1, 15]),
    ],
)
def test_days_seen_from_today(relative, good, bad):
    for days in good:
        assert form("date", in_days(days), **relative).is_valid()
    for days in bad:
        assert "Please choose" in form("date", in_days(days), **relative).errors["q_f"][0]


def test_a_window_that_is_over_says_so():
    window = Window(date(2026, 5, 1)).narrowed(None, date(2026, 4, 1))
    assert window.words() == "No day is possible here at the moment."


def test_the_browser_is_told_the_window_and_what_it_may_fill_in():
    born = stream("date", latest="2010-01-01", autocomplete="bday")
    attrs = IntakeForm(stream=born).fields["q_f"].widget.attrs
    assert (attrs["max"], attrs["autocomplete"]) == ("2010-01-01", "bday")


@pytest.mark.parametrize(
    ("type_", "options", "mode"),
    [
        ("text", {"shape": "matriculation"}, "numeric"),
        ("number", {"decimals": False, "minimum": "0"}, "numeric"),
        ("number", {"minimum": "0"}, "decimal"),
    ],
)
def test_keys_that_a_phone_shows(type_, options, mode):
    attrs = IntakeForm(stream=stream(type_, **options)).fields["q_f"].widget.attrs
    assert attrs["inputmode"] == mode


def test_times_and_days_are_stored_alike_in_every_language():
    with translation.override("de"):
        assert entry("time", "14:30")["value"] == "14:30"
        assert entry("time", "14:30")["shown"] == "14:30"
        assert entry("date", "2026-02-03")["shown"] == "3. Februar 2026"
        assert entry("number", "2,5")["value"] == 2.5


# --- who is signed in ---


class Known:
    is_authenticated = True
    email = "ada@mail.example"

    def get_full_name(self):
        return "Ada"

    def get_username(self):
        return "Adlov.100@legacy"


def test_the_log_in_name_of_who_is_signed_in_is_that_of_the_account():
    fresh = IntakeForm(stream=stream("login", required=True), user=Known())
    assert fresh["q_f"].value() == "Adlov.100@legacy"
    assert fresh.fields["q_f"].widget.attrs["readonly"]
    for sent in ({"q_f": "somebody"}, {"q_f": ""}, {}):
        filled = IntakeForm(sent, stream=stream("login", required=True), user=Known())
        assert filled.is_valid(), filled.errors
        assert filled.cleaned_data["q_f"] == "Adlov.100@legacy"
        assert filled["q_f"].value() == "Adlov.100@legacy"


# --- hidden values ---


def test_a_hidden_value_comes_from_the_address():
    fresh = IntakeForm(stream=stream("hidden", parameter="place"), parameters={"place": "Foyer"})
    assert 'value="Foyer"' in str(fresh["q_f"])
    assert fresh["q_f"].is_hidden
    other = IntakeForm(stream=stream("hidden", value="x"), parameters={"": "y", "x": "z"})
    assert other["q_f"].value() == "x"


# --- what editors may build ---


@pytest.mark.parametrize(
    ("type_", "options", "child"),
    [
        ("text", {"shape": "own", "own_pattern": ""}, "own_pattern"),
        ("text", {"shape": "own", "own_pattern": "(a+)+"}, "own_pattern"),
        ("text", {"shape": "own", "own_pattern": "(a"}, "own_pattern"),
        ("text", {"min_length": 5, "max_length": 4}, "min_length"),
        ("email", {"domains": "hhu.de, nonsense"}, "domains"),
        ("email", {"domains": "hhu.de, a b@c"}, "domains"),
        ("number", {"minimum": "5", "maximum": "4"}, "maximum"),
        ("date", {"earliest": "2026-02-03", "latest": "2026-02-02"}, "latest"),
        ("date", {"relative": "within"}, "days"),
        ("files", {"endings": "pdf, tar.gz"}, "endings"),
        ("files", {"endings": "pdf; exe"}, "endings"),
        ("hidden", {}, "value"),
        ("hidden", {"value": "x", "parameter": "y"}, "value"),
        ("hidden", {"parameter": "Not this"}, "parameter"),
        ("group", {"minimum": 4, "maximum": 2, "columns": [question("text", "a", "A")]}, "maximum"),
        ("group", {"columns": []}, "columns"),
    ],
)
def test_what_makes_no_sense_is_refused_in_the_editor(type_, options, child):
    value = stream(type_, **options)
    with pytest.raises(StreamBlockValidationError) as caught:
        value.stream_block.clean(value)
    assert child in caught.value.block_errors[0].block_errors


def test_endings_may_be_written_in_many_ways():
    value = stream("files", endings="tex, json; .SVG *.pdf")
    value.stream_block.clean(value)
    field = value[0].block.build(value[0].value)
    assert field.limits.endings == ("tex", "json", "svg", "pdf")
    assert field.widget.attrs["accept"] == ".tex,.json,.svg,.pdf"


def test_every_kind_of_field_says_how_it_is_compared():
    kinds = FormFieldsBlock().kinds()
    assert {name for name, kind in kinds.items() if kind is None} >= {"files", "group", "people"}
    assert kinds["time"] is FieldType.TIME


def test_every_kind_of_field_has_an_icon_and_a_group():
    for name, block in FormFieldsBlock().child_blocks.items():
        assert block.meta.icon != "placeholder", name
        assert block.meta.group, name


@pytest.mark.parametrize("name", [name for name in shapes.SHAPES if name != "login"])
def test_ready_shapes_are_safe_patterns(name):
    assert shapes.whole(shapes.SHAPES[name].pattern)


def test_an_own_pattern_has_to_be_safe():
    with pytest.raises(BadPattern):
        shapes.whole("(a|aa)+")


def test_the_control_of_a_time_knows_its_ends():
    [child] = stream("time", earliest="09:00", latest="17:30")
    widget = child.block.build(child.value).widget
    assert (widget.input_type, widget.attrs["min"], widget.attrs["max"]) == (
        "time",
        "09:00",
        "17:30",
    )
    [child] = stream("time")
    assert not {"min", "max"} & set(child.block.build(child.value).widget.attrs)


def test_the_latest_time_is_not_before_the_earliest():
    value = stream("time", earliest="17:00", latest="09:00")
    with pytest.raises(StreamBlockValidationError) as caught:
        value.stream_block.clean(value)
    assert "before the earliest time" in str(caught.value.block_errors[0].block_errors["latest"])


def test_time_has_no_seconds():
    [child] = stream("time")
    assert child.block.typed(child.value, time(8, 5, 59)) == "08:05"
