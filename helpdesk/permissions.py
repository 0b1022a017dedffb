"""Who may do what: the one policy.

An `Actor` is whoever acts: an agent (a user with rights on queues through groups), a customer, the
bearer of a signed link to one ticket, or the machine (`SYSTEM`). Every list of tickets starts from
`visible_tickets(actor)`, every verb asks `require`. A refusal looks like absence.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db.models import Exists, OuterRef, Q, QuerySet

from .errors import NotPermitted
from .models import (
    Article,
    Channel,
    Customer,
    CustomerAddress,
    EventKind,
    InformedQueue,
    Merge,
    Notice,
    NoticeKind,
    Queue,
    QueueRight,
    Right,
    Ticket,
)
from .states import StateType

#: Write on a request from the customer's side: the customer's own right, and that of whoever may
#: answer. It is no row of the table, for a customer must never pass for an agent who answers.
REPLY = "reply"
#: What a customer may do with an own request.
CUSTOMER_RIGHTS = frozenset({str(Right.READ), REPLY})


@dataclass(frozen=True)
class Actor:
    """Whoever acts. Made by `agent`, `customer`, `link_bearer`; the machine is `SYSTEM`.

    Rights are looked up once per instance: make a new one for every request or task.
    """

    kind: str  # "agent", "customer", "system"
    user: Any = None
    customer: Customer | None = None
    # set for the bearer of a status link: this ticket and no other
    ticket_id: int | None = None

    @cached_property
    def queue_rights(self) -> dict[int, frozenset[str]]:
        """The agent's rights by queue id, those of parent queues included. Two queries."""
        if self.kind != "agent" or self.user is None or not self.user.is_active:
            return {}
        parents: dict[int, int | None] = dict(Queue.objects.values_list("pk", "parent_id"))
        if self.user.is_superuser:
            return dict.fromkeys(parents, frozenset(Right.values))
        return rights_below(_granted([self.user.pk]).get(self.user.pk, {}), parents)

    def queues_with(self, right: Right | str) -> frozenset[int]:
        """Return the ids of the queues in which the agent has `right`."""
        return frozenset(pk for pk, rights in self.queue_rights.items() if str(right) in rights)

    @property
    def name(self) -> str:
        """The name to show for the actor; '' for the machine."""
        if self.kind == "agent" and self.user is not None:
            return self.user.get_full_name() or self.user.get_username()
        return str(self.customer) if self.customer is not None else ""


SYSTEM = Actor(kind="system")


def agent(user: Any) -> Actor:
    """Return the actor for a logged-in user working as an agent."""
    return Actor(kind="agent", user=user)


def agents(users: Iterable[Any]) -> dict[int, Actor]:
    """Return the actors of several users by id, their rights looked up together. Two queries."""
    actors = {user.pk: agent(user) for user in users}
    parents: dict[int, int | None] = dict(Queue.objects.values_list("pk", "parent_id"))
    granted = _granted(actors)
    for pk, actor in actors.items():
        if not actor.user.is_active:
            rights: dict[int, frozenset[str]] = {}
        elif actor.user.is_superuser:
            rights = dict.fromkeys(parents, frozenset(Right.values))
        else:
            rights = rights_below(granted.get(pk, {}), parents)
        actor.__dict__["queue_rights"] = rights  # where the cached property keeps them
    return actors


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


def _with_parents(
    queue_id: int, parents: dict[int, int | None], granted: dict[int, set[str]]
) -> frozenset[str]:
    rights: set[str] = set().union(*(granted.get(pk, ()) for pk in _upwards(queue_id, parents)))
    if rights:
        rights.add(Right.READ)  # every other right is of no use without it
    return frozenset(rights)


def _upwards(queue_id: int, parents: dict[int, int | None]) -> list[int]:
    """Return a queue's id and those above it, nearest first (ends at a cycle)."""
    found: list[int] = []
    current: int | None = queue_id
    while current is not None and current not in found:
        found.append(current)
        current = parents.get(current)
    return found


def visible_tickets(actor: Actor) -> QuerySet[Ticket]:
    """Return the tickets that `actor` may read. The start of every query for tickets."""
    tickets = Ticket.objects.exclude(state__type=StateType.REMOVED)
    if actor.kind == "system":
        return Ticket.objects.all()
    if actor.kind == "customer":
        if actor.ticket_id is not None:
            return tickets.filter(pk=actor.ticket_id)
        if actor.customer is None:
            return Ticket.objects.none()
        return tickets.filter(_own_tickets(actor.customer), is_test=False)
    if actor.user is not None and actor.user.is_active and actor.user.is_superuser:
        return Ticket.objects.all()
    readable = actor.queues_with(Right.READ)
    return tickets.filter(Q(queue__in=readable) | Q(pk__in=_informing(readable).values("ticket")))


def _informing(queue_ids: frozenset[int]) -> QuerySet[InformedQueue]:
    """The rows by which tickets of other teams inform these queues."""
    return InformedQueue.objects.filter(queue__in=queue_ids)


def reads_along(actor: Actor, ticket: Ticket) -> bool:
    """Tell whether an agent sees `ticket` only because a queue of theirs got its mail as well.

    Who reads along sees the conversation with the customer: no notes, no history, nothing to do. The
    ticket itself must have been found by `visible_tickets`. No query.
    """
    return actor.kind == "agent" and ticket.queue_id not in actor.queue_rights


def _own_tickets(person: Customer) -> Q:
    """Own tickets; one that came by mail only when the address it came from is verified."""
    verified = CustomerAddress.objects.filter(
        customer=person, normalised=OuterRef("contact"), verified_at__isnull=False
    )
    return Q(customer=person) & Q(~Q(channel=Channel.EMAIL) | Q(Exists(verified)))


def visible_articles(actor: Actor, ticket: Ticket) -> QuerySet[Article]:
    """Return the articles of `ticket` that `actor` may read, oldest first.

    Customers see only visible ones, as does who reads along. The ticket itself must have been found
    by `visible_tickets`.
    """
    articles = Article.objects.filter(ticket=ticket)
    outside = actor.kind == "customer" or reads_along(actor, ticket)
    if actor.kind == "customer" and ticket.merged_into_id is not None:
        own = Q(ticket=ticket, visible=True) | Q(pk__in=_moved(ticket))
        return Article.objects.filter(own).exclude(extra__has_key="taken_back")
    return articles.filter(visible=True) if outside else articles


def _moved(ticket: Ticket) -> list[int]:
    """Return the messages that a merge took from `ticket` and hid from the customer of the other.

    Whoever wrote and read them goes on seeing them, and nothing of what they were joined with.
    """
    journals = Merge.objects.filter(source=ticket, undone_at=None)
    return [pk for moved in journals.values_list("moved", flat=True) for pk in moved["hidden"]]


def share_customer(one: Ticket, other: Ticket) -> bool:
    """Tell whether two tickets are one and the same customer's, so that both may be read by whoever reads one.

    The holder of a ticket's link, or of its reply address, is known by the contact address alone: two
    different ones must both be verified. So must one from which a ticket came by mail, if there is an
    account, as in *My requests*. Nobody's tickets are shared only if they have the same contact.
    """
    contacts = {row.contact for row in (one, other) if row.contact}
    if one.customer_id != other.customer_id:
        return False
    if one.customer_id is None:
        return bool(one.contact) and one.contact == other.contact
    by_mail = Channel.EMAIL in (one.channel, other.channel)
    alike = {one.channel, other.channel} == {Channel.EMAIL} or not by_mail
    if len(contacts) < 2 and (alike or not _has_account(one)):
        return True
    verified = CustomerAddress.objects.filter(
        customer=one.customer_id, normalised__in=contacts, verified_at__isnull=False
    )
    return verified.count() == len(contacts)


def _has_account(ticket: Ticket) -> bool:
    return ticket.customer is not None and ticket.customer.user_id is not None


def hidden_articles(actor: Actor) -> QuerySet[Article] | None:
    """Return the articles that an agent must not find although the ticket is visible, or None.

    They are the internal ones of the tickets that the agent reads along.
    """
    if actor.kind != "agent":
        return None
    readable = actor.queues_with(Right.READ)
    along = _informing(readable).exclude(ticket__queue__in=readable)
    return Article.objects.filter(visible=False, ticket__in=along.values("ticket"))


def visible_notices(actor: Actor) -> QuerySet[Notice]:
    """Return what an agent was told and may still know of, newest first.

    Of a ticket that the agent reads along nothing but the conversation with the customer.
    """
    if actor.kind != "agent" or actor.user is None or not actor.user.is_active:
        return Notice.objects.none()
    rows = Notice.objects.filter(user=actor.user)
    if actor.user.is_superuser:
        return rows
    readable = Q(ticket__in=visible_tickets(actor))
    worked_on = Q(ticket__queue__in=actor.queues_with(Right.READ))
    said = Q(event__kind__in=(EventKind.ANSWER_SENT, EventKind.CALL_LOGGED))
    conversation = Q(kind=NoticeKind.REPLY) | (Q(kind=NoticeKind.NOTE) & said)
    return rows.filter(Q(ticket__isnull=True) | (readable & (worked_on | conversation)))


def can(actor: Actor, right: Right | str, thing: Ticket | Queue) -> bool:
    """Tell whether `actor` has `right` on a ticket (through its queue) or on a queue.

    A ticket may also be read through a queue that it informs; nothing else follows from that.
    """
    if actor.kind == "system":
        return True
    if isinstance(thing, Queue):
        return str(right) in actor.queue_rights.get(thing.pk, frozenset())
    if actor.kind == "customer":
        return str(right) in CUSTOMER_RIGHTS and visible_tickets(actor).filter(pk=thing.pk).exists()
    if right == REPLY:
        right = Right.ANSWER
    rights = actor.queue_rights.get(thing.queue_id, frozenset())
    is_removed = thing.state.type == StateType.REMOVED
    is_superuser = actor.user is not None and actor.user.is_superuser
    if is_removed and not is_superuser:
        return False
    return str(right) in rights or (right == Right.READ and _is_informed(actor, thing))


def _is_informed(actor: Actor, ticket: Ticket) -> bool:
    readable = actor.queues_with(Right.READ)
    return bool(readable) and _informing(readable).filter(ticket=ticket.pk).exists()


def require(actor: Actor, right: Right | str, thing: Ticket | Queue) -> None:
    """Raise `NotPermitted` unless `actor` has `right` on `thing`."""
    if not can(actor, right, thing):
        raise NotPermitted


def may_take_back(actor: Actor, ticket: Ticket, article: Article) -> bool:
    """Tell whether `actor`, who may answer, may stop this message: its author, or a manager."""
    if actor.kind == "system":
        return True
    is_author = actor.user is not None and article.author_id == actor.user.pk
    return is_author or can(actor, Right.MANAGE, ticket)


def is_agent(actor: Actor) -> bool:
    """Tell whether the actor may read at least one queue."""
    return bool(actor.queues_with(Right.READ))


def teammates(actor: Actor) -> QuerySet[Any]:
    """Return the active users with any right, through a team, in a queue that `actor` may read, by name."""
    return _teams_in(actor.queues_with(Right.READ))


def _teams_in(queue_ids: frozenset[int]) -> QuerySet[Any]:
    """Return the active users whose teams have rights in these queues, also from above, by name."""
    parents: dict[int, int | None] = dict(Queue.objects.values_list("pk", "parent_id"))
    lineage = {up for pk in queue_ids for up in _upwards(pk, parents)}
    users = get_user_model()._default_manager.filter(
        is_active=True, groups__queue_rights__queue__in=lineage
    )
    return users.distinct().order_by("last_name", "first_name", "pk")


def may_look_after(actor: Actor, user: Any) -> bool:
    """Tell whether `actor` may say when `user` is away: themselves, and who leads a team of theirs.

    That is who manages a queue in which a team of the user has rights.
    """
    if actor.kind == "system":
        return True
    if actor.user is None or not actor.user.is_active:
        return False
    if actor.user.is_superuser:
        return True
    if actor.user.pk == user.pk:
        return is_agent(actor)
    return looked_after(actor).filter(pk=user.pk).exists()


def looked_after(actor: Actor) -> QuerySet[Any]:
    """Return the active users for whom `actor`, as a team lead, may say when they are away, by name."""
    return _teams_in(actor.queues_with(Right.MANAGE))


def groups_with(right: Right | str, queue: Queue) -> QuerySet[Group]:
    """Return the teams that have `right` in `queue`, by themselves or through a parent queue."""
    wanted = [right] if right != Right.READ else Right.values
    lineage = [row.pk for row in queue.lineage()]
    return Group.objects.filter(
        queue_rights__queue__in=lineage, queue_rights__right__in=wanted
    ).distinct()


def agents_with(right: Right | str, queue: Queue) -> QuerySet[Any]:
    """Return the active users who have `right` in `queue` through a team, by name."""
    users = get_user_model()._default_manager.filter(
        is_active=True, groups__in=groups_with(right, queue)
    )
    return users.distinct().order_by("last_name", "first_name", "pk")
