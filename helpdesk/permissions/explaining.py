"""Why somebody may do something, or not: the same answers as `can`, from the rows themselves.

Nothing is asked of `can` here, and `can` asks nothing of this: a test compares the two.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db.models import F, TextChoices
from django.utils.translation import gettext_lazy as _

from helpdesk.models import InformedQueue, Queue, QueueRight, Right, Ticket
from helpdesk.states import StateType

from .actors import Actor


class Why(TextChoices):
    """The reason for a yes or no."""

    SUPERUSER = "superuser", _("Superusers may do everything.")
    TEAM = "team", _("Through a team.")
    FOLLOWS = "follows", _("Follows from another right of a team.")
    READS_ALONG = "reads_along", _("A queue of theirs got its mail too: they read along.")
    INACTIVE = "inactive", _("The account is not active.")
    REMOVED = "removed", _("The ticket is removed; only superusers see it.")
    NO_TEAM = "no_team", _("No team of theirs has this right here.")


@dataclass(frozen=True)
class Grant:
    """That a team was given a right in a queue."""

    team: Group
    queue: Queue
    right: str

    @property
    def right_name(self) -> Any:
        return Right(self.right).label


@dataclass(frozen=True)
class Answer:
    """Whether somebody has a right, and why. `grants` are what it comes from, nearest queue first."""

    right: str
    allowed: bool
    why: Why
    grants: tuple[Grant, ...] = ()

    @property
    def right_name(self) -> Any:
        return Right(self.right).label


def explain(actor: Actor, right: Right | str, ticket: Ticket) -> Answer:
    """Return whether an agent has `right` on `ticket`, and why.

    Raises `ValueError` for an actor who is no agent: rights on queues are theirs alone.
    """
    return next(answer for answer in explain_all(actor, ticket) if answer.right == str(right))


def explain_all(actor: Actor, ticket: Ticket) -> list[Answer]:
    """Return an answer for every right. A fixed number of queries."""
    user = actor.user
    if actor.kind != "agent" or user is None:
        raise ValueError("only agents have rights on queues")
    if not user.is_active:
        return [Answer(right, False, Why.INACTIVE) for right in Right.values]
    if user.is_superuser:
        return [Answer(right, True, Why.SUPERUSER) for right in Right.values]
    if ticket.state.type == StateType.REMOVED:
        return [Answer(right, False, Why.REMOVED) for right in Right.values]
    here = _grants(user, ticket.queue)
    answers = [_answer(right, here) for right in Right.values]
    if not here and (along := _reading_along(user, ticket)):
        answers[0] = Answer(Right.READ, True, Why.READS_ALONG, along)
    return answers


def _answer(right: str, here: tuple[Grant, ...]) -> Answer:
    own = tuple(one for one in here if one.right == right)
    if own:
        return Answer(right, True, Why.TEAM, own)
    if here and right == Right.READ:
        return Answer(right, True, Why.FOLLOWS, here)
    return Answer(right, False, Why.NO_TEAM)


def _grants(user: Any, queue: Queue) -> tuple[Grant, ...]:
    """What the user's teams were given in a queue and those above it, nearest first."""
    return tuple(grant for pk, grant in _granted_in(queue) if pk == user.pk)


def _reading_along(user: Any, ticket: Ticket) -> tuple[Grant, ...]:
    if ticket.queue.keeps_confidence:
        return ()
    rows = InformedQueue.objects.filter(ticket=ticket).select_related("queue").order_by("at", "pk")
    return tuple(grant for row in rows for grant in _grants(user, row.queue))


def _granted_in(queue: Queue) -> list[tuple[int, Grant]]:
    """Each right that an active user has in a queue through a team, with the user's id. Two queries."""
    lineage = queue.lineage()
    order = {row.pk: index for index, row in enumerate(lineage)}
    rows = QueueRight.objects.filter(queue__in=order).select_related("group")
    grants = [Grant(row.group, lineage[order[row.queue_id]], row.right) for row in rows]
    grants.sort(key=lambda one: (order[one.queue.pk], one.team.name.casefold(), one.team.pk))
    members: dict[int, list[int]] = {}
    found = get_user_model()._default_manager.filter(
        is_active=True, groups__in={grant.team.pk for grant in grants}
    )
    for team, pk in found.annotate(_team=F("groups")).values_list("_team", "pk"):
        members.setdefault(team, []).append(pk)
    return [(pk, grant) for grant in grants for pk in members.get(grant.team.pk, ())]


@dataclass(frozen=True)
class Person:
    """What somebody may do in a queue: an answer for each right, in the order of `Right`."""

    user: Any
    answers: tuple[Answer, ...]


def people_of(queue: Queue) -> tuple[list[Person], list[Any]]:
    """Return the active users with rights in a queue through teams, by name, and the superusers apart.

    A fixed number of queries for any number of people.
    """
    granted: dict[int, list[Grant]] = {}
    for pk, grant in _granted_in(queue):
        granted.setdefault(pk, []).append(grant)
    users = get_user_model()._default_manager.filter(is_active=True)
    superusers = list(_by_name(users.filter(is_superuser=True)))
    people = _by_name(users.filter(pk__in=granted, is_superuser=False))
    return [Person(user, _answers(granted[user.pk])) for user in people], superusers


def _answers(grants: Iterable[Grant]) -> tuple[Answer, ...]:
    here = tuple(grants)
    return tuple(_answer(right, here) for right in Right.values)


def _by_name(users: Any) -> Any:
    return users.order_by("last_name", "first_name", "pk")
