"""Texts with variables, `{{ number }}`, as administrators and agents write them. Pure.

A text is plain: paragraphs between blank lines. There is no logic in it and nothing is evaluated:
a variable's name is looked up and its value inserted as text, once. What a value holds is never
read as a variable, a header or markup.

An empty value leaves no broken sentence behind: the sentence that names it goes, with it a line or
paragraph of which nothing is left, and a sentence before that announced it with a colon.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.html import escape
from django.utils.text import normalize_newlines
from django.utils.translation import gettext as _

from helpdesk.errors import InvalidInput

#: The longest value that is inserted.
MAX_VALUE = 500

_VARIABLE = re.compile(r"\{\{\s*([A-Za-z][A-Za-z0-9_]{0,39})\s*\}\}")
_BRACES = re.compile(r"\{\{|\}\}")
#: Between two sentences of a line; an abbreviation or an ordinal ("3. May") ends none.
_SENTENCE_END = re.compile(
    r"(?<!\b\w\.)(?<!\b\w\w\.)(?<!\d\.)(?<!\bProf\.)(?<!\b(?:bzw|ggf|Tel|Mrs)\.)"
    r"(?<=[.!?:])[ \t]+(?=[\"“„(A-ZÄÖÜ{])"
)
#: What a gap leaves behind in a subject: brackets around nothing, and marks of which the first is enough.
_EMPTY_BRACKETS = re.compile(r"\(\s*\)|\[\s*\]|[“„\"]\s*[”“\"]")
_MARKS = re.compile(r"([,;:–|/-])(?:\s+[,;:–|/-](?=\s|$))+")
_URL = re.compile(r"https?://[^\s<>\"]{1,2000}", re.IGNORECASE)
_URL_END = ".,;:!?)'”“"


class WordingError(InvalidInput):
    """A text that cannot be saved: it names an unknown variable, or a broken one."""

    code = "wording"


class Link(str):
    """A value that is the address of a page of ours, or a sentence of ours with one: in HTML it can be clicked."""

    __slots__ = ()


@dataclass(frozen=True)
class Variable:
    """What a text may name, and what stands there in the end."""

    name: str
    meaning: str | Promise

    @property
    def written(self) -> str:
        """The variable as it is typed."""
        return f"{{{{ {self.name} }}}}"


def names(text: str) -> tuple[str, ...]:
    """Return the names of the variables in a text, in lower case, each once."""
    return tuple(dict.fromkeys(match[1].lower() for match in _VARIABLE.finditer(text)))


def check(text: str, known: Collection[str], *, field: str | None = None) -> None:
    """Raise `WordingError` (at `field`) for a broken variable, or for one that is not `known`."""
    if _BRACES.search(_VARIABLE.sub("", text)):
        message = _("A variable is written {{ name }}: two braces before and behind a single word.")
        raise WordingError(message, field=field)
    unknown = [name for name in names(text) if name not in known]
    if unknown:
        message = _("There is no variable “%(name)s”. Known here: %(known)s.") % {
            "name": unknown[0],
            "known": ", ".join(known) or "–",
        }
        raise WordingError(message, field=field)


def fill(text: str, values: Mapping[str, str]) -> str:
    """Return the text with its values, as plain text. A variable without a value counts as empty."""
    given = {name: _one_line(value) for name, value in values.items()}
    paragraphs = _kept(text, given)
    return "\n\n".join(
        "\n".join(_substituted(line, given) for line in lines) for lines in paragraphs
    )


def fill_line(text: str, values: Mapping[str, str]) -> str:
    """Return the text with its values on one line, fit for a subject."""
    return _one_line(fill(text, values), limit=None)


def fill_title(text: str, values: Mapping[str, str]) -> str:
    """Return a text of one line, such as a subject, with its values.

    Nothing but the gap goes where a value is empty: brackets around it, and a mark at the end or before another.
    """
    given = {name: _one_line(value) for name, value in values.items()}
    line = _one_line(_substituted(_one_line(text, limit=None), given), limit=None)
    if any(not given.get(name) for name in names(text)):
        line = _EMPTY_BRACKETS.sub("", line)
        line = _MARKS.sub(r"\1", line).strip(" ,;:–|/-")
    return " ".join(line.split())


def insert(text: str, values: Mapping[str, str]) -> str:
    """Return the text with its values put in, each on one line, and nothing else changed."""
    return _substituted(text, {name: _one_line(value) for name, value in values.items()})


def fill_html(text: str, values: Mapping[str, str]) -> str:
    """Return the text with its values as HTML paragraphs; everything in it is escaped.

    Addresses of web pages in the text itself, and values that are a `Link`, can be clicked. Those in
    other values cannot: a stranger's subject is not for us to recommend.
    """
    given = {
        name: type(value)(_one_line(value)) if isinstance(value, Link) else _one_line(value)
        for name, value in values.items()
    }
    return "\n".join(
        "<p>" + "<br>\n".join(_marked_up(line, given) for line in lines) + "</p>"
        for lines in _kept(text, given)
    )


def _one_line(value: str, limit: int | None = MAX_VALUE) -> str:
    """Return a text on one line: blanks and control characters (line breaks too) become one blank."""
    if not value.isprintable():
        value = "".join(c if c.isprintable() else " " for c in value)
    text = " ".join(value.split())
    return text if limit is None or len(text) <= limit else text[: limit - 1].rstrip() + "…"


def _substituted(line: str, values: Mapping[str, str]) -> str:
    return _VARIABLE.sub(lambda match: values.get(match[1].lower(), ""), line)


# --- what stays --------------------------------------------------------------------------------


@dataclass
class _Piece:
    """A sentence, where it stands, and whether it stays."""

    text: str
    paragraph: int
    line: int
    stays: bool


def _kept(text: str, values: Mapping[str, str]) -> list[list[str]]:
    """Return the paragraphs as lines, without the sentences whose variables are empty."""
    pieces = list(_pieces(text, values))
    for before, behind in reversed(list(zip(pieces, pieces[1:], strict=False))):
        if not behind.stays and before.text.rstrip().endswith(":"):
            before.stays = False
    paragraphs: dict[int, dict[int, list[str]]] = {}
    for piece in pieces:
        if piece.stays:
            lines = paragraphs.setdefault(piece.paragraph, {})
            lines.setdefault(piece.line, []).append(piece.text)
    return [["".join(line).rstrip() for line in lines.values()] for lines in paragraphs.values()]


def _pieces(text: str, values: Mapping[str, str]) -> Iterator[_Piece]:
    clean = normalize_newlines(text).strip("\n")
    for number, paragraph in enumerate(re.split(r"\n[ \t]*(?:\n[ \t]*)+", clean)):
        for row, line in enumerate(paragraph.split("\n")):
            ends = [match.end() for match in _SENTENCE_END.finditer(line)]
            for start, end in zip([0, *ends], [*ends, len(line)], strict=True):
                stays = all(values.get(name) for name in names(line[start:end]))
                yield _Piece(line[start:end], number, row, stays)


# --- HTML --------------------------------------------------------------------------------------


def _marked_up(line: str, values: Mapping[str, str]) -> str:
    html: list[str] = []
    end = 0
    for match in _VARIABLE.finditer(line):
        html.append(_linked(line[end : match.start()]))
        value = values.get(match[1].lower(), "")
        html.append(_linked(value) if isinstance(value, Link) else escape(value))
        end = match.end()
    return "".join([*html, _linked(line[end:])])


def _linked(text: str) -> str:
    """Return a text escaped, its web addresses as links."""
    html: list[str] = []
    end = 0
    for match in _URL.finditer(text):
        url = match[0].rstrip(_URL_END)
        html.append(escape(text[end : match.start()]))
        html.append(f'<a href="{escape(url)}">{escape(url)}</a>')
        end = match.start() + len(url)
    return "".join([*html, escape(text[end:])])
