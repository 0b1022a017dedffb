"""The terms of a ticket after its opening."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from helpdesk import conf, events
from helpdesk.models import Channel, EventKind, Queue, Right, Ticket
from helpdesk.permissions import REPLY, Actor
from helpdesk.rules.terms import Objection, Terms, objection_wording, retention_sentence

from .base import locked, locked_at_home, require_decision, touch


def terms_of(queue: Queue, *, language: str, objection: Objection | None = None) -> Terms:
    """Return the terms that `queue` (or what it inherits from) promises now, in `language`."""
    days = queue.inherited("retention_days")
    retention_days = int(conf.get("RETENTION_DAYS")) if days is None else int(str(days))
    legal_basis = str(queue.inherited("legal_basis") or "")
    return Terms(
        retention_days=retention_days,
        legal_basis=legal_basis,
        retention_sentence=retention_sentence(retention_days, legal_basis, language),
        objection=objection,
    )


@transaction.atomic
def apply_terms(*, actor: Actor, ticket: Ticket, terms: Terms) -> Ticket:
    """Put an open or closed ticket under other terms (right *manage*). An objection stays."""
    ticket = locked(actor, ticket, Right.MANAGE)
    before = {"promise": ticket.page_promise_id, "retention_days": ticket.retention_days}
    ticket.page_promise_id = terms.promise_id
    ticket.retention_days = terms.retention_days
    ticket.legal_basis = terms.legal_basis
    ticket.retention_sentence = terms.retention_sentence
    touch(actor, ticket, "page_promise", "retention_days", "legal_basis", "retention_sentence")
    events.record(
        actor=actor,
        ticket=ticket,
        kind=EventKind.TERMS_APPLIED,
        data={
            "from": before,
            "to": {"promise": terms.promise_id, "retention_days": terms.retention_days},
        },
    )
    return ticket


@transaction.atomic
def object_to_storage(*, actor: Actor, ticket: Ticket, channel: Channel) -> Ticket:
    """Note the customer's objection to the longer storage. A second one changes nothing.

    That to a merged ticket holds for the one into which it was merged as well: the words are there. Raises
    `NotPermitted` for a customer who only takes part in it.
    """
    require_decision(actor, ticket)
    home = locked_at_home(actor, ticket, REPLY)
    _note_objection(actor, home, channel)
    if home.pk == ticket.pk:
        return home
    ticket = locked(actor, ticket, REPLY)
    _note_objection(actor, ticket, channel)
    return ticket


def _note_objection(actor: Actor, ticket: Ticket, channel: Channel) -> None:
    if ticket.objected_at is None:
        ticket.objected_at = timezone.now()
        ticket.objection_wording = objection_wording(
            int(conf.get("OBJECTION_DAYS")), ticket.language
        )
        ticket.objection_channel = channel
        touch(actor, ticket, "objected_at", "objection_wording", "objection_channel")
        events.record(
            actor=actor,
            ticket=ticket,
            kind=EventKind.OBJECTION_CHANGED,
            data={"objected": True, "channel": str(channel)},
        )
