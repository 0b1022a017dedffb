"""What a request is accepted under: promise, retention, legal basis, objection. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

ERASE, ANONYMISE = "erase", "anonymise"
#: No request is kept longer than so many days: a hundred years.
MOST_DAYS = 36_500


@dataclass(frozen=True)
class Objection:
    """A customer's objection to storage: when, in which words it was offered, by which channel.

    `days` is how long after closing the request is kept then; `reason` is what an agent noted who entered it.
    """

    at: datetime
    wording: str
    channel: str
    days: int | None = None
    reason: str = ""


@dataclass(frozen=True)
class Terms:
    """The terms of one request. `open_ticket` freezes them on the ticket.

    `promise_id` is the promise of the page on which it was written; None: as the queue promises. Files and
    personal details may go earlier, so many days after closing; `at_end` says what becomes of the rest.
    """

    retention_days: int
    legal_basis: str = ""
    retention_sentence: str = ""
    promise_id: int | None = None
    objection: Objection | None = None
    purpose: str = ""
    attachment_days: int | None = None
    personal_days: int | None = None
    at_end: str = ERASE


def period_words(days: int, language: str) -> str:
    """Return a number of days in words, whole years as years, in `language`."""
    with translation.override(language):
        if days and days % 365 == 0:
            years = days // 365
            return ngettext("%(n)d year", "%(n)d years", years) % {"n": years}
        return ngettext("%(n)d day", "%(n)d days", days) % {"n": days}


def after_closing(days: int, language: str) -> str:
    """Return in words when something happens so many days after a request is closed, in `language`."""
    with translation.override(language):
        if not days:
            return _("in the night after it is closed")
        return _("%(period)s after it is closed") % {"period": period_words(days, language)}


def retention_sentence(terms: Terms, language: str) -> str:
    """Return what a customer reads about how long a request is kept, what for and why, in `language`."""
    with translation.override(language):
        parts = [_head(terms, language)]
        if terms.purpose:
            parts.append(_("Purpose: %(purpose)s.") % {"purpose": terms.purpose.rstrip(".")})
        if terms.legal_basis:
            parts.append(_("Legal basis: %(basis)s.") % {"basis": terms.legal_basis.rstrip(".")})
    return " ".join(parts)


def _head(terms: Terms, language: str) -> str:
    """Return what of the sentence says when what goes; what for and why comes behind it."""
    with translation.override(language):
        period = period_words(terms.retention_days, language)
        return " ".join([_whole(terms) % {"period": period}, *_earlier(terms, language)])


def _whole(terms: Terms) -> str:
    """Return the words for how long the whole is kept; that it is kept for no day is not said with a number."""
    if terms.at_end == ANONYMISE and not terms.retention_days:
        return _(
            "In the night after your request is closed, everything in it that is about a person is deleted."
        )
    if terms.at_end == ANONYMISE:
        return _(
            "Your request is kept with all data for %(period)s after it is closed; then everything that "
            "is about a person is deleted."
        )
    if not terms.retention_days:
        return _("Your request is deleted in the night after it is closed.")
    return _(
        "Your request is kept with all data for %(period)s after it is closed and then deleted."
    )


def _earlier(terms: Terms, language: str) -> list[str]:
    """Return the sentences about what goes before the rest."""
    steps = (
        (
            terms.attachment_days,
            _("Its files are deleted %(period)s after it is closed."),
            _("Its files are deleted in the night after it is closed."),
        ),
        (
            terms.personal_days,
            _("Names and other personal details are deleted %(period)s after it is closed."),
            _("Names and other personal details are deleted in the night after it is closed."),
        ),
    )
    return [
        (words if days else at_once) % {"period": period_words(days, language)}
        for days, words, at_once in steps
        if days is not None and days < terms.retention_days
    ]


def objection_wording(days: int, language: str) -> str:
    """Return the words in which the objection to storage is offered, in `language`."""
    with translation.override(language):
        if not days:
            return _(
                "I object to the longer storage. My request is deleted in the night after it is closed."
            )
        words = ngettext(
            "I object to the longer storage. My request is deleted one day after it is closed.",
            "I object to the longer storage. My request is deleted %(days)d days after it is closed.",
            days,
        )
        return words % {"days": days}


class HasEnd(Protocol):
    """What has days and an end: terms, or a ticket on which they are frozen."""

    @property
    def retention_days(self) -> int: ...

    @property
    def at_end(self) -> str: ...


class IsKept(HasEnd, Protocol):
    """A ticket, as far as it says how long it is kept. `objected_days` is None without an objection."""

    @property
    def attachment_days(self) -> int | None: ...

    @property
    def personal_days(self) -> int | None: ...

    @property
    def legal_basis(self) -> str: ...

    @property
    def retention_sentence(self) -> str: ...

    @property
    def objected_days(self) -> int | None: ...

    @property
    def language(self) -> str: ...


def makes_shorter(terms: HasEnd, days: int) -> bool:
    """Tell whether an objection changes anything, if a request is kept so many `days` with one."""
    return days < terms.retention_days or terms.at_end == ANONYMISE


def kept_sentence(ticket: IsKept, *, is_own: bool = True) -> str:
    """Return what its customer reads about how long a ticket is kept as things are, in its language.

    Where an objection makes it shorter: what holds because of that, and in a clause what would hold otherwise; then
    purpose and legal basis as they were read. Of an objection that is not `is_own` only the time is said, not whose.
    """
    days = ticket.objected_days
    if days is None or not makes_shorter(ticket, days):
        return ticket.retention_sentence
    given = Terms(
        ticket.retention_days,
        attachment_days=ticket.attachment_days,
        personal_days=ticket.personal_days,
        at_end=ticket.at_end,
    )
    now = replace(given, retention_days=min(days, given.retention_days), at_end=ERASE)
    language = ticket.language
    if is_own:
        parts = [_because_of_objection(now, given, language), *_earlier(now, language)]
    else:
        parts = [retention_sentence(now, language)]
    parts.append(_reasons_read(ticket, retention_sentence(given, language)))
    return " ".join(filter(None, parts))


def _because_of_objection(now: Terms, given: Terms, language: str) -> str:
    with translation.override(language):
        if given.at_end == ANONYMISE:
            words = _(
                "Your request is deleted %(when)s because you objected to the longer storage; "
                "without your objection it would be kept for %(given)s, and then only what is about a person "
                "would be deleted."
            )
        else:
            words = _(
                "Your request is deleted %(when)s because you objected to the longer storage; "
                "without your objection it would be kept for %(given)s."
            )
        return words % {
            "when": after_closing(now.retention_days, language),
            "given": period_words(given.retention_days, language),
        }


def _reasons_read(ticket: IsKept, times: str) -> str:
    """Return purpose and legal basis from what was read; `times` is how that begins.

    A ticket keeps its purpose nowhere else. Where it begins otherwise (the words have changed since) only the
    legal basis is known.
    """
    if ticket.retention_sentence.startswith(times):
        return ticket.retention_sentence.removeprefix(times).strip()
    if not ticket.legal_basis:
        return ""
    with translation.override(ticket.language):
        return _("Legal basis: %(basis)s.") % {"basis": ticket.legal_basis.rstrip(".")}


def strictest(one: Terms, other: Terms) -> Terms:
    """Return the terms of `one`, with whatever `other` promises more strictly: each promise was given."""
    kept = other if other.retention_days < one.retention_days else one
    return Terms(
        retention_days=kept.retention_days,
        legal_basis=kept.legal_basis,
        retention_sentence=kept.retention_sentence,
        promise_id=one.promise_id,
        objection=one.objection or other.objection,
        purpose=kept.purpose,
        attachment_days=_fewer(one.attachment_days, other.attachment_days),
        personal_days=_fewer(one.personal_days, other.personal_days),
        at_end=ERASE if ERASE in (one.at_end, other.at_end) else ANONYMISE,
    )


def strictest_in_words(one: Terms, other: Terms, language: str) -> Terms:
    """Return `strictest`, and a sentence that says it: that of the shorter one, unless the other adds something to it."""
    found = strictest(one, other)
    kept = other if other.retention_days < one.retention_days else one
    if in_effect(found) == in_effect(kept):
        return found
    before = _head(kept, language)
    if before and kept.retention_sentence.startswith(before):
        # a request keeps its purpose in its sentence only: what it is for stays as it was said
        rest = kept.retention_sentence.removeprefix(before)
        return replace(found, retention_sentence=_head(found, language) + rest)
    return replace(found, retention_sentence=retention_sentence(found, language))


def _fewer(one: int | None, other: int | None) -> int | None:
    return min((days for days in (one, other) if days is not None), default=None)


def in_effect(terms: Terms) -> tuple[int, int | None, int | None, str]:
    """Return what terms bring about, whatever their words: a step that comes no earlier than the end is none."""
    steps = (
        days if days is not None and days < terms.retention_days else None
        for days in (terms.attachment_days, terms.personal_days)
    )
    files, persons = steps
    return terms.retention_days, files, persons, terms.at_end


def shortened(given: Terms, promised: Terms) -> Terms | None:
    """Return the terms given to a request, with what is promised more strictly now; None if nothing is.

    Nothing of it ever gets longer: what was promised stands. The sentence is still that of `given`.
    """
    found = strictest(given, promised)
    if in_effect(found) == in_effect(given):
        return None
    as_now = promised.retention_days <= given.retention_days
    basis = promised.legal_basis if as_now else given.legal_basis
    # a request does not keep its purpose by itself: it stands in its sentence only
    return replace(found, legal_basis=basis, purpose=given.purpose or promised.purpose)


def wrong_days(steps: Mapping[str, int | None], total: int | None) -> dict[str, str]:
    """Return what is wrong with the days of single steps by their names, in the active language.

    `total` is for how many days the request is kept; None if that is unknown.
    """
    found = {}
    for name, days in steps.items():
        if days is not None and days > MOST_DAYS:
            found[name] = _("That is longer than a hundred years.")
        elif days is not None and total is not None and days > total:
            found[name] = ngettext(
                "That is longer than the request itself is kept: %(n)d day.",
                "That is longer than the request itself is kept: %(n)d days.",
                total,
            ) % {"n": total}
    return found
