"""The field for files."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from wagtail import blocks
from wagtail.blocks.struct_block import StructBlockValidationError

from helpdesk.pages.blocks import InputBlock, NeutralCharBlock, layout
from helpdesk.pages.uploads import Chosen, FilesField, check_ending, endings_of, limits


class FilesInputBlock(InputBlock):
    type = "files"
    compared_as = None

    max_files = blocks.IntegerBlock(label=_("Number of files"), required=False, min_value=1)
    max_megabytes = blocks.IntegerBlock(label=_("Megabytes each"), required=False, min_value=1)
    endings = NeutralCharBlock(
        label=_("Endings"),
        required=False,
        max_length=200,
        help_text=_("For example: pdf, jpg, png. Empty: documents and pictures."),
    )

    class Meta:
        label = _("Files")
        icon = "upload"
        form_layout = layout(more=["max_files", "max_megabytes", "endings"])

    def build(self, value: Any) -> forms.Field:
        bounds = limits(value["max_files"], value["max_megabytes"], value["endings"] or "")
        field = FilesField(limits=bounds, key=value["key"], **self.common(value))
        field.help_text = " ".join(filter(None, [str(field.help_text), field.hint()]))
        return field

    def clean(self, value: Any) -> Any:
        cleaned = super().clean(value)
        try:
            for ending in endings_of(cleaned["endings"] or ""):
                check_ending(ending)
        except ValidationError as error:
            raise StructBlockValidationError({"endings": error}) from error
        return cleaned

    def typed(self, value: Any, cleaned: tuple[Chosen, ...]) -> list[dict[str, Any]]:
        return [
            {"name": one.name, "size": one.size, "content_type": one.content_type}
            for one in cleaned
        ]

    def shown(self, value: Any, cleaned: tuple[Chosen, ...]) -> str:
        return ", ".join(one.name for one in cleaned)
