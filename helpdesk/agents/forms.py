"""The small forms of the ticket screen: each changes one fact through one verb."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any, ClassVar

from django import forms
from django.db.models import Q
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from helpdesk import actions, permissions
from helpdesk.errors import NotFound
from helpdesk.models import Right, Ticket, TicketLink

from . import finder, policy
from .desk import Desk

#: Tags offered while one types.
MAX_SUGGESTIONS = 200


def tomorrow_morning() -> datetime:
    """Return nine o'clock on the next day, in the current time zone."""
    day = timezone.localdate() + timedelta(days=1)
    return timezone.make_aware(datetime.combine(day, time(9)))


class DateTimeInput(forms.DateTimeInput):
    """The browser's own input for date and time."""

    input_type = "datetime-local"

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(attrs, format="%Y-%m-%dT%H:%M")


class StateSelect(forms.Select):
    """Marks the states that need a date, so that the date shows only beside them."""

    desk: Desk

    def create_option(self, name: str, value: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        option = super().create_option(name, value, *args, **kwargs)
        if self.desk.is_pending(value):
            option["attrs"]["data-pending"] = True
        return option


class PendingField(forms.DateTimeField):
    """The date on which a waiting ticket comes back; tomorrow at nine unless changed."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs = {"label": _("Pending until"), "required": False, **kwargs}
        super().__init__(widget=DateTimeInput(), initial=tomorrow_morning, **kwargs)


class ChangeForm(forms.Form):
    """One change of a ticket. `right` says who sees it; `apply` calls the verb.

    `apply` raises the verb's errors; the view puts them beside the field they belong to.
    """

    name: ClassVar[str]
    right: ClassVar[Right] = Right.NOTE
    button: ClassVar[str | Promise] = _("Save")
    done: ClassVar[str | Promise] = _("Saved.")

    def __init__(self, *args: Any, desk: Desk, **kwargs: Any) -> None:
        kwargs.setdefault("auto_id", f"hd-{self.name}-%s")
        super().__init__(*args, **kwargs)
        self.desk = desk
        #: What the verb returned.
        self.made: object = None
        self.offer()

    def offer(self) -> None:
        """Fill in choices and initial values from `self.desk`."""

    def apply(self) -> object:
        raise NotImplementedError

    @property
    def who(self) -> dict[str, Any]:
        return {"actor": self.desk.actor, "ticket": self.desk.ticket}

    def choose(self, field: str, choices: list[tuple[Any, Any]], initial: object) -> None:
        found: Any = self.fields[field]
        found.choices = choices
        found.initial = initial

    def whole(self, field: str) -> int | None:
        value = self.cleaned_data.get(field)
        return int(value) if value else None


class ClaimForm(ChangeForm):
    name, right = "claim", Right.OWN
    done = _("The ticket is yours.")

    def apply(self) -> object:
        return actions.claim(**self.who)


class HandBackForm(ChangeForm):
    name, right = "hand-back", Right.OWN
    done = _("The ticket is back in the queue.")

    def apply(self) -> object:
        return actions.hand_back(**self.who)


class OwnerForm(ChangeForm):
    name, right = "owner", Right.OWN
    button = _("Assign")
    owner = forms.ChoiceField(label=pgettext_lazy("of a ticket", "Owner"), required=False)

    def offer(self) -> None:
        people = [(pk, str(user)) for pk, user in self.desk.owners.items()]
        self.choose("owner", [("", _("Nobody")), *people], self.desk.ticket.owner_id or "")

    def apply(self) -> object:
        owner = self.desk.owners.get(self.whole("owner") or 0)
        return actions.assign(owner=owner, **self.who)


class ResponsibleForm(ChangeForm):
    name, right = "responsible", Right.OWN
    responsible = forms.ChoiceField(label=_("Responsible"), required=False)

    def offer(self) -> None:
        people = [(pk, str(user)) for pk, user in self.desk.readers.items()]
        initial = self.desk.ticket.responsible_id or ""
        self.choose("responsible", [("", _("Nobody")), *people], initial)

    def apply(self) -> object:
        person = self.desk.readers.get(self.whole("responsible") or 0)
        return actions.set_responsible(responsible=person, **self.who)


class QueueForm(ChangeForm):
    name = "queue"
    button = _("Move")
    done = _("The ticket was moved.")
    queue = forms.ChoiceField(label=_("Queue"))

    def offer(self) -> None:
        self.choose("queue", self.desk.queue_choices(), self.desk.ticket.queue_id)

    def apply(self) -> object:
        return actions.move(queue=self.desk.queues[self.whole("queue") or 0], **self.who)


class StateForm(ChangeForm):
    name = "state"
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
        return actions.change_state(state=state, pending_until=until, **self.who)


class PriorityForm(ChangeForm):
    name, right = "priority", Right.PRIORITY
    priority = forms.ChoiceField(label=_("Priority"))

    def offer(self) -> None:
        self.choose("priority", self.desk.priority_choices(), self.desk.ticket.priority_id)

    def apply(self) -> object:
        row = self.desk.priorities[self.whole("priority") or 0]
        return actions.set_priority(priority=row, **self.who)


class TypeForm(ChangeForm):
    name = "type"
    type = forms.ChoiceField(label=_("Type"), required=False)

    def offer(self) -> None:
        self.choose("type", self.desk.type_choices(), self.desk.ticket.type_id or "")

    def apply(self) -> object:
        return actions.set_type(type_=self.desk.types.get(self.whole("type") or 0), **self.who)


class SubjectForm(ChangeForm):
    name = "subject"
    button = _("Rename")
    subject = forms.CharField(label=_("Subject"), max_length=250)

    def offer(self) -> None:
        self.fields["subject"].initial = self.desk.ticket.subject

    def apply(self) -> object:
        return actions.rename(subject=self.cleaned_data["subject"], **self.who)


class CustomerForm(ChangeForm):
    name = "customer"
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
        person = actions.customer_for_address(
            address, name=self.cleaned_data["full_name"], language=self.desk.ticket.language
        )
        return actions.set_customer(customer=person, contact=address, **self.who)


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

    def apply(self) -> object:
        return actions.set_tags(tags=[self.cleaned_data["tags"]], **self.who)


class SpamForm(ChangeForm):
    name = "spam"
    button = _("This is spam")
    done = _("The ticket is marked as spam and closed.")
    block = forms.BooleanField(label=_("also block the sender"), required=False)

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
        SpamForm,
        NotSpamForm,
    )
}
