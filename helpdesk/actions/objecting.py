"""The objection to the longer storage: noted, withdrawn, and what becomes of it when tickets are merged.

An objection stands on the ticket to which it was made. One to a ticket that was merged holds for the ticket into
which it was merged as well, for the words are there; it is known there by the moment at which it was made. Where the
customers differ, each withdraws only their own: what the other one objects to stays.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from helpdesk import events, permissions
from helpdesk.errors import InvalidInput
from helpdesk.models import Channel, Customer, EventKind, Ticket, directory
from helpdesk.permissions import REPLY, Actor
from helpdesk.rules.terms import Objection, Terms, objection_wording

from .base import locked, require_decision, touch
from .terms import OBJECTION, frozen_terms, terms_of

#: The longest reason that is kept, in characters.
MAX_REASON = 1000


@dataclass(frozen=True)
class _Group:
    """A ticket, the one into which it was merged (or itself), and all that were merged into that. All locked."""

    named: Ticket
    home: Ticket
    merged: tuple[Ticket, ...]


@transaction.atomic
def object_to_storage(
    *, actor: Actor, ticket: Ticket, channel: Channel, reason: str = ""
) -> Ticket:
    """Note the customer's objection to the longer storage. A second one changes nothing.

    The customer of the ticket may, and agents (right *answer*) at the customer's word, for a `reason`. That to
    a merged ticket holds for the one into which it was merged as well: the words are there. Raises
    `NotPermitted` for a customer who only takes part in it, `InvalidInput` at `reason` without one.
    """
    group = _locked_group(actor, ticket)
    reason = _reason_of(actor, reason)
    named, home = group.named, group.home
    if named.objected_at is None or (named is home and joined_from(home) is not None):
        _note(actor, named, channel, reason)
    if named is not home:
        before = [getattr(home, name) for name in OBJECTION]
        is_new = take_objection(named, home)
        if before != [getattr(home, name) for name in OBJECTION]:
            touch(actor, home, *OBJECTION)
        if is_new:
            record_change(actor, home, objected=True, channel=named.objection_channel, of=named)
    return named


@transaction.atomic
def withdraw_objection(*, actor: Actor, ticket: Ticket, reason: str = "") -> Ticket:
    """Withdraw the objection to the longer storage; without one nothing happens. The dates are as without it.

    The customer of the ticket may, and agents (right *answer*) at the customer's word, for a `reason`. It is
    withdrawn on all tickets of this customer that are merged with this one, and on no other's. Raises
    `NotPermitted` for a customer who only takes part in it, `InvalidInput` at `reason` without one.
    """
    group = _locked_group(actor, ticket)
    reason = _reason_of(actor, reason)
    named, home = group.named, group.home
    joined = joined_from(home)
    gone = [
        one
        for one in (home, *group.merged)
        if one.objected_at is not None
        and (one.pk == named.pk or permissions.share_customer(one, named))
        and not (one is home and joined is not None)
    ]
    if home not in gone and any(one.objected_at == home.objected_at for one in gone):
        gone.append(home)  # it stood there because of one of these
    for one in gone:
        clear_objection(one)
    if home in gone:
        inherit_objections(home, group.merged)
    for one in gone:
        touch(actor, one, *OBJECTION)
        record_change(actor, one, objected=False, reason=reason)
    if home in gone and home.objected_at is not None:
        record_change(
            actor, home, objected=True, channel=home.objection_channel, of=joined_from(home)
        )
    return named


def joined_from(ticket: Ticket) -> Ticket | None:
    """Return the ticket of another customer, merged into this one, whose objection stands here; None for an own one."""
    if ticket.objected_at is None:
        return None
    same = Ticket.objects.filter(merged_into=ticket.pk, objected_at=ticket.objected_at)
    rows = same.select_related("customer").order_by("pk")
    return next((one for one in rows if not permissions.share_customer(one, ticket)), None)


def own_terms(ticket: Ticket) -> Terms:
    """Return the terms of storage that stand on a ticket, with its objection if it is its own customer's."""
    terms = frozen_terms(ticket)
    return terms if joined_from(ticket) is None else replace(terms, objection=None)


def continued_terms(ticket: Ticket, customer: Customer | None) -> Terms | None:
    """Return the terms of a new ticket of `customer` that goes on with this one: an objection of theirs goes along.

    None: there is none, so it has what its queue promises.
    """
    if ticket.objected_at is None or customer is None or customer.pk != ticket.customer_id:
        return None
    objection = own_terms(ticket).objection
    return terms_of(ticket.queue, language=ticket.language, objection=objection)


def take_objection(source: Ticket, target: Ticket) -> bool:
    """Let the objection to `source` hold on `target`, into which it is merged; tell whether it stands there now.

    One's own stands before that of another customer; the fewest days hold. The caller saves `OBJECTION`.
    """
    theirs, days = source.objected_days, target.objected_days
    if theirs is None or source.objected_at == target.objected_at:
        return False
    stands = days is None or (
        permissions.share_customer(source, target) and joined_from(target) is not None
    )
    if stands:
        for name in OBJECTION:
            setattr(target, name, getattr(source, name))
    if days is not None:
        target.objection_days = min(days, theirs)
    return stands


def object_along(*, actor: Actor, leaving: Ticket, home: Ticket, since: datetime) -> None:
    """Let what the customer of both objected to on `home` `since` they are merged hold on the ticket that leaves it.

    They spoke of everything that was there. The caller saves `OBJECTION` of `leaving`.
    """
    if home.objected_at is None or home.objected_at <= since:
        return
    if not permissions.share_customer(leaving, home) or joined_from(home) is not None:
        return
    if take_objection(home, leaving):
        record_change(actor, leaving, objected=True, channel=leaving.objection_channel, of=home)


def inherit_objections(target: Ticket, merged: Iterable[Ticket]) -> None:
    """Let the objections to what is merged into `target` hold there, the strictest first."""
    found = [(one.objected_days or 0, one.objected_at, one) for one in merged if one.objected_at]
    for _days, _at, one in sorted(found, key=lambda row: row[:2]):
        take_objection(one, target)


def _locked_group(actor: Actor, ticket: Ticket) -> _Group:
    """Lock all that are merged with a ticket, in the order in which everybody does; ask for the right on it alone."""
    home_pk = 0
    while home_pk != (now := _home_of(ticket.pk)):
        home_pk = now
        which = Q(pk__in=(ticket.pk, home_pk)) | Q(merged_into=home_pk)
        rows = Ticket.objects.select_for_update(no_key=True).filter(which).order_by("pk")
        pks = list(rows.values_list("pk", flat=True))
    named = locked(actor, ticket, REPLY)
    require_decision(actor, named)
    known = {named.pk: named}
    for pk in pks:
        if pk not in known:
            known[pk] = locked(permissions.SYSTEM, Ticket(pk=pk), REPLY)
    home = known[home_pk]
    return _Group(named, home, tuple(one for pk, one in sorted(known.items()) if pk != home_pk))


def _home_of(pk: int) -> int:
    """Return the id of the ticket itself, or of that into which it was merged."""
    seen = {pk}
    while True:
        into = Ticket.objects.filter(pk=pk).values_list("merged_into_id", flat=True).first()
        if into is None or into in seen:
            return pk
        seen.add(into)
        pk = into


def objection_now(*, channel: Channel, language: str, reason: str = "") -> Objection:
    """Return an objection that is made at this moment, for the terms of a ticket that is opened with it."""
    days = directory().retention.days_with_objection()
    words = objection_wording(days, language)
    return Objection(timezone.now(), words, str(channel), days, reason.strip()[:MAX_REASON])


def _reason_of(actor: Actor, reason: str) -> str:
    """Return why an agent enters what the customer says. Raises `InvalidInput` if they do not say so."""
    reason = reason.strip()[:MAX_REASON]
    if actor.kind == "agent" and not reason:
        raise InvalidInput(_("Say how the customer told you."), field="reason")
    return reason


def _note(actor: Actor, ticket: Ticket, channel: Channel, reason: str) -> None:
    days = directory().retention.days_with_objection()
    before = ticket.objected_days
    ticket.objected_at = timezone.now()
    ticket.objection_wording = objection_wording(days, ticket.language)
    ticket.objection_days = days if before is None else min(days, before)
    ticket.objection_channel = channel
    ticket.objection_reason = reason
    touch(actor, ticket, *OBJECTION)
    record_change(actor, ticket, objected=True, channel=channel, reason=reason)


def clear_objection(ticket: Ticket) -> None:
    """Take the objection off a ticket; the caller saves `OBJECTION`."""
    ticket.objected_at = ticket.objection_days = None
    ticket.objection_wording = ticket.objection_channel = ticket.objection_reason = ""


def record_change(
    actor: Actor,
    ticket: Ticket,
    *,
    objected: bool,
    channel: str = "",
    reason: str = "",
    of: Ticket | None = None,
) -> None:
    """Write the objection into the history; `of` is the merged ticket to which it was made."""
    data: dict[str, object] = {"objected": objected}
    if channel:
        data["channel"] = str(channel)
    if objected:
        data["days"] = ticket.objection_days
    if of is not None:
        data["ticket"] = of.pk
    events.record(
        actor=actor,
        ticket=ticket,
        kind=EventKind.OBJECTION_CHANGED,
        data=data,
        content={"reason": reason} if reason else None,
    )
