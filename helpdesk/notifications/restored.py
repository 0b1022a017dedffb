"""The outbox after a backup was restored.

Mails that waited at its time may have gone out since, so none goes by itself; those of messages that had been erased
are emptied again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from django.db import transaction

from helpdesk import events
from helpdesk.models import EventKind, OutboundMail
from helpdesk.permissions import SYSTEM

from . import telling

State = OutboundMail.State

#: Rows changed in one transaction.
BATCH = 200


def hold_back(reason: str) -> int:
    """Make all mails that wait to be sent *uncertain*, with the reason on them; return how many.

    Also those that agents were still to be told by. People decide over each (`decisions.send_again`). No worker
    may run meanwhile.
    """
    while telling.tell():
        pass
    count = 0
    while batch := _hold_back(reason):
        count += batch
    return count


@transaction.atomic
def _hold_back(reason: str) -> int:
    waiting = OutboundMail.objects.select_for_update(of=("self",)).filter(
        state__in=[State.QUEUED, State.SENDING]
    )
    rows = list(waiting.select_related("ticket", "article").order_by("pk")[:BATCH])
    for row in rows:
        row.state = State.UNCERTAIN
        row.server_reply = reason
        if row.ticket is not None:
            events.record(
                actor=SYSTEM,
                ticket=row.ticket,
                article=row.article,
                kind=EventKind.MAIL_UNCERTAIN,
                data={"mail": row.pk, "kind": row.kind},
            )
    OutboundMail.objects.bulk_update(rows, ["state", "server_reply"])
    return len(rows)


def empty_mails_of(*, columns: Mapping[str, Any], articles: Collection[int]) -> None:
    """Set columns of the mails of some messages. What waits, failed, or may have gone out, does not go out."""
    rows = OutboundMail.objects.filter(article__in=articles)
    unsent = [State.QUEUED, State.FAILED, State.UNCERTAIN]
    rows.filter(state__in=unsent).update(state=State.WITHDRAWN)
    rows.update(**columns)
