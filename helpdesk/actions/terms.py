"""The terms of a ticket after its opening."""

from __future__ import annotations

from dataclasses import replace

from django.db import transaction

from helpdesk import events
from helpdesk.models import EventKind, Queue, RetentionSettings, Right, Ticket, directory
from helpdesk.permissions import Actor
from helpdesk.rules.terms import Objection, Terms, retention_sentence

from .base import locked, touch

_DAYS = ("retention_days", "attachment_days", "personal_days")
#: What of the terms of storage stands on a ticket, and what of an objection.
FROZEN = (*_DAYS, "at_end", "legal_basis", "retention_sentence")
OBJECTION = (
    "objected_at",
    "objection_wording",
    "objection_channel",
    "objection_days",
    "objection_reason",
)


def terms_of(
    queue: Queue,
    *,
    language: str,
    objection: Objection | None = None,
    settings: RetentionSettings | None = None,
) -> Terms:
    """Return the terms that `queue` (or what it inherits from) promises now, in `language`.

    `settings` are others than those that hold: what it would promise under them.
    """
    found = settings or directory().retention
    days = {name: queue.inherited(name) for name in _DAYS}
    for name, own in days.items():
        days[name] = getattr(found, name) if own is None else own
    return in_words(
        Terms(
            retention_days=found.days() if days[_DAYS[0]] is None else int(str(days[_DAYS[0]])),
            legal_basis=_words(queue, found, "legal_basis", "legal_basis", language),
            objection=objection,
            purpose=_words(queue, found, "storage_purpose", "purpose", language),
            attachment_days=days[_DAYS[1]],  # type: ignore[arg-type]
            personal_days=days[_DAYS[2]],  # type: ignore[arg-type]
            at_end=str(queue.inherited("at_end") or found.at_end),
        ),
        language,
    )


def in_words(terms: Terms, language: str) -> Terms:
    """Return terms with the sentence that says them, in `language`."""
    return replace(terms, retention_sentence=retention_sentence(terms, language))


def _words(
    queue: Queue, found: RetentionSettings, of_queue: str, of_all: str, language: str
) -> str:
    if words := queue.inherited_words(of_queue, language):
        return words
    texts = {code: str(getattr(found, f"{of_all}_{code}")) for code in ("de", "en")}
    return texts.get(language[:2]) or texts["de"] or texts["en"]


def frozen_terms(ticket: Ticket) -> Terms:
    """Return the terms of storage that stand on a ticket, with its objection."""
    objection = None
    if ticket.objected_at is not None:
        objection = Objection(
            ticket.objected_at,
            ticket.objection_wording,
            ticket.objection_channel,
            ticket.objection_days,
            ticket.objection_reason,
        )
    return Terms(
        **{name: getattr(ticket, name) for name in FROZEN},
        promise_id=ticket.page_promise_id,
        objection=objection,
    )


def put_terms(ticket: Ticket, terms: Terms) -> None:
    """Set the terms of storage on a ticket; the caller saves `FROZEN`."""
    for name in FROZEN:
        setattr(ticket, name, getattr(terms, name))


@transaction.atomic
def apply_terms(*, actor: Actor, ticket: Ticket, terms: Terms) -> Ticket:
    """Put an open or closed ticket under other terms (right *manage*). An objection stays."""
    ticket = locked(actor, ticket, Right.MANAGE)
    before = {"promise": ticket.page_promise_id, "retention_days": ticket.retention_days}
    ticket.page_promise_id = terms.promise_id
    put_terms(ticket, terms)
    touch(actor, ticket, "page_promise", *FROZEN)
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
