"""Who is away when, who stands in, and what becomes of the open tickets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import formats, timezone
from django.utils.translation import gettext_lazy as _

from helpdesk import permissions
from helpdesk.errors import InvalidInput, NotFound, NotPermitted
from helpdesk.models import (
    NOT_ARCHIVED,
    Absence,
    AbsenceDeputy,
    AbsenceTicket,
    Handover,
    Right,
    Ticket,
)
from helpdesk.permissions import SYSTEM, Actor
from helpdesk.states import OPEN_TYPES
from helpdesk.substitutes import Substitutes

from .assignment import assign
from .base import locked

#: A longer absence is a mistyped year.
LONGEST = timedelta(days=3660)
#: Absences handed over, or summed up, in one run of the job.
AT_ONCE = 50


@dataclass(frozen=True)
class AbsencePlan:
    """What is said of an absence: it lasts from `starts_at` until just before `ends_at`.

    `deputies` are other deputies for queues (by id) and those below them; `tickets` says by id what becomes
    of single tickets, where it is not what becomes of all.
    """

    starts_at: datetime
    ends_at: datetime
    reason: str = ""
    deputy: Any | None = None
    deputies: Mapping[int, Any] = field(default_factory=dict)
    handover: Handover = Handover.KEEP
    tickets: Mapping[int, Handover] = field(default_factory=dict)


@transaction.atomic
def enter_absence(*, actor: Actor, user: Any, plan: AbsencePlan) -> Absence:
    """Enter an absence of `user`, by themselves or who leads a team of theirs. One that runs begins at once.

    Raises `NotPermitted`, or `InvalidInput` at the field of the plan that is not possible: it ends before it
    begins or in the past, overlaps another absence, or names somebody who cannot stand in.
    """
    _require(actor, user)
    _lock_user(user)
    now = timezone.now()
    _check(user, plan, now)
    absence = Absence(user=user, entered_by=actor.user, reason=plan.reason.strip()[:200])
    _write(actor, absence, plan, now)
    return absence


@transaction.atomic
def change_absence(*, actor: Actor, absence: Absence, plan: AbsencePlan) -> Absence:
    """Change an absence that is not over. Refuses what `enter_absence` refuses.

    The reason is changed only by who may read it. If it is said anew what becomes of the tickets, those that
    the agent still owns are handed over again.
    """
    absence = _locked(actor, absence)
    now = timezone.now()
    if absence.ends_at <= now:
        raise InvalidInput(_("This absence is over."))
    _check(absence.user, plan, now, absence)
    if may_read_reason(actor, absence):
        absence.reason = plan.reason.strip()[:200]
    _write(actor, absence, plan, now)
    return absence


@transaction.atomic
def end_absence(*, actor: Actor, absence: Absence) -> Absence | None:
    """End an absence now: the agent is back early. One that has not begun is deleted, and None returned."""
    absence = _locked(actor, absence)
    now = timezone.now()
    if absence.starts_at >= now:
        absence.delete()
        return None
    if absence.ends_at > now:
        absence.ends_at = absence.changed_at = now
        absence.save(update_fields=["ends_at", "changed_at"])
    return absence


def may_read_reason(actor: Actor, absence: Absence) -> bool:
    """Tell whether `actor` is the absent agent or entered the absence."""
    return actor.user is not None and actor.user.pk in (absence.user_id, absence.entered_by_id)


def open_tickets_of(user: Any) -> QuerySet[Ticket]:
    """Return the open tickets that `user` owns, by id: what has to be handed over."""
    return Ticket.objects.filter(NOT_ARCHIVED, owner=user, state__type__in=OPEN_TYPES).order_by(
        "pk"
    )


def _require(actor: Actor, user: Any) -> None:
    if user is None or not user.is_active:
        raise NotFound
    if not permissions.may_look_after(actor, user):
        raise NotPermitted


def _lock_user(user: Any) -> None:
    """Let nobody else enter an absence of this user meanwhile; rows that point to the user are not held up."""
    users = get_user_model()._default_manager
    if not users.select_for_update(no_key=True).filter(pk=user.pk).values_list("pk", flat=True):
        raise NotFound


def _locked(actor: Actor, absence: Absence) -> Absence:
    """Return the absence read anew under the lock of its user, after asking the policy."""
    _require(actor, absence.user)
    _lock_user(absence.user)
    fresh = Absence.objects.select_for_update(no_key=True).filter(pk=absence.pk).first()
    if fresh is None:
        raise NotFound
    return fresh


def _check(user: Any, plan: AbsencePlan, now: datetime, old: Absence | None = None) -> None:
    if plan.ends_at <= plan.starts_at:
        raise InvalidInput(_("The absence ends before it begins."), field="ends_at")
    if plan.ends_at <= now:
        raise InvalidInput(_("The absence lies in the past."), field="ends_at")
    if plan.ends_at - plan.starts_at > LONGEST:
        raise InvalidInput(_("An absence lasts ten years at most."), field="ends_at")
    _check_deputies(user, plan)
    others = Absence.objects.filter(
        user=user, starts_at__lt=plan.ends_at, ends_at__gt=plan.starts_at
    )
    if old is not None:
        others = others.exclude(pk=old.pk)
    if (other := others.order_by("starts_at").first()) is not None:
        message = _("There is an absence from %(start)s until %(end)s already. Change that one.")
        dates = {"start": _date(other.starts_at), "end": _date(other.ends_at)}
        raise InvalidInput(message % dates, field="starts_at")


def _check_deputies(user: Any, plan: AbsencePlan) -> None:
    people = [(plan.deputy, "deputy"), *((one, "deputies") for one in plan.deputies.values())]
    for person, where in people:
        if person is not None and person.pk == user.pk:
            raise InvalidInput(_("Nobody stands in for themselves."), field=where)
        if person is not None and not person.is_active:
            raise InvalidInput(_("This person cannot stand in."), field=where)
    to_deputy = Handover.DEPUTY in (plan.handover, *plan.tickets.values())
    if to_deputy and not any(person for person, _where in people):
        message = _("Name a deputy, or choose something else for the open tickets.")
        raise InvalidInput(message, field="deputy")


def _date(at: datetime) -> str:
    local = timezone.localtime(at, timezone.get_default_timezone())
    return formats.date_format(local, "SHORT_DATETIME_FORMAT")


def _write(actor: Actor, absence: Absence, plan: AbsencePlan, now: datetime) -> None:
    """Save the plan; hand over at once what an absence that runs says anew."""
    before = _orders(absence)
    absence.starts_at, absence.ends_at = plan.starts_at, plan.ends_at
    absence.deputy, absence.handover = plan.deputy, plan.handover
    absence.changed_by, absence.changed_at = actor.user, now
    absence.save()
    AbsenceDeputy.objects.filter(absence=absence).delete()
    AbsenceDeputy.objects.bulk_create(
        AbsenceDeputy(absence=absence, queue_id=queue_id, deputy=person)
        for queue_id, person in plan.deputies.items()
        if person is not None
    )
    _write_choices(actor, absence, plan)
    if absence.starts_at > now or before != _orders(absence):
        absence.handed_over_at = None
        absence.save(update_fields=["handed_over_at"])
    _begin(absence, now)


def _orders(absence: Absence) -> object:
    """Return all that says what becomes of the tickets, to be compared."""
    if absence.pk is None:
        return None
    deputies = AbsenceDeputy.objects.filter(absence=absence).values_list("queue_id", "deputy_id")
    tickets = AbsenceTicket.objects.filter(absence=absence, is_chosen=True)
    chosen = tickets.values_list("ticket_id", "handover")
    return absence.handover, absence.deputy_id, set(deputies), set(chosen)


def _write_choices(actor: Actor, absence: Absence, plan: AbsencePlan) -> None:
    """Keep what was chosen for single tickets, as far as the actor sees them."""
    seen = permissions.visible_tickets(actor).filter(NOT_ARCHIVED, owner=absence.user_id)
    known = set(seen.filter(state__type__in=OPEN_TYPES).values_list("pk", flat=True))
    rows = AbsenceTicket.objects.filter(absence=absence)
    rows.filter(is_chosen=True, ticket__in=known).delete()
    chosen = {pk: what for pk, what in plan.tickets.items() if pk in known}
    rows.filter(ticket__in=chosen).delete()
    AbsenceTicket.objects.bulk_create(
        AbsenceTicket(absence=absence, ticket_id=pk, handover=what) for pk, what in chosen.items()
    )


# --- at the start ----------------------------------------------------------------------------------


def begin_absences() -> int:
    """Hand over the tickets of those whose absence began; return how many absences. A job of the worker.

    Each absence is one transaction that ends with its mark: a process that dies leaves it as it was, and two
    workers never work on the same.
    """
    now = timezone.now()
    due = Absence.objects.filter(handed_over_at__isnull=True, starts_at__lte=now)
    return sum(
        _begin_next(pk) for pk in due.order_by("starts_at").values_list("pk", flat=True)[:AT_ONCE]
    )


@transaction.atomic
def _begin_next(pk: int) -> bool:
    skip = connection.features.has_select_for_update_skip_locked
    rows = Absence.objects.select_for_update(no_key=True, skip_locked=skip, of=("self",))
    absence = rows.filter(pk=pk, handed_over_at__isnull=True).first()
    return absence is not None and _begin(absence, timezone.now())


def _begin(absence: Absence, now: datetime) -> bool:
    """Hand over the tickets of a locked absence that began and was not handed over; tell whether it was so."""
    if absence.starts_at > now or absence.handed_over_at is not None:
        return False
    if absence.ends_at > now and absence.user.is_active:
        _hand_over(absence, now)
    absence.handed_over_at = now
    absence.save(update_fields=["handed_over_at"])
    return True


def _hand_over(absence: Absence, now: datetime) -> None:
    rows = AbsenceTicket.objects.filter(absence=absence, is_chosen=True)
    chosen = dict(rows.values_list("ticket_id", "handover"))
    who = Substitutes(now)
    reach = _reach(absence)
    kept: list[AbsenceTicket] = []
    for ticket in open_tickets_of(absence.user_id):
        what = chosen.get(ticket.pk, absence.handover)
        if ticket.pk not in chosen:  # the summary at the return goes by these
            kept.append(
                AbsenceTicket(absence=absence, ticket=ticket, handover=what, is_chosen=False)
            )
        if what != Handover.KEEP and (reach is None or ticket.queue_id in reach):
            _hand_over_one(absence, ticket, what == Handover.DEPUTY, who)
    AbsenceTicket.objects.bulk_create(kept, ignore_conflicts=True)


def _reach(absence: Absence) -> frozenset[int] | None:
    """Return the ids of the queues in which the last word on the tickets counts; None: in all.

    A team lead's word reaches as far as the queues that the team lead manages.
    """
    said = absence.changed_by
    if said is None or said.pk == absence.user_id:
        return None
    return permissions.agent(said).queues_with(Right.MANAGE)


def _hand_over_one(absence: Absence, ticket: Ticket, to_deputy: bool, who: Substitutes) -> None:
    """Give one ticket to whoever stands in, or to the queue if nobody is there who may own it."""
    ticket = locked(SYSTEM, ticket, Right.OWN)
    if ticket.owner_id != absence.user_id or not ticket.state.is_open:
        return
    person = who.standing(absence.user_id, ticket.queue).person if to_deputy else None
    owner = who.user(person) if person is not None else None
    assign(actor=SYSTEM, ticket=ticket, owner=owner, by="absence")
