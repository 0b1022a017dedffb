"""Unpacks winmail.dat (MS-OXTNEF), in which Outlook hides a mail's files.

Own reader: the published ones believe the counts in the data, and four bytes there can keep them
busy for hours. This one visits each byte at most once and stops at the first thing that cannot be.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from helpdesk.mail.charsets import decode, one_line

LIMIT_FILES: Final = 100
_LIMIT_PROPERTIES: Final = 5_000

_SIGNATURE: Final = 0x223E9F78
_RENDERING: Final = 0x9002  # begins an attachment
_TITLE: Final = 0x8010
_DATA: Final = 0x800F
_ATTACHMENT: Final = 0x9005  # MAPI properties of an attachment
_PROPERTIES: Final = 0x9003  # MAPI properties of the mail
_BODY: Final = 0x800C
_CODEPAGE: Final = 0x9007

_FILE_NAME, _LONG_FILE_NAME, _MIME_TAG, _FILE_DATA, _CONTENT_ID = (
    0x3704,
    0x3707,
    0x370E,
    0x3701,
    0x3712,
)
_MAPI_BODY, _MAPI_HTML, _INTERNET_CODEPAGE = 0x1000, 0x1013, 0x3FDE
_EMBEDDED_MESSAGE: Final = bytes.fromhex("0703020000000000c000000000000046")

_FIXED: Final = {0x1: 0, 0x2: 2, 0x3: 4, 0x4: 4, 0x5: 8, 0x6: 8, 0x7: 8, 0xA: 4, 0xB: 2, 0x14: 8,
                 0x40: 8, 0x48: 16}  # fmt: skip
_VARIABLE: Final = {0xD, 0x1E, 0x1F, 0x102}


@dataclass(slots=True)
class TnefFile:
    name: str = ""
    content_type: str = ""
    content: bytes = b""
    content_id: str = ""


@dataclass(slots=True)
class Tnef:
    """What was in a winmail.dat. `whole` is False if reading stopped early."""

    files: list[TnefFile] = field(default_factory=list)
    text: str = ""
    html: str = ""
    whole: bool = True


class _Broken(ValueError):
    pass


def unpack(data: bytes) -> Tnef | None:
    """Return the files and body of TNEF data, or None if it is none; never raises."""
    if len(data) < 6 or struct.unpack_from("<I", data)[0] != _SIGNATURE:
        return None
    result, charset = Tnef(), "windows-1252"
    try:
        for name, value in _attributes(data):
            if name == _CODEPAGE and len(value) >= 4:
                charset = _charset(struct.unpack_from("<I", value)[0])
            elif name == _RENDERING:
                if len(result.files) >= LIMIT_FILES:
                    raise _Broken
                result.files.append(TnefFile())
            elif name == _BODY:
                result.text = _string(value, charset)
            elif name == _PROPERTIES:
                _take_mail(result, value, charset)
            elif result.files:
                _take_file(result.files[-1], name, value, charset)
    except (_Broken, struct.error):
        result.whole = False
    result.files = [file for file in result.files if file.content]
    return result


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the attributes: level (1 byte), name and type (2 each), length (4), value, checksum (2)."""
    position = 6
    for _ in range(_LIMIT_PROPERTIES):
        if position + 9 > len(data):
            return
        _, name, _, length = struct.unpack_from("<BHHI", data, position)
        position += 9
        if position + length > len(data):
            raise _Broken
        yield name, data[position : position + length]
        position += length + 2
    raise _Broken


def _take_file(file: TnefFile, name: int, value: bytes, charset: str) -> None:
    if name == _TITLE:
        file.name = file.name or one_line(_string(value, charset))
    elif name == _DATA:
        file.content = value
    elif name == _ATTACHMENT:
        for identifier, content in _properties(value, charset):
            if identifier == _LONG_FILE_NAME:
                file.name = one_line(_text(content)) or file.name
            elif identifier == _FILE_NAME:
                file.name = file.name or one_line(_text(content))
            elif identifier == _MIME_TAG:
                file.content_type = one_line(_text(content)).lower()
            elif identifier == _CONTENT_ID:
                file.content_id = one_line(_text(content)).strip("<>")
            elif identifier == _FILE_DATA and isinstance(content, bytes):
                file.content = file.content or content.removeprefix(_EMBEDDED_MESSAGE)


def _take_mail(result: Tnef, value: bytes, charset: str) -> None:
    found = dict(_properties(value, charset))
    codepage = found.get(_INTERNET_CODEPAGE)
    label = _charset(int.from_bytes(codepage, "little")) if isinstance(codepage, bytes) else charset
    body, html = found.get(_MAPI_BODY), found.get(_MAPI_HTML)
    result.text = result.text or _text(body)
    result.html = decode(html, label)[0] if isinstance(html, bytes) else _text(html)


def _text(value: str | bytes | None) -> str:
    return value if isinstance(value, str) else ""


def _properties(data: bytes, charset: str) -> Iterator[tuple[int, str | bytes]]:
    """Yield id and first value of each MAPI property; raises `_Broken` at what cannot be."""
    count, position = struct.unpack_from("<I", data)[0], 4
    for _ in range(min(count, _LIMIT_PROPERTIES)):
        if position + 4 > len(data):
            return
        kind, identifier = struct.unpack_from("<HH", data, position)
        position += 4
        if identifier >= 0x8000:
            position = _skip_name(data, position)
        value, position = _value(data, position, kind, charset)
        yield identifier, value


def _skip_name(data: bytes, position: int) -> int:
    """Skip the name of a named property: GUID (16), kind (4), number or padded string."""
    kind, number = struct.unpack_from("<II", data, position + 16)
    return position + 24 + (_padded(number) if kind else 0)


def _value(data: bytes, position: int, kind: int, charset: str) -> tuple[str | bytes, int]:
    base, many = kind & ~0x1000, bool(kind & 0x1000)
    if base in _FIXED:
        width = _FIXED[base]
        values = struct.unpack_from("<I", data, position)[0] if many else 1
        position += 4 if many else 0
        end = position + _padded(width * values)
        if end > len(data):
            raise _Broken
        return data[position : position + width], end
    if base not in _VARIABLE:
        raise _Broken
    count, first = struct.unpack_from("<I", data, position)[0], b""
    position += 4
    for number in range(count):
        length = struct.unpack_from("<I", data, position)[0]
        position += 4
        if position + length > len(data):
            raise _Broken
        first = data[position : position + length] if number == 0 else first
        position += _padded(length)
    if base == 0x1F:
        return _string_wide(first), position
    return (_string(first, charset) if base == 0x1E else first), position


def _padded(length: int) -> int:
    return length + (-length % 4)


def _string(value: bytes, charset: str) -> str:
    return decode(value.rstrip(b"\x00"), charset)[0]


def _charset(codepage: int) -> str:
    known = {20127: "us-ascii", 20866: "koi8-r", 28591: "iso-8859-1", 65001: "utf-8"}
    return known.get(
        codepage, f"windows-{codepage}" if 1250 <= codepage <= 1258 else f"cp{codepage}"
    )


def _string_wide(value: bytes) -> str:
    return decode(value, "utf-16-le")[0].rstrip("\ufffd")
