"""Who of the people on a screen is away, and who stands in: for lists, tickets and the form that assigns."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import formats, timezone
from django.utils.translation import gettext as _

from helpdesk import actions, permissions
from helpdesk.models import Absence, Queue, Right, Ticket, queue_map
from helpdesk.permissions import Actor
from helpdesk.substitutes import Substitutes

#: Deputies who are away as well, named one by one.
CLASHES = 20


@dataclass(frozen=True)
class Away:
    """That somebody is away: until when, who stands in (None: the team), and who else is away on the way there."""

    user: Any
    until: str
    person: Any | None
    passed: tuple[Any, ...] = ()

    @property
    def words(self) -> str:
        """“away until 3 Jan; Fink stands in”."""
        names = {"date": self.until, "name": self.person}
        if self.person is None:
            return _("away until %(date)s; the team stands in") % names
        return _("away until %(date)s; %(name)s stands in") % names

    @property
    def chain(self) -> str:
        """“Fink is away too.” for each deputy who is away, or ''."""
        return " ".join(_("%(name)s is away too.") % {"name": one} for one in self.passed)

    @property
    def sentence(self) -> str:
        """“Amsel is away until 3 Jan. Fink is away too. Meise stands in.”"""
        names = {"name": self.user, "date": self.until}
        first = one_dot(_("%(name)s is away until %(date)s.") % names)
        if self.person is None:
            last = _("The team stands in.")
        else:
            last = _("%(name)s stands in.") % {"name": self.person}
        return " ".join(filter(None, (first, self.chain, last)))


def one_dot(sentence: str) -> str:
    """Return a sentence whose last word may bring a dot of its own (“8 a.m.”) with one dot at the end."""
    return f"{sentence.rstrip('.')}."


def day_in_words(at: datetime, *, is_end: bool = False) -> str:
    """Return a day, with the time unless it is midnight, in the site's zone.

    With `is_end` midnight means the whole day before.
    """
    local = timezone.localtime(at, timezone.get_default_timezone())
    is_whole = (local.hour, local.minute) == (0, 0)
    day = local - timedelta(days=1) if is_whole and is_end else local
    this_year = timezone.localdate(timezone=timezone.get_default_timezone()).year
    text = formats.date_format(
        day, "MONTH_DAY_FORMAT" if day.year == this_year else "SHORT_DATE_FORMAT"
    )
    return text if is_whole else f"{text}, {formats.date_format(local, 'TIME_FORMAT')}"


class Standings:
    """The absences of this moment, asked for one screen. A fixed number of queries for any number of rows."""

    def __init__(self) -> None:
        self.who = Substitutes()

    def away(self, user: Any | None, queue: Queue) -> Away | None:
        """Return that `user` is away, with who stands in for them in `queue`; None if they are there."""
        if user is None or (absence := self.who.absences.get(user.pk)) is None:
            return None
        standing = self.who.standing(user.pk, queue)
        person = self.who.user(standing.person) if standing.person is not None else None
        passed = tuple(filter(None, (self.who.user(pk) for pk in standing.passed[1:])))
        return Away(user, day_in_words(absence.ends_at, is_end=True), person, passed)

    def mark(self, tickets: Iterable[Any]) -> None:
        """Give each ticket of a list its `away`."""
        for ticket in tickets:
            ticket.away = self.away(ticket.owner, ticket.queue)


def mark_without_rights(tickets: Iterable[Any], actor: Actor) -> None:
    """Give each ticket of a list `owner_left`: its owner has no right in its queue any more. Two queries."""
    rows = list(tickets)
    actors = _actors([actor.user, *(ticket.owner for ticket in rows)])  # never nobody
    for ticket in rows:
        ticket.owner_left = has_left(actors, ticket.owner, ticket)


def without_rights(ticket: Ticket) -> list[Any]:
    """Return the owner and the person responsible for an open ticket, if they have no right there any more."""
    if not ticket.state.is_open:
        return []
    people = (ticket.owner, ticket.responsible)
    actors = _actors(people)
    return list(dict.fromkeys(one for one in people if has_left(actors, one, ticket)))


def _actors(people: Iterable[Any]) -> dict[int, Actor]:
    users = {user.pk: user for user in people if user is not None}
    return permissions.agents(users.values()) if users else {}


def has_left(actors: dict[int, Actor], user: Any | None, ticket: Ticket) -> bool:
    """Tell whether somebody of `actors` has no right any more in the queue of an open ticket."""
    is_there = user is None or ticket.queue_id in actors[user.pk].queue_rights
    return not is_there and ticket.state.is_open


def of_absent_owners(tickets: QuerySet[Ticket], actor: Actor) -> QuerySet[Ticket]:
    """Return those of `tickets` whose owner is away now."""
    now = timezone.now()
    absent = Absence.objects.filter(user=OuterRef("owner"), starts_at__lte=now, ends_at__gt=now)
    return tickets.filter(Exists(absent))


def stood_in_for(actor: Actor) -> dict[int, list[int]]:
    """Return for whom the agent stands in at this moment: ids of the absent, with the queues in which."""
    if actor.user is None:
        return {}
    return Substitutes().stood_in_for(actor.user.pk, actor.queues_with(Right.OWN))


def in_place_of_others(tickets: QuerySet[Ticket], actor: Actor) -> QuerySet[Ticket]:
    """Return those of `tickets` for which the agent stands in: the owner is away, and it falls to them."""
    wanted = Q(pk__in=())
    for owner, queues in stood_in_for(actor).items():
        wanted |= Q(owner=owner, queue__in=queues)
    return tickets.filter(wanted)


def warnings(actor: Actor, absence: Absence) -> list[str]:
    """Say what does not work out in an absence: who may not own tickets where, and who is away as well.

    Queues that `actor` does not know are not named.
    """
    queues = queue_map()
    known = actor.queue_rights.keys()
    who = Substitutes(max(absence.starts_at, timezone.now()))
    found = []
    own = actions.open_tickets_of(absence.user).order_by().values_list("queue_id", flat=True)
    for pk in sorted(known & set(own.distinct())):
        deputy = who.deputy_of(absence.user_id, queues[pk])
        if deputy is not None and not who.may(deputy, queues[pk]):
            message = _("%(name)s may not own tickets in “%(queue)s”; there the team stands in.")
            found.append(message % {"name": who.user(deputy), "queue": queues[pk].name})
    at_work = permissions.agent(absence.user).queues_with(Right.OWN)
    return [*found, *_also_away(absence, who.at, [queues[pk] for pk in sorted(known & at_work)])]


def _also_away(absence: Absence, start: datetime, queues: list[Queue]) -> list[str]:
    """Say of each deputy who is away during some of the time until when, and who stands in then."""
    deputies = {absence.deputy_id, *absence.deputies.values_list("deputy_id", flat=True)} - {None}
    clashes = Absence.objects.filter(
        user__in=deputies, starts_at__lt=absence.ends_at, ends_at__gt=start
    )
    found = []
    for clash in clashes.select_related("user").order_by("starts_at")[:CLASHES]:
        then = Substitutes(max(clash.starts_at, start))
        names = {
            "name": clash.user,
            "start": day_in_words(clash.starts_at),
            "end": day_in_words(clash.ends_at, is_end=True),
        }
        people = {then.standing(absence.user_id, queue).person for queue in queues}
        text = one_dot(_("%(name)s is away too, from %(start)s until %(end)s.") % names)
        found.append(f"{text} {_then(then, people)}".strip())
    return found


def _then(who: Substitutes, people: set[int | None]) -> str:
    names = sorted(str(who.user(pk)) for pk in people if pk is not None)
    if names:
        return _("Then stands in: %(names)s.") % {"names": ", ".join(names)}
    return _("The team stands in then.") if people else ""
