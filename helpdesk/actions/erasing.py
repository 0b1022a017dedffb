"""Erasing: tickets whose time is over go with everything that was ever stored of them, or step by step before.

The machine does this, many tickets at a time and in one transaction: `helpdesk.privacy` says which and when. A ticket
takes along what was merged into it. What was held, reopened or changed in the meantime is left alone. What was
erased is written into the journal (outside the database) before it is committed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from helpdesk import journal, notifications
from helpdesk.models import (
    Article,
    Hold,
    Ticket,
    Tombstone,
    closed_nonce,
    directory,
    kept_directory,
)
from helpdesk.states import StateType

from . import erasing_parts, exported, storing
from .erasing_rows import Rows

#: What is read of a ticket that goes: nothing that anybody wrote.
_COLUMNS = (
    "number",
    "queue",
    "state",
    "created_at",
    "closed_at",
    "objected_at",
    "erase_at",
    "storage_step_at",
    "storage_step",
    "merged_into",
    "customer",
    "contact",
    "files_erased_at",
    "persons_erased_at",
    "anonymised_at",
    "link_nonce",
)


@dataclass(frozen=True)
class Group:
    """Tickets that go together: one, and what was merged into it."""

    root: Ticket
    tickets: tuple[Ticket, ...]


@transaction.atomic
def erase(
    *,
    tickets: Collection[int],
    reason: Tombstone.Reason | None = None,
    now: datetime | None = None,
) -> Counter[str]:
    """Erase tickets (ids) with everything that belongs to them and to what they were merged with; count what went.

    Without a `reason` only what is due at `now` goes, for the reason that its dates tell; with one, whatever its
    dates say. What is held stays in any case. Each leaves a tombstone. Counts: `tickets`, `articles`, `attachments`,
    `files` (stored bytes), `mails` and others; `skipped` are the groups that stayed. Ids that are gone are no fault.
    """
    now = now or timezone.now()
    with kept_directory():
        groups, done = _locked(tickets)
        if reason is None:
            groups = _only(groups, lambda root: _is_over(root, now), done)
        if not groups:
            return +done
        rows = [(one, reason or _reason(group)) for group in groups for one in group.tickets]
        found = Rows(one.pk for one, _why in rows)
        _forget_copies([one for one, _why in rows])
        stones = [_tombstone(one, why, now) for one, why in rows]
        done += found.delete()
        _put_tombstones(stones)
        journal.write(_journal(stones, found))
    return +done


@transaction.atomic
def erase_files(
    *,
    tickets: Collection[int],
    reason: Tombstone.Reason | None = None,
    now: datetime | None = None,
) -> Counter[str]:
    """Erase the files of tickets, with their names, and the raw mails in which they came; the texts stay.

    Shaped as `erase` is; `reason` makes no difference here but that without one only tickets of which this is the
    next step go, and none of which a mail is on its way out: it would go empty, or not at all.
    """
    return _step(erasing_parts.FILES, tickets, reason, now)


@transaction.atomic
def erase_persons(
    *,
    tickets: Collection[int],
    reason: Tombstone.Reason | None = None,
    now: datetime | None = None,
) -> Counter[str]:
    """Erase who the people of tickets are: names, addresses, raw mails, answers marked as personal. Texts stay.

    Shaped as `erase_files` is.
    """
    return _step(erasing_parts.PERSONS, tickets, reason, now)


@transaction.atomic
def anonymise(
    *,
    tickets: Collection[int],
    reason: Tombstone.Reason | None = None,
    now: datetime | None = None,
) -> Counter[str]:
    """Leave of tickets only what no person is in: number, queue, state, dates, and choices, numbers and dates that
    were answered. Each has a tombstone, too; nobody finds it any more. Shaped as `erase` is.
    """
    now = now or timezone.now()
    with kept_directory():
        groups, done = _locked(tickets)
        groups = [one for one in groups if one.root.anonymised_at is None]
        if reason is None:
            groups = _only(groups, lambda root: _is_over(root, now), done)
        if not groups:
            return +done
        rows = [(one, reason or _reason(group)) for group in groups for one in group.tickets]
        found = Rows((one.pk for one, _why in rows), keep=erasing_parts.STAYS)
        _forget_copies([one for one, _why in rows])
        stones = [_tombstone(one, why, now, is_anonymised=True) for one, why in rows]
        done += found.delete()
        erasing_parts.make_anonymous([one for one, _why in rows], now=now)
        _put_tombstones(stones)
        journal.write(journal.of_tickets(journal.ANONYMISED, (one for one, _why in rows)))
    return +done


# --- which -------------------------------------------------------------------------------------------


def _locked(tickets: Collection[int]) -> tuple[list[Group], Counter[str]]:
    """Return the groups of tickets that may be touched, their rows locked, and how many were left alone.

    With the key: rows that point to a ticket are written beside other locks, and one that came now would keep the
    ticket from going.
    """
    ids = _whole(tickets)
    locks = Ticket.objects.select_for_update().filter(pk__in=ids).order_by("pk")
    rows = {row.pk: row for row in locks.only(*_COLUMNS)}
    state, queues = directory().states, directory().queues
    for row in rows.values():
        row.state, row.queue = state[row.state_id], queues[row.queue_id]
    groups = list(_groups(rows))
    late = set(
        Ticket.objects.filter(merged_into__in=rows)
        .exclude(pk__in=rows)
        .values_list("merged_into", flat=True)
    )
    held = set(Hold.objects.active().filter(ticket__in=rows).values_list("ticket", flat=True))
    free = [one for one in groups if not {row.pk for row in one.tickets} & (held | late)]
    return free, Counter(skipped=len(groups) - len(free))


def _whole(tickets: Collection[int]) -> set[int]:
    """Return the ids of the whole groups, which way round they may have been merged."""
    ids: set[int] = set()
    new = set(tickets)
    while new:
        ids |= new
        near = Ticket.objects.filter(Q(merged_into__in=new) | Q(pk__in=new)).order_by()
        pairs = near.values_list("pk", "merged_into")
        new = {pk for pair in pairs for pk in pair if pk is not None} - ids
    return ids


def _groups(rows: dict[int, Ticket]) -> Iterator[Group]:
    """Yield the groups of locked tickets; one that points to a ticket that is not there (any more) is left out."""
    members: dict[int, list[Ticket]] = {}
    for row in rows.values():
        root: Ticket | None = row
        while root is not None and root.merged_into_id is not None:
            root = rows.get(root.merged_into_id)
        if root is not None:
            members.setdefault(root.pk, []).append(row)
    for pk, several in members.items():
        yield Group(rows[pk], tuple(several))


def _step(
    part: erasing_parts.Part,
    tickets: Collection[int],
    reason: Tombstone.Reason | None,
    now: datetime | None,
) -> Counter[str]:
    now = now or timezone.now()
    with kept_directory():
        groups, done = _locked(tickets)
        groups = [one for one in groups if getattr(one.root, part.column) is None]
        if reason is None:
            groups = _without_mails(groups, done)
            groups = _only(groups, lambda root: _is_next(root, part, now), done)
        if not groups:
            return +done
        rows = [one for group in groups for one in group.tickets]
        _forget_copies(rows)
        done += part.erase(rows, now)
        erasing_parts.note([one.root for one in groups], rows, part, now=now)
        settle_all(rows)
        journal.write(journal.of_tickets(part.journal, rows))
    return +done


def _only(groups: list[Group], is_due: Callable[[Ticket], bool], done: Counter[str]) -> list[Group]:
    """Return what is due still: the caller asked before the rows were locked."""
    due = [one for one in groups if is_due(one.root)]
    done["skipped"] += len(groups) - len(due)
    return due


def _without_mails(groups: list[Group], done: Counter[str]) -> list[Group]:
    """Return the groups of which no mail waits in the outbox."""
    waiting = notifications.waited_for([row.pk for one in groups for row in one.tickets])
    free = [one for one in groups if waiting.isdisjoint(row.pk for row in one.tickets)]
    done["skipped"] += len(groups) - len(free)
    return free


def _is_over(ticket: Ticket, now: datetime) -> bool:
    return ticket.erase_at is not None and ticket.erase_at <= now


def _is_next(ticket: Ticket, part: erasing_parts.Part, now: datetime) -> bool:
    at = ticket.storage_step_at
    return ticket.storage_step == part.step and at is not None and at <= now


def settle_all(rows: Collection[Ticket]) -> None:
    """Bring the dates of storage of locked tickets into line."""
    fresh = Ticket.objects.filter(pk__in=[one.pk for one in rows]).order_by("pk")
    found = list(fresh.defer("answers", "subject", "preview", "retention_sentence"))
    for row in found:
        row.state, row.queue = directory().states[row.state_id], directory().queues[row.queue_id]
        storing.settle(row)
    Ticket.objects.bulk_update(found, storing.FIELDS)


# --- what stays --------------------------------------------------------------------------------------


def _reason(group: Group) -> Tombstone.Reason:
    if group.root.objected_at is not None:
        return Tombstone.Reason.OBJECTION
    if group.root.state.is_open:
        return Tombstone.Reason.UNCLOSED
    return Tombstone.Reason.RETENTION


def _tombstone(
    ticket: Ticket, reason: Tombstone.Reason, now: datetime, *, is_anonymised: bool = False
) -> Tombstone:
    zone = ZoneInfo(ticket.queue.time_zone())
    is_over = ticket.closed_at is not None and (
        not ticket.state.is_open or ticket.state.type == StateType.MERGED
    )
    return Tombstone(
        ticket_pk=ticket.pk,
        number=ticket.number,
        queue_id=ticket.queue_id,
        opened_on=ticket.created_at.astimezone(zone).date(),
        closed_on=ticket.closed_at.astimezone(zone).date()
        if is_over and ticket.closed_at
        else None,
        erased_at=now,
        reason=reason,
        is_anonymised=is_anonymised,
        link_digest=closed_nonce(ticket.link_nonce),
    )


def _put_tombstones(stones: list[Tombstone]) -> None:
    """Write them; one that was anonymised before has one already, which then tells of the end, and keeps its link."""
    Tombstone.objects.bulk_create(
        stones,
        update_conflicts=True,
        unique_fields=["ticket_pk"],
        update_fields=["queue", "opened_on", "closed_on", "erased_at", "reason", "is_anonymised"],
    )


def _forget_copies(rows: Collection[Ticket]) -> None:
    """Let go of what was made of these tickets and others together: digests, and exports (one asks again)."""
    ids = [row.pk for row in rows]
    notifications.forget_digests(ids)
    exported.forget_exports(ids)


def _journal(stones: Iterable[Tombstone], found: Rows) -> Iterator[dict[str, Any]]:
    for one in stones:
        yield {
            "kind": journal.TICKET,
            "pk": one.ticket_pk,
            "number": one.number,
            "queue": one.queue_id,
            "opened_on": one.opened_on.isoformat(),
            "closed_on": one.closed_on.isoformat() if one.closed_on else None,
            "reason": str(one.reason),
        }
    # an older backup may have them elsewhere: before they were split off or moved
    if found.ids[Article]:
        yield {"kind": journal.ARTICLES, "pks": found.ids[Article]}
    if found.mails:
        yield {"kind": journal.INBOUND, "pks": found.mails}
