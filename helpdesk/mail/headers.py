"""Header fields: where the block ends, which fields it holds, what encoded words and parameters say.

Everything here is bounded by `LIMIT_*`: the standard library's header parser is quadratic in the
number of encoded words, and a header comes from strangers.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Final
from urllib.parse import unquote_to_bytes

from helpdesk.mail.charsets import decode, one_line

LIMIT_BLOCK: Final = 64 * 1024  # bytes of one header block that are read
LIMIT_LINES: Final = 2_000  # lines of the mail's own header; of a part's header an eighth
LIMIT_WORDS: Final = 400  # encoded words in one field
LIMIT_VALUE: Final = 4_000  # bytes of a value that are decoded, where no other limit is named
_STRAY_LINES: Final = 20  # lines in the header that are no header, before we call it the body

_FIELD = re.compile(rb"([!-9;-~]{1,100})[ \t]*:")
_BLANK = re.compile(rb"\n\r?\n")
_WORD = re.compile(r"=\?([^?\s]{1,80})\?([bBqQ])\?((?:[^?]|\?(?!=)){0,1500})\?=")
_BETWEEN_WORDS = re.compile(r"(\?=)[ \t\r\n]+(?==\?)")


@dataclass(slots=True)
class Fields:
    """The fields of one header block in their order: lower-case name, unfolded raw value."""

    items: list[tuple[str, bytes]] = field(default_factory=list)
    defects: list[str] = field(default_factory=list)

    def all(self, name: str) -> list[bytes]:
        """Return the values of every field of that name."""
        return [value for key, value in self.items if key == name]

    def get(self, name: str) -> bytes | None:
        """Return the value of the first field of that name."""
        return next((value for key, value in self.items if key == name), None)


def read_block(
    raw: bytes, start: int, fence: Callable[[int, int], int | None] | None = None
) -> tuple[Fields, int]:
    """Read the header block of `raw` at `start`; return its fields and where the body begins.

    `fence(a, b)` finds the line break before a boundary of the multiparts around, between a and b:
    such a line ends the block even without a blank line. Past the limits of size and lines the rest
    of the block is skipped.
    """
    fields = Fields()
    lines_left = LIMIT_LINES if fence is None else LIMIT_LINES // 8
    position, strays, size = start, 0, len(raw)
    while position < size:
        end = raw.find(b"\n", position, position + LIMIT_BLOCK + 1)
        line_end = end if end >= 0 else min(size, position + LIMIT_BLOCK + 1)
        line = raw[position:line_end].rstrip(b"\r")
        if not line and end >= 0:
            return fields, end + 1
        if (
            fence is not None
            and line.startswith(b"--")
            and fence(position - 1, position) is not None
        ):
            return fields, position
        lines_left -= 1
        if lines_left < 0 or line_end - start > LIMIT_BLOCK:
            fields.defects.append("header-cut")
            return fields, _after_block(raw, position, fence)
        if not _take_line(fields, line):
            strays += 1
            if strays > _STRAY_LINES or not _header_goes_on(raw, line_end + 1):
                fields.defects.append("header-without-end")
                return fields, position
            fields.defects.append("header-line")
        position = line_end + 1
    return fields, size


def _take_line(fields: Fields, line: bytes) -> bool:
    """Add one line to the fields; return whether it was a header line at all."""
    if line[:1] in (b" ", b"\t"):
        if fields.items:
            name, value = fields.items[-1]
            fields.items[-1] = (name, value + b" " + line.strip())
        return True
    match = _FIELD.match(line)
    if match is None:
        return not line.strip()
    fields.items.append((match[1].decode("ascii").lower(), line[match.end() :].strip()))
    return True


def _header_goes_on(raw: bytes, position: int) -> bool:
    """Tell whether after a line that is no header the next one is, folded lines skipped."""
    for _ in range(10):
        if raw[position : position + 1] not in (b" ", b"\t"):
            break
        position = raw.find(b"\n", position, position + 2000) + 1 or len(raw)
    return _FIELD.match(raw, position) is not None


def _after_block(raw: bytes, position: int, fence: Callable[[int, int], int | None] | None) -> int:
    """Return where the body begins after a header block that is too long to read."""
    blank = _BLANK.search(raw, position)
    body = blank.end() if blank else len(raw)
    stop = fence(position - 1, body) if fence is not None else None
    return body if stop is None else stop + 1


def text(value: bytes | None, hint: str | None = None, limit: int = LIMIT_VALUE) -> str:
    """Return a field's value as one line of text: raw 8-bit and encoded words decoded.

    `hint` is the charset in which raw 8-bit bytes are tried after UTF-8; `limit` bounds the bytes
    read and the characters returned.
    """
    if not value:
        return ""
    return one_line(words(raw_text(value[:limit], hint)))[:limit]


def raw_text(value: bytes, hint: str | None = None) -> str:
    """Return a raw header value as text, encoded words untouched."""
    if value.isascii() and b"\x1b" not in value:
        return value.decode("ascii")
    decoded, defect = decode(value, None)
    if defect is None or hint is None:
        return decoded
    return decode(value, hint)[0]


def words(value: str) -> str:
    """Decode the encoded words (RFC 2047) in a value, bounded, and forgiving of blanks inside them."""
    if "=?" not in value:
        return value
    value = _BETWEEN_WORDS.sub(r"\1", value)
    result: list[str] = []
    pending, label, last = b"", "", 0
    for match in islice(_WORD.finditer(value), LIMIT_WORDS):
        gap = value[last : match.start()]
        charset = match[1].split("*", 1)[0].lower()
        if pending and (gap or charset != label):
            result.append(decode(pending, label)[0])
            pending = b""
        result.append(gap)
        # neighbours in one charset are joined first: senders cut characters in the middle
        pending, label, last = pending + _word_bytes(match[2], match[3]), charset, match.end()
    if pending:
        result.append(decode(pending, label)[0])
    result.append(value[last:])
    return "".join(result)


def _word_bytes(encoding: str, payload: str) -> bytes:
    data = payload.encode("utf-8", "replace")
    if encoding in "qQ":
        return binascii.a2b_qp(data.replace(b" ", b"_"), header=True)
    return base64(data)


def base64(data: bytes) -> bytes:
    """Decode Base64 that may hold rubbish, lack padding or be several pieces; never raises."""
    kept = data.translate(None, _NOT_BASE64)
    # padding in the middle ends a piece; beyond a thousand pieces it is rubbish like any other
    kept = kept.rstrip(b"=")
    pieces = re.split(rb"=+", kept, maxsplit=1000) if b"=" in kept else [kept]
    return b"".join(_base64_piece(piece.replace(b"=", b"")) for piece in pieces)


_ALPHABET: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
_NOT_BASE64: Final = bytes(set(range(256)) - set(_ALPHABET))


def _base64_piece(piece: bytes) -> bytes:
    if len(piece) % 4 == 1:
        piece = piece[:-1]
    return binascii.a2b_base64(piece + b"=" * (-len(piece) % 4))


@dataclass(frozen=True, slots=True)
class Valued:
    """A value with parameters, as in Content-Type; `value` and parameter names in lower case."""

    value: str
    params: dict[str, str]


_PARAM = re.compile(r'\s*([^\s=;"]{1,100})\s*=\s*(?:"((?:[^"\\]|\\.){0,2000})"?|([^;]*))')
_NAME = re.compile(r"([^*]+)(?:\*(\d{1,3}))?(\*)?$")


def valued(raw: bytes | None, hint: str | None = None) -> Valued:
    """Read a value with parameters: quoted, RFC 2231 (continued, percent-encoded), RFC 2047, raw."""
    source = raw_text((raw or b"")[:LIMIT_VALUE], hint).replace("\x00", "")
    head, _, rest = source.partition(";")
    plain: dict[str, str] = {}
    pieces: dict[str, dict[int, tuple[str, bool]]] = {}
    for name, value in _params(rest):
        parts = _NAME.match(name)
        if parts is None or (parts[2] is None and parts[3] is None):
            plain.setdefault(name, one_line(words(value)))
        else:
            section = pieces.setdefault(parts[1], {})
            section.setdefault(int(parts[2] or 0), (value, parts[3] is not None))
    extended = {name: _join(section) for name, section in pieces.items()}
    # a Content-Type written without ";" or with a comment still names its type first
    value = re.split(r"[\s(,]", head.strip(), maxsplit=1)[0].strip("\"'").lower()
    return Valued(one_line(value)[:127], {**plain, **extended})


def _params(source: str) -> Iterator[tuple[str, str]]:
    position = 0
    for _ in range(100):
        match = _PARAM.match(source, position)
        if match is not None:
            quoted = match[2]
            value = re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else match[3].strip()
            yield match[1].lower(), value
            position = match.end()
        following = source.find(";", position)
        if following < 0:
            return
        position = following + 1


def _join(section: dict[int, tuple[str, bool]]) -> str:
    """Join the continued pieces of an RFC 2231 parameter and decode what is percent-encoded."""
    label = "utf-8"
    data = b""
    for order, (number, (value, encoded)) in enumerate(sorted(section.items())):
        if encoded and order == 0 and number == 0 and value.count("'") >= 2:
            label, _, value = value.split("'", 2)
            label = label or "utf-8"
        raw = value.encode("utf-8")
        data += unquote_to_bytes(raw) if encoded else raw
    decoded = decode(data, label)[0]
    return one_line(words(decoded))
