"""Correcting what forms and lists of people say of one person, where its meaning is known by type. Pure.

An answer of the type e-mail, phone or log-in name is the person's if it is the one that was corrected. A name is theirs
only in a row of a list of people that has their address or log-in name beside it. In a request of somebody else an
address says less, for a wrong one is another's perhaps: there it is theirs in a row that has their name or log-in name,
too, and a log-in name anywhere. Free text is never touched.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from helpdesk import addressing

from .answers import line_of_row, with_rows

#: Columns of a list of people that are names.
FIRST, LAST = "first_name", "last_name"
#: How the values of a type are compared.
_COMPARED: Mapping[str, Callable[[str], str]] = {
    "email": lambda text: addressing.canonical(text) if addressing.is_address(text) else "",
    "login": lambda text: text.strip().casefold(),
    "phone": lambda text: "".join(text.split()),
}
#: Of a row as orders of queues keep it: the type of each column.
_OF_ORDERS: Mapping[str, str] = {"email": "email", "login_name": "login"}


@dataclass(frozen=True)
class Corrections:
    """What was corrected: pairs of before and after by the type of an answer, and of the full name.

    `known` are values by which the person is known, corrected or not, by type, and `name` is their full name before.
    `in_others`: what is looked at is a request of somebody else.
    """

    values: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    names: tuple[str, str] | None = None
    known: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    name: str = ""
    in_others: bool = False

    def __bool__(self) -> bool:
        return any(self.values.values()) or self.names is not None

    def after(self, type_: str, value: Any) -> str | None:
        """Return what takes the place of a value, or None if it is none of those corrected."""
        same = _COMPARED.get(type_)
        if same is None or not isinstance(value, str) or not same(value):
            return None
        pairs = self.values.get(type_, ())
        return next((after for before, after in pairs if same(before) == same(value)), None)

    def alone(self, type_: str, value: Any) -> str | None:
        """Return the same of an answer that stands in no row of theirs."""
        return None if self.in_others and type_ != "login" else self.after(type_, value)

    def is_theirs(self, cells: Iterable[tuple[str, Any]], names: tuple[Any, Any]) -> bool:
        """Tell whether a row of a list of people is the person's: types and values, and its two names."""
        found = {type_ for type_, value in cells if self._is_known(type_, value)}
        if "login" in found or not self.in_others:
            return bool(found)
        full = " ".join(one for one in names if isinstance(one, str))
        return bool(found) and bool(self.name) and _folded(full) == _folded(self.name)

    def _is_known(self, type_: str, value: Any) -> bool:
        same = _COMPARED.get(type_)
        if same is None or type_ == "phone" or not isinstance(value, str) or not same(value):
            return False  # a phone number may be many people's
        return any(same(one) == same(value) for one in self.known.get(type_, ()))


@dataclass(frozen=True)
class Place:
    """An answer that is the person's."""

    label: str
    shown: str


def corrected(snapshot: object, wanted: Corrections) -> list[dict[str, Any]]:
    """Return a snapshot of a form with the corrections made; entries that cannot be read stay out."""
    entries = snapshot if isinstance(snapshot, list | tuple) else ()
    return [_entry(dict(one), wanted) for one in entries if isinstance(one, Mapping)]


def _entry(entry: dict[str, Any], wanted: Corrections) -> dict[str, Any]:
    rows = entry.get("rows")
    if isinstance(rows, list):
        if not all(map(_is_readable, rows)):
            return entry
        changed = [_row(row, wanted) for row in rows]
        return _with_rows(entry, changed) if changed != rows else entry
    return _changed(entry, wanted.alone(str(entry.get("type")), entry.get("value")))


def _changed(entry: dict[str, Any], after: str | None) -> dict[str, Any]:
    return entry if after is None else {**entry, "value": after, "shown": after}


def _is_readable(row: object) -> bool:
    return isinstance(row, list) and all(isinstance(one, Mapping) for one in row)


def _with_rows(entry: dict[str, Any], rows: list[Any]) -> dict[str, Any]:
    """Return a list with other rows; what it shows stays but for what changed in a row."""
    shown = str(entry.get("shown") or "")
    for before, after in zip(entry["rows"], rows, strict=True):
        if before != after:
            shown = shown.replace(line_of_row(before), line_of_row(after), 1)
    return {**with_rows(entry, rows), "shown": shown}


def _row(row: list[Any], wanted: Corrections) -> list[Any]:
    cells = [dict(one) for one in row if isinstance(one, Mapping)]
    if not _is_theirs(cells, wanted):
        return [_entry(one, wanted) for one in cells]
    names = _names({str(one.get("key")): one.get("value") for one in cells}, wanted)
    found = []
    for one in cells:
        after = wanted.after(str(one.get("type")), one.get("value"))
        found.append(_changed(one, names.get(str(one.get("key")), after)))
    return found


def _is_theirs(cells: Collection[Mapping[str, Any]], wanted: Corrections) -> bool:
    said = {str(one.get("key")): one.get("value") for one in cells}
    typed = [(str(one.get("type")), one.get("value")) for one in cells]
    return wanted.is_theirs(typed, (said.get(FIRST), said.get(LAST)))


def _is_theirs_in_order(row: Mapping[str, Any], wanted: Corrections) -> bool:
    typed = [(type_, row.get(key)) for key, type_ in _OF_ORDERS.items()]
    return wanted.is_theirs(typed, (row.get(FIRST), row.get(LAST)))


def corrected_rows(rows: object, wanted: Corrections) -> list[Any]:
    """Return the agents named in an order of a queue with the corrections made."""
    found: list[Any] = []
    for row in rows if isinstance(rows, list) else ():
        if not isinstance(row, Mapping) or not _is_theirs_in_order(row, wanted):
            found.append(row)
            continue
        afters = {key: wanted.after(type_, row.get(key)) for key, type_ in _OF_ORDERS.items()}
        changes = {**_names(row, wanted), **afters}
        found.append({**row, **{key: one for key, one in changes.items() if one is not None}})
    return found


def _names(said: Mapping[str, Any], wanted: Corrections) -> dict[str, str]:
    """Return the columns of a row that have the name before, with the one after."""
    if wanted.names is None or not isinstance(said.get(FIRST), str):
        return {}
    first, last = said[FIRST], said.get(LAST)
    if not isinstance(last, str) or _folded(f"{first} {last}") != _folded(wanted.names[0]):
        return {}
    return dict(zip((FIRST, LAST), _parted(wanted.names[1], first, last), strict=True))


def _parted(name: str, first: str, last: str) -> tuple[str, str]:
    """Return a full name in two: what stayed of the name before says where it is parted, else the last word is one."""
    words = " ".join(name.split())
    if last.strip() and _folded(words).endswith(f" {_folded(last)}"):
        return words[: -len(last.strip())].strip(), words[-len(last.strip()) :]
    if first.strip() and _folded(words).startswith(f"{_folded(first)} "):
        return words[: len(first.strip())], words[len(first.strip()) :].strip()
    before, _space, after = words.rpartition(" ")
    return before, after


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()


def places(snapshot: object, known: Corrections) -> Iterator[Place]:
    """Yield the answers of a snapshot that are the person's, a row of theirs as one. `known` lets each value become itself."""
    for entry in snapshot if isinstance(snapshot, list | tuple) else ():
        if isinstance(entry, Mapping):
            yield from _places(entry, known, "")


def _places(entry: Mapping[str, Any], known: Corrections, within: str) -> Iterator[Place]:
    label = f"{within}{entry.get('label') or entry.get('key') or ''}"
    rows = entry.get("rows")
    if not isinstance(rows, list):
        if known.alone(str(entry.get("type")), entry.get("value")) is not None:
            yield Place(label, str(entry.get("shown") or ""))
        return
    for number, row in enumerate(rows, 1):
        cells = [one for one in row if isinstance(one, Mapping)] if isinstance(row, list) else []
        if _is_theirs(cells, known):
            yield Place(f"{label} {number}", line_of_row(cells))
            continue
        for cell in cells:
            yield from _places(cell, known, f"{label} {number}: ")


def places_in_rows(rows: object, known: Corrections) -> Iterator[Place]:
    """Yield the rows of the agents named in an order of a queue that are the person's."""
    for number, row in enumerate(rows if isinstance(rows, list) else (), 1):
        if isinstance(row, Mapping) and _is_theirs_in_order(row, known):
            texts = (row.get(key) for key in (FIRST, LAST, *_OF_ORDERS))
            yield Place(str(number), " ".join(one for one in texts if isinstance(one, str) and one))
