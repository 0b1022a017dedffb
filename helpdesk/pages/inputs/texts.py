"""Fields for words: text, long text, e-mail address, phone number, log-in name."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from wagtail import blocks
from wagtail.blocks.struct_block import StructBlockValidationError

from helpdesk import addressing
from helpdesk.pages import shapes
from helpdesk.pages.blocks import InputBlock, autofill, layout
from helpdesk.pages.logins import LoginField
from helpdesk.rules.patterns import BadPattern

_PHONE = RegexValidator(r"^[0-9+()/ .\-]{3,40}$", _("Please enter a phone number."))
#: The longest short text and long text.
MAX_TEXT, MAX_LONG_TEXT = 500, 20_000


class LimitedInput(InputBlock):
    """A text with a least and a greatest length."""

    longest = MAX_TEXT

    min_length = blocks.IntegerBlock(
        label=_("At least so many characters"), required=False, min_value=1, max_value=MAX_LONG_TEXT
    )
    max_length = blocks.IntegerBlock(
        label=_("At most so many characters"), required=False, min_value=1, max_value=MAX_LONG_TEXT
    )

    def lengths(self, value: Any) -> dict[str, int | None]:
        """Return the limits as a form field takes them."""
        most = min(value["max_length"] or self.longest, self.longest)
        return {"min_length": value["min_length"], "max_length": most}

    def clean(self, value: Any) -> Any:
        cleaned = super().clean(value)
        if cleaned["min_length"] and cleaned["min_length"] > self.lengths(cleaned)["max_length"]:
            message = _("This is longer than the text may be.")
            raise StructBlockValidationError({"min_length": ValidationError(message)})
        return cleaned


class TextInput(LimitedInput):
    type = "text"

    shape = blocks.ChoiceBlock(
        label=_("What it must look like"), required=False, choices=shapes.choices
    )
    own_pattern = blocks.CharBlock(
        label=_("Own pattern"),
        required=False,
        max_length=150,
        help_text=_(
            "For example [A-Z]{2}-\\d{4} for two letters, a hyphen and four digits; upper and lower case are one."
        ),
    )
    own_message = blocks.CharBlock(
        label=_("What is said where it does not fit"),
        required=False,
        max_length=200,
        help_text=_("For example: Please enter two letters, a hyphen and four digits."),
    )
    autocomplete = autofill(
        "name", "given-name", "family-name", "organization", "street-address", "postal-code",
        "address-level2",
    )  # fmt: skip

    class Meta:
        label = _("Short text")
        icon = "edit"
        form_layout = layout(
            more=["shape", "own_pattern", "own_message", "min_length", "max_length", "autocomplete"]
        )

    def build(self, value: Any) -> forms.Field:
        attrs = self.attrs(value)
        validators = []
        if value["shape"]:
            validators.append(
                shapes.ShapeValidator(
                    value["shape"], value["own_pattern"] or "", value["own_message"] or ""
                )
            )
            ready = shapes.SHAPES.get(value["shape"])
            if ready and ready.inputmode:
                attrs["inputmode"] = ready.inputmode
        return forms.CharField(
            widget=forms.TextInput(attrs=attrs),
            validators=validators,
            **self.lengths(value),
            **self.common(value),
        )

    def clean(self, value: Any) -> Any:
        cleaned = super().clean(value)
        if cleaned["shape"] == shapes.OWN:
            try:
                shapes.whole(cleaned["own_pattern"] or "")
            except BadPattern as error:
                raise StructBlockValidationError(
                    {"own_pattern": ValidationError(error.message)}
                ) from error
        return cleaned


class LongTextField(forms.CharField):
    """A long text. A line break is one character, as browsers count it."""

    def __init__(self, *, counted: int = 0, **kwargs: Any) -> None:
        #: the greatest length if it is shown while somebody types, else 0
        self.counted = counted
        super().__init__(**kwargs)

    def to_python(self, value: Any) -> Any:
        return re.sub(r"\r\n?", "\n", super().to_python(value))


class LongTextInput(LimitedInput):
    type = "long_text"
    longest = MAX_LONG_TEXT

    class Meta:
        label = _("Long text")
        icon = "doc-full"
        form_layout = layout(more=["min_length", "max_length"])

    def build(self, value: Any) -> forms.Field:
        field = LongTextField(
            widget=forms.Textarea(attrs={"rows": 6}),
            counted=value["max_length"] or 0,
            **self.lengths(value),
            **self.common(value),
        )
        if value["max_length"]:
            words = ngettext(
                "At most %(n)d character.", "At most %(n)d characters.", field.max_length
            )
            hint = words % {"n": field.max_length}
            field.help_text = " ".join(filter(None, [str(field.help_text), hint]))
        return field


class EmailField(forms.EmailField):
    """An address, of certain mail domains if any are named: exactly these, in ASCII."""

    def __init__(self, *, domains: tuple[str, ...] = (), **kwargs: Any) -> None:
        self.domains = domains
        super().__init__(max_length=254, **kwargs)

    def clean(self, value: Any) -> str:
        address: str = super().clean(value)
        if address and self.domains and domain_of(address) not in self.domains:
            raise ValidationError(
                _("Please enter an address that ends in %(domains)s."),
                params={"domains": f" {_now('or')} ".join(f"@{one}" for one in self.domains)},
                code="domain",
            )
        return address


def domain_of(address: str) -> str:
    """Return the mail domain of an address in lower case and ASCII; '' if it is no address."""
    try:
        return addressing.canonical(address).rpartition("@")[2]
    except addressing.BadAddress:
        return ""


def domains_in(text: str) -> tuple[str, ...]:
    """Return the mail domains an editor named, divided by commas or blanks. Raises `ValidationError`."""
    found = []
    for word in re.split(r"[\s,;]+", text.strip()):
        domain = domain_of(f"x@{word.removeprefix('@')}") if word else ""
        if word and "." not in domain:
            raise ValidationError(_("“%(word)s” is no mail domain."), params={"word": word})
        found.append(domain)
    return tuple(filter(None, found))


class EmailInput(InputBlock):
    type = "email"

    domains = blocks.CharBlock(
        label=_("Only addresses of these mail domains"),
        required=False,
        max_length=300,
        help_text=_(
            "For example: uni.example, lab.example. Exactly these: sub.uni.example is another one."
        ),
    )
    autocomplete = autofill("email")

    class Meta:
        label = _("E-mail address")
        icon = "mail"
        form_layout = layout(more=["domains", "autocomplete"])

    def build(self, value: Any) -> forms.Field:
        widget = forms.EmailInput(attrs=self.attrs(value))
        domains = domains_in(value["domains"] or "")
        return EmailField(widget=widget, domains=domains, **self.common(value))

    def clean(self, value: Any) -> Any:
        cleaned = super().clean(value)
        try:
            domains_in(cleaned["domains"] or "")
        except ValidationError as error:
            raise StructBlockValidationError({"domains": error}) from error
        return cleaned


class PhoneInput(InputBlock):
    type = "phone"

    autocomplete = autofill("tel")

    class Meta:
        label = _("Phone number")
        icon = "mobile-alt"
        form_layout = layout(more=["autocomplete"])

    def build(self, value: Any) -> forms.Field:
        widget = forms.TextInput(attrs={"type": "tel", **self.attrs(value)})
        return forms.CharField(widget=widget, validators=[_PHONE], **self.common(value))


class LoginInput(InputBlock):
    """The log-in name: that of the account for who is signed in, checked for its shape otherwise."""

    type = "login"

    class Meta:
        label = _("Log-in name")
        icon = "user"
        form_layout = layout()

    def build(self, value: Any) -> forms.Field:
        return LoginField(**self.common(value))
