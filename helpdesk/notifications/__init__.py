"""The only sender of mail: recipients, wording, outbox.

Verbs call these inside their transaction: the row in the outbox is committed together with what it
tells of, and the worker sends it afterwards.
"""

from __future__ import annotations

from helpdesk.models import Article, OutboundMail, Ticket
from helpdesk.permissions import Actor

Addresses = tuple[tuple[str, str], ...]


def send_receipt(*, actor: Actor, ticket: Ticket, article: Article) -> OutboundMail | None:
    """Queue the receipt for a new ticket, or record why there is none."""
    return None


def send_answer(
    *,
    actor: Actor,
    ticket: Ticket,
    article: Article,
    to: Addresses,
    cc: Addresses = (),
    bcc: Addresses = (),
) -> OutboundMail:
    """Queue the mail of an agent's answer."""
    raise NotImplementedError


def send_forward(
    *,
    actor: Actor,
    ticket: Ticket,
    article: Article,
    original: Article | None,
    to: Addresses,
    cc: Addresses = (),
) -> OutboundMail:
    """Queue a message to a third party, with the original's text and files."""
    raise NotImplementedError
