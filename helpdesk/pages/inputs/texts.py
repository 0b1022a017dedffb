"""Fields for words: text, long text, e-mail address, phone number, log-in name."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _

from helpdesk.pages.blocks import InputBlock
from helpdesk.pages.logins import LoginField

_PHONE = RegexValidator(r"^[0-9+()/ .\-]{3,40}$", _("Please enter a phone number."))


class TextInput(InputBlock):
    type = "text"

    class Meta:
        label = _("Short text")


class LongTextInput(InputBlock):
    type = "long_text"

    class Meta:
        label = _("Long text")
        icon = "doc-full"

    def build(self, value: Any) -> forms.Field:
        widget = forms.Textarea(attrs={"rows": 6})
        return forms.CharField(max_length=20_000, widget=widget, **self.common(value))


class EmailInput(InputBlock):
    type = "email"

    class Meta:
        label = _("E-mail address")
        icon = "mail"

    def build(self, value: Any) -> forms.Field:
        return forms.EmailField(max_length=254, **self.common(value))


class PhoneInput(InputBlock):
    type = "phone"

    class Meta:
        label = _("Phone number")

    def build(self, value: Any) -> forms.Field:
        widget = forms.TextInput(attrs={"type": "tel"})
        return forms.CharField(widget=widget, validators=[_PHONE], **self.common(value))


class LoginInput(InputBlock):
    """The log-in name: that of the account for who is signed in, checked for its shape otherwise."""

    type = "login"

    class Meta:
        label = _("Log-in name")
        icon = "user"

    def build(self, value: Any) -> forms.Field:
        return LoginField(**self.common(value))
