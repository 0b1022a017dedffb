"""Taking back what was sent a moment ago: the mail is stopped, and the ticket is as it was before.

An answer remembers in its event what it found and what it left (`trace`: ids, codes and dates only). What
somebody changed since stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from helpdesk import events, notifications, permissions
from helpdesk.errors import AlreadyDone, NotFound, NotPermitted
from helpdesk.models import (
    Article,
    Event,
    EventKind,
    OutboundMail,
    Participant,
    Right,
    Sender,
    State,
    Ticket,
)
from helpdesk.permissions import Actor
from helpdesk.states import PENDING_TYPES

from .base import locked, touch
from .drafts import preview_of
from .lifecycle import put_back


def trace(
    ticket: Ticket,
    *,
    owner_id: int | None,
    state: State | None,
    pending_until: datetime | None,
    joined: Iterable[Participant],
) -> dict[str, Any]:
    """Return what `take_back` needs to know of an answer, before the answer changes `ticket`.

    `owner_id`, `state` and `pending_until` are what the answer will leave; a `state` of None stays.
    """
    before = _facts(ticket)
    after = {name: before[name] for name in ("state", "pending_until")}
    if state is not None:
        until = pending_until if state.type in PENDING_TYPES else None
        after = {"state": state.pk, "pending_until": _written(until)}
    return {
        "before": before,
        "after": {**after, "owner": owner_id},
        "joined": [row.pk for row in joined],
    }


def _facts(ticket: Ticket) -> dict[str, Any]:
    return {
        "state": ticket.state_id,
        "owner": ticket.owner_id,
        "pending_until": _written(ticket.pending_until),
        "closed_at": _written(ticket.closed_at),
        "waiting_since": _written(ticket.waiting_since),
        "first_response_at": _written(ticket.first_response_at),
    }


def _written(at: datetime | None) -> str | None:
    return at.isoformat() if at is not None else None


def _read(text: object) -> datetime | None:
    return parse_datetime(text) if isinstance(text, str) else None


@transaction.atomic
def take_back(*, actor: Actor, ticket: Ticket, article: Article) -> Article:
    """Take back an answer or a forwarded message whose mail nobody has sent yet (right *answer*).

    For its author, and for whoever has the right *manage*; others: `NotPermitted`. The article becomes
    internal and is marked; what the answer changed on the ticket is as before, unless changed since.
    Raises `WrongState` once the worker has, or ever had, the mail; `AlreadyDone` if it is taken back
    already; `NotFound` for an article of another ticket.
    """
    ticket = locked(actor, ticket, Right.ANSWER)
    try:
        article = Article.objects.select_for_update(of=("self",), no_key=True).get(
            pk=article.pk, ticket=ticket
        )
    except Article.DoesNotExist:
        raise NotFound from None
    if not permissions.may_take_back(actor, ticket, article):
        raise NotPermitted
    if article.taken_back:
        raise AlreadyDone(article)
    mail = notifications.withdraw(article=article)
    article.visible = False
    article.extra = {**article.extra, "taken_back": timezone.now().isoformat()}
    article.save(update_fields=["visible", "extra"])
    restored = _restore(actor, ticket, article) if mail.kind == OutboundMail.Kind.ANSWER else []
    touch(actor, ticket)
    events.record(
        actor=actor,
        ticket=ticket,
        article=article,
        kind=EventKind.ANSWER_TAKEN_BACK,
        data={"mail": mail.pk, "kind": str(mail.kind), "restored": restored},
    )
    return article


def _restore(actor: Actor, ticket: Ticket, article: Article) -> list[str]:
    """Undo what an answer did to a locked ticket; return the names of what is as before."""
    # of an answer that came here with a merged ticket nothing is undone: it changed that one
    event = article.events.filter(kind=EventKind.ANSWER_SENT, ticket=ticket).first()
    data = event.data if event is not None else {}
    before, after = data.get("before"), data.get("after")
    if event is None or not before or not after:  # written before answers left a trace
        return []
    done = [
        _state_back(actor, ticket, event, before, after),
        _owner_back(actor, ticket, event, before, after),
        _participants_back(ticket, article, data.get("joined", [])),
    ]
    if ticket.preview == preview_of(article.body):
        shown = ticket.articles.filter(visible=True, machine="").order_by("-created_at", "-pk")
        ticket.preview = preview_of(shown.values_list("body", flat=True).first() or "")
        touch(actor, ticket, "preview")
        done.append("preview")
    done.append(_waiting_back(actor, ticket, article, before))
    return [name for name in done if name]


def _is_last_change(ticket: Ticket, event: Event, *kinds: EventKind) -> bool:
    """Tell whether the answer's own change of this kind was the last: a value may come back by chance."""
    return ticket.events.filter(pk__gt=event.pk, kind__in=kinds).count() == 1


def _state_back(
    actor: Actor, ticket: Ticket, event: Event, before: dict[str, Any], after: dict[str, Any]
) -> str:
    names, now = ("state", "pending_until"), _facts(ticket)
    if all(before[name] == after[name] for name in names):
        return ""
    if any(now[name] != after[name] for name in names):
        return ""
    if not _is_last_change(ticket, event, EventKind.STATE_CHANGED, EventKind.PENDING_CHANGED):
        return ""
    state = State.objects.filter(pk=before["state"]).first()
    if state is None:
        return ""
    put_back(
        actor=actor,
        ticket=ticket,
        state=state,
        pending_until=_read(before["pending_until"]),
        closed_at=_read(before["closed_at"]),
    )
    return "state"


def _owner_back(
    actor: Actor, ticket: Ticket, event: Event, before: dict[str, Any], after: dict[str, Any]
) -> str:
    if before["owner"] == after["owner"] or ticket.owner_id != after["owner"]:
        return ""
    if not _is_last_change(ticket, event, EventKind.OWNER_CHANGED):
        return ""
    ticket.owner_id = before["owner"]
    touch(actor, ticket, "owner")
    events.record(
        actor=actor,
        ticket=ticket,
        kind=EventKind.OWNER_CHANGED,
        data={"from": after["owner"], "to": before["owner"], "by": "take_back"},
    )
    return "owner"


def _participants_back(ticket: Ticket, article: Article, joined: list[int]) -> str:
    """Remove who took part only because of the answer, unless written to again since."""
    rows = Participant.objects.filter(pk__in=joined, ticket=ticket)
    later = ticket.articles.filter(pk__gt=article.pk).values_list("from_address", "to", "cc")
    named = {
        address.casefold()
        for sender, to, cc in later
        for address in (sender, *(one for _name, one in [*to, *cc]))
    }
    gone = [row.pk for row in rows if row.address.casefold() not in named]
    Participant.objects.filter(pk__in=gone).delete()
    return "participants" if gone else ""


def _waiting_back(actor: Actor, ticket: Ticket, article: Article, before: dict[str, Any]) -> str:
    """Let the customer wait as before, unless somebody answered since."""
    since = _read(before["waiting_since"])
    later = ticket.articles.filter(pk__gt=article.pk, visible=True, sender=Sender.AGENT)
    if later.exists():
        return ""
    if ticket.first_response_at == article.created_at:
        ticket.first_response_at = _read(before.get("first_response_at"))
        touch(actor, ticket, "first_response_at")
    if since is None or not ticket.state.is_open:
        return ""
    # who wrote in the meantime has been waiting all along
    ticket.waiting_since = min(since, ticket.waiting_since or since)
    touch(actor, ticket, "waiting_since")
    return "waiting_since"
