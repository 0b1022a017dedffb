"""The stream of an intake form: its fields and what structures them, each key once."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from wagtail import blocks

from .inputs.choices import ChoiceInput, ConsentInput, MultipleChoiceInput, YesNoInput
from .inputs.files import FilesInputBlock
from .inputs.groups import GroupInput, PeopleInput
from .inputs.numbers import DateInput, NumberInput
from .inputs.texts import EmailInput, LoginInput, LongTextInput, PhoneInput, TextInput
from .keyed import KeyedStreamBlock


class SectionBlock(blocks.StructBlock):
    """A heading; the fields up to the next one belong to it."""

    heading = blocks.CharBlock(label=_("Heading"), max_length=250)
    text = blocks.RichTextBlock(
        label=_("Text"), required=False, features=["bold", "italic", "link", "ol", "ul"]
    )

    class Meta:
        label = _("Section")
        icon = "title"
        label_format = "{heading}"


class FormFieldsBlock(KeyedStreamBlock):
    """The fields of an intake form in their order."""

    text = TextInput(group=_("Fields"))
    long_text = LongTextInput(group=_("Fields"))
    email = EmailInput(group=_("Fields"))
    phone = PhoneInput(group=_("Fields"))
    number = NumberInput(group=_("Fields"))
    date = DateInput(group=_("Fields"))
    choice = ChoiceInput(group=_("Fields"))
    choices = MultipleChoiceInput(group=_("Fields"))
    yes_no = YesNoInput(group=_("Fields"))
    files = FilesInputBlock(group=_("Fields"))
    consent = ConsentInput(group=_("Fields"))
    login = LoginInput(group=_("Fields"))
    group = GroupInput(group=_("Fields"))
    people = PeopleInput(group=_("Fields"))
    section = SectionBlock(group=_("Structure"))
    help_text = blocks.RichTextBlock(
        label=_("Text between fields"),
        icon="pilcrow",
        features=["bold", "italic", "link", "ol", "ul"],
        group=_("Structure"),
    )

    def inputs(self, value: Any) -> list[Any]:
        """Return the children of a stream that ask for an answer, those of its field sets among them."""
        return [child for child in self.expanded(value) if child.block_type in self.input_types]

    def expanded(self, value: Any) -> list[Any]:
        """Return all children of a stream in their order, with those of a field set in its place."""
        return list(value)
