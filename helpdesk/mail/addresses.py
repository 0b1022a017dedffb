"""Addresses, message ids and dates of the header, read by a bounded scan.

A display name never becomes an address: encoded words are decoded only after the address has been
found, and quoted text and comments are skipped while looking for it.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_tz
from typing import Final

from helpdesk.mail.charsets import one_line
from helpdesk.mail.headers import raw_text, words
from helpdesk.mail.parsed import Address

LIMIT_ADDRESSES: Final = 500
LIMIT_ADDRESS: Final = 320  # RFC 5321: 64 + @ + 255
LIMIT_NAME: Final = 200
LIMIT_IDS: Final = 100
LIMIT_ID: Final = 500

_BARE = re.compile(r"(?<!@)[^\s<>()\[\],;:\"\\@]{1,64}@[^\s<>(),;:\"\\@]{1,255}(?![^\s<>(),;])")
_QUOTED_LOCAL = re.compile(r'"(?:[^"\\]|\\.){1,62}"@[^\s<>(),;:"\\@]{1,255}')
# one token of an address list; each alternative begins with a character of its own
_TOKEN = re.compile(
    r'"(?:[^"\\]|\\.){0,400}"|\((?:[^()\\]|\\.){0,400}\)|<[^<>]*>?|[,;]|[^"(<,;]+|.', re.DOTALL
)


def addresses(value: bytes | None, hint: str | None = None) -> tuple[Address, ...]:
    """Return the mailboxes of an address list; groups are opened, what is no address is left out."""
    if not value:
        return ()
    found: list[Address] = []
    tokens: list[str] = []
    source = raw_text(value, hint)
    for token in _TOKEN.findall(source):
        if token in (",", ";"):
            _add(found, tokens)
            tokens = []
            if len(found) >= LIMIT_ADDRESSES:
                break
        else:
            tokens.append(token)
    if len(found) < LIMIT_ADDRESSES:
        _add(found, tokens)
    if not found and "=?" in source and "@" not in source:
        # some senders encode the whole field, address included
        return addresses(words(source[:2000]).replace("=?", "").encode())
    return tuple(found)


def _add(found: list[Address], tokens: list[str]) -> None:
    address = _mailbox(tokens)
    if address is not None:
        found.append(address)


def _mailbox(tokens: list[str]) -> Address | None:
    """Read one mailbox: the last thing in angle brackets that is an address, else a bare one."""
    for index in range(len(tokens) - 1, -1, -1):
        token = tokens[index]
        if token.startswith("<"):
            # comments and blanks may stand around dots and the @ (RFC 5322, obsolete syntax)
            inner = re.sub(r"\([^()]{0,200}\)", "", token.strip("<> \t"))
            address = _address(re.sub(r"\s*([.@])\s*", r"\1", inner).rsplit(":", 1)[-1])
            if address:
                return Address(_name(tokens[:index]), address)
    bare = "".join(token for token in tokens if not token.startswith("("))
    match = _QUOTED_LOCAL.search(bare) or _BARE.search(
        "".join(token for token in tokens if token[:1] not in '("<')
    )
    if match is None:
        return None
    address = _address(match[0])
    comments = [token for token in tokens if token.startswith("(")]
    return Address(_name(comments), address) if address else None


def _address(text: str) -> str:
    """Return a plain address with its domain in lower case, or "" if the text is none."""
    text = text.strip().strip("'").rstrip(".").removeprefix("mailto:")
    local, at, domain = text.rpartition("@")
    usable = at and local and domain and len(text) <= LIMIT_ADDRESS
    if not usable or one_line(text) != text or re.search(r"[\s<>,;]", domain):
        return ""
    if not local.startswith('"') and re.search(r"[\s<>,;()\"]", local):
        return ""
    return f"{local}@{domain.lower()}"


def _name(tokens: list[str]) -> str:
    """Return the display name that the tokens before the address spell."""
    parts = []
    for token in tokens:
        if token.startswith('"'):
            parts.append(re.sub(r"\\(.)", r"\1", token.strip('"'), flags=re.DOTALL))
        elif token.startswith("("):
            parts.append(token.strip("()"))
        elif token.startswith("<"):
            continue
        else:
            parts.append(token.rpartition(":")[2] if "=?" not in token else token)
    joined = words(" ".join(part for part in parts if part.strip())[:2000])
    return re.sub(r"\s+", " ", one_line(joined)).strip(" \"'")[:LIMIT_NAME]


_ID = re.compile(r"<([^<>]{1,2000})>")


def message_ids(value: bytes | None) -> tuple[str, ...]:
    """Return the message ids in a field, with brackets, in order, each once.

    Of more than `LIMIT_IDS` the first and the newest stay; ids beyond `LIMIT_ID` are left out.
    """
    if not value:
        return ()
    source = raw_text(value)
    inner = _ID.findall(source) or re.findall(r"[^\s<>@,;]+@[^\s<>@,;]+", source)
    ids = dict.fromkeys(
        f"<{bare}>" for bare in (re.sub(r"\s+", "", one_line(i)) for i in inner) if bare
    )
    kept = [i for i in ids if len(i) <= LIMIT_ID]
    return tuple(kept if len(kept) <= LIMIT_IDS else kept[:1] + kept[-LIMIT_IDS + 1 :])


def message_id(value: bytes | None) -> str | None:
    """Return the id of a Message-ID field, with brackets; None if there is none to speak of."""
    ids = message_ids(value)
    if ids:
        return ids[0]
    bare = re.sub(r"[\s<>]+", "", one_line(raw_text(value or b"")))
    return f"<{bare}>" if 0 < len(bare) <= LIMIT_ID - 2 else None


def date(value: bytes | None) -> datetime | None:
    """Return a Date field as an aware datetime in UTC; None if it cannot be read (RFC 5322, ISO)."""
    source = re.sub(r"\([^()]*\)", " ", one_line(raw_text((value or b"")[:200])))
    if not source:
        return None
    try:
        parts = parsedate_tz(source)
        if parts is None:
            read = datetime.fromisoformat(source.split(" (")[0])
            read = read if read.tzinfo else read.replace(tzinfo=UTC)
        else:
            zone = timezone(timedelta(seconds=parts[9] or 0))
            read = datetime(*parts[:5], min(parts[5], 59), tzinfo=zone)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return read.astimezone(UTC) if 1970 <= read.year <= 2200 else None
