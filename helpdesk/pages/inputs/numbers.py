"""Fields for numbers and days."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.formats import date_format, get_format, localize
from django.utils.translation import gettext_lazy as _
from wagtail import blocks
from wagtail.blocks.struct_block import StructBlockValidationError

from helpdesk.pages.blocks import InputBlock, autofill, layout
from helpdesk.rules.conditions import FieldType

from .ranges import within

#: How far from today a day may be asked for.
MAX_DAYS = 3650


#: By decimal sign: a number with its thousands grouped. A leading zero makes no group: 0.500 is a half everywhere.
_GROUPED = {
    decimal: re.compile(rf"[+-]?[1-9][0-9]{{0,2}}([{group} \u00a0\u202f])[0-9]{{3}}(?:\1[0-9]{{3}})*(?:\{decimal}[0-9]+)?")
    for decimal, group in ((",", "."), (".", ","))
}  # fmt: skip


def ungrouped(text: str) -> str:
    """Return a number as it was typed in the active language without the signs between its thousands.

    In German “1.000” is a thousand, in English “1,000”. `static/helpdesk/forms.js` reads the same way.
    """
    decimal = get_format("DECIMAL_SEPARATOR")
    pattern = _GROUPED.get(decimal)
    found = pattern.fullmatch(text) if pattern else None
    return text.replace(found[1], "") if found else text


class NumberField(forms.DecimalField):
    """A number as people write it, with or without signs between the thousands."""

    def to_python(self, value: Any) -> Any:
        return super().to_python(ungrouped(str(value or "").strip()))


class WholeNumberField(NumberField):
    """A number without decimals."""

    def clean(self, value: Any) -> Decimal | None:
        number: Decimal | None = super().clean(value)
        if number is not None and number != number.to_integral_value():
            raise ValidationError(_("Please enter a whole number."), code="whole")
        return number


class NumberInput(InputBlock):
    type = "number"
    compared_as = FieldType.NUMBER

    minimum = blocks.DecimalBlock(label=_("At least"), required=False)
    maximum = blocks.DecimalBlock(label=_("At most"), required=False)
    decimals = blocks.BooleanBlock(label=_("Decimals are possible"), required=False, default=True)

    class Meta:
        label = _("Number")
        icon = "order"
        form_layout = layout(more=["minimum", "maximum", "decimals"])

    def build(self, value: Any) -> forms.Field:
        least = value["minimum"]
        is_whole = not value["decimals"]
        # a text input: number inputs lose what was typed wrongly, and spin on the mouse wheel; the keys
        # of "numeric" have no sign
        mode = "numeric" if is_whole and least is not None and least >= 0 else "decimal"
        return (WholeNumberField if is_whole else NumberField)(
            validators=within(least, value["maximum"]),
            max_digits=20,
            localize=True,
            widget=forms.TextInput(attrs={"inputmode": mode}),
            **self.common(value),
        )

    def typed(self, value: Any, cleaned: Decimal | None) -> int | float | None:
        if cleaned is None:
            return None
        return int(cleaned) if cleaned == cleaned.to_integral_value() else float(cleaned)

    def shown(self, value: Any, cleaned: Decimal | None) -> str:
        if cleaned is None:
            return ""
        is_whole = cleaned == cleaned.to_integral_value()
        return localize(int(cleaned) if is_whole else cleaned.normalize())

    def clean(self, value: Any) -> Any:
        cleaned = super().clean(value)
        least, most = cleaned["minimum"], cleaned["maximum"]
        if least is not None and most is not None and least > most:
            message = _("This is less than the least number.")
            raise StructBlockValidationError({"maximum": ValidationError(message)})
        return cleaned


@dataclass(frozen=True)
class Window:
    """The days that may be chosen, first and last included; None: no such end."""

    first: date | None = None
    last: date | None = None

    def narrowed(self, first: date | None, last: date | None) -> Window:
        """Return what this window and another have in common."""
        return Window(
            max(filter(None, (self.first, first)), default=None),
            min(filter(None, (self.last, last)), default=None),
        )

    def __call__(self, day: date) -> None:
        """Raises `ValidationError` for a day outside."""
        if (self.first and day < self.first) or (self.last and day > self.last):
            raise ValidationError(self.words(), code="window")

    def words(self) -> str:
        first = date_format(self.first, "DATE_FORMAT") if self.first else ""
        last = date_format(self.last, "DATE_FORMAT") if self.last else ""
        if self.first and self.last and self.first > self.last:
            return str(_("No day is possible here at the moment."))
        if first and last:
            words = _("Please choose a day from %(first)s to %(last)s.")
        elif first:
            words = _("Please choose %(first)s or a later day.")
        else:
            words = _("Please choose %(last)s or an earlier day.")
        return str(words) % {"first": first, "last": last}


class DateInput(InputBlock):
    type = "date"
    compared_as = FieldType.DATE

    relative = blocks.ChoiceBlock(
        label=_("Seen from today"),
        required=False,
        choices=[
            ("from_today", _("today or later")),
            ("within", _("today or later, within a number of days")),
            ("until_today", _("today or earlier")),
            ("past", _("before today")),
        ],
    )
    days = blocks.IntegerBlock(
        label=_("Number of days"), required=False, min_value=0, max_value=MAX_DAYS
    )
    earliest = blocks.DateBlock(label=_("First day possible"), required=False)
    latest = blocks.DateBlock(label=_("Last day possible"), required=False)
    autocomplete = autofill("bday")

    class Meta:
        label = _("Date")
        icon = "date"
        form_layout = layout(more=["relative", "days", "earliest", "latest", "autocomplete"])

    def window(self, value: Any) -> Window:
        """Return the days that may be chosen today."""
        today = timezone.localdate()
        seen = {
            "from_today": Window(today),
            "within": Window(today, today + timedelta(days=value["days"] or 0)),
            "until_today": Window(None, today),
            "past": Window(None, today - timedelta(days=1)),
        }.get(value["relative"] or "", Window())
        return seen.narrowed(value["earliest"], value["latest"])

    def build(self, value: Any) -> forms.Field:
        window = self.window(value)
        attrs = {"type": "date", **self.attrs(value)}
        if window.first:
            attrs["min"] = window.first.isoformat()
        if window.last:
            attrs["max"] = window.last.isoformat()
        return forms.DateField(
            widget=forms.DateInput(format="%Y-%m-%d", attrs=attrs),
            input_formats=["%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y"],
            validators=[window],
            **self.common(value),
        )

    def typed(self, value: Any, cleaned: date | None) -> str | None:
        return cleaned.isoformat() if cleaned else None

    def shown(self, value: Any, cleaned: date | None) -> str:
        return date_format(cleaned, "DATE_FORMAT") if cleaned else ""

    def clean(self, value: Any) -> Any:
        cleaned = super().clean(value)
        first, last = cleaned["earliest"], cleaned["latest"]
        if first and last and first > last:
            message = _("This is before the first day.")
            raise StructBlockValidationError({"latest": ValidationError(message)})
        if cleaned["relative"] == "within" and cleaned["days"] is None:
            message = _("Please say within how many days.")
            raise StructBlockValidationError({"days": ValidationError(message)})
        return cleaned
