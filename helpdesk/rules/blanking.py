"""Taking one person's addresses and names out of texts that others wrote. Pure.

What counts is what stands there literally: addresses in any case (also as links have them), full names of at least
two words, in both orders, log-in names and phone numbers as words of their own. A first name alone, or a nickname,
is not found: it is everybody's. A name beside another's address is that other person's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from html import escape
from typing import Any

#: Shorter log-in names and phone numbers are no marks of a person.
MIN_LOGIN, MIN_DIGITS = 3, 6
_TAG = re.compile(r"(<[^>]*>)")
_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+")
#: What stands between a name and the address that goes with it.
_BEFORE_ADDRESS = r"""["']?\s*(?:<|&lt;|\(|\[)\s*(?:mailto:)?"""
#: In a list of people: what tells whose row it is, what is about them, and what a cell of a form's row holds.
_MARKING = ("email", "login_name", "address")
_PERSONAL = frozenset((*_MARKING, "first_name", "last_name", "name", "phone"))
_CELL = frozenset(("value", "shown"))
#: All of these texts must occur (in any case) in what mentions a person in one certain way.
Term = tuple[str, ...]


@dataclass(frozen=True)
class Marks:
    """By what a person is known in texts."""

    addresses: frozenset[str] = field(default_factory=frozenset)
    logins: frozenset[str] = field(default_factory=frozenset)
    names: frozenset[str] = field(default_factory=frozenset)
    phones: frozenset[str] = field(default_factory=frozenset)


@dataclass(frozen=True)
class Person:
    """Everything by which a person is known: rows by id, and what texts may say.

    `addresses` are canonical, `spelled` as they were written.
    """

    customers: tuple[int, ...] = ()
    users: tuple[int, ...] = ()
    addresses: frozenset[str] = frozenset()
    spelled: frozenset[str] = frozenset()
    logins: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    phones: frozenset[str] = frozenset()
    #: Those of `names` that somebody else has, too: no mark of this person.
    common: frozenset[str] = frozenset()

    @property
    def marks(self) -> Marks:
        """By what texts mention them."""
        names = self.names - self.common
        return Marks(self.addresses | self.spelled, self.logins, names, self.phones)

    @property
    def title(self) -> str:
        """What they are called on a screen."""
        return next(iter(sorted(self.names) or sorted(self.addresses) or sorted(self.logins)), "–")

    def as_data(self) -> dict[str, list[Any]]:
        """Return them for a JSON column."""
        return {name: sorted(getattr(self, name)) for name in self.__dataclass_fields__}

    @classmethod
    def from_data(cls, data: dict[str, list[Any]]) -> Person:
        """Return whom `as_data` wrote down."""
        return cls(
            customers=tuple(data.get("customers", ())),
            users=tuple(data.get("users", ())),
            **{
                name: frozenset(data.get(name, ()))
                for name in ("addresses", "spelled", "logins", "names", "phones", "common")
            },
        )


class Blanker:
    """Replaces a person's marks by `word`."""

    def __init__(self, marks: Marks, word: str) -> None:
        self.word = word
        self._marks = marks
        self._addresses = {one.casefold() for one in marks.addresses if "@" in one}
        self._names = sorted(set(orders(marks.names)), key=len, reverse=True)
        self._exact = {one.casefold() for one in marks.logins}
        self._logins = sorted(one for one in marks.logins if len(one) >= MIN_LOGIN)
        self._phones = sorted(
            one for one in marks.phones if sum(map(str.isdigit, one)) >= MIN_DIGITS
        )
        safe = [*map(_address_pattern, sorted(self._addresses, key=len, reverse=True))]
        alone = _not_beside(safe)
        safe += (_name_pattern(one) + alone for one in self._names)
        safe += (rf"(?<![\w+]){re.escape(one)}(?!\w)" for one in self._phones)
        self._safe = _compiled(safe)
        self._all = _compiled([*safe, *map(_login_pattern, self._logins)])

    @property
    def is_idle(self) -> bool:
        """Tell whether there is nothing to look for."""
        return self._all is None

    @cached_property
    def sure(self) -> Blanker:
        """One that replaces only what nobody else has: addresses, log-in names and phone numbers, no names."""
        return Blanker(replace(self._marks, names=frozenset()), self.word)

    def is_foreign(self, text: Any) -> bool:
        """Tell whether a value is an address, and not one of the person's."""
        return isinstance(text, str) and "@" in text and not self.is_address(text)

    def is_address(self, text: str) -> bool:
        """Tell whether a text is one of the person's addresses."""
        return text.strip(" <>").casefold() in self._addresses

    def text(self, text: str) -> str:
        """Return a text without the person's marks; the same one if it has none."""
        return self._all.sub(self._put, text) if self._all is not None else text

    def html(self, html: str) -> str:
        """Return HTML without them: in its texts, and in what its tags hold, but no tag is broken."""
        if self._all is None or self._safe is None and "<" not in html:
            return self.text(html)
        parts = _TAG.split(html)
        return "".join(
            (self._safe.sub(self._put, part) if self._safe is not None else part)
            if part.startswith("<")
            else self.text(part)
            for part in parts
        )

    def data(self, value: Any) -> Any:
        """Return what a JSON column holds without them; keys of objects stay."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            cells = self._row_of_theirs(value)
            if not cells and self._is_row_of_another(value):
                return [self._beside(one) for one in value]
            return [self._wiped(one, cells) if cells else self.data(one) for one in value]
        if isinstance(value, dict):
            if any(self._is_mark(value.get(name)) for name in _MARKING):
                return self._wiped(value, _PERSONAL)
            is_another = any(self.is_foreign(value.get(name)) for name in _MARKING)
            return {
                name: (self.sure if is_another and name in _PERSONAL else self).data(one)
                for name, one in value.items()
            }
        return value

    def _is_mark(self, value: Any) -> bool:
        return isinstance(value, str) and (
            self.is_address(value) or value.strip().casefold() in self._exact
        )

    def is_row_of_theirs(self, cells: list[Any]) -> bool:
        """Tell whether a cell of a row in a list of people says that it is the person's."""
        return bool(self._row_of_theirs(cells))

    def _row_of_theirs(self, cells: list[Any]) -> frozenset[str]:
        """Return which keys to wipe in a row of a list of people of which one cell says that it is theirs."""
        is_theirs = any(isinstance(one, dict) and self._is_mark(one.get("value")) for one in cells)
        return _CELL if is_theirs and len(cells) > 1 else frozenset()

    def _is_row_of_another(self, cells: list[Any]) -> bool:
        """Tell whether a row of a list of people, or of recipients, has another's address."""
        values = [one.get("value") if isinstance(one, dict) else one for one in cells]
        return len(cells) > 1 and any(map(self._is_whole_address, values))

    def _beside(self, one: Any) -> Any:
        """Return a cell of such a row: what is a name there is that other person's."""
        text = one.get("value") if isinstance(one, dict) else one
        is_name = isinstance(text, str) and " ".join(text.split()).casefold() in {
            name.casefold() for name in self._names
        }
        return (self.sure if is_name else self).data(one)

    def _is_whole_address(self, value: Any) -> bool:
        return self.is_foreign(value) and _ADDRESS.fullmatch(value.strip(" <>")) is not None

    def _wiped(self, value: Any, keys: frozenset[str]) -> Any:
        """Return an object of which nothing personal is left under some keys, and no mark anywhere."""
        if not isinstance(value, dict):
            return self.data(value)
        return {
            name: self.word if name in keys and isinstance(one, str) and one else self.data(one)
            for name, one in value.items()
        }

    def without(self, recipients: Any) -> Any:
        """Return a list of recipients ([[name, address], …]) without the person."""
        if not isinstance(recipients, list):
            return self.data(recipients)
        return [self.data(one) for one in recipients if not self._is_theirs(one)]

    def terms(self) -> list[Term]:
        """Return what finds the rows that may mention the person: more than do, never fewer.

        Databases compare capitals of ASCII only, and JSON may hold anything else as escapes: so each term comes in
        the usual spellings.
        """
        found: dict[Term, None] = {}
        for address in sorted(self._addresses):
            for one in (address, address.replace("@", "%40")):
                found.update(dict.fromkeys(_spelled((one,))))
        for name in self._names:
            words = name.replace(",", " ").split()
            found.update(dict.fromkeys(_spelled((words[0], words[-1]))))
        for one in (*self._logins, *self._phones):
            found.update(dict.fromkeys(_spelled((one,))))
        return list(found)

    def _is_theirs(self, one: Any) -> bool:
        texts = one if isinstance(one, list | tuple) else [one]
        return any(isinstance(text, str) and self.is_address(text) for text in texts)

    def _put(self, _match: re.Match[str]) -> str:
        return self.word


def _compiled(patterns: list[str]) -> re.Pattern[str] | None:
    return re.compile("|".join(patterns), re.IGNORECASE) if patterns else None


def orders(names: Iterable[str]) -> Iterator[str]:
    """Yield full names in the ways in which they are written."""
    for name in names:
        words = name.replace(",", " ").split()
        if len(words) < 2:
            continue
        yield " ".join(words)
        yield f"{words[-1]}, {' '.join(words[:-1])}"
        yield f"{words[-1]} {' '.join(words[:-1])}"


def _name_pattern(name: str) -> str:
    words = r"\s+".join(_either(word) for word in name.split())
    return rf"(?<!\w){words}(?!\w)"


def _not_beside(own: list[str]) -> str:
    """What must not follow a name: an address in brackets that is none of the person's own."""
    theirs = rf"(?!{'|'.join(own)})" if own else ""
    return rf"(?!{_BEFORE_ADDRESS}{theirs}[\w.+-]+@)"


def _either(word: str) -> str:
    """A word as it stands in texts, and as HTML has it."""
    plain, in_html = re.escape(word), re.escape(escape(word))
    return plain if plain == in_html else f"(?:{plain}|{in_html})"


def _address_pattern(address: str) -> str:
    local, _at, domain = address.rpartition("@")
    return rf"(?<![\w.+-]){_either(local)}(?:@|%40|&#64;){re.escape(domain)}(?![\w-]|\.\w)"


def _login_pattern(login: str) -> str:
    """A name with a digit is a mark also before an @: it is the person's elsewhere. Others may be words."""
    is_sure = len(login) >= 5 and any(map(str.isdigit, login))
    return rf"(?<![\w.@-]){re.escape(login)}" + (r"(?![\w-])" if is_sure else r"(?![\w@-]|\.\w)")


def _spelled(term: Term) -> Iterator[Term]:
    ways = (str, str.lower, str.upper, str.title, str.casefold)
    for way in ways:
        plain = tuple(way(one) for one in term)
        yield plain
        yield tuple(json.dumps(one)[1:-1] for one in plain)
        yield tuple(escape(one) for one in plain)
