"""The fields of a queue and of the settings that say how long requests are kept: help, placeholders, checks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from helpdesk.models import AtEnd, Queue, RetentionSettings
from helpdesk.rules.terms import wrong_days

DAYS = ("retention_days", "attachment_days", "personal_days")
STEPS = DAYS[1:]
#: Texts of a queue, with their names in the settings.
_TEXTS = {
    f"{ours}_{code}": f"{theirs}_{code}"
    for ours, theirs in (("storage_purpose", "purpose"), ("legal_basis", "legal_basis"))
    for code in ("de", "en")
}


def say_what_is_inherited(fields: Any, above: Iterable[Queue]) -> None:
    """Say at each field of a queue what holds if it stays empty, and where that is said.

    `above` are the queues above, nearest first.
    """
    lineage, found = list(above), RetentionSettings.current()
    for name in DAYS:
        value, source = _inherited(name, lineage, found)
        if name == "retention_days" and value is None:
            value = found.days()
        fields[name].widget.attrs["placeholder"] = "" if value is None else str(value)
        words = _days(value) if value is not None else _("as long as the ticket")
        meaning = _MEANING[name]() if name in _MEANING else ""
        fields[name].help_text = f"{meaning} {_empty(source, words)}".strip()
    end, source = _inherited("at_end", lineage, found)
    label = str(AtEnd(str(end)).label)
    fields["at_end"].help_text = _empty(source, label)
    fields["at_end"].choices = [("", "–"), *AtEnd.choices]
    for name, theirs in _TEXTS.items():
        text = next((words for one in lineage if (words := getattr(one, name))), "")
        fields[name].widget.attrs["placeholder"] = text or getattr(found, theirs)


def _personal() -> str:
    return _("Names, addresses and answers marked as personal go then; the text stays.")


def _whole() -> str:
    return _("After its last closing.")


_MEANING = {"retention_days": _whole, "personal_days": _personal}


def _inherited(name: str, lineage: list[Queue], found: RetentionSettings) -> tuple[Any, str]:
    """Return what holds without a word of the queue's own, and the name of the queue that says it, if one does."""
    for queue in lineage:
        value = getattr(queue, name)
        if value not in (None, ""):
            return value, queue.name
    return getattr(found, name), ""


def _empty(source: str, words: str) -> str:
    if source:
        return _("Empty: as the queue “%(queue)s” above: %(words)s.") % {
            "queue": source,
            "words": words,
        }
    return _("Empty: as everywhere in the help desk: %(words)s.") % {"words": words}


def _days(days: int) -> str:
    return ngettext("%(n)d day", "%(n)d days", days) % {"n": days}


def check(form: Any, total: int | None) -> None:
    """Add an error at each field whose days make no sense; `total` is for how long the request itself is kept."""
    data = form.cleaned_data
    whole = {name: data.get(name) for name in ("retention_days", "objection_days") if name in data}
    wrong = {
        **wrong_days(whole, None),
        **wrong_days({name: data.get(name) for name in STEPS}, total),
    }
    for name, words in wrong.items():
        form.add_error(name, words)


def total_of(own: int | None, above: Iterable[Queue]) -> int:
    """Return for how many days requests are kept: what a queue says itself, else what is said above."""
    if own is not None:
        return own
    found = RetentionSettings.current()
    value, _source = _inherited("retention_days", list(above), found)
    return found.days() if value is None else int(value)
