"""What was changed in the fields of a form, in words: `“Room”: must now be answered; answer “Later” removed`. Pure.

Two versions of a stream are compared. A field is the same as long as it has the same key, whatever it is called;
what has no key is known by the id of its block.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, time
from typing import Any

from django.utils.formats import date_format, time_format
from django.utils.functional import Promise
from django.utils.html import strip_tags
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from wagtail.blocks import StreamValue
from wagtail.blocks.list_block import ListValue
from wagtail.rich_text import RichText

from helpdesk.rules.conditions import ConditionError, FieldSet, parse

from .conditions import fields_of

#: A text up to this length is told as it was and is; of a longer one only that it changed.
_SHORT = 80
#: What a child is called by, in this order.
_NAMING = ("label", "heading", "title", "text")
#: Columns that are no news in themselves.
_UNTOLD = {"key"}


def differences(
    before: Iterable[Any], after: Iterable[Any], fields: tuple[FieldSet, FieldSet] | None = None
) -> list[str]:
    """Return one sentence for each thing that was removed, added, moved or changed, in the order of the form.

    `before` and `after` are the children of two versions of one stream. The sentences are plain text, without
    full stop, in the active language. `fields` are what conditions may ask about, before and after, if that is
    more than the children show (field sets).
    """
    old, new = _by_identity(before), _by_identity(after)
    moved = moved_of([name for name in old if name in new], [name for name in new if name in old])
    fields = fields or (_fields(old.values()), _fields(new.values()))
    found = [
        _("%(thing)s was removed") % {"thing": _thing(child)}
        for name, child in old.items()
        if name not in new
    ]
    previous: Any = None
    for name, child in new.items():
        if name not in old:
            found.append(_placed(child, previous, _added_words()))
        else:
            if name in moved:
                found.append(_placed(child, previous, _moved_words()))
            changes = list(_changes(old[name], child, fields))
            if changes:
                found.append(f"{quoted(_name(old[name]))}: {'; '.join(changes)}")
        previous = child
    return found


# --- what is compared --------------------------------------------------------------------------------


def _by_identity(children: Iterable[Any]) -> dict[str, Any]:
    return {_identity(child): child for child in children}


def _identity(child: Any) -> str:
    key = child.value.get("key") if isinstance(child.value, Mapping) else None
    return f"key {key}" if key else f"id {child.id}"


def moved_of(before: Sequence[str], after: Sequence[str]) -> set[str]:
    """Return the fewest names that have to be taken out so that the rest keeps its order."""
    places = {name: place for place, name in enumerate(before)}
    best: list[list[str]] = []  # the longest rising row that ends at each name
    for name in after:
        rows = [row for row in best if places[row[-1]] < places[name]]
        best.append([*_longest(rows), name])
    return set(after) - set(_longest(best))


def _longest(rows: list[list[str]]) -> list[str]:
    return max(rows, key=len) if rows else []


def _fields(children: Iterable[Any]) -> FieldSet:
    return fields_of(child for child in children if hasattr(child.block, "compared_as"))


# --- names -------------------------------------------------------------------------------------------


def quoted(text: object) -> str:
    """Return a text in the quotation marks of the active language."""
    return _("“%(text)s”") % {"text": text}


def _name(child: Any) -> str:
    """Return what people call a child of the stream: its label, its heading, or the beginning of its text."""
    value = child.value
    if isinstance(value, Mapping):
        found = (plain(value[name]) for name in _NAMING if name in value)
        return Truncator(next(filter(None, found), str(child.block.label))).chars(80)
    return Truncator(plain(value)).chars(40) or str(child.block.label)


def _thing(child: Any) -> str:
    """Return a child with what it is: `Field “Room”`, `Section “Address”`."""
    kind = _("Field") if hasattr(child.block, "compared_as") else str(child.block.label)
    name = _name(child)
    return kind if name == kind else f"{kind} {quoted(name)}"


def _added_words() -> tuple[str, str]:
    return _("%(thing)s was added at the beginning"), _("%(thing)s was added after %(other)s")


def _moved_words() -> tuple[str, str]:
    return _("%(thing)s was moved to the beginning"), _("%(thing)s was moved behind %(other)s")


def _placed(child: Any, previous: Any, words: tuple[str, str]) -> str:
    if previous is None:
        return words[0] % {"thing": _thing(child)}
    return words[1] % {"thing": _thing(child), "other": quoted(_name(previous))}


# --- one field ---------------------------------------------------------------------------------------


def _changes(old: Any, new: Any, fields: tuple[FieldSet, FieldSet]) -> Iterator[str]:
    if old.block_type != new.block_type:
        yield _("is now of the kind %(new)s, and was %(old)s") % {
            "new": quoted(new.block.label),
            "old": quoted(old.block.label),
        }
    if not isinstance(new.value, Mapping):
        if plain(old.value) != plain(new.value):
            yield from _text_change("", plain(old.value), plain(new.value))
        return
    for name, block in new.block.child_blocks.items():
        if name not in _UNTOLD and name in old.value:
            yield from _part(name, block, old.value[name], new.value[name], fields)


def _part(
    name: str, block: Any, old: Any, new: Any, fields: tuple[FieldSet, FieldSet]
) -> Iterator[str]:
    """Yield what changed in one setting of a field."""
    if isinstance(new, StreamValue):
        for sentence in differences(old, new):
            yield _("within: %(change)s") % {"change": sentence}
    elif isinstance(new, ListValue):
        yield from _list_changes(block, list(old), list(new))
    elif _is_condition(old) or _is_condition(new):
        if old != new:
            yield _condition_change(block.label, old or None, new or None, fields)
    elif isinstance(new, bool) or isinstance(old, bool):
        if bool(old) != bool(new):
            yield _switched(name, block.label, on=bool(new))
    elif plain(old) != plain(new):
        yield from _text_change(str(block.label), plain(old), plain(new))


def _switched(name: str, label: str | Promise, *, on: bool) -> str:
    if name == "required":
        return _("must now be answered") if on else _("need not be answered any more")
    words = _("“%(setting)s” was switched on") if on else _("“%(setting)s” was switched off")
    return words % {"setting": label}


def _text_change(label: str, old: str, new: str) -> Iterator[str]:
    values = {"setting": label or _("text"), "old": quoted(old), "new": quoted(new)}
    if max(len(old), len(new)) > _SHORT:
        yield _("%(setting)s was reworded") % values
    elif not old:
        yield _("%(setting)s is now %(new)s") % values
    elif not new:
        yield _("%(setting)s was emptied (it was %(old)s)") % values
    else:
        yield _("%(setting)s changed from %(old)s to %(new)s") % values


def plain(value: Any) -> str:
    """Return a value as text in one line, rich text without its marks; '' for None."""
    if value is None:
        return ""
    if isinstance(value, RichText):
        return " ".join(strip_tags(value.source.replace("<", " <")).split())
    if isinstance(value, date):
        return date_format(value, "SHORT_DATE_FORMAT")
    if isinstance(value, time):
        return time_format(value, "TIME_FORMAT")
    return " ".join(str(value).split())


# --- answers to choose from ----------------------------------------------------------------------------


def _list_changes(block: Any, old: list[Any], new: list[Any]) -> Iterator[str]:
    before, after = _items(old), _items(new)
    for value, label in before.items():
        if value not in after:
            yield _("answer %(answer)s removed") % {"answer": quoted(label)}
        elif after[value] != label:
            yield _("answer %(old)s is now called %(new)s") % {
                "old": quoted(label),
                "new": quoted(after[value]),
            }
    for value, label in after.items():
        if value not in before:
            yield _("answer %(answer)s added") % {"answer": quoted(label)}
    kept = [value for value in after if value in before]
    if kept != [value for value in before if value in after]:
        yield _("%(setting)s were put into another order") % {"setting": block.label}


def _items(rows: list[Any]) -> dict[str, str]:
    """Return the labels of a list's items by what tells them apart."""
    found = {}
    for row in rows:
        if isinstance(row, Mapping):
            label = str(row.get("label") or "")
            found[str(row.get("value") or label)] = label
        else:
            found[str(row)] = str(row)
    return found


# --- conditions ----------------------------------------------------------------------------------------


def _is_condition(value: Any) -> bool:
    return isinstance(value, dict) and bool({"field", "all", "any", "not"} & set(value))


def _condition_change(
    label: str | Promise, old: Any, new: Any, fields: tuple[FieldSet, FieldSet]
) -> str:
    values = {
        "setting": label or _("Condition"),
        "old": told_condition(old, fields[0]),
        "new": told_condition(new, fields[1]),
    }
    if old is None:
        return _("%(setting)s: now only if %(new)s") % values
    if new is None:
        return _("%(setting)s: no longer only if %(old)s") % values
    return _("%(setting)s: now only if %(new)s, and not if %(old)s") % values


def told_condition(tree: Any, fields: FieldSet) -> str:
    """Return the JSON of a condition in words, also of one that cannot be read any more; '' for none."""
    if tree is None:
        return ""
    try:
        return parse(tree, fields).describe()
    except ConditionError:
        return _("something holds that is no longer known")
