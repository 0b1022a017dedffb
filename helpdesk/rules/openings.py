"""Openings as moments: prefix sums over the opening times of years, searched by bisection.

Moments are whole microseconds since 1970 in UTC. Years are built when they are first asked for and then kept; a
question costs two bisections whatever its span.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from django.utils.translation import gettext_lazy as _

from helpdesk.errors import HelpdeskError

#: Minutes from the beginning of a day; an end above `DAY` lies on the next day.
Interval = tuple[int, int]
Hours = tuple[Interval, ...]

DAY = 24 * 60
#: The years within which working time is reckoned; the public holidays are known no further.
FIRST_YEAR, LAST_YEAR = 1970, 2100

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND = dt.timedelta(microseconds=1)
_MINUTE = dt.timedelta(minutes=1)


class NoWorkingTime(HelpdeskError):
    """No moment answers the question. Raised as one of the two below."""

    code = "no_working_time"


class NeverOpen(NoWorkingTime):
    """From the moment asked about on, the calendar has no opening time at all."""

    code = "never_open"
    message = _("This calendar has no opening time: nothing can be promised by it.")


class BeyondHorizon(NoWorkingTime):
    """The moment asked about, or the answer, lies outside `FIRST_YEAR` to `LAST_YEAR`."""

    code = "beyond_horizon"
    message = _("Working time is reckoned for the years 1970 to 2100 only.")


def micros(moment: dt.datetime) -> int:
    """Return an aware moment as microseconds since 1970. Raises `ValueError` for a naive one."""
    if moment.tzinfo is None:
        raise ValueError("A moment needs its time zone.")
    return (moment - _EPOCH) // _MICROSECOND


def moment(value: int) -> dt.datetime:
    """Return microseconds since 1970 as a moment in UTC."""
    return _EPOCH + dt.timedelta(microseconds=value)


HORIZON = (micros(dt.datetime(FIRST_YEAR, 1, 1, tzinfo=dt.UTC)),
           micros(dt.datetime(LAST_YEAR + 1, 1, 1, tzinfo=dt.UTC)))  # fmt: skip


def instant(wall: dt.datetime, zone: ZoneInfo) -> dt.datetime:
    """Return the moment in UTC at which the clocks of a zone first reach a naive wall time.

    A wall time that comes twice counts the first time it comes; one that is skipped is the moment of the jump. So
    a later wall time is never an earlier moment, and what adjoins on the clock adjoins in time.
    """
    found = wall.replace(tzinfo=zone).astimezone(dt.UTC)
    if found.astimezone(zone).replace(tzinfo=None) == wall:
        return found
    early, late = wall.replace(tzinfo=zone, fold=1).astimezone(dt.UTC), found
    before = early.astimezone(zone).utcoffset()
    while late - early > _MICROSECOND:
        middle = early + (late - early) // 2
        if middle.astimezone(zone).utcoffset() == before:
            early = middle
        else:
            late = middle
    return late


@dataclass(frozen=True)
class Table:
    """The openings of the local years `first` to `last`, apart from each other and in order."""

    first: int
    last: int
    starts: list[int]
    ends: list[int]
    #: open time from the table's beginning to the end of each opening
    totals: list[int]

    def worked(self, at: int) -> int:
        """Return the open time from the table's beginning to a moment."""
        place = bisect_right(self.starts, at) - 1
        if place < 0:
            return 0
        return self.totals[place] - max(0, self.ends[place] - at)

    @property
    def total(self) -> int:
        return self.totals[-1] if self.totals else 0


class Ledger:
    """The openings of one calendar. `hours_of(year)` gives its open days in order."""

    def __init__(
        self, zone: ZoneInfo, hours_of: Callable[[int], Iterable[tuple[dt.date, Hours]]]
    ) -> None:
        self._zone = zone
        self._hours_of = hours_of
        self._years: dict[int, list[tuple[int, int]]] = {}
        # replaced as a whole, never changed: several threads may ask at once
        self._table = Table(LAST_YEAR, FIRST_YEAR, [], [], [])

    def is_open(self, at: int) -> bool:
        table = self._around(at)
        place = bisect_right(table.starts, at) - 1
        return place >= 0 and at < table.ends[place]

    def next_opening(self, at: int) -> int:
        """Return the moment itself when it is open, else the next at which something opens."""
        table = self._around(at)
        while True:
            place = bisect_right(table.ends, at)
            if place < len(table.ends):
                return self._within(max(at, table.starts[place]))
            table = self._further(table, NeverOpen)

    def delta(self, start: int, end: int) -> int:
        """Return the open time between two moments; negative when the end is the earlier one."""
        years = sorted((self._year(start), self._year(end)))
        table = self._cover(years[0] - 1, years[1] + 1)
        return table.worked(end) - table.worked(start)

    def add(self, start: int, length: int) -> int:
        """Return the first moment at which `length` (above 0) of open time has passed."""
        table = self._around(start)
        while True:
            worked = table.worked(start)
            target = worked + length
            if target <= table.total:
                place = bisect_left(table.totals, target)
                return self._within(table.ends[place] - (table.totals[place] - target))
            table = self._further(table, NeverOpen if table.total == worked else BeyondHorizon)

    # --- building ----------------------------------------------------------------------------

    def _year(self, at: int) -> int:
        return moment(self._within(at)).year

    def _within(self, at: int) -> int:
        if not HORIZON[0] <= at < HORIZON[1]:
            raise BeyondHorizon
        return at

    def _around(self, at: int) -> Table:
        """Return a table that is right about a moment: its day may lie in the year next to it."""
        year = self._year(at)
        return self._cover(year - 1, year + 1)

    def _further(self, table: Table, nothing: type[NoWorkingTime]) -> Table:
        """Return a table that reaches twice as far. Raises `nothing` at the horizon."""
        if table.last > LAST_YEAR:
            raise nothing
        reach = 2 * (table.last - table.first + 1)
        return self._cover(table.first, min(table.first + reach, LAST_YEAR + 1))

    def _cover(self, first: int, last: int) -> Table:
        table = self._table
        if table.first <= first and last <= table.last:
            return table
        first, last = min(first, table.first), max(last, table.last)
        starts: list[int] = []
        ends: list[int] = []
        for year in range(first, last + 1):
            for start, end in self._built(year):
                # a night may run into the next day's hours: that time counts once
                if ends and start <= ends[-1]:
                    ends[-1] = max(ends[-1], end)
                else:
                    starts.append(start)
                    ends.append(end)
        totals: list[int] = []
        total = 0
        for start, end in zip(starts, ends, strict=True):
            total += end - start
            totals.append(total)
        self._table = Table(first, last, starts, ends, totals)
        return self._table

    def _built(self, year: int) -> list[tuple[int, int]]:
        if (found := self._years.get(year)) is None:
            found = [
                (start, end)
                for day, hours in self._hours_of(year)
                for start, end in self._moments(day, hours)
                if start < end  # nothing is left of an interval that the clocks jump over
            ]
            self._years[year] = found = sorted(found)
        return found

    def _moments(self, day: dt.date, hours: Hours) -> Iterable[tuple[int, int]]:
        midnight = dt.datetime.combine(day, dt.time.min)
        for interval in hours:
            start, end = (instant(midnight + edge * _MINUTE, self._zone) for edge in interval)
            yield micros(start), micros(end)
