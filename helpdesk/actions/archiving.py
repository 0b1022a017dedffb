"""The archive: what has been closed for long leaves the daily lists, and nothing else changes for anybody.

Being in the archive is no right and no state: whoever could read a ticket still can, search finds it, and the verb
that opens it again takes it out (`storing.settle`).
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import connection, transaction
from django.utils import timezone

from helpdesk import conf
from helpdesk.models import NOT_ARCHIVED, State, Ticket
from helpdesk.states import OPEN_TYPES

BATCH = 1000


def archive_closed(*, now: datetime | None = None) -> int:
    """Put one batch of tickets that have been closed for more than `ARCHIVE_DAYS` into the archive.

    Closed, merged and removed ones alike, the longest closed first. It is no change that anybody must know of: no
    event, and version and date of change stay. Tickets that somebody holds at the moment are left for the next
    time. Returns how many; call it again until that is 0.
    """
    now = now or timezone.now()
    until = now - timedelta(days=int(conf.get("ARCHIVE_DAYS")))
    # by their ids, not by a join: what is read under the lock is the row alone
    closed = list(State.objects.exclude(type__in=OPEN_TYPES).values_list("pk", flat=True))
    skip = connection.features.has_select_for_update_skip_locked
    with transaction.atomic():
        due = Ticket.objects.select_for_update(no_key=True, skip_locked=skip).filter(
            NOT_ARCHIVED, state__in=closed, closed_at__lt=until
        )
        batch = list(due.order_by("closed_at").values_list("pk", flat=True)[:BATCH])
        return Ticket.objects.filter(pk__in=batch).update(archived_at=now) if batch else 0
