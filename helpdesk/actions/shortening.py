"""Putting requests that are there under shorter terms: a policy has changed, and that was wanted expressly."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import datetime

from django.db.models import Q

from helpdesk import events
from helpdesk.models import EventKind, TermsChange, Ticket, directory
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
    change stay as well. Merged tickets go with the one they were merged into and are passed over; `take_orders` makes up
    for that if the merge is taken back.
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


def promised_by(order: TermsChange) -> Callable[[Ticket], Terms | None]:
    """Return what an order promises a ticket: by its form, else by its queue; None if it is not about it."""
    by_form = {one["form"]: one["terms"] for one in order.targets if one["form"] is not None}
    by_queue = {one["queue"]: one["terms"] for one in order.targets if one["queue"] is not None}

    def promised(ticket: Ticket) -> Terms | None:
        form = str(ticket.form_key)
        terms = by_form.get(form) if form in order.forms else by_queue.get(ticket.queue_id)
        if not terms:
            return None
        return Terms(**(terms.get(ticket.language) or next(iter(terms.values()))))

    return promised


def orders_since(at: datetime) -> list[TermsChange]:
    """Return the orders of which something may have happened after a moment, the oldest first."""
    since = Q(finished_at=None) | Q(finished_at__gt=at)
    return list(TermsChange.objects.filter(since).order_by("pk"))


def as_ordered(ticket: Ticket, orders: Collection[TermsChange], terms: Terms) -> Terms:
    """Return `terms` of a ticket with what was ordered for it; as they are where that is nothing."""
    for order in orders:
        promised = promised_by(order)(ticket)
        found = None if promised is None else shortened(terms, promised)
        if found is not None:  # its purpose stands in the sentence, and nowhere else
            terms = replace(in_words(found, ticket.language), purpose="")
    return terms


def take_orders(ticket: Ticket, orders: Collection[TermsChange]) -> None:
    """Put a locked ticket, that was passed over while it was merged, under what was ordered for it; `FROZEN` is unsaved."""
    for order in orders:
        if (terms := promised_by(order)(ticket)) is not None:
            _shorten(ticket, terms)


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
