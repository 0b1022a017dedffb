"""What uses the answers to a field, so that an editor who removes it reads what depends on it.

Whoever keeps keys of fields elsewhere says so, once, at the start:

    @uses.register
    def views_of(page):
        yield Use(key="f0a1…", where=_("the view “%(name)s”") % {…})

A function is asked with the page as it would be published, and needs a constant number of queries. What stands on
the page itself (conditions, rules, texts) is known already.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from django.db import models
from django.utils.translation import gettext as _
from wagtail.blocks import StreamValue
from wagtail.blocks.list_block import ListValue
from wagtail.fields import StreamField

from helpdesk.rules import wording

from .wordings import ANSWER


@dataclass(frozen=True)
class Use:
    """A place that names a field by its key: `where` goes on “… is used by”."""

    key: str
    where: str


Finder = Callable[[Any], Iterable[Use]]
F = TypeVar("F", bound=Finder)

_FINDERS: list[Finder] = []


def register(function: F) -> F:
    """Let `function` be asked which fields of a form something else uses."""
    if function not in _FINDERS:
        _FINDERS.append(function)
    return function


def uses_of(page: Any) -> list[Use]:
    """Return every use of fields of a form, each once: those on the page first."""
    return list(dict.fromkeys(use for finder in _FINDERS for use in finder(page)))


# --- on the page itself ------------------------------------------------------------------------------


@register
def conditions_of(page: Any) -> Iterator[Use]:
    """Yield the fields that conditions ask about, in the form and in other streams of the page."""
    for field in _fields(page, StreamField):
        for number, child in enumerate(getattr(page, field.name), 1):
            for tree in _trees(child.value):
                for key in _asked(tree):
                    yield Use(key, _place(field, child, number))


@register
def texts_of(page: Any) -> Iterator[Use]:
    """Yield the fields that texts of the page name as variables."""
    for field in _fields(page, models.CharField, models.TextField, StreamField):
        value = field.value_from_object(page)
        if isinstance(field, StreamField):
            value = json.dumps(field.get_prep_value(value), default=str)
        for name in wording.names(str(value or "")):
            if not name.startswith(ANSWER):
                continue
            yield Use(
                name.removeprefix(ANSWER), _("the text “%(text)s”") % {"text": field.verbose_name}
            )


def _fields(page: Any, *kinds: type[Any]) -> Iterator[Any]:
    return (field for field in page._meta.concrete_fields if isinstance(field, kinds))


def _place(field: Any, child: Any, number: int) -> str:
    if field.name == "fields":
        label = child.value.get("label") or child.value.get("heading") or child.block.label
        return _("the condition of “%(field)s”") % {"field": label}
    return _("“%(list)s”, number %(number)d") % {"list": field.verbose_name, "number": number}


def _trees(value: Any) -> Iterator[dict[str, Any]]:
    """Yield the conditions in the value of a block, however deep."""
    if isinstance(value, dict) and {"field", "all", "any", "not"} & set(value):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _trees(part)
    elif isinstance(value, StreamValue):
        for child in value:
            yield from _trees(child.value)
    elif isinstance(value, ListValue):
        for part in value:
            yield from _trees(part)


def _asked(tree: object) -> Iterator[str]:
    if isinstance(tree, list):
        for part in tree:
            yield from _asked(part)
    elif isinstance(tree, dict):
        if isinstance(tree.get("field"), str) and tree["field"]:
            yield tree["field"]
        for name in ("all", "any", "not"):
            yield from _asked(tree.get(name))
