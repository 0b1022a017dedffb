"""Rows pasted from a table: the selection of a spreadsheet, lines of a CSV file, or what somebody typed like that.

Cells are divided by tabs, semicolons or commas, whichever the text has first in this order. A first line
of which half or more names columns says which is which, in German or English; without one the cells come in the order of
the columns. `static/helpdesk/rows.js` reads the same way.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

#: More of a text is not read.
MAX_TEXT = 100_000

#: What a header may call a column, by its key or its type.
ALIASES: dict[str, tuple[str, ...]] = {
    "first_name": ("Vorname", "Vornamen", "First name", "Given name", "Forename"),
    "last_name": ("Nachname", "Familienname", "Name", "Last name", "Surname", "Family name"),
    "email": ("E-Mail", "Mail", "E-Mail-Adresse", "Mailadresse", "E-mail address"),
    "login": (
        "Unikennung",
        "Kennung",
        "Benutzername",
        "Login",
        "Login name",
        "User name",
        "Account",
    ),  # fmt: skip
    "phone": ("Telefon", "Telefonnummer", "Phone", "Phone number", "Tel."),
    "date": ("Datum", "Tag", "Date", "Day"),
    "number": ("Anzahl", "Zahl", "Number", "Quantity"),
}
ALIASES["login_name"] = ALIASES["login"]


@dataclass(frozen=True)
class Reading:
    """How a column is recognised and read: its names, and for given answers the value of each label."""

    key: str
    names: tuple[str, ...]
    values: Mapping[str, str] = field(default_factory=dict)

    def is_called(self, text: str) -> bool:
        return bool(plain(text)) and plain(text) in {plain(name) for name in self.names}

    def value(self, text: str) -> str:
        """Return what is sent for the text of a cell; a text that is no answer stays as it is."""
        return self.values.get(plain(text), text)


def names_of(label: str, key: str, type_: str) -> tuple[str, ...]:
    """Return what a header may call a column: its label, and what means the same."""
    found = [label, *ALIASES.get(key, ()), *ALIASES.get(type_, ())]
    for names in ALIASES.values():
        if plain(label) in {plain(name) for name in names}:
            found += names
    return tuple(dict.fromkeys(found))


def plain(text: str) -> str:
    """Return a name as it is compared: letters and digits in lower case."""
    return re.sub(r"[\W_]+", "", text).casefold()


def read(text: str, columns: Sequence[Reading], most: int) -> list[dict[str, str]]:
    """Return the rows of a pasted text (at most `most`), each the texts of its cells by key. Never raises."""
    rows = [row for row in _rows(text[:MAX_TEXT]) if any(row)]
    order: list[Reading | None] = list(columns)
    if rows:
        found = [next((one for one in columns if one.is_called(cell)), None) for cell in rows[0]]
        if 2 * sum(one is not None for one in found) >= len(rows[0]):
            order, rows = found, rows[1:]
    return [
        {one.key: one.value(cell) for one, cell in zip(order, row, strict=False) if one and cell}
        for row in rows[:most]
    ]


def _rows(text: str) -> Iterator[list[str]]:
    lines = re.sub(r"\r\n?", "\n", text.replace("\0", "")).split("\n")
    sign = next((one for one in "\t;," if one in text), "\t")
    try:
        yield from [[cell.strip() for cell in row] for row in csv.reader(lines, delimiter=sign)]
    except csv.Error:
        yield from [[cell.strip() for cell in line.split(sign)] for line in lines]
