"""A dry run: what the next nightly run would do, counted by queue and reason. It changes nothing."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from typing import Any

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Q
from django.utils import timezone

from helpdesk.actions import due_storage, storing
from helpdesk.models import ErasureRun, Ticket, Tombstone, directory, kept_directory

from . import due

logger = logging.getLogger(__name__)

#: Tickets read at once.
CHUNK = 1000
#: Up to so many due tickets somebody who asks gets the answer at once.
AT_ONCE = 2000


def ask(*, user: Any, now: datetime | None = None) -> ErasureRun:
    """Ask for a dry run of the next night: done at once if that is little, else by the worker."""
    now = now or timezone.now()
    night = due.next_night(now)
    run = ErasureRun.objects.create(
        day=due.day_of(night),
        is_dry=True,
        asked_by=user,
        started_at=now,
        total=due.all_due(night).count(),
    )
    if run.total <= AT_ONCE and not due_storage.undated()[:1]:
        finish_dry(run.pk, now)
        run.refresh_from_db()
    return run


def finish_dry(pk: int, now: datetime) -> None:
    """Count for a dry run that waits, and write the result on its row.

    One that fails is over as well, with its trouble: it would stand before every night.
    """
    run = ErasureRun.objects.filter(pk=pk, is_dry=True, finished_at__isnull=True).first()
    if run is not None:
        run.counts = _counted(due.next_night(now))
        run.seen_at = run.finished_at = max(timezone.now(), now)
        run.save(update_fields=["counts", "seen_at", "finished_at"])


def _counted(now: datetime) -> dict[str, Any]:
    try:
        with transaction.atomic():
            return dry_run(now=now)
    except (OperationalError, InterfaceError):
        raise  # the database is gone or busy: done again at the next call
    except Exception as fault:  # noqa: BLE001  logged by type: its words may quote what people wrote
        logger.error("dry run failed: %s", type(fault).__name__)
        return {"troubles": 1}


def dry_run(*, now: datetime) -> dict[str, Any]:
    """Return what a run at `now` would do with tickets, by code as a run counts it.

    Besides, under "queues": by the id of the queue (as text) how many by what happens or why they go. Reads only.
    """
    counts = Counter[str]()
    queues: dict[str, Counter[str]] = {}
    with kept_directory():
        for row, is_held in _candidates(now):
            storing.settle(row)
            step_at = row.storage_step_at
            if step_at is None or step_at > now:
                counts["postponed"] += row.was_due
                continue
            ways = ["held"] if is_held else due.ways_of(row, now)
            counts.update(ways)
            of_queue = queues.setdefault(str(row.queue_id), Counter())
            of_queue.update(_why(row, way) for way in ways)
            if due.ERASED in ways:
                counts["tickets"] += row.group_size
    return {**counts, "queues": {pk: dict(found) for pk, found in queues.items()}}


def _why(ticket: Ticket, way: str) -> str:
    """Return the reason for which a ticket would go, else what would happen to it."""
    if way != due.ERASED:
        return way
    if ticket.objected_at is not None:
        return str(Tombstone.Reason.OBJECTION)
    return str(Tombstone.Reason.UNCLOSED if ticket.state.is_open else Tombstone.Reason.RETENTION)


def _candidates(now: datetime) -> Iterator[tuple[Any, bool]]:
    """Yield what would be due, with whether it is held."""
    known = directory()
    day = due.day_of(now)
    held = set(due.holds_on(day).values_list("ticket_id", flat=True)) | due.homes_of_held(day)
    undated = Q(storage_step_at__isnull=True, merged_into__isnull=True, anonymised_at__isnull=True)
    rows = Ticket.objects.filter(Q(storage_step_at__lte=now) | undated)
    pks = rows.order_by("pk").values_list("pk", flat=True).iterator(chunk_size=CHUNK)
    while some := list(islice(pks, CHUNK)):
        found: list[Any] = list(
            Ticket.objects.filter(pk__in=some).defer("answers", "preview").order_by("pk")
        )
        sizes = _sizes(some)
        for row in found:
            row.state, row.queue = known.states[row.state_id], known.queues[row.queue_id]
            row.was_due = row.storage_step_at is not None
            row.group_size = sizes[row.pk]
            yield row, row.pk in held


def _sizes(pks: list[int]) -> Counter[int]:
    """Return of how many tickets each consists, with those merged into it."""
    return Counter(due.homes(pks).values())
