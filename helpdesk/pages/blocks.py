"""The blocks an intake form is built of: one block, one field.

Each block knows how its form field is made (`build`), how a clean value is stored (`typed`) and how
people read it (`shown`). What is stored is JSON and neutral of language; what is shown is text in
the language of the page.

Room is left for more: a section is a marker in the flat stream (a step will be one too), a repeating
group will be a block with a stream of its own and answers with `rows`, and every field carries a
slot for its condition.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.utils.formats import date_format, localize
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from wagtail import blocks
from wagtail.blocks.struct_block import BlockGroup, StructBlockValidationError

from helpdesk.actions import Upload

from .keys import doubles, give_keys
from .uploads import FilesField, limits

_PHONE = RegexValidator(r"^[0-9+()/ .\-]{3,40}$", _("Please enter a phone number."))


class KeyBlock(blocks.CharBlock):
    """The key of a field or choice: shown, never typed."""

    def __init__(self, **kwargs: Any) -> None:
        validator = RegexValidator(r"^[a-z][a-z0-9_]{0,39}$", _("This key is not possible."))
        super().__init__(required=False, validators=[validator], search_index=False, **kwargs)
        self.field.widget.attrs["readonly"] = True

    class Meta:
        label = _("Key")
        help_text = _("Set by the system, and kept for good: answers are found by it.")


class ConditionBlock(blocks.FieldBlock):
    """The slot of a field's condition (a tree of rules.conditions); not offered to editors yet."""

    def __init__(self, **kwargs: Any) -> None:
        self.field = forms.JSONField(required=False, widget=forms.HiddenInput())
        super().__init__(**kwargs)

    class Meta:
        form_attrs: ClassVar[dict[str, str]] = {"hidden": "hidden"}


class InputBlock(blocks.StructBlock):
    """What all fields have in common."""

    #: the type in snapshots: never rename one, old tickets carry it
    type: ClassVar[str] = ""

    label = blocks.CharBlock(label=_("Question or label"), max_length=250)
    help_text = blocks.CharBlock(
        label=_("Help"),
        required=False,
        max_length=500,
        help_text=_("Stands below the label: what to enter, and where to find it."),
    )
    required = blocks.BooleanBlock(label=_("Must be answered"), required=False)
    private = blocks.BooleanBlock(
        label=_("Personal"),
        required=False,
        help_text=_("The answer says something about a person."),
    )
    in_subject = blocks.BooleanBlock(
        label=_("Into the subject"),
        required=False,
        help_text=_("The answer is added to the ticket's subject."),
    )
    key = KeyBlock()
    condition = ConditionBlock(required=False)

    class Meta:
        icon = "form"
        label_format = "{label}"
        form_layout = BlockGroup(
            children=["label", "help_text", "required"],
            settings=["private", "in_subject", "key", "condition"],
        )

    def common(self, value: Any) -> dict[str, Any]:
        """Return the arguments that every form field takes."""
        return {
            "label": value["label"],
            "help_text": value["help_text"] or "",
            "required": bool(value["required"]),
        }

    def build(self, value: Any) -> forms.Field:
        """Return the form field of this block."""
        return forms.CharField(max_length=500, **self.common(value))

    def typed(self, value: Any, cleaned: Any) -> Any:
        """Return the clean value as it is stored: JSON, neutral of language."""
        return cleaned

    def shown(self, value: Any, cleaned: Any) -> str:
        """Return the clean value as people read it, in the active language; '' for no answer."""
        return "" if cleaned is None else str(cleaned)

    def choices_of(self, value: Any) -> list[dict[str, str]]:
        """Return the choices offered, as `{"value", "label"}`; [] if the field has none."""
        return []


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


class NumberInput(InputBlock):
    type = "number"

    minimum = blocks.DecimalBlock(label=_("At least"), required=False)
    maximum = blocks.DecimalBlock(label=_("At most"), required=False)

    class Meta:
        label = _("Number")
        form_layout = BlockGroup(
            children=["label", "help_text", "required", "minimum", "maximum"],
            settings=["private", "in_subject", "key", "condition"],
        )

    def build(self, value: Any) -> forms.Field:
        # a text input: number inputs lose what was typed wrongly, and spin on the mouse wheel
        return forms.DecimalField(
            min_value=value["minimum"],
            max_value=value["maximum"],
            max_digits=20,
            localize=True,
            widget=forms.TextInput(attrs={"inputmode": "decimal"}),
            **self.common(value),
        )

    def typed(self, value: Any, cleaned: Decimal | None) -> int | float | None:
        if cleaned is None:
            return None
        return int(cleaned) if cleaned == cleaned.to_integral_value() else float(cleaned)

    def shown(self, value: Any, cleaned: Decimal | None) -> str:
        return "" if cleaned is None else localize(cleaned)


class DateInput(InputBlock):
    type = "date"

    class Meta:
        label = _("Date")
        icon = "date"

    def build(self, value: Any) -> forms.Field:
        return forms.DateField(
            widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
            input_formats=["%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y"],
            **self.common(value),
        )

    def typed(self, value: Any, cleaned: date | None) -> str | None:
        return cleaned.isoformat() if cleaned else None

    def shown(self, value: Any, cleaned: date | None) -> str:
        return date_format(cleaned, "DATE_FORMAT") if cleaned else ""


class ChoiceItem(blocks.StructBlock):
    label = blocks.CharBlock(label=_("Answer"), max_length=250)
    value = KeyBlock(label=_("Value"))

    class Meta:
        label_format = "{label}"
        form_layout = BlockGroup(children=["label"], settings=["value"])


class ChoiceInput(InputBlock):
    type = "choice"

    choices = blocks.ListBlock(ChoiceItem(), label=_("Answers"), min_num=1)

    class Meta:
        label = _("Choice of one")
        icon = "radio-full"
        form_layout = BlockGroup(
            children=["label", "help_text", "required", "choices"],
            settings=["private", "in_subject", "key", "condition"],
        )

    def choices_of(self, value: Any) -> list[dict[str, str]]:
        give_keys(value["choices"].bound_blocks, "value")
        return [
            {"value": child.value["value"], "label": child.value["label"]}
            for child in value["choices"].bound_blocks
        ]

    def pairs(self, value: Any) -> list[tuple[str, str]]:
        return [(one["value"], one["label"]) for one in self.choices_of(value)]

    def build(self, value: Any) -> forms.Field:
        pairs = self.pairs(value)
        if len(pairs) > 7:
            pairs = [("", _now("Please choose")), *pairs]
            return forms.ChoiceField(choices=pairs, **self.common(value))
        return forms.ChoiceField(choices=pairs, widget=forms.RadioSelect, **self.common(value))

    def typed(self, value: Any, cleaned: str) -> str | None:
        return cleaned or None

    def shown(self, value: Any, cleaned: str) -> str:
        return dict(self.pairs(value)).get(cleaned, "")

    def clean(self, value: Any) -> Any:
        cleaned = super().clean(value)
        give_keys(cleaned["choices"].bound_blocks, "value")
        if doubles(cleaned["choices"].bound_blocks, "value"):
            message = _("Two answers have the same value. Remove one and add it anew.")
            raise StructBlockValidationError({"choices": ValidationError(message)})
        return cleaned


class MultipleChoiceInput(ChoiceInput):
    type = "choices"

    class Meta:
        label = _("Choice of several")
        icon = "list-ul"

    def build(self, value: Any) -> forms.Field:
        return forms.MultipleChoiceField(
            choices=self.pairs(value), widget=forms.CheckboxSelectMultiple, **self.common(value)
        )

    def typed(self, value: Any, cleaned: list[str]) -> list[str]:  # type: ignore[override]
        return list(cleaned)

    def shown(self, value: Any, cleaned: list[str]) -> str:  # type: ignore[override]
        labels = dict(self.pairs(value))
        return ", ".join(labels[one] for one in cleaned)


class YesNoInput(InputBlock):
    type = "yes_no"

    class Meta:
        label = _("Yes or no")
        icon = "check"

    def build(self, value: Any) -> forms.Field:
        return forms.TypedChoiceField(
            choices=[("yes", _("Yes")), ("no", _("No"))],
            widget=forms.RadioSelect,
            coerce=lambda text: text == "yes",
            empty_value=None,
            **self.common(value),
        )

    def shown(self, value: Any, cleaned: bool | None) -> str:
        return "" if cleaned is None else _now("Yes") if cleaned else _now("No")


class FilesInputBlock(InputBlock):
    type = "files"

    max_files = blocks.IntegerBlock(label=_("Number of files"), required=False, min_value=1)
    max_megabytes = blocks.IntegerBlock(label=_("Megabytes each"), required=False, min_value=1)
    endings = blocks.CharBlock(
        label=_("Endings"),
        required=False,
        max_length=200,
        help_text=_("For example: pdf, jpg, png. Empty: documents and pictures."),
    )

    class Meta:
        label = _("Files")
        icon = "upload"
        form_layout = BlockGroup(
            children=["label", "help_text", "required", "max_files", "max_megabytes", "endings"],
            settings=["private", "key", "condition", "in_subject"],
        )

    def build(self, value: Any) -> forms.Field:
        bounds = limits(value["max_files"], value["max_megabytes"], value["endings"] or "")
        field = FilesField(limits=bounds, key=value["key"], **self.common(value))
        field.help_text = " ".join(filter(None, [str(field.help_text), field.hint()]))
        return field

    def typed(self, value: Any, cleaned: tuple[Upload, ...]) -> list[dict[str, Any]]:
        return [
            {"name": one.name, "size": len(one.content), "content_type": one.content_type}
            for one in cleaned
        ]

    def shown(self, value: Any, cleaned: tuple[Upload, ...]) -> str:
        return ", ".join(one.name for one in cleaned)


class ConsentInput(InputBlock):
    """A box that must be ticked; its label is the wording agreed to, frozen with the answer."""

    type = "consent"

    class Meta:
        label = _("Consent")
        icon = "circle-check"
        form_layout = BlockGroup(
            children=["label", "help_text"],
            settings=["required", "private", "in_subject", "key", "condition"],
        )

    def build(self, value: Any) -> forms.Field:
        return forms.BooleanField(
            **{**self.common(value), "required": True},
            error_messages={"required": _("Please agree, or write to us in another way.")},
        )

    def shown(self, value: Any, cleaned: bool) -> str:
        return _now("Yes") if cleaned else _now("No")
