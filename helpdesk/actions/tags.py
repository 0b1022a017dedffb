"""Tags: words by which agents find tickets together. Customers never see them."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from helpdesk import events, search
from helpdesk.errors import InvalidInput, StaleField
from helpdesk.models import EventKind, Right, TaggedTicket, Ticket, TicketTag
from helpdesk.permissions import Actor

from .base import locked, touch

MAX_TAGS = 20
MAX_LENGTH = 50


@transaction.atomic
def set_tags(
    *, actor: Actor, ticket: Ticket, tags: Iterable[str], expected: Iterable[str] | None = None
) -> Ticket:
    """Give the ticket these tags and no others (right *note*).

    Blanks are trimmed and collapsed, commas divide; capitals make no difference: a tag that exists
    keeps its spelling. Raises `InvalidInput` for one of more than 50 characters, and for more than 20;
    `StaleField` if the ticket has other tags by now than were `expected`, and not yet these.
    """
    ticket = locked(actor, ticket, Right.NOTE)
    names = read_tags(tags)
    if expected is not None:
        now, then, wanted = (
            {key_of(one) for one in some} for some in (tags_of(ticket), expected, names)
        )
        if now not in (then, wanted):
            raise StaleField
    if any(len(name) > MAX_LENGTH for name in names):
        raise InvalidInput(
            _("A tag has at most %(n)d characters.") % {"n": MAX_LENGTH}, field="tags"
        )
    if len(names) > MAX_TAGS:
        raise InvalidInput(_("A ticket has at most %(n)d tags.") % {"n": MAX_TAGS}, field="tags")
    put_tags(actor=actor, ticket=ticket, names=names)
    return ticket


def tags_of(ticket: Ticket) -> list[str]:
    """Return the names of the ticket's tags, in their order."""
    rows = TaggedTicket.objects.filter(content_object=ticket).order_by("tag__name")
    return list(rows.values_list("tag__name", flat=True))


def read_tags(texts: Iterable[str]) -> list[str]:
    """Return the tags in some texts, trimmed, each once whatever its capitals, in their order."""
    found: dict[str, str] = {}
    for text in texts:
        printable = "".join(one if one.isprintable() else " " for one in text)
        for part in printable.split(","):
            name = unicodedata.normalize("NFC", " ".join(part.split()))
            if name:
                found.setdefault(key_of(name), name)
    return list(found.values())


def few_tags(texts: Iterable[str]) -> list[str]:
    """Return the tags in some texts, cut to what a ticket can have: for what must not be refused."""
    return read_tags(name[:MAX_LENGTH] for name in read_tags(texts))[:MAX_TAGS]


def key_of(name: str) -> str:
    """Return what two spellings of one tag have in common: the slug of its row."""
    return unicodedata.normalize("NFKC", name).casefold().replace(" ", "-")[:100]


def put_tags(*, actor: Actor, ticket: Ticket, names: list[str], born: bool = False) -> bool:
    """Give a locked ticket the tags `names`, checked already; tell whether anything changed.

    With `born` the ticket is just being opened: its version stays.
    """
    if born and not names:
        return False
    wanted = {tag.pk: tag for tag in _rows(names)}
    rows = TaggedTicket.objects.filter(content_object=ticket)
    before = set() if born else set(rows.values_list("tag_id", flat=True))
    added, removed = wanted.keys() - before, before - wanted.keys()
    if not added and not removed:
        return False
    if removed:
        rows.filter(tag__in=removed).delete()
    TaggedTicket.objects.bulk_create(
        TaggedTicket(content_object=ticket, tag_id=pk) for pk in sorted(added)
    )
    if not born:
        touch(actor, ticket)
    search.index_tags(ticket, (tag.name for tag in wanted.values()))
    events.record(
        actor=actor,
        ticket=ticket,
        kind=EventKind.TAGS_CHANGED,
        data={"added": sorted(added), "removed": sorted(removed)},
    )
    return True


def _rows(names: list[str]) -> list[TicketTag]:
    """Return the tags' rows; those that do not exist are made, by whoever comes first."""
    if not names:
        return []
    by_key = {key_of(name): name for name in names}
    known = set(TicketTag.objects.filter(slug__in=by_key).values_list("slug", flat=True))
    TicketTag.objects.bulk_create(
        (TicketTag(slug=key, name=name) for key, name in by_key.items() if key not in known),
        ignore_conflicts=True,
    )
    return list(TicketTag.objects.filter(slug__in=by_key).order_by("name"))
