"""Who is told of what happened. Pure: rights, absences and teams are asked of functions.

Two steps: `meant` reads from the kind of event whom it is for, `spread` sends it on from those who are away to those
who stand in, leaves out who acted and who may not read, and gives everybody one notice: the one that matters most.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from helpdesk.models import EventKind, Notice, NoticeKind, Right

from .substitution import Standing

ByMail = Notice.ByMail
Kind = NoticeKind

#: What every agent is told, and how, until they choose otherwise: in the admin, by mail.
DEFAULTS: Mapping[str, tuple[bool, str]] = {
    Kind.NEW_TICKET: (True, ByMail.DIGEST),
    Kind.REPLY: (True, ByMail.NOW),
    Kind.ASSIGNED: (True, ByMail.NOW),
    Kind.MENTIONED: (True, ByMail.NOW),
    Kind.NOTE: (True, ByMail.DIGEST),
    Kind.REMINDER: (True, ByMail.NOW),
    Kind.WARNING: (True, ByMail.NO),
    Kind.BREACH: (True, ByMail.NOW),
    Kind.HAND_BACK: (True, ByMail.DIGEST),
    Kind.DELIVERY: (True, ByMail.NOW),
    Kind.STORAGE: (True, ByMail.DIGEST),
    Kind.RETURN: (True, ByMail.NOW),
}
#: Of several notices of one event to one agent the first of these is given.
RANKS: tuple[str, ...] = (
    Kind.MENTIONED,
    Kind.ASSIGNED,
    Kind.BREACH,
    Kind.WARNING,
    Kind.REMINDER,
    Kind.HAND_BACK,
    Kind.DELIVERY,
    Kind.REPLY,
    Kind.NOTE,
    Kind.STORAGE,
    Kind.NEW_TICKET,
    Kind.RETURN,
)
#: Who changed the owner without giving the ticket back to the team.
_NO_HAND_BACK = frozenset({"move", "take_back"})
#: Of what several are meant one after another: whoever comes first and is there.
_ALTERNATIVES = frozenset({Kind.DELIVERY, Kind.STORAGE})


@dataclass(frozen=True)
class Happening:
    """An event, and what it takes to know whom it matters to. People are ids."""

    kind: str
    data: Mapping[str, Any]
    queue: int
    is_open: bool = True
    owner: int | None = None
    responsible: int | None = None
    watchers: tuple[int, ...] = ()
    mentioned: tuple[int, ...] = ()
    # who wrote the message
    author: int | None = None


@dataclass(frozen=True)
class Meant:
    """Whom one happening is for."""

    kind: NoticeKind
    # whom it is for: of those who are away, who stands in is told as well
    people: tuple[int, ...] = ()
    # who hears of it besides
    along: tuple[int, ...] = ()
    # everybody with this right in the queue: at any rate, or only if none of `people` is there
    team: Right | None = None
    fallback: Right | None = Right.READ
    # not for those who see only the conversation with the customer
    internal: bool = True
    # not for those of the team who do not want to hear of this queue
    mutable: bool = False
    # what whoever stands in must be allowed to do
    deputy_may: Right = Right.OWN


def _people(*ids: int | None) -> tuple[int, ...]:
    return tuple(dict.fromkeys(pk for pk in ids if pk is not None))


def _opened(what: Happening) -> list[Meant]:
    if not what.is_open:
        return []
    return [Meant(Kind.NEW_TICKET, team=Right.READ, fallback=None, mutable=True)]


def _moved(what: Happening) -> list[Meant]:
    # of a ticket that went on meanwhile its last move tells
    return _opened(what) if what.data.get("to") == what.queue else []


def _arrived(what: Happening) -> list[Meant]:
    if what.data.get("silent"):
        return []
    if what.data.get("visible") is False:
        return _beside(what, fallback=Right.READ)
    return [
        Meant(
            Kind.REPLY,
            people=_people(what.owner),
            along=_people(what.responsible, *what.watchers),
            internal=False,
            mutable=True,
        )
    ]


def _call(what: Happening) -> list[Meant]:
    return _arrived(what) if what.data.get("inbound") else _answered(what)


def _beside(
    what: Happening, *, internal: bool = True, fallback: Right | None = None
) -> list[Meant]:
    """Something internal: for whoever works on the ticket, and nobody else if nobody does (`fallback`)."""
    return [
        Meant(
            Kind.NOTE,
            people=_people(what.owner),
            along=_people(what.responsible, *what.watchers),
            fallback=Right.READ if what.owner is not None else fallback,
            internal=internal,
            mutable=True,
        )
    ]


def _answered(what: Happening) -> list[Meant]:
    return _beside(what, internal=False)


def _owner_changed(what: Happening) -> list[Meant]:
    after, before = what.data.get("to"), what.data.get("from")
    if after is not None:
        # one who is the owner no more need not hear of it
        return [Meant(Kind.ASSIGNED, people=_people(after))] if after == what.owner else []
    if what.data.get("by") in _NO_HAND_BACK or what.owner is not None or not what.is_open:
        return []
    return [Meant(Kind.HAND_BACK, along=_people(before), team=Right.READ, fallback=None)]


def _responsible_changed(what: Happening) -> list[Meant]:
    after = what.data.get("to")
    if after is None or after != what.responsible:
        return []
    return [Meant(Kind.ASSIGNED, people=_people(after), deputy_may=Right.READ)]


def _mentioned(what: Happening) -> list[Meant]:
    return [Meant(Kind.MENTIONED, people=(pk,), deputy_may=Right.READ) for pk in what.mentioned]


def _due(kind: NoticeKind) -> Callable[[Happening], list[Meant]]:
    def due(what: Happening) -> list[Meant]:
        return [Meant(kind, people=_people(what.owner))] if what.is_open else []

    return due


def _erased_soon(what: Happening) -> list[Meant]:
    """For whoever has the ticket, else for those who manage the queue, else for its team: what goes never comes back."""
    if not what.is_open:
        return []
    people = _people(what.owner, what.responsible)
    along = _people(*what.watchers)
    return [
        Meant(Kind.STORAGE, people=people, along=along, fallback=Right.MANAGE),
        Meant(Kind.STORAGE),
    ]


def _undelivered(what: Happening) -> list[Meant]:
    if what.data.get("kind") == "notice":
        return []  # of a notice that came back nobody is told: that would never end
    if what.author is not None:
        # an author who has left stands behind the owner
        return [
            Meant(Kind.DELIVERY, _people(what.author), fallback=None),
            *_owner_or_managers(what),
        ]
    return _owner_or_managers(what)


def _owner_or_managers(what: Happening) -> list[Meant]:
    return [Meant(Kind.DELIVERY, people=_people(what.owner), fallback=Right.MANAGE)]


_TABLE: Mapping[str, Callable[[Happening], list[Meant]]] = {
    EventKind.TICKET_OPENED: _opened,
    EventKind.SPLIT: lambda what: [],  # the new ticket tells of itself
    EventKind.QUEUE_CHANGED: _moved,
    EventKind.ARTICLE_ADDED: _arrived,
    EventKind.SENDER_ACCEPTED: _arrived,
    EventKind.CALL_LOGGED: _call,
    EventKind.ANSWER_SENT: _answered,
    EventKind.NOTE_ADDED: _beside,
    EventKind.OWNER_CHANGED: _owner_changed,
    EventKind.RESPONSIBLE_CHANGED: _responsible_changed,
    EventKind.MENTIONED: _mentioned,
    EventKind.REMINDED: _due(Kind.REMINDER),
    EventKind.CLOCK_WARNING: _due(Kind.WARNING),
    EventKind.CLOCK_BREACHED: _due(Kind.BREACH),
    EventKind.STORAGE_WARNING: _erased_soon,
    EventKind.MAIL_FAILED: _undelivered,
    EventKind.MAIL_UNCERTAIN: _undelivered,
    EventKind.MAIL_BOUNCED: _undelivered,
}


def meant(what: Happening) -> list[Meant]:
    """Return whom a happening is for; of several alternatives the first that reaches somebody counts."""
    rule = _TABLE.get(what.kind)
    return rule(what) if rule is not None else []


@dataclass(frozen=True)
class Told:
    """One agent is told. `instead_of`: for whom, who is away; `as_team`: because nobody else is there."""

    user: int
    kind: NoticeKind
    instead_of: int | None = None
    is_away: bool = False
    as_team: bool = False

    @property
    def rank(self) -> tuple[int, bool]:
        return RANKS.index(self.kind), self.instead_of is not None


@dataclass
class Spread:
    """Sends a happening on to agents. The functions answer for its ticket and its moment."""

    actor: int | None
    # whether somebody is active and may read; the second: what only those see who work on the ticket
    may: Callable[[int, bool], bool]
    is_away: Callable[[int], bool]
    standing: Callable[[int, Right], Standing[int]]
    team: Callable[[Right], Iterable[int]]
    muted: Callable[[int], bool]
    found: dict[int, Told] = field(default_factory=dict)

    def send(self, several: Iterable[Meant]) -> list[Told]:
        """Return who is told; where there are alternatives, they are taken one after another."""
        for one in several:
            if self._send(one) and one.kind in _ALTERNATIVES:
                break
        return list(self.found.values())

    def _send(self, one: Meant) -> bool:
        """Tell whether somebody who is there knows of it now."""
        reached, away = False, None
        for person in one.people:
            present, stood_in_for = self._person(person, one)
            reached = reached or present
            away = away if stood_in_for is None else stood_in_for
        for person in one.along:
            self._add(Told(person, one.kind), one)
        right = one.team if one.team is not None or reached else one.fallback
        if right is None:
            return reached
        team = [pk for pk in self.team(right) if not (one.mutable and self.muted(pk))]
        for person in team:
            self._add(Told(person, one.kind, away, as_team=one.team is None), one)
        return reached or bool(team)

    def _person(self, person: int, one: Meant) -> tuple[bool, int | None]:
        """Tell somebody and whoever stands in; return whether that reached one, else who is away."""
        if person == self.actor:
            return True, None
        if not self.may(person, one.internal):
            return False, None
        self._add(Told(person, one.kind), one)
        deputy = self.standing(person, one.deputy_may).person
        if deputy is None:
            return False, person
        if deputy not in (person, self.actor):
            if not self.may(deputy, one.internal):
                return False, person
            self._add(Told(deputy, one.kind, person), one)
        return True, None

    def _add(self, told: Told, one: Meant) -> None:
        if told.user == self.actor or not self.may(told.user, one.internal):
            return
        told = Told(told.user, told.kind, told.instead_of, self.is_away(told.user), told.as_team)
        before = self.found.get(told.user)
        if before is None or told.rank < before.rank:
            self.found[told.user] = told
