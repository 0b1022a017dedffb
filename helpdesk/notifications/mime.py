"""An outbox row as bytes for the wire (RFC 5322, 2045–2047, 2231). Pure but for reading the files.

The header block is written here rather than by `email.message`: every value is made of tokens that
can hold no line break, so nothing that people type can begin a header of its own, and a folded
name reads the same everywhere.
"""

from __future__ import annotations

import base64
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from helpdesk import addressing, scanner
from helpdesk.models import Attachment, Blob, OutboundMail, Scan

WIDTH = 76
#: A longer token is encoded: a line has at most 998 characters (RFC 5322 2.1.1).
LONG_TOKEN = 200

# all of it in ASCII: not every server between us and the reader takes 8-bit content
_POLICY = SMTP.clone(cte_type="7bit")

_PLAIN_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]{1,60}")
_QUOTABLE_NAME = re.compile(r"[\x20-\x7e]{1,60}")
_PLAIN_TEXT = re.compile(r"[\x21-\x7e]+(?: [\x21-\x7e]+)*")
_CONTENT_TYPE = re.compile(r"([a-z0-9][a-z0-9!#$&^_.+-]{0,60})/([a-z0-9][a-z0-9!#$&^_.+-]{0,60})")


@dataclass(frozen=True)
class File:
    """A file of a mail."""

    name: str
    content_type: str
    content: bytes
    content_id: str = ""


def files_of(row: OutboundMail) -> list[File]:
    """Read the files that go with a mail: the article's and, forwarded, the original's.

    What is in quarantine stays here. Raises `OSError` if the storage does not give one.
    """
    if row.automatic:
        return []
    articles = [pk for pk in (row.article_id, row.original_id) if pk is not None]
    rows = Attachment.objects.filter(article__in=articles).select_related("blob").order_by("pk")
    return [
        File(one.name, one.content_type, one.blob.read(), one.content_id)
        for one in rows
        if _may_go(one.blob)
    ]


def _may_go(blob: Blob) -> bool:
    """Tell whether a file may leave: not from quarantine, nor before the scanner, if there is one, has seen it."""
    if blob.is_quarantined:
        return False
    if blob.scan != Scan.WAITING or not scanner.is_on():
        return True
    verdict = scanner.scan_at_once(blob.read())
    return verdict is None or not verdict.finding


def build(row: OutboundMail, files: Sequence[File] = ()) -> bytes:
    """Return the mail of a row with CRLF line ends. The same row always makes the same header."""
    return b"".join(_fold(name, tokens) for name, tokens in _header(row)) + _content(row, files)


def header(row: OutboundMail) -> dict[str, str]:
    """Return those headers that other mail backends do not make by themselves, on one line each."""
    made = {"From", "To", "Cc", "Subject"}
    return {name: " ".join(tokens) for name, tokens in _header(row) if name not in made}


def _header(row: OutboundMail) -> Iterable[tuple[str, list[str]]]:
    yield "From", mailboxes([[row.from_name, row.from_address]])
    yield "To", mailboxes(row.to) or ["undisclosed-recipients:;"]
    if row.cc:
        yield "Cc", mailboxes(row.cc)
    if row.reply_to:
        yield "Reply-To", mailboxes([["", row.reply_to]])
    yield "Subject", _text(row.subject)
    yield "Date", [format_datetime(row.created_at)]
    yield "Message-ID", [row.message_id]
    if row.in_reply_to:
        yield "In-Reply-To", [row.in_reply_to]
    if row.references:
        yield "References", list(row.references)
    if row.automatic:
        yield "Auto-Submitted", ["auto-replied"]  # RFC 3834 5
        yield "X-Auto-Response-Suppress", ["All"]  # Exchange
        yield "Precedence", ["bulk"]  # the old vacation programs know only this one


def _fold(name: str, tokens: Iterable[str]) -> bytes:
    lines = [f"{name}:"]
    for token in tokens:
        if len(lines[-1]) + 1 + len(token) > WIDTH and lines[-1].strip() != f"{name}:":
            lines.append("")
        lines[-1] += f" {token}"
    folded = "\r\n".join(lines) + "\r\n"
    if any(unicodedata.category(c) == "Cc" for c in folded.replace("\r\n", "")):
        raise ValueError("a control character in a header")
    return folded.encode("utf-8")


def one_line(text: str) -> str:
    """Return a text without control characters and line ends, blanks collapsed."""
    kept = (" " if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") else c for c in text)
    return " ".join("".join(kept).split())


def _text(value: str) -> list[str]:
    """Return unstructured text as tokens to be folded between."""
    value = one_line(value)
    if not value:
        return []
    tokens = value.split(" ")
    fits = all(len(token) <= LONG_TOKEN for token in tokens)
    if _PLAIN_TEXT.fullmatch(value) and "=?" not in value and fits:
        return tokens
    return _encoded_words(value)


def _encoded_words(text: str) -> list[str]:
    """Return RFC 2047 words of at most 75 characters, none of them ending inside a character."""
    words, piece = [], b""
    for character in text:
        encoded = character.encode("utf-8")
        if len(piece) + len(encoded) > 42:
            words.append(piece)
            piece = b""
        piece += encoded
    words.append(piece)
    return [f"=?utf-8?B?{base64.b64encode(word).decode('ascii')}?=" for word in words]


def _phrase(name: str) -> list[str]:
    """Return a display name as tokens: as it is, in quotes, or encoded (RFC 5322 3.4, RFC 2047 5)."""
    if _PLAIN_NAME.fullmatch(name) and "=?" not in name:
        return name.split(" ")
    if _QUOTABLE_NAME.fullmatch(name) and "=?" not in name:
        escaped = name.replace("\\", "\\\\").replace('"', '\\"')
        return [f'"{escaped}"']
    return _encoded_words(name)


def mailboxes(pairs: Iterable[Sequence[str]]) -> list[str]:
    """Return an address list as tokens to be folded between; raises `BadAddress`."""
    tokens: list[str] = []
    for name, address in pairs:
        if tokens:
            tokens[-1] += ","
        name = one_line(name)
        # a name that is the address, or poses as another, says nothing
        tokens += _phrase(name) if name and "@" not in name else []
        tokens.append(f"<{wire_address(address)}>")
    return tokens


def wire_address(address: str) -> str:
    """Return an address with its domain in ASCII; raises `BadAddress` (a `ValueError`)."""
    domain = addressing.canonical(address).rpartition("@")[2]
    local = one_line(address).rpartition("@")[0]
    return f"{local}@{domain}"


def _content(row: OutboundMail, files: Sequence[File]) -> bytes:
    """Return the MIME part with its Content- headers, as a block to stand behind ours."""
    part = EmailMessage(policy=_POLICY)
    part.set_content(_storable(row.body), charset="utf-8")
    if row.html:
        part.add_alternative(_storable(row.html), subtype="html", charset="utf-8")
    for file in files:
        main, sub = _content_type(file.content_type)
        name = one_line(file.name) or "file"
        part.add_attachment(file.content, maintype=main, subtype=sub, filename=name)
        cid = one_line(file.content_id)
        if cid and row.html and re.fullmatch(r"[!-;=?-~]{1,200}", cid):
            part.get_payload()[-1]["Content-ID"] = f"<{cid}>"  # type: ignore[index]
    return part.as_bytes()


def _content_type(value: str) -> tuple[str, str]:
    """Return main and sub type; a stored mail or a multipart goes as a plain file, byte by byte."""
    found = _CONTENT_TYPE.match(value.lower())
    if not found or found[1] in ("multipart", "message"):
        return "application", "octet-stream"
    return found[1], found[2]


def _storable(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", "")
