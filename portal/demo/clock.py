"""The demo's clock: past days on which its stories happen.

Verbs stamp what they do with `timezone.now()`. A demo whose tickets all came in this minute shows
nothing, so its stories are played with that clock set to the past: then numbers, history, receipts,
promises and limits all agree with each other, and no row has to be changed behind the verbs' backs.
Only the command `demo` does this, in a process of its own; nothing else may.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from functools import cache

from django.utils import timezone

SATURDAY = 5
_real_now = timezone.now


@contextmanager
def at(moment: datetime) -> Iterator[None]:
    """Let it be `moment` inside the block, for everything that asks Django for the time."""
    before = timezone.now
    timezone.now = lambda: moment
    try:
        yield
    finally:
        timezone.now = before


def moment(when: str) -> datetime:
    """Return the time that `when` names, always in the past.

    "12 09:30" is half past nine, twelve working days ago; "-40" is forty minutes ago.
    """
    if when.startswith("-"):
        return _real_now() - timedelta(minutes=int(when[1:]))
    days, clock = when.split()
    day = working_day(timezone.localdate(_real_now()), -int(days))
    return timezone.make_aware(datetime.combine(day, time.fromisoformat(clock)))


def due(days: int) -> datetime:
    """Return nine o'clock of the day that lies `days` working days ahead (or back) of today."""
    day = working_day(timezone.localdate(_real_now()), days)
    return timezone.make_aware(datetime.combine(day, time(9)))


@cache
def working_day(day: date, count: int) -> date:
    """Return the day `count` working days after `day`, or before it."""
    step = timedelta(days=1 if count > 0 else -1)
    while count:
        day += step
        if day.weekday() < SATURDAY:
            count -= 1 if count > 0 else -1
    return day
