"""Holds in the admin: their forms on the ticket screen, and the list of all of them."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from helpdesk import actions, permissions
from helpdesk.actions.holds import LONGEST
from helpdesk.confidence import Veil
from helpdesk.models import Hold, Right
from helpdesk.permissions import Actor
from helpdesk.privacy import due
from helpdesk.privacy.reminding import REMIND_DAYS

from . import policy
from .bounced import ManagersView
from .change_form import ChangeForm

#: Holds shown at once.
LIMIT = 200
#: One that nobody looked at for so many days is to be looked at.
LOOK_AGAIN_DAYS = 180


class DayInput(forms.DateInput):
    """The browser's own input for a day, which offers only those that are possible."""

    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        today = timezone.localdate()
        limits = {
            "min": (today + timedelta(days=1)).isoformat(),
            "max": (today + timedelta(days=LONGEST)).isoformat(),
        }
        return super().get_context(name, value, {**limits, **(attrs or {})})


class HoldForm(ChangeForm):
    name, right = "hold", Right.MANAGE
    button = _("Place the hold")
    done = _("The ticket is not erased before that day.")
    reason = forms.CharField(
        label=_("Why it must be kept"), max_length=1000, widget=forms.Textarea({"rows": 2})
    )
    until = forms.DateField(label=_("Keep until"), widget=DayInput())

    def apply(self) -> object:
        data = self.cleaned_data
        return actions.place_hold(reason=data["reason"], until=data["until"], **self.who)


class ExtendHoldForm(ChangeForm):
    name, right = "extend-hold", Right.MANAGE
    button = _("Keep the hold")
    done = _("The hold is kept.")
    until = forms.DateField(
        label=_("Keep until"),
        widget=DayInput(),
        help_text=_("The same day again notes that somebody looked at it."),
    )
    reason = forms.CharField(
        label=_("New reason, if it is another one"),
        max_length=1000,
        required=False,
        widget=forms.Textarea({"rows": 2}),
    )

    def apply(self) -> object:
        data = self.cleaned_data
        return actions.extend_hold(reason=data["reason"], until=data["until"], **self.who)


class LiftHoldForm(ChangeForm):
    name, right = "lift-hold", Right.MANAGE
    button = _("Lift the hold")
    is_second = True
    done = _("The hold is lifted. What is due goes with the next nightly run.")

    def apply(self) -> object:
        return actions.lift_hold(**self.who)


HOLDS: dict[str, type[ChangeForm]] = {
    form.name: form for form in (HoldForm, ExtendHoldForm, LiftHoldForm)
}


def visible_holds(actor: Actor) -> QuerySet[Hold]:
    """Return the holds that hold now, on tickets of queues that the actor manages; superusers see all."""
    rows = due.holds_on(due.day_of(timezone.now()))
    tickets = permissions.visible_tickets(actor)
    if not policy.is_superuser(actor):
        tickets = tickets.filter(queue__in=actor.queues_with(Right.MANAGE))
    return rows.filter(ticket__in=tickets.order_by().values("pk"))


def review_by(hold: Hold, today: date) -> str:
    """Return why somebody should look at a hold, as a code; '' for no reason."""
    if hold.until <= today + timedelta(days=REMIND_DAYS):
        return "ends"
    seen = timezone.localdate(hold.reviewed_at or hold.placed_at)
    return "old" if seen <= today - timedelta(days=LOOK_AGAIN_DAYS) else ""


class HoldsView(ManagersView):
    """All holds of the queues that somebody manages: those to be looked at first."""

    template_name = "helpdesk/agents/holds.html"
    header_icon = "lock"
    page_title = _("Holds")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        rows = visible_holds(policy.actor_of(self.request))
        related = ("ticket__queue", "ticket__customer", "placed_by", "reviewed_by")
        found: list[Any] = list(rows.select_related(*related).order_by("until", "pk")[: LIMIT + 1])
        today = timezone.localdate()
        Veil().over(hold.ticket for hold in found)
        for hold in found:
            hold.review = review_by(hold, today)
        shown = found[:LIMIT]
        return super().get_context_data(
            review=[hold for hold in shown if hold.review],
            others=[hold for hold in shown if not hold.review],
            is_cut=len(found) > LIMIT,
            **kwargs,
        )
