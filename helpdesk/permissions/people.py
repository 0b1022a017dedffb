"""Who the people of a queue are."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db.models import QuerySet

from helpdesk.models import Queue, Right

from .actors import Actor, upwards


def is_agent(actor: Actor) -> bool:
    """Tell whether the actor may read at least one queue."""
    return bool(actor.queues_with(Right.READ))


def teammates(actor: Actor, right: Right | None = None) -> QuerySet[Any]:
    """Return the active users with a right, through a team, in a queue that `actor` may read, by name.

    Without `right` any will do.
    """
    return _teams_in(actor.queues_with(Right.READ), right)


def _teams_in(queue_ids: frozenset[int], right: Right | None = None) -> QuerySet[Any]:
    """Return the active users whose teams have a right in these queues, also from above, by name."""
    parents: dict[int, int | None] = dict(Queue.objects.values_list("pk", "parent_id"))
    lineage = {up for pk in queue_ids for up in upwards(pk, parents)}
    asked = {} if right is None else {"groups__queue_rights__right": right}
    users = get_user_model()._default_manager.filter(
        is_active=True, groups__queue_rights__queue__in=lineage, **asked
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
