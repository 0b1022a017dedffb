"""When a customer may expect an answer, in one sentence of the active language."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from helpdesk.errors import HelpdeskError
from helpdesk.models import Calendar, Promise
from helpdesk.rules import worktime


def sentence(
    promise: Promise | None, calendar: Calendar | None, *, start: datetime, further: bool = False
) -> str:
    """Return when an answer is to be expected to what arrived at `start`.

    By the first response that is promised, or, for a `further` message, the next answer: as a date with a
    calendar, without one in working hours. Where nothing is promised, it says that somebody will answer.
    """
    minutes = None
    if promise is not None:
        minutes = (promise.update if further else None) or promise.first_response
    if not minutes:
        return _somebody()
    if calendar is not None:
        try:
            return worktime.expected_sentence(calendar.work_time(), minutes, start)
        except (
            HelpdeskError
        ):  # a calendar that never opens, or is none any more: no reason to be silent
            return _somebody()
    hours = -(-minutes // 60)
    return ngettext(
        "You will hear from us within one working hour.",
        "You will hear from us within %(hours)s working hours.",
        hours,
    ) % {"hours": hours}


def _somebody() -> str:
    return _(
        "Someone from the team will read it and answer you. You need not do anything until then."
    )


def calendar_of(promise: Promise | None, inherited: object) -> Calendar | None:
    """Return the calendar a promise is reckoned by: its own, else the one that the queue has."""
    if promise is not None and promise.calendar is not None:
        return promise.calendar
    return inherited if isinstance(inherited, Calendar) else None
