"""What stands in the cells of a file of submissions: no formulas of strangers, and numbers that can be summed."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from typing import Any

from .asked import FormField

#: With what a formula begins, and what is none in spite of it: numbers, and those of telephones.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_SIGNED = re.compile(r"[+-][0-9(][0-9 ()/.,-]*")
#: From here on a spreadsheet rounds what it takes for a number.
_EXACT = 10**15


def harmless(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula: strangers wrote it."""
    is_plain = _SIGNED.fullmatch(text) is not None
    return f"'{text}" if text.startswith(_FORMULA) and not is_plain else text


def typed(entry: Mapping[str, Any]) -> int | float | dt.date | None:
    """Return the answer of an entry of a snapshot as a number or a day; None if it is neither."""
    value, type_ = entry.get("value"), entry.get("type")
    if type_ == "number" and isinstance(value, int | float) and not isinstance(value, bool):
        return value if abs(value) < _EXACT else None
    if type_ == "date" and isinstance(value, str) and value:
        try:
            return dt.date.fromisoformat(value)
        except ValueError:
            return None
    return None


def headings(fields: Iterable[FormField]) -> dict[str, str]:
    """Return what stands above the column of each field, by key: those with one label are told apart by it."""
    found = {field.key: field.heading for field in fields}
    labels = list(found.values())
    return {
        key: f"{label} [{key}]" if labels.count(label) > 1 else label
        for key, label in found.items()
    }
