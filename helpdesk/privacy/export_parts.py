"""What the complete archive has of a ticket besides its messages: history, holds, drafts, and entries in lists of people.

Of requests of others it is the entries that are the person's, and what names them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from helpdesk.actions.persons import groups_of
from helpdesk.models import Event, Hold, QueueOrder, SavedDraft, Ticket

from .export_scope import Scope, moment, without_others

_PARAGRAPHS = re.compile(r"\n\s*\n")


def paragraphs(text: str, scope: Scope) -> str:
    """Return the paragraphs of a text that name the person."""
    kept = [one for one in _PARAGRAPHS.split(text) if scope.blanker.text(one) != one]
    return "\n\n[…]\n\n".join(kept)


def answered(entries: Any, before: str = "") -> Iterator[dict[str, str]]:
    """Yield question and answer of a snapshot, those of a list of rows with the number of the row."""
    for entry, label in _entries(entries, before):
        if isinstance(entry.get("rows"), list):
            for number, row in enumerate(entry["rows"], 1):
                yield from answered(row, f"{label} {number}: ")
        else:
            yield {"question": label, "answer": str(entry.get("shown") or "")}


def _entries(entries: Any, before: str) -> Iterator[tuple[Mapping[str, Any], str]]:
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict):
            yield entry, f"{before}{entry.get('label') or entry.get('key') or ''}"


def of_ticket(ticket: Ticket, scope: Scope, *, is_own: bool) -> dict[str, Any]:
    """Return what only the team sees of a ticket, as far as it is about the person."""
    data: dict[str, Any] = {
        "found_by": scope.found_by(ticket.pk),
        "drafts": list(_drafts(ticket, scope, is_own=is_own)),
        "entries_in_order": list(_in_order(ticket, scope)),
    }
    if not is_own:
        return {**data, "answers": list(_their_answers(ticket.answers, scope))}
    return {
        **data,
        "history": [_event(one, scope) for one in ticket.events.order_by("at", "pk")],
        "holds": [_hold(one, scope) for one in ticket.holds.order_by("pk")],
        "objection_reason": without_others(ticket.objection_reason, scope),
    }


def _event(event: Event, scope: Scope) -> dict[str, str]:
    """Return a line of the history. Who of the team did it is not told: that is about them."""
    is_theirs = event.customer_id in scope.person.customers
    texts = [one for one in _texts(event.content) if one.strip()]
    return {
        "at": moment(event.at),
        "what": event.kind,
        "by": "you" if is_theirs else event.actor_kind,
        "text": without_others("\n".join(texts), scope),
    }


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _texts(one)


def _hold(hold: Hold, scope: Scope) -> dict[str, str]:
    return {
        "at": moment(hold.placed_at),
        "until": hold.until.isoformat(),
        "lifted": moment(hold.lifted_at),
        "reason": without_others(hold.reason, scope),
    }


def _drafts(ticket: Ticket, scope: Scope, *, is_own: bool) -> Iterator[dict[str, str]]:
    """Yield what agents are writing: whole on a request in which nothing of others was merged, else what names them."""
    rows = list(SavedDraft.objects.filter(ticket=ticket).order_by("pk"))
    if not rows:
        return
    is_whole = is_own and groups_of([ticket.pk]) <= scope.own
    for row in rows:
        text = str(row.fields.get("body") or "")
        if not is_whole:
            text = paragraphs(text, scope)
        if is_whole or text or scope.blanker.data(row.fields) != row.fields:
            yield {
                "at": moment(row.saved_at),
                "what": row.mode,
                "text": without_others(text, scope),
            }


def _their_answers(snapshot: Any, scope: Scope) -> Iterator[dict[str, str]]:
    """Yield what stands about the person in somebody else's form: their rows whole, else what names them."""
    for entry, label in _entries(snapshot, ""):
        if not isinstance(entry.get("rows"), list):
            yield from _naming(entry, label, scope)
            continue
        for number, row in enumerate(entry["rows"], 1):
            before = f"{label} {number}: "
            if isinstance(row, list) and scope.blanker.is_row_of_theirs(row):
                yield from answered(row, before)
            else:
                for cell, name in _entries(row, before):
                    yield from _naming(cell, name, scope)


def _naming(entry: Mapping[str, Any], label: str, scope: Scope) -> Iterator[dict[str, str]]:
    shown = str(entry.get("shown") or "")
    if shown and scope.blanker.text(shown) != shown:
        yield {"question": label, "answer": without_others(paragraphs(shown, scope), scope)}


def _in_order(ticket: Ticket, scope: Scope) -> Iterator[dict[str, str]]:
    """Yield the person's entries among the agents of an order of a queue."""
    order = QueueOrder.objects.filter(ticket=ticket).first()
    for row in order.agents if order is not None else ():
        if isinstance(row, dict) and scope.blanker.data(row) != row:
            names = ("first_name", "last_name", "email", "login_name")
            yield {name: str(row.get(name) or "") for name in names}
