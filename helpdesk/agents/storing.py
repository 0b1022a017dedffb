"""How long a ticket is kept, on its screen: dates and steps, the objection and who noted it, and the two forms for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from helpdesk import actions, permissions
from helpdesk.actions.objecting import MAX_REASON
from helpdesk.models import AtEnd, Channel, Event, EventKind, Right, StorageStep, Ticket

from .change_form import ChangeForm
from .desk import Desk
from .facts import Fact

#: By which way a customer may tell an agent.
_WAYS = (
    (str(Channel.PHONE), gettext_lazy("phone")),
    (str(Channel.EMAIL), gettext_lazy("e-mail")),
    (str(Channel.NOTE), gettext_lazy("in person, or by letter")),
)


class SaidField(forms.CharField):
    """What the customer said, as the agent notes it."""

    widget = forms.Textarea(attrs={"rows": 2})

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=MAX_REASON, **kwargs)


class ObjectionForm(ChangeForm):
    name, right = "objection", Right.ANSWER
    button = gettext_lazy("Note the objection")
    done = gettext_lazy("The objection is noted.")
    channel = forms.ChoiceField(label=gettext_lazy("The customer told us by"), choices=_WAYS)
    reason = SaidField(
        label=gettext_lazy("How, and in which words"),
        help_text=gettext_lazy("Customers do not see this."),
    )

    def apply(self) -> object:
        return actions.object_to_storage(
            channel=Channel(self.cleaned_data["channel"]),
            reason=self.cleaned_data["reason"],
            **self.who,
        )


class WithdrawForm(ChangeForm):
    name, right = "objection-withdraw", Right.ANSWER
    button = gettext_lazy("Withdraw the objection")
    done = gettext_lazy("The objection is withdrawn.")
    reason = SaidField(
        label=gettext_lazy("How the customer withdrew it"),
        help_text=gettext_lazy("Only at the customer's word. Customers do not see this."),
    )

    def apply(self) -> object:
        return actions.withdraw_objection(reason=self.cleaned_data["reason"], **self.who)


STORING: dict[str, type[ChangeForm]] = {form.name: form for form in (ObjectionForm, WithdrawForm)}


@dataclass(frozen=True)
class Shown:
    """The card: its lines, and the form that is offered (None without the right, or where there is nothing to do)."""

    facts: list[Fact]
    form: ChangeForm | None
    label: str


def context_of(desk: Desk, bound: Mapping[str, ChangeForm]) -> Shown:
    """Return what the screen says of the storage of the ticket on the desk. At most three queries."""
    ticket = desk.ticket
    joined = actions.joined_from(ticket)
    own = ticket.objected_at is not None and joined is None
    name = WithdrawForm.name if own else ObjectionForm.name
    form = bound.get(name)
    if form is None and desk.may(Right.ANSWER):
        form = STORING[name](desk=desk)
    label = _("Withdraw the objection…") if own else _("Objection to storage…")
    return Shown([*_dates(ticket), *_objection(desk, joined)], form, label)


def _dates(ticket: Ticket) -> list[Fact]:
    kept = _("%(days)d days after closing") % {"days": ticket.retention_days}
    found = [Fact(_("Kept"), kept, note=ticket.legal_basis)]
    if ticket.merged_into_id is not None:
        found.append(
            Fact(
                pgettext("in future", "Erased"),
                _("together with the ticket into which it was merged"),
            )
        )
    if ticket.erase_at is not None:
        found.append(_erased(ticket))
    if ticket.storage_step_at is not None and ticket.storage_step not in ("", StorageStep.END):
        step = str(ticket.get_storage_step_display())
        found.append(Fact(_("Next step"), f"{_day(ticket.storage_step_at)}: {step}"))
    if ticket.files_erased_at:
        found.append(Fact(_("Files erased"), "", at=ticket.files_erased_at))
    if ticket.persons_erased_at:
        found.append(Fact(_("Personal details erased"), "", at=ticket.persons_erased_at))
    return found


def _erased(ticket: Ticket) -> Fact:
    is_kept_in_part = ticket.at_end == AtEnd.ANONYMISE and ticket.objected_at is None
    label = (
        pgettext("in future", "Made anonymous")
        if is_kept_in_part
        else pgettext("in future", "Erased")
    )
    note = _("if nothing happens any more until then") if ticket.state.is_open else ""
    return Fact(label, _("from %(day)s on") % {"day": _day(ticket.erase_at)}, note=note)


def _day(at: Any) -> str:
    return date_format(localtime(at), "DATE_FORMAT")


def _objection(desk: Desk, joined: Ticket | None) -> list[Fact]:
    ticket = desk.ticket
    if ticket.objected_at is None:
        return []
    days = _("then erased %(days)d days after closing") % {
        "days": 0 if ticket.objection_days is None else ticket.objection_days
    }
    found = [Fact(_("Objection to storage"), "", at=ticket.objected_at, note=days)]
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
    ways = {key: str(words) for key, words in _WAYS}
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
    """Return what an event about storage tells, '' for any other kind."""
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
        return _day(at)
    day = parse_date(text) if isinstance(text, str) else None
    return date_format(day, "DATE_FORMAT") if day is not None else ""
