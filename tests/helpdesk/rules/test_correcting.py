"""Correcting what forms say of one person: typed answers, and names beside them; never free text."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from helpdesk.rules import correcting
from helpdesk.rules.correcting import Corrections

WANTED = Corrections(
    values={
        "email": (("ada@old.example", "ada@new.example"),),
        "login": (("al1815", "al1816"),),
        "phone": (("+49 1", "+49 2"),),
    },
    names=("Ada Byron", "Ada Lovelace"),
    known={"email": ("ada@old.example", "ada@other.example"), "login": ("al1815",)},
    name="Ada Byron",
)


def answer(type_: str, value: str, key: str = "x") -> dict[str, Any]:
    return {"key": key, "label": key.title(), "type": type_, "value": value, "shown": value}


def people(*rows: tuple[str, str, str, str]) -> dict[str, Any]:
    cells = [
        [
            answer("text", first, "first_name"),
            answer("text", last, "last_name"),
            answer("email", mail, "email"),
            answer("login", login, "login_name"),
        ]
        for first, last, mail, login in rows
    ]
    shown = "\n".join(
        f"{number}. " + ", ".join(f"{one['label']}: {one['value']}" for one in row if one["value"])
        for number, row in enumerate(cells, 1)
    )
    return {"key": "people", "label": "People", "type": "group", "rows": cells, "value": [], "shown": shown}  # fmt: skip


def rows_of(entry: dict[str, Any]) -> list[tuple[str, ...]]:
    return [tuple(one["value"] for one in row) for row in entry["rows"]]


@pytest.mark.parametrize(
    ("type_", "before", "after"),
    [
        ("email", "Ada@OLD.example", "ada@new.example"),
        ("login", "AL1815", "al1816"),
        ("phone", "+491", "+49 2"),
        ("email", "ada@other.example", "ada@other.example"),
        ("email", "not an address", "not an address"),
        ("email", "", ""),
        ("text", "ada@old.example", "ada@old.example"),
        ("text", "Ada Byron", "Ada Byron"),
        ("long_text", "I am al1815", "I am al1815"),
    ],
)
def test_an_answer_is_corrected_by_its_type(type_, before, after):
    (entry,) = correcting.corrected([answer(type_, before)], WANTED)
    assert (entry["value"], entry["shown"]) == (after, after)


def test_in_a_list_the_name_goes_with_what_is_known_beside_it():
    entry = people(
        ("Ada", "Byron", "ada@other.example", ""),
        ("Ada", "Byron", "somebody@else.example", "ab1"),
        ("Bo", "Byron", "ada@old.example", ""),
    )
    (found,) = correcting.corrected([entry], WANTED)
    assert rows_of(found) == [
        ("Ada", "Lovelace", "ada@other.example", ""),
        ("Ada", "Byron", "somebody@else.example", "ab1"),
        ("Bo", "Byron", "ada@new.example", ""),
    ]
    assert found["shown"].splitlines()[0] == (
        "1. First_Name: Ada, Last_Name: Lovelace, Email: ada@other.example"
    )
    assert found["value"][0]["last_name"] == "Lovelace"


def test_in_requests_of_others_an_address_alone_says_too_little():
    wanted = replace(WANTED, in_others=True)
    said = [
        answer("email", "ada@old.example"),
        answer("login", "al1815"),
        people(
            ("Bo", "Byron", "ada@old.example", ""),
            ("Ada", "Byron", "ada@old.example", ""),
            ("A.", "B.", "ada@old.example", "al1815"),
        ),
    ]
    mail, login, rows = correcting.corrected(said, wanted)
    assert (mail["value"], login["value"]) == ("ada@old.example", "al1816")
    assert rows_of(rows) == [
        ("Bo", "Byron", "ada@old.example", ""),
        ("Ada", "Lovelace", "ada@new.example", ""),
        ("A.", "B.", "ada@new.example", "al1816"),
    ]


@pytest.mark.parametrize(
    ("first", "last", "after", "parted"),
    [
        ("Ada", "Byron", "Ada Lovelace", ("Ada", "Lovelace")),
        ("Ada", "Byron", "Ada King Noel", ("Ada", "King Noel")),
        ("Ada", "von Byron", "Augusta Ada von Byron", ("Augusta Ada", "von Byron")),
        ("Ada", "Byron", "Max Erich Muster", ("Max Erich", "Muster")),
        ("Ada", "Byron", "Prince", ("", "Prince")),
    ],
)
def test_a_name_is_parted_as_it_was(first, last, after, parted):
    wanted = replace(WANTED, names=(f"{first} {last}", after))
    (found,) = correcting.corrected([people((first, last, "", "al1815"))], wanted)
    assert rows_of(found)[0][:2] == parted


def test_agents_in_an_order():
    def row(first: str, last: str, mail: str, login: str) -> dict[str, str]:
        return {"first_name": first, "last_name": last, "email": mail, "login_name": login, "check": "ok"}  # fmt: skip

    rows = [row("Ada", "Byron", "", "al1815"), row("Ada", "Byron", "x@x.example", "ab1")]
    first, second = correcting.corrected_rows(rows, replace(WANTED, in_others=True))
    assert (first["last_name"], first["login_name"], first["check"]) == ("Lovelace", "al1816", "ok")
    assert second == rows[1]
    assert correcting.corrected_rows("odd", WANTED) == []


def test_places_are_what_would_be_corrected():
    same = Corrections(
        values={"email": (("ada@old.example", "ada@old.example"),)},
        names=("Ada Byron", "Ada Byron"),
        known={"email": ("ada@old.example",)},
        name="Ada Byron",
    )
    said = [
        answer("email", "ada@old.example", "mail"),
        answer("text", "ada@old.example", "free"),
        people(("Ada", "Byron", "ada@old.example", ""), ("Bo", "Bee", "b@x.example", "")),
    ]
    found = [(one.label, one.shown) for one in correcting.places(said, same)]
    assert found[0] == ("Mail", "ada@old.example")
    assert found[1][0] == "People 1"
    assert len(found) == 2


@pytest.mark.parametrize("odd", [None, "x", [1, None], [{"rows": "x"}], [{"rows": [1, [2]]}]])
def test_odd_snapshots_break_nothing(odd):
    correcting.corrected(odd, WANTED)
    list(correcting.places(odd, WANTED))
