"""Putting requests that are there under shorter terms: a policy has changed, and that was wanted expressly."""

from __future__ import annotations

from collections.abc import Callable, Collection

from helpdesk import events
from helpdesk.models import EventKind, Ticket, directory
from helpdesk.permissions import SYSTEM
from helpdesk.rules.terms import Terms, shortened

from . import storing
from .base import verb
from .terms import FROZEN, frozen_terms, in_words, put_terms

_COUNTED = ("retention_days", "attachment_days", "personal_days", "at_end")


@verb
def shorten_terms(*, tickets: Collection[int], promised: Callable[[Ticket], Terms | None]) -> int:
    """Put tickets under what is `promised` for them now, as far as that is shorter; return how many it was for.

    The machine's: it locks the rows itself. What is longer than a ticket was given is never applied to it, so no
    ticket goes later for it; its dates are those that the next verb would work out, too. An objection and a hold stay. It is no change of the request: version and date of
    change stay as well. Merged tickets go with the one they were merged into and are passed over.
    """
    rows = Ticket.objects.select_for_update(no_key=True).filter(
        pk__in=tickets, merged_into=None, anonymised_at=None
    )
    known = directory()
    changed = []
    for ticket in rows.order_by("pk"):
        ticket.state, ticket.queue = known.states[ticket.state_id], known.queues[ticket.queue_id]
        terms = promised(ticket)
        if terms is not None and _shorten(ticket, terms):
            changed.append(ticket)
    Ticket.objects.bulk_update(changed, [*FROZEN, *storing.FIELDS], batch_size=100)
    return len(changed)


def _shorten(ticket: Ticket, terms: Terms) -> bool:
    given = frozen_terms(ticket)
    found = shortened(given, terms)
    if found is None:
        return False
    put_terms(ticket, in_words(found, ticket.language))
    storing.settle(ticket)
    events.record(
        actor=SYSTEM,
        ticket=ticket,
        kind=EventKind.TERMS_APPLIED,
        data={
            "from": {name: getattr(given, name) for name in _COUNTED},
            "to": {name: getattr(found, name) for name in _COUNTED},
        },
    )
    return True
