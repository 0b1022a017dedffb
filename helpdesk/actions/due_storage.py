"""What the machine does to the dates of storage: reckons them anew, and warns the team of an open ticket."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from datetime import datetime

from django.db import connection
from django.db.models import QuerySet

from helpdesk import events
from helpdesk.models import EventKind, StorageStep, Ticket, directory, kept_directory
from helpdesk.permissions import SYSTEM

from . import storing
from .base import verb

#: What `warn_of_erasure` changes.
_WARNED = ("erase_warned_at", *storing.FIELDS)


@verb
def settle_storage(*, tickets: Collection[int]) -> dict[int, Ticket]:
    """Work out the dates of tickets anew, as queue, settings and terms are now, and lock them.

    Returns them by id with their new dates saved; one that somebody works on at this moment is left out. It is no
    change that anybody must read before writing: neither version nor date of change move.
    """
    rows = _free(tickets)
    changed = []
    with kept_directory():
        for row in rows:
            before = [getattr(row, name) for name in storing.FIELDS]
            _know(row)
            storing.settle(row)
            if before != [getattr(row, name) for name in storing.FIELDS]:
                changed.append(row)
    Ticket.objects.bulk_update(changed, storing.FIELDS, batch_size=200)
    return {row.pk: row for row in rows}


@verb
def warn_of_erasure(*, tickets: Collection[int], now: datetime) -> Counter[str]:
    """Warn the teams of open tickets that are erased soon unless something happens: an event each.

    Counts them as "warned". A ticket that is not to be warned of (any more) is left as it is.
    """
    warned = []
    with kept_directory():
        for row in _free(tickets):
            _know(row)
            storing.settle(row)
            if row.storage_step != StorageStep.WARNING:
                continue
            row.erase_warned_at = now
            storing.settle(row)
            warned.append(row)
        Ticket.objects.bulk_update(warned, _WARNED, batch_size=200)
    for row in warned:
        at = row.erase_at.isoformat() if row.erase_at else None
        events.record(
            actor=SYSTEM, ticket=row, kind=EventKind.STORAGE_WARNING, data={"erase_at": at}
        )
    return Counter(warned=len(warned))


def undated() -> QuerySet[Ticket]:
    """Return the tickets that should have dates of storage and have none: made before there were any."""
    return Ticket.objects.filter(
        storage_step_at__isnull=True, merged_into__isnull=True, anonymised_at__isnull=True
    ).order_by("pk")


def _free(tickets: Collection[int]) -> list[Ticket]:
    skip = connection.features.has_select_for_update_skip_locked
    rows = Ticket.objects.select_for_update(skip_locked=skip).filter(pk__in=tickets)
    return list(rows.defer("answers", "preview").order_by("pk"))


def _know(row: Ticket) -> None:
    """Give a ticket its state and queue from the directory that is kept."""
    known = directory()
    row.state, row.queue = known.states[row.state_id], known.queues[row.queue_id]
