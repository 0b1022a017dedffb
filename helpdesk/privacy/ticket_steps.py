"""What a night does with tickets: first those without dates get some, then what is due goes, a batch at a time."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Collection
from datetime import datetime
from typing import Final

from django.db import InterfaceError, OperationalError, transaction

from helpdesk.actions import due_storage, erasing
from helpdesk.models import ErasureRun, Ticket, kept_directory

from . import due

logger = logging.getLogger(__name__)

#: Tickets taken at once.
BATCH = 200
#: And of those that only get dates.
UNDATED = 1000
#: After so many that could not be erased a night gives up on the others: something is wrong with all of them.
MAX_LEFT = 500

_VERBS: Final[dict[str, Callable[[Collection[int], datetime], Counter[str]]]] = {
    due.FILES: lambda ids, now: erasing.erase_files(tickets=ids, now=now),
    due.PERSONS: lambda ids, now: erasing.erase_persons(tickets=ids, now=now),
    due.WARNED: lambda ids, now: due_storage.warn_of_erasure(tickets=ids, now=now),
    due.ERASED: lambda ids, now: erasing.erase(tickets=ids, now=now),
    due.ANONYMISED: lambda ids, now: erasing.anonymise(tickets=ids, now=now),
}


def date_batch(run: ErasureRun, now: datetime) -> tuple[Counter[str], bool]:
    """Give dates to tickets that were made before there were any; tell whether there may be more.

    Goes on behind the id in `run.left`: one that somebody works on at the moment is dated the next night.
    """
    behind = due_storage.undated().filter(pk__gt=run.left[0] if run.left else 0)
    pks = list(behind.values_list("pk", flat=True)[:UNDATED])
    rows, counts = _settled(pks)
    run.left = pks[-1:]
    return Counter(dated=len(rows)) + counts, len(pks) == UNDATED


def erase_batch(run: ErasureRun, now: datetime) -> tuple[Counter[str], bool]:
    """Do what is due on some tickets; tell whether there may be more.

    Whatever is still due afterwards (it failed, or somebody was working on it) is left for another night, noted in
    `run.left`: so each call has fewer before it than the one before.
    """
    pks = list(due.due(now, left=run.left).values_list("pk", flat=True)[:BATCH])
    if not pks:
        return Counter(), False
    ways: dict[str, list[int]] = {}
    with kept_directory():
        rows, counts = _locked(pks)
        for pk, row in rows.items():
            found = due.ways_of(row, now)
            if not found:
                counts["postponed"] += 1
            for way in found:
                ways.setdefault(way, []).append(pk)
    for way in _VERBS:  # in this order: who is to be forgotten goes after the files
        if way in ways:
            counts += _do(way, ways[way], now)
    still = set(due.due(now, left=run.left).filter(pk__in=pks).values_list("pk", flat=True))
    counts["left"] += len(still)
    run.left = [*run.left, *sorted(still)]
    return counts, len(run.left) < MAX_LEFT


def _locked(pks: Collection[int]) -> tuple[dict[int, Ticket], Counter[str]]:
    """Return tickets with the right dates, locked with all that were merged into them, and what was counted.

    Locks of whole groups are taken here, without waiting for any: a group of which somebody has one is left out. The
    verbs wait for their locks, and who holds one of a group may be waiting for another (`actions.objecting`, a mail
    to a merged ticket): each would wait for the other.
    """
    rows, counts = _settled(list(due.homes(pks)))
    mine = [pk for pk in pks if pk in rows]
    # asked again: now nothing more is merged into what we hold
    busy = {home for pk, home in due.homes(mine).items() if pk not in rows}
    return {pk: rows[pk] for pk in mine if pk not in busy}, counts


def _settled(pks: Collection[int]) -> tuple[dict[int, Ticket], Counter[str]]:
    """Work out the dates of tickets, of all at once, else of each by itself; return these, and how many failed."""
    counts = Counter[str]()
    try:
        return due_storage.settle_storage(tickets=pks), counts
    except (OperationalError, InterfaceError):
        raise
    except Exception as fault:  # noqa: BLE001  one by one it shows which ticket it is
        _log("dates", fault)
    rows: dict[int, Ticket] = {}
    for pk in pks:
        try:
            rows |= due_storage.settle_storage(tickets=[pk])
        except (OperationalError, InterfaceError):
            raise
        except Exception as fault:  # noqa: BLE001  any fault at all belongs to this ticket alone
            _log(f"dates of ticket {pk}", fault)
            counts["failed"] += 1
    return rows, counts


def _do(way: str, ids: list[int], now: datetime) -> Counter[str]:
    """Do one thing to some tickets: to all at once, else to each by itself, so that one spoils no other."""
    try:
        return _at_once(way, ids, now)
    except (OperationalError, InterfaceError):
        raise  # the database, not a ticket: the whole batch is done again
    except Exception as fault:  # noqa: BLE001  one by one it shows which ticket it is
        _log(way, fault)
    counts = Counter[str]()
    for pk in ids:
        try:
            counts += _at_once(way, [pk], now)
        except (OperationalError, InterfaceError):
            raise
        except Exception as fault:  # noqa: BLE001  any fault at all belongs to this ticket alone
            _log(f"{way} of ticket {pk}", fault)
            counts["failed"] += 1
    return counts


def _at_once(way: str, ids: list[int], now: datetime) -> Counter[str]:
    with transaction.atomic():
        found = Counter(_VERBS[way](ids, now))
    if way != due.WARNED:  # which counts itself
        found[way] += len(ids) - found["skipped"]
    return found


def _log(what: str, fault: Exception) -> None:
    logger.error("nightly run: %s failed: %s", what, type(fault).__name__)
