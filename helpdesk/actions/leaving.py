"""Who left a team keeps nothing of its work: tickets go back to the queue, nobody watches what they may not read.

Access itself ends at once, with the right; this is the job that clears up behind it. It looks at pairs of person
and queue, so its questions do not grow with the number of tickets that are all right.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import Q
from django.utils import timezone

from helpdesk import events, permissions
from helpdesk.models import NOT_ARCHIVED, EventKind, Right, Ticket, Watcher
from helpdesk.permissions import SYSTEM
from helpdesk.states import OPEN_TYPES

from .base import touch
from .escalation import BATCH, each_locked


def release_without_rights(*, now: datetime | None = None) -> int:
    """Take open tickets from owners and people responsible who have no right in the queue any more.

    The history says *no rights*, and the team is told. So do watchers go who may not read the ticket. Returns how
    many tickets it changed; call it again until that is 0.
    """
    now = now or timezone.now()
    open_tickets = Ticket.objects.filter(NOT_ARCHIVED, state__type__in=OPEN_TYPES)
    wrong = Q(pk__in=())
    for role in ("owner", "responsible"):
        rows = open_tickets.filter(**{f"{role}__isnull": False}).order_by()
        for person, queue in lost(rows.values_list(f"{role}_id", "queue_id").distinct()):
            wrong |= Q(**{role: person, "queue": queue})
    pks = open_tickets.filter(wrong).order_by("pk").values_list("pk", flat=True)[:BATCH]
    _forget_watchers()
    return each_locked(pks, _release, now)


def lost(pairs: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return those pairs of a person's and a queue's id in which the person has no right. Three queries."""
    wanted = list(pairs)
    if not wanted:
        return []
    users = get_user_model()._default_manager.in_bulk({person for person, _queue in wanted})
    actors = permissions.agents(users.values())
    return [
        (person, queue)
        for person, queue in wanted
        if person not in actors or queue not in actors[person].queue_rights
    ]


def _forget_watchers() -> None:
    rows = Watcher.objects.order_by().values_list("user_id", "ticket__queue_id").distinct()
    wrong = Q(pk__in=())
    for person, queue in lost(rows):
        wrong |= Q(user=person, ticket__queue=queue)
    for row in Watcher.objects.filter(wrong).select_related("ticket__state", "user"):
        # whose queue is informed of a ticket goes on reading it along
        if not permissions.can(permissions.agent(row.user), Right.READ, row.ticket):
            row.delete()


def _release(ticket: Ticket, now: datetime) -> bool:
    gone = {
        role: getattr(ticket, f"{role}_id")
        for role in ("owner", "responsible")
        if not _has_rights(getattr(ticket, role), ticket)
    }
    if not gone or not ticket.state.is_open:
        return False
    if "owner" in gone:
        ticket.owner = None
    if "responsible" in gone:
        ticket.responsible = None
    touch(SYSTEM, ticket, *gone, at=now)
    kinds = {"owner": EventKind.OWNER_CHANGED, "responsible": EventKind.RESPONSIBLE_CHANGED}
    for role, before in gone.items():
        events.record(
            actor=SYSTEM,
            ticket=ticket,
            kind=kinds[role],
            data={"from": before, "to": None, "by": "no_rights"},
        )
    return True


def _has_rights(user: Any | None, ticket: Ticket) -> bool:
    return user is None or ticket.queue_id in permissions.agent(user).queue_rights
