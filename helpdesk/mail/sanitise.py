"""HTML of strangers, made safe to show; and read as plain text.

nh3 (an allow-list over a real HTML5 parser) does the cleaning. HTML5 parsing itself is not linear:
deep nesting, unclosed formatting and thousands of attributes make any parser crawl or its tree
explode. So `tags` looks first, and what would be too costly is shown as text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape, unescape
from html.entities import html5
from typing import Final
from urllib.parse import unquote

import nh3

from helpdesk.mail.charsets import storable
from helpdesk.mail.tags import bearable, stripped

LIMIT_HTML: Final = 1_000_000  # characters, pictures written into the text not counted

_TEXT_TAGS: Final = {
    "a", "abbr", "b", "bdi", "bdo", "blockquote", "br", "caption", "center", "cite", "code", "col",
    "colgroup", "dd", "del", "dfn", "div", "dl", "dt", "em", "font", "h1", "h2", "h3", "h4", "h5",
    "h6", "hr", "i", "img", "ins", "kbd", "li", "mark", "ol", "p", "pre", "q", "s", "samp", "small",
    "span", "strike", "strong", "sub", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr",
    "tt", "u", "ul", "var",
}  # fmt: skip
_ATTRIBUTES: Final[dict[str, set[str]]] = {
    "*": {"dir", "lang", "title", "style"},
    "a": {"href", "target"},
    "img": {"alt", "width", "height", "src"},
    "td": {"colspan", "rowspan", "align", "valign", "headers"},
    "th": {"colspan", "rowspan", "align", "valign", "scope"},
    "tr": {"align", "valign"},
    "table": {"border", "cellpadding", "cellspacing"},
    "col": {"span"},
    "colgroup": {"span"},
    "ol": {"start", "type"},
    "li": {"value"},
    "p": {"align"},
    "div": {"align"},
    "font": {"color"},
}
# nothing that loads, moves out of place, hides or covers
_STYLES: Final = {
    "border", "border-bottom", "border-collapse", "border-left", "border-right", "border-top",
    "color", "background-color", "font-style", "font-weight", "margin-left", "padding",
    "padding-left", "text-align", "text-decoration", "vertical-align", "white-space", "width",
}  # fmt: skip
_DROPPED_WITH_CONTENT: Final = {
    "applet", "audio", "button", "canvas", "datalist", "embed", "frame", "frameset", "head",
    "iframe", "math", "noscript", "object", "script", "select", "style", "svg", "template",
    "textarea", "title", "video", "xml",
}  # fmt: skip
_SCHEMES: Final = {"http", "https", "mailto", "tel", "ftp", "cid"}
_INLINE_DATA = re.compile(r"""data:[a-zA-Z0-9/+.;=-]{0,100};base64,[A-Za-z0-9+/=%\s]*""")
_IMAGE = re.compile(r'<img((?: [a-z-]+="[^"]*")*)>')
_ATTRIBUTE = re.compile(r' ([a-z-]+)="([^"]*)"')


def clean(html: str, cids: Mapping[str, str]) -> str:
    """Return `html` safe to show inside a page.

    Kept are text, structure and harmless styles. An image of the mail (`cid:`) keeps its id as
    `data-cid` and, if `cids` has an address for that id, that as `src`; a remote image keeps its
    address as `data-remote-src` and loads nothing; links open elsewhere and tell nothing. HTML
    beyond `LIMIT_HTML` characters is cut; HTML too costly to parse is returned as plain paragraphs.
    """
    source = _short(html)
    if not bearable(source):
        return f'<div style="white-space:pre-wrap">{escape(stripped(source))}</div>'
    cleaned = _nh3(source, link_rel="noopener noreferrer nofollow", attributes=_ATTRIBUTES)
    return storable(_IMAGE.sub(lambda match: _image(match[1], cids), cleaned))


def _nh3(source: str, *, link_rel: str | None, attributes: Mapping[str, set[str]]) -> str:
    return nh3.clean(
        source,
        tags=_TEXT_TAGS,
        clean_content_tags=_DROPPED_WITH_CONTENT,
        attributes=dict(attributes),
        attribute_filter=_filtered,
        link_rel=link_rel,
        url_schemes=_SCHEMES,
        url_relative="deny",
        filter_style_properties=_STYLES,
        set_tag_attribute_values={"a": {"target": "_blank"}} if link_rel else None,
        strip_comments=True,
    )


def _filtered(tag: str, attribute: str, value: str) -> str | None:
    """Refuse attribute values that load or hide something."""
    if attribute == "style" and re.search(r"url\s*\(|expression|@import|\\", value, re.IGNORECASE):
        return None
    if attribute == "href" and value.strip().lower().startswith("cid:"):
        return None
    if attribute in ("width", "height") and not re.fullmatch(r"\d{1,4}(px|%)?", value):
        return None
    # what is rewritten below is found by its angle brackets: none may stand inside a value
    return re.sub("[<>]", "", value)[:4000]


def _image(attributes: str, cids: Mapping[str, str]) -> str:
    """Rewrite one image that nh3 has written: well-formed, values escaped and in double quotes."""
    values = dict(_ATTRIBUTE.findall(attributes))
    source = unescape(values.pop("src", "")).strip()
    scheme = source.partition(":")[0].lower()
    if scheme == "cid":
        cid = unquote(source[4:]).strip("<>")
        if cid in cids:
            values["src"] = escape(cids[cid])
        values["data-cid"] = escape(cid)
    elif scheme in ("http", "https"):
        values["data-remote-src"] = escape(source)
    values.setdefault("alt", "")
    return "<img" + "".join(f' {name}="{value}"' for name, value in values.items()) + ">"


def _short(html: str) -> str:
    """Return the HTML without pictures written into it, cut to the limit."""
    html = storable(html)
    if "base64," in html:
        html = _INLINE_DATA.sub("", html)
    return _AMPERSAND.sub(_reference, html[:LIMIT_HTML])[:LIMIT_HTML]


_AMPERSAND = re.compile(
    r"&+(?=&)|&(?:(#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{0,31})(;|(?![=a-zA-Z0-9])))?"
)


def _reference(match: re.Match[str]) -> str:
    """Return a character reference in full, or a lone ampersand escaped.

    The parser under nh3 looks back over the rest of the text at each one that is neither.
    """
    name = match[1] or ""
    if not name:
        return "&amp;" * len(match[0])
    if name.startswith("#") or name in html5 or (match[2] and f"{name};" in html5):
        return f"&{name};"
    return f"&amp;{match[0][1:]}"


_TOKEN = re.compile(r"<(/?)([a-z0-9]+)([^<>]*)>|([^<]+)")
_BLOCKS: Final = {
    "blockquote", "caption", "center", "dd", "div", "dl", "dt", "h1", "h2", "h3", "h4", "h5", "h6",
    "hr", "li", "ol", "p", "pre", "table", "tr", "ul",
}  # fmt: skip
_SPACED: Final = {
    "blockquote",
    "dl",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "ol",
    "p",
    "pre",
    "table",
    "ul",
}


def to_text(html: str) -> str:
    """Return the readable text of `html`: paragraphs, list marks, quotes as ">", links in "<…>"."""
    source = _short(html)
    if not bearable(source):
        return stripped(source)
    attributes = {"a": {"href"}, "img": {"alt"}}
    writer = _Writer()
    for match in _TOKEN.finditer(_nh3(source, link_rel=None, attributes=attributes)):
        closing, name, rest, text = match.groups()
        if text:
            writer.text(unescape(text))
        elif closing:
            writer.end(name)
        else:
            writer.start(name, dict(_ATTRIBUTE.findall(rest)))
    return storable(writer.result())


class _Writer:
    """Writes the tokens of clean HTML as lines of text."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._line: list[str] = []
        self._quotes = 0
        self._pre = 0
        self._lists: list[int | None] = []  # None: bullets; a number: the next item's
        self._links: list[tuple[str, int]] = []
        self._written = 0

    def text(self, value: str) -> None:
        if self._pre:
            first, *others = value.split("\n")
            self._line.append(first)
            for other in others:
                self._break()
                self._line.append(other)
            return
        value = re.sub(r"[ \t\r\n\f\u200b]+", " ", value)
        if value.startswith(" ") and (not self._line or self._line[-1].endswith(" ")):
            value = value[1:]
        if value:
            self._line.append(value)

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name in _BLOCKS:
            self._block(spaced=name in _SPACED and not (self._lists and name in ("ul", "ol")))
        if name == "br":
            self._break()
        elif name == "hr":
            self._line.append("---")
            self._break()
        elif name == "img" and attributes.get("alt"):
            self.text(f"[{unescape(attributes['alt'])}]")
        elif name == "blockquote":
            self._quotes += 1
        elif name == "pre":
            self._pre += 1
        elif name in ("ul", "ol"):
            self._lists.append(1 if name == "ol" else None)
        elif name == "li":
            self._item()
        elif name in ("td", "th") and self._line and not self._line[-1].endswith(" "):
            self._line.append(" ")
        elif name == "a":
            self._links.append((unescape(attributes.get("href", "")), len(self._line)))

    def end(self, name: str) -> None:
        if name == "a" and self._links:
            self._link(*self._links.pop())
        if name == "blockquote":
            self._block(spaced=False)
            self._quotes = max(0, self._quotes - 1)
        if name in _BLOCKS:
            self._block(
                spaced=name in _SPACED and not (len(self._lists) > 1 and name in ("ul", "ol"))
            )
        if name == "pre":
            self._pre = max(0, self._pre - 1)
        elif name in ("ul", "ol") and self._lists:
            self._lists.pop()

    def _item(self) -> None:
        indent = "  " * min(len(self._lists) - 1, 8)
        number = self._lists[-1] if self._lists else None
        if number is not None:
            self._lists[-1] = number + 1
        self._line.append(f"{indent}{number}. " if number is not None else f"{indent}* ")

    def _link(self, href: str, since: int) -> None:
        """Write a link's address after its words, unless the words are the address."""
        words = "".join(self._line[since:]).strip()
        bare = href.removeprefix("mailto:").rstrip("/")
        if bare and words.rstrip("/") not in (bare, bare.partition("://")[2]):
            self._line.append(f" <{href}>" if words else f"<{href}>")

    def _break(self) -> None:
        line = "".join(self._line).rstrip()
        prefix = ">" * min(self._quotes, 20)
        self._lines.append(f"{prefix} {line}".rstrip() if prefix else line)
        self._line.clear()
        # a link that goes on over the line is measured from the new line's start
        self._links = [(href, 0) for href, _ in self._links]

    def _block(self, *, spaced: bool) -> None:
        if "".join(self._line).strip():
            self._break()
        else:
            self._line.clear()
        if spaced and self._lines and self._lines[-1].strip("> "):
            self._break()

    def result(self) -> str:
        self._block(spaced=False)
        text = "\n".join(self._lines).replace("\xa0", " ")
        return re.sub(r"\n{3,}", "\n\n", text).strip("\n ")
