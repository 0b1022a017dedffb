"""Who wants to hear what happens on a ticket, and who should read a note."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models.functions import Lower
from django.utils import timezone

from helpdesk import events, permissions
from helpdesk.errors import NotPermitted
from helpdesk.models import Article, EventKind, Mention, Notice, Right, Ticket, Watcher
from helpdesk.permissions import Actor
from helpdesk.rules import mentions


@transaction.atomic
def watch(*, actor: Actor, ticket: Ticket) -> Watcher:
    """Let the acting agent hear what happens on `ticket` (right *read*). A second time changes nothing."""
    row, _made = Watcher.objects.get_or_create(ticket=ticket, user=_reader(actor, ticket))
    return row


@transaction.atomic
def unwatch(*, actor: Actor, ticket: Ticket) -> None:
    """Let the acting agent hear no more of `ticket` than any other (right *read*)."""
    Watcher.objects.filter(ticket=ticket, user=_reader(actor, ticket)).delete()


def _reader(actor: Actor, ticket: Ticket) -> Any:
    if actor.kind != "agent":
        raise NotPermitted
    permissions.require(actor, Right.READ, ticket)
    return actor.user


def mention(*, actor: Actor, ticket: Ticket, article: Article) -> list[Any]:
    """Note whom an internal note names, record it, and return these users. The verb that writes notes calls this.

    Only agents who may read the ticket can be mentioned; nobody mentions themselves.
    """
    found, _missed = named(actor, ticket, article.body)
    others = [user for user in found if actor.user is None or user.pk != actor.user.pk]
    if not others:
        return []
    Mention.objects.bulk_create(
        [Mention(ticket=ticket, article=article, user=user) for user in others],
        ignore_conflicts=True,
    )
    events.record(
        actor=actor,
        ticket=ticket,
        article=article,
        kind=EventKind.MENTIONED,
        data={"users": [user.pk for user in others]},
    )
    return others


def named(actor: Actor, ticket: Ticket, text: str) -> tuple[list[Any], list[str]]:
    """Return the agents whom a text names by `@login` and who may read the ticket, and the other names.

    Whether a user of another name exists is not told apart from one who may not read. Two queries at most, and
    two for each who is named.
    """
    ways = mentions.spellings(text)
    if not ways or permissions.reads_along(actor, ticket):
        return [], []
    every = {way for several in ways for way in several}
    users = get_user_model()._default_manager.filter(is_active=True)
    name = get_user_model().USERNAME_FIELD
    rows = users.annotate(_login=Lower(name)).filter(_login__in=every)
    readers = {row._login: row for row in rows if _works_on(row, ticket)}
    hits, misses = mentions.chosen(ways, readers)
    return [readers[hit] for hit in hits], misses


def _works_on(user: Any, ticket: Ticket) -> bool:
    actor = permissions.agent(user)
    return permissions.can(actor, Right.READ, ticket) and not permissions.reads_along(actor, ticket)


def mark_read(
    *, actor: Actor, notices: Iterable[int] | None = None, ticket: Ticket | None = None
) -> int:
    """Mark notices of the acting agent as read: these, those of a ticket, or with neither all; return how many."""
    if actor.kind != "agent":
        raise NotPermitted
    rows = Notice.objects.filter(user=actor.user, read_at__isnull=True)
    if notices is not None:
        rows = rows.filter(pk__in=list(notices))
    if ticket is not None:
        rows = rows.filter(ticket=ticket)
    return rows.update(read_at=timezone.now())
