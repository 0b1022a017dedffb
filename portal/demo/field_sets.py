"""The demo's field sets: questions that several forms may share, in both languages."""

from __future__ import annotations

from wagtail.models import Locale

from portal.models import FieldSet

from .blocks import Block
from .forms import FORMS, SETS


def make_field_sets(german: Locale, english: Locale) -> None:
    """Make all sets in German, translated into English, both published."""
    for name, (title, title_en, fields) in SETS.items():
        one = FieldSet(title=title, locale=german)
        one.fields = [field.raw(f"set/{name}", "de") for field in fields]
        one.save()
        one.save_revision().publish()
        copy = one.copy_for_translation(english)
        copy.title = title_en
        copy.fields = [field.raw(f"set/{name}", "en") for field in fields]
        copy.save()
        copy.save_revision().publish()


def fields_of(form: str, language: str) -> list[Block]:
    """Return the blocks of a demo form in one language, with its field sets."""
    blocks = [field.raw(form, language) for field in FORMS[form]]
    for field, block in zip(FORMS[form], blocks, strict=True):
        if field.type == "field_set":
            title = SETS[field.name][0]
            block["value"] = FieldSet.objects.get(title=title, locale__language_code="de").pk
    return blocks
