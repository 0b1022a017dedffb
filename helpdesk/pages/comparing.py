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
from .rule_changes import rule_changes


def changes_of(block: Any, before: Any, after: Any) -> list[str]:
    """Return what differs between two values of a form's stream; conditions know the fields of field sets."""
    fields = (fields_of(block.inputs(before)), fields_of(block.inputs(after)))
    return differences(before, after, fields)


class InWords(FieldComparison):
    """What was changed in one field of a page, a sentence for each thing."""

    def sentences(self) -> list[str]:
        raise NotImplementedError

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


class FormFieldsComparison(InWords):
    """What was changed in the fields of a form."""

    def sentences(self) -> list[str]:
        return changes_of(self.field.stream_block, self.val_a, self.val_b)


class RoutesComparison(InWords):
    """What was changed in the rules of routing; their conditions name the questions of each version."""

    def __init__(self, field: Any, obj_a: Any, obj_b: Any) -> None:
        super().__init__(field, obj_a, obj_b)
        self.fields = (obj_a.condition_fields(), obj_b.condition_fields())

    def sentences(self) -> list[str]:
        return rule_changes(self.val_a, self.val_b, self.fields)


class RoutesPanel(FieldPanel):
    """The panel of the rules of routing: as any other, but for the comparison."""

    def get_comparison_class(self) -> Any:
        return RoutesComparison


class FormFieldsPanel(FieldPanel):
    """The panel of a form's fields: as any other, but for the comparison."""

    def get_comparison_class(self) -> Any:
        return FormFieldsComparison
