"""The frozen record of what was asked and answered.

A snapshot is a list of entries in the order of the form:

    {"key", "label", "help", "type", "value", "shown", "private"[, "choices"][, "rows"]}

`value` is typed JSON and neutral of language, `shown` is how the visitor read it. A list of rows is
an entry of type "group": its `value` is a list of typed values by column, its `shown` has a line for
each row, and its `rows` are lists of entries. Tickets are read from it alone: the form may change
every day.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from django.utils.translation import ngettext

from helpdesk.rules.answers import line_of, told

from .forms import IntakeForm
from .inputs.groups import GroupInput


def take(form: IntakeForm) -> tuple[dict[str, Any], ...]:
    """Return the snapshot of a valid form, in the active language: of what was asked."""
    return tuple(_entry(child, form.answer_of(child)) for child in form.asked_inputs().values())


def _entry(child: Any, cleaned: Any) -> dict[str, Any]:
    value = child.value
    entry = {
        "key": value["key"],
        "label": value["label"],
        "help": value["help_text"] or "",
        "type": child.block.type,
        "value": child.block.typed(value, cleaned),
        "shown": child.block.shown(value, cleaned),
        "private": bool(value["private"]),
    }
    choices = child.block.choices_of(value)
    if choices:
        entry["choices"] = choices
    if isinstance(child.block, GroupInput):
        inner = child.block.inner(value)
        entry["rows"] = [
            [_entry(one, row.get(one.value["key"])) for one in inner] for row in cleaned or ()
        ]
    return entry


def brief(entry: Mapping[str, Any]) -> str:
    """Return an answer in one line of a list: of rows only how many there are."""
    rows = entry.get("rows")
    if not isinstance(rows, list):
        return str(entry.get("shown") or "")
    if not rows:
        return ""
    return ngettext("%(n)d row", "%(n)d rows", len(rows)) % {"n": len(rows)}


def as_text(answers: tuple[dict[str, Any], ...]) -> str:
    """Return the answers as text for people: what was left empty is left out.

    Hidden values, too: the text is a message that its sender reads.
    """
    return "\n\n".join(filter(None, map(line_of, told(answers))))


def subject(title: str, form: IntakeForm, answers: tuple[dict[str, Any], ...]) -> str:
    """Return a ticket's subject: `title`, and the answers that the editor wants in it."""
    wanted = {child.value["key"] for child in form.inputs.values() if child.value["in_subject"]}
    words = [brief(entry) for entry in answers if entry["key"] in wanted and entry["shown"]]
    return ": ".join([title, ", ".join(words)]) if words else title


def fingerprint(submission_key: str, form_key: str, form: IntakeForm) -> str | None:
    """Return what tells one submission from another: the page's key *and* what was sent.

    The same twice (a double click, a reload) is one; who goes back, changes an answer and sends
    again asks for something new. None if the form came without a key.
    """
    if not submission_key:
        return None
    said = {
        name: str(value)
        for name, value in form.cleaned_data.items()
        if name not in {"submission_key"} and not isinstance(value, tuple)
    }
    text = json.dumps([submission_key, form_key, said, form.digests()], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
