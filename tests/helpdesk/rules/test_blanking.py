"""Taking one person out of texts: what goes, and what only looks alike."""

from __future__ import annotations

import pytest

from helpdesk.rules.blanking import Blanker, Marks, Person

MARKS = Marks(
    addresses=frozenset(["jörg.müller@uni.example", "jm@uni.example"]),
    logins=frozenset(["jm12345", "otter", "ab"]),
    names=frozenset(["Jörg Müller", "Otter"]),
    phones=frozenset(["+49 711 5550"]),
)


@pytest.fixture
def blanker() -> Blanker:
    return Blanker(MARKS, "[gone]")


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Write to JM@Uni.Example.", "Write to [gone]."),
        ("<jm@uni.example>, x@y.example", "<[gone]>, x@y.example"),
        ("Herr Jörg Müller und Müller, Jörg", "Herr [gone] und [gone]"),
        ("JÖRG\nMÜLLER rang", "[gone] rang"),
        (
            "his account jm12345 and jm12345@old.example",
            "his account [gone] and [gone]@old.example",
        ),
        ("call +49 711 5550!", "call [gone]!"),
        ("the otter swims", "the [gone] swims"),
    ],
)
def test_marks_go(blanker, text, left):
    assert blanker.text(text) == left


@pytest.mark.parametrize(
    "text",
    [
        "anna.jm@uni.example",  # somebody else's, ending alike
        "jm@uni.example.org",
        "jm@uni.examples",
        "Jörg Müllerin",
        "Jörg and Müller",
        "otter@zoo.example",  # a word before an @ is somebody else's
        "ab",  # too short to be a mark
        "otters",
        "xjm12345",
        "+49 711 55501",
    ],
)
def test_what_only_looks_alike_stays(blanker, text):
    assert blanker.text(text) == text


def test_html_keeps_its_tags(blanker):
    html = '<a href="mailto:jm@uni.example" title="otter">Jörg Müller</a><otter>&lt;otter&gt;'
    assert blanker.html(html) == (
        '<a href="mailto:[gone]" title="otter">[gone]</a><otter>&lt;[gone]&gt;'
    )
    assert "%40" not in blanker.html('<a href="https://x.example/?to=jm%40uni.example">x</a>')


def test_data_and_recipients(blanker):
    rows = [{"jm12345": ["Jörg Müller", 3, None]}]
    assert blanker.data(rows) == [{"jm12345": ["[gone]", 3, None]}]
    pairs = [["Jörg Müller", "JM@uni.example"], ["Jörg Müller", "b@x.example"], "jm@uni.example"]
    assert blanker.without(pairs) == [["Jörg Müller", "b@x.example"]]


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Jörg Müller <jm2@other.example> wrote:", "Jörg Müller <jm2@other.example> wrote:"),
        ('"Müller, Jörg" <jm2@other.example>', '"Müller, Jörg" <jm2@other.example>'),
        ("Jörg Müller [mailto:b@x.example]", "Jörg Müller [mailto:b@x.example]"),
        ("Jörg Müller <JM@uni.example> wrote:", "[gone] <[gone]> wrote:"),
        ("Jörg Müller &lt;jm@uni.example&gt;", "[gone] &lt;[gone]&gt;"),
        ("Jörg Müller (the one of b@x.example)", "[gone] (the one of b@x.example)"),
    ],
)
def test_a_name_beside_an_address_is_whose_the_address_is(blanker, text, left):
    assert blanker.text(text) == left


def test_a_name_in_the_row_of_another_is_theirs(blanker):
    person = {"name": "Jörg Müller", "email": "b@x.example", "note": "knows Jörg Müller"}
    assert blanker.data(person) == {**person, "note": "knows [gone]"}
    cells = [{"value": one, "shown": one} for one in ("Jörg Müller", "b@x.example", "Jörg Müller!")]
    assert blanker.data([{"rows": [cells]}])[0]["rows"][0] == [
        *cells[:2],
        {"value": "[gone]!", "shown": "[gone]!"},
    ]


def test_a_name_that_others_have_marks_nobody():
    person = Person(names=frozenset(["Jo Doe", "Jo Roe"]), common=frozenset(["Jo Doe"]))
    assert Blanker(person.marks, "-").text("Jo Doe, Jo Roe") == "Jo Doe, -"
    assert Person.from_data(person.as_data()) == person
    assert person.title == "Jo Doe"


def test_whole_rows_of_lists_of_people_go():
    """A first name by itself is everybody's, but not in the row with their address."""
    blanker = Blanker(MARKS, "[gone]")
    agents = [
        {"first_name": "Jörg", "last_name": "M.", "email": "JM@uni.example", "role": "owns"},
        {"first_name": "Jörg", "last_name": "N.", "email": "jn@uni.example"},
    ]
    assert blanker.data(agents) == [
        {"first_name": "[gone]", "last_name": "[gone]", "email": "[gone]", "role": "owns"},
        agents[1],
    ]
    cells = [{"key": "a", "value": "Jörg", "shown": "Jörg"}, {"key": "b", "value": "jm12345"}]
    assert blanker.data([cells, cells[:1]]) == [
        [{"key": "a", "value": "[gone]", "shown": "[gone]"}, {"key": "b", "value": "[gone]"}],
        cells[:1],
    ]


def test_a_second_time_changes_nothing(blanker):
    once = blanker.text("Jörg Müller, jm@uni.example, jm12345")
    assert blanker.text(once) == once


def test_nobody_is_found_without_marks():
    nobody = Blanker(Marks(), "[gone]")
    assert nobody.is_idle
    assert nobody.text("anything <b>") == nobody.html("anything <b>") == "anything <b>"
    assert nobody.terms() == []


def test_terms_find_what_json_has_as_escapes(blanker):
    terms = blanker.terms()
    assert ("j\\u00f6rg.m\\u00fcller@uni.example",) in terms
    assert ("J\\u00f6rg", "M\\u00fcller") in terms


def test_a_person_goes_through_json_and_back():
    person = Person((3, 1), (7,), *(frozenset([one]) for one in "abcde"))
    again = Person.from_data(person.as_data())
    assert again.addresses == person.addresses
    assert set(again.customers) == {1, 3}
