"""Field sets in a form: chosen once, and unfolded into their fields, in the language of the page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.apps import apps
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from wagtail.snippets.blocks import SnippetChooserBlock

from helpdesk import conf

#: The name of the block in a form's stream.
NAME = "field_set"


class FieldSetBlock(SnippetChooserBlock):
    """The choice of a field set."""

    class Meta:
        label = _("Field set")
        icon = "snippet"
        group = _("Ready-made")
        help_text = _(
            "Its questions stand here. A change of the set changes every form that uses it."
        )


def offered() -> list[tuple[str, FieldSetBlock]]:
    """Return the block as a stream takes it; [] on a site that has no model for field sets."""
    model = conf.get("FIELD_SET_MODEL")
    return [(NAME, FieldSetBlock(model, required=True))] if model else []


def live() -> Any:
    """Return the site's live field sets; [] on a site without."""
    name = conf.get("FIELD_SET_MODEL")
    return apps.get_model(name).objects.filter(live=True) if name else []


def unfold(children: Sequence[Any]) -> list[tuple[int, Any]]:
    """Return the children with those of field sets in their place, each with the place it comes from.

    A set speaks the active language, or its own where there is no live translation. One that is gone, or
    not live, asks for nothing. One query, however many sets there are.
    """
    used = [child.value for child in children if child.block_type == NAME and child.value]
    sets = _in_language(used) if used else {}
    found: list[tuple[int, Any]] = []
    for place, child in enumerate(children):
        if child.block_type != NAME:
            found.append((place, child))
        elif child.value and child.value.pk in sets:
            found += [(place, one) for one in _spoken(sets[child.value.pk])]
    return found


def _spoken(one: Any) -> Iterator[Any]:
    """Yield the children of a set; one of another language than the active one has it as `language`."""
    language = one.locale.language_code
    for child in one.fields:
        if language != get_language():
            child.language = language
        yield child


def missing(children: Sequence[Any]) -> list[Any]:
    """Return the sets among the children that ask for nothing in the active language: they are not live."""
    used = [child.value for child in children if child.block_type == NAME and child.value]
    found = _in_language(used) if used else {}
    return [one for one in used if one.pk not in found]


def doubles(children: Sequence[Any]) -> list[int]:
    """Return the places of field sets that stand in the form already."""
    seen = set()
    places = []
    for place, child in enumerate(children):
        if child.block_type == NAME and child.value:
            if child.value.translation_key in seen:
                places.append(place)
            seen.add(child.value.translation_key)
    return places


def _in_language(used: Sequence[Any]) -> dict[int, Any]:
    """Return the live set to show for each one used, by the id of that."""
    rows = (
        type(used[0])
        .objects.filter(translation_key__in={one.translation_key for one in used}, live=True)
        .select_related("locale")
    )
    live = {(row.translation_key, row.locale.language_code): row for row in rows}
    by_id = {row.pk: row for row in rows}
    found = {
        one.pk: live.get((one.translation_key, get_language()), by_id.get(one.pk)) for one in used
    }
    return {pk: row for pk, row in found.items() if row is not None}
