"""The only writer of the history."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils import timezone

from .models import Article, Event, EventKind, Ticket, insert
from .permissions import Actor


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
    insert(event, with_id=False)
    return event
