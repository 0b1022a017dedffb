"""When what is stored of a request goes: pure reckoning with days in the time zone of its queue.

A request is kept through the last of its days and erased from midnight on: one that is kept for 730 days and was
closed on 1 March 2025 may be erased from the beginning of 2 March 2027 (day 731).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

ATTACHMENTS, PERSONAL, WARNING, END = "attachments", "personal", "warning", "end"


@dataclass(frozen=True)
class Kept:
    """What the dates depend on. All days are counted from `since`: the last closing, else the last activity.

    `objection_days` is None without an objection. `open_days` is how long an open request stays at least after
    the last activity, and at most with an objection; `warned_at` is when its team was told.
    """

    is_open: bool
    since: datetime
    zone: str
    days: int
    attachment_days: int | None = None
    personal_days: int | None = None
    objection_days: int | None = None
    open_days: int = 90
    warning_days: int = 14
    warned_at: datetime | None = None
    files_are_gone: bool = False
    persons_are_gone: bool = False


@dataclass(frozen=True)
class Plan:
    """From when the request may be erased, and the next step on the way: its date and name."""

    erase_at: datetime
    step_at: datetime
    step: str


def plan(kept: Kept) -> Plan:
    """Return the dates of a request."""
    return _of_open(kept) if kept.is_open else _of_closed(kept)


def days_in_all(kept: Kept) -> int:
    """Return for how many days it is kept; an objection makes it fewer, never more."""
    if kept.is_open:
        return kept.open_days if kept.objection_days is not None else max(kept.days, kept.open_days)
    return kept.days if kept.objection_days is None else min(kept.days, kept.objection_days)


def gone_from(since: datetime, days: int, zone: str) -> datetime:
    """Return the midnight after the last of so many days that follow the day of `since`.

    As the wall clock of `zone` counts them: a day has 23 hours sometimes.
    """
    there = ZoneInfo(zone)
    day = since.astimezone(there).date() + timedelta(days=days + 1)
    return datetime.combine(day, time.min, there)


def _of_closed(kept: Kept) -> Plan:
    days = days_in_all(kept)
    erase_at = gone_from(kept.since, days, kept.zone)
    steps = (
        (kept.attachment_days, ATTACHMENTS, kept.files_are_gone),
        (kept.personal_days, PERSONAL, kept.persons_are_gone),
    )
    earlier = [
        (gone_from(kept.since, of, kept.zone), name)
        for of, name, is_done in steps
        if of is not None and of < days and not is_done
    ]
    step_at, step = min(earlier, default=(erase_at, END))
    return Plan(erase_at, step_at, step)


def _of_open(kept: Kept) -> Plan:
    """Nothing of an open request goes by steps; and it never goes before its team was told."""
    erase_at = gone_from(kept.since, days_in_all(kept), kept.zone)
    ahead = timedelta(days=kept.warning_days)
    if kept.warned_at is None or kept.warned_at < kept.since:
        return Plan(erase_at, erase_at - ahead, WARNING)
    # from the beginning of a day, as everything else
    erase_at = max(erase_at, gone_from(kept.warned_at, kept.warning_days - 1, kept.zone))
    return Plan(erase_at, erase_at, END)
