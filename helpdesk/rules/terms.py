"""What a request is accepted under: promise, retention, legal basis, objection. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext


@dataclass(frozen=True)
class Objection:
    """A customer's objection to storage: when, in which words it was offered, by which channel."""

    at: datetime
    wording: str
    channel: str


@dataclass(frozen=True)
class Terms:
    """The terms of one request. `open_ticket` freezes them on the ticket.

    `promise_id` is the promise of the page on which it was written; None: as the queue promises.
    """

    retention_days: int
    legal_basis: str = ""
    retention_sentence: str = ""
    promise_id: int | None = None
    objection: Objection | None = None


def retention_sentence(days: int, legal_basis: str, language: str) -> str:
    """Return the sentence a customer reads about how long a request is kept, in `language`."""
    with translation.override(language):
        if days % 365 == 0 and days:
            years = days // 365
            period = ngettext("%(n)d year", "%(n)d years", years) % {"n": years}
        else:
            period = ngettext("%(n)d day", "%(n)d days", days) % {"n": days}
        sentence = _(
            "Your request is kept with all data for %(period)s after it is closed and then deleted."
        ) % {"period": period}
        if legal_basis:
            sentence += " " + _("Legal basis: %(basis)s.") % {"basis": legal_basis.rstrip(".")}
    return sentence


def objection_wording(days: int, language: str) -> str:
    """Return the words in which the objection to storage is offered, in `language`."""
    with translation.override(language):
        return _(
            "I object to the longer storage. My request is deleted %(days)d days after it is closed."
        ) % {"days": days}
