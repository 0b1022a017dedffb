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
from datetime import date

#: More of a text is not read.
MAX_TEXT = 100_000

#: What a header may call a column, by its key or its type.
ALIASES: dict[str, tuple[str, ...]] = {
    "first_name": ("Vorname", "Vornamen", "First name", "Given name", "Forename"),
    "last_name": ("Nachname", "Familienname", "Name", "Last name", "Surname", "Family name"),
    "email": ("E-Mail", "Mail", "E-Mail-Adresse", "Mailadresse", "E-mail address"),
    "login": (
        *("Unikennung", "Kennung", "Anmeldename", "Benutzername"),
        *("Login", "Login name", "User name", "Account"),
    ),
    "phone": ("Telefon", "Telefonnummer", "Phone", "Phone number", "Tel."),
    "date": ("Datum", "Tag", "Date", "Day"),
    "number": ("Anzahl", "Zahl", "Number", "Quantity"),
}
ALIASES["login_name"] = ALIASES["login"]


@dataclass(frozen=True)
class Reading:
    """How a column is recognised and read: its names, its type, and for given answers the value of each label."""

    key: str
    names: tuple[str, ...]
    values: Mapping[str, str] = field(default_factory=dict)
    type: str = ""

    def is_called(self, text: str) -> bool:
        return bool(plain(text)) and plain(text) in {plain(name) for name in self.names}

    def value(self, text: str) -> str:
        """Return what is sent for the text of a cell; a text that is no answer stays as it is."""
        if self.type == "date":
            return day(text) or text
        return self.values.get(plain(text), text)

    def sent(self, text: str) -> list[str]:
        """Return all that is sent for the text of a cell: several answers, where several may be given."""
        if self.type != "choices":
            return [self.value(text)]
        return list(dict.fromkeys(self.value(one) for one in self._parts(text)))

    def _parts(self, text: str) -> list[str]:
        """Return the answers in a cell: “a; b”, “a, b”, or one that has such a sign itself."""
        if plain(text) in self.values:
            return [text]
        sign = ";" if ";" in text else ","
        return [part.strip() for part in text.split(sign) if part.strip()]

    def fits(self, text: str) -> bool:
        """Tell whether a cell can stand in the column: its control shows no other answer, and no other day."""
        if self.type == "date":
            return bool(day(self.value(text)))
        sent = self.sent(text)
        return not self.values or (bool(sent) and set(sent) <= set(self.values.values()))


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


_DAY = re.compile(r"([0-9]{1,2})[./] ?([0-9]{1,2})[./] ?([0-9]{4}|[0-9]{2})")
_ISO = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
#: From here two digits mean the century before, as everywhere in Python.
_PIVOT = 69


def day(text: str) -> str:
    """Return a day as YYYY-MM-DD: “31.12.2025”, “1/2/25”, or as it is; '' for what is none."""
    found, iso = _DAY.fullmatch(text), _ISO.fullmatch(text)
    if iso:
        year, month, number = map(int, iso.groups())
    elif found:
        number, month, year = map(int, found.groups())
        if len(found[3]) == len("25"):
            year += 1900 if year >= _PIVOT else 2000
    else:
        return ""
    try:
        return date(year, month, number).isoformat()
    except ValueError:
        return ""


@dataclass(frozen=True)
class Misfit:
    """A row of which a cell fits nowhere: its cells as they were, that cell, and its column."""

    line: str
    cell: str
    column: Reading


def sort(
    text: str, columns: Sequence[Reading], most: int
) -> tuple[list[dict[str, list[str]]], list[Misfit]]:
    """Return the rows of a pasted text, each what is sent for its cells, and apart those that fit nowhere."""
    rows, misfits = [], []
    for cells in _by_key(text, columns, most):
        wrong = next((one for one in columns if one.key in cells and not one.fits(cells[one.key])), None)  # fmt: skip
        if wrong is None:
            rows.append(_values(cells, columns))
        else:
            line = "\t".join(_quoted(cells.get(one.key, "")) for one in columns)
            misfits.append(Misfit(line, cells[wrong.key], wrong))
    return rows, misfits


def _quoted(cell: str) -> str:
    return '"{}"'.format(cell.replace('"', '""')) if cell.startswith('"') else cell


def read(text: str, columns: Sequence[Reading], most: int) -> list[dict[str, str]]:
    """Return the rows of a pasted text (at most `most`), each the texts of its cells by key. Never raises."""
    readings = {one.key: one for one in columns}
    return [
        {key: readings[key].value(cell) for key, cell in cells.items()}
        for cells in _by_key(text, columns, most)
    ]


def _values(cells: Mapping[str, str], columns: Sequence[Reading]) -> dict[str, list[str]]:
    readings = {one.key: one for one in columns}
    return {key: readings[key].sent(cell) for key, cell in cells.items()}


def _by_key(text: str, columns: Sequence[Reading], most: int) -> list[dict[str, str]]:
    """Return the cells of the rows by column, as they were written."""
    rows = [row for row in _rows(text[:MAX_TEXT]) if any(row)]
    order: list[Reading | None] = list(columns)
    if rows:
        found = [next((one for one in columns if one.is_called(cell)), None) for cell in rows[0]]
        if 2 * sum(one is not None for one in found) >= len(rows[0]):
            order, rows = found, rows[1:]
    return [
        {one.key: cell for one, cell in zip(order, row, strict=False) if one and cell}
        for row in rows[:most]
    ]


def _rows(text: str) -> Iterator[list[str]]:
    lines = re.sub(r"\r\n?", "\n", text.replace("\0", "")).split("\n")
    bare = re.sub(r'"[^"]*"', "", text)  # a cell in quotes may hold the signs
    sign = next((one for part in (bare, text) for one in "\t;," if one in part), "\t")
    try:
        # with its end, or a line break within a cell would be lost
        for row in csv.reader((f"{line}\n" for line in lines), delimiter=sign):
            yield [_cell(cell) for cell in row]
    except csv.Error:
        yield from ([_cell(cell) for cell in line.split(sign)] for line in lines)


def _cell(text: str) -> str:
    """Return the text of a cell on one line."""
    return " ".join(text.split())
