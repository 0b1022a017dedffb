"""Correcting a person in answers of forms and in orders of queues, where the type of a field says what it holds."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from typing import Any

from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext as _

from helpdesk import events, search
from helpdesk.models import Answer, Article, Event, EventKind, QueueOrder, Ticket
from helpdesk.permissions import Actor
from helpdesk.rules import answers, correcting
from helpdesk.rules.correcting import Corrections, Place

from .erasing_parts import rewrite_message, write_anew
from .persons import held_tickets
from .previews import renew_previews
from .private_words import private_words

#: Of a correction: what the history calls it.
CORRECTED = "corrected"


def tickets_with(known: Corrections) -> QuerySet[Ticket]:
    """Return the tickets in whose forms or orders something stands by which a person is known."""
    texts = [one for several in known.known.values() for one in several]
    rows = Answer.objects.filter(text__in={answers.folded(one) for one in texts})
    found = Q(pk__in=())
    for text in sorted({one for one in texts if one}):
        found |= Q(agents__icontains=f'"{text}"')
    orders = QueueOrder.objects.filter(found)
    which = Q(pk__in=rows.order_by().values("ticket")) | Q(queue_order__in=orders)
    return Ticket.objects.filter(which, anonymised_at=None).order_by("pk")


def places_of(
    known: Corrections, customers: Collection[int]
) -> Iterator[tuple[Ticket, list[Place], bool]]:
    """Yield the tickets with the answers that are a person's, and whether a hold keeps them as they are.

    `customers` (ids) are the person's rows: what is theirs says more than what is somebody else's.
    """
    held = held_tickets()
    rows = tickets_with(known).select_related("queue", "queue_order")
    for ticket in rows.iterator(chunk_size=100):
        known = replace(known, in_others=ticket.customer_id not in customers)
        found = list(correcting.places(ticket.answers, known))
        order: QueueOrder | None = getattr(ticket, "queue_order", None)
        if order is not None:
            found += [
                Place(f"{_('Order of a queue')} {place.label}", place.shown)
                for place in correcting.places_in_rows(order.agents, known)
            ]
        if found:
            yield ticket, found, ticket.pk in held


def correct_answers(
    *, actor: Actor, wanted: Corrections, customers: Collection[int], reference: str = ""
) -> int:
    """Make corrections in forms and orders of all tickets but held ones; return in how many something changed.

    Called by `correct_person`, inside its transaction; `customers` as in `places_of`. Typed answers change with the message that the form wrote of
    them, and the history says so; free text stays. It is no activity: how long a ticket is kept does not change.
    """
    pks = set(tickets_with(wanted).values_list("pk", flat=True)) - held_tickets()
    locks = Ticket.objects.select_for_update(of=("self",), no_key=True).filter(pk__in=pks)
    changed: list[Ticket] = []
    orders: set[int] = set()
    for ticket in locks.order_by("pk"):
        before, wanted = (
            ticket.answers,
            replace(wanted, in_others=ticket.customer_id not in customers),
        )
        ticket.answers = correcting.corrected(before, wanted)
        if ticket.answers != before:
            rewrite_message(ticket, before)
            _remember_private(ticket)
        if _correct_order(ticket, wanted):
            orders.add(ticket.pk)
        if ticket.answers != before or ticket.pk in orders:
            changed.append(ticket)
    _save(changed)
    for ticket in changed:
        data = {CORRECTED: True, "order": ticket.pk in orders, "reference": reference}
        events.record(actor=actor, ticket=ticket, kind=EventKind.CUSTOMER_CHANGED, data=data)
    return len(changed)


def _save(tickets: Collection[Ticket]) -> None:
    pks = [one.pk for one in tickets]
    Ticket.objects.bulk_update(tickets, ["answers"], batch_size=50)
    Ticket.objects.filter(pk__in=pks).update(version=F("version") + 1)
    write_anew(tickets)
    renew_previews(pks)
    search.renew(pks)


def _remember_private(ticket: Ticket) -> None:
    """Let the form's message know its personal lines as they read now, and go on knowing the words of a subject."""
    first = Event.objects.filter(
        ticket=ticket, kind__in=(EventKind.TICKET_OPENED, EventKind.TICKET_IMPORTED)
    ).values("article")
    for article in Article.objects.filter(pk__in=first).only("pk", "extra"):
        now: dict[str, Any] = private_words(ticket.answers)
        for key, kept in now.items():
            old = article.extra.get(key)
            words: Iterable[str] = old.get("words", ()) if isinstance(old, dict) else ()
            kept["words"] = list(dict.fromkeys([*kept["words"], *words]))
        article.extra = {**article.extra, **now}
        article.save(update_fields=["extra"])


def _correct_order(ticket: Ticket, wanted: Corrections) -> bool:
    """Correct who is named in the ticket's order of a queue; whoever has it open has to look again."""
    order = QueueOrder.objects.select_for_update(of=("self",)).filter(ticket=ticket).first()
    if order is None:
        return False
    rows = correcting.corrected_rows(order.agents, wanted)
    if rows == order.agents:
        return False
    order.agents, order.version = rows, order.version + 1
    order.save(update_fields=["agents", "version"])
    return True
