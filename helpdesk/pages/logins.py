"""The form field of a log-in name (a university's Unikennung)."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from helpdesk import conf
from helpdesk.rules.patterns import portable


def is_login_name(text: str) -> bool:
    """Tell whether a text has the shape of a log-in name, as `HELPDESK["LOGIN_NAME_PATTERN"]` says."""
    pattern = portable(f"^(?:{conf.get('LOGIN_NAME_PATTERN')})$")
    return re.search(pattern, text, re.IGNORECASE) is not None


class LoginField(forms.CharField):
    """A log-in name. Of who is signed in it is the account's, whatever was sent."""

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.TextInput(attrs={"autocapitalize": "none", "spellcheck": "false"})
        super().__init__(max_length=150, widget=widget, **kwargs)
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
            raise ValidationError(_("This does not look like a log-in name."), code="login")
        return text
