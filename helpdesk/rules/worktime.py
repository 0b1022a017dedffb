"""Working time: moments and lengths by a calendar's opening times. Pure; no tables, no Django models.

`delta(start, add(start, s)) == s` for every s above 0. What counts is the time that really passes, not what the
clocks say: a night shift on the day the clocks go back is an hour longer. An interval belongs to the day on which
it begins: 22:00-02:00 on the eve of a holiday is worked to its end, on the holiday itself it does not begin.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from django.utils import dateformat
from django.utils.translation import get_language, gettext_lazy, ngettext, pgettext
from django.utils.translation import gettext as _

from helpdesk.errors import InvalidInput

from . import hours as opening
from . import openings, publicholidays
from .hours import OwnDays
from .openings import BeyondHorizon, Hours, NeverOpen, NoWorkingTime

__all__ = [
    "BeyondHorizon", "NeverOpen", "NoWorkingTime", "OpenDay", "WorkTime",
    "compiled", "expected_by", "expected_sentence", "loaded",
]  # fmt: skip

_SECOND = 1_000_000
_MONTH = dt.timedelta(days=30)
#: How many closed days an explanation names.
MAX_NAMED = 5


@dataclass(frozen=True)
class OpenDay:
    """A day of a calendar: its hours, and what makes it unlike other days of its weekday."""

    date: dt.date
    hours: Hours
    usual: Hours
    #: the own entry that holds on it, or None
    own: OwnDays | None = None
    #: in the language asked for; "" where nothing is special
    name: str = ""

    @property
    def is_special(self) -> bool:
        return self.hours != self.usual

    @property
    def is_closed(self) -> bool:
        return not self.hours


@dataclass(frozen=True)
class WorkTime:
    """A calendar, ready to reckon with. Two of the same content are equal.

    `weekly` has the hours of Monday to Sunday in minutes of the day; an end above 1440 lies on the next day. Own
    days go before public holidays, single dates before yearly ones, and of two the later entry.
    All moments given are aware, all returned are in UTC; what lies outside 1970 to 2100 raises `BeyondHorizon`.
    """

    time_zone: str
    weekly: tuple[Hours, ...]
    own_days: tuple[OwnDays, ...] = ()
    country: str = ""
    subdivision: str = ""

    def __post_init__(self) -> None:
        if self.time_zone not in available_timezones():
            raise InvalidInput(gettext_lazy("There is no such time zone."), field="time_zone")
        publicholidays.require_place(self.country, self.subdivision)
        if len(self.weekly) != 7:
            raise InvalidInput(field="hours")

    @cached_property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    def add(self, start: dt.datetime, seconds: float) -> dt.datetime:
        """Return the first moment at which so many seconds (at least 0) of working time have passed.

        0 is the start itself, open or not; what ends with a day's hours ends at their end, not the next morning.
        Raises `NeverOpen` or `BeyondHorizon` where there is no such moment, `ValueError` for less than 0.
        """
        if not 0 <= seconds < float("inf"):
            raise ValueError("Working time to add is a length of 0 or more.")
        at, length = openings.micros(start), round(seconds * _SECOND)
        return openings.moment(self._ledger.add(at, length) if length else at)

    def delta(self, start: dt.datetime, end: dt.datetime) -> float:
        """Return the seconds of working time between two moments; below 0 when the end comes first."""
        return self._ledger.delta(openings.micros(start), openings.micros(end)) / _SECOND

    def next_opening(self, moment: dt.datetime) -> dt.datetime:
        """Return the moment itself when it is open, else when it opens next. Raises `NeverOpen`."""
        if self._never_opens:
            raise NeverOpen
        return openings.moment(self._ledger.next_opening(openings.micros(moment)))

    def is_open(self, moment: dt.datetime) -> bool:
        return self._ledger.is_open(openings.micros(moment))

    def local(self, moment: dt.datetime) -> dt.datetime:
        return moment.astimezone(self.zone)

    # --- days --------------------------------------------------------------------------------

    def day(self, date: dt.date, language: str | None = None) -> OpenDay:
        """Return what holds on a day, with names in `language` (else the active one)."""
        usual = self.weekly[date.weekday()]
        names = self._public(date.year, language or get_language() or "de")
        own = self._own(date.year).get(date)
        base = () if date in names else usual
        if own is None:
            return OpenDay(date, base, usual, None, names.get(date, ""))
        name = own.name or ("" if own.window is None else names.get(date, ""))
        return OpenDay(date, own.applied(base), usual, own, name)

    def special_days(self, first: dt.date, last: dt.date) -> Iterator[OpenDay]:
        """Give the days from `first` to `last` whose hours are not those of their weekday, in order."""
        for year in range(first.year, last.year + 1):
            named = {*self._public(year, get_language() or "de"), *self._own(year)}
            for date in sorted(date for date in named if first <= date <= last):
                if (day := self.day(date)).is_special:
                    yield day

    def _public(self, year: int, language: str) -> Any:
        return publicholidays.names(self.country, self.subdivision, year, language)

    @cached_property
    def _own_by_year(self) -> dict[int, dict[dt.date, OwnDays]]:
        return {}

    def _own(self, year: int) -> dict[dt.date, OwnDays]:
        if (found := self._own_by_year.get(year)) is None:
            ordered = sorted(self.own_days, key=lambda entry: not entry.is_yearly)
            found = {date: entry for entry in ordered for date in entry.days(year)}
            self._own_by_year[year] = found
        return found

    def _hours_of(self, year: int) -> Iterator[tuple[dt.date, Hours]]:
        public = self._public(year, "en")
        own = self._own(year)
        date, one = dt.date(year, 1, 1), dt.timedelta(days=1)
        while date.year == year:
            hours = () if date in public else self.weekly[date.weekday()]
            if (entry := own.get(date)) is not None:
                hours = entry.applied(hours)
            if hours:
                yield date, hours
            date += one

    @cached_property
    def _ledger(self) -> openings.Ledger:
        return openings.Ledger(self.zone, self._hours_of)

    @cached_property
    def _never_opens(self) -> bool:
        return not any(self.weekly) and not any(entry.hours for entry in self.own_days)

    # --- words -------------------------------------------------------------------------------

    def explain(self, start: dt.datetime, seconds: float) -> str:
        """Return in the active language how `add` comes to its result; raises what `add` raises.

        "4 h working time from Mon 09:12, closed 3 Oct (German Unity Day), is Tue 13:12."
        """
        due = self.local(self.add(start, seconds))
        begin = self.local(start)
        dated = due - begin >= dt.timedelta(days=6)
        said = {
            "amount": amount(seconds),
            "start": _short(begin, dated, begin.year != due.year),
            "end": _short(due, dated, begin.year != due.year),
            "days": self._closed_words(begin.date(), due.date()),
        }
        if said["days"]:
            return _("%(amount)s working time from %(start)s, %(days)s, is %(end)s.") % said
        return _("%(amount)s working time from %(start)s is %(end)s.") % said

    def _closed_words(self, first: dt.date, last: dt.date) -> str:
        runs: list[list[OpenDay]] = []
        for day in islice(self.special_days(first, last), 200):
            before = runs[-1][-1] if runs else None
            # a run of days by one entry is named once; the week-end in it is closed anyway
            if before and before.own and before.own == day.own and day.date - before.date < _MONTH:
                runs[-1].append(day)
            else:
                runs.append([day])
        words = [_run_words(run, first.year) for run in runs[:MAX_NAMED]]
        if (more := len(runs) - MAX_NAMED) > 0:
            words.append(ngettext("%(n)s more day", "%(n)s more days", more) % {"n": more})
        return ", ".join(words)


# --- from what a calendar keeps ------------------------------------------------------------------


def loaded(
    *, time_zone: str, hours: Any, own_days: Any, country: str, subdivision: str
) -> WorkTime:
    """Return the working time of a calendar's columns, the JSON ones as Python values.

    The same content gives the same object, so that its tables are built once in a process; changed content gives
    another. Raises `InvalidInput` (or `BadHours`) for what is no calendar.
    """
    kept = (json.dumps(hours, sort_keys=True), json.dumps(own_days, sort_keys=True))
    return compiled(time_zone, *kept, country, subdivision)


@lru_cache(maxsize=256)
def compiled(time_zone: str, hours: str, own_days: str, country: str, subdivision: str) -> WorkTime:
    """Return the working time of a calendar's columns; `hours` and `own_days` as JSON text."""
    weekly, own = json.loads(hours), json.loads(own_days)
    if not isinstance(weekly, dict) or not isinstance(own, list):
        raise opening.BadHours
    return WorkTime(
        time_zone,
        tuple(opening.loaded(weekly.get(day, [])) for day in opening.WEEKDAYS),
        tuple(opening.load_own_day(entry) for entry in own),
        country,
        subdivision,
    )


# --- words ---------------------------------------------------------------------------------------


def amount(seconds: float) -> str:
    """Return a length in words, to the minute: "4 h 30 min"."""
    hours, minutes = divmod(round(seconds / 60), 60)
    parts = [_("%(n)s h") % {"n": hours}] if hours else []
    if minutes or not hours:
        parts.append(_("%(n)s min") % {"n": minutes})
    return " ".join(parts)


def _short(local: dt.datetime, dated: bool, with_year: bool) -> str:
    if with_year:
        return dateformat.format(local, pgettext("date format", "D j M Y H:i"))
    if dated:
        return dateformat.format(local, pgettext("date format", "D j M H:i"))
    return dateformat.format(local, pgettext("date format", "D H:i"))


def _run_words(run: list[OpenDay], year: int) -> str:
    first, last = run[0], run[-1]
    said = {
        "day": " – ".join(_day_words(day.date, year) for day in (first, last)[: len(run)]),
        "hours": opening.written(first.hours),
        "name": first.name,
    }
    if first.is_closed:
        words = _("closed %(day)s") % said
    else:
        words = _("%(day)s open %(hours)s") % said
    return f"{words} ({first.name})" if first.name else words


def _day_words(date: dt.date, year: int) -> str:
    if date.year == year:
        return dateformat.format(date, pgettext("date format", "j M"))
    return dateformat.format(date, pgettext("date format", "j M Y"))


def expected_by(work_time: WorkTime, minutes: int, start: dt.datetime) -> str:
    """Return, for a customer, when so many minutes of working time have passed, in the active language.

    "Tuesday, 6 October, 13:12"; "Dienstag, 6. Oktober, 13:12 Uhr": fits behind "by" and "bis", in the time zone
    of the calendar, with the year where it is not that of the start. Raises `NoWorkingTime` where there is no
    such moment: then nothing can be promised.
    """
    due = work_time.local(work_time.add(start, minutes * 60))
    if due.year == work_time.local(start).year:
        return dateformat.format(due, pgettext("date format", "l, j F, H:i"))
    return dateformat.format(due, pgettext("date format", "l, j F Y, H:i"))


def expected_sentence(work_time: WorkTime, minutes: int, start: dt.datetime) -> str:
    """Return `expected_by` as a whole sentence for a customer. Raises `NoWorkingTime`."""
    return _("We will answer by %(time)s.") % {"time": expected_by(work_time, minutes, start)}
