"""Which fields a form has, and has had: across its versions and languages, by key."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils import translation
from django.utils.translation import gettext as _
from wagtail.blocks import StreamValue

from helpdesk.models import AskedField
from helpdesk.rules.answers import WITHIN


@dataclass(frozen=True)
class FormField:
    """A field as the form's editors know it; `choices` are labels by value.

    `is_asked` is False for one that no version on the site asks any more: its label is the one last shown.
    """

    key: str
    type: str
    label: str
    choices: dict[str, str] = field(default_factory=dict)
    is_asked: bool = True

    @property
    def heading(self) -> str:
        """The label, with a remark if the field is gone."""
        if self.is_asked:
            return self.label
        return _("%(label)s (no longer asked)") % {"label": self.label}

    @property
    def within(self) -> str:
        """The key of the list of rows that it belongs to; '' for a field of the form itself."""
        return self.key.rpartition(WITHIN)[0]


def fields_across(page: Any) -> list[FormField]:
    """Return all fields of a form: as it stands, then those of its other languages, then those that are gone.

    Two queries, whatever the number of tickets and versions.
    """
    language = page.locale.language_code
    found: dict[str, FormField] = {}
    for one in [page, *_other_languages(page)]:
        for asked in asked_now(one):
            _add(found, asked)
    rows = AskedField.objects.filter(form_key=page.form_key)
    for row in sorted(rows, key=lambda row: (row.language != language, row.pk)):
        choices = {str(value): str(label) for value, label in row.choices}
        _add(found, FormField(row.key, row.type, row.label, choices, is_asked=False))
    return list(found.values())


def asked_now(page: Any) -> Iterator[FormField]:
    """Yield the fields that a page asks as it stands, in its language."""
    with translation.override(page.locale.language_code):
        children = page.fields.stream_block.inputs(page.fields)
    for child in children:
        choices = {one["value"]: one["label"] for one in child.block.choices_of(child.value)}
        yield FormField(child.value["key"], child.block.type, child.value["label"], choices)
        for column in _columns(child):
            within = {one["value"]: one["label"] for one in column.block.choices_of(column.value)}
            yield FormField(
                child.value["key"] + WITHIN + column.value["key"],
                column.block.type,
                f"{child.value['label']}: {column.value['label']}",
                within,
            )


def _columns(child: Any) -> Iterator[Any]:
    """Yield the fields of each row, if the field is a list of rows: it has a stream of its own."""
    for part in child.value.values():
        if isinstance(part, StreamValue):
            yield from (
                one for one in part if isinstance(one.value, Mapping) and "key" in one.value
            )


def _add(found: dict[str, FormField], new: FormField) -> None:
    """Add a field, or the answers to choose from that it once offered to one that is there."""
    known = found.setdefault(new.key, new)
    for value, label in new.choices.items():
        known.choices.setdefault(value, label)


def _other_languages(page: Any) -> Iterable[Any]:
    pages = type(page).objects.filter(translation_key=page.form_key, live=True)
    return pages.exclude(pk=page.pk).order_by("pk")
