"""The tags of HTML, found in one pass: whether a parser can bear it, and what stands between them.

HTML5 parsing is not linear. Deep nesting costs its square, each formatting element left open is
opened again in every later block, and the attributes of a tag are compared with each other. The
walk below follows the standard's tokeniser exactly, since a tag it overlooked could hide the rest;
its stack may hold more than a parser's would, never much less.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from typing import Final

LIMIT_DEPTH: Final = 400
LIMIT_ATTRIBUTES: Final = 100  # of one tag
_LIMIT_WORK: Final = 2_000_000  # formatting elements a parser may have to open again
_LIMIT_FOREIGN: Final = 50_000  # characters of HTML with SVG or MathML, which has rules of its own

# elements without an end; and p, whose end the next block implies wherever it could nest
_NEVER_OPEN: Final = {
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "p", "source",
    "track", "wbr",
}  # fmt: skip
_FORMATTING: Final = {
    "a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u",
}  # fmt: skip
_ITEMS: Final = {"dd", "dt", "li", "option"}
_CELLS: Final = {"td", "th"}
_ROWS: Final = _CELLS | {"tr"}
_SECTIONS: Final = _ROWS | {"tbody", "tfoot", "thead"}
# start tag -> open elements at the top of the stack that it ends
_ENDS_BEFORE: Final[dict[str, set[str]]] = {
    "li": {"li"},
    "option": {"option"},
    **dict.fromkeys(("dd", "dt"), {"dd", "dt"}),
    **dict.fromkeys(_CELLS, _CELLS),
    "tr": _ROWS,
    **dict.fromkeys(("tbody", "tfoot", "thead"), _SECTIONS),
}
# end tag -> open elements above its own that it ends with it
_ENDS_WITH: Final[dict[str, set[str]]] = {
    **dict.fromkeys(
        ("address", "article", "aside", "blockquote", "center", "dd", "div", "dl", "dt", "fieldset",
         "footer", "header", "li", "main", "nav", "ol", "pre", "section", "td", "th", "ul"),
        _ITEMS,
    ),
    "tr": _ITEMS | _CELLS,
    **dict.fromkeys(("tbody", "tfoot", "thead"), _ITEMS | _ROWS),
    "table": _ITEMS | _SECTIONS,
}  # fmt: skip
# elements whose content is text up to their end tag
_RAW: Final = {
    "iframe", "noembed", "noframes", "noscript", "plaintext", "script", "style", "textarea", "title", "xmp",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Span:
    """Where a tag, comment or raw content stands; `name` is "" if it is no tag."""

    start: int
    end: int
    closing: bool = False
    name: str = ""
    bearable: bool = True


def bearable(html: str) -> bool:
    """Tell whether parsing `html` costs time and memory about in proportion to its length."""
    if re.search(r"<(?:svg|math)", html, re.IGNORECASE) and (
        len(html) > _LIMIT_FOREIGN or html.count("<") > 1000
    ):
        return False
    stack: list[str] = []
    formatting = work = 0
    for span in _spans(html):
        if not span.bearable:
            return False
        name = span.name
        work += formatting + 1
        if span.closing:
            formatting -= _close(stack, name) and name in _FORMATTING
        elif name and name not in _NEVER_OPEN:
            while stack and stack[-1] in _ENDS_BEFORE.get(name, ()):
                stack.pop()
            stack.append(name)
            formatting += name in _FORMATTING
        if len(stack) > LIMIT_DEPTH or work > _LIMIT_WORK:
            return False
    return True


def _close(stack: list[str], name: str) -> bool:
    """Close the innermost element if the end tag surely ends it; return whether it did."""
    top = len(stack)
    while top and stack[top - 1] != name and stack[top - 1] in _ENDS_WITH.get(name, ()):
        top -= 1
    if top and stack[top - 1] == name:
        del stack[top - 1 :]
        return True
    return False


def stripped(html: str) -> str:
    """Return what stands outside of tags and comments: for HTML that no parser should see."""
    visible: list[str] = []
    position = 0
    for span in _spans(html):
        visible.append(html[position : span.start])
        position = span.end
    visible.append(html[position:])
    return re.sub(r"\s{3,}", "\n\n", unescape(" ".join(visible))).strip()


_TAG = re.compile(r"<(?:(/?)([a-zA-Z][^ \t\n\f\r/>]{0,60})|(!--)|[!?/])")
_COMMENT_END = re.compile(r"--!?>")


def _spans(html: str) -> Iterator[_Span]:
    """Yield tags, comments and raw contents in their order."""
    position, match = 0, _TAG.search(html)
    while match is not None:
        if match[2] is None:
            span = _comment(html, match)
        else:
            span = _tag(html, match)
        yield span
        position = span.end
        if span.name in _RAW and not span.closing:
            raw = _raw(html, span)
            yield raw
            position = raw.end
        match = _TAG.search(html, position)


def _comment(html: str, match: re.Match[str]) -> _Span:
    """Return a comment; what only begins like one ends at the next ">"."""
    if match[3] is None:
        end = html.find(">", match.end())
        return _Span(match.start(), end + 1 if end >= 0 else len(html))
    closed = _COMMENT_END.search(html, match.start() + 2)
    return _Span(match.start(), closed.end() if closed else len(html))


def _tag(html: str, match: re.Match[str]) -> _Span:
    end = _tag_end(html, match.end())
    return _Span(
        match.start(),
        len(html) if end is None else end,
        closing=bool(match[1]),
        name=match[2].lower(),
        bearable=end is not None,
    )


def _raw(html: str, tag: _Span) -> _Span:
    """Return the raw content after a start tag."""
    closed = re.compile(rf"</{re.escape(tag.name)}(?=[ \t\n\f\r/>])", re.IGNORECASE).search(
        html, tag.end
    )
    end = closed.start() if closed and tag.name != "plaintext" else len(html)
    # a script inside a comment inside a script ends elsewhere
    nested = tag.name == "script" and "<!--" in html[tag.end : end]
    return _Span(tag.end, end, bearable=not nested)


_BEFORE_ATTRIBUTE = re.compile(r"[ \t\n\f\r/]*")
_ATTRIBUTE_NAME = re.compile(r"=?[^ \t\n\f\r/>=]*[ \t\n\f\r]*(=?)[ \t\n\f\r]*")
_UNQUOTED = re.compile(r"[^ \t\n\f\r>]*")


def _tag_end(html: str, position: int) -> int | None:
    """Return where the tag whose name ends at `position` ends; None if it has too many attributes."""
    for _ in range(LIMIT_ATTRIBUTES):
        position = _end(_BEFORE_ATTRIBUTE, html, position)
        if position >= len(html):
            return position
        if html[position] == ">":
            return position + 1
        name = _ATTRIBUTE_NAME.match(html, position)
        position = name.end() if name else position + 1
        if name and name[1] and position < len(html):
            quote = html[position]
            if quote in "\"'":
                end = html.find(quote, position + 1)
                position = end + 1 if end >= 0 else len(html)
            elif quote != ">":
                position = _end(_UNQUOTED, html, position)
    return None


def _end(pattern: re.Pattern[str], html: str, position: int) -> int:
    match = pattern.match(html, position)
    return match.end() if match else position
