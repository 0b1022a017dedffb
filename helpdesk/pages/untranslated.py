"""Words of a form that are the same in two languages: nobody has translated them, it seems."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from wagtail.blocks import StreamValue

from .differences import plain, quoted

#: What a page says itself, beside its fields.
_OF_PAGE = (
    "intro", "subject", "receipt_subject", "receipt_text", "thank_you", "storage_purpose", "legal_basis",
    "text_before", "text_after", "text_full", "text_excluded",
)  # fmt: skip
#: What a block says beside its label; labels are compared by who calls.
_OF_BLOCK = ("heading", "title", "text", "help_text", "row_name", "own_message")


def left_as_they_are(page: Any, other: Any) -> list[str]:
    """Return in words which texts of `other`, a version of `page` in another language, are those of `page`.

    Labels of fields are not among them. One query for each of the two if the form uses field sets.
    """
    mine, theirs = _by_identity(page), _by_identity(other)
    found = [
        part
        for name, child in mine.items()
        if name in theirs
        for part in _same(child, theirs[name])
    ]
    for name in _OF_PAGE:
        words = _words(getattr(page, name))
        if _speaks(words) and words == _words(getattr(other, name)):
            found.append(quoted(page._meta.get_field(name).verbose_name))
    return found


def _by_identity(page: Any) -> dict[str, Any]:
    """Return the blocks of a form by what is the same in all its languages: its key, or the id of its block."""
    with translation.override(page.locale.language_code):
        children = page.fields.stream_block.expanded(page.fields)
    return {
        str((child.value.get("key") if isinstance(child.value, Mapping) else "") or child.id): child
        for child in children
    }


def _same(mine: Any, theirs: Any) -> Iterator[str]:
    """Yield which words of two blocks are the same."""
    if not (isinstance(mine.value, Mapping) and isinstance(theirs.value, Mapping)):
        return
    for name in _OF_BLOCK:
        words = plain(mine.value.get(name))
        if _speaks(words) and words == plain(theirs.value.get(name)):
            yield _of(mine, mine.block.child_blocks[name].label)
    if _answers(mine) and _answers(mine) == _answers(theirs):
        yield _of(mine, mine.block.child_blocks["choices"].label)


def _of(child: Any, setting: str | Promise) -> str:
    """Return what a setting of a block is called: `“Room” (Help)`."""
    value = child.value
    name = value.get("label") or value.get("heading") or value.get("title") or child.block.label
    return _("%(name)s (%(setting)s)") % {"name": quoted(name), "setting": setting}


def _answers(child: Any) -> list[str]:
    """Return the answers to choose from; of proper names and numbers nobody knows that they are no translation."""
    choices_of = getattr(child.block, "choices_of", None)
    return [one["label"] for one in choices_of(child.value)] if choices_of else []


def _speaks(words: str) -> bool:
    """Tell whether a text has words of its own, beside its variables."""
    return any(char.isalpha() for char in re.sub(r"\{\{.*?\}\}", "", words))


def _words(value: Any) -> str:
    """Return a text of a page as it is compared; of a stream what it holds."""
    if isinstance(value, StreamValue):
        return json.dumps([child.get_prep_value()["value"] for child in value])
    return plain(value)
