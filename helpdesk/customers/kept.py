"""How long a request is kept, in a customer's words: when it goes, what has gone, the objection; and what is erased."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.db.models import Q
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from helpdesk import actions
from helpdesk.models import AtEnd, Hold, Ticket, Tombstone, closed_nonce, directory
from helpdesk.rules.terms import (
    after_closing,
    kept_sentence,
    makes_shorter,
    objection_wording,
)


@dataclass(frozen=True)
class Storage:
    """What the page of a request says of its storage.

    `until` says when it is deleted, `gone` what is already. `objects` is the objection of the one who reads it (that
    of another customer whose request was joined with it is not theirs to see); `offer` is what one is worded like,
    '' where it would change nothing.
    """

    sentence: str
    until: str
    gone: tuple[str, ...]
    objects: bool
    offer: str


def storage_of(ticket: Ticket, language: str) -> Storage:
    """Return what is said of the storage of `ticket` (with `state` and `queue`), in the active `language`."""
    home = _home_of(ticket)
    joined = ticket.objected_at is not None and actions.joined_from(ticket) is not None
    objects = ticket.objected_at is not None and not joined
    days = directory().retention.days_with_objection()
    offered = not objects and makes_shorter(actions.frozen_terms(ticket), days)
    return Storage(
        sentence=kept_sentence(ticket, is_own=objects),
        until=_until(home, language, is_told=home.pk == ticket.pk),
        gone=tuple(_gone(ticket)),
        objects=objects,
        offer=objection_wording(days, ticket.language) if offered else "",
    )


def _home_of(ticket: Ticket) -> Ticket:
    """Return the ticket with which this one is erased: that into which it was merged."""
    while ticket.merged_into is not None:
        ticket = ticket.merged_into
    return ticket


def _until(ticket: Ticket, language: str, *, is_told: bool) -> str:
    """Return when a request goes. While it must stay for a reason of law, no day is promised.

    `is_told`: the sentence above says how long it is kept after closing.
    """
    if ticket.anonymised_at is not None:
        return ""
    if _is_held(ticket):
        return _("At present it has to be kept, and is deleted when that is over.")
    if ticket.state.is_open or ticket.erase_at is None:
        days = ticket.objected_days
        if days is None or is_told:
            return _("It is still open: the day on which it is deleted is set when it is closed.")
        when = after_closing(min(ticket.retention_days, days), language)
        return _("It is still open. It is deleted %(when)s.") % {"when": when}
    if ticket.erase_at <= timezone.now():
        return _("Its time is over: it is deleted in one of the next nights.")
    day = {"day": date_format(_day(ticket.erase_at, ticket))}
    if ticket.at_end == AtEnd.ANONYMISE and ticket.objected_at is None:
        return _("On %(day)s at the latest everything is deleted that is about a person.") % day
    return _("It will be deleted on %(day)s at the latest.") % day


def _is_held(ticket: Ticket) -> bool:
    group = Q(ticket=ticket.pk) | Q(ticket__merged_into=ticket.pk)
    return Hold.objects.active().filter(group).exists()


def _gone(ticket: Ticket) -> list[str]:
    steps = (
        (ticket.files_erased_at, _("Its files were deleted on %(day)s.")),
        (
            ticket.persons_erased_at,
            _("Names and other personal details were deleted on %(day)s."),
        ),
    )
    return [words % {"day": date_format(_day(at, ticket))} for at, words in steps if at is not None]


def _day(at: datetime, ticket: Ticket) -> date:
    return at.astimezone(ZoneInfo(ticket.queue.time_zone())).date()


# --- erased --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Erased:
    """What is told of a request that is not there any more.

    `is_whole`: nothing of it is left. `is_promised`: it went by the terms under which it was accepted, and not because
    somebody asked for it.
    """

    on: date
    why: str
    number: str
    opened_on: date | None = None
    closed_on: date | None = None
    is_whole: bool = True
    is_promised: bool = True


def erased_from(ticket_pk: int, nonce: str) -> Erased | None:
    """Return what is told of the erased ticket with an id by a link with a nonce; None if none is known.

    A link that was withdrawn before is told nothing.
    """
    row = Tombstone.objects.filter(ticket_pk=ticket_pk).first()
    if row is None or (row.link_digest and not _is_of(nonce, row.link_digest)):
        return None
    return _of_tombstone(row)


def erased_of(ticket: Ticket, nonce: str) -> Erased | None:
    """Return what is told of a ticket of which nobody is the customer any more; None for any other, as above."""
    if ticket.anonymised_at is not None:
        return erased_from(ticket.pk, nonce)
    if ticket.persons_erased_at is None or not _is_of(nonce, ticket.link_nonce):
        return None
    why = _("The time was over for which we keep names and other personal details.")
    on = timezone.localtime(ticket.persons_erased_at).date()
    return Erased(on, why, ticket.number, is_whole=False)


def _is_of(nonce: str, digest: str) -> bool:
    return constant_time_compare(closed_nonce(nonce), digest)


def _of_tombstone(row: Tombstone) -> Erased:
    return Erased(
        on=timezone.localtime(row.erased_at).date(),
        why=_why(row.reason),
        number=row.number,
        opened_on=row.opened_on,
        closed_on=row.closed_on,
        is_promised=row.reason != Tombstone.Reason.PERSON,
    )


def _why(reason: str) -> str:
    """Return the reason in words for the person whose request it was."""
    reasons = Tombstone.Reason
    words = {
        reasons.RETENTION: _("The time was over for which we keep requests after they are closed."),
        reasons.OBJECTION: _("The longer storage had been objected to."),
        reasons.UNCLOSED: _(
            "Nothing had happened with it for so long that the time was over for which we keep requests."
        ),
        reasons.PERSON: _("The person it was about had asked for it."),
    }
    return words.get(Tombstone.Reason(reason), "")
