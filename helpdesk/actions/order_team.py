"""The team of an order in its plan: a new one, or one that is there and was chosen.

A team lets its members read in all its queues. So an order joins people to no team it happens to be named like:
whoever orders types the name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from django.contrib.auth.models import Group
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from helpdesk import permissions
from helpdesk.models import (
    Department,
    Queue,
    QueueOrder,
    QueueRight,
    Right,
    Team,
    confidential_queues,
)
from helpdesk.permissions import Actor

from .plan_steps import Standing, Step

#: What a new team may do in its queue: its work, but not leading it.
TEAM_RIGHTS = tuple(right for right in Right if right not in (Right.MANAGE, Right.ADMINISTER))
#: So much of a name leaves room for a number.
_LONGEST = 140


def free_team_name(name: str) -> str:
    """Return a name for a new team: `name`, with a number if a group is called like it already."""
    base = found = name[:_LONGEST].strip()
    number = 2
    while Group.objects.filter(name__iexact=found).exists():
        found, number = f"{base} ({number})", number + 1
    return found


def carried_name(order: QueueOrder, values: Mapping[str, Any]) -> dict[str, str]:
    """Return the name of the team that a change of the queue's name brings with it: none once it has its own."""
    name = values.get("name", order.name)
    pattern = re.escape(order.name[:_LONGEST].strip()) + r"(?: \(\d+\))?"
    is_same = re.fullmatch(pattern, order.group_name, re.IGNORECASE)
    is_untouched = values.get("group_name", order.group_name) == order.group_name
    if name == order.name or not is_same or not is_untouched:
        return {}
    return {"group_name": free_team_name(name)}


def department_of(order: QueueOrder) -> Department | None:
    """Return the department that the new queue belongs to: the nearest one above it."""
    if order.parent is None:
        return None
    lineage = [queue.pk for queue in order.parent.lineage()]
    found = {row.queue_id: row for row in permissions.departments_above(order.parent.lineage())}
    return next((found[pk] for pk in lineage if pk in found), None)


def team_of(order: QueueOrder) -> Group | None:
    """Return the team of an order if it is there: the one it made or took, else the one that was chosen."""
    return order.group or order.chosen_team


def choosable_teams(actor: Actor, held: int | None = None) -> QuerySet[Group]:
    """Return the teams that the actor may let take on a new queue, by name; and the one that is `held` already.

    None of them reads what is confidential, or means more than the help desk's rights.
    """
    own = Group.objects.filter(pk__in=permissions.changeable_teams(actor))
    own = own.filter(
        Exists(QueueRight.objects.filter(group=OuterRef("pk")))
        | Exists(Team.objects.filter(group=OuterRef("pk")))
    )
    own = own.exclude(permissions.of_the_site()).exclude(pk__in=_in_confidence())
    return Group.objects.filter(Q(pk__in=own.values("pk")) | Q(pk=held)).order_by("name")


def _in_confidence() -> set[int]:
    """Return the ids of the groups with a right in a confidential queue, by themselves or through one above."""
    parents: dict[int, int | None] = dict(Queue.objects.values_list("pk", "parent_id"))
    reached = {up for pk in confidential_queues() for up in permissions.upwards(pk, parents)}
    rows = QueueRight.objects.filter(queue__in=reached) if reached else QueueRight.objects.none()
    return set(rows.values_list("group", flat=True))


def missing_rights(order: QueueOrder, actor: Actor) -> list[str]:
    """Return in words the rights that the actor cannot give in the new queue: they lack them above it."""
    if actor.kind == "system" or permissions.is_superuser(actor):
        return []
    held = actor.queue_rights.get(order.parent_id or 0, frozenset())
    return [str(right.label) for right in TEAM_RIGHTS if str(right) not in held]


def team_steps(order: QueueOrder, actor: Actor) -> Iterator[Step]:
    """Yield the steps of an order's team and its rights."""
    group, said = team_of(order), {"team": order.group_name}
    rights = ", ".join(str(right.label) for right in TEAM_RIGHTS)
    lacking = missing_rights(order, actor)
    stop = _team_stop(order, actor, group)
    if stop:
        yield Step("team", Standing.STOPS, stop)
        return
    if lacking:
        words = _("You cannot give the team these rights, for you lack them yourself: %(rights)s.")
        yield Step("team", Standing.STOPS, words % {"rights": ", ".join(lacking)})
        return
    if group is not None:
        elsewhere = QueueRight.objects.filter(group=group).exclude(queue=order.queue_id)
        names = sorted(set(elsewhere.values_list("queue__name", flat=True)))
        note = ""
        if names:
            note = _(
                "The team works in other queues, too: new members see them as well (%(queues)s)."
            )
            note %= {"queues": ", ".join(names)}
        yield Step("team", Standing.THERE, _("The team “%(team)s”") % {"team": group}, note)
    else:
        department = department_of(order)
        words = _("The team “%(team)s”") % said
        if department is not None:
            words = _("The team “%(team)s” of the department %(department)s") % {
                **said,
                "department": department,
            }
        yield Step("team", Standing.MAKE, words)
    given = group is not None and order.queue is not None and _has_rights(group, order.queue)
    yield Step(
        "rights",
        Standing.THERE if given else Standing.MAKE,
        _("Its rights in the queue: %(rights)s") % {"rights": rights},
    )


def _has_rights(group: Group, queue: Queue) -> bool:
    rows = QueueRight.objects.filter(group=group, queue=queue)
    return set(TEAM_RIGHTS) <= set(rows.values_list("right", flat=True))


def _team_stop(order: QueueOrder, actor: Actor, group: Group | None) -> str:
    """Return in a sentence why this team cannot be made, or cannot take on the queue; ''."""
    if group is not None:
        return _stop_of_group(actor, group, is_taken=group == order.group)
    namesake = Group.objects.filter(name__iexact=order.group_name).first()
    if namesake is not None:
        words = _("There is a group “%(team)s” already: choose another name for the team.")
        return words % {"team": namesake}
    if actor.kind == "system" or permissions.is_superuser(actor):
        return ""
    department = department_of(order)
    mine = permissions.administered_departments(actor)
    if department is None or not mine.filter(pk=department.pk).exists():
        return _(
            "Only the site's administrators make teams outside a department that you administer."
        )
    return ""


def _stop_of_group(actor: Actor, group: Group, *, is_taken: bool) -> str:
    """Return in a sentence why a team cannot take on the queue; one that has it already (`is_taken`) stays."""
    said = {"team": group}
    if Group.objects.filter(permissions.of_the_site(), pk=group.pk).exists():
        words = _(
            "The group “%(team)s” is used for more than the help desk: choose another name for the team."
        )
        return words % said
    if not permissions.may_change_team(actor, group):
        words = _("There is a team “%(team)s” that you do not look after: choose another name.")
        return words % said
    if not is_taken and group.pk in _in_confidence():
        words = _(
            "The team “%(team)s” works in a confidential queue, and its new members would read there, too: "
            "choose another team, or none."
        )
        return words % said
    return ""
