"""django-mailbox's journal: a `Message` row of each mail that came through one of its mailboxes.

Made from our own parse after filing. Nothing of ours reads it; it and the signal are there for others.
"""

from __future__ import annotations

import base64
import logging
from collections.abc import Iterable
from email.header import Header

from django.db import connection, transaction
from django_mailbox.models import Mailbox, Message
from django_mailbox.signals import message_received

from helpdesk.models import InboundMail

from .parsed import Address, ParsedMail

logger = logging.getLogger(__name__)

MAX_TEXT = 100_000
MAX_HEADER = 255


def prepare(inbound: InboundMail, mail: ParsedMail) -> None:
    """Put the journal row of a mail that is being filed beside it; `write` stores it after the commit.

    A mail that came through no mailbox has none.
    """
    if inbound.mailbox_id is None or inbound.message_id is not None:
        return
    try:
        inbound.journal_row = _row(inbound.mailbox_id, mail)
    except (ValueError, LookupError) as error:
        logger.warning("journal of mail %s: %s", inbound.pk, type(error).__name__)


def write(rows: Iterable[InboundMail]) -> None:
    """Store the prepared journal rows of filed mails together, and send `message_received` for each.

    A failure touches nothing else: the journal is never worth a mail.
    """
    waiting = [row for row in rows if row.journal_row is not None]
    if not waiting:
        return
    try:
        _store(waiting)
    except Exception as error:  # noqa: BLE001  whatever it is, it is not worth a mail
        _unsave(waiting)
        if len(waiting) > 1:  # one of them spoils the others: each by itself
            for row in waiting:
                write([row])
        else:
            logger.warning("journal of mail %s: %s", waiting[0].pk, type(error).__name__)
        return
    for row in waiting:
        row.journal_row = None
        _announce(row)


@transaction.atomic
def _store(waiting: list[InboundMail]) -> None:
    messages = [row.journal_row for row in waiting if row.journal_row is not None]
    if connection.features.can_return_rows_from_bulk_insert:
        Message.objects.bulk_create(messages)
    else:
        for message in messages:
            message.save()
    for row, message in zip(waiting, messages, strict=True):
        row.message = message
    InboundMail.objects.bulk_update(waiting, ["message"])


def _unsave(waiting: list[InboundMail]) -> None:
    """Take back from rows that were undone what the database had given them: others may have it by now."""
    for row in waiting:
        row.message = None
        if row.journal_row is not None:
            row.journal_row.pk, row.journal_row._state.adding = None, True


def _announce(inbound: InboundMail) -> None:
    for receiver, outcome in message_received.send_robust(sender=Mailbox, message=inbound.message):
        if isinstance(outcome, Exception):
            name = getattr(receiver, "__qualname__", "?")
            logger.warning("receiver %s of mail %s: %s", name, inbound.pk, type(outcome).__name__)


def _row(mailbox_id: int, mail: ParsedMail) -> Message:
    return Message(
        mailbox_id=mailbox_id,
        subject=mail.subject[:255],
        message_id=(mail.message_id or "")[:255],
        from_header=_shown(mail.from_)[:255],
        to_header=", ".join(_shown(one) for one in mail.to)[:255],
        outgoing=False,
        body=_plain(mail),
        encoded=False,
    )


def _shown(address: Address | None) -> str:
    if address is None:
        return ""
    name = address.name.replace('"', "'")
    return f'"{name}" <{address.address}>' if name else address.address


def _plain(mail: ParsedMail) -> str:
    """Return a plain text mail with the essence of the original; its files are on the article."""
    fields = {
        "Subject": mail.subject,
        "From": _shown(mail.from_),
        "To": ", ".join(_shown(one) for one in mail.to),
        "Message-ID": mail.message_id or "",
        "MIME-Version": "1.0",
        "Content-Type": 'text/plain; charset="utf-8"',
        "Content-Transfer-Encoding": "base64",
    }
    head = "".join(f"{name}: {_line(value)}\n" for name, value in fields.items() if value)
    text = mail.text[:MAX_TEXT].encode("utf-8", "replace")
    return f"{head}\n{base64.encodebytes(text).decode('ascii')}"


def _line(value: str) -> str:
    """Return a header's value on one line, whatever was in it: no header may be smuggled in."""
    line = " ".join(value.split())[:MAX_HEADER]
    plain = line.isascii() and line.isprintable() and "=?" not in line
    return line if plain else Header(line, "utf-8", maxlinelen=998).encode()
