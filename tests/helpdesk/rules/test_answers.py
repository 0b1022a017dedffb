from __future__ import annotations

from datetime import date

import pytest

from helpdesk.models.answers import MAX_KEY, MAX_LABEL, MAX_TEXT
from helpdesk.rules import answers


def entry(key: str, type_: str = "text", value: object = None, **more: object) -> dict[str, object]:
    return {"key": key, "type": type_, "label": key.title(), "value": value, **more}


@pytest.mark.parametrize(
    ("given", "rows"),
    [
        (entry("room", value=" 12.3  B\nOst"), [("room", None, "12.3 b ost", None, None)]),
        (entry("street", value="Große STRAẞE"), [("street", None, "grosse strasse", None, None)]),
        (entry("count", "number", 2.5), [("count", None, "2.5", 2.5, None)]),
        (entry("count", "number", 0), [("count", None, "0", 0.0, None)]),
        (entry("ok", "yes_no", False), [("ok", None, "no", None, None)]),
        (entry("day", "date", "2026-11-20"), [("day", None, "2026-11-20", None, date(2026, 11, 20))]),
        (entry("day", "date", "soon"), [("day", None, "soon", None, None)]),
        (entry("code", "text", "2026-11-20"), [("code", None, "2026-11-20", None, None)]),
        (entry("floors", "choices", ["one", "two"]), [("floors", None, "one", None, None), ("floors", None, "two", None, None)]),
        (entry("photo", "files", [{"name": "A.png", "size": 1}]), [("photo", None, "a.png", None, None)]),
        (entry("who", "login", {"name": "Ada", "login": "ada1"}), [("who.name", None, "ada", None, None), ("who.login", None, "ada1", None, None)]),
        (entry("none"), []),
        (entry("empty", value=""), []),
        (entry("several", "choices", []), []),
    ],
    ids=lambda value: str(value)[:40] if isinstance(value, dict) else "",
)  # fmt: skip
def test_each_value_is_a_row(given, rows):
    found = answers.values_of([given])
    assert [(one.key, one.row, one.text, one.number, one.day) for one in found] == rows


def test_lines_of_a_group_are_numbered_and_private_with_it():
    group = entry(
        "people",
        "group",
        rows=[
            [entry("mail", "email", "A@mail.example"), entry("age", "number", 7)],
            [entry("mail", "email", "b@mail.example", private=True)],
        ],
    )
    found = answers.values_of([group])
    assert [(one.key, one.row, one.text, one.private) for one in found] == [
        ("people.mail", 0, "a@mail.example", False),
        ("people.age", 0, "7", False),
        ("people.mail", 1, "b@mail.example", True),
    ]
    assert all(one.private for one in answers.values_of([{**group, "private": True}]))
    assert [(one.key, one.label, one.type) for one in answers.fields_of([group])] == [
        ("people", "People", "group"),
        ("people.mail", "People: Mail", "email"),
        ("people.age", "People: Age", "number"),
    ]


@pytest.mark.parametrize(
    "snapshot",
    [None, "text", {"key": "a"}, [None, 3, {}, {"key": 3}, {"key": "k" * 200, "value": "x"}]],
)
def test_odd_snapshots_lose_a_value_and_never_more(snapshot):
    assert answers.values_of(snapshot) == []
    assert answers.fields_of(snapshot) == []


def test_sizes_are_bounded_and_those_of_the_table():
    assert (MAX_KEY, MAX_TEXT, MAX_LABEL) == (
        answers.MAX_KEY,
        answers.MAX_TEXT,
        answers.MAX_LABEL,
    )
    # what gets longer when it is folded is cut after that
    assert len(answers.values_of([entry("a", value="ß" * 400)])[0].text) == MAX_TEXT
    lines = [[entry("a", value="x")]] * (answers.MAX_ROWS + 7)
    assert len(answers.values_of([entry("g", "group", rows=lines)])) == answers.MAX_ROWS


@pytest.mark.parametrize(
    ("words", "asked", "rest"),
    [
        ("answer:room=4711 drucker", [("room", "4711")], "drucker"),
        ('drucker answer:f12ab.name="Ada Bei" x', [("f12ab.name", "Ada Bei")], "drucker x"),
        ("ANSWER:Room=12 answer:kind=toner", [("room", "12"), ("kind", "toner")], ""),
        ("myanswer:room=4711", [], "myanswer:room=4711"),
        ("answer: room", [], "answer: room"),
    ],
)
def test_query_asks_for_answers(words, asked, rest):
    pairs, left = answers.read_asked(words)
    assert pairs == asked
    assert " ".join(left.split()) == rest
