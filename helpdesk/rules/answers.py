"""The answers of a form as data: one value, one row; and the fields as they were shown. Pure.

A frozen snapshot (see `helpdesk.pages.snapshot`) is read here and nowhere else for that purpose. Old or odd
snapshots lose a value, never more.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

#: So much of an answer is compared; the whole stands in the snapshot and in the first message.
MAX_TEXT = 250
#: So many rows a ticket can have: a form with a hundred fields and a list of several hundred lines.
MAX_ROWS = 5000
MAX_KEY = 100
MAX_LABEL = 500
#: Characters of a ticket's subject: a longer one was cut.
MAX_SUBJECT = 250
#: Between the key of a list of rows and that of a field in it.
WITHIN = "."

#: What is neither text nor number, by the type of its entry.
_YES, _NO = "yes", "no"
#: The type of a value that goes with a form and that its sender never saw.
HIDDEN = "hidden"
#: The type of a field that takes files.
FILES = "files"
#: The types of fields whose answers say who somebody is, marked as personal or not.
TELLING = frozenset({"email", "phone", "login"})
#: Answers that begin on a line of their own.
_BLOCKS = frozenset({"long_text", "group"})
_ASKED = re.compile(r'(?<!\S)answer:([a-z][a-z0-9_.]{0,99})=(?:"([^"]*)"?|(\S*))', re.IGNORECASE)


@dataclass(frozen=True)
class Value:
    """One value of one field: `row` counts from 0 in a list of rows and is None outside."""

    key: str
    row: int | None
    text: str
    number: float | None = None
    day: date | None = None
    private: bool = False


@dataclass(frozen=True)
class Shown:
    """A field as somebody saw it. `choices` are the answers offered, as pairs of value and label."""

    key: str
    type: str
    label: str
    choices: tuple[tuple[str, str], ...] = ()


def folded(text: object) -> str:
    """Return how a text is compared: one line, no capitals, one way of writing accents, bounded."""
    return " ".join(unicodedata.normalize("NFKC", str(text)).casefold().split())[:MAX_TEXT]


def values_of(snapshot: object) -> list[Value]:
    """Return the values of a snapshot, empty answers left out. Several choices are several values."""
    found: list[Value] = []
    for value in _values(snapshot, "", None, private=False):
        found.append(value)
        if len(found) == MAX_ROWS:
            break
    return found


def fields_of(snapshot: object) -> list[Shown]:
    """Return the fields of a snapshot in their order, each once; those of a list of rows after it."""
    found: dict[str, Shown] = {}
    for field in _fields(snapshot, "", ""):
        found.setdefault(field.key, field)
    return list(found.values())


def told(snapshot: object) -> list[dict[str, Any]]:
    """Return the entries that may be shown to whoever sent them: without hidden values."""
    entries = snapshot if isinstance(snapshot, list | tuple) else ()
    return [one for one in entries if isinstance(one, dict) and one.get("type") != HIDDEN]


def line_of(entry: Mapping[str, Any]) -> str:
    """Return an entry as it stands in the message that a form writes; '' for an empty answer."""
    if not entry.get("shown"):
        return ""
    glue = "\n" if entry.get("type") in _BLOCKS else " "
    label = str(entry.get("label") or "").rstrip(": ")
    stop = "" if label.endswith((".", "?", "!")) else ":"
    return f"{label}{stop}{glue}{entry['shown']}"


def is_personal(entry: Mapping[str, Any]) -> bool:
    """Tell whether an answer goes with the personal details: marked so, or of a kind that says who somebody is."""
    return bool(entry.get("private")) or entry.get("type") in TELLING


def is_files(entry: Mapping[str, Any]) -> bool:
    """Tell whether an answer is files: it goes with them, for it says their names."""
    return entry.get("type") == FILES


def lines_that_go(
    snapshot: object,
    goes: Callable[[Mapping[str, Any]], bool],
    before: Callable[[Mapping[str, Any]], bool],
) -> list[list[str]]:
    """Return the lines of a form's message of which answers go, each with what may stay of it.

    Also as they read where those other answers for which `before` holds went already: a list of rows is one line.
    """
    entries = snapshot if isinstance(snapshot, list | tuple) else ()
    whole = [dict(one) for one in entries if isinstance(one, Mapping)]
    found: list[list[str]] = []
    for then in (whole, emptied(whole, before)):
        pairs = zip(then, emptied(then, goes), strict=True)
        lines = [[line_of(was), line_of(now)] for was, now in pairs if was != now]
        found += [pair for pair in lines if pair[0] and pair[0] != pair[1] and pair not in found]
    return found


def words_that_go(snapshot: object, goes: Callable[[Mapping[str, Any]], bool]) -> list[str]:
    """Return those answers as they were shown, also those in lists of rows, each on one line."""
    found: list[str] = []
    for entry in snapshot if isinstance(snapshot, list | tuple) else ():
        if not isinstance(entry, Mapping):
            continue
        for line in _lines(entry) or ():
            found += words_that_go(line, goes)
        if goes(entry) and entry.get("shown"):
            found.append(" ".join(str(entry["shown"]).split()))
    return found


def without_lines(text: str, lines: Iterable[Sequence[str]]) -> str:
    """Return a message without some lines, given as pairs: the line, and what stays of it."""
    for was, now in lines:
        text = text.replace(was, now, 1)
    return text


def without_words(text: str, words: Iterable[str]) -> str:
    """Return a subject without some words, whole ones only, and without the commas between them.

    A word of which the subject has the beginning only, because it was too long, goes as well.
    """
    left = text
    for word in sorted({" ".join(one.split()) for one in words} - {""}, key=len, reverse=True):
        left = re.sub(rf"(?<!\w){re.escape(word)}(?!\w)", "", left)
        if len(text) >= MAX_SUBJECT:
            left = _without_beginning(left, word)
    if left == text:
        return text
    left = re.sub(r",(?=\s*,)|(?<=:)\s*,", "", " ".join(left.split()))
    return " ".join(left.split()).strip(" ,:;–-")


def _without_beginning(text: str, word: str) -> str:
    for length in range(len(word) - 1, 2, -1):
        if text.endswith(word[:length]):
            return text[:-length]
    return text


def emptied(snapshot: object, goes: Callable[[Mapping[str, Any]], bool]) -> list[dict[str, Any]]:
    """Return a snapshot in which the answers for which `goes` holds are empty, also those in lists of rows.

    What a list of rows shows is then written anew from what is left in it. Entries that cannot be read go.
    """
    entries = snapshot if isinstance(snapshot, list | tuple) else ()
    return [_emptied(dict(one), goes) for one in entries if isinstance(one, Mapping)]


def _emptied(entry: dict[str, Any], goes: Callable[[Mapping[str, Any]], bool]) -> dict[str, Any]:
    lines = _lines(entry)
    if lines is None or (entry.get("private") and goes(entry)):
        return {**entry, **_empty_of(entry)} if goes(entry) else entry
    rows = [emptied(line, goes) for line in lines]
    if rows == lines:
        return entry
    return with_rows(entry, rows)


def with_rows(entry: Mapping[str, Any], rows: list[Any]) -> dict[str, Any]:
    """Return the entry of a list with other rows; what it says and shows is written anew from these."""
    value = [{one.get("key"): one.get("value") for one in row} for row in rows]
    shown = "\n".join(map(line_of_row, rows))
    return {**entry, "rows": rows, "value": value, "shown": shown.strip("\n")}


def line_of_row(row: Iterable[Mapping[str, Any]]) -> str:
    """Return a row of a list in one line, empty cells left out."""
    return ", ".join(f"{one.get('label')}: {one['shown']}" for one in row if one.get("shown"))


def _empty_of(entry: Mapping[str, Any]) -> dict[str, Any]:
    empty: dict[str, Any] = {"value": None, "shown": ""}
    return {**empty, "rows": []} if "rows" in entry else empty


def read_asked(words: str) -> tuple[list[tuple[str, str]], str]:
    """Return the pairs of key and value of `answer:key=value` in a query, and what else it says."""
    pairs = [(key.lower(), quoted or plain) for key, quoted, plain in _ASKED.findall(words)]
    return pairs, _ASKED.sub(" ", words)


# --- reading a snapshot ----------------------------------------------------------------------------


def _entries(snapshot: object, within: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the entries that have a usable key, with the key under which they are found."""
    for entry in snapshot if isinstance(snapshot, list | tuple) else ():
        key = entry.get("key") if isinstance(entry, Mapping) else None
        if isinstance(key, str) and key and len(within + key) <= MAX_KEY:
            yield within + key, entry


def _lines(entry: Mapping[str, Any]) -> list[Any] | None:
    rows = entry.get("rows")
    return rows if isinstance(rows, list) else None


def _values(snapshot: object, within: str, row: int | None, *, private: bool) -> Iterator[Value]:
    for key, entry in _entries(snapshot, within):
        is_private = private or bool(entry.get("private"))
        lines = _lines(entry)
        if lines is None:
            yield from _typed(key, row, entry.get("value"), str(entry.get("type")), is_private)
            continue
        for number, line in enumerate(lines):
            yield from _values(line, key + WITHIN, number, private=is_private)


def _typed(key: str, row: int | None, value: Any, type_: str, private: bool) -> Iterator[Value]:
    if value is None or value == "":
        return
    if isinstance(value, bool):
        yield Value(key, row, _YES if value else _NO, private=private)
    elif isinstance(value, int | float):
        yield Value(key, row, folded(value), number=float(value), private=private)
    elif isinstance(value, list | tuple):
        for one in value:
            name = one.get("name") if isinstance(one, Mapping) else one  # of a file
            yield from _typed(key, row, name, type_, private)
    elif isinstance(value, Mapping):  # several things in one field: who is logged in
        for name, one in value.items():
            if len(f"{key}{WITHIN}{name}") <= MAX_KEY:
                yield from _typed(f"{key}{WITHIN}{name}", row, one, type_, private)
    elif isinstance(value, str):
        yield Value(key, row, folded(value), day=_day(value, type_), private=private)


def _day(value: str, type_: str) -> date | None:
    if not type_.startswith("date"):
        return None
    try:
        return date.fromisoformat(value[:10])
    except ValueError:
        return None


def _fields(snapshot: object, within: str, of: str) -> Iterator[Shown]:
    for key, entry in _entries(snapshot, within):
        label = f"{of}{entry.get('label') or key}"[:MAX_LABEL]
        yield Shown(key, str(entry.get("type") or "text")[:40], label, _choices(entry))
        lines = _lines(entry) or ()
        yield from _fields(_first_of_each(lines), key + WITHIN, f"{label}: ")


def _first_of_each(lines: Iterable[Any]) -> list[Any]:
    """Return an entry for each field of a list's lines: what was hidden in one may stand in another."""
    return [entry for line in lines if isinstance(line, list) for entry in line]


def _choices(entry: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    choices = entry.get("choices")
    return tuple(
        (str(one.get("value"))[:MAX_TEXT], str(one.get("label"))[:MAX_LABEL])
        for one in (choices if isinstance(choices, list) else ())
        if isinstance(one, Mapping)
    )
