"""The rights of all agents at once."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import F

from .models import Queue, QueueRight, Right, queue_map
from .permissions import Actor, agent, know, rights_below


class Teams:
    """The rights of all agents at one moment, for work on many tickets at once.

    Read at the first question and then remembered: three queries, whatever is asked.
    """

    def __init__(self) -> None:
        self._effective: dict[frozenset[int], dict[int, frozenset[str]]] = {}
        self._teams: dict[tuple[int, str], frozenset[int]] = {}

    @cached_property
    def queues(self) -> dict[int, Queue]:
        """All queues by id, with their parents filled in."""
        return queue_map()

    @cached_property
    def _granted(self) -> dict[int, dict[int, set[str]]]:
        found: dict[int, dict[int, set[str]]] = {}
        for group, queue, right in QueueRight.objects.values_list("group_id", "queue_id", "right"):
            found.setdefault(group, {}).setdefault(queue, set()).add(right)
        return found

    @cached_property
    def _members(self) -> tuple[dict[int, Any], dict[int, frozenset[int]]]:
        """The active users of all teams, and the teams of each."""
        users: dict[int, Any] = {}
        groups: dict[int, set[int]] = {}
        rows = get_user_model()._default_manager.filter(is_active=True, groups__in=self._granted)
        for user in rows.annotate(_team=F("groups")):
            users.setdefault(user.pk, user)
            groups.setdefault(user.pk, set()).add(user._team)
        return users, {pk: frozenset(ids) for pk, ids in groups.items()}

    @property
    def users(self) -> dict[int, Any]:
        """The active users who belong to a team, by id."""
        return self._members[0]

    def _rights(self, user_id: int) -> dict[int, frozenset[str]]:
        teams = self._members[1].get(user_id, frozenset())
        if teams not in self._effective:
            granted: dict[int, set[str]] = {}
            for team in teams:
                for queue, rights in self._granted.get(team, {}).items():
                    granted.setdefault(queue, set()).update(rights)
            parents = {pk: queue.parent_id for pk, queue in self.queues.items()}
            self._effective[teams] = rights_below(granted, parents)
        return self._effective[teams]

    def team(self, queue_id: int, right: Right | str = Right.READ) -> frozenset[int]:
        """Return the ids of the active users who have `right` in a queue through a team."""
        key = (queue_id, str(right))
        if key not in self._teams:
            self._teams[key] = frozenset(
                pk for pk in self.users if key[1] in self._rights(pk).get(queue_id, ())
            )
        return self._teams[key]

    def actor(self, user: Any) -> Actor:
        """Return the actor for a user, with the rights known already."""
        actor = agent(user)
        know(actor, dict(self._rights(user.pk)), self.queues)
        return actor
