"""The small forms of the ticket screen: each changes one fact through one verb."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db import transaction
from django.db.models import Q
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from helpdesk import actions, permissions
from helpdesk.errors import NotFound
from helpdesk.models import Right, Ticket, TicketLink

from . import assigning, finder, openings, policy
from .change_form import ChangeForm, PendingField, StateSelect

#: Tags offered while one types.
MAX_SUGGESTIONS = 200


class ClaimForm(ChangeForm):
    name, right = "claim", Right.OWN
    watches = ("owner_id",)
    done = _("The ticket is yours.")

    def apply(self) -> object:
        return actions.claim(**self.who_saw)


class HandBackForm(ChangeForm):
    name, right = "hand-back", Right.OWN
    watches = ("owner_id",)
    done = _("The ticket is back in the queue.")

    def apply(self) -> object:
        return actions.hand_back(**self.who_saw)


class OwnerForm(ChangeForm):
    name, right = "owner", Right.OWN
    watches = ("owner_id",)
    button = _("Assign")
    owner = forms.ChoiceField(label=pgettext_lazy("of a ticket", "Owner"), required=False)

    def offer(self) -> None:
        people = assigning.owner_choices(self.desk)
        self.choose("owner", [("", _("Nobody")), *people], self.desk.ticket.owner_id or "")

    def apply(self) -> object:
        owner, self.offers = assigning.chosen_owner(self.desk, self.whole("owner"), self.data)
        if self.offers:
            raise assigning.is_away(self.desk, owner)
        return actions.assign(owner=owner, **self.who_saw)


class ResponsibleForm(ChangeForm):
    name, right = "responsible", Right.OWN
    watches = ("responsible_id",)
    responsible = forms.ChoiceField(label=_("Responsible"), required=False)

    def offer(self) -> None:
        people = [(pk, str(user)) for pk, user in self.desk.readers.items()]
        initial = self.desk.ticket.responsible_id or ""
        self.choose("responsible", [("", _("Nobody")), *people], initial)

    def apply(self) -> object:
        person = self.desk.readers.get(self.whole("responsible") or 0)
        return actions.set_responsible(responsible=person, **self.who_saw)


class QueueForm(ChangeForm):
    name = "queue"
    watches = ("queue_id",)
    button = _("Move")
    done = _("The ticket was moved.")
    queue = forms.ChoiceField(label=_("Queue"))
    opens = openings.field()

    def offer(self) -> None:
        self.choose("queue", self.desk.queue_choices(), self.desk.ticket.queue_id)
        openings.ask(self, self.desk.ticket, self.desk.queues)

    def apply(self) -> object:
        queue = self.desk.queues[self.whole("queue") or 0]
        opens = bool(self.cleaned_data.get("opens"))
        return actions.move(queue=queue, opens=opens, **self.who_saw)


class StateForm(ChangeForm):
    name = "state"
    watches = ("state_id", "pending_until")
    state = forms.ChoiceField(label=_("State"), widget=StateSelect)
    pending_until = PendingField()

    def offer(self) -> None:
        widget: Any = self.fields["state"].widget
        widget.desk = self.desk
        self.choose("state", self.desk.state_choices(), self.desk.ticket.state_id)
        if self.desk.ticket.pending_until:
            self.fields["pending_until"].initial = self.desk.ticket.pending_until

    def apply(self) -> object:
        state = self.desk.states[self.whole("state") or 0]
        until = self.cleaned_data["pending_until"] if self.desk.is_pending(state.pk) else None
        return actions.change_state(state=state, pending_until=until, **self.who_saw)


class PriorityForm(ChangeForm):
    name, right = "priority", Right.PRIORITY
    watches = ("priority_id",)
    priority = forms.ChoiceField(label=_("Priority"))

    def offer(self) -> None:
        self.choose("priority", self.desk.priority_choices(), self.desk.ticket.priority_id)

    def apply(self) -> object:
        row = self.desk.priorities[self.whole("priority") or 0]
        return actions.set_priority(priority=row, **self.who_saw)


class TypeForm(ChangeForm):
    name = "type"
    watches = ("type_id",)
    type = forms.ChoiceField(label=_("Type"), required=False)

    def offer(self) -> None:
        self.choose("type", self.desk.type_choices(), self.desk.ticket.type_id or "")

    def apply(self) -> object:
        return actions.set_type(type_=self.desk.types.get(self.whole("type") or 0), **self.who_saw)


class SubjectForm(ChangeForm):
    name = "subject"
    watches = ("subject",)
    button = _("Rename")
    subject = forms.CharField(label=_("Subject"), max_length=250)

    def offer(self) -> None:
        self.fields["subject"].initial = self.desk.ticket.subject

    def apply(self) -> object:
        return actions.rename(subject=self.cleaned_data["subject"], **self.who_saw)


class CustomerForm(ChangeForm):
    name = "customer"
    watches = ("customer_id", "contact")
    email = forms.EmailField(
        label=_("Customer's e-mail"),
        help_text=_("Answers go there. An unknown address becomes a new customer."),
    )
    full_name = forms.CharField(label=_("Name, if new"), max_length=200, required=False)

    def offer(self) -> None:
        self.fields["email"].initial = self.desk.ticket.contact

    def apply(self) -> object:
        address = self.cleaned_data["email"]
        # asked for before anybody is made: a refused change leaves no new customer behind
        permissions.require(self.desk.actor, Right.NOTE, self.desk.ticket)
        with transaction.atomic():
            person = actions.customer_for_address(
                address, name=self.cleaned_data["full_name"], language=self.desk.ticket.language
            )
            return actions.set_customer(customer=person, contact=address, **self.who_saw)


class LinkForm(ChangeForm):
    name = "link"
    button = pgettext_lazy("button", "Link")
    done = _("The tickets are linked.")
    number = finder.NumberField()
    kind = forms.ChoiceField(label=_("How"), choices=TicketLink.Kind.choices)

    def offer(self) -> None:
        widget: Any = self.fields["number"].widget
        widget.but = self.desk.ticket.pk

    def clean_number(self) -> Ticket:
        text, ticket = self.cleaned_data["number"], self.desk.ticket
        other = finder.by_number(self.desk.actor, text, but=ticket)
        if other is None:
            raise forms.ValidationError(_("You see no other ticket with this number."))
        return other

    def apply(self) -> object:
        return actions.link(
            actor=self.desk.actor,
            source=self.desk.ticket,
            target=self.cleaned_data["number"],
            kind=self.cleaned_data["kind"],
        )


class UnlinkForm(ChangeForm):
    name = "unlink"
    done = _("The link is removed.")
    link = forms.IntegerField(widget=forms.HiddenInput)

    def apply(self) -> object:
        here = self.desk.ticket
        links = TicketLink.objects.filter(Q(source=here) | Q(target=here))
        found = links.filter(pk=self.cleaned_data["link"]).first()
        if found is None:
            raise NotFound
        return actions.unlink(actor=self.desk.actor, link=found)


class TagsInput(forms.TextInput):
    """A line of tags, divided by commas, with suggestions that need no script.

    A browser compares a suggestion with the whole line: so each is the line as it stands and one more.
    """

    suggestions: tuple[str, ...] = ()

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        list_id = f"{(attrs or {}).get('id', name)}-list"
        line = super().render(name, value, {**(attrs or {}), "list": list_id}, renderer)
        options = format_html_join("", '<option value="{}"></option>', zip(self.suggestions))
        return format_html('{}<datalist id="{}">{}</datalist>', line, list_id, options)


class TagsForm(ChangeForm):
    name = "tags"
    watches = ("tags",)
    tags = forms.CharField(
        label=_("Tags"),
        required=False,
        max_length=1100,
        widget=TagsInput(attrs={"autocomplete": "off"}),
        help_text=_("Divided by commas. Customers do not see them."),
    )

    def offer(self) -> None:
        line = ", ".join(tag.name for tag in self.desk.tags)
        self.fields["tags"].initial = line
        given = {tag.pk for tag in self.desk.tags}
        known = policy.visible_tags(self.desk.actor).exclude(pk__in=given)[:MAX_SUGGESTIONS]
        widget: Any = self.fields["tags"].widget
        widget.suggestions = tuple(f"{line}, {tag.name}" if line else tag.name for tag in known)

    def now(self) -> dict[str, Any]:
        return {"tags": [tag.name for tag in self.desk.tags]}

    def apply(self) -> object:
        before = self.expected()
        return actions.set_tags(
            tags=[self.cleaned_data["tags"]],
            expected=[str(one) for one in before["tags"]] if before else None,
            **self.who,
        )


class EndAlongForm(ChangeForm):
    """Which of the queues that read along shall do so no longer."""

    name = "end-along"
    button = _("End reading along")
    done = _("The queue does not read this ticket any more.")
    queue = forms.ChoiceField(label=_("Queue"))

    def offer(self) -> None:
        choices = [(str(one.pk), one.name) for one in self.desk.informed]
        self.choose("queue", choices, choices[0][0] if choices else "")

    def apply(self) -> object:
        queue = self.desk.queues[self.whole("queue") or 0]
        return actions.end_reading_along(queue=queue, **self.who)


class SpamForm(ChangeForm):
    name = "spam"
    button = _("This is spam")
    done = _("The ticket is marked as spam and closed.")
    block = forms.BooleanField(label=_("also block the sender"), required=False)

    @property
    def ends_confidence(self) -> bool:
        return openings.by_spam(self.desk.ticket, self.desk.queues)

    def offer(self) -> None:
        if self.desk.sender:
            label = _("also block %(address)s") % {"address": self.desk.sender}
            self.fields["block"].label = label
        else:
            del self.fields["block"]

    def apply(self) -> object:
        return actions.mark_spam(block=bool(self.cleaned_data.get("block")), **self.who)


class NotSpamForm(ChangeForm):
    name = "not-spam"
    button = _("Not spam")
    done = _("The ticket is back where it was.")

    def apply(self) -> object:
        return actions.not_spam(**self.who)


CHANGES: dict[str, type[ChangeForm]] = {
    form.name: form
    for form in (
        ClaimForm,
        HandBackForm,
        OwnerForm,
        ResponsibleForm,
        QueueForm,
        StateForm,
        PriorityForm,
        TypeForm,
        SubjectForm,
        CustomerForm,
        LinkForm,
        UnlinkForm,
        TagsForm,
        EndAlongForm,
        SpamForm,
        NotSpamForm,
    )
}
