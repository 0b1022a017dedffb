"""The clocks of a ticket: when they start, stand still and end, and when they run out. Pure.

docs/clocks.md has the same as a table, for people.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from .openings import NoWorkingTime

FIRST_RESPONSE, UPDATE, SOLUTION = "first_response", "update", "solution"
KINDS = (FIRST_RESPONSE, UPDATE, SOLUTION)

Stretch = tuple[datetime, datetime]


class WorkingTime(Protocol):
    """The part of `worktime.WorkTime` that clocks need."""

    def add(self, start: datetime, seconds: float) -> datetime: ...

    def delta(self, start: datetime, end: datetime) -> float: ...


class End(StrEnum):
    """Why a run ended."""

    DONE = "done"
    CLOSED = "closed"
    DROPPED = "dropped"


@dataclass(frozen=True)
class Facts:
    """What the clocks go by, as the ticket stands now. `paused` are the kinds that its state stops."""

    is_open: bool
    began_at: datetime
    reopened_at: datetime | None = None
    closed_at: datetime | None = None
    first_response_at: datetime | None = None
    waiting_since: datetime | None = None
    paused: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Run:
    """One run of one clock. It ran in `stretches`, and runs since `running_since` unless that is None."""

    kind: str
    number: int
    minutes: int
    started_at: datetime
    running_since: datetime | None = None
    stretches: tuple[Stretch, ...] = ()
    ended_at: datetime | None = None
    end: str = ""

    @property
    def is_alive(self) -> bool:
        return self.ended_at is None

    def paused(self, at: datetime) -> Run:
        if self.running_since is None:
            return self
        stretch = (self.running_since, max(at, self.running_since))
        return replace(self, running_since=None, stretches=(*self.stretches, stretch))

    def resumed(self, at: datetime) -> Run:
        return self if self.running_since is not None else replace(self, running_since=at)

    def ended(self, at: datetime, end: End) -> Run:
        """End it at a moment that is not before its last stretch began."""
        stopped = self.paused(at)
        last = stopped.stretches[-1][1] if stopped.stretches else self.started_at
        return replace(stopped, ended_at=max(at, last), end=str(end))

    def revived(self) -> Run:
        """Take its end back, as if it had never stopped: what ended it did not happen."""
        alive = replace(self, ended_at=None, end="")
        if self.stretches and self.stretches[-1][1] == self.ended_at:
            return replace(
                alive, running_since=self.stretches[-1][0], stretches=self.stretches[:-1]
            )
        return alive


def start_of(kind: str, facts: Facts) -> datetime | None:
    """Return since when a clock counts, or None if there is nothing to count now."""
    if not facts.is_open:
        return None
    if kind == UPDATE:
        return facts.waiting_since
    if kind == FIRST_RESPONSE and facts.first_response_at is not None:
        return None
    return facts.reopened_at or facts.began_at


def settle(
    runs: Iterable[Run], facts: Facts, minutes: Mapping[str, int], *, at: datetime
) -> list[Run]:
    """Return the runs of all clocks as they must be at `at`, given those that were.

    `minutes` are the promised ones by kind; a kind that is missing promises nothing. A run whose start is
    the start of an ended one is that one again. Settling twice changes nothing.
    """
    by_kind: dict[str, list[Run]] = {kind: [] for kind in KINDS}
    for run in runs:
        by_kind[run.kind].append(run)
    settled: list[Run] = []
    for kind in KINDS:
        settled += _settle_kind(kind, by_kind[kind], facts, minutes.get(kind), at)
    return settled


def _settle_kind(
    kind: str, runs: list[Run], facts: Facts, minutes: int | None, at: datetime
) -> list[Run]:
    start = start_of(kind, facts)
    alive = next((run for run in runs if run.is_alive), None)
    others = [run for run in runs if not run.is_alive]
    if alive is not None and (not minutes or start is None or start != alive.started_at):
        others.append(alive.ended(*_end_of(kind, facts, minutes, start, at)))
        alive = None
    if not minutes or start is None:
        return others
    if alive is None:
        before = next((run for run in others if run.started_at == start), None)
        if before is not None:
            others.remove(before)
            alive = before.revived()
        else:
            number = 1 + max((run.number for run in others), default=0)
            alive = Run(kind, number, minutes, start)
            if kind not in facts.paused:
                alive = alive.resumed(start)
    alive = replace(alive, minutes=minutes)
    alive = alive.paused(at) if kind in facts.paused else alive.resumed(at)
    return [*others, alive]


def _end_of(
    kind: str, facts: Facts, minutes: int | None, start: datetime | None, at: datetime
) -> tuple[datetime, End]:
    if not minutes:
        return at, End.DROPPED
    if kind == FIRST_RESPONSE and facts.first_response_at is not None:
        return facts.first_response_at, End.DONE
    if not facts.is_open:
        return facts.closed_at or at, End.DONE if kind == SOLUTION else End.CLOSED
    return at, End.DONE if start is None else End.DROPPED


@dataclass(frozen=True)
class Deadline:
    """When a run warns and when its time is used up; None where it does not."""

    warn_at: datetime | None
    due_at: datetime | None


def deadline(run: Run, work_time: WorkingTime, warning_percent: int | None) -> Deadline:
    """Return when a run warns and runs out by a calendar.

    One that stands still has no deadline, unless its time was used up before. With a calendar that never
    opens there is none either.
    """
    total = run.minutes * 60
    try:
        due_at = _reached(run, work_time, total)
        warn_at = (
            _reached(run, work_time, total * warning_percent / 100) if warning_percent else None
        )
    except NoWorkingTime:
        return Deadline(None, None)
    return Deadline(warn_at, due_at)


def _reached(run: Run, work_time: WorkingTime, seconds: float) -> datetime | None:
    """Return when a run has used up so many seconds; None if it stands still before."""
    left = seconds
    for start, end in run.stretches:
        used = work_time.delta(start, end)
        if used >= left:
            return work_time.add(start, left)
        left -= used
    return None if run.running_since is None else work_time.add(run.running_since, left)


def used(run: Run, work_time: WorkingTime, *, at: datetime) -> float:
    """Return the seconds of working time that a run has used up until `at`."""
    seconds = sum(work_time.delta(start, end) for start, end in run.stretches)
    if run.running_since is not None and at > run.running_since:
        seconds += work_time.delta(run.running_since, at)
    return seconds


def next_date(
    dates: Mapping[str, datetime | None], *, look_again_at: datetime
) -> tuple[str, datetime]:
    """Return the name and moment of the earliest of a ticket's dates, or, without any, that of the next look."""
    known = [(at, name) for name, at in dates.items() if at is not None]
    if not known:
        return "look_again", look_again_at
    at, name = min(known)
    return name, at
