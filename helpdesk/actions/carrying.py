"""What moves from one ticket to another when they are merged, and back again: rows, known by their ids.

A row whose like the other ticket has already (a participant, somebody who watches) stays where it is. The
history stays with its ticket, as do read marks, who looks at it, its clocks, and the answers in its form.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from helpdesk import notifications, search
from helpdesk.models import (
    Article,
    InboundMail,
    InformedQueue,
    Mention,
    Merge,
    Notice,
    Organisation,
    Participant,
    Queue,
    QueueOrder,
    SavedDraft,
    Ticket,
    TicketLink,
    Watcher,
)
from helpdesk.permissions import Actor

from .drafts import OF_TICKET
from .informing import stop_reading

#: Rows that move as they are, by the name under which the journal keeps their ids.
_PLAIN: dict[str, Any] = {"mentions": Mention, "inbound": InboundMail, "notices": Notice}
#: Rows of which each ticket has one of a kind: the model, and the columns that tell the kind.
_SINGLE: dict[str, tuple[Any, tuple[str, ...]]] = {
    "participants": (Participant, ("normalised",)),
    "watchers": (Watcher, ("user",)),
    "informed": (InformedQueue, ("queue",)),
    "drafts": (SavedDraft, ("user", "mode")),
    "orders": (QueueOrder, ()),
}
#: What stays behind if the customers differ: it would let people of one read or be written to with the other.
_APART = frozenset({"participants", "drafts", "orders"})
#: What moves no more; it did in merges that may still be taken back.
_STAYS = frozenset({"informed"})


def carry(actor: Actor, source: Ticket, target: Ticket, *, apart: bool) -> dict[str, Any]:
    """Move what belongs to `source` to `target`, both locked; return what moved, for the journal.

    `apart`: the customers differ, and the messages of `source` become internal.
    """
    articles = list(source.articles.order_by("pk").values_list("pk", flat=True))
    hidden = list(source.articles.filter(visible=True).order_by("pk").values_list("pk", flat=True))
    moved: dict[str, Any] = {
        "articles": articles,
        "apart": apart,
        "hidden": hidden if apart else [],
    }
    Article.objects.filter(pk__in=articles).update(ticket=target)
    search.move_articles(articles, target)
    if apart:
        Article.objects.filter(pk__in=hidden).update(visible=False)
        _mark(articles, source.pk)
    else:
        moved |= _narrow(source, target)
        moved["uninformed"] = _inform_fewer(actor, source, target)
    for name, model in _PLAIN.items():
        moved[name] = _move(model.objects.filter(ticket=source), target)
    for name, (model, columns) in _SINGLE.items():
        stays = name in _STAYS or (apart and name in _APART)
        moved[name] = [] if stays else _move_single(model, columns, source, target)
    moved["outbound"] = notifications.move_mails(ticket=source, into=target)
    moved["links"], moved["links_gone"] = _carry_links(source, target)
    return moved


def carry_back(journal: Merge) -> list[int]:
    """Move back what `journal` says was moved and is still there; return the ids of the articles that were."""
    moved, source, target = journal.moved, journal.source, journal.target
    there = Article.objects.filter(pk__in=moved["articles"], ticket=target)
    articles = list(there.order_by("pk").values_list("pk", flat=True))
    rows = Article.objects.filter(pk__in=articles)
    rows.update(ticket=source)
    rows.filter(pk__in=moved["hidden"]).exclude(extra__has_key="taken_back").update(visible=True)
    if moved["apart"]:
        _unmark(articles, source.pk)
    search.move_articles(articles, source)
    for name, model in _PLAIN.items():
        model.objects.filter(pk__in=moved[name], ticket=target).update(ticket=source)
    for name, (model, columns) in _SINGLE.items():
        only = model.objects.filter(pk__in=moved.get(name, ()))
        _move_single(model, columns, target, source, only=only)
    _widen(source, target, moved)
    _inform_again(target, moved.get("uninformed", ()))
    notifications.move_mails(ticket=target, into=source, only=moved["outbound"])
    _links_back(source, target, moved)
    return articles


def _narrow(source: Ticket, target: Ticket) -> dict[str, Any]:
    """Let only those read the target on who read both before: by a merge nobody gains sight of anything.

    The customer may share it anew. Returns who lost what, for the journal.
    """
    invited = Participant.objects.filter(ticket__in=(source, target), may_read=True)
    of: dict[str, set[int]] = {}
    for normalised, ticket_id in invited.values_list("normalised", "ticket"):
        of.setdefault(normalised, set()).add(ticket_id)
    both = [normalised for normalised, tickets in of.items() if len(tickets) == 2]
    lost = list(invited.exclude(normalised__in=both).order_by("pk").values_list("pk", flat=True))
    Participant.objects.filter(pk__in=lost).update(may_read=False)
    shared = target.organisation_id
    if shared is not None and shared != source.organisation_id:
        target.organisation = None
        Ticket.objects.filter(pk=target.pk).update(organisation=None)
        return {"uninvited": lost, "unshared": shared}
    return {"uninvited": lost, "unshared": None}


def _inform_fewer(actor: Actor, source: Ticket, target: Ticket) -> list[list[Any]]:
    """Let only those queues read the target along that could read both before; return who lost it, and since when.

    Those of the source stay with it.
    """
    both = {source.queue_id, *source.informed.values_list("queue_id", flat=True)}
    lost = target.informed.exclude(queue__in=both).order_by("pk")
    rows = list(lost.values_list("queue_id", "at"))
    stop_reading(actor, target, [queue_id for queue_id, _at in rows], by="merge")
    return [[queue_id, at.isoformat()] for queue_id, at in rows]


def _inform_again(target: Ticket, rows: Iterable[list[Any]]) -> None:
    """Let those queues read along again that did before the merge, unless they work on the ticket now."""
    there = set(Queue.objects.filter(pk__in=[row[0] for row in rows]).values_list("pk", flat=True))
    for queue_id, at in rows:
        if queue_id in there - {target.queue_id} and not target.queue.keeps_confidence:
            InformedQueue.objects.get_or_create(
                ticket=target, queue_id=queue_id, defaults={"at": datetime.fromisoformat(at)}
            )


def _widen(source: Ticket, target: Ticket, moved: dict[str, Any]) -> None:
    """Let those read again who did before the merge, unless the target was shared anew since."""
    rows = Participant.objects.filter(pk__in=moved.get("uninvited", ()))
    rows.filter(ticket__in=(source, target)).update(may_read=True)
    if moved.get("unshared") is not None and target.organisation_id is None:
        found = Organisation.objects.filter(pk=moved["unshared"]).first()
        target.organisation = found
        Ticket.objects.filter(pk=target.pk).update(organisation=found)


def _move(rows: QuerySet[Any], target: Ticket) -> list[int]:
    ids = list(rows.order_by("pk").values_list("pk", flat=True))
    if ids:
        rows.model.objects.filter(pk__in=ids).update(ticket=target)
    return ids


def _move_single(
    model: Any,
    columns: tuple[str, ...],
    source: Ticket,
    target: Ticket,
    *,
    only: QuerySet[Any] | None = None,
) -> list[int]:
    there = model.objects.filter(ticket=target).values_list(*columns)
    taken = {tuple(kind)[: len(columns)] for kind in there}  # without columns: one of all
    if model is InformedQueue:  # it works there: it need not read along
        taken.add((target.queue_id,))
    if model is SavedDraft:
        _part_drafts(source, target)
    rows = (model.objects.all() if only is None else only).filter(ticket=source).order_by("pk")
    ids = [pk for pk, *kind in rows.values_list("pk", *columns) if tuple(kind) not in taken]
    model.objects.filter(pk__in=ids).update(ticket=target)
    return ids


def _part_drafts(source: Ticket, target: Ticket) -> None:
    """Let a draft that the team shares be its author's alone where the other ticket has a shared one."""
    shared = SavedDraft.objects.filter(ticket=target, is_shared=True).values_list("mode", flat=True)
    SavedDraft.objects.filter(ticket=source, is_shared=True, mode__in=list(shared)).update(
        is_shared=False
    )


def _mark(article_ids: Collection[int], ticket_id: int) -> None:
    """Note on messages which customer's ticket they are of; those marked by an earlier merge are of its."""
    rows = list(Article.objects.filter(pk__in=article_ids).only("pk", "extra"))
    changed = [row for row in rows if OF_TICKET not in row.extra]
    for row in changed:
        row.extra = {**row.extra, OF_TICKET: ticket_id}
    Article.objects.bulk_update(changed, ["extra"], batch_size=200)


def _unmark(article_ids: Collection[int], ticket_id: int) -> None:
    rows = list(Article.objects.filter(pk__in=article_ids).only("pk", "extra"))
    changed = [row for row in rows if row.extra.get(OF_TICKET) == ticket_id]
    for row in changed:
        row.extra = {name: value for name, value in row.extra.items() if name != OF_TICKET}
    Article.objects.bulk_update(changed, ["extra"], batch_size=200)


# --- links ---------------------------------------------------------------------------------------

_Ends = tuple[int, int, str]


def _carry_links(source: Ticket, target: Ticket) -> tuple[list[list[Any]], list[list[Any]]]:
    """Point the links of `source` to `target`; return those turned, and those that would be doubles or loops."""
    known = set(map(_same, _ends(TicketLink.objects.filter(Q(source=target) | Q(target=target)))))
    turned: list[list[Any]] = []
    gone: list[list[Any]] = []
    for link in TicketLink.objects.filter(Q(source=source) | Q(target=source)).order_by("pk"):
        before = (link.source_id, link.target_id, link.kind)
        after = _turned(before, source.pk, target.pk)
        if after[0] == after[1] or _same(after) in known:
            gone.append(list(before))
            link.delete()
            continue
        known.add(_same(after))
        turned.append([link.pk, *before])
        link.source_id, link.target_id = after[:2]
        link.save(update_fields=["source", "target"])
    return turned, gone


def _links_back(source: Ticket, target: Ticket, moved: dict[str, Any]) -> None:
    for pk, one, other, kind in moved["links"]:
        after = _turned((one, other, kind), source.pk, target.pk)
        rows = TicketLink.objects.filter(pk=pk, source=after[0], target=after[1], kind=kind)
        if not TicketLink.objects.filter(source=one, target=other, kind=kind).exists():
            rows.update(source=one, target=other)
    ids = {pk for one, other, _kind in moved["links_gone"] for pk in (one, other)}
    there = set(Ticket.objects.filter(pk__in=ids).values_list("pk", flat=True))
    for one, other, kind in moved["links_gone"]:
        if {one, other} <= there:
            TicketLink.objects.get_or_create(source_id=one, target_id=other, kind=kind)


def _ends(links: Iterable[TicketLink]) -> list[_Ends]:
    return [(link.source_id, link.target_id, link.kind) for link in links]


def _turned(ends: _Ends, before: int, after: int) -> _Ends:
    one, other, kind = ends
    return (after if one == before else one, after if other == before else other, kind)


def _same(ends: _Ends) -> _Ends:
    """Return what two links have in common that say the same: *related* has no direction."""
    one, other, kind = ends
    if kind == TicketLink.Kind.RELATED and one > other:
        one, other = other, one
    return one, other, kind
