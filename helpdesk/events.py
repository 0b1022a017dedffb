"""The only writer of the history."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from django.utils import timezone

from .models import Article, Event, EventKind, Ticket, UntoldEvent, insert
from .permissions import Actor

#: What agents may be told of; who is, `notifications.telling` decides afterwards.
TOLD = frozenset(
    {
        EventKind.TICKET_OPENED,
        EventKind.ARTICLE_ADDED,
        EventKind.NOTE_ADDED,
        EventKind.ANSWER_SENT,
        EventKind.CALL_LOGGED,
        EventKind.QUEUE_CHANGED,
        EventKind.OWNER_CHANGED,
        EventKind.RESPONSIBLE_CHANGED,
        EventKind.SENDER_ACCEPTED,
        EventKind.SPLIT,
        EventKind.MENTIONED,
        EventKind.REMINDED,
        EventKind.CLOCK_WARNING,
        EventKind.CLOCK_BREACHED,
        EventKind.MAIL_FAILED,
        EventKind.MAIL_UNCERTAIN,
        EventKind.MAIL_BOUNCED,
    }
)


def record(
    *,
    actor: Actor,
    ticket: Ticket,
    kind: EventKind,
    article: Article | None = None,
    data: Mapping[str, Any] | None = None,
    content: Mapping[str, Any] | None = None,
) -> Event:
    """Append one row to the history of `ticket` and return it.

    `data` takes ids and codes only, for it stays after erasure; whatever a person wrote or is called
    belongs into `content`. Call inside the transaction of the change it tells of.
    """
    event = Event(
        ticket=ticket,
        article=article,
        kind=kind,
        actor_kind=actor.kind,
        user=actor.user,
        customer=actor.customer,
        at=timezone.now(),
        data=dict(data or {}),
        content=dict(content) if content else None,
    )
    is_told = kind in TOLD and not ticket.is_test
    insert(event, with_id=is_told)
    if is_told:
        insert(UntoldEvent(event=event), with_id=False)
    return event


#: Kinds of which the data says nothing of a person: states, queues, priorities, clocks.
_OF_NOBODY = frozenset(
    {
        EventKind.STATE_CHANGED,
        EventKind.PENDING_CHANGED,
        EventKind.QUEUE_CHANGED,
        EventKind.PRIORITY_CHANGED,
        EventKind.TYPE_CHANGED,
        EventKind.CLOCK_WARNING,
        EventKind.CLOCK_BREACHED,
    }
)


def empty(ticket_ids: Collection[int], *, kinds: Iterable[EventKind] | None = None) -> None:
    """Empty what the history of some tickets says of people outside the team, for good; ids and codes stay."""
    rows = Event.objects.filter(ticket__in=ticket_ids)
    if kinds is not None:
        rows = rows.filter(kind__in=kinds)
    rows.exclude(content=None, customer=None).update(content=None, customer=None)


def make_anonymous(ticket_ids: Collection[int]) -> None:
    """Leave of the history of some tickets what happened, and when, and nobody who did it."""
    rows = Event.objects.filter(ticket__in=ticket_ids)
    rows.update(content=None, customer=None, user=None, article=None)
    rows.exclude(kind__in=_OF_NOBODY).update(data={})
