"""The only writer of the history."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.utils import timezone

from .models import Article, Event, EventKind, Ticket
from .permissions import Actor

_waiting: ContextVar[list[Event] | None] = ContextVar("helpdesk_events", default=None)


@contextmanager
def together() -> Iterator[None]:
    """Write all that is recorded inside with one statement, at the end; after a fault nothing is.

    For transactions that happen whole or not at all. Nobody inside may look for an event of its own.
    """
    if _waiting.get() is not None:
        yield
        return
    rows: list[Event] = []
    token = _waiting.set(rows)
    try:
        yield
    finally:
        _waiting.reset(token)
    Event.objects.bulk_create(rows)


def record(
    *,
    actor: Actor,
    ticket: Ticket,
    kind: EventKind,
    article: Article | None = None,
    data: Mapping[str, Any] | None = None,
    content: Mapping[str, Any] | None = None,
) -> Event:
    """Append one row to the history of `ticket` and return it (not yet stored inside `together`).

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
    waiting = _waiting.get()
    if waiting is None:
        event.save(force_insert=True)
    else:
        waiting.append(event)
    return event
