"""What a mail says, as frozen values. No text in here ever holds NUL or a lone surrogate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Address:
    """A mailbox: display name (may be empty) and address, its domain in lower case."""

    name: str
    address: str


@dataclass(frozen=True, slots=True)
class Part:
    """A file of a mail. `name` is never empty and never a path; `content_id` has no brackets."""

    name: str
    content_type: str
    content: bytes
    content_id: str | None = None
    inline: bool = False


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a calendar part. Times are aware and in UTC; of an all-day event, midnight UTC."""

    summary: str
    start: datetime | None
    end: datetime | None
    location: str
    method: str
    all_day: bool = False
    organizer: str = ""


@dataclass(frozen=True, slots=True)
class Delivery:
    """What happened to one recipient (RFC 3464): `action` is failed, delayed, delivered, …

    `original` is the address we wrote to, where a server on the way forwarded the mail to `recipient`.
    """

    recipient: str
    action: str
    status: str
    diagnostic: str
    original: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """The machine-readable half of a delivery report (RFC 3464) or a read receipt (RFC 8098)."""

    deliveries: tuple[Delivery, ...] = ()
    disposition: str = ""
    original_message_id: str | None = None


@dataclass(frozen=True, slots=True)
class ParsedMail:
    """One mail, read. `defects` names by short code every cap reached and every fault met."""

    subject: str
    from_: Address | None
    sender: Address | None
    reply_to: tuple[Address, ...]
    return_path: str | None  # "" is the empty path <>
    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    delivered_to: tuple[str, ...]
    date: datetime | None  # aware, UTC
    message_id: str | None  # with angle brackets, as all ids here
    in_reply_to: tuple[str, ...]
    references: tuple[str, ...]
    text: str
    html: str | None  # as sent, NOT sanitised
    attachments: tuple[Part, ...]
    events: tuple[Event, ...]
    headers: Mapping[str, tuple[str, ...]]  # lower-case names, decoded values, bounded
    report_type: str | None
    report: Report | None
    protection: str | None  # smime-signed, smime-encrypted, pgp-signed, pgp-encrypted
    content_hash: str
    defects: tuple[str, ...]
