"""A stream of fields in which each has a key of its own: of a form, of a field set, of a list's columns."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _
from wagtail import blocks
from wagtail.blocks.struct_block import StructBlockValidationError

from .blocks import InputBlock
from .keys import doubles, give_keys


class KeyedStreamBlock(blocks.StreamBlock):
    """Gives keys when it is checked or stored, and refuses a key that comes twice."""

    @cached_property
    def input_types(self) -> frozenset[str]:
        """The names of the child blocks that ask for an answer."""
        return frozenset(
            name for name, block in self.child_blocks.items() if isinstance(block, InputBlock)
        )

    def clean(self, value: Any) -> Any:
        cleaned = super().clean(value)
        give_keys(self.own_inputs(cleaned))
        places = doubles(cleaned)
        if places:
            message = _("Another field has this key. Remove this field and add it anew.")
            error = StructBlockValidationError({"key": ValidationError(message)})
            raise blocks.StreamBlockValidationError(dict.fromkeys(places, error))
        return cleaned

    def get_prep_value(self, value: Any) -> Any:
        if value:
            give_keys(self.own_inputs(value))
            for child in self.own_inputs(value):
                child.block.choices_of(child.value)
        return super().get_prep_value(value)

    def own_inputs(self, value: Any) -> list[Any]:
        """Return the children of a stream that ask for an answer themselves."""
        return [child for child in value if child.block_type in self.input_types]
