"""The field nobody sees: a fixed value, or one that the address of the page brings along."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _
from wagtail.blocks.struct_block import BlockGroup, StructBlockValidationError

from helpdesk.pages.blocks import InputBlock, NeutralCharBlock

#: So many characters of a parameter are taken.
MAX_LENGTH = 200
#: Parameters that mean something to the page itself.
_TAKEN = frozenset({"done", "untranslated"})


class _Withheld(forms.HiddenInput):
    """A hidden input without its value."""

    def format_value(self, value: Any) -> str:
        return ""


class HiddenField(forms.CharField):
    """A value in a hidden input. A fixed one is what it is, whatever was sent; nothing sent is refused."""

    def __init__(self, *, fixed: str = "", parameter: str = "", **kwargs: Any) -> None:
        self.fixed = fixed
        self.parameter = parameter
        super().__init__(
            widget=forms.HiddenInput(),
            initial=fixed,
            **{**kwargs, "required": False, "help_text": ""},
        )

    def take(self, parameters: Mapping[str, Any]) -> None:
        """Take the value from the parameters of an address."""
        if self.parameter:
            self.initial = _plain(parameters.get(self.parameter))

    def withhold(self) -> None:
        """Leave a fixed value out of the page: its source is for everybody to read."""
        if not self.parameter:
            self.widget = _Withheld()

    def clean(self, value: Any) -> str:
        return _plain(value) if self.parameter else self.fixed


def _plain(value: object) -> str:
    text = "".join(char if char.isprintable() else " " for char in str(value or "")[:MAX_LENGTH])
    return text.strip()


class HiddenInputBlock(InputBlock):
    type = "hidden"
    not_offered = frozenset({"help_text", "required", "required_when"})

    value = NeutralCharBlock(
        label=_("Value"),
        required=False,
        max_length=MAX_LENGTH,
        help_text=_("Goes with every request of this form. Only who works on it sees it."),
    )
    parameter = NeutralCharBlock(
        label=_("Or from the address: name of the parameter"),
        required=False,
        max_length=40,
        validators=[
            RegexValidator(
                r"^[a-z][a-z0-9_-]{0,39}\Z", _("Small letters, digits, “-” and “_” are possible.")
            )
        ],
        help_text=_(
            "With “place”, a link that ends in ?place=Foyer sends “Foyer” along. Do not rely on it: anybody can change it."
        ),
    )

    class Meta:
        label = _("Hidden value")
        icon = "no-view"
        form_layout = BlockGroup(
            children=["label", "value", "parameter"],
            settings=["help_text", "required", "private", "in_subject", "key", "condition"],
        )

    def build(self, value: Any) -> forms.Field:
        return HiddenField(
            fixed=value["value"] or "", parameter=value["parameter"] or "", **self.common(value)
        )

    def clean(self, value: Any) -> Any:
        cleaned = super().clean(value)
        if bool(cleaned["value"]) == bool(cleaned["parameter"]):
            message = _("Please enter either a value or a parameter.")
            raise StructBlockValidationError({"value": ValidationError(message)})
        if cleaned["parameter"] in _TAKEN:
            message = _("The page itself uses this parameter. Choose another name.")
            raise StructBlockValidationError({"parameter": ValidationError(message)})
        return cleaned
