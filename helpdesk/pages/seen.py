"""Which questions a form had when somebody opened it: nobody answers one that was never put to them.

The page carries a signed note of what is asked. A form whose fields changed since is shown anew instead of being
taken; one that was only published once more, with the same fields, is taken as ever.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from typing import Any

from django import forms
from django.core import signing
from django.utils.dateparse import parse_date
from django.utils.translation import gettext_lazy as _

from .conditional import PREFIX
from .giving_back import told
from .holding import is_ours
from .rows import RowsField

#: What the form sends with it: the note, and what is given back.
NOTE, GIVEN_BACK = "form_seen", "given_back"
CHANGED = _(
    "This form has changed since you opened it. Nothing has been sent yet: please look through it and send it again."
)
#: What a block says about the ticket, and asks nobody.
_NOT_ASKED = frozenset({"in_subject"})
#: What boxes and buttons send: words of ours.
_BOXES = frozenset({"on", "yes", "no", "true", "false"})
#: So much is given back.
_MOST = 100_000


def _signer() -> signing.Signer:
    return signing.Signer(salt="helpdesk.pages.seen")


def digest(children: Iterable[Any]) -> str:
    """Return what stands for the questions of a form: its blocks with their words and rules, in their order.

    Ids of blocks do not count, nor what is empty: an update that brings a new setting changes no question.
    """
    asked = [
        (child.block_type, _told(child.block.get_prep_value(child.value)))
        for child in children
        if child.block_type != "hidden"
    ]
    return hashlib.sha256(json.dumps(asked, sort_keys=True, default=str).encode()).hexdigest()


def _told(value: Any) -> Any:
    """Return a stored value without ids and without what is empty."""
    if isinstance(value, dict):
        if value.keys() == {"type", "value", "id"}:
            return [value["type"], _told(value["value"])]
        found = {key: _told(one) for key, one in value.items() if key not in _NOT_ASKED}
        return {key: one for key, one in found.items() if one not in (None, "", False, [], {})}
    if isinstance(value, (list, tuple)):
        return [_told(one) for one in value]
    return value


def note(digest: str, revision: int | None = None) -> str:
    """Return the signed note of a form with this digest, and of the revision that it is shown from."""
    return _signer().sign(f"{digest}.{revision or ''}")


def differs(note: str, digest: str) -> bool:
    """Tell whether a genuine note says other questions than `digest`. One that is missing or forged says nothing."""
    seen = _read(note)
    return seen is not None and seen[0] != digest


def revision_of(note: str) -> int | None:
    """Return the revision that a genuine note names."""
    seen = _read(note)
    return int(seen[1]) if seen is not None and seen[1] else None


def _read(note: str) -> tuple[str, str] | None:
    try:
        digest, _dot, revision = _signer().unsign(note).partition(".")
    except signing.BadSignature:
        return None
    return digest, revision


def lost(form: Any) -> str:
    """Return as text what was written where a form has no question for it any more.

    That is all sent for fields that are gone, and for those that cannot show it: an answer that is no choice now.
    It stands under the label that was read, where that can be told.
    """
    data: Any = form.data
    found: dict[str, list[tuple[str, str]]] = {}
    for name in data:
        texts = list(_lost_of(form, name, data.getlist(name))) if name.startswith(PREFIX) else []
        if texts:
            place = name.rpartition("-")[0] or name  # the cells of a row stand together
            found.setdefault(place, []).extend((name, text) for text in texts)
    questions = {}
    if found and form.version is not None:
        revision = revision_of(str(data.get(NOTE, "")))
        questions = form.version.questions(revision)
    return told(found, questions, there=form.inputs)[:_MOST]


def _lost_of(form: Any, name: str, values: list[str]) -> Iterator[str]:
    field, is_ours = _field_of(form, name)
    if is_ours:
        return
    for value in values:
        if value.strip() and value not in _BOXES and not (field and _shows(field, value)):
            yield value.strip()


def _field_of(form: Any, name: str) -> tuple[forms.Field | None, bool]:
    """Return the field that shows what was sent under a name, and whether it is only how a list is sent."""
    if name in form.inputs:
        field = form.fields[name]
        return (None if isinstance(field, RowsField) else field), False
    list_name, _dash, cell = name.partition("-")
    if cell in ("rows", "add", "remove", "fill") or is_ours(name):
        return None, True
    field = form.fields.get(list_name) if list_name in form.inputs else None
    if not isinstance(field, RowsField):
        return None, False
    if cell == "paste":
        return None, True
    columns = {column.key: column.field for column in field.columns}
    return columns.get(cell.partition("-")[2]), False


def _shows(field: forms.Field, value: str) -> bool:
    """Tell whether the control of a field shows a value that was sent."""
    if isinstance(field, forms.FileField):
        return False
    if isinstance(field, forms.ChoiceField):
        return field.valid_value(value)
    if isinstance(field, forms.BooleanField):
        return value in _BOXES
    if getattr(field.widget, "input_type", "") == "date":
        return _is_day(value)
    return True


def _is_day(text: str) -> bool:
    try:
        return parse_date(text) is not None
    except ValueError:
        return False


def refreshed(data: Any, **values: str) -> Any:
    """Return a copy of what was sent, with these values of ours in it."""
    copy = data.copy()
    for name, value in values.items():
        copy[name] = value
    return copy
