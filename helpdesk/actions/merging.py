"""Merging: two tickets about one thing become one, and can be taken apart again for some time.

Everything moves to the target; the source stays, leads there, and keeps its number, its history and what
points to it. The journal (`Merge`) knows by ids what moved. If the customers differ, the source's messages
become internal: nobody reads the other's.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models.functions import Left
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _

from helpdesk import events, permissions
from helpdesk.errors import AlreadyDone, Conflict, InvalidInput, NotFound, WrongState
from helpdesk.models import (
    EventKind,
    Merge,
    Right,
    Sender,
    State,
    TermsChange,
    Ticket,
)
from helpdesk.permissions import Actor
from helpdesk.rules.terms import strictest_in_words
from helpdesk.states import StateType

from . import storing
from .base import default_state, locked, touch
from .carrying import carry, carry_back
from .drafts import preview_of
from .ending_confidence import end_by_merge
from .exported import share_exports
from .lifecycle import become_merged, put_back, transition
from .merged_tags import tags_back, unite_tags
from .objecting import clear_objection, inherit_objections, take_objection
from .parting import hold_both, part, terms_back
from .terms import FROZEN, OBJECTION, frozen_terms, put_terms

#: So long a merge can be taken back.
REVERSIBLE: Final = timedelta(days=30)
#: What of the target a merge may change beside its state.
_OBJECTION: Final = OBJECTION
#: What was noted with an objection is somebody's words: the journal holds none.
_WORDS: Final = "objection_reason"
_RETENTION: Final = FROZEN
_STEPS: Final = storing.STEPS


@transaction.atomic
def merge(
    *,
    actor: Actor,
    source: Ticket,
    target: Ticket,
    visible: bool | None = None,
    opens: bool = False,
) -> Merge:
    """Merge `source` into `target` (right *note* on both); return the journal.

    A target that was merged itself stands for where it went. An open source opens a closed target.
    `visible` tells whether the source's messages stay visible to the customer. If the customers differ
    (`permissions.share_customer`) they never do, and False must be given as a confirmation. `opens` confirms that
    a confidential source may be read where its target is, which is not; that is written down.

    Raises `InvalidInput` at `confirm` or `opens` without it, `InvalidInput` for a ticket with itself and for a test
    with a real one, `AlreadyDone` with the journal if it is merged there, `WrongState` if it is merged
    elsewhere or one of the two is removed, `Conflict` if the target was merged at this moment.
    """
    source, target = _both(actor, source, target)
    apart = _is_apart(source, target, visible)
    end_by_merge(actor, source, target, confirmed=opens)
    before = {"source": _facts(source), "target": _facts(target)}
    moved = carry(actor, source, target, apart=apart)
    share_exports(source, target)
    chain = list(source.merged_from.order_by("pk").values_list("pk", flat=True))
    Ticket.objects.filter(pk__in=chain).update(merged_into=target)
    since = source.waiting_since
    if source.state.is_open and target.state.type == StateType.CLOSED:
        transition(actor=actor, ticket=target, state=default_state(StateType.OPEN))
    tags = unite_tags(actor, source, target)
    if target.state.is_open:
        target.waiting_since = min(filter(None, (since, target.waiting_since)), default=None)
    _take_stricter(source, target)
    _take_dates(source, target)
    target.preview = _preview(target)
    become_merged(actor=actor, ticket=source, into=target)
    touch(actor, target, "closed_at", "waiting_since", "preview", *_OBJECTION, *_RETENTION)
    journal = Merge.objects.create(
        source=source,
        target=target,
        user=actor.user,
        at=timezone.now(),
        moved={**moved, "chain": chain, "tags": tags, "before": before, "after": _facts(target)},
    )
    _record(actor, journal, EventKind.MERGED, len(moved["articles"]))
    return journal


def merge_all(
    *,
    actor: Actor,
    tickets: Iterable[Ticket],
    target: Ticket | None = None,
    visible: bool | None = None,
) -> list[Merge]:
    """Merge several tickets into `target`, or without one into the oldest; all of them or none.

    What is merged there already is left out. Raises what `merge` does.
    """
    rows = sorted(
        {one.pk: one for one in tickets}.values(), key=lambda one: (one.created_at, one.pk)
    )
    home = target or (rows[0] if rows else None)
    done: list[Merge] = []
    with transaction.atomic():
        # locked in one order before the first is merged, as every merge does
        pks = sorted({one.pk for one in rows} | ({home.pk} if home else set()))
        _lock(pks)
        for one in rows:
            if home is None or one.pk == home.pk:
                continue
            try:
                done.append(merge(actor=actor, source=one, target=home, visible=visible))
            except AlreadyDone:
                continue
    return done


@transaction.atomic
def unmerge(*, actor: Actor, merge: Merge) -> Merge:
    """Take a merge back (right *note* on both tickets), within `REVERSIBLE` days.

    What was moved and is still there goes back, and is as visible as before; what came since stays on the
    target. State, tags, objection and retention are as before, unless they were changed since; what was
    ordered, objected to or held meanwhile goes on for both. Raises
    `AlreadyDone` for a merge taken back before; `WrongState` if it is too old, if the target was merged on
    since (that has to be taken back first), or if one of the tickets is removed.
    """
    _lock([merge.source_id, merge.target_id])
    rows = {
        one: locked(actor, Ticket(pk=one), Right.NOTE) for one in (merge.source_id, merge.target_id)
    }
    journal = Merge.objects.select_for_update(no_key=True).filter(pk=merge.pk).first()
    if journal is None:
        raise NotFound
    if journal.undone_at is not None:
        raise AlreadyDone(journal)
    journal.source, journal.target = rows[journal.source_id], rows[journal.target_id]
    _refuse_undoing(journal)
    carry_back(journal)
    orders = part(actor, journal)
    _source_back(actor, journal)
    _target_back(actor, journal, orders)
    hold_both(actor, journal)
    journal.undone_at = timezone.now()
    journal.save(update_fields=["undone_at"])
    _record(actor, journal, EventKind.UNMERGED, len(journal.moved["articles"]))
    return journal


def reversible_until(merge: Merge) -> datetime:
    """Return until when a merge can be taken back."""
    return merge.at + REVERSIBLE


# --- before --------------------------------------------------------------------------------------


def _lock(pks: Iterable[int]) -> None:
    """Lock tickets in the order in which everybody does who locks several."""
    rows = Ticket.objects.select_for_update(no_key=True).filter(pk__in=list(pks)).order_by("pk")
    list(rows.values_list("pk", flat=True))


def _home_of(ticket: Ticket) -> int:
    """Return the id of the ticket itself, or of that into which it was merged."""
    pk, seen = ticket.pk, {ticket.pk}
    while True:
        into = Ticket.objects.filter(pk=pk).values_list("merged_into_id", flat=True).first()
        if into is None or into in seen:
            return int(pk)
        seen.add(into)
        pk = into


def _both(actor: Actor, source: Ticket, target: Ticket) -> tuple[Ticket, Ticket]:
    """Lock both, and what was merged into the source; return them anew after all checks."""
    home = _home_of(target)
    if home == source.pk:
        raise InvalidInput(_("A ticket cannot be merged with itself."), field="target")
    chain = Ticket.objects.filter(merged_into=source).values_list("pk", flat=True)
    _lock({source.pk, home, *chain})
    source = locked(actor, source, Right.NOTE)
    target = locked(actor, Ticket(pk=home), Right.NOTE)
    if source.merged_into_id == target.pk:
        done = Merge.objects.filter(source=source, undone_at=None).order_by("-pk").first()
        raise AlreadyDone(done)
    if source.merged_into_id is not None:
        raise WrongState(_("The ticket %(number)s is merged already.") % {"number": source.number})
    if target.merged_into_id is not None:
        raise Conflict
    if StateType.REMOVED in (source.state.type, target.state.type):
        raise WrongState(_("A ticket that is removed cannot be merged."))
    if source.is_test != target.is_test:
        raise InvalidInput(_("A test cannot be merged with a real request."), field="target")
    return source, target


def _is_apart(source: Ticket, target: Ticket, visible: bool | None) -> bool:
    if permissions.share_customer(source, target):
        return visible is False
    if visible is not False:
        raise InvalidInput(
            _("The customers differ. Confirm that the messages become internal."), field="confirm"
        )
    return True


# --- what becomes of the target ------------------------------------------------------------------


def _facts(ticket: Ticket) -> dict[str, Any]:
    """Return what a merge may change of a ticket, as JSON has it."""
    dates = ("pending_until", "closed_at", "waiting_since")
    names = ("state_id", *dates, *_OBJECTION, *_RETENTION, *_STEPS)
    return {name: _written(getattr(ticket, name)) for name in names if name != _WORDS}


def _written(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def _read(name: str, value: Any) -> Any:
    is_date = name.endswith(("_at", "_until", "_since"))
    return parse_datetime(value) if is_date and isinstance(value, str) else value


def _take_stricter(source: Ticket, target: Ticket) -> None:
    """Let the objection hold for both, and the shorter time of keeping: each was promised."""
    take_objection(source, target)
    given = frozen_terms(target), frozen_terms(source)
    put_terms(target, strictest_in_words(*given, target.language))


def _take_dates(source: Ticket, target: Ticket) -> None:
    """Let the days of a closed target count from the later closing, and its steps be taken of the source as well."""
    if target.state.is_open or source.closed_at is None:
        return
    target.closed_at = max(source.closed_at, target.closed_at or source.closed_at)
    for name in _STEPS:
        if getattr(source, name) is None:
            setattr(target, name, None)


def _preview(ticket: Ticket) -> str:
    """Return the beginning of the newest message that is no note and no machine's."""
    shown = ticket.articles.filter(visible=True, machine="").order_by("-created_at", "-pk")
    return preview_of(shown.values_list(Left("body", 600), flat=True).first() or "")


def _record(actor: Actor, journal: Merge, kind: EventKind, articles: int) -> None:
    ends = (journal.source, journal.target)
    for one, other in (ends, ends[::-1]):
        events.record(
            actor=actor,
            ticket=one,
            kind=kind,
            data={
                "ticket": other.pk,
                "merge": journal.pk,
                "source": journal.source_id,
                "articles": articles,
            },
        )


# --- back ----------------------------------------------------------------------------------------


def _refuse_undoing(journal: Merge) -> None:
    source, target = journal.source, journal.target
    if target.merged_into_id is not None:
        raise WrongState(
            _("The ticket %(number)s was merged into another one since. Take that back first.")
            % {"number": target.number}
        )
    if source.merged_into_id != target.pk:
        raise WrongState(_("The ticket is not merged there any more."))
    if StateType.REMOVED in (source.state.type, target.state.type):
        raise WrongState(_("One of the tickets was removed. The merge cannot be taken back."))
    if timezone.now() > reversible_until(journal):
        raise WrongState(_("A merge can be taken back for %(n)d days.") % {"n": REVERSIBLE.days})


def _source_back(actor: Actor, journal: Merge) -> None:
    source, before = journal.source, journal.moved["before"]["source"]
    Ticket.objects.filter(pk__in=journal.moved["chain"], merged_into=journal.target_id).update(
        merged_into=source
    )
    source.merged_into = None
    source.waiting_since = _read("waiting_since", before["waiting_since"])
    source.preview = _preview(source) or source.preview
    touch(actor, source, "merged_into", "waiting_since", "preview", *_OBJECTION, *_RETENTION)
    _state_back(actor, source, before)


def _state_back(actor: Actor, ticket: Ticket, before: dict[str, Any]) -> None:
    state = State.objects.filter(pk=before["state_id"]).first() or default_state(StateType.OPEN)
    dates = {name: _read(name, before[name]) for name in ("pending_until", "closed_at")}
    put_back(actor=actor, ticket=ticket, state=state, by="unmerge", **dates)


def _target_back(actor: Actor, journal: Merge, orders: Sequence[TermsChange]) -> None:
    target = journal.target
    before, after = journal.moved["before"]["target"], journal.moved["after"]
    now = _facts(target)
    was = target.objected_at
    changed = [
        name
        for name in (*_OBJECTION, *_STEPS)
        if name in before and name in now and before[name] != after[name] == now[name]
    ]
    for name in changed:
        setattr(target, name, _read(name, before[name]))
    merged = list(target.merged_from.select_related("customer"))
    _objection_back(journal, was, merged)
    terms_back(journal, orders=orders, merged=merged)
    if after["closed_at"] and before["closed_at"] != after["closed_at"] == now["closed_at"]:
        target.closed_at = _closing_back(target, before)
    if now["waiting_since"] == after["waiting_since"] != before["waiting_since"]:
        since = _read("waiting_since", before["waiting_since"])
        target.waiting_since = since or _waiting_since(target, journal.at)
    target.preview = _preview(target)
    touch(
        actor, target, "closed_at", "waiting_since", "preview", *changed, *_OBJECTION, *_RETENTION
    )
    tags_back(actor, journal)
    if before["state_id"] != after["state_id"] == now["state_id"] and not _moved_on(journal):
        target.waiting_since = None
        touch(actor, target, "waiting_since")
        _state_back(actor, target, before)


def _closing_back(target: Ticket, before: dict[str, Any]) -> datetime | None:
    """Return when a target was closed, or what is still merged into it, whichever was later."""
    closed = target.merged_from.exclude(closed_at=None).values_list("closed_at", flat=True)
    found = filter(None, (_read("closed_at", before["closed_at"]), *closed))
    return max(found, default=None)


def _objection_back(journal: Merge, was: datetime | None, merged: Sequence[Ticket]) -> None:
    """Leave no objection of another customer on the target, but those to what is still merged into it."""
    source, target = journal.source, journal.target
    of_source = source.objected_at is not None and source.objected_at == target.objected_at
    if of_source and not permissions.share_customer(source, target):
        clear_objection(target)
    if was != target.objected_at:
        reasons = [one.objection_reason for one in merged if one.objected_at == target.objected_at]
        target.objection_reason = reasons[0] if target.objected_at and reasons else ""
    inherit_objections(target, merged)


def _waiting_since(ticket: Ticket, at: datetime) -> datetime | None:
    """Return when the customer first wrote since `at`: nobody has answered, or the date would be another."""
    written = ticket.articles.filter(
        visible=True, machine="", sender=Sender.CUSTOMER, created_at__gt=at
    )
    return written.order_by("created_at").values_list("created_at", flat=True).first()


def _moved_on(journal: Merge) -> bool:
    """Tell whether anything happened on the target since that needs it open: a message, or another state."""
    target = journal.target
    changes = target.events.filter(kind=EventKind.STATE_CHANGED, at__gt=journal.at)
    written = target.articles.filter(created_at__gt=journal.at, visible=True)
    return changes.exists() or written.exists()
