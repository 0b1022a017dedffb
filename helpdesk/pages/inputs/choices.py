"""Fields with given answers: one of several, several, yes or no, consent."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from wagtail import blocks
from wagtail.blocks.struct_block import BlockGroup, StructBlockValidationError

from helpdesk.pages.blocks import InputBlock, KeyBlock, layout
from helpdesk.pages.keys import doubles, give_keys
from helpdesk.rules.conditions import FieldType

#: From so many answers on, a list takes less room than buttons.
_MANY = 8


def _buttons(pairs: list[tuple[str, str]], common: dict[str, Any]) -> list[tuple[str, Any]]:
    """Return what is offered as buttons: with one that takes the answer back, if none need be given."""
    return [*pairs] if common["required"] else [*pairs, ("", _now("No answer"))]


class ChoiceItem(blocks.StructBlock):
    label = blocks.CharBlock(label=_("Answer"), max_length=250)
    value = KeyBlock(label=_("Value"))

    class Meta:
        label = _("Answer")
        label_format = "{label}"
        form_layout = BlockGroup(children=["label"], settings=["value"])


class ChoiceInput(InputBlock):
    type = "choice"
    compared_as = FieldType.CHOICE

    choices = blocks.ListBlock(ChoiceItem(), label=_("Answers"), min_num=1)

    class Meta:
        label = _("Choice of one")
        icon = "radio-full"
        form_layout = layout("choices")

    def choices_of(self, value: Any) -> list[dict[str, str]]:
        give_keys(value["choices"].bound_blocks, "value")
        return [
            {"value": child.value["value"], "label": child.value["label"]}
            for child in value["choices"].bound_blocks
        ]

    def pairs(self, value: Any) -> list[tuple[str, str]]:
        return [(one["value"], one["label"]) for one in self.choices_of(value)]

    def build(self, value: Any) -> forms.Field:
        pairs, common = self.pairs(value), self.common(value)
        if len(pairs) >= _MANY:
            pairs = [("", _now("Please choose")), *pairs]
            return forms.ChoiceField(choices=pairs, **common)
        pairs = _buttons(pairs, common)
        return forms.ChoiceField(choices=pairs, widget=forms.RadioSelect, **common)

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
    compared_as = FieldType.LIST

    class Meta:
        label = _("Choice of several")
        icon = "list-ul"

    def build(self, value: Any) -> forms.Field:
        return forms.MultipleChoiceField(
            choices=self.pairs(value), widget=forms.CheckboxSelectMultiple, **self.common(value)
        )

    def typed(self, value: Any, cleaned: list[str] | None) -> list[str]:  # type: ignore[override]
        return list(cleaned or ())

    def shown(self, value: Any, cleaned: list[str] | None) -> str:  # type: ignore[override]
        labels = dict(self.pairs(value))
        return ", ".join(labels[one] for one in cleaned or ())


class YesNoInput(InputBlock):
    type = "yes_no"
    compared_as = FieldType.BOOLEAN

    class Meta:
        label = _("Yes or no")
        icon = "check"

    def build(self, value: Any) -> forms.Field:
        common = self.common(value)
        return forms.TypedChoiceField(
            choices=_buttons([("yes", _now("Yes")), ("no", _now("No"))], common),
            widget=forms.RadioSelect,
            coerce=lambda text: text == "yes",
            empty_value=None,
            **common,
        )

    def shown(self, value: Any, cleaned: bool | None) -> str:
        return "" if cleaned is None else _now("Yes") if cleaned else _now("No")


class ConsentInput(InputBlock):
    """A box that must be ticked; its label is the wording agreed to, frozen with the answer."""

    type = "consent"
    compared_as = FieldType.BOOLEAN
    not_offered = frozenset({"required", "required_when"})

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
