"""The form field of a log-in name (a university's Unikennung)."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from .shapes import SHAPES, is_login_name


class LoginField(forms.CharField):
    """A log-in name. Of who is signed in it is the account's, whatever was sent."""

    def __init__(self, **kwargs: Any) -> None:
        attrs = {"autocapitalize": "none", "spellcheck": "false"}
        super().__init__(max_length=150, widget=forms.TextInput(attrs=attrs), **kwargs)
        self.known = ""

    def know(self, login: str) -> None:
        """Fill in the log-in name of the account, and let nobody change it."""
        self.known = self.initial = login
        self.widget.attrs["readonly"] = True
        self.required = False

    def bound_data(self, data: Any, initial: Any) -> Any:
        return self.known or data

    def clean(self, value: Any) -> str:
        if self.known:
            return self.known
        text: str = super().clean(value)
        if text and not is_login_name(text):
            raise ValidationError(SHAPES["login"].message, code="shape")
        return text
