"""The table of rights as check boxes: all teams in one queue, or all queues of one team.

Both read what was posted in the same way and save through the same verb. A box that may not be changed is shown
as it is; whoever posts it nevertheless is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.contrib.auth.models import Group
from django.utils.translation import gettext as _

from helpdesk import actions, permissions
from helpdesk.models import Queue, QueueRight, Right, in_tree_order, queue_map
from helpdesk.permissions import Actor, upwards

#: A box: ids of the team and of the queue, and the right.
Key = tuple[int, int, str]


@dataclass(frozen=True)
class Cell:
    """One box. `source` names the queue above that gives the right already, '' if none does."""

    name: str
    label: Any
    checked: bool
    locked: bool
    source: str = ""

    @property
    def note(self) -> str:
        return _("from %(queue)s") % {"queue": self.source} if self.source else ""


@dataclass(frozen=True)
class Row:
    """A line of the table. `depth` (0 to 6) indents a queue below its parent."""

    title: str
    cells: tuple[Cell, ...]
    depth: int = 0


class RightsTable:
    """The boxes of some teams in some queues; sub-classes say which."""

    prefix = "right"

    def __init__(self, actor: Actor, data: Mapping[str, Any] | None = None) -> None:
        self.actor = actor
        self.data = data
        self.queues = queue_map()
        self.parents = {pk: queue.parent_id for pk, queue in self.queues.items()}

    @property
    def rights(self) -> list[tuple[str, Any]]:
        return list(Right.choices)

    @cached_property
    def mine(self) -> frozenset[int]:
        """The teams that the actor may change."""
        return permissions.changeable_teams(self.actor)

    def keys(self) -> Iterable[Key]:
        """Return all boxes of the table."""
        raise NotImplementedError

    def name(self, key: Key) -> str:
        """Return the name of a box in the form."""
        raise NotImplementedError

    def read(self) -> set[Key]:
        """Return what is given now, in these queues and those above them."""
        raise NotImplementedError

    @cached_property
    def given(self) -> set[Key]:
        return self.read()

    def source(self, key: Key) -> str:
        """Return the name of the nearest queue above from which the right comes, '' if from none."""
        group, queue, right = key
        above = upwards(queue, self.parents)[1:]
        found = next((pk for pk in above if (group, pk, right) in self.given), None)
        if found is None:
            return ""
        known = permissions.is_superuser(self.actor) or found in self.actor.queue_rights
        return self.queues[found].name if known else _("a queue above")

    def may_change(self, key: Key) -> bool:
        group, queue, right = key
        is_mine = group in self.mine and right in self.grantable.get(queue, ())
        return is_mine and not self.source(key)

    @cached_property
    def grantable(self) -> Mapping[int, frozenset[str]]:
        return permissions.grantable(self.actor)

    def posted(self, key: Key) -> bool:
        return self.data is not None and bool(self.data.get(self.name(key)))

    @cached_property
    def wanted(self) -> set[Key]:
        """What is to be so: as posted where it may be changed, else as it is."""
        if self.data is None:
            return self.given
        return {
            key
            for key in self.keys()
            if (self.posted(key) if self.may_change(key) else key in self.given)
        }

    def refused(self) -> bool:
        """Tell whether something was posted that the actor may not give."""
        return any(
            self.posted(key) and key not in self.given and not self.may_change(key)
            for key in self.keys()
        )

    def cell(self, key: Key) -> Cell:
        source = self.source(key)
        return Cell(
            name=self.name(key),
            label=Right(key[2]).label,
            checked=bool(source) or key in self.wanted,
            locked=not self.may_change(key),
            source=source,
        )

    @property
    def may_change_any(self) -> bool:
        return any(self.may_change(key) for key in self.keys())

    def write(self, groups: Mapping[int, Group], queues: Mapping[int, Queue]) -> None:
        """Give and take what was changed. Raises `NotPermitted`."""
        here = set(self.keys())
        give, take = (self.wanted - self.given) & here, (self.given - self.wanted) & here
        if give or take:
            actions.change_rights(
                actor=self.actor,
                give=[(groups[key[0]], queues[key[1]], key[2]) for key in sorted(give)],
                take=[(groups[key[0]], queues[key[1]], key[2]) for key in sorted(take)],
            )


class TeamRights(RightsTable):
    """What one team may do: a row for each queue that the actor administers, in the order of the tree."""

    def __init__(self, actor: Actor, group: Group, data: Mapping[str, Any] | None = None) -> None:
        super().__init__(actor, data)
        self.group = group

    @cached_property
    def shown(self) -> list[tuple[Queue, int]]:
        if permissions.is_superuser(self.actor):
            seen = self.queues
        else:
            theirs = permissions.administered(self.actor)
            seen = {pk: queue for pk, queue in self.queues.items() if pk in theirs}
        return list(in_tree_order(seen))

    @property
    def team(self) -> int:
        return self.group.pk or 0

    def keys(self) -> Iterable[Key]:
        return [
            (self.team, queue.pk, right) for queue, _depth in self.shown for right in Right.values
        ]

    def name(self, key: Key) -> str:
        return f"{self.prefix}-{key[1]}-{key[2]}"

    def read(self) -> set[Key]:
        rows = QueueRight.objects.filter(group=self.team)
        return set(rows.values_list("group_id", "queue_id", "right"))

    def may_change(self, key: Key) -> bool:
        if self.team:
            return super().may_change(key)
        return key[2] in self.grantable.get(key[1], ())  # of a team that is being made

    @property
    def rows(self) -> list[Row]:
        return [
            Row(
                queue.name,
                tuple(self.cell((self.team, queue.pk, right)) for right in Right.values),
                min(depth, 6),
            )
            for queue, depth in self.shown
        ]

    def save(self, group: Group) -> None:
        """Write for `group`: the one shown, or the one that was just made. Raises `NotPermitted`."""
        wanted = {(group.pk, queue, right) for _none, queue, right in self.wanted}
        self.group = group
        self.wanted = wanted
        self.write({group.pk: group}, self.queues)


class QueueRights(RightsTable):
    """Who may do what in one queue: a row for each team.

    Who may give nothing here sees the teams that have rights; a queue that is being made has boxes for
    superusers only, since nobody else has rights there yet.
    """

    def __init__(self, actor: Actor, queue: Queue, data: Mapping[str, Any] | None = None) -> None:
        super().__init__(actor, data)
        self.queue = queue

    @property
    def place(self) -> int:
        return self.queue.pk or 0

    @cached_property
    def groups(self) -> list[Group]:
        groups = Group.objects.order_by("name")
        if permissions.is_superuser(self.actor):
            return list(groups)
        shown = {group for group, _queue, _right in self.given}
        if self.place in self.grantable:
            shown |= self.mine
        return list(groups.filter(pk__in=shown))

    def keys(self) -> Iterable[Key]:
        if self.data is None or permissions.is_superuser(self.actor):
            groups = [group.pk for group in self.groups]
        else:  # somebody may post the boxes of teams that they were not shown
            groups = list(Group.objects.values_list("pk", flat=True))
        return [(group, self.place, right) for group in groups for right in Right.values]

    def name(self, key: Key) -> str:
        return f"{self.prefix}-{key[0]}-{key[2]}"

    def read(self) -> set[Key]:
        above = upwards(self.place, self.parents)
        rows = QueueRight.objects.filter(queue__in=above)
        return set(rows.values_list("group_id", "queue_id", "right"))

    def may_change(self, key: Key) -> bool:
        if permissions.is_superuser(self.actor) and not self.place:
            return True
        return super().may_change(key)

    @property
    def rows(self) -> list[Row]:
        return [
            Row(
                group.name,
                tuple(self.cell((group.pk, self.place, right)) for right in Right.values),
            )
            for group in self.groups
        ]

    def save(self, queue: Queue) -> None:
        """Write for `queue`: the one shown, or the one that was just made. Raises `NotPermitted`."""
        wanted = {(group, queue.pk, right) for group, _none, right in self.wanted}
        given = {(group, pk or queue.pk, right) for group, pk, right in self.given}
        self.queue, self.wanted, self.given = queue, wanted, given
        if self.actor.user is not None:  # rights in a new queue are known to a new actor only
            self.actor = permissions.agent(self.actor.user)
        groups = {
            group.pk: group
            for group in Group.objects.filter(pk__in=[key[0] for key in wanted ^ given])
        }
        self.write(groups, {queue.pk: queue})
