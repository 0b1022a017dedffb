"""The events of a calendar part (RFC 5545), as far as a ticket shows them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from helpdesk.mail.charsets import one_line
from helpdesk.mail.parsed import Event

LIMIT_EVENTS: Final = 20
_LIMIT_CHARS: Final = 500_000
_LIMIT_LINES: Final = 5_000
_LIMIT_TEXT: Final = 500

_LINE = re.compile(r'([A-Za-z0-9-]{1,60})((?:;[^":;]{1,200}(?:"[^"]{0,500}"[^":;]{0,200})?)*):(.*)')
_TIME = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)?(Z)?)?")
_ZONE = re.compile(r'tzid="?/?([^";]{1,80})', re.IGNORECASE)
_DURATION = re.compile(
    r"P(?:(\d{1,3})W)?(?:(\d{1,3})D)?(?:T(?:(\d{1,4})H)?(?:(\d{1,5})M)?(?:\d+S)?)?$"
)

# Outlook's names for the zones in which our users and their neighbours live
_WINDOWS_ZONES: Final = {
    "w. europe standard time": "Europe/Berlin",
    "central europe standard time": "Europe/Budapest",
    "central european standard time": "Europe/Warsaw",
    "romance standard time": "Europe/Paris",
    "gmt standard time": "Europe/London",
    "e. europe standard time": "Europe/Chisinau",
    "fle standard time": "Europe/Helsinki",
    "gtb standard time": "Europe/Bucharest",
    "turkey standard time": "Europe/Istanbul",
    "russian standard time": "Europe/Moscow",
    "eastern standard time": "America/New_York",
    "central standard time": "America/Chicago",
    "pacific standard time": "America/Los_Angeles",
    "china standard time": "Asia/Shanghai",
    "tokyo standard time": "Asia/Tokyo",
    "india standard time": "Asia/Kolkata",
}


def events(source: str) -> tuple[list[Event], list[str]]:
    """Return the events of a calendar text and defect codes; what cannot be read is left empty."""
    method = ""
    found: list[Event] = []
    defects: list[str] = []
    current: dict[str, tuple[str, str]] | None = None
    depth = 0  # inside a component of the event, such as an alarm
    unfolded = re.sub(r"\r?\n[ \t]", "", source[:_LIMIT_CHARS])
    for line in unfolded.split("\n", _LIMIT_LINES)[:_LIMIT_LINES]:
        match = _LINE.match(line[:4000].strip())
        if match is None:
            continue
        name, params, value = match[1].upper(), match[2], match[3]
        if name == "METHOD" and current is None:
            method = one_line(value).upper()[:20]
        elif name == "BEGIN" and value.upper() == "VEVENT":
            current, depth = {}, 0
        elif current is None:
            continue
        elif name == "END" and value.upper() == "VEVENT":
            found.append(_event(current, method, defects))
            current = None
            if len(found) >= LIMIT_EVENTS:
                defects.append("events-cut")
                break
        elif name in ("BEGIN", "END"):
            depth += 1 if name == "BEGIN" else -1
        elif depth == 0:
            current.setdefault(name, (params, value))
    return found, defects


def _event(fields: dict[str, tuple[str, str]], method: str, defects: list[str]) -> Event:
    start, all_day = _time(*fields.get("DTSTART", ("", "")), defects)
    end, _ = _time(*fields.get("DTEND", ("", "")), defects)
    length = _DURATION.match(fields.get("DURATION", ("", ""))[1].strip())
    if end is None and start is not None and length is not None:
        weeks, days, hours, minutes = (int(part or 0) for part in length.groups())
        end = start + timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes)
    return Event(
        summary=_text(fields, "SUMMARY"),
        start=start,
        end=end,
        location=_text(fields, "LOCATION"),
        method=method,
        all_day=all_day,
        organizer=re.sub(r"(?i)^mailto:", "", _text(fields, "ORGANIZER")),
    )


def _text(fields: dict[str, tuple[str, str]], name: str) -> str:
    value = fields.get(name, ("", ""))[1]
    return one_line(re.sub(r"\\([nN,;\\])", lambda m: " " if m[1] in "nN" else m[1], value))[
        :_LIMIT_TEXT
    ]


def _time(params: str, value: str, defects: list[str]) -> tuple[datetime | None, bool]:
    """Return a time in UTC and whether it is a whole day; a zone nobody knows counts as UTC."""
    match = _TIME.match(value.strip())
    if match is None:
        return None, False
    try:
        naive = datetime(*(int(part or 0) for part in match.groups()[:6]))  # type: ignore[arg-type]  # noqa: DTZ001
        if naive.year < 1900:
            return None, False
    except ValueError:
        return None, False
    if match[4] is None or match[7]:
        return naive.replace(tzinfo=UTC), match[4] is None
    zone = _ZONE.search(params)
    name = zone[1].strip() if zone else ""
    try:
        known = ZoneInfo(_WINDOWS_ZONES.get(name.lower(), name) if _plain(name) else "")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        defects.append("calendar-zone-unknown")
        return naive.replace(tzinfo=UTC), False
    return naive.replace(tzinfo=known).astimezone(UTC), False


def _plain(name: str) -> bool:
    """Tell whether a zone's name is safe to look up: it becomes a file name."""
    return re.fullmatch(r"[A-Za-z][A-Za-z0-9_+-]*(?:[/. ]+[A-Za-z0-9_+-]+)*", name) is not None
