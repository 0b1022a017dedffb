"""Reply, note and forward: the three forms at the end of the thread."""

from __future__ import annotations

import uuid
from dataclasses import replace
from email.utils import getaddresses
from typing import Any

from django import forms
from django.db import transaction
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from helpdesk import actions, addressing, uploads
from helpdesk.actions import Draft, Upload
from helpdesk.models import Channel, Right, SavedDraft, Sender

from . import mentions, taking_back
from .change_form import PendingField, StateSelect
from .drafted import DraftedForm

Pairs = tuple[tuple[str, str], ...]


class AddressesField(forms.CharField):
    """Mail addresses with or without names, separated by commas or semicolons."""

    def to_python(self, value: Any) -> Any:
        text = str(value or "").replace(";", ",").replace("\n", " ")
        pairs = [(name, address) for name, address in getaddresses([text]) if name or address]
        for _name, address in pairs:
            if not addressing.is_address(address):
                raise forms.ValidationError(
                    _("“%(text)s” is not a mail address.") % {"text": address or _name}
                )
        return tuple(pairs)


class FilesInput(forms.ClearableFileInput):
    allow_multiple_selected = True
    template_name = "django/forms/widgets/file.html"


class FilesField(forms.FileField):
    """Several files, as far as the site takes them."""

    widget = FilesInput

    def clean(self, data: Any, initial: Any = None) -> tuple[Upload, ...]:
        files = [super(FilesField, self).clean(one, initial) for one in data or [] if one]
        return tuple(Upload(one.name, one.content, one.content_type) for one in uploads.take(files))


def one_line(pairs: Any) -> str:
    """Return (name, address) pairs as a person would type them."""
    return ", ".join(f"{_quoted(name)} <{address}>" if name else address for name, address in pairs)


def _quoted(name: str) -> str:
    plain = all(character.isalnum() or character in " -'." for character in name)
    return name if plain else '"' + name.replace("\\", "").replace('"', "'") + '"'


def _pairs(rows: Any) -> Pairs:
    return tuple((str(name), str(address)) for name, address in rows)


class ComposerForm(DraftedForm):
    """What all three have in common. The key makes a repeated submission the same article."""

    icon = "mail"
    title: Any = ""
    body = forms.CharField(
        label=gettext_lazy("Text"), required=False, widget=forms.Textarea(attrs={"rows": 7})
    )
    files = FilesField(label=gettext_lazy("Files"), required=False)  # type: ignore[assignment]
    state = forms.ChoiceField(label=gettext_lazy("Next state"), required=False, widget=StateSelect)
    pending_until = PendingField()
    idempotency_key = forms.CharField(max_length=64, widget=forms.HiddenInput)

    def offer(self) -> None:
        super().offer()
        self.fields["idempotency_key"].initial = lambda: uuid.uuid4().hex
        if "state" in self.fields:
            widget: Any = self.fields["state"].widget
            widget.desk = self.desk
            self.choose("state", [("", _("leave as it is")), *self.desk.state_choices()], "")

    def draft(self, channel: Channel) -> Draft:
        return Draft(
            body=self.cleaned_data["body"],
            channel=channel,
            subject=self.desk.ticket.subject,
            files=(*self.saved_uploads(), *self.cleaned_data["files"]),
            idempotency_key=self.cleaned_data["idempotency_key"],
        )

    def apply(self) -> object:
        """Write the message; its draft goes with it, whole or not at all."""
        with transaction.atomic():
            made = self.write()
            self.forget_draft()
        return made

    def write(self) -> object:
        """Call the verb. Raises `StaleView` if something happened that its author has not seen."""
        raise NotImplementedError

    def next_state(self) -> dict[str, Any]:
        state = self.desk.states.get(self.whole("state") or 0)
        pending = state is not None and self.desk.is_pending(state.pk)
        until = self.cleaned_data["pending_until"] if pending else None
        return {"state": state, "pending_until": until}


class SendingForm(ComposerForm):
    """A message that goes out by mail; one that was taken back can be sent again, with its files."""

    again = forms.IntegerField(required=False, widget=forms.HiddenInput)
    kept = forms.MultipleChoiceField(
        label=gettext_lazy("Files of the message taken back"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )

    def offer(self) -> None:
        super().offer()
        asked = self.data.get("again") if self.is_bound else self.initial.get("again")
        article = taking_back.find(self.desk, asked) if asked else None
        self.files_before = list(article.attachments.all()) if article is not None else []
        if article is None:
            del self.fields["again"]
        if not self.files_before:
            del self.fields["kept"]
            return
        choices = [(str(one.pk), one.name) for one in self.files_before]
        self.choose("kept", choices, [pk for pk, _name in choices])

    def draft(self, channel: Channel) -> Draft:
        kept = self.cleaned_data.get("kept") or []
        again = tuple(one for one in self.files_before if str(one.pk) in kept)
        return replace(super().draft(channel), again=again)


class ReplyForm(SendingForm):
    name, right = "reply", Right.ANSWER
    title = gettext_lazy("Reply")
    icon = "mail"
    done = gettext_lazy("Your answer is on its way.")
    field_order = ("to", "cc", "body", "kept", "drafted", "files")
    to = AddressesField(label=gettext_lazy("To"), required=False)
    cc = AddressesField(label=gettext_lazy("Cc"), required=False)

    def offer(self) -> None:
        super().offer()
        self.shown_to, self.copied = self.initial_to(), self.initial_cc()
        self.fields["to"].initial = one_line(self.shown_to)
        self.fields["to"].required = bool(self.desk.ticket.contact)
        self.fields["cc"].initial = one_line(self.copied)

    def initial_to(self) -> Pairs:
        if "to" in self.initial:  # of a message that was taken back
            return _pairs(self.initial.pop("to"))
        ticket = self.desk.ticket
        if not ticket.contact:
            return ()
        return ((ticket.contact_name, ticket.contact),)

    def initial_cc(self) -> Pairs:
        """Who was copied in by the customer's last message and still takes part."""
        if "cc" in self.initial:
            return _pairs(self.initial.pop("cc"))
        rows = self.desk.ticket.articles.filter(sender=Sender.CUSTOMER, visible=True)
        last = rows.order_by("-pk").values_list("to", "cc").first()
        partners = {row.normalised: row for row in self.desk.participants}
        if last is None or not partners:
            return ()
        found: dict[str, tuple[str, str]] = {}
        for name, address in [*last[0], *last[1]]:
            if not addressing.is_address(address):
                continue
            key = addressing.canonical(address)
            own = addressing.normalise(address) in self.desk.own_addresses
            if key in partners and not own and key != self.desk.ticket.contact:
                found[key] = (name, address)
        return tuple(found.values())

    def restore(self, draft: SavedDraft) -> None:
        super().restore(draft)
        self.shown_to, self.copied = (
            tuple(getaddresses([draft.fields.get(name, "")])) for name in ("to", "cc")
        )

    @property
    def button(self) -> str:  # type: ignore[override]
        count = len(self.shown_to) + len(self.copied)
        if not count:
            return _("Answer on the site")
        return ngettext("Send to %(n)d person", "Send to %(n)d people", count) % {"n": count}

    def write(self) -> object:
        return actions.answer(
            draft=self.draft(Channel.EMAIL if self.cleaned_data["to"] else Channel.WEB),
            to=self.cleaned_data["to"],
            cc=self.cleaned_data["cc"],
            seen=self.seen(),
            **self.next_state(),
            **self.who,
        )


class NoteForm(ComposerForm):
    name, right = "note", Right.NOTE
    title = gettext_lazy("Note")
    icon = "edit"
    button = gettext_lazy("Save note")
    done: str | Promise = gettext_lazy("The note is saved.")

    def offer(self) -> None:
        super().offer()
        self.fields["body"].widget.attrs.update(mentions.ATTRIBUTES)

    def write(self) -> object:
        made = actions.add_note(
            draft=self.draft(Channel.NOTE), seen=self.seen(), **self.next_state(), **self.who
        )
        missed = mentions.missed_words(self.desk, self.cleaned_data["body"])
        self.done = f"{self.done} {missed}".strip()
        return made


class ForwardForm(SendingForm):
    name, right = "forward", Right.ANSWER
    title = gettext_lazy("Forward")
    icon = "redirect"
    button = gettext_lazy("Forward")
    done = gettext_lazy("The message is on its way.")
    to = AddressesField(label=gettext_lazy("To"))
    cc = AddressesField(label=gettext_lazy("Cc"), required=False)
    original = forms.ChoiceField(label=gettext_lazy("Message"), required=False)
    field_order = ("original", "to", "cc", "body", "kept", "drafted", "files")

    def offer(self) -> None:
        super().offer()
        for name in ("state", "pending_until"):
            del self.fields[name]
        rows = self.desk.ticket.articles.order_by("-pk")
        options = [
            (pk, f"{name or '#'} · {timezone.localtime(at):%d.%m.%Y %H:%M}")
            for pk, name, at in rows.values_list("pk", "from_name", "created_at")[:50]
        ]
        self.choose("original", [*options, ("", _("none"))], options[0][0] if options else "")
        for name in {"to", "cc"} & set(self.initial):
            self.initial[name] = one_line(self.initial[name])

    def write(self) -> object:
        original = self.desk.ticket.articles.filter(pk=self.whole("original") or 0).first()
        return actions.forward(
            draft=self.draft(Channel.EMAIL),
            original=original,
            to=self.cleaned_data["to"],
            cc=self.cleaned_data["cc"],
            seen=self.seen(),
            **self.who,
        )


COMPOSERS: dict[str, type[ComposerForm]] = {
    form.name: form for form in (ReplyForm, NoteForm, ForwardForm)
}
