"""The styles of a mail's elements as rules of one style sheet: the frame's policy allows that alone, by its nonce."""

from __future__ import annotations

import re
from html import unescape

#: A tag as nh3 writes it: every attribute in double quotes.
_TAG = re.compile(r'<([a-z][a-z0-9]*)((?: [a-z-]+="[^"]*")*)>')
_STYLE = re.compile(r' style="([^"]*)"')
#: Nothing that could end a rule, begin another one, or load something.
_HARMLESS = re.compile(r"[\w\s:;,.#%()+!-]*", re.ASCII)
_LOADS = re.compile(r"url\s*\(", re.IGNORECASE)


def taken_out(html: str) -> tuple[str, str]:
    """Return sanitised HTML (without classes) in which classes stand for its styles, and the rules for these."""
    classes: dict[str, str] = {}

    def tag(match: re.Match[str]) -> str:
        found = _STYLE.search(match[2])
        if found is None:
            return match[0]
        rest = _STYLE.sub("", match[2])
        value = unescape(found[1]).strip()
        if not value or not _HARMLESS.fullmatch(value) or _LOADS.search(value):
            return f"<{match[1]}{rest}>"
        name = classes.setdefault(value, f"s{len(classes)}")
        return f'<{match[1]} class="{name}"{rest}>'

    changed = _TAG.sub(tag, html)
    return changed, "".join(f".{name}{{{value}}}" for value, name in classes.items())
