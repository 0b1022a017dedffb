"""How IMAP (RFC 3501) writes sets, folders and the answers to FETCH."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator
from typing import Any

BATCH = 200  # numbers and ranges in one command: a line well under the 8,192 bytes of RFC 7162 section 4


def uid_sets(uids: Iterable[int]) -> Iterator[str]:
    """Yield sequence sets (RFC 3501 section 9) of at most BATCH numbers and ranges that name exactly these UIDs."""
    runs: list[list[int]] = []
    for uid in sorted(set(uids)):
        if runs and runs[-1][1] == uid - 1:
            runs[-1][1] = uid
            continue
        if len(runs) == BATCH:
            yield _joined(runs)
            runs = []
        runs.append([uid, uid])
    if runs:
        yield _joined(runs)


def _joined(runs: list[list[int]]) -> str:
    return ",".join(str(first) if first == last else f"{first}:{last}" for first, last in runs)


def quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def folder_name(name: str) -> str:
    """Return the folder's name as the protocol writes it: modified UTF-7 (RFC 3501 section 5.1.3), quoted."""

    def shifted(match: re.Match[str]) -> str:
        code = base64.b64encode(match[0].encode("utf-16-be")).rstrip(b"=").replace(b"/", b",")
        return f"&{code.decode('ascii')}-"

    return quoted(re.sub(r"[^\x20-\x7e]+", shifted, name.replace("&", "&-")))


def numbers(part: object) -> tuple[int, int, int | None] | None:
    """Return a message's number, UID and size out of a line of a FETCH answer."""
    if not isinstance(part, bytes):
        return None
    number = re.match(rb"(\d+) \(", part)
    uid = re.search(rb"\bUID (\d+)", part)
    size = re.search(rb"\bRFC822\.SIZE (\d+)", part)
    return (int(number[1]), int(uid[1]), int(size[1]) if size else None) if number and uid else None


def unmarked(part: object) -> int | None:
    if not isinstance(part, bytes) or b"\\deleted" in part.lower():
        return None
    uid = re.search(rb"\bUID (\d+)", part)
    return int(uid[1]) if uid else None


def body(parts: list[Any]) -> bytes | None:
    """Return BODY[] out of a FETCH answer, None if there is none; a server may write a short one as a string."""
    for part in parts:
        if isinstance(part, tuple) and b"BODY[]" in part[0].upper():
            return bytes(part[1])
        if isinstance(part, bytes) and (match := re.search(rb'BODY\[\] "((?:[^"\\]|\\.)*)"', part)):
            return re.sub(rb"\\(.)", rb"\1", match[1])
    return None
