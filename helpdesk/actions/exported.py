"""Exports of personal data and the tickets of which they hold something: whoever erases there lets the export go.

An export notes a ticket before it reads it, under the ticket's lock, and whoever erases has that lock. So either the
note is there when the erasure asks, and the export goes in its transaction, also one that is just being made; or the
erasure is committed before the export reads, and nothing of it gets in.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from django.db import connection, transaction
from django.db.models import Model, Q, QuerySet

from helpdesk import addressing
from helpdesk.models import (
    Article,
    Blob,
    DataExport,
    Event,
    ExportedTicket,
    Hold,
    InboundMail,
    OutboundMail,
    QueueOrder,
    SavedDraft,
    Ticket,
    delete_alone,
)
from helpdesk.models.outside import by

#: Tickets noted in one transaction.
PORTION = 500


class Dropped(Exception):
    """The export that is being made is gone: something that it holds was erased."""


# --- whoever makes one -------------------------------------------------------------------------------


def begin_noting(export: int) -> None:
    """Say of an export that from here on it notes what it holds. Raises `Dropped` if it is no longer wanted."""
    if not _wanted(export).update(is_noted=True):
        raise Dropped


def note_tickets(export: int, tickets: Iterable[int]) -> None:
    """Note that an export is going to hold something of tickets (ids); what is gone meanwhile is left out.

    Call it outside a transaction, and read afterwards. Raises `Dropped`.
    """
    for some in by(sorted(set(tickets)), PORTION):
        busy = set(some) - _note(export, some, patient=False)
        for one in sorted(busy):  # alone it holds nothing else while it waits
            _note(export, [one], patient=True)


@transaction.atomic
def _note(export: int, tickets: Sequence[int], *, patient: bool) -> set[int]:
    """Note those tickets of some that are there and, unless `patient`, that nobody works on; return them."""
    skip = connection.features.has_select_for_update_skip_locked and not patient
    rows = Ticket.objects.select_for_update(no_key=True, skip_locked=skip).filter(pk__in=tickets)
    found = set(rows.order_by("pk").values_list("pk", flat=True))
    # after the tickets: so does whoever erases
    row = _wanted(export).select_for_update(of=("self",), no_key=True)
    if not row.values_list("pk", flat=True).first():
        raise Dropped
    ExportedTicket.objects.bulk_create(
        [ExportedTicket(export_id=export, ticket_pk=one) for one in sorted(found)],
        ignore_conflicts=True,
    )
    return found


def _wanted(export: int) -> QuerySet[DataExport]:
    return DataExport.objects.filter(pk=export, state=DataExport.State.WAITING)


# --- whoever erases ----------------------------------------------------------------------------------


def forget_exports(tickets: Collection[int]) -> int:
    """Delete the exports that hold something of tickets (ids), and those of which nobody knows; return how many.

    The caller has locked the tickets, or keeps exports from noting them in another way.
    """
    unknown = Q(state=DataExport.State.READY, is_noted=False)
    found: set[int] = set()
    for some in by(sorted(set(tickets))):
        holding = ExportedTicket.objects.filter(ticket_pk__in=some).order_by()
        rows = DataExport.objects.filter(Q(pk__in=holding.values("export")) | unknown)
        found.update(rows.order_by().values_list("pk", flat=True))
    return drop_exports(found) if found else 0


@dataclass(frozen=True)
class Sources:
    """What is going to change of that from which exports are made: in tickets, and in mails that belong to none."""

    tickets: frozenset[int]
    # addresses of those whose mails they are
    people: frozenset[str]


#: Tables from which exports are made, and how the ticket is reached.
_TICKET_OF: dict[type[Model], tuple[str, ...]] = {
    Ticket: ("pk",),
    Article: ("ticket",),
    InboundMail: ("ticket", "article__ticket"),
    OutboundMail: ("ticket", "article__ticket"),
    Event: ("ticket",),
    Hold: ("ticket",),
    QueueOrder: ("ticket",),
    SavedDraft: ("ticket",),
}


def locked_sources(model: type[Model], ids: Collection[int]) -> Sources:
    """Return what rows of a table are to exports, nothing for most tables; their tickets are locked before the rows."""
    if model not in _TICKET_OF:
        return Sources(frozenset(), frozenset())
    rows = model._default_manager.filter(pk__in=ids).order_by()
    places = list(rows.values_list("pk", *_TICKET_OF[model]))
    tickets = frozenset(pk for _row, *of in places for pk in of if pk is not None)
    lock_tickets(tickets)
    loose = rows.filter(pk__in=[row for row, *of in places if not any(of)])
    people: set[str] = set()
    if model is InboundMail:
        people.update(loose.values_list("sender", flat=True))
    if model is OutboundMail:
        lists = loose.values_list("to", "cc", "bcc")
        people.update(pair[1] for several in lists for one in several for pair in one)
    known = {addressing.canonical(one) for one in people if addressing.is_address(one)}
    return Sources(tickets, frozenset(known))


def lock_tickets(tickets: Collection[int]) -> None:
    """Lock tickets, so that no export notes them from now on."""
    rows = Ticket.objects.select_for_update(no_key=True).filter(pk__in=tickets).order_by("pk")
    list(rows.values_list("pk", flat=True))


def forget_copies(sources: Sources) -> None:
    """Delete the exports that hold something of what changed."""
    forget_exports(sources.tickets)
    if sources.people:  # only complete ones have mails beside tickets
        rows = DataExport.objects.filter(is_complete=True).values_list("pk", "addresses")
        drop_exports([pk for pk, known in rows if not sources.people.isdisjoint(known)])


@transaction.atomic
def drop_exports(ids: Iterable[int]) -> int:
    """Delete exports of personal data with their archives; return how many there were."""
    rows = DataExport.objects.filter(pk__in=list(ids)).order_by()
    # before: whoever is making one waits here, and finds it gone
    held = dict(rows.select_for_update(of=("self",)).order_by("pk").values_list("pk", "blob_id"))
    delete_alone(ExportedTicket.objects.filter(export__in=held))
    done = delete_alone(DataExport.objects.filter(pk__in=held))
    Blob.release_all({blob for blob in held.values() if blob is not None})
    return done


def share_exports(one: Ticket, other: Ticket) -> None:
    """Let exports that hold something of one of two tickets hold the other as well: messages moved between them.

    Both are locked. Where they came from is not known any more when one of them is erased.
    """
    pair = (one.pk, other.pk)
    rows = ExportedTicket.objects.filter(ticket_pk__in=pair).order_by()
    exports = set(rows.values_list("export", flat=True))
    if exports:
        # one that somebody lets go of at this moment is waited for, and not there any more
        there = DataExport.objects.select_for_update(of=("self",), no_key=True).order_by("pk")
        exports = set(there.filter(pk__in=exports).values_list("pk", flat=True))
        both = [ExportedTicket(export_id=pk, ticket_pk=each) for pk in exports for each in pair]
        ExportedTicket.objects.bulk_create(both, ignore_conflicts=True)
