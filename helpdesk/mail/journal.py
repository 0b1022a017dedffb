"""django-mailbox's journal: a `Message` row of each mail that came through one of its mailboxes.

Made from our own parse after filing. Nothing of ours reads it; it and the signal are there for others.
"""

from __future__ import annotations

import logging
from email.header import Header
from email.mime.text import MIMEText

from django.db import transaction
from django_mailbox.models import Mailbox, Message
from django_mailbox.signals import message_received

from helpdesk.models import InboundMail

from .parsed import Address, ParsedMail

logger = logging.getLogger(__name__)

MAX_TEXT = 100_000


def write(inbound: InboundMail, mail: ParsedMail) -> None:
    """Make the journal row of a mail that is being filed, in its transaction; the caller saves `inbound`.

    A mail that came through no mailbox has none. A failure here touches nothing else.
    """
    if inbound.mailbox is None or inbound.message_id is not None:
        return
    try:
        with transaction.atomic():
            message = _row(inbound.mailbox, mail)
            message.save()
    except Exception as error:  # noqa: BLE001  the journal is never worth a mail
        logger.warning("journal of mail %s: %s", inbound.pk, type(error).__name__)
        return
    inbound.message = message


def announce(inbound: InboundMail) -> None:
    """Send `message_received` for a filed mail, once that is committed."""
    if inbound.message is None:
        return
    for receiver, outcome in message_received.send_robust(sender=Mailbox, message=inbound.message):
        if isinstance(outcome, Exception):
            name = getattr(receiver, "__qualname__", "?")
            logger.warning("receiver %s of mail %s: %s", name, inbound.pk, type(outcome).__name__)


def _row(mailbox: Mailbox, mail: ParsedMail) -> Message:
    return Message(
        mailbox=mailbox,
        subject=mail.subject[:255],
        message_id=(mail.message_id or "")[:255],
        from_header=_shown(mail.from_)[:255],
        to_header=", ".join(_shown(one) for one in mail.to)[:255],
        outgoing=False,
        body=_plain(mail).as_string(),
        encoded=False,
    )


def _shown(address: Address | None) -> str:
    if address is None:
        return ""
    name = address.name.replace('"', "'")
    return f'"{name}" <{address.address}>' if name else address.address


def _plain(mail: ParsedMail) -> MIMEText:
    """A plain text mail with the essence of the original; its files are on the article."""
    message = MIMEText(mail.text[:MAX_TEXT], "plain", "utf-8")
    fields = {
        "Subject": mail.subject,
        "From": _shown(mail.from_),
        "To": ", ".join(_shown(one) for one in mail.to),
        "Message-ID": mail.message_id or "",
    }
    for name, value in fields.items():
        if value:
            # one line, whatever was in it: no header may be smuggled in
            line = " ".join(value.split())[:255]
            message[name] = Header(line, "utf-8", maxlinelen=998).encode()
    return message
