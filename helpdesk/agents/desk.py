"""What the ticket screen offers to choose from, each list read at most once a request."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from helpdesk import actions, permissions, states
from helpdesk.actions import saved_drafts
from helpdesk.actions.unseen import Sight, sight_of
from helpdesk.models import (
    InformedQueue,
    Participant,
    Priority,
    Queue,
    QueueAddress,
    Right,
    SavedDraft,
    State,
    TaggedTicket,
    Ticket,
    TicketTag,
    TicketType,
    Watcher,
    in_tree_order,
    queue_map,
)
from helpdesk.permissions import Actor
from helpdesk.states import PENDING_TYPES, StateType

from .standing import Away, Standings

Choices = list[tuple[Any, Any]]

#: Agents put a ticket into these by verbs of their own, not by choosing a state.
_NOT_CHOSEN = frozenset({StateType.MERGED, StateType.REMOVED, StateType.NEW})


class Desk:
    """One ticket on the desk of one agent."""

    def __init__(self, actor: Actor, ticket: Ticket) -> None:
        self.actor = actor
        self.ticket = ticket

    @cached_property
    def queues(self) -> dict[int, Queue]:
        return queue_map()

    @cached_property
    def queue(self) -> Queue:
        """The ticket's queue with its parents filled in."""
        return self.queues[self.ticket.queue_id]

    @cached_property
    def sees_record(self) -> bool:
        """Whether the agent sees what is stored of the customer beyond this ticket."""
        customer = self.ticket.customer
        return customer is not None and permissions.may_see_record(self.actor, customer)

    @cached_property
    def states(self) -> dict[int, State]:
        return {row.pk: row for row in State.objects.all()}

    @cached_property
    def priorities(self) -> dict[int, Priority]:
        return {row.pk: row for row in Priority.objects.all()}

    @cached_property
    def types(self) -> dict[int, TicketType]:
        return {row.pk: row for row in TicketType.objects.all()}

    @cached_property
    def owners(self) -> dict[int, Any]:
        """The users who may own this ticket: the team, and the agent if a superuser."""
        people = {user.pk: user for user in permissions.agents_with(Right.OWN, self.queue)}
        if self.may("own") and self.actor.user is not None:
            people.setdefault(self.actor.user.pk, self.actor.user)
        return people

    @cached_property
    def standings(self) -> Standings:
        return Standings()

    @cached_property
    def away(self) -> Away | None:
        """That the owner is away, and who stands in."""
        return self.standings.away(self.ticket.owner, self.queue)

    @cached_property
    def readers(self) -> dict[int, Any]:
        return {user.pk: user for user in permissions.agents_with(Right.READ, self.queue)}

    @cached_property
    def participants(self) -> list[Participant]:
        return list(self.ticket.participants.all())

    @cached_property
    def own_addresses(self) -> frozenset[str]:
        return frozenset(QueueAddress.objects.values_list("normalised", flat=True))

    @cached_property
    def reads_along(self) -> bool:
        """Whether the agent sees the ticket only because a queue of theirs got its mail as well."""
        return permissions.reads_along(self.actor, self.ticket)

    @cached_property
    def informed(self) -> list[Queue]:
        """The other queues that read along because the ticket's mail went there too."""
        if self.queue.keeps_confidence:
            return []
        rows = InformedQueue.objects.filter(ticket=self.ticket).exclude(queue=self.ticket.queue_id)
        return [self.queues[pk] for pk in rows.order_by("at").values_list("queue_id", flat=True)]

    @cached_property
    def tags(self) -> list[TicketTag]:
        rows = TaggedTicket.objects.filter(content_object=self.ticket).select_related("tag")
        return [row.tag for row in rows.order_by("tag__name")]

    @cached_property
    def watchers(self) -> list[Any]:
        """The users who watch the ticket, those first who have done so longest."""
        rows = Watcher.objects.filter(ticket=self.ticket).select_related("user")
        return [row.user for row in rows.order_by("pk")]

    @property
    def is_watched(self) -> bool:
        """Whether the agent watches the ticket."""
        return self.actor.user in self.watchers

    @cached_property
    def sight(self) -> Sight:
        """Up to where the agent sees the ticket; ask before the thread is read."""
        return sight_of(self.ticket)

    @cached_property
    def drafts(self) -> list[SavedDraft]:
        """What is being written on it: own drafts, and those of colleagues who share them."""
        rows = saved_drafts.drafts_on(self.actor, self.ticket)
        return list(rows.select_related("user").prefetch_related("files"))

    def own_draft(self, mode: str) -> SavedDraft | None:
        """Return the agent's own draft of a kind."""
        me = self.actor.user
        found = (row for row in self.drafts if row.mode == mode and me and row.user_id == me.pk)
        return next(found, None)

    @cached_property
    def is_spam(self) -> bool:
        tagged = any(tag.slug == actions.SPAM_TAG for tag in self.tags)
        return self.ticket.queue.is_junk or tagged

    @cached_property
    def sender(self) -> str:
        """The address the request came from."""
        return actions.sender_of(self.ticket)

    def may(self, right: str) -> bool:
        return permissions.can(self.actor, right, self.ticket)

    def state_choices(self) -> Choices:
        """Return the states this ticket may be put into by hand."""
        now = self.ticket.state.type
        return [
            (row.pk, row.name)
            for row in self.states.values()
            if row.pk == self.ticket.state_id
            or (row.is_active and row.type not in _NOT_CHOSEN and states.may_change(now, row.type))
        ]

    def is_pending(self, state_id: object) -> bool:
        row = self.states.get(int(str(state_id))) if str(state_id).isdigit() else None
        return row is not None and row.type in PENDING_TYPES

    def queue_choices(self) -> Choices:
        """Return the queues the ticket may be moved into, as a tree, with their purpose behind."""
        allowed = self.actor.queues_with(Right.MOVE_INTO) | {self.ticket.queue_id}
        reachable = {
            pk: row
            for pk, row in self.queues.items()
            if pk in allowed and (row.is_active or pk == self.ticket.queue_id)
        }
        return [(row.pk, "\u2003" * depth + row.name) for row, depth in in_tree_order(reachable)]

    def priority_choices(self) -> Choices:
        return _named(self.priorities, self.ticket.priority_id)

    def type_choices(self) -> Choices:
        return [("", "–"), *_named(self.types, self.ticket.type_id)]

    def queue_name(self, pk: object) -> str:
        """Return a queue's name; "…" for one that the agent must not know of."""
        row = self.queues.get(pk) if isinstance(pk, int) else None
        known = self.actor.queue_rights
        return row.name if row is not None and row.pk in known else "…"


def _named(rows: dict[int, Any], current: int | None) -> Choices:
    return [(row.pk, row.name) for row in rows.values() if row.is_active or row.pk == current]
