"""The forms for an objection to storage on the ticket screen: to note one, and to withdraw it.

Those for a hold are in `holds`; what the screen says of the storage is in `storage_facts`.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy

from helpdesk import actions
from helpdesk.actions.objecting import MAX_REASON
from helpdesk.models import Channel, Right

from .change_form import ChangeForm

#: By which way a customer may tell an agent.
WAYS = (
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
    channel = forms.ChoiceField(label=gettext_lazy("The customer told us by"), choices=WAYS)
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
