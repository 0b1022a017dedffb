"""Who is there at a moment, and who stands in for whom: the tables behind `rules.substitution`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cached_property
from typing import Any

from django.contrib.auth import get_user_model
from django.utils import timezone

from helpdesk import permissions
from helpdesk.models import Absence, AbsenceDeputy, AgentSettings, Queue, Right, queue_map
from helpdesk.permissions import Actor
from helpdesk.rules.substitution import Standing, effective


class Substitutes:
    """The absences at one moment, read at the first question and then remembered.

    However many are asked about, that takes a fixed number of queries: absences, deputies for queues, the
    deputies themselves, and three for queues and rights.

    With `part_time` the weekly days off count as well, in the site's time zone: for reminders and for giving
    out tickets.
    """

    def __init__(self, at: datetime | None = None, *, part_time: bool = False) -> None:
        self.at = at or timezone.now()
        self.part_time = part_time
        self._users: dict[int, Any] = {}

    @cached_property
    def absences(self) -> dict[int, Absence]:
        """The absences by the id of who is away; of two at once the one that ends last."""
        rows = Absence.objects.filter(starts_at__lte=self.at, ends_at__gt=self.at)
        return {row.user_id: row for row in rows.order_by("ends_at", "pk")}

    @cached_property
    def _for_queues(self) -> Mapping[tuple[int, int], int]:
        ids = [row.pk for row in self.absences.values()]
        rows = AbsenceDeputy.objects.filter(absence__in=ids) if ids else ()
        return {(row.absence_id, row.queue_id): row.deputy_id for row in rows}

    @cached_property
    def _off_today(self) -> frozenset[int]:
        if not self.part_time:
            return frozenset()
        today = timezone.localtime(self.at).weekday()
        rows = AgentSettings.objects.exclude(free_days=[]).values_list("user_id", "free_days")
        return frozenset(pk for pk, days in rows if today in days)

    def is_away(self, user_id: int) -> bool:
        return user_id in self.absences or user_id in self._off_today

    def deputy_of(self, user_id: int, queue: Queue) -> int | None:
        """Return the id of the deputy in `queue`: that of the nearest queue upwards, else that for all."""
        absence = self.absences.get(user_id)
        if absence is None:
            return None
        if self._for_queues:
            for row in self._queues.get(queue.pk, queue).lineage():
                if (found := self._for_queues.get((absence.pk, row.pk))) is not None:
                    return found
        return absence.deputy_id

    @cached_property
    def _queues(self) -> dict[int, Queue]:
        return queue_map()

    def standing(self, user_id: int, queue: Queue, right: Right = Right.OWN) -> Standing[int]:
        """Return who acts for an agent in `queue`: who has `right` there and is active, or the team."""
        return effective(
            user_id,
            is_away=self.is_away,
            deputy_of=lambda one: self.deputy_of(one, queue),
            may=lambda one: self.may(one, queue, right),
        )

    def may(self, user_id: int, queue: Queue, right: Right = Right.OWN) -> bool:
        """Tell whether a deputy has `right` in `queue` and is active; False for who is nobody's deputy."""
        actor = self._deputies.get(user_id)
        return actor is not None and permissions.can(actor, right, queue)

    @cached_property
    def _deputies(self) -> dict[int, Actor]:
        """The active users who stand in for somebody, with their rights."""
        ids = set(self._for_queues.values())
        ids |= {row.deputy_id for row in self.absences.values() if row.deputy_id is not None}
        users = get_user_model()._default_manager.filter(pk__in=ids, is_active=True)
        return permissions.agents(users)

    def user(self, user_id: int) -> Any | None:
        """Return the active user of this id, or None."""
        if user_id in self._deputies:
            return self._deputies[user_id].user
        if user_id not in self._users:
            users = get_user_model()._default_manager
            self._users[user_id] = users.filter(pk=user_id, is_active=True).first()
        return self._users[user_id]

    def stood_in_for(self, user_id: int, queue_ids: Iterable[int]) -> dict[int, list[int]]:
        """Return for whom a user stands in who is there: the ids of the absent, with the queues in which."""
        found: dict[int, list[int]] = {}
        if self.is_away(user_id):
            return found
        queues = [self._queues[pk] for pk in queue_ids if pk in self._queues]
        for absent in self._leading_to(user_id):
            where = [row.pk for row in queues if self.standing(absent, row).person == user_id]
            if where:
                found[absent] = where
        return found

    def _leading_to(self, user_id: int) -> set[int]:
        """Return those who are away and from whom some chain of deputies comes to `user_id`."""
        before: dict[int, set[int]] = {}
        owners = {row.pk: row.user_id for row in self.absences.values()}
        for row in self.absences.values():
            if row.deputy_id is not None:
                before.setdefault(row.deputy_id, set()).add(row.user_id)
        for (absence_id, _queue), deputy_id in self._for_queues.items():
            before.setdefault(deputy_id, set()).add(owners[absence_id])
        found: set[int] = set()
        waiting = [user_id]
        while waiting:
            new = before.get(waiting.pop(), set()) - found
            found |= new
            waiting += new
        return found
