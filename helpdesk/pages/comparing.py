"""Wagtail's comparison of two versions of a page, with the fields of a form told in words."""

from __future__ import annotations

from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from wagtail.admin.compare import FieldComparison
from wagtail.admin.panels import FieldPanel

from .conditions import fields_of
from .differences import differences


def changes_of(block: Any, before: Any, after: Any) -> list[str]:
    """Return what differs between two values of a form's stream; conditions know the fields of field sets."""
    fields = (fields_of(block.inputs(before)), fields_of(block.inputs(after)))
    return differences(before, after, fields)


class FormFieldsComparison(FieldComparison):
    """What was changed in the fields, one line each."""

    def sentences(self) -> list[str]:
        return changes_of(self.field.stream_block, self.val_a, self.val_b)

    def has_changed(self) -> bool:
        return bool(self.sentences()) or super().has_changed()

    def htmldiff(self) -> SafeString:
        """Return the sentences as a list, in HTML."""
        sentences = self.sentences()
        if not sentences:
            return format_html("<p>{}</p>", _("Nothing that anybody would see."))
        return format_html(
            '<ul class="hd-changes">{}</ul>',
            format_html_join("", "<li>{}</li>", ((sentence,) for sentence in sentences)),
        )


class FormFieldsPanel(FieldPanel):
    """The panel of a form's fields: as any other, but for the comparison."""

    def get_comparison_class(self) -> Any:
        return FormFieldsComparison
