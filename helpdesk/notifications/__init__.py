"""The only sender of mail: recipients, wording, outbox.

Verbs call the functions below inside their transaction: the row in the outbox is committed together
with what it tells of, and the worker sends it afterwards (`outbox.send_due`).
"""

from __future__ import annotations

from datetime import timedelta

from helpdesk import conf
from helpdesk.models import Article, AutoResponse, OutboundMail, Ticket
from helpdesk.permissions import Actor

from . import compose, suspension
from .automatic import Withheld, why_not
from .bounces import note_bounce, send_returned_again
from .compose import Addresses
from .decisions import send_again, withdraw
from .export_ready import send_export_ready
from .forgetting import empty_automatic, empty_mails, forget_digests, waited_for
from .inviting import send_invitation, send_link, send_proof
from .limiter import read_ahead as read_ahead_limits
from .moving import move_mails
from .outbox import send_due
from .responses import Wording, receipt_as_read, send_refusal, send_response
from .withdrawing import detach, withdraw_automatic

__all__ = [
    "Addresses",
    "Withheld",
    "Wording",
    "detach",
    "empty_automatic",
    "empty_mails",
    "forget_digests",
    "move_mails",
    "note_bounce",
    "read_ahead_limits",
    "receipt_as_read",
    "send_again",
    "send_answer",
    "send_due",
    "send_export_ready",
    "send_forward",
    "send_invitation",
    "send_link",
    "send_proof",
    "send_receipt",
    "send_returned_again",
    "withdraw",
    "withdraw_automatic",
    "send_refusal",
    "send_response",
    "waited_for",
    "why_not",
]


def send_receipt(
    *, actor: Actor, ticket: Ticket, article: Article, wording: Wording | None = None
) -> OutboundMail | None:
    """Queue the receipt for a new ticket, or record why there is none (a code in the history).

    `wording` is what a page says instead of the queue, whose word on whether there is a receipt holds.
    """
    return send_response(
        actor=actor,
        ticket=ticket,
        article=article,
        kind=AutoResponse.Kind.RECEIVED,
        wording=wording,
    )


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
