"""Fields for times of day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.formats import time_format
from django.utils.translation import gettext_lazy as _
from wagtail import blocks
from wagtail.blocks.struct_block import StructBlockValidationError

from helpdesk.pages.blocks import InputBlock, layout
from helpdesk.rules.conditions import FieldType


@dataclass(frozen=True)
class Hours:
    """The times that may be chosen, both ends included; None: no such end. Whole minutes count."""

    earliest: time | None = None
    latest: time | None = None

    def __call__(self, value: time) -> None:
        """Raises `ValidationError` for a time outside."""
        asked = value.replace(second=0, microsecond=0)
        too_early = self.earliest is not None and asked < self.earliest
        if too_early or (self.latest is not None and asked > self.latest):
            raise ValidationError(self.words(), code="hours")

    def words(self) -> str:
        if self.earliest is not None and self.latest is not None:
            words = _("Please choose a time from %(first)s to %(last)s.")
        elif self.earliest is not None:
            words = _("Please choose %(first)s or a later time.")
        else:
            words = _("Please choose %(last)s or an earlier time.")
        return str(words) % {"first": said(self.earliest), "last": said(self.latest)}


def said(value: time | None) -> str:
    """Return a time of day as people read it in the active language; '' for none."""
    return "" if value is None else time_format(value, "TIME_FORMAT")


class TimeInput(InputBlock):
    """A time of day; stored as HH:MM."""

    type = "time"
    compared_as = FieldType.TIME

    earliest = blocks.TimeBlock(label=_("Earliest time possible"), required=False)
    latest = blocks.TimeBlock(label=_("Latest time possible"), required=False)

    class Meta:
        label = _("Time of day")
        icon = "time"
        form_layout = layout(more=["earliest", "latest"])

    def build(self, value: Any) -> forms.Field:
        hours = Hours(value["earliest"], value["latest"])
        attrs = {"type": "time"}
        if hours.earliest is not None:
            attrs["min"] = _stored(hours.earliest)
        if hours.latest is not None:
            attrs["max"] = _stored(hours.latest)
        return forms.TimeField(
            widget=forms.TimeInput(format="%H:%M", attrs=attrs),
            input_formats=["%H:%M", "%H:%M:%S", "%H.%M"],
            validators=[hours],
            **self.common(value),
        )

    def typed(self, value: Any, cleaned: time | None) -> str | None:
        return None if cleaned is None else _stored(cleaned)

    def shown(self, value: Any, cleaned: time | None) -> str:
        return said(cleaned)

    def clean(self, value: Any) -> Any:
        cleaned = super().clean(value)
        earliest, latest = cleaned["earliest"], cleaned["latest"]
        if earliest is not None and latest is not None and earliest > latest:
            message = _("This is before the earliest time.")
            raise StructBlockValidationError({"latest": ValidationError(message)})
        return cleaned


def _stored(value: time) -> str:
    return value.strftime("%H:%M")
