"""What keeps the content of confidential tickets out of lists, notices and mails to the team.

A ticket is confidential as long as its queue, or one above it, is. Only its own screen shows what it says.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Any, TypeVar

from django.utils.translation import gettext as _

from .models import Queue, Ticket, confidential_queues

T = TypeVar("T", bound=Ticket)


class Veil:
    """Knows the confidential queues of one moment. One query, at the first ticket it is asked of."""

    def __init__(self, queues: dict[int, Queue] | None = None) -> None:
        """`queues` are all queues with their parents filled in, if they are known already: no query then."""
        self._known = queues

    @cached_property
    def queues(self) -> frozenset[int]:
        """The ids of the confidential queues."""
        if self._known is None:
            return confidential_queues()
        return frozenset(pk for pk, queue in self._known.items() if queue.keeps_confidence)

    def covers(self, ticket: Ticket) -> bool:
        """Tell whether the ticket is confidential."""
        return ticket.queue_id in self.queues

    def subject(self, ticket: Ticket) -> str:
        """Return the subject of a ticket, or the word that stands for it, in the active language."""
        return _("confidential") if self.covers(ticket) else ticket.subject

    def over(self, tickets: Iterable[T]) -> list[T]:
        """Take from tickets that are only shown, and never saved, what lists must not tell of confidential ones.

        They have `is_veiled` then: no subject, no preview, no customer, no form they came by.
        """
        rows: list[Any] = list(tickets)
        for ticket in rows:
            ticket.is_veiled = self.covers(ticket)
            if ticket.is_veiled:
                ticket.subject, ticket.preview, ticket.contact = _("confidential"), "", ""
                ticket.customer = None
                ticket.answers = []
                ticket.page_title = ""
        return rows
