"""The only sender of mail: recipients, wording, outbox.

Verbs call the functions below inside their transaction: the row in the outbox is committed together
with what it tells of, and the worker sends it afterwards (`outbox.send_due`).
"""

from __future__ import annotations

import re
from datetime import timedelta

from helpdesk import addressing, conf, events
from helpdesk.models import Article, EventKind, OutboundMail, QueueAddress, Ticket
from helpdesk.permissions import Actor

from . import compose, limiter, suspension
from .bounces import note_bounce, send_returned_again
from .compose import Addresses
from .decisions import send_again, withdraw
from .outbox import send_due
from .withdrawing import withdraw_automatic

__all__ = [
    "Addresses",
    "note_bounce",
    "send_again",
    "send_answer",
    "send_due",
    "send_forward",
    "send_receipt",
    "send_returned_again",
    "withdraw",
    "withdraw_automatic",
]

# behind these names nobody reads, or a machine does
_NOBODY = re.compile(
    r"(?:.*[._-])?(?:no[._-]?reply|do[._-]?not[._-]?reply|nicht[._-]?antworten|keine[._-]?antwort"
    r"|bounces?|mailer[._-]?daemon|postmaster|abuse|hostmaster|auto[._-]?reply|listserv|majordomo)"
    r"(?:[._+-].*)?@.*"
)


def send_receipt(*, actor: Actor, ticket: Ticket, article: Article) -> OutboundMail | None:
    """Queue the receipt for a new ticket, or record why there is none (a code in the history)."""
    reason = _why_no_receipt(ticket, article)
    if reason:
        events.record(
            actor=actor,
            ticket=ticket,
            article=article,
            kind=EventKind.RECEIPT_WITHHELD,
            data={"reason": reason},
        )
        return None
    row = compose.receipt(ticket=ticket, article=article)
    row.save(force_insert=True)
    events.record(
        actor=actor,
        ticket=ticket,
        article=article,
        kind=EventKind.RECEIPT_QUEUED,
        data={"mail": row.pk},
    )
    return row


def _why_no_receipt(ticket: Ticket, article: Article) -> str:
    """Return the code of the first reason against a receipt, or ''. Counts the mail if there is none."""
    if not ticket.queue.sends_receipt:
        return "queue_off"
    if ticket.queue.is_junk:
        return "spam"
    if article.machine:
        return "machine"
    if not ticket.contact:
        return "no_contact"
    try:
        address = addressing.normalise(ticket.contact)
    except addressing.BadAddress:
        return "bad_address"
    if _NOBODY.fullmatch(address):
        return "nobody_reads"
    if ticket.customer is not None and ticket.customer.is_blocked:
        return "blocked"
    if _is_ours(address, ticket):
        return "own_address"
    if suspension.suspended(ticket.contact):
        return "suspended"
    return limiter.take(address) or ""


def _is_ours(address: str, ticket: Ticket) -> bool:
    """Tell whether mail to the address would come back to us."""
    sender = addressing.normalise(compose.sender_of(ticket.queue)[1])
    return address == sender or QueueAddress.objects.filter(normalised=address).exists()


def send_answer(
    *,
    actor: Actor,
    ticket: Ticket,
    article: Article,
    to: Addresses,
    cc: Addresses = (),
    bcc: Addresses = (),
) -> OutboundMail:
    """Queue the mail of an agent's answer; the article takes its Message-ID.

    Its files are read when it is sent. Raises `InvalidInput` for a bad recipient, or none, or one
    whose address is suspended.
    """
    row = compose.answer(ticket=ticket, article=article, to=to, cc=cc, bcc=bcc)
    suspension.refuse(to=to, cc=cc, bcc=bcc)
    return _queue(actor, row, article)


def send_forward(
    *,
    actor: Actor,
    ticket: Ticket,
    article: Article,
    original: Article | None,
    to: Addresses,
    cc: Addresses = (),
) -> OutboundMail:
    """Queue a message to a third party, with the original's text and files. Raises as `send_answer`."""
    row = compose.forward(ticket=ticket, article=article, original=original, to=to, cc=cc)
    suspension.refuse(to=to, cc=cc)
    return _queue(actor, row, article)


def _queue(actor: Actor, row: OutboundMail, article: Article) -> OutboundMail:
    if actor.kind == "agent":  # people may think better of it for a moment (`withdraw`)
        row.due_at += timedelta(seconds=conf.get("UNDO_SECONDS"))
    row.save(force_insert=True)
    article.message_id = row.message_id
    article.in_reply_to = row.in_reply_to
    article.references = row.references
    article.save(update_fields=["message_id", "in_reply_to", "references"])
    return row
