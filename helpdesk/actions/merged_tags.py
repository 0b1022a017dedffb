"""The tags of tickets that are merged, and taken apart again."""

from __future__ import annotations

from helpdesk.models import Merge, TaggedTicket, Ticket, TicketTag
from helpdesk.permissions import Actor

from .spam import SPAM_TAG
from .tags import put_tags


def unite_tags(actor: Actor, source: Ticket, target: Ticket) -> list[int]:
    """Give the target the tags of the source as well, but not that of spam; return the new ones' ids."""
    rows = TaggedTicket.objects.filter(content_object__in=(source, target)).select_related("tag")
    names: dict[int, dict[int, str]] = {source.pk: {}, target.pk: {}}
    for row in rows:
        names[row.content_object_id][row.tag_id] = row.tag.name
    mine, its = names[target.pk], names[source.pk]
    spam = set(TicketTag.objects.filter(slug=SPAM_TAG).values_list("pk", flat=True))
    new = sorted(its.keys() - mine.keys() - spam)
    if new:
        put_tags(actor=actor, ticket=target, names=[*mine.values(), *(its[pk] for pk in new)])
    return new


def tags_back(actor: Actor, journal: Merge) -> None:
    """Take from the target the tags that came with the source."""
    rows = TaggedTicket.objects.filter(content_object=journal.target).select_related("tag")
    new = set(journal.moved["tags"])
    kept = [row.tag.name for row in rows if row.tag_id not in new]
    if len(kept) < len(rows):
        put_tags(actor=actor, ticket=journal.target, names=kept)
