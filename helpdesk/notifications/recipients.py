"""Who is told of some events: the tables behind `rules.recipients`, read at once for a batch."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import F
from django.utils import timezone

from helpdesk import permissions
from helpdesk.models import (
    Event,
    EventKind,
    InformedQueue,
    Mention,
    MutedQueue,
    Notice,
    NoticeChoice,
    NoticeKind,
    Queue,
    Right,
    Ticket,
    Watcher,
)
from helpdesk.permissions import Actor
from helpdesk.rules import recipients
from helpdesk.rules.recipients import DEFAULTS, Happening, Told
from helpdesk.rules.substitution import Standing, effective
from helpdesk.substitutes import Substitutes
from helpdesk.teams import Teams

ByMail = Notice.ByMail


def events_to_tell(pks: Iterable[int]) -> list[Event]:
    """Return events with what is asked of them, oldest first: no texts of messages. One query."""
    rows = Event.objects.filter(pk__in=list(pks)).order_by("pk")
    return list(
        rows.select_related("ticket__state", "user")
        .defer("ticket__answers", "ticket__preview")
        .annotate(author=F("article__author_id"))
    )


class Batch:
    """Decides who is told of some events. A constant number of queries, however many they are."""

    def __init__(self, events: Sequence[Event], teams: Teams | None = None) -> None:
        self.events = events
        self.teams = teams or Teams()
        self.at = timezone.now()
        self._actors: dict[int, Actor | None] = {}
        self._substitutes = {
            part_time: Substitutes(self.at, part_time=part_time) for part_time in (False, True)
        }
        known = Ticket._meta.get_field("queue")
        for event in events:  # with its parents, instead of reading it once more
            known.set_cached_value(event.ticket, self.teams.queues[event.ticket.queue_id])  # type: ignore[union-attr]

    # --- what is read ---

    @cached_property
    def _tickets(self) -> list[int]:
        return sorted({event.ticket_id for event in self.events})

    @cached_property
    def _watchers(self) -> dict[int, tuple[int, ...]]:
        rows = Watcher.objects.filter(ticket__in=self._tickets).order_by("pk")
        return _grouped(rows.values_list("ticket_id", "user_id"))

    @cached_property
    def _mentioned(self) -> dict[int, tuple[int, ...]]:
        ids = [one.article_id for one in self.events if one.kind == EventKind.MENTIONED]
        rows = Mention.objects.filter(article__in=[pk for pk in ids if pk]) if ids else None
        pairs = rows.order_by("pk").values_list("article_id", "user_id") if rows is not None else ()
        return _grouped(pairs)

    @cached_property
    def _informed(self) -> dict[int, tuple[int, ...]]:
        rows = InformedQueue.objects.filter(ticket__in=self._tickets)
        return _grouped(rows.values_list("ticket_id", "queue_id"))

    @cached_property
    def _muted(self) -> frozenset[tuple[int, int]]:
        queues = {event.ticket.queue_id for event in self.events}
        rows = MutedQueue.objects.filter(queue__in=queues)
        return frozenset(rows.values_list("user_id", "queue_id"))

    @cached_property
    def _named(self) -> dict[int, Any]:
        """The active users named somewhere who are in no team: superusers, mostly."""
        ids: set[int | None] = set()
        for event in self.events:
            ids |= {event.ticket.owner_id, event.ticket.responsible_id, _author(event)}
            ids |= {
                *self._watchers.get(event.ticket_id, ()),
                *self._mentioned.get(event.article_id or 0, ()),
            }
            ids |= {
                pk for pk in (event.data.get("from"), event.data.get("to")) if isinstance(pk, int)
            }
        missing = {pk for pk in ids if pk is not None and pk not in self.teams.users}
        users = get_user_model()._default_manager.filter(is_active=True)
        return users.in_bulk(missing) if missing else {}

    # --- what is asked ---

    def user(self, pk: int) -> Any | None:
        """Return an active user of this batch, or None."""
        return self.teams.users.get(pk) or self._named.get(pk)

    def actor(self, pk: int) -> Actor | None:
        if pk not in self._actors:
            user = self.user(pk)
            self._actors[pk] = self.teams.actor(user) if user is not None else None
        return self._actors[pk]

    def may(self, pk: int, ticket: Ticket, internal: bool) -> bool:
        """Tell whether an agent may know of something on a ticket (`internal`: more than the customer sees)."""
        actor = self.actor(pk)
        if actor is None:
            return False
        if ticket.queue_id in actor.queue_rights:
            return permissions.can(actor, Right.READ, ticket)
        informed = set(self._informed.get(ticket.pk, ())) & actor.queues_with(Right.READ)
        return not internal and bool(informed) and permissions.can(actor, Right.READ, ticket)

    def substitutes(self, kind: str) -> Substitutes:
        """Return who is away: days off in the week count for reminders."""
        return self._substitutes[kind == EventKind.REMINDED]

    def standing(self, pk: int, queue: Queue, right: Right, kind: str) -> Standing[int]:
        """Return who acts for an agent in a queue."""
        there = self.substitutes(kind)
        return effective(
            pk,
            is_away=there.is_away,
            deputy_of=lambda one: there.deputy_of(one, queue),
            may=lambda one: (
                (actor := self.actor(one)) is not None and permissions.can(actor, right, queue)
            ),
        )

    def told_of(self, event: Event) -> list[Told]:
        """Return who is told of an event of this batch. No query but the batch's own."""
        ticket, queue = event.ticket, event.ticket.queue
        what = Happening(
            kind=event.kind,
            data=event.data,
            queue=ticket.queue_id,
            is_open=ticket.state.is_open,
            owner=ticket.owner_id,
            responsible=ticket.responsible_id,
            watchers=self._watchers.get(ticket.pk, ()),
            mentioned=self._mentioned.get(event.article_id or 0, ()),
            author=_author(event),
        )
        there = self.substitutes(event.kind)
        spread = recipients.Spread(
            actor=event.user_id,
            may=lambda pk, internal: self.may(pk, ticket, internal),
            is_away=there.is_away,
            standing=lambda pk, right: self.standing(pk, queue, right, event.kind),
            team=lambda right: () if queue.is_junk else sorted(self.teams.team(queue.pk, right)),
            muted=lambda pk: (pk, queue.pk) in self._muted,
        )
        return spread.send(recipients.meant(what))

    # --- how they want to hear of it ---

    def notices(self, told: Sequence[tuple[Event, Told]]) -> list[Notice]:
        """Return the unsaved notices, without those that their agent chose not to have. Two queries."""
        users = {one.user for _event, one in told}
        choices = {
            (row.user_id, row.kind): (row.in_admin, row.by_mail)
            for row in NoticeChoice.objects.filter(user__in=users)
        }
        known = set(
            Notice.objects.filter(event__in=[event.pk for event, _one in told]).values_list(
                "event_id", "user_id", "kind"
            )
        )
        mentioned = {
            (one.user, event.article_id) for event, one in told if one.kind == NoticeKind.MENTIONED
        }
        found = []
        announced: set[tuple[int, int]] = set()
        for event, one in told:
            in_admin, by_mail = choices.get((one.user, str(one.kind))) or default_for(one)
            if one.is_away:
                by_mail = self._while_away(one, by_mail)
            key = (one.user, event.ticket_id)
            if one.kind == NoticeKind.NEW_TICKET and key in announced:
                continue  # opened and moved at once: new only once
            if one.kind == NoticeKind.NEW_TICKET:
                announced.add(key)
            if one.kind == NoticeKind.NOTE and (one.user, event.article_id) in mentioned:
                continue  # told of the same note by name
            unwanted = not in_admin and by_mail == ByMail.NO
            if unwanted or (event.pk, one.user, str(one.kind)) in known:
                continue
            found.append(
                Notice(
                    user=self.user(one.user),
                    kind=one.kind,
                    ticket=event.ticket,
                    event=event,
                    instead_of_id=one.instead_of,
                    at=event.at,
                    in_admin=in_admin,
                    by_mail=by_mail,
                )
            )
        return found

    def _while_away(self, one: Told, by_mail: str) -> str:
        """Return how it is mailed to somebody who is away: on a day off in the digest, on leave not at all."""
        if self._substitutes[False].is_away(one.user):
            return ByMail.NO
        return ByMail.DIGEST if by_mail == ByMail.NOW else by_mail


def default_for(one: Told) -> tuple[bool, str]:
    """Return how an agent hears of something who chose nothing; a reply to a whole team fills no mailboxes."""
    in_admin, by_mail = DEFAULTS[one.kind]
    if one.as_team and one.kind in (NoticeKind.REPLY, NoticeKind.NOTE):
        by_mail = ByMail.DIGEST
    return in_admin, by_mail


def unheard(queues: Iterable[int] | None = None) -> list[Queue]:
    """Return the queues in use, of these or of all, in which nobody would be told of a new ticket, by name.

    That is: no active agent reads them through a team, or all have muted them, chose to hear nothing, or are away
    and nobody stands in. The junk queue is never meant. A constant number of queries.
    """
    teams = Teams()
    batch = Batch((), teams)
    muted = set(MutedQueue.objects.values_list("user_id", "queue_id"))
    deaf = NoticeChoice.objects.filter(
        kind=NoticeKind.NEW_TICKET, in_admin=False, by_mail=ByMail.NO
    )
    silent = set(deaf.values_list("user_id", flat=True))
    wanted = set(teams.queues) if queues is None else set(queues)

    def hears(user: int, queue: Queue) -> bool:
        if user in silent or (user, queue.pk) in muted:
            return False
        return batch.standing(user, queue, Right.READ, "").person is not None

    found = [
        queue
        for pk, queue in teams.queues.items()
        if pk in wanted
        and queue.is_active
        and not queue.is_junk
        and not any(hears(user, queue) for user in teams.team(pk))
    ]
    return sorted(found, key=lambda queue: queue.name.casefold())


def _author(event: Any) -> int | None:
    author: int | None = event.author
    return author


def _grouped(pairs: Iterable[tuple[int, int]]) -> dict[int, tuple[int, ...]]:
    found: dict[int, list[int]] = defaultdict(list)
    for key, value in pairs:
        found[key].append(value)
    return {key: tuple(values) for key, values in found.items()}
