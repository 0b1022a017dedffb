"""Actors: whoever acts, and the rights they have in queues."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from helpdesk.models import (
    Customer,
    Participant,
    Queue,
    QueueRight,
    Right,
    Ticket,
    confidential_among,
    confidential_queues,
)


@dataclass(frozen=True)
class Actor:
    """Whoever acts. Made by `agent`, `customer`, `guest`, `link_bearer`, `invited`; the machine is `SYSTEM`.

    Rights are looked up once per instance: make a new one for every request or task.
    """

    kind: str  # "agent", "customer", "system"
    user: Any = None
    customer: Customer | None = None
    # set for the bearer of a status link: this ticket and no other
    ticket_id: int | None = None
    # set for somebody without a log-in who proved to read this (canonical) address, or was invited by it
    address: str = ""

    @cached_property
    def queue_rights(self) -> dict[int, frozenset[str]]:
        """The agent's rights by queue id, those of parent queues included. Two queries."""
        if self.kind != "agent" or self.user is None or not self.user.is_active:
            return {}
        parents = _know_queues([self])
        if self.user.is_superuser:
            return dict.fromkeys(parents, frozenset(Right.values))
        return rights_below(_granted([self.user.pk]).get(self.user.pk, {}), parents)

    def queues_with(self, right: Right | str) -> frozenset[int]:
        """Return the ids of the queues in which the agent has `right`."""
        return frozenset(pk for pk, rights in self.queue_rights.items() if str(right) in rights)

    @cached_property
    def confidential(self) -> frozenset[int]:
        """The ids of the confidential queues. Read together with the rights, or with one query."""
        if "queue_rights" not in self.__dict__:
            _ = self.queue_rights
        known: frozenset[int] | None = self.__dict__.get("confidential")
        return confidential_queues() if known is None else known

    @property
    def name(self) -> str:
        """The name to show for the actor; '' for the machine."""
        if self.kind == "agent" and self.user is not None:
            return self.user.get_full_name() or self.user.get_username()
        return str(self.customer) if self.customer is not None else self.address


SYSTEM = Actor(kind="system")


def agent(user: Any) -> Actor:
    """Return the actor for a logged-in user working as an agent."""
    return Actor(kind="agent", user=user)


def agents(users: Iterable[Any]) -> dict[int, Actor]:
    """Return the actors of several users by id, their rights looked up together. Two queries."""
    actors = {user.pk: agent(user) for user in users}
    parents = _know_queues(actors.values())
    granted = _granted(actors)
    for pk, actor in actors.items():
        know(actor, rights_below(granted.get(pk, {}), parents), parents)
    return actors


def _know_queues(actors: Iterable[Actor]) -> dict[int, int | None]:
    """Read all queues: tell these actors which are confidential, and return each one's parent. One query."""
    rows = list(Queue.objects.values_list("pk", "parent_id", "is_confidential"))
    hidden = confidential_among(rows)
    for actor in actors:
        actor.__dict__["confidential"] = hidden  # where the cached property keeps it
    return {pk: parent for pk, parent, _own in rows}


def know(actor: Actor, rights: dict[int, frozenset[str]], queues: Iterable[int]) -> None:
    """Tell an agent's actor the rights of their teams, so that it need not look them up.

    `queues` are the ids of all: a superuser may do everything in each, who is not active nothing.
    """
    if actor.user is None or not actor.user.is_active:
        rights = {}
    elif actor.user.is_superuser:
        rights = dict.fromkeys(queues, frozenset(Right.values))
    actor.__dict__["queue_rights"] = rights  # where the cached property keeps them


def _granted(user_ids: Iterable[int]) -> dict[int, dict[int, set[str]]]:
    """Return the rights given to users through their teams: by user, by queue."""
    found: dict[int, dict[int, set[str]]] = {}
    rows = QueueRight.objects.filter(group__user__in=list(user_ids))
    for user_id, queue_id, right in rows.values_list("group__user", "queue_id", "right"):
        found.setdefault(user_id, {}).setdefault(queue_id, set()).add(right)
    return found


def rights_below(
    granted: dict[int, set[str]], parents: dict[int, int | None]
) -> dict[int, frozenset[str]]:
    """Return what rights given in queues mean in these and all below; `parents` holds every queue."""
    if not granted:
        return {}
    effective = {pk: _with_parents(pk, parents, granted) for pk in parents}
    return {pk: rights for pk, rights in effective.items() if rights}


def customer(person: Customer) -> Actor:
    """Return the actor for a customer."""
    return Actor(kind="customer", customer=person)


def link_bearer(ticket: Ticket) -> Actor:
    """Return the actor for somebody who holds a valid status link to `ticket`."""
    return Actor(kind="customer", customer=ticket.customer, ticket_id=ticket.pk)


def guest(address: str, person: Customer | None) -> Actor:
    """Return the actor for somebody without a log-in who has just proved to read `address` (canonical).

    `person` is the customer with this address, if there is one; no other address of theirs shows anything.
    """
    return Actor(kind="customer", customer=person, address=address)


def invited(participant: Participant) -> Actor:
    """Return the actor for somebody who holds a valid link to a ticket to which they were invited."""
    return Actor(kind="customer", ticket_id=participant.ticket_id, address=participant.normalised)


def _with_parents(
    queue_id: int, parents: dict[int, int | None], granted: dict[int, set[str]]
) -> frozenset[str]:
    rights: set[str] = set().union(*(granted.get(pk, ()) for pk in upwards(queue_id, parents)))
    if rights:
        rights.add(Right.READ)  # every other right is of no use without it
    return frozenset(rights)


def upwards(queue_id: int, parents: dict[int, int | None]) -> list[int]:
    """Return a queue's id and those above it, nearest first (ends at a cycle)."""
    found: list[int] = []
    current: int | None = queue_id
    while current is not None and current not in found:
        found.append(current)
        current = parents.get(current)
    return found
