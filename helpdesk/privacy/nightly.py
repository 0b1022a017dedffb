"""The nightly run: what is due goes, a batch a call, each in a transaction of its own.

How far it is stands in its row (`ErasureRun`): whatever dies, the next call goes on from there, and what was not
committed is done again. The row is locked while a batch is under way, so that of two workers one has nothing to do.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import Final

from django.db import IntegrityError, InterfaceError, OperationalError, connection, transaction
from django.db.models import Q
from django.utils import timezone

from helpdesk import audit, conf
from helpdesk.models import AuditKind, ErasureRun

from . import due, expired_mails, expired_people, expired_rows, leftovers, reminding, ticket_steps
from .dry_run import finish_dry

logger = logging.getLogger(__name__)

Phase = Callable[[ErasureRun, datetime], tuple[Counter[str], bool]]

#: What a night does, in this order: each does one batch and tells whether there may be more.
PHASES: Final[tuple[tuple[str, Phase], ...]] = (
    ("holds", reminding.hold_batch),
    ("dates", ticket_steps.date_batch),
    ("tickets", ticket_steps.erase_batch),
    ("mails", expired_mails.mail_batch),
    ("people", expired_people.people_batch),
    ("rows", expired_rows.row_batch),
    ("audit", expired_rows.audit_batch),
    ("needless", leftovers.needless_batch),
    ("orphans", leftovers.orphan_batch),
    ("files", leftovers.removal_batch),
    ("index", leftovers.index_batch),
)
_NAMES: Final = [name for name, _phase in PHASES]


def run_night(*, now: datetime | None = None) -> bool:
    """Do one batch of tonight's run, or a dry run that waits; tell whether there is more to do.

    A job of the worker: before ERASE_HOUR (site's time zone), and when tonight's run is over, it does nothing.
    """
    now = now or timezone.now()
    waiting = (
        ErasureRun.objects.filter(is_dry=True, finished_at__isnull=True).order_by("pk").first()
    )
    if waiting is not None:
        finish_dry(waiting.pk, now)
        return True
    run = _tonights(now)
    return run is not None and _batch(run.pk, now)


def run_now(*, now: datetime | None = None) -> ErasureRun:
    """Do the whole run of the night of `now` at once, whatever the hour is, and return its row.

    One that is over already is done once more: what became due meanwhile goes, and is added to its counts.
    """
    now = now or timezone.now()
    run = ErasureRun.objects.filter(is_dry=False, finished_at__isnull=True).order_by("day").first()
    run = run or _begin(now)
    ErasureRun.objects.filter(pk=run.pk).exclude(finished_at=None).update(
        finished_at=None, phase=_NAMES[0], left=[]
    )
    while _batch(run.pk, now):
        pass
    run.refresh_from_db()
    return run


def _tonights(now: datetime) -> ErasureRun | None:
    """Return the run to go on with, a new one if its hour has come, or None."""
    day = due.day_of(now)
    known = ErasureRun.objects.filter(Q(finished_at__isnull=True) | Q(day=day), is_dry=False)
    rows = list(known.order_by("day"))
    under_way = [run for run in rows if run.finished_at is None]
    if under_way:
        return under_way[0]  # one that a dead worker left behind first
    if rows or now.astimezone(timezone.get_default_timezone()).hour < int(conf.get("ERASE_HOUR")):
        return None
    return _begin(now)


def _begin(now: datetime) -> ErasureRun:
    facts = {"started_at": now, "total": due.due(now).count(), "phase": _NAMES[0]}
    try:
        with transaction.atomic():
            run, _made = ErasureRun.objects.get_or_create(
                day=due.day_of(now), is_dry=False, defaults=facts
            )
    except IntegrityError:  # another worker, at the same moment
        run = ErasureRun.objects.get(day=due.day_of(now), is_dry=False)
    return run


@transaction.atomic
def _batch(pk: int, now: datetime) -> bool:
    """Do one batch; False if somebody else is at it, or if that was the last."""
    skip = connection.features.has_select_for_update_skip_locked
    rows = ErasureRun.objects.select_for_update(skip_locked=skip).filter(pk=pk)
    run = rows.filter(finished_at__isnull=True).first()
    if run is None:
        return False
    place = _NAMES.index(run.phase) if run.phase in _NAMES else 0
    counts, more = _do(*PHASES[place], run, now)
    run.counts = dict(Counter(run.counts) + counts)
    run.seen_at = max(timezone.now(), now)
    if not more and place + 1 < len(PHASES):
        run.phase, run.left = _NAMES[place + 1], []
    elif not more:
        _finish(run)
    run.save(update_fields=["counts", "seen_at", "phase", "left", "finished_at"])
    return run.finished_at is None


def _do(name: str, phase: Phase, run: ErasureRun, now: datetime) -> tuple[Counter[str], bool]:
    """Do a batch of one phase; one that fails stops none of the others, and is begun again the next night."""
    left = list(run.left)
    try:
        with transaction.atomic():
            return phase(run, now)
    except (OperationalError, InterfaceError):
        raise  # the database is gone or busy: done again at the next call
    except Exception as fault:  # noqa: BLE001  logged by type: its words may quote what people wrote
        logger.error("nightly run: phase %s failed: %s", name, type(fault).__name__)
        run.left = left
        return Counter(troubles=1), False


def _finish(run: ErasureRun) -> None:
    run.finished_at, run.phase, run.left = run.seen_at, "", []
    if run.counts:
        audit.record(AuditKind.ERASED, data={"run": run.pk, **run.counts})
