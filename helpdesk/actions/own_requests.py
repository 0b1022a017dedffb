"""What goes of a person's own request that stays, because others have a part in it."""

from __future__ import annotations

from collections.abc import Collection

from helpdesk import events, notifications
from helpdesk.models import Ticket
from helpdesk.rules import answers

from .erasing_parts import rewrite_message
from .private_words import NO_SUBJECT


def empty(ticket: Ticket, word: str) -> None:
    """Leave nothing of a request that its customer said; `word` stands in place of the subject. Saves nothing."""
    ticket.subject, ticket.answers, ticket.objection_reason = word, [], ""


def without_personal(ticket: Ticket) -> None:
    """Empty the answers that are personal, also in subject and message that the form wrote. Saves nothing of the ticket."""
    before = ticket.answers
    ticket.answers = answers.emptied(before, answers.is_personal)
    if ticket.answers != before:
        words = answers.personal_words(before)
        ticket.subject = answers.without_words(ticket.subject, words) or NO_SUBJECT
        rewrite_message(ticket, before)


def forget_copies_of(tickets: Collection[int]) -> None:
    """Empty what history, automatic mails and notices to the team repeat of emptied requests (ids)."""
    if tickets:
        events.empty(tickets)
        notifications.empty_automatic(tickets=tickets)
        notifications.forget_digests(tickets)
