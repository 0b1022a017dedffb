"""A mail as a customer writes it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from helpdesk import addressing, conf


class WriteForm(forms.Form):
    """A mail to a queue. `recipients` are the addresses it may go to; `reply` the mail it answers."""

    from_name = forms.CharField(label=_("Your name"), max_length=100, required=False)
    from_address = forms.EmailField(label=_("Your address"), max_length=254)
    to = forms.ChoiceField(label=_("To"))
    subject = forms.CharField(label=_("Subject"), max_length=250, required=False)
    body = forms.CharField(label=_("Text"), widget=forms.Textarea(attrs={"rows": 10}))
    file = forms.FileField(label=_("File"), required=False)
    reply = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, recipients: list[str], **kwargs: Any) -> None:
        kwargs.setdefault("label_suffix", "")
        super().__init__(*args, **kwargs)
        field = self.fields["to"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101  declared above
        field.choices = [(address, address) for address in recipients]

    def clean_from_address(self) -> str:
        address = str(self.cleaned_data["from_address"])
        if not addressing.is_address(address):
            raise forms.ValidationError(_("This is not a mail address."))
        return address

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file and file.size > conf.get("UPLOAD_MAX_BYTES"):
            raise forms.ValidationError(_("This file is too large."))
        return file
