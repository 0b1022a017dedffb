"""Which tickets gave which answers in a form, whatever version of it they saw.

What a confidential ticket says is not found here: it is read on the ticket's own screen only, where that is
written down.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import QuerySet

from .models import Answer, Ticket, confidential_queues
from .rules import answers

#: So many answers can be asked for at once.
MAX_ASKED = 12


def saying(tickets: QuerySet[Ticket], asked: Iterable[tuple[str, str]]) -> QuerySet[Ticket]:
    """Return those of `tickets` whose form said exactly this, for each pair of a field's key and a value."""
    for key, value in list(asked)[:MAX_ASKED]:
        tickets = having(tickets, key, text=answers.folded(value))
    return tickets


def having(tickets: QuerySet[Ticket], key: str, **lookups: Any) -> QuerySet[Ticket]:
    """Return those of `tickets` with an answer in a field for which `lookups` on `Answer` hold."""
    rows = Answer.objects.filter(key=key, **lookups).values("ticket")
    return tickets.filter(pk__in=rows).exclude(queue__in=confidential_queues())
