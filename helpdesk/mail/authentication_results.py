"""Reads Authentication-Results (RFC 8601): what a receiving mail server found out about a mail.

Whoever sends a mail can write such a field too, and can have words of his own repeated in the
server's (a quoted address, a comment). So the field is read by its grammar from its first character
to its last, and one that breaks it says nothing at all.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

LIMIT_FIELD: Final = 8_000
LIMIT_RESULTS: Final = 50
LIMIT_PROPERTIES: Final = 30
LIMIT_DEPTH: Final = 5  # of comments in comments

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,60}")
_VERSION = re.compile(r"/?[0-9]{1,4}")
_VALUE = re.compile(r'"(?:[^"\\]|\\.){0,1000}"[^\s;()"]{0,320}|[^\s;()"]{1,1000}')
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"(.*)', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Result:
    """One result, as `dkim=pass header.d=example.org`; all in lower case but the values."""

    method: str
    result: str
    properties: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Field:
    """One whole field: the name of the server that wrote it, and its results."""

    server: str
    results: tuple[Result, ...]


class _Malformed(ValueError):
    """The field does not follow the grammar."""


def read(value: bytes) -> Field | None:
    """Return what an unfolded field says, or None if it breaks the grammar or a limit."""
    if len(value) > LIMIT_FIELD or not value.isascii():
        return None
    try:
        return _Scanner(value.decode("ascii")).field()
    except _Malformed:
        return None


class _Scanner:
    """Walks once over the text; each step takes something or refuses."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def field(self) -> Field:
        self._skip()
        server = _plain(self._take(_VALUE))
        self._skip()
        self._take_if(_VERSION)
        results: list[Result] = []
        while self._next() == ";":
            self._at += 1
            if self._next() in ("", ";"):
                continue
            result = self._result()
            if result is not None:
                results.append(result)
            if len(results) > LIMIT_RESULTS:
                raise _Malformed
        if self._next():
            raise _Malformed
        return Field(server.lower(), tuple(results))

    def _result(self) -> Result | None:
        method = self._take(_NAME).lower()
        if method == "none" and self._next() in ("", ";"):
            return None
        self._take_if(_VERSION)
        result = self._assigned().lower()
        properties: dict[str, str] = {}
        while self._next() not in ("", ";"):
            name = self._take(_NAME).lower()
            value = self._assigned()
            if name in properties or len(properties) >= LIMIT_PROPERTIES:
                raise _Malformed
            properties[name] = value
        return Result(method, result, MappingProxyType(properties))

    def _assigned(self) -> str:
        if self._next() != "=":
            raise _Malformed
        self._at += 1
        self._skip()
        return _plain(self._take(_VALUE))

    def _next(self) -> str:
        """Return the next character that is neither blank nor comment, '' at the end."""
        self._skip()
        return self._text[self._at : self._at + 1]

    def _take(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self._text, self._at)
        if match is None:
            raise _Malformed
        self._at = match.end()
        return match[0]

    def _take_if(self, pattern: re.Pattern[str]) -> None:
        match = pattern.match(self._text, self._at)
        if match is not None:
            self._at = match.end()

    def _skip(self) -> None:
        while self._at < len(self._text):
            if self._text[self._at] == "(":
                self._comment()
            elif self._text[self._at].isspace():
                self._at += 1
            else:
                return

    def _comment(self) -> None:
        depth = 0
        while self._at < len(self._text):
            char = self._text[self._at]
            self._at += 2 if char == "\\" else 1
            depth += {"(": 1, ")": -1}.get(char, 0)
            if depth == 0:
                return
            if depth > LIMIT_DEPTH:
                break
        raise _Malformed


def _plain(value: str) -> str:
    """Return a value without the quotes around it or around its first half (a local part)."""
    quoted = _QUOTED.fullmatch(value)
    return re.sub(r"\\(.)", r"\1", quoted[1], flags=re.DOTALL) + quoted[2] if quoted else value
