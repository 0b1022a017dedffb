"""The stream of an intake form: its fields and what structures them, each key once."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _
from wagtail import blocks
from wagtail.blocks.struct_block import StructBlockValidationError

from helpdesk.rules.conditions import FieldType

from .asking import problems
from .blocks import InputBlock
from .inputs.choices import ChoiceInput, ConsentInput, MultipleChoiceInput, YesNoInput
from .inputs.files import FilesInputBlock
from .inputs.numbers import DateInput, NumberInput
from .inputs.texts import EmailInput, LongTextInput, PhoneInput, TextInput
from .keys import doubles, give_keys
from .structure import SectionBlock, StepBlock, TextBetweenBlock


class FormFieldsBlock(blocks.StreamBlock):
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
    step = StepBlock(group=_("Structure"))
    section = SectionBlock(group=_("Structure"))
    help_text = TextBetweenBlock(group=_("Structure"))

    @cached_property
    def input_types(self) -> frozenset[str]:
        """The names of the child blocks that ask for an answer."""
        return frozenset(
            name for name, block in self.child_blocks.items() if isinstance(block, InputBlock)
        )

    def clean(self, value: Any) -> Any:
        cleaned = super().clean(value)
        give_keys(self.inputs(cleaned))
        places = doubles(cleaned)
        if places:
            message = _("Another field has this key. Remove this field and add it anew.")
            error = StructBlockValidationError({"key": ValidationError(message)})
            raise blocks.StreamBlockValidationError(dict.fromkeys(places, error))
        wrong = {} if self.is_deferred_validation else problems(cleaned)
        if wrong:
            raise blocks.StreamBlockValidationError(wrong)
        return cleaned

    def get_prep_value(self, value: Any) -> Any:
        if value:
            give_keys(self.inputs(value))
            for child in self.inputs(value):
                child.block.choices_of(child.value)
        return super().get_prep_value(value)

    def kinds(self) -> dict[str, FieldType | None]:
        """Return how conditions compare what each type of block asks for; None: not at all."""
        return {
            name: getattr(block, "compared_as", None) for name, block in self.child_blocks.items()
        }

    def inputs(self, value: Any) -> list[Any]:
        """Return the children of a stream that ask for an answer."""
        return [child for child in value if child.block_type in self.input_types]
