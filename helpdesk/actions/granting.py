"""Giving teams rights in queues, and taking them away."""

from __future__ import annotations

from collections.abc import Iterable

from django.contrib.auth.models import Group
from django.db import transaction

from helpdesk import audit, permissions
from helpdesk.errors import NotPermitted
from helpdesk.models import AuditKind, Queue, QueueRight
from helpdesk.permissions import Actor

#: A right of a team in a queue.
Grant = tuple[Group, Queue, str]


@transaction.atomic
def change_rights(
    *, actor: Actor, give: Iterable[Grant] = (), take: Iterable[Grant] = ()
) -> list[QueueRight]:
    """Give and take rights, all or none; each change goes into the audit log. Return the new rows.

    What is so already is left alone, and not asked about. Raises `NotPermitted` for a right that the actor
    lacks there, and for a team that is not theirs to change (`permissions.changeable_teams`).
    """
    given, taken = list(give), list(take)
    groups = {group.pk for group, _queue, _right in [*given, *taken]}
    kept = QueueRight.objects.filter(group__in=groups)
    there = set(kept.values_list("group", "queue", "right"))
    mine = permissions.changeable_teams(actor)
    made = []
    for group, queue, right in given:
        if (group.pk, queue.pk, str(right)) in there:
            continue
        _require(actor, group.pk in mine, queue, right)
        made.append(QueueRight.objects.create(group=group, queue=queue, right=right))
        _record(AuditKind.RIGHT_GRANTED, actor, group, queue, right)
    for group, queue, right in taken:
        if (group.pk, queue.pk, str(right)) not in there:
            continue
        _require(actor, group.pk in mine, queue, right)
        QueueRight.objects.filter(group=group, queue=queue, right=right).delete()
        _record(AuditKind.RIGHT_WITHDRAWN, actor, group, queue, right)
    return made


def _require(actor: Actor, is_mine: bool, queue: Queue, right: str) -> None:
    if not (is_mine and permissions.may_grant(actor, right, queue)):
        raise NotPermitted


def _record(kind: AuditKind, actor: Actor, group: Group, queue: Queue, right: str) -> None:
    audit.record(
        kind, user=actor.user, queue=queue, data={"group": group.name, "right": str(right)}
    )
