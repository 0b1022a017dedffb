"""Opening times and own days as people type them and as the calendar keeps them.

Typed: "08:00-12:00, 13:00-17:00"; "24.12. bis 12:00 Heiligabend". Kept as JSON: `[["08:00", "12:00"], …]`;
`{"first": "12-24", "last": "12-24", "name": "Heiligabend", "window": ["00:00", "12:00"]}`.
"""

from __future__ import annotations

import datetime as dt
import re
from calendar import isleap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from helpdesk.errors import InvalidInput

from .openings import DAY, FIRST_YEAR, LAST_YEAR, Hours, Interval

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
#: Whoever needs more writes a program.
MAX_INTERVALS, MAX_OWN_DAYS, MAX_SPAN, MAX_NAME = 12, 500, 366, 100

_DASH = r"\s*(?:-|–|—|\bbis\b|\bto\b|\buntil\b)\s*"
_CLOCK = r"(\d{1,2})(?:[:.](\d{2}))?(?:\s*(?:Uhr|h)\b)?"
_INTERVAL = re.compile(_CLOCK + _DASH + _CLOCK, re.IGNORECASE)
_BETWEEN = re.compile(r"\s*(?:[,;/]|\bund\b|\band\b)\s*", re.IGNORECASE)
_CLOSED = re.compile(r"(?:geschlossen|closed)\b\.?", re.IGNORECASE)
_LIMIT = re.compile(rf"(bis|until|till|ab|from)\s+{_CLOCK}(?![:.]?\d)", re.IGNORECASE)
_DATE = re.compile(
    r"(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})(?!\d)"
    r"|(?P<d>\d{1,2})\.\s?(?P<m>\d{1,2})(?:\.(?P<y>\s?\d{4}(?![\d:])|\d{2}(?!\d|[:.]\d))?|(?=\s|$))"
    r"|(?P<mm>\d{2})-(?P<dd>\d{2})(?![\d-])"
)
_SAME_DAY = gettext_lazy("Opening times of one day overlap.")

#: A date, or month and day of every year.
Day = dt.date | tuple[int, int]


class BadHours(InvalidInput):
    """A text or a kept value that says no opening times; the sentence says what is wrong."""

    code = "hours"


@dataclass(frozen=True)
class OwnDays:
    """A day or a run of days with hours of its own, once or every year.

    `hours` replace what the day would have (empty: closed all day, also on public holidays). With `window`
    instead, the day keeps what lies in it: a half day never opens a day that is closed anyway.
    """

    first: Day
    last: Day
    name: str = ""
    hours: Hours | None = ()
    window: Interval | None = None

    @property
    def is_yearly(self) -> bool:
        return isinstance(self.first, tuple)

    @property
    def is_closed(self) -> bool:
        return self.hours == ()

    def days(self, year: int) -> Iterator[dt.date]:
        """Give the days that lie in a year."""
        for first, last in self._runs(year):
            first, last = max(first, dt.date(year, 1, 1)), min(last, dt.date(year, 12, 31))
            for number in range((last - first).days + 1):
                yield first + dt.timedelta(days=number)

    def _runs(self, year: int) -> list[tuple[dt.date, dt.date]]:
        first, last = self.first, self.last
        if isinstance(first, dt.date) or isinstance(last, dt.date):
            return [(first, last)]  # type: ignore[list-item]  # both are: `_sound`
        # a run over New Year began in the year before
        later = int(last < first)
        return [
            (_in_year(first, at, (3, 1)), _in_year(last, at + later, (2, 28)))
            for at in (year - 1, year)
        ]

    def applied(self, usual: Hours) -> Hours:
        """Return the hours of a day that would usually have these."""
        if self.window is None:
            return self.hours or ()
        first, last = self.window
        cut = ((max(start, first), min(end, last)) for start, end in usual)
        return tuple((start, end) for start, end in cut if start < end)


def _in_year(day: tuple[int, int], year: int, instead: tuple[int, int]) -> dt.date:
    """Return month and day in a year; `instead` for 29 February in most (alone it is no day then)."""
    return dt.date(year, *(instead if day == (2, 29) and not isleap(year) else day))


# --- opening times -------------------------------------------------------------------------------


def parse_hours(text: str) -> Hours:
    """Read "08:00-12:00, 13-17 Uhr"; empty or "closed" is closed. Raises `BadHours`.

    An end that is not after its start lies on the next day: 22:00-02:00.
    """
    text = text.strip()
    if not text or _CLOSED.fullmatch(text):
        return ()
    found = []
    for part in _BETWEEN.split(text):
        match = _INTERVAL.fullmatch(part.strip())
        if match is None:
            message = _("“%(text)s” is no opening time. Write it like this: 08:00-12:00")
            raise BadHours(message % {"text": part[:40]})
        found.append(_interval(*match.groups()))
    return _checked(found)


def _interval(hour: str, minute: str | None, to_hour: str, to_minute: str | None) -> Interval:
    start, end = _minutes(hour, minute), _minutes(to_hour, to_minute)
    if start in (end, DAY):
        raise BadHours(
            _("An opening time cannot end when it begins; the whole day is 00:00-24:00.")
        )
    return start, end if end > start else end + DAY


def _minutes(hour: str, minute: str | None) -> int:
    found = int(hour) * 60 + int(minute or 0)
    if int(minute or 0) > 59 or found > DAY:
        shown = f"{hour}:{minute or '00'}"
        raise BadHours(_("“%(time)s” is no time of day.") % {"time": shown})
    return found


def _checked(found: list[Interval]) -> Hours:
    found.sort()
    if len(found) > MAX_INTERVALS:
        raise BadHours(_("These are too many opening times for one day."))
    for (_start, end), (start, _end) in zip(found, found[1:], strict=False):
        if start < end:
            raise BadHours(_SAME_DAY)
    return tuple(found)


def clock(minutes: int) -> str:
    """Return minutes of a day as "08:00"; midnight at the end of a day is "24:00"."""
    if minutes > DAY:
        minutes -= DAY
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def written(hours: Hours) -> str:
    """Return opening times as `parse_hours` reads them."""
    return ", ".join(f"{clock(start)}-{clock(end)}" for start, end in hours)


def stored(hours: Hours) -> list[list[str]]:
    return [[clock(start), clock(end)] for start, end in hours]


def loaded(data: Any) -> Hours:
    """Read what `stored` made. Raises `BadHours`."""
    try:
        return _checked([_interval(*start.split(":"), *end.split(":")) for start, end in data])
    except (TypeError, ValueError, AttributeError) as error:
        raise BadHours from error


# --- own days ------------------------------------------------------------------------------------


def parse_own_days(text: str) -> tuple[OwnDays, ...]:
    """Read one entry a line. Raises `BadLines`, which names every line that cannot be read."""
    found: list[OwnDays] = []
    errors: list[str] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            entry = parse_own_day(line)
            if any(_same(entry, other) for other in found):
                raise BadHours(_("This date stands in another line already."))
            found.append(entry)
        except BadHours as error:
            said = {"number": number, "line": line.strip()[:60], "error": error}
            errors.append(_("Line %(number)s, “%(line)s”: %(error)s") % said)
        if len(found) > MAX_OWN_DAYS:
            errors.append(_("These are too many lines."))
            break
    if errors:
        raise BadLines(errors)
    return tuple(found)


class BadLines(BadHours):
    """The lines that cannot be read, as sentences in `lines`."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__(" ".join(lines))
        self.lines = lines


def _same(one: OwnDays, other: OwnDays) -> bool:
    return (one.first, one.last) == (other.first, other.last)


def parse_own_day(line: str) -> OwnDays:
    """Read "24.12.2026 Heiligabend", "24.12. bis 12:00", "2026-12-27 - 2026-12-31 closed". Raises `BadHours`."""
    first, rest = _read_date(line.strip())
    if first is None:
        raise BadHours(
            _("A line begins with a date: 24.12.2026, 2026-12-24, or 24.12. every year.")
        )
    last, rest = _read_last(first, rest)
    entry = _read_hours(rest)
    return _sound(OwnDays(first, last, entry.name, entry.hours, entry.window))


def _read_date(text: str) -> tuple[Day | None, str]:
    match = _DATE.match(text)
    if match is None:
        return None, text
    part = match.groupdict()
    year = (part["year"] or part["y"] or "").strip()
    month, day = part["month"] or part["m"] or part["mm"], part["day"] or part["d"] or part["dd"]
    try:
        # a leap year: 29 February may stand for every year
        found = dt.date(int(year) + 2000 * (len(year) == 2) if year else 2000, int(month), int(day))
    except ValueError:
        raise BadHours(_("“%(date)s” is no date.") % {"date": match.group()}) from None
    if not FIRST_YEAR <= found.year <= LAST_YEAR:
        raise BadHours(_("Years from 1970 to 2100 are possible."))
    return found if year else (found.month, found.day), text[match.end() :].strip()


def _read_last(first: Day, rest: str) -> tuple[Day, str]:
    dash = re.match(_DASH, rest)
    after = rest[dash.end() :] if dash and dash.group().strip() else ""
    # "bis 12.30" is a time: a last day has its year or its second dot
    if not re.match(r"\d{1,2}\.\s?\d{1,2}\.|\d{4}-|\d{2}-\d{2}(?!\d)", after):
        return first, rest
    last, rest = _read_date(after)
    if last is None or isinstance(last, tuple) != isinstance(first, tuple):
        raise BadHours(_("Write the year with both days, or with none."))
    return last, rest


def _read_hours(rest: str) -> OwnDays:
    """Read what follows the date; of the result only name, hours and window count."""
    none: Day = (1, 1)
    if limit := _LIMIT.match(rest):
        word, hour, minute = limit.groups()
        at = _minutes(hour, minute)
        window = (at, 2 * DAY) if word.lower() in ("ab", "from") else (0, at)
        return OwnDays(none, none, _name(rest[limit.end() :]), None, window)
    if closed := _CLOSED.match(rest):
        return OwnDays(none, none, _name(rest[closed.end() :]))
    place, found = 0, []
    while match := _INTERVAL.match(rest, place):
        found.append(_interval(*match.groups()))
        place = match.end()
        if (between := _BETWEEN.match(rest, place)) and _INTERVAL.match(rest, between.end()):
            place = between.end()
    return OwnDays(none, none, _name(rest[place:]), _checked(found))


def _name(text: str) -> str:
    return text.strip(" \t,;:–—-()")[:MAX_NAME]


def _sound(entry: OwnDays) -> OwnDays:
    if isinstance(entry.first, dt.date) and isinstance(entry.last, dt.date):
        length = (entry.last - entry.first).days + 1
        if length < 1:
            raise BadHours(_("The last day lies before the first."))
        if length > MAX_SPAN:
            raise BadHours(_("A run of days is a year at most."))
    return entry


def write_own_day(entry: OwnDays) -> str:
    """Return an entry as `parse_own_day` reads it, in the active language."""
    german = (get_language() or "de").startswith("de")
    parts = [_write_date(entry.first, german)]
    if entry.first != entry.last:
        parts += ["bis" if german else "to", _write_date(entry.last, german)]
    if entry.window is not None:
        start, end = entry.window
        until = ("bis" if german else "until", clock(end))
        parts += until if start == 0 else ("ab" if german else "from", clock(start))
    elif entry.hours:
        parts.append(written(entry.hours))
    return " ".join([*parts, entry.name]).strip()


def _write_date(day: Day, german: bool) -> str:
    if isinstance(day, dt.date):
        return f"{day:%d.%m.%Y}" if german else day.isoformat()
    month, number = day
    return f"{number:02d}.{month:02d}." if german else f"{month:02d}-{number:02d}"


def store_own_day(entry: OwnDays) -> dict[str, Any]:
    days = {"first": _write_date(entry.first, False), "last": _write_date(entry.last, False)}
    if entry.window is not None:
        start, end = entry.window
        window = [clock(start), None if end == 2 * DAY else clock(end)]
        return {**days, "name": entry.name, "window": window}
    return {**days, "name": entry.name, "hours": stored(entry.hours or ())}


def load_own_day(data: Any) -> OwnDays:
    """Read what `store_own_day` made. Raises `BadHours`."""
    try:
        first, last = (_read_date(data[key])[0] for key in ("first", "last"))
        if first is None or last is None:
            raise BadHours
        name = str(data.get("name", ""))
        if (window := data.get("window")) is not None:
            start, end = (None if edge is None else _minutes(*edge.split(":")) for edge in window)
            edges = (start or 0, 2 * DAY if end is None else end)
            return _sound(OwnDays(first, last, name, None, edges))
        return _sound(OwnDays(first, last, name, loaded(data.get("hours", []))))
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise BadHours from error
