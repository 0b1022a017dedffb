"""Who is there at a moment, and who stands in for whom: the tables behind `rules.substitution`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from typing import Any

from django.contrib.auth import get_user_model
from django.utils import timezone

from helpdesk import permissions
from helpdesk.models import Absence, AbsenceDeputy, AgentSettings, Queue, Right
from helpdesk.rules.substitution import Standing, effective


class Substitutes:
    """The absences at one moment, read at the first question and then remembered.

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
        for row in queue.lineage():
            if (found := self._for_queues.get((absence.pk, row.pk))) is not None:
                return found
        return absence.deputy_id

    def standing(self, user_id: int, queue: Queue, right: Right = Right.OWN) -> Standing[int]:
        """Return who acts for an agent in `queue`: who has `right` there and is active, or the team."""
        return effective(
            user_id,
            is_away=self.is_away,
            deputy_of=lambda one: self.deputy_of(one, queue),
            may=lambda one: self._may(one, queue, right),
        )

    def _may(self, user_id: int, queue: Queue, right: Right) -> bool:
        user = self.user(user_id)
        return user is not None and permissions.can(permissions.agent(user), right, queue)

    def user(self, user_id: int) -> Any | None:
        """Return the active user of this id, or None."""
        if user_id not in self._users:
            users = get_user_model()._default_manager
            self._users[user_id] = users.filter(pk=user_id, is_active=True).first()
        return self._users[user_id]
