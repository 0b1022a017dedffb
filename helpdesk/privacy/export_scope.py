"""Whose data an export holds, and how much of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from helpdesk import permissions
from helpdesk.actions.drafts import OF_TICKET
from helpdesk.actions.persons import groups_of, own_by, written_by
from helpdesk.models import Article, QueueAddress, Ticket
from helpdesk.permissions import Actor
from helpdesk.rules.blanking import Blanker, Person

from . import kinds

_ADDRESS = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")


@dataclass
class Entry:
    """A file that goes along: where it lies, and under which path in the archive."""

    sha256: str
    path: str


@dataclass
class Scope:
    """Whose data, and how much of it. `actor`: who may see it on the site; None: everything.

    `only`: this one request.
    """

    person: Person
    actor: Actor | None = None
    only: Ticket | None = None
    files: list[Entry] = field(default_factory=list)
    #: Is told of tickets (ids) before anything of them is read; None for what is not stored.
    note: Callable[[Collection[int]], None] | None = None
    _noted: set[int] = field(default_factory=set)

    def reads(self, tickets: Iterable[int]) -> None:
        """Say that something of tickets is going to be read. Raises what `note` does."""
        new = set(tickets) - self._noted
        if new and self.note is not None:
            self.note(new)
        self._noted |= new

    def reads_whole(self, tickets: Collection[int]) -> None:
        """The same of tickets with what was merged into them; who merges more from now on notes that, too."""
        self.reads(tickets)
        if self.note is not None:
            self.reads(groups_of(tickets))

    @property
    def is_complete(self) -> bool:
        return self.actor is None

    @cached_property
    def blanker(self) -> Blanker:
        """Finds the person in texts."""
        return Blanker(self.person.marks, "\x00")

    @cached_property
    def ours(self) -> frozenset[str]:
        """The addresses that are nobody's secret: those of the queues."""
        return frozenset(QueueAddress.objects.values_list("normalised", flat=True))

    @cached_property
    def own(self) -> frozenset[int]:
        """The tickets that are the person's own requests."""
        rows = Ticket.objects.filter(own_by(self.person)).order_by()
        return frozenset(rows.values_list("pk", flat=True))

    def is_own(self, article: Article) -> bool:
        """Tell whether a message is of a request of the person's own: one merged in may be somebody else's."""
        return article.extra.get(OF_TICKET, article.ticket_id) in self.own

    def tickets(self) -> list[tuple[QuerySet[Ticket], str]]:
        """Return the tickets by the part that the person has in them."""
        if self.only is not None:
            decides = self.actor is None or permissions.may_decide(self.actor, self.only)
            return [(Ticket.objects.filter(pk=self.only.pk), "own" if decides else "part")]
        if self.actor is not None:
            seen = permissions.visible_tickets(self.actor)
            own = seen.filter(permissions.own_tickets(self.actor))
            rest = seen.exclude(pk__in=own.order_by().values("pk"))
            return [(own, "own"), (rest.filter(pk__in=self._wrote()), "writer")]
        own = kinds.own_tickets(self.person)
        rest = Ticket.objects.exclude(pk__in=own.order_by().values("pk"))
        which = Q(pk__in=kinds.drafts_about(self.person).order_by().values("ticket"))
        for kind in kinds.TICKETS:
            which |= Q(pk__in=kind.tickets(self.person).order_by().values("pk"))
        return [(own, "own"), (rest.filter(which), "part")]

    @cached_property
    def _found(self) -> dict[str, set[int]]:
        return {
            kind.code: set(kind.tickets(self.person).order_by().values_list("pk", flat=True))
            for kind in kinds.TICKETS
        }

    def found_by(self, ticket: int) -> list[str]:
        """Return the codes of the kinds by which a ticket (id) was found."""
        return [code for code, pks in self._found.items() if ticket in pks]

    def _wrote(self) -> QuerySet[Any]:
        return Article.objects.filter(written_by(self.person)).order_by().values("ticket")

    def articles(self, ticket: Ticket, part: str) -> QuerySet[Article]:
        """Return the messages of a ticket that go into the export."""
        if self.actor is not None:
            rows = permissions.visible_articles(self.actor, ticket)
            is_whole = part == "own" or self.only is not None
            return rows if is_whole else rows.filter(written_by(self.person))
        return Article.objects.filter(ticket=ticket)


def without_others(text: str, scope: Scope) -> str:
    """Return a text without mail addresses of people other than the person."""

    def put(match: re.Match[str]) -> str:
        one = match[0]
        known = scope.blanker.is_address(one) or one.casefold() in scope.ours
        return one if known else _("[somebody else's address]")

    return _ADDRESS.sub(put, text)


def moment(at: datetime | None) -> str:
    """Return a moment as data has it; '' for none."""
    return at.isoformat(timespec="seconds") if at is not None else ""
