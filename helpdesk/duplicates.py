"""Which tickets are likely the same: candidates by sender, by words and by Message-ID, then compared.

Every query starts at the policy and there is a fixed number of them; of a few candidates the beginning of
the first message is read, and of no other ticket anything but its row.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Left
from django.utils import timezone

from . import permissions, search
from .models import NOT_ARCHIVED, Article, DismissedHint, LikelyDuplicate, Ticket, TicketLink
from .permissions import Actor
from .rules.likeness import TEXT, WINDOW, Likeness, Traits, likeness
from .states import OPEN_TYPES, StateType

#: Candidates of each kind that are compared.
CANDIDATES: Final = 10
#: So many of the longest words of a text are looked up together.
_WORDS: Final = 3
_LONG: Final = 5
#: Tickets older than this were looked at, or are of no interest any more.
LOOKED_AT: Final = timedelta(days=1)
_NOT_OFFERED: Final = (StateType.MERGED, StateType.REMOVED)


@dataclass(frozen=True)
class Likely:
    """A ticket that may be the same, and why."""

    ticket: Ticket
    likeness: Likeness


def likely(actor: Actor, ticket: Ticket, *, limit: int = 3) -> list[Likely]:
    """Return the tickets that are likely the same as `ticket`, the likeliest first.

    Among those that the agent's own teams work on, of the days around it, not merged, removed or archived, not
    linked with it as a duplicate, and of which nobody said that they are not the same.
    """
    around = permissions.visible_tickets(actor).filter(
        NOT_ARCHIVED,
        created_at__range=(ticket.created_at - WINDOW, ticket.created_at + WINDOW),
        is_test=ticket.is_test,
    )
    if actor.kind == "agent":
        around = around.filter(queue__in=actor.queue_rights)
    around = around.exclude(pk=ticket.pk).exclude(state__type__in=_NOT_OFFERED)
    around = around.exclude(pk__in=_settled(ticket))
    [mine] = _traits([_with_first(Ticket.objects.filter(pk=ticket.pk)).get()])
    rows = _candidates(actor, around, mine)
    return _scored(mine, rows)[:limit]


def look(*, batch: int = 100) -> int:
    """Look once at tickets that were opened lately, and note what each looks like; return how many were new.

    The worker's job, so that filing a mail need not wait for it. Twice at once does no harm.
    """
    seen = LikelyDuplicate.objects.filter(ticket=OuterRef("pk"))
    new = Ticket.objects.filter(
        NOT_ARCHIVED,
        ~Exists(seen),
        created_at__gte=timezone.now() - LOOKED_AT,
        state__type__in=OPEN_TYPES,
    )
    rows = list(new.filter(is_test=False).order_by("created_at", "pk")[:batch])
    for ticket in rows:
        found = likely(permissions.SYSTEM, ticket, limit=1)
        best = found[0] if found else None
        LikelyDuplicate.objects.get_or_create(
            ticket=ticket,
            defaults={
                "other": best.ticket if best else None,
                "score": best.likeness.score if best else 0,
            },
        )
    return len(rows)


def marked(actor: Actor, tickets: Collection[Ticket]) -> set[int]:
    """Return the ids of those of some tickets that look like another one which `actor` works on. One query."""
    others = permissions.visible_tickets(actor).filter(NOT_ARCHIVED)
    others = others.exclude(state__type__in=_NOT_OFFERED)
    if actor.kind == "agent":
        others = others.filter(queue__in=actor.queue_rights)
    dismissed = DismissedHint.objects.filter(ticket=OuterRef("ticket"), other=OuterRef("other"))
    linked = TicketLink.objects.filter(
        Q(source=OuterRef("ticket"), target=OuterRef("other"))
        | Q(source=OuterRef("other"), target=OuterRef("ticket")),
        kind=TicketLink.Kind.DUPLICATE,
    )
    rows = LikelyDuplicate.objects.filter(
        ~Exists(dismissed), ~Exists(linked), ticket__in=tickets, other__in=others
    )
    return set(rows.values_list("ticket", flat=True))


def alike(
    actor: Actor, *, subject: str, text: str, form: object = None, limit: int = 3
) -> list[Likely]:
    """Return the open requests of a customer that look like one that is about to be sent by `form` (its key).

    Only for somebody known by log-in: by a typed address alone anybody could ask for another's requests.
    """
    if actor.kind != "customer" or actor.customer is None or actor.ticket_id is not None:
        return []
    mine_only = permissions.own_tickets(actor)  # what others shared is no place for own questions
    own = permissions.visible_tickets(actor).filter(mine_only, state__type__in=OPEN_TYPES)
    now = timezone.now()
    recent = own.filter(created_at__gte=now - WINDOW).order_by("-created_at", "-pk")
    mine = Traits(subject, text, now, customer_id=actor.customer.pk, form=form)
    return _scored(mine, list(_with_first(recent)[: 2 * CANDIDATES]))[:limit]


def _settled(ticket: Ticket) -> QuerySet[Any]:
    """Return the ids of what is known to be the same, or not to be."""
    dismissed = DismissedHint.objects.filter(ticket=ticket).values("other")
    duplicates = TicketLink.objects.filter(kind=TicketLink.Kind.DUPLICATE)
    outgoing = duplicates.filter(source=ticket).values("target")
    return dismissed.union(outgoing, duplicates.filter(target=ticket).values("source"))


def _with_first(tickets: QuerySet[Ticket]) -> QuerySet[Ticket]:
    """Let tickets know their first message, and nothing of its text."""
    first = Article.objects.filter(ticket=OuterRef("pk")).order_by("created_at", "pk")
    return tickets.select_related("state", "queue", "customer").annotate(
        first_article=Subquery(first.values("pk")[:1])
    )


def _candidates(actor: Actor, around: QuerySet[Ticket], mine: Traits) -> list[Ticket]:
    found: dict[int, None] = {}
    for rows in (
        _same_mail(around, mine),
        _same_sender(around, mine),
        _same_words(actor, around, mine),
    ):
        if rows is not None:
            newest = rows.order_by("-created_at", "-pk").values_list("pk", flat=True)
            found |= dict.fromkeys(newest[:CANDIDATES])
    return list(_with_first(around.filter(pk__in=found))) if found else []


def _same_mail(around: QuerySet[Ticket], mine: Traits) -> QuerySet[Ticket] | None:
    if not mine.message_ids:
        return None
    articles = Article.objects.filter(message_id__in=mine.message_ids)
    return around.filter(pk__in=articles.values("ticket"))


def _same_sender(around: QuerySet[Ticket], mine: Traits) -> QuerySet[Ticket] | None:
    same = Q(pk__in=())
    if mine.sender:
        same |= Q(contact=mine.sender)
    if mine.customer_id is not None:
        same |= Q(customer=mine.customer_id)
    return around.filter(same) if same else None


def _same_words(actor: Actor, around: QuerySet[Ticket], mine: Traits) -> QuerySet[Ticket] | None:
    """Look up the longest words of the text, all together: a copy has them, and little else does."""
    words = {word for word in search.fold(mine.text) if len(word) >= _LONG}
    longest = sorted(words, key=lambda word: (-len(word), word))[:_WORDS]
    if len(longest) < _WORDS:
        return None
    hits = search.find_tickets(actor, " ".join(f'"{word}"' for word in longest))
    return around.filter(pk__in=hits.order_by().values("pk"))


def _traits(tickets: Sequence[Any]) -> list[Traits]:
    """Return what is compared of tickets that know their first message. One query."""
    first = {one.first_article for one in tickets}
    rows = Article.objects.filter(pk__in=first).annotate(head=Left("body", TEXT))
    heads = {pk: rest for pk, *rest in rows.values_list("pk", "head", "message_id")}
    found = []
    for one in tickets:
        head, message_id = heads.get(one.first_article, ("", ""))
        found.append(
            Traits(
                subject=one.subject,
                text=words_of(one.answers) or head,
                at=one.created_at,
                sender=one.contact,
                customer_id=one.customer_id,
                message_ids=frozenset({message_id} if message_id else ()),
                form=one.form_key,
            )
        )
    return found


def words_of(answers: object) -> str:
    """Return what somebody answered in a form, without its questions: those are always the same."""
    return "\n".join(_words_of(answers)).strip()


def _words_of(answers: object) -> Iterator[str]:
    for one in answers if isinstance(answers, list | tuple) else ():
        if isinstance(one, dict) and isinstance(one.get("rows"), list):
            for row in one["rows"]:
                yield from _words_of(row)
        elif isinstance(one, dict):
            yield str(one.get("shown") or "")


def _scored(mine: Traits, rows: list[Ticket]) -> list[Likely]:
    found = [
        Likely(row, likeness(mine, traits))
        for row, traits in zip(rows, _traits(rows) if rows else (), strict=True)
    ]
    return sorted((one for one in found if one.likeness.is_likely), key=_rank)


def _rank(one: Likely) -> tuple[int, datetime, int]:
    return (-one.likeness.score, one.ticket.created_at, one.ticket.pk)
