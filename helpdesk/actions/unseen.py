"""What happened on a ticket since somebody looked: the check that holds an answer back.

Articles and events of a ticket are written under its lock, so their ids grow in the order in which they
happened: an id says up to where somebody has seen the thread.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Max

from helpdesk import permissions
from helpdesk.errors import StaleView
from helpdesk.models import Article, Event, EventKind, Sender, State, Ticket
from helpdesk.permissions import Actor

from .drafts import Draft

#: More than so many new messages are not listed one by one.
LIMIT = 50
_TELLING = (
    EventKind.STATE_CHANGED,
    EventKind.QUEUE_CHANGED,
    EventKind.OWNER_CHANGED,
    EventKind.MERGED,
)


@dataclass(frozen=True)
class Sight:
    """Up to where somebody has seen a ticket: the ids of its newest article and event.

    Without `event` only articles are compared.
    """

    article: int
    event: int | None = None


def sight_of(ticket: Ticket) -> Sight:
    """Return up to where somebody sees `ticket` who is shown all of it after this call."""
    article = Article.objects.filter(ticket=ticket).aggregate(newest=Max("pk"))["newest"]
    event = Event.objects.filter(ticket=ticket).aggregate(newest=Max("pk"))["newest"]
    return Sight(article or 0, event or 0)


def unseen_articles(actor: Actor, ticket: Ticket, after: int) -> list[Article]:
    """Return the messages and notes of others that came after article `after`, oldest first.

    Without mails of machines and what was taken back: nobody has to read these before writing.
    """
    rows = permissions.visible_articles(actor, ticket).filter(pk__gt=after, machine="")
    rows = rows.exclude(sender=Sender.SYSTEM)
    if actor.user is not None:
        rows = rows.exclude(author=actor.user)
    newest = rows.defer("html", "references").select_related("customer").order_by("-pk")[:LIMIT]
    return [row for row in reversed(newest) if not row.taken_back]


def unseen_changes(
    actor: Actor, ticket: Ticket, after: int, state: State | None = None
) -> list[Event]:
    """Return what others did after event `after` that somebody who writes has to know, oldest first.

    That is: the ticket is closed, merged, in another queue, or somebody else's by now. Who is about to set
    a `state` has to know of any change of it.
    """
    events = Event.objects.filter(ticket=ticket, pk__gt=after, kind__in=_TELLING).order_by("pk")
    rows = list(events.select_related("user", "customer"))
    first: dict[str, Event] = {}
    for row in rows:
        first.setdefault(row.kind, row)
    counts = {EventKind.MERGED: True}
    if moved := first.get(EventKind.QUEUE_CHANGED):
        counts[EventKind.QUEUE_CHANGED] = moved.data.get("from") != ticket.queue_id
    if owned := first.get(EventKind.OWNER_CHANGED):
        mine = actor.user.pk if actor.user is not None else None
        counts[EventKind.OWNER_CHANGED] = ticket.owner_id not in (
            None,
            mine,
            owned.data.get("from"),
        )
    if changed := first.get(EventKind.STATE_CHANGED):
        differs = changed.data.get("from") != ticket.state_id
        counts[EventKind.STATE_CHANGED] = differs and (
            state is not None or not ticket.state.is_open
        )
    return [row for row in rows if counts.get(EventKind(row.kind)) and not _is_own(actor, row)]


def _is_own(actor: Actor, event: Event) -> bool:
    return actor.user is not None and event.user_id == actor.user.pk


def require_seen(
    actor: Actor, ticket: Ticket, seen: Sight | None, *, draft: Draft, state: State | None = None
) -> None:
    """Raise `StaleView` if a locked ticket has something new that the actor has not seen.

    A repeated submission of what is written already is none of this; `write_article` knows it.
    """
    if seen is None:
        return
    key = draft.idempotency_key
    if key and Article.objects.filter(idempotency_key=key).exists():
        return
    articles = unseen_articles(actor, ticket, seen.article)
    changes = [] if seen.event is None else unseen_changes(actor, ticket, seen.event, state)
    if articles or changes:
        raise StaleView(articles=tuple(articles), changes=tuple(changes), sight=sight_of(ticket))
