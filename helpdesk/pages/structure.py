"""What structures a form: steps, sections, and texts between its fields; each may stand under a condition."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext_lazy as _
from wagtail import blocks
from wagtail.blocks.struct_block import BlockGroup

from .blocks import ConditionBlock

_FEATURES = ["bold", "italic", "link", "ol", "ul"]


class StepBlock(blocks.StructBlock):
    """A new step of the form; all up to the next one belongs to it, and is not asked if the step is not."""

    title = blocks.CharBlock(
        label=_("Title"),
        max_length=100,
        help_text=_("A few words: they stand in the list of steps as well."),
    )
    text = blocks.RichTextBlock(label=_("Text"), required=False, features=_FEATURES)
    condition = ConditionBlock(required=False, label=_("Shown when"))

    class Meta:
        label = _("Step")
        icon = "arrow-right-full"
        label_format = "{title}"
        form_layout = BlockGroup(children=["title", "text"], settings=["condition"])


class SectionBlock(blocks.StructBlock):
    """A heading; the fields up to the next one belong to it, and are not asked if it is not shown."""

    heading = blocks.CharBlock(label=_("Heading"), max_length=250)
    text = blocks.RichTextBlock(label=_("Text"), required=False, features=_FEATURES)
    condition = ConditionBlock(required=False, label=_("Shown when"))

    class Meta:
        label = _("Section")
        icon = "title"
        label_format = "{heading}"
        form_layout = BlockGroup(children=["heading", "text"], settings=["condition"])


class TextBetweenBlock(blocks.StructBlock):
    """A text between fields. It was a text alone once: such values are read as well."""

    text = blocks.RichTextBlock(label=_("Text"), features=_FEATURES)
    condition = ConditionBlock(required=False, label=_("Shown when"))

    class Meta:
        label = _("Text between fields")
        icon = "pilcrow"
        label_format = "{text}"
        form_layout = BlockGroup(children=["text"], settings=["condition"])

    def to_python(self, value: Any) -> Any:
        return super().to_python(_as_struct(value))

    def bulk_to_python(self, values: Iterable[Any]) -> Any:
        return super().bulk_to_python([_as_struct(value) for value in values])

    def normalize(self, value: Any) -> Any:
        return super().normalize(_as_struct(value))


def _as_struct(value: Any) -> Any:
    return value if isinstance(value, dict) else {"text": value}
