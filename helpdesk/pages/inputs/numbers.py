"""Fields for numbers and days."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.formats import date_format, localize
from django.utils.translation import gettext_lazy as _
from wagtail import blocks
from wagtail.blocks.struct_block import BlockGroup

from helpdesk.pages.blocks import InputBlock
from helpdesk.rules.conditions import FieldType


class NumberInput(InputBlock):
    type = "number"
    compared_as = FieldType.NUMBER

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
    compared_as = FieldType.DATE

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
