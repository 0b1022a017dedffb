"""Which log-in names a note mentions. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

#: Names that are looked at in one note.
MOST = 20

# what may stand in a user name (Django), behind an @ that does not stand inside a mail address
_NAME = re.compile(r"(?<![\w.+@-])@(\w[\w.+@-]{0,149})")


def spellings(text: str) -> list[tuple[str, ...]]:
    """Return for each `@name` of a text how the name may be meant, each in lower case, the longest first.

    A full stop behind a name mostly ends the sentence, but may belong to it. Quoted lines are left out: they
    repeat what was said before.
    """
    lines = [line for line in text.splitlines() if not line.lstrip().startswith(">")]
    found: dict[str, tuple[str, ...]] = {}
    for match in _NAME.finditer("\n".join(lines)):
        name = match[1].lower()
        found.setdefault(name, tuple(_shortened(name)))
    return list(found.values())[:MOST]


def _shortened(name: str) -> Iterable[str]:
    yield name
    while name and name[-1] in ".+-@":
        name = name[:-1]
        if name:
            yield name


def chosen(several: Iterable[tuple[str, ...]], known: Iterable[str]) -> tuple[list[str], list[str]]:
    """Return which of the `known` names (lower case) are mentioned, and which mentions name nobody known."""
    there = frozenset(known)
    hits: list[str] = []
    misses: list[str] = []
    for ways in several:
        hit = next((way for way in ways if way in there), None)
        if hit is None:
            misses.append(ways[-1])
        elif hit not in hits:
            hits.append(hit)
    return hits, misses
