r"""Patterns that people may write: a portable piece of regular expressions with bounded cost.

Three engines read them (Python's, PostgreSQL's, and Python's inside SQLite) and must agree, and a
mail must not be able to keep one of them busy. So a pattern is parsed, refused where it goes beyond
the common piece or could take long, and written anew: `^`, `$`, `.`, `\d`, `\s` in words that mean
the same everywhere, loops at the ends (which change nothing in a search) cut to their minimum.

Allowed: letters, `.`, `[…]`, `\d \D \s \S \w \W`, `\t \n \r`, escaped punctuation, `^ $`, groups, `|`,
`* + ? {m} {m,} {m,n}`. What costs is *how many ways* a text can be tried, so these are counted.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

MAX_PATTERN = 200
MAX_REPEAT = 100
MAX_GROUPS = 5
MAX_LOOPS = 5
#: Ways to try a text from one place: without an open loop, with one that the next character ends,
#: with one that it does not.
MAX_WAYS, MAX_WAYS_LOOP, MAX_WAYS_OPEN = 2000, 100, 20
#: A pattern sees so many characters of a text; with it the worst pattern needs about a second.
MAX_TEXT = 5000

_CLASSES = {"d": "0-9", "s": r" \t\n\r\f\v", "w": r"\w"}
_CONTROLS = {"t": r"\t", "n": r"\n", "r": r"\r"}
_NO_SENSE = _("This pattern is not complete.")
_TOO_COSTLY = _("This pattern could take very long. Use fewer or narrower repetitions.")


class BadPattern(ValueError):
    """`message` says what to change, for the person who wrote the pattern."""

    def __init__(self, message: str | Promise) -> None:
        super().__init__(message)
        self.message = message


@dataclass(frozen=True)
class _Piece:
    """One step of a sequence: an atom and how often it may stand there (`most` None: any number)."""

    text: str = ""
    choices: tuple[tuple[_Piece, ...], ...] = ()  # of a group
    anchor: bool = False
    least: int = 1
    most: int | None = 1


def _in_class(char: str) -> str:
    return re.escape(char) if char.isascii() and not char.isalnum() else char


class _Reader:
    """Recursive descent over one pattern."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.at = 0

    def peek(self) -> str:
        return self.pattern[self.at : self.at + 1]

    def take(self) -> str:
        char = self.peek()
        if not char:
            raise BadPattern(_NO_SENSE)
        self.at += 1
        return char

    def choices(self, depth: int = 0) -> tuple[tuple[_Piece, ...], ...]:
        found = [self.sequence(depth)]
        while self.peek() == "|":
            self.at += 1
            found.append(self.sequence(depth))
        return tuple(found)

    def sequence(self, depth: int) -> tuple[_Piece, ...]:
        pieces = []
        while self.peek() not in ("", "|", ")"):
            pieces.append(self.counted(self.atom(depth)))
        return tuple(pieces)

    def atom(self, depth: int) -> _Piece:
        char = self.take()
        match char:
            case "(":
                return self.group(depth)
            case "[":
                return _Piece(self.char_class())
            case ".":
                return _Piece(r"[^\n]")
            case "^":
                return _Piece(r"\A", anchor=True)
            case "$":
                return _Piece(r"\Z", anchor=True)
            case "\\":
                return _Piece(self.escape())
            case "*" | "+" | "?" | "{":
                raise BadPattern(_("There is nothing before this repetition."))
        return _Piece(re.escape(char))

    def group(self, depth: int) -> _Piece:
        if depth >= MAX_GROUPS:
            raise BadPattern(_("There are too many groups inside one another."))
        if self.peek() == "?":
            if not self.pattern.startswith("?:", self.at):
                raise BadPattern(_("Groups that begin with “(?” are not possible."))
            self.at += 2
        choices = self.choices(depth + 1)
        if self.take() != ")":
            raise BadPattern(_NO_SENSE)
        return _Piece(choices=choices)

    def escape(self) -> str:
        char = self.take()
        if char in _CONTROLS:
            return _CONTROLS[char]
        if char.lower() in _CLASSES:
            if char == "w":
                return r"\w"
            return f"[{'^' if char.isupper() else ''}{_CLASSES[char.lower()]}]"
        if char.isalnum() or not char.isascii():
            raise BadPattern(_("This pattern has a “\\” before a character that needs none."))
        return re.escape(char)

    def char_class(self) -> str:
        out = "[" + ("^" if self.peek() == "^" else "")
        self.at += len(out) - 1
        first = True
        while first or self.peek() != "]":
            low, single = self.class_char()
            first = False
            if single and self.peek() == "-" and self.pattern[self.at + 1 : self.at + 2] != "]":
                self.at += 1
                high, single_end = self.class_char()
                if not single_end or low[-1] > high[-1] or len(low) + len(high) > 2:
                    raise BadPattern(_("This range of characters is not possible."))
                low = f"{low}-{high}"
            out += low
        self.at += 1
        return out + "]"

    def class_char(self) -> tuple[str, bool]:
        """Return one member of a class, and whether it is a single character."""
        char = self.take()
        if char == "[":
            raise BadPattern(_("Write “\\[” for a bracket inside of brackets."))
        if char != "\\":
            return _in_class(char), True
        char = self.take()
        if char in _CONTROLS:
            return _CONTROLS[char], True
        if char in _CLASSES:
            return _CLASSES[char], False
        if char.isalnum() or not char.isascii():
            raise BadPattern(_("This pattern has a “\\” before a character that needs none."))
        return _in_class(char), True

    def counted(self, piece: _Piece) -> _Piece:
        counts = {"*": (0, None), "+": (1, None), "?": (0, 1)}
        sign = self.peek()
        if sign in counts:
            self.at += 1
            least, most = counts[sign]
        elif sign == "{":
            least, most = self.braces()
        else:
            return piece
        if self.peek() == "?":  # lazy or greedy is all one to a search for "is it there"
            self.at += 1
        if self.peek() and self.peek() in "*+?{":
            raise BadPattern(_("A repetition cannot be repeated."))
        if piece.anchor:
            raise BadPattern(_("The beginning and the end of a text cannot be repeated."))
        return replace(piece, least=least, most=most)

    def braces(self) -> tuple[int, int | None]:
        parts = re.compile(r"\{([0-9]{1,3})(,([0-9]{1,3})?)?\}").match(self.pattern, self.at)
        if not parts:
            raise BadPattern(_NO_SENSE)
        self.at = parts.end()
        least = int(parts[1])
        most = int(parts[3]) if parts[3] else (None if parts[2] else least)
        if max(least, most or 0) > MAX_REPEAT or (most is not None and (most < least or most < 1)):
            raise BadPattern(_("This number of repetitions is not possible."))
        return least, most


def _trimmed(sequence: tuple[_Piece, ...]) -> tuple[_Piece, ...]:
    """Cut loops at both ends to their minimum: a search finds the same texts."""
    pieces = list(sequence)
    for end in (0, -1):
        while pieces and not pieces[end].anchor:
            cut = replace(pieces[end], most=pieces[end].least)
            if cut.least:
                pieces[end] = cut
                break
            pieces.pop(end)
    return tuple(pieces)


def _refuse_nested(sequence: tuple[_Piece, ...]) -> None:
    """Refuse what makes the ways grow with a power of the text's length: `(a+)+`, `(a|aa)*`."""
    for piece in sequence:
        varied = len(piece.choices) > 1 or any(_varies(choice) for choice in piece.choices)
        if varied and piece.most != 1:
            raise BadPattern(
                _("Inside a repeated group nothing may be repeated or left to choice.")
            )
        for choice in piece.choices:
            _refuse_nested(choice)


def _ways(sequence: tuple[_Piece, ...]) -> int:
    """Return in how many ways a text may be tried, open loops apart."""
    ways = 1
    for piece in sequence:
        inner = sum(_ways(choice) for choice in piece.choices) or 1
        spread = 1 if piece.most is None else piece.most - piece.least + 1
        # a group that may be left out adds one way, a repeated character one for each length
        ways *= (
            inner + 1 if piece.choices and (piece.least, piece.most) == (0, 1) else inner * spread
        )
    return min(ways, MAX_WAYS + 1)


def _varies(sequence: tuple[_Piece, ...]) -> bool:
    return any(
        piece.anchor
        or (piece.least, piece.most) != (1, 1)
        or any(_varies(choice) for choice in piece.choices)
        for piece in sequence
    )


def _chars(text: str, pattern: str) -> frozenset[str]:
    """Return which characters of a sufficient alphabet an atom takes."""
    atom = re.compile(text, re.IGNORECASE)
    alphabet = {chr(code) for code in range(0x250)} | set(pattern)
    return frozenset(char for char in alphabet if atom.fullmatch(char))


def _loops(sequence: tuple[_Piece, ...], pattern: str) -> list[bool]:
    """Return for each open loop whether the character behind it ends it for sure."""
    found = []
    for piece, following in zip(sequence, (*sequence[1:], None), strict=True):
        for choice in piece.choices:
            found += _loops(choice, pattern)
        if piece.most is None:
            closed = bool(
                not piece.choices
                and following
                and following.least > 0
                and not following.choices
                and not following.anchor
                and not _chars(piece.text, pattern) & _chars(following.text, pattern)
            )
            found.append(closed)
    return found


def _least(sequence: tuple[_Piece, ...]) -> int:
    """Return the length of the shortest text that fits."""
    return sum(
        piece.least
        * (min(_least(choice) for choice in piece.choices) if piece.choices else not piece.anchor)
        for piece in sequence
    )


def _written(sequence: tuple[_Piece, ...]) -> str:
    out = ""
    for piece in sequence:
        text = piece.text
        if piece.choices:
            text = f"(?:{'|'.join(_written(choice) for choice in piece.choices)})"
        if (piece.least, piece.most) != (1, 1):
            text += f"{{{piece.least},{'' if piece.most is None else piece.most}}}"
        out += text
    return out


@lru_cache(maxsize=512)
def portable(pattern: str) -> str:
    """Return the pattern as all engines read it alike, to be searched ignoring case.

    Raises `BadPattern` for one that is broken, goes beyond the common piece, could take long, or
    fits every text.
    """
    if not 1 <= len(pattern) <= MAX_PATTERN:
        raise BadPattern(_("A pattern has between 1 and 200 characters."))
    reader = _Reader(pattern)
    choices = reader.choices()
    if reader.peek():
        raise BadPattern(_NO_SENSE)
    for choice in choices:
        _refuse_nested(choice)
    choices = tuple(_trimmed(choice) for choice in choices)
    if min(_least(choice) for choice in choices) == 0:
        raise BadPattern(_("This pattern fits every text."))
    ways = sum(_ways(choice) for choice in choices)
    loops = [closed for choice in choices for closed in _loops(choice, pattern)]
    limit = MAX_WAYS if not loops else MAX_WAYS_LOOP if all(loops) else MAX_WAYS_OPEN
    if ways > limit or len(loops) > (MAX_LOOPS if all(loops) else 1):
        raise BadPattern(_TOO_COSTLY)
    text = "|".join(_written(choice) for choice in choices)
    try:
        re.compile(text)
    except (re.error, OverflowError) as error:
        raise BadPattern(_NO_SENSE) from error
    return text
