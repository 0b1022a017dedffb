"""What is said of how long a ticket is kept: the card and the banner on its screen, the mark in lists, its history.

The forms that the card offers are in `storing` (the objection) and `holds`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from helpdesk import actions, conf, permissions
from helpdesk.actions.person_answers import CORRECTED
from helpdesk.models import AtEnd, Event, EventKind, Hold, Right, StorageStep, Ticket
from helpdesk.privacy import due

from .change_form import ChangeForm
from .desk import Desk
from .facts import Fact
from .holds import HOLDS
from .storing import STORING, WAYS, ObjectionForm, WithdrawForm


@dataclass(frozen=True)
class Storage:
    """How long a ticket stays, as its screen says it.

    `erased_on`: the first day on which it may be gone, as its queue counts days, were it not held; `held_until`: the
    last day on which a hold keeps it and what was merged with it. `form` is that of the objection (None without the
    right), `forms` are those of holds, for those who manage the queue.
    """

    facts: list[Fact]
    erased_on: date | None
    is_warned: bool
    is_overdue: bool
    hold: Hold | None
    held_until: date | None
    form: ChangeForm | None
    label: str
    forms: Mapping[str, ChangeForm]


def context_of(desk: Desk, bound: Mapping[str, ChangeForm]) -> Storage:
    """Return what the screen says of the storage of the ticket on the desk, and what can be done about it.

    Who reads along is told that it is held, and neither why nor by whom. Six queries at most, and one for each time
    that a ticket of the group was merged on.
    """
    ticket = desk.ticket
    holds = _holds_of(ticket)
    hold = holds.get(ticket.pk) or next(iter(holds.values()), None)
    until = max((row.until for row in holds.values()), default=None)
    joined = actions.joined_from(ticket)
    is_own = ticket.objected_at is not None and joined is None
    erased_on = None if ticket.erase_at is None else _day_there(desk, ticket.erase_at)
    return Storage(
        facts=[*_dates(desk, until), *_objected(desk, joined)],
        erased_on=erased_on,
        is_warned=is_warned(ticket),
        is_overdue=ticket.erase_at is not None and ticket.erase_at <= timezone.now(),
        hold=None if desk.reads_along else hold,
        held_until=until,
        form=_form(desk, bound, WithdrawForm.name if is_own else ObjectionForm.name),
        label=_("Withdraw the objection…") if is_own else _("Objection to storage…"),
        forms=_forms(desk, bound, hold) if desk.may(Right.MANAGE) else {},
    )


def is_warned(ticket: Ticket) -> bool:
    """Tell whether the team was warned that the ticket is erased soon, and nothing happened since. No query."""
    at = ticket.erase_warned_at
    return (
        at is not None and at >= ticket.changed_at and ticket.storage_step == StorageStep.END
    ) and ticket.state.is_open


def keeps_part(ticket: Ticket) -> bool:
    """Tell whether at the end only what is about a person goes; an objection always means everything. No query."""
    return ticket.at_end == AtEnd.ANONYMISE and ticket.objected_at is None


# --- forms -----------------------------------------------------------------------------------------


def _holds_of(ticket: Ticket) -> dict[int, Hold]:
    """Return the holds that hold a ticket now, by the tickets of its group on which they are."""
    day = due.day_of(timezone.now())
    rows = due.holds_on(day).filter(ticket__in=due.group_of(ticket.pk))
    return {row.ticket_id: row for row in rows.select_related("placed_by", "reviewed_by")}


def _form(desk: Desk, bound: Mapping[str, ChangeForm], name: str) -> ChangeForm | None:
    form = bound.get(name)
    return STORING[name](desk=desk) if form is None and desk.may(Right.ANSWER) else form


def _forms(
    desk: Desk, bound: Mapping[str, ChangeForm], hold: Hold | None
) -> Mapping[str, ChangeForm]:
    """Return what can be done with holds: on the ticket itself, not on those merged with it."""
    names: list[str] = []
    if hold is None:
        names = ["hold"]
    elif hold.ticket_id == desk.ticket.pk:
        names = ["extend-hold", "lift-hold"]
    # what was refused because a colleague was faster is shown with the reason
    names += [name for name in bound if name in HOLDS and name not in names]
    initial = {"until": hold.until} if hold is not None else {}
    found = {name: bound.get(name) or HOLDS[name](desk=desk, initial=initial) for name in names}
    return {name.replace("-", "_"): form for name, form in found.items()}


# --- card ------------------------------------------------------------------------------------------


def _after_closing(days: int) -> str:
    words = ngettext("%(days)d day after closing", "%(days)d days after closing", days)
    return words % {"days": days}


def _dates(desk: Desk, until: date | None) -> list[Fact]:
    """Return the dates of the ticket; `until` is the last day on which a hold keeps it."""
    ticket = desk.ticket
    days = ticket.retention_days
    kept = _after_closing(days) if days else _("until the night after closing")
    found = [Fact(_("Kept"), kept, note=ticket.legal_basis)]
    if ticket.merged_into_id is not None:
        found.append(
            Fact(
                pgettext("in future", "Erased"),
                _("together with the ticket into which it was merged"),
            )
        )
    if ticket.erase_at is not None and until is not None:
        found.append(_after_hold(desk, ticket.erase_at, until))
    elif ticket.erase_at is not None:
        found.append(_erased(desk, ticket.erase_at))
        if step := _step(desk, since=timezone.localtime(due.next_night(timezone.now())).date()):
            found.append(Fact(_("Next step"), step))
    if ticket.files_erased_at:
        found.append(Fact(_("Files erased"), "", at=ticket.files_erased_at))
    if ticket.persons_erased_at:
        found.append(Fact(_("Personal details erased"), "", at=ticket.persons_erased_at))
    return found


def _erased(desk: Desk, at: datetime) -> Fact:
    label = (
        pgettext("in future", "Made anonymous")
        if keeps_part(desk.ticket)
        else pgettext("in future", "Erased")
    )
    day = date_format(_day_there(desk, at), "DATE_FORMAT")
    return Fact(label, _("from %(day)s on") % {"day": day}, note=_unless_used(desk.ticket))


def _step(desk: Desk, *, since: date) -> str:
    """Return the step before the end with its day, which is `since` at the earliest; '' if the end comes next."""
    ticket = desk.ticket
    if ticket.storage_step_at is None or ticket.storage_step in ("", StorageStep.END):
        return ""
    day = max(_day_there(desk, ticket.storage_step_at), since)
    return f"{date_format(day, 'DATE_FORMAT')}: {ticket.get_storage_step_display()}"


def _after_hold(desk: Desk, at: datetime, until: date) -> Fact:
    """Return what follows when a hold is over: nothing before, and a warning still comes ahead of the end."""
    ticket, since = desk.ticket, until + timedelta(days=1)
    end = first = max(_day_there(desk, at), since)
    if ticket.storage_step_at is not None:
        first = max(_day_there(desk, ticket.storage_step_at), since)
    if ticket.storage_step == StorageStep.WARNING:
        end = max(end, first + timedelta(days=int(conf.get("STORAGE_WARNING_DAYS"))))
    said = {"date": date_format(end, "DATE_FORMAT")}
    words = (
        _("made anonymous from %(date)s on") if keeps_part(ticket) else _("erased from %(date)s on")
    )
    step = _step(desk, since=since) if first < end else ""
    notes = filter(None, (step, _unless_used(ticket)))
    return Fact(_("After the hold"), words % said, note=", ".join(notes))


def _unless_used(ticket: Ticket) -> str:
    return _("if nothing happens any more until then") if ticket.state.is_open else ""


def _day_there(desk: Desk, at: datetime) -> date:
    """Return the day that it is then as the queue of the ticket counts days."""
    return at.astimezone(ZoneInfo(desk.queue.time_zone())).date()


def _objected(desk: Desk, joined: Ticket | None) -> list[Fact]:
    ticket = desk.ticket
    if ticket.objected_at is None:
        return []
    days = ticket.objected_days or 0
    when = _after_closing(days) if days else _("in the night after closing")
    then = _("then erased %(when)s") % {"when": when}
    found = [Fact(_("Objection to storage"), "", at=ticket.objected_at, note=then)]
    if joined is not None:
        found.append(Fact(pgettext("of an objection", "Made by"), _of_other(desk, joined)))
        return found
    found.append(Fact(pgettext("of an objection", "Came by"), _by(ticket)))
    if ticket.objection_reason and not desk.reads_along:
        noted = (
            Event.objects.filter(ticket=ticket, kind=EventKind.OBJECTION_CHANGED)
            .select_related("user")
            .order_by("-at", "-pk")
            .first()
        )
        who = noted.user if noted is not None and noted.user is not None else _("Somebody")
        found.append(Fact(_("Noted by"), who, note=ticket.objection_reason))
    return found


def _by(ticket: Ticket) -> str:
    """Return how an objection came; what was noted by an agent without phone or mail came in person."""
    ways = {key: str(words) for key, words in WAYS}
    return ways.get(ticket.objection_channel, str(ticket.get_objection_channel_display()))


def _of_other(desk: Desk, joined: Ticket) -> str:
    """Return whose objection it is: the number only for who may read that ticket."""
    if permissions.can(desk.actor, Right.READ, joined):
        return _("the customer of the merged ticket %(number)s, who alone can withdraw it") % {
            "number": joined.number
        }
    return _("the customer of a merged ticket, who alone can withdraw it")


# --- history ---------------------------------------------------------------------------------------


def happened(event: Event) -> str:
    """Return what an event about storage or a person's rights tells, '' for any other kind."""
    if event.kind == EventKind.CUSTOMER_CHANGED and event.data.get(CORRECTED):
        return _("corrected personal details in answers, by request of the person")
    if event.kind != EventKind.OBJECTION_CHANGED:
        return ""
    if event.data.get("objected"):
        return _("noted an objection to the longer storage")
    return _("withdrew the objection to the longer storage")


def detail(event: Event, number: str) -> str:
    """Return the particulars of an event about storage, '' where there are none; `number` is that of a ticket named."""
    data, content = event.data, event.content or {}
    reason = str(content.get("reason") or "")
    match event.kind:
        case EventKind.OBJECTION_CHANGED:
            of = _("of the merged ticket %(number)s") % {"number": number} if number else ""
            return ", ".join(filter(None, (of, reason)))
        case EventKind.TERMS_APPLIED:
            before, after = (data.get(end, {}).get("retention_days") for end in ("from", "to"))
            changed = None not in (before, after) and before != after
            return (
                _("kept %(after)s days instead of %(before)s")
                % {
                    "after": after,
                    "before": before,
                }
                if changed
                else ""
            )
        case EventKind.CUSTOMER_CHANGED if data.get(CORRECTED) and data.get("reference"):
            return _("file number %(value)s") % {"value": data["reference"]}
        case EventKind.STORAGE_WARNING:
            return _date_of(data.get("erase_at"))
        case EventKind.HOLD_PLACED | EventKind.HOLD_CHANGED | EventKind.HOLD_LIFTED:
            until = _date_of(data.get("until"))
            said = _("until %(day)s") % {"day": until} if until else ""
            return ", ".join(filter(None, (said, reason)))
    return ""


def _date_of(text: object) -> str:
    """Return the day that stands in an event in ISO 8601, as it is told."""
    at = parse_datetime(text) if isinstance(text, str) and "T" in text else None
    if at is not None:
        return date_format(timezone.localtime(at), "DATE_FORMAT")
    day = parse_date(text) if isinstance(text, str) else None
    return date_format(day, "DATE_FORMAT") if day is not None else ""
