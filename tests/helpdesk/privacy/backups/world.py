"""A filled help desk, and how two of them are compared: table by table, file by file."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.core.files.base import ContentFile
from django.db import connection
from django.utils import timezone
from django_mailbox.models import Mailbox

from helpdesk import storage
from helpdesk.actions import Draft, Upload, add_note
from helpdesk.models import Blob, Channel, InboundMail, MailAccount, OutboundMail, Ticket
from helpdesk.permissions import SYSTEM
from portal.models import CustomDocument
from tests import factories as f

#: Tables that differ after restoring, for a reason: what it writes down, and what it counts on.
WRITTEN = {"helpdesk_auditentry", "helpdesk_numbercounter", "django_session", "portal_cache"}


@dataclass
class World:
    """What was filled in."""

    tickets: list[Ticket]
    account: MailAccount
    document: CustomDocument
    queued: OutboundMail


def fill(count: int = 3) -> World:
    """Fill a help desk: tickets with files, raw mail, a document, a mail account with a secret, a waiting mail."""
    queue = f.QueueFactory(name="Printers", slug="printers")
    tickets = [add_files(f.make_ticket(queue, subject=f"Printer {n}"), n) for n in range(count)]
    mailbox = Mailbox.objects.create(name="Desk", uri="imap://desk@mail.example/")
    account = MailAccount.objects.create(
        mailbox=mailbox, queue=queue, secret=storage.encrypt("of the mailbox")
    )
    document = CustomDocument(title="Map")
    document.file.save("map.txt", ContentFile(b"Where the printers stand"))
    document.save()
    return World(tickets, account, document, queue_mail(tickets[0]))


def add_files(ticket: Ticket, number: int) -> Ticket:
    """Add a message with a file, and the raw mail in which it came."""
    files = (Upload(f"p{number}.txt", f"picture {number}".encode()),)
    draft = Draft(body="With a picture.", channel=Channel.NOTE, files=files)
    article = add_note(actor=SYSTEM, ticket=ticket, draft=draft)
    InboundMail.objects.create(
        source="pipe",
        key=f"{ticket.pk}",
        blob=Blob.keep(f"From: ina@mail.example\n\nraw {ticket.pk}".encode()),
        sender="ina@mail.example",
        ticket=ticket,
        article=article,
        state=InboundMail.State.FILED,
    )
    return ticket


def queue_mail(ticket: Ticket) -> OutboundMail:
    """Put a mail into the outbox that goes out tomorrow."""
    return OutboundMail.objects.create(
        ticket=ticket,
        kind=OutboundMail.Kind.ANSWER,
        message_id="<waiting@desk.example>",
        from_address="desk@desk.example",
        to=[["Ina", "ina@mail.example"]],
        subject="Soon",
        due_at=timezone.now(),
    )


def fingerprint(tables: Iterable[str], rows: Any) -> dict[str, str]:
    """Return a digest of each table's rows; `rows` runs a statement and gives tuples."""
    found = {}
    for name in tables:
        texts = sorted(repr(tuple(map(_plain, row))) for row in rows(f'SELECT * FROM "{name}"'))  # noqa: S608
        found[name] = f"{len(texts)} {hashlib.sha256(repr(texts).encode()).hexdigest()[:12]}"
    return found


def _plain(value: Any) -> Any:
    return bytes(value) if isinstance(value, memoryview) else value


def rows_here(sql: str) -> Iterator[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        yield from cursor.fetchall()


def tables_here() -> list[str]:
    """Return the tables that are compared: not SQLite's index and statistics, which lie differently each time."""
    laid_out_anew = ("helpdesk_searchwords_", "sqlite_")
    found = connection.introspection.table_names()
    return [one for one in found if one not in WRITTEN and not one.startswith(laid_out_anew)]


def files_below(folder: Path) -> dict[str, str]:
    """Return the digest of every file below a folder, by its name."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }
