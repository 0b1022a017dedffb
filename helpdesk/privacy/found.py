"""Everything that is stored about a person, by kind: how much there is, and the newest of it with links.

A constant number of queries, whatever there is.

Whoever deals with data subjects sees that a ticket exists, in any queue. What it is about is shown only of tickets that
they may read, and of confidential ones never: for that the ticket has to be opened, and is written down as opened.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db.models import QuerySet

from helpdesk import permissions
from helpdesk.confidence import Veil
from helpdesk.models import Ticket
from helpdesk.permissions import Actor
from helpdesk.rules.blanking import Person

from . import kinds

#: Rows shown of each kind.
SHOWN = 20


@dataclass(frozen=True)
class Row:
    """One thing that was found. `ticket` leads there for whoever may read it; None: it may not be opened."""

    text: str
    at: Any = None
    ticket: int | None = None


@dataclass(frozen=True)
class Section:
    """One kind of what was found."""

    code: str
    label: str
    count: int
    rows: list[Row] = field(default_factory=list)

    @property
    def more(self) -> int:
        """How many are not shown."""
        return max(0, self.count - len(self.rows))


def everything(actor: Actor, person: Person) -> list[Section]:
    """Return what is stored about a person, empty kinds left out. For who deals with data subjects only."""
    found = _ticket_sections(
        actor, [(one.code, str(one.label), one.tickets(person)) for one in kinds.TICKETS]
    )
    for kind in kinds.LISTS:
        rows = kind.rows(person)
        if rows is not None:
            found.append(_section(kind, rows))
    return [one for one in found if one.count]


def _ticket_sections(
    actor: Actor, parts: Iterable[tuple[str, str, QuerySet[Ticket]]]
) -> list[Section]:
    found = []
    for code, label, tickets in parts:
        count = tickets.count()
        rows = list(tickets.select_related("queue").order_by("-created_at", "-pk")[:SHOWN])
        found.append((code, label, count, rows))
    pks = {ticket.pk for _code, _label, _count, rows in found for ticket in rows}
    readable = set(
        permissions.visible_tickets(actor)
        .filter(pk__in=pks)
        .order_by()
        .values_list("pk", flat=True)
    )
    veil = Veil()
    return [
        Section(code, label, count, [_ticket_row(one, readable, veil) for one in rows])
        for code, label, count, rows in found
    ]


def _ticket_row(ticket: Ticket, readable: set[int], veil: Veil) -> Row:
    may_read = ticket.pk in readable
    words = [ticket.number, ticket.queue.name]
    if may_read:
        words.append(veil.subject(ticket))
    return Row(" · ".join(words), ticket.created_at, ticket.pk if may_read else None)


def _section(kind: kinds.Kind, rows: QuerySet[Any]) -> Section:
    """Count rows and show the newest: moment and texts, codes in words."""
    label, count = str(kind.label), rows.count()
    if not count:
        return Section(kind.code, label, 0)
    shown = rows.order_by(kind.order).values_list(kind.at, *kind.shown)[:SHOWN]
    fields = [rows.model._meta.get_field(name) for name in kind.shown]
    words: list[dict[Any, Any]] = [dict(getattr(one, "flatchoices", ())) for one in fields]
    return Section(kind.code, label, count, [Row(_texts(texts, words), at) for at, *texts in shown])


def _texts(texts: Iterable[Any], words: Iterable[dict[Any, Any]]) -> str:
    """Return what stands in some columns, codes as the words that they stand for."""
    return " · ".join(
        str(known.get(one, one)) for one, known in zip(texts, words, strict=True) if one
    )
