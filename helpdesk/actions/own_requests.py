"""What goes of a person's own request that stays, because others have a part in it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from helpdesk import events, notifications
from helpdesk.models import Answer, OutboundMail, Privacy, Ticket, delete_rows
from helpdesk.rules import answers

from .erasing_parts import blank, rewrite_message
from .private_words import NO_SUBJECT

#: What a request loses besides the columns that hold something of people.
_WHOSE = ("customer", "organisation", "link_nonce")


def empty_requests(rows: Collection[Ticket], word: str) -> None:
    """Leave of locked requests that they were there, and saves it; `word` stands in place of the subject.

    History, automatic mails and notices to the team repeat what was asked, and say nothing of it any more. The messages are
    emptied by themselves; afterwards the caller brings previews and index into line.
    """
    if not rows:
        return
    columns = blank(Ticket, Privacy.CONTENT, Privacy.PERSON)
    for row in rows:
        for name, value in columns.items():
            setattr(row, name, value)
        row.customer, row.organisation, row.subject = None, None, word
        row.renew_link()
    Ticket.objects.bulk_update(rows, [*columns, *_WHOSE], batch_size=50)
    pks = [row.pk for row in rows]
    delete_rows(Answer.objects.filter(ticket__in=pks))
    events.empty(pks)
    notifications.empty_automatic(tickets=pks, also=blank(OutboundMail, Privacy.PERSON))
    notifications.forget_digests(pks)


def without_personal(ticket: Ticket) -> None:
    """Empty the answers that are personal or name files, also in subject and message that the form wrote.

    Saves nothing of the ticket.
    """
    before = ticket.answers
    ticket.answers = answers.emptied(before, _goes)
    if ticket.answers != before:
        words = answers.words_that_go(before, _goes)
        ticket.subject = answers.without_words(ticket.subject, words) or NO_SUBJECT
        rewrite_message(ticket, before)


def _goes(entry: Mapping[str, Any]) -> bool:
    return answers.is_personal(entry) or answers.is_files(entry)
