"""What a customer may send."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from helpdesk import conf, uploads
from helpdesk.actions import Upload

#: The longest message, in characters.
MAX_BODY = 50_000


class FilesInput(forms.ClearableFileInput):
    allow_multiple_selected = True
    template_name = "django/forms/widgets/file.html"


class FilesField(forms.FileField):
    """Any number of files, each within the limits of the settings."""

    widget = FilesInput

    def clean(self, data: Any, initial: Any = None) -> list[uploads.Taken]:
        files = data if isinstance(data, (list, tuple)) else [data] if data else []
        return uploads.take([super(FilesField, self).clean(file, initial) for file in files])


class ReplyForm(forms.Form):
    """A message to an own request, with files. `key` makes a repeated submission known."""

    body = forms.CharField(
        label=gettext_lazy("Your message"),
        max_length=MAX_BODY,
        required=False,
        widget=forms.Textarea(attrs={"rows": 7}),
        error_messages={"max_length": gettext_lazy("At most %(limit_value)d characters.")},
    )
    attachments = FilesField(label=gettext_lazy("Files"), required=False)
    key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["attachments"].help_text = _(
            "At most %(count)d files, each up to %(size)s."
        ) % {
            "count": conf.get("UPLOAD_MAX_FILES"),
            "size": uploads.size_in_words(int(conf.get("UPLOAD_MAX_BYTES"))),
        }

    def clean_body(self) -> str:
        return self.cleaned_data["body"].replace("\r\n", "\n").replace("\r", "\n")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if not self.errors and not cleaned.get("body") and not cleaned.get("attachments"):
            self.add_error("body", _("Write something or choose a file."))
        return cleaned

    def uploads(self) -> tuple[Upload, ...]:
        """Return the valid form's files; what they are is told by their bytes, not by their names."""
        files = self.cleaned_data["attachments"]
        return tuple(Upload(one.name, one.content, one.content_type) for one in files)


class ObjectionForm(forms.Form):
    """The objection to longer storage: one box, never ticked beforehand."""

    objects = forms.BooleanField(
        error_messages={"required": gettext_lazy("Tick the box to object.")}
    )


class InvitationForm(forms.Form):
    """Who shall read a request as well."""

    email = forms.EmailField(
        label=gettext_lazy("E-mail"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )
    name = forms.CharField(label=gettext_lazy("Name"), max_length=200, required=False)


class AddressForm(forms.Form):
    """A further address of one's own."""

    email = forms.EmailField(
        label=gettext_lazy("E-mail"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )
