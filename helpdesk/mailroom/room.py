"""The maildir of the mail room, and the way from it into the desk."""

from __future__ import annotations

import mailbox
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from helpdesk import addressing, conf
from helpdesk.mail import ingest, ledger
from helpdesk.mail.parse import Address, ParsedMail, parse
from helpdesk.models import QueueAddress

#: How many of the newest mails the list knows, and how much of each it reads.
MAX_LISTED = 1000
_HEAD = 64 * 1024


@dataclass(frozen=True)
class Listed:
    """One line of the list."""

    key: str
    at: datetime
    sender: str
    recipients: tuple[str, ...]
    subject: str


def _maildir() -> mailbox.Maildir:
    folder = conf.mailroom_dir()
    folder.parent.mkdir(parents=True, exist_ok=True)
    return mailbox.Maildir(folder, factory=None, create=True)


def take(raw: bytes, *, sender: str, recipients: Sequence[str]) -> str:
    """Keep a mail as it came over SMTP, hand it to the queues it is for, and return its key.

    `sender` and `recipients` are the envelope's; they are written above the mail as a mail server
    writes them. Must not be called inside a transaction.
    """
    trace = [f"Return-Path: <{sender}>", *(f"Delivered-To: {one}" for one in recipients)]
    if any(not line.isprintable() for line in trace):
        raise ValueError("an address that holds a line break")
    raw = "".join(f"{line}\r\n" for line in trace).encode("utf-8", "replace") + raw
    key = _maildir().add(raw)
    ours = [one for one in recipients if _leads_into_a_queue(one)]
    if ours:
        inbound = ledger.accept(raw, source="mailroom", key=key[:200], envelope_to=ours)
        ingest.process(inbound.pk)
    return key


def _leads_into_a_queue(address: str) -> bool:
    try:
        normalised = addressing.normalise(address)
    except addressing.BadAddress:
        return False
    return QueueAddress.objects.filter(normalised=normalised).exists()


def mails(address: str = "") -> list[Listed]:
    """Return the mails from or to addresses that contain `address`, newest first."""
    _maildir()
    # nobody reads this maildir but us: mails stay in new/ under their keys
    paths = [path for path in (conf.mailroom_dir() / "new").iterdir() if path.is_file()]
    paths.sort(key=lambda path: (path.stat().st_mtime_ns, path.name), reverse=True)
    wanted = address.strip().casefold()
    rows = (_listed(path) for path in paths[:MAX_LISTED])
    return [row for row in rows if wanted in " ".join([row.sender, *row.recipients]).casefold()]


def _listed(path: Path) -> Listed:
    with path.open("rb") as file:
        mail = parse(file.read(_HEAD))
    return Listed(
        key=path.name,
        at=datetime.fromtimestamp(path.stat().st_mtime, tz=UTC),
        sender=shown(mail.from_),
        recipients=tuple(dict.fromkeys(mail.delivered_to)) or _named(mail),
        subject=mail.subject,
    )


def _named(mail: ParsedMail) -> tuple[str, ...]:
    return tuple(one.address for one in (*mail.to, *mail.cc))


def shown(address: Address | None) -> str:
    """Return name and address as people write them, '' for nobody."""
    if address is None:
        return ""
    return f"{address.name} <{address.address}>" if address.name else address.address


def read(key: str) -> bytes | None:
    """Return a mail's bytes, or None if there is no such mail."""
    maildir = _maildir()
    return maildir.get_bytes(key) if key in maildir else None
