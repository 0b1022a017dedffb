"""The tree of parts of a mail, found in one linear pass over the raw bytes.

The limits are applied while scanning, before anything is decoded: whatever a stranger sends, no
more than `LIMIT_PARTS` parts, `LIMIT_DEPTH` levels and the header blocks' limits are ever looked at.
Nested mails (message/rfc822) are not entered: they are kept as files.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from helpdesk.mail.headers import Fields, Valued, read_block, valued

LIMIT_PARTS: Final = 500
LIMIT_DEPTH: Final = 50

_CONTENT_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,60}/[a-z0-9!#$&^_.+-]{1,66}$")
_FIRST_DASHES = re.compile(rb"(?:\A|\n)--([!-~](?:[ -~]{0,68}[!-~])?)[ \t]*\r?\n")


@dataclass(slots=True)
class Node:
    """One part: its fields and where its body lies in the raw bytes. Multiparts have children."""

    fields: Fields
    kind: Valued  # the Content-Type, "text/plain" if missing or unreadable
    start: int
    end: int
    declared: bool = True  # whether the sender named a readable type
    children: list[Node] = field(default_factory=list)

    def leaves(self) -> Iterator[Node]:
        """Yield the parts without children, in the order of the mail."""
        for child in self.children:
            yield from child.leaves()
        if not self.children:
            yield self


@dataclass(slots=True)
class Tree:
    root: Node
    defects: list[str]


@dataclass(slots=True)
class _Level:
    boundary: bytes
    node: Node


def scan(raw: bytes) -> Tree:
    """Return the tree of parts of `raw`; never raises, takes time linear in its length."""
    fields, body = read_block(raw, _mail_start(raw))
    root = _node(fields, body, len(raw), default="text/plain")
    defects: list[str] = []
    levels: list[_Level] = []
    _open(raw, root, levels, defects)
    if levels:
        parts = _scan_parts(raw, root, levels, defects)
        if parts > LIMIT_PARTS:
            defects.append("parts-cut")
    return Tree(root, defects + _field_defects(root))


def _field_defects(root: Node) -> list[str]:
    nodes = [root]
    for node in nodes:
        nodes.extend(node.children)
    return [defect for node in nodes for defect in node.fields.defects]


def _mail_start(raw: bytes) -> int:
    """Return where the header begins: after a byte order mark, blank lines, an mbox "From " line."""
    start = 3 if raw.startswith(b"\xef\xbb\xbf") else 0
    while raw[start : start + 1] in (b"\n", b"\r") and start < 1000:
        start += 1
    if re.compile(rb">?From (?! *:)").match(raw, start):
        end = raw.find(b"\n", start, start + 1000)
        start = end + 1 if end >= 0 else start
    return start


def _node(fields: Fields, start: int, end: int, default: str) -> Node:
    """Make a node; of several Content-Type fields the first readable one counts."""
    candidates = [valued(value) for value in fields.all("content-type")[:10]]
    if len(candidates) > 1:
        fields.defects.append("content-type-repeated")
    for kind in candidates:
        if _CONTENT_TYPE.match(kind.value):
            return Node(fields, kind, start, end)
    if candidates:
        fields.defects.append("content-type-broken")
    params = candidates[0].params if candidates else {}
    return Node(fields, Valued(default, params), start, end, declared=False)


def _open(raw: bytes, node: Node, levels: list[_Level], defects: list[str]) -> None:
    """Make `node` the innermost open multipart, if it is one, can be told apart and is not too deep."""
    if not node.kind.value.startswith("multipart/"):
        return
    if len(levels) >= LIMIT_DEPTH:
        defects.append("depth-cut")
        return
    boundary = node.kind.params.get("boundary", "").rstrip().encode("utf-8", "replace")[:100]
    # looking ahead is linear, so it is done once, for the outermost; others close at their parent
    if not boundary or (not levels and raw.find(b"--" + boundary, max(node.start - 1, 0)) < 0):
        # a preamble is a line or two: only the first kilobytes are searched for another boundary
        guess = _FIRST_DASHES.search(raw, max(node.start - 1, 0), node.start + 8192)
        if boundary and not raw[node.start : node.start + 1000].strip():
            return
        defects.append("boundary-wrong" if boundary else "boundary-missing")
        if guess is None:
            return
        boundary = guess[1].removesuffix(b"--")
    levels.append(_Level(boundary, node))


@dataclass(frozen=True, slots=True)
class _Line:
    """A boundary line: where the line break before it is, where its own is, and what it says."""

    start: int
    end: int
    boundary: bytes
    closing: bool


class _Fence:
    """Finds the boundary lines of the multiparts that are open."""

    def __init__(self, raw: bytes, levels: list[_Level]) -> None:
        self._raw = raw
        self._names = {level.boundary for level in levels}
        # a short prefix of each is enough to find candidates, and cheap to compile at every change
        starts = b"|".join(re.escape(name) for name in sorted({name[:8] for name in self._names}))
        self._candidate = re.compile(rb"\n--((?:" + starts + rb")[^\n]{0,110})(?=\n|\Z)")

    def find(self, begin: int, end: int) -> _Line | None:
        """Return the first boundary line whose line break lies in [begin, end)."""
        while True:
            match = self._candidate.search(self._raw, begin)
            if match is None or match.start() >= end:
                return None
            name = match[1].rstrip(b" \t\r")
            if name in self._names:
                return _Line(match.start(), match.end(), name, closing=False)
            if name[:-2] in self._names and name.endswith(b"--"):
                return _Line(match.start(), match.end(), name[:-2], closing=True)
            begin = match.end()

    def start(self, begin: int, end: int) -> int | None:
        """Return where the line break before such a line is."""
        line = self.find(begin, end)
        return line.start if line else None


def _scan_parts(raw: bytes, root: Node, levels: list[_Level], defects: list[str]) -> int:
    """Go from boundary to boundary and hang the parts into the tree; return how many there were."""
    fence = _Fence(raw, levels)
    position, parts = max(root.start - 1, 0), 0
    current: Node | None = None
    while levels:
        line = fence.find(position, len(raw))
        cut = line.start if line else len(raw)
        if current is not None:
            current.end = max(current.start, cut - (raw[cut - 1 : cut] == b"\r"))
            current = None
        if line is None:
            defects.append("multipart-without-end")
            break
        known = len(levels)
        while levels[-1].boundary != line.boundary:
            levels.pop().node.end = cut
        level = levels[-1]
        position = line.end
        if line.closing:
            levels.pop().node.end = cut
        else:
            parts += 1
            if parts > LIMIT_PARTS:
                level.node.children.append(_rest(line.end + 1, len(raw)))
                break
            if len(levels) != known:
                fence = _Fence(raw, levels)
            known = len(levels)
            node = _next_part(raw, line.end + 1, level, levels, fence, defects)
            position = max(node.start - 1, position)
            current = node if len(levels) == known else None
        if levels and len(levels) != known:
            fence = _Fence(raw, levels)
    return parts


def _next_part(
    raw: bytes,
    position: int,
    level: _Level,
    levels: list[_Level],
    fence: _Fence,
    defects: list[str],
) -> Node:
    """Read the part that begins at `position`, hang it in, and open it if it is a multipart."""
    fields, body = read_block(raw, min(position, len(raw)), fence.start)
    digest = level.node.kind.value == "multipart/digest"
    node = _node(fields, body, len(raw), default="message/rfc822" if digest else "text/plain")
    level.node.children.append(node)
    _open(raw, node, levels, defects)
    return node


def _rest(start: int, end: int) -> Node:
    """Return what lies beyond the last part we read, as one opaque part."""
    kind = Valued("application/octet-stream", {"name": "rest.bin"})
    return Node(Fields(), kind, min(start, end), end)
