"""The demo's field sets: questions that several forms may share, in both languages."""

from __future__ import annotations

from django.contrib.auth.models import Group, Permission
from wagtail.models import Locale

from portal.models import FieldSet

from .blocks import Block
from .forms import FORMS, SETS
from .ordering import FIELDS as ORDER_FIELDS
from .people import WAGTAIL_EDITORS, WAGTAIL_MODERATORS

#: Who of the demo may do what with field sets.
_MAY = {
    WAGTAIL_EDITORS: ("add", "change"),
    WAGTAIL_MODERATORS: ("add", "change", "delete", "publish"),
}


def make_field_sets(german: Locale, english: Locale) -> None:
    """Make all sets in German, translated into English, both published, and let editors at them."""
    for group, verbs in _MAY.items():
        names = [f"{verb}_fieldset" for verb in verbs]
        allowed = Permission.objects.filter(content_type__app_label="portal", codename__in=names)
        Group.objects.get_or_create(name=group)[0].permissions.add(*allowed)
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
    fields = {**FORMS, "orders": ORDER_FIELDS}[form]
    blocks = [field.raw(form, language) for field in fields]
    for field, block in zip(fields, blocks, strict=True):
        if field.type == "field_set":
            title = SETS[field.name][0]
            block["value"] = FieldSet.objects.get(title=title, locale__language_code="de").pk
    return blocks
