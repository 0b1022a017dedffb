"""Who gets something of a ticket because a mail was sent to them as well: people, and other queues.

Only the customer decides that, by whom they write to. Whoever else writes on the ticket (somebody who was
copied in, say) opens it to nobody, nor does a mail that is not from whom it names.
"""

from __future__ import annotations

from datetime import timedelta

from helpdesk import addressing
from helpdesk.actions import inform_queue
from helpdesk.models import Article, Ticket
from helpdesk.permissions import SYSTEM

from . import thread
from .incoming import Incoming, normalised

MAX_PARTICIPANTS = 20
#: Two deliveries of one mail that lie further apart were not sent together.
TOGETHER = timedelta(hours=1)


def is_from_customer(step: Incoming, article: Article) -> bool:
    """Tell whether a filed mail is the customer's, as far as is known: it counts and is from one of their addresses."""
    if step.forged or not article.visible:
        return False
    return thread.is_customer(article.ticket, thread.sender_of(step.mail))


def let_take_part(ticket: Ticket, step: Incoming) -> None:
    """Let those take part who are addressed beside us: their replies belong to the ticket."""
    if step.machine:
        return
    found: dict[str, dict[str, str]] = {}
    for one in (*step.mail.to, *step.mail.cc)[:MAX_PARTICIPANTS]:
        if not addressing.is_address(one.address):
            continue
        canonical = addressing.canonical(one.address)
        if addressing.normalise(one.address) in step.own:
            continue
        if canonical not in (step.sender, ticket.contact):
            found.setdefault(canonical, {"address": one.address[:254], "name": one.name[:200]})
    for canonical, facts in found.items():
        ticket.participants.get_or_create(normalised=canonical, defaults=facts)


def inform(step: Incoming, article: Article) -> None:
    """Let further queues that a follow-up is addressed to read along."""
    for queue_id in _addressed(step):
        if queue_id != article.ticket.queue_id:
            inform_queue(actor=SYSTEM, ticket=article.ticket, article=article, queue_id=queue_id)


def is_meant(step: Incoming, article: Article, queue_id: int | None) -> bool:
    """Tell whether the customer wrote to this queue: it stands in the mail, or the mail came there at the same time.

    Whoever has the mail can send it somewhere else later; that opens the conversation to nobody.
    """
    if step.inbound.silent or not is_from_customer(step, article):
        return False
    together = abs(step.inbound.received_at - article.created_at) <= TOGETHER
    return together or queue_id in _addressed(step)


def _addressed(step: Incoming) -> list[int]:
    """Return the queues whose addresses stand in To or Cc; a ticket's reply address names none."""
    keys = addressing.signing_keys()
    found: list[int] = []
    for one in (*step.mail.to, *step.mail.cc):
        queue_id = step.own.get(normalised(one))
        if queue_id is not None and addressing.read_reply_token(one.address, keys) is None:
            found.append(queue_id)
    return list(dict.fromkeys(found))
