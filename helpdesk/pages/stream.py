"""The stream of an intake form: its fields and what structures them, each key once."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from wagtail import blocks

from helpdesk.rules.conditions import FieldType

from .asking import problems
from .inputs import sets
from .inputs.choices import ChoiceInput, ConsentInput, MultipleChoiceInput, YesNoInput
from .inputs.files import FilesInputBlock
from .inputs.groups import GroupInput, PeopleInput
from .inputs.hidden import HiddenInputBlock
from .inputs.numbers import DateInput, NumberInput
from .inputs.texts import EmailInput, LoginInput, LongTextInput, PhoneInput, TextInput
from .inputs.times import TimeInput
from .keyed import KeyedStreamBlock
from .keys import doubles
from .structure import SectionBlock, StepBlock, TextBetweenBlock


class FieldsBlock(KeyedStreamBlock):
    """Fields in their order, and what structures them."""

    text = TextInput(group=_("Texts"))
    long_text = LongTextInput(group=_("Texts"))
    email = EmailInput(group=_("Texts"))
    phone = PhoneInput(group=_("Texts"))
    number = NumberInput(group=_("Numbers and days"))
    date = DateInput(group=_("Numbers and days"))
    time = TimeInput(group=_("Numbers and days"))
    choice = ChoiceInput(group=_("Answers to choose from"))
    choices = MultipleChoiceInput(group=_("Answers to choose from"))
    yes_no = YesNoInput(group=_("Answers to choose from"))
    consent = ConsentInput(group=_("Answers to choose from"))
    login = LoginInput(group=_("People and lists"))
    people = PeopleInput(group=_("People and lists"))
    group = GroupInput(group=_("People and lists"))
    files = FilesInputBlock(group=_("Files and hidden values"))
    hidden = HiddenInputBlock(group=_("Files and hidden values"))
    step = StepBlock(group=_("Structure"))
    section = SectionBlock(group=_("Structure"))
    help_text = TextBetweenBlock(group=_("Structure"))

    def clean(self, value: Any) -> Any:
        cleaned = super().clean(value)
        parts = self.parted(cleaned)
        wrong = self._doubles(cleaned, parts)
        if not wrong and not self.is_deferred_validation:
            # what is wrong within a set is told where the set is edited
            wrong = {
                parts[at][0]: error
                for at, error in problems([child for _place, child in parts]).items()
                if cleaned[parts[at][0]].block_type != sets.NAME
            }
        if wrong:
            raise blocks.StreamBlockValidationError(wrong)
        return cleaned

    def _doubles(self, cleaned: Any, parts: list[tuple[int, Any]]) -> dict[int, ValidationError]:
        """Return what is wrong with field sets: one that comes twice, or has a field the form has, too."""
        twice = ValidationError(_("This field set stands in the form already."))
        found = dict.fromkeys(sets.doubles(cleaned), twice)
        both = ValidationError(_("A field of this set stands in the form already."))
        for at in doubles([child for _place, child in parts]):
            found.setdefault(parts[at][0], both)
        return found

    def kinds(self) -> dict[str, FieldType | None]:
        """Return how conditions compare what each type of block asks for; None: not at all."""
        return {
            name: getattr(block, "compared_as", None) for name, block in self.child_blocks.items()
        }

    def inputs(self, value: Any) -> list[Any]:
        """Return the children of a stream that ask for an answer, those of its field sets among them."""
        return [child for child in self.expanded(value) if child.block_type in self.input_types]

    def expanded(self, value: Any) -> list[Any]:
        """Return all children of a stream in their order, with those of a field set in its place.

        Sets are shown in the active language.
        """
        return [child for _place, child in self.parted(value)]

    def parted(self, value: Any) -> list[tuple[int, Any]]:
        """Return the same, each with its place in the stream itself."""
        return sets.unfold(list(value))


class FormFieldsBlock(FieldsBlock):
    """The fields of an intake form in their order; it may use field sets."""

    def __init__(self, local_blocks: Any = None, **kwargs: Any) -> None:
        super().__init__([*(local_blocks or ()), *sets.offered()], **kwargs)
