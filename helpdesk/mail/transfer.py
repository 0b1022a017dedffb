"""Undoing what was done to a body for its way: transfer encodings, uuencode, flowed text."""

from __future__ import annotations

import binascii
import re
from dataclasses import dataclass
from typing import Final

from helpdesk.mail.headers import Fields, base64, text

LIMIT_UU_LINES: Final = 300_000  # of all uuencoded files of a mail together
LIMIT_UU_FILES: Final = 50

_IDENTITY: Final = {
    "",
    "7bit",
    "8bit",
    "binary",
    "7bits",
    "8bits",
    "7-bit",
    "8-bit",
    "plain",
    "none",
}
_SOFT_BREAK = re.compile(rb"=[ \t]+(?=\r?\n)")
_UU_BEGIN = re.compile(rb"(?:\A|(?<=\n))begin(?:-base64)? [0-7]{3,4} ([^\r\n]{1,255})\r?\n")


def body(raw: bytes, start: int, end: int, fields: Fields) -> tuple[bytes, str | None]:
    """Return the decoded body that lies in raw[start:end], and a defect code or None."""
    data = raw[start:end]
    encoding = re.split(
        r"[\s;,(]", text(fields.get("content-transfer-encoding"), limit=200).lower()
    )
    name = encoding[0].strip("\"'")
    if name == "base64" or name == "b":
        return base64(data), None
    if name.startswith("quoted") or name in ("qp", "q"):
        return binascii.a2b_qp(_SOFT_BREAK.sub(b"=", data)), None
    if name in ("x-uuencode", "uuencode", "x-uue", "uue"):
        found = uuencoded(data)
        return (found.files[0][1], None) if found.files else (data, "uuencode-broken")
    return data, None if name in _IDENTITY else "transfer-encoding-unknown"


@dataclass(frozen=True, slots=True)
class Uu:
    """Text without its uuencoded files, and the files: raw name, content."""

    rest: bytes
    files: list[tuple[bytes, bytes]]


def uuencoded(data: bytes) -> Uu:
    """Take the uuencoded files out of a text; what is not whole stays in the text."""
    files: list[tuple[bytes, bytes]] = []
    rest: list[bytes] = []
    position, lines_left = 0, LIMIT_UU_LINES
    for begin in _UU_BEGIN.finditer(data):
        if len(files) >= LIMIT_UU_FILES or lines_left <= 0:
            break
        if begin.start() < position:
            continue
        content, end, used = _uu_file(data, begin.end(), lines_left)
        lines_left -= used
        if content is not None:
            rest.append(data[position : begin.start()])
            files.append((begin[1], content))
            position = end
    if not files:
        return Uu(data, files)
    rest.append(data[position:])
    return Uu(b"".join(rest), files)


def _uu_file(data: bytes, position: int, lines: int) -> tuple[bytes | None, int, int]:
    """Decode lines up to "end"; return content (None if broken), where it ends, lines looked at."""
    pieces: list[bytes] = []
    for used in range(lines):
        end = data.find(b"\n", position, position + 200)
        line = data[position : end if end >= 0 else position + 200].rstrip(b"\r")
        if line.strip() == b"end":
            return b"".join(pieces), end + 1 if end >= 0 else len(data), used + 1
        if end < 0:
            return None, position, used + 1
        if line:
            try:
                pieces.append(_uu_line(line))
            except binascii.Error:
                return None, position, used + 1
        position = end + 1
    return None, position, lines


def _uu_line(line: bytes) -> bytes:
    try:
        return binascii.a2b_uu(line)
    except binascii.Error:
        # some encoders pad the last group too far; the length byte says what counts
        length = (((line[0] - 32) & 63) * 4 + 5) // 3
        return binascii.a2b_uu(line[:length])


def flowed(source: str, *, delete_space: bool) -> str:
    """Join the soft-broken lines of format=flowed (RFC 3676), each at its depth of quotation."""
    result: list[str] = []
    paragraph, depth, open_line = "", 0, False
    for line in source.split("\n"):
        content = line.rstrip("\r")
        level = len(content) - len(content.lstrip(">"))
        content = content[level:]
        content = content.removeprefix(" ")
        if open_line and (level != depth or content == "-- "):
            result.append(_quoted(paragraph, depth))
            open_line = False
        paragraph = paragraph + content if open_line else content
        depth = level
        open_line = content.endswith(" ") and content != "-- " and len(paragraph) < 20_000
        if open_line:
            paragraph = paragraph[:-1] if delete_space else paragraph
        else:
            result.append(_quoted(paragraph, depth))
    if open_line:
        result.append(_quoted(paragraph, depth))
    return "\n".join(result)


def _quoted(paragraph: str, depth: int) -> str:
    return f"{'>' * depth} {paragraph}" if depth else paragraph
