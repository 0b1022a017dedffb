"""Who takes part in a ticket, and its status links, on the ticket screen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from helpdesk import actions, throttle
from helpdesk.errors import InvalidInput, NotFound
from helpdesk.models import Right

from .change_form import ChangeForm
from .desk import Desk

#: Mails sent by one agent to invited people and with new links: at most so many an hour.
AN_HOUR, SENT_AN_HOUR = 3600, 60


def _count_mail(desk: Desk) -> None:
    who = str(desk.actor.user.pk) if desk.actor.user is not None else ""
    if not throttle.allow("agent.mails", who, times=SENT_AN_HOUR, seconds=AN_HOUR):
        raise InvalidInput(_("Too many mails were sent from here. Please try again later."))


class InviteForm(ChangeForm):
    name, right = "invite", Right.ANSWER
    button = pgettext_lazy("button", "Invite")
    done = gettext_lazy("A mail with a link is on its way.")
    email = forms.EmailField(label=gettext_lazy("E-mail"))
    full_name = forms.CharField(label=gettext_lazy("Name"), max_length=200, required=False)

    def apply(self) -> object:
        _count_mail(self.desk)
        data = self.cleaned_data
        return actions.invite(address=data["email"], name=data["full_name"], **self.who)


class UninviteForm(ChangeForm):
    name, right = "uninvite", Right.ANSWER
    done = gettext_lazy("They do not take part any more.")
    participant = forms.IntegerField(widget=forms.HiddenInput)

    def apply(self) -> object:
        pk = self.cleaned_data["participant"]
        found = next((row for row in self.desk.participants if row.pk == pk), None)
        if found is None:
            raise NotFound
        actions.remove_participant(participant=found, **self.who)
        return None


class ShareForm(ChangeForm):
    """Shares with the customer's organisation if the ticket is not shared, else ends that."""

    name, right = "share", Right.ANSWER
    share = forms.BooleanField(required=False, widget=forms.HiddenInput)

    def apply(self) -> object:
        person = self.desk.ticket.customer
        own = person.organisation if person is not None else None
        return actions.share(organisation=own if self.cleaned_data["share"] else None, **self.who)


class WithdrawLinksForm(ChangeForm):
    name, right = "withdraw-links", Right.ANSWER
    button = gettext_lazy("Withdraw all links")
    done = gettext_lazy("The links sent so far do not work any more.")

    def apply(self) -> object:
        return actions.withdraw_links(**self.who)


class SendLinkForm(ChangeForm):
    name, right = "send-link", Right.ANSWER
    button = gettext_lazy("Send a link")
    done = gettext_lazy("A mail with a link is on its way.")

    def apply(self) -> object:
        _count_mail(self.desk)
        return actions.send_link(**self.who)


SHARING: dict[str, type[ChangeForm]] = {
    form.name: form
    for form in (InviteForm, UninviteForm, ShareForm, WithdrawLinksForm, SendLinkForm)
}


def context_of(desk: Desk, bound: Mapping[str, ChangeForm]) -> dict[str, Any]:
    """Return what the screen shows of who takes part; without the right *answer* no forms."""
    ticket = desk.ticket
    people = [row for row in desk.participants if row.normalised != ticket.contact]
    may = desk.may(Right.ANSWER)
    person = ticket.customer if may and desk.sees_record else None
    own = person.organisation if person is not None and person.organisation_id else None
    return {
        "people": people,
        "shared_with": ticket.organisation if ticket.organisation_id else None,
        "organisation": own if own is not None and own.is_active else None,
        "may": may,
        "invite": bound.get("invite") or (InviteForm(desk=desk) if may else None),
        "refused": [one for name, one in bound.items() if name in SHARING and name != "invite"],
        "is_merged": ticket.merged_into_id is not None,
    }
