"""Terms of storage in a few words each, and two of them side by side: what held so far, and what holds from now on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from helpdesk import conf
from helpdesk.models import AtEnd
from helpdesk.rules.terms import Terms, in_effect, period_words

#: So many tables are shown at once.
MOST = 4


@dataclass(frozen=True)
class Row:
    """One thing that terms say, before and after."""

    label: str
    before: str
    after: str

    @property
    def changes(self) -> bool:
        return self.before != self.after


@dataclass(frozen=True)
class Table:
    """What changes for `whom` (queues and forms, or a number of requests)."""

    whom: str
    rows: tuple[Row, ...]


def in_words(variants: Iterable[Terms]) -> tuple[str, str, str, str]:
    """Return how long, the two steps and the end; where the languages of a form differ, each of them."""
    parts = [_effect(terms) for terms in variants]
    return tuple(" / ".join(dict.fromkeys(words)) for words in zip(*parts, strict=True))  # type: ignore[return-value]


def rows(before: Iterable[Terms], after: Iterable[Terms]) -> tuple[Row, ...]:
    """Return what terms bring about, side by side; several of either are languages of a form that differ."""
    labels = (_("Kept after closing"), _("Files"), _("Personal details"), _("At the end"))
    pairs = zip(labels, in_words(before), in_words(after), strict=True)
    return tuple(Row(label, was, now) for label, was, now in pairs)


def _effect(terms: Terms) -> tuple[str, str, str, str]:
    language = conf.site_language(get_language() or "")
    days, files, persons, end = in_effect(terms)
    step = [period_words(one, language) if one is not None else "–" for one in (files, persons)]
    last = _("erased") if end == AtEnd.ERASE else _("anonymised")
    return period_words(days, language), step[0], step[1], last
