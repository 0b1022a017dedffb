"""Other queues that read a ticket: along, because its mail went to them as well, and the end of that; after a merge."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction
from django.utils import timezone

from helpdesk import events
from helpdesk.errors import NotFound
from helpdesk.models import Article, EventKind, InformedQueue, Queue, Right, Ticket
from helpdesk.permissions import Actor

from .base import locked, touch, verb


@verb
def inform_queue(
    *,
    actor: Actor,
    ticket: Ticket,
    article: Article,
    queue_id: int | None,
    again: bool = False,
    reads_along: bool = True,
) -> None:
    """Note that a mail also went to another queue (or, with `again`, was delivered once more).

    With `reads_along` another queue than the ticket's own reads along from now on
    (`permissions.reads_along`); not in a confidential ticket, and not one that has handed the ticket on (it went
    where others read) or whose reading along was ended. One that reads along already is not told again. Changes
    nothing else: no second ticket, no second article. The machine's verb.
    """
    ticket = locked(actor, ticket, Right.MANAGE)
    informed = False
    if reads_along and queue_id and queue_id != ticket.queue_id:
        informed = _may_be_told(ticket, queue_id) and _read_along(ticket, queue_id)
    if again or informed:
        events.record(
            actor=actor,
            ticket=ticket,
            article=article,
            kind=EventKind.SECOND_DELIVERY if again else EventKind.QUEUE_INFORMED,
            data={"queue": queue_id},
        )


def _read_along(ticket: Ticket, queue_id: int) -> bool:
    """Let a queue read along; tell whether that is new."""
    _row, made = InformedQueue.objects.get_or_create(
        ticket=ticket, queue_id=queue_id, defaults={"at": timezone.now()}
    )
    return made


def _may_be_told(ticket: Ticket, queue_id: int) -> bool:
    """Tell whether a queue may read along: nobody decided otherwise, of this ticket or of one merged into it."""
    if ticket.queue.keeps_confidence:
        return False
    moved = ticket.events.filter(kind=EventKind.QUEUE_CHANGED, data__from=queue_id)
    ended = ticket.events.filter(kind=EventKind.QUEUE_UNINFORMED, data__queue=queue_id)
    merged = Ticket.objects.filter(merged_into=ticket, queue=queue_id)
    return not (moved.exists() or ended.exists() or merged.exists())


@transaction.atomic
def end_reading_along(*, actor: Actor, ticket: Ticket, queue: Queue) -> Ticket:
    """Let a queue read a ticket no longer that was informed of it (right *note*, as for moving it on).

    Further mail to it opens the ticket to that queue no more. Raises `NotFound` for one that does not read along.
    """
    ticket = locked(actor, ticket, Right.NOTE)
    if not stop_reading(actor, ticket, [queue.pk]):
        raise NotFound
    touch(actor, ticket)
    return ticket


def stop_reading(actor: Actor, ticket: Ticket, queue_ids: Iterable[int], *, by: str = "") -> int:
    """End the reading along of some queues in a locked ticket, and record each; return how many there were.

    Only verbs call this; `by` is the code of the occasion.
    """
    rows = InformedQueue.objects.filter(ticket=ticket, queue__in=list(queue_ids))
    gone = list(rows.order_by("pk").values_list("queue_id", flat=True))
    rows.delete()
    for queue_id in gone:
        events.record(
            actor=actor,
            ticket=ticket,
            kind=EventKind.QUEUE_UNINFORMED,
            data={"queue": queue_id, **({"by": by} if by else {})},
        )
    return len(gone)
