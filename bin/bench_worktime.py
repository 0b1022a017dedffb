"""How many questions about working time a second one core answers: `python bin/bench_worktime.py`.

Random moments in ten years, spans from minutes to sixty years, in a calendar with a lunch hour, holidays and own
days. The last line is one JSON object: calls per second by kind, and the seconds that building the tables took.
"""

from __future__ import annotations

import datetime as dt
import json
import random
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

CALLS = 100_000
SPANS = {"an hour": 3600, "a week": 40 * 3600, "a year": 2000 * 3600, "60 years": 120_000 * 3600}
START = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)


def main() -> None:
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    from django.conf import settings

    settings.configure(USE_I18N=False)
    calendar, other = office(), office("Europe/Vienna")
    chance = random.Random(1)  # noqa: S311  the same questions each time
    starts = [
        START + dt.timedelta(seconds=chance.randrange(10 * 365 * 86400)) for _ in range(CALLS)
    ]
    built = time.perf_counter()
    other.add(starts[0], 1)
    first = time.perf_counter() - built
    calendar.add(max(starts), SPANS["60 years"])
    calendar.add(min(starts), SPANS["60 years"])
    figures: dict[str, Any] = {}
    for name, span in SPANS.items():
        dues = [calendar.add(start, span) for start in starts]
        figures[f"add, {name}"] = rate(lambda start, s=span: calendar.add(start, s), starts)  # type: ignore[misc]
        figures[f"delta, {name}"] = rate(
            lambda pair: calendar.delta(*pair), zip(starts, dues, strict=True)
        )
    figures["next_opening"] = rate(calendar.next_opening, starts)
    figures["is_open"] = rate(calendar.is_open, starts)
    for name, value in figures.items():
        print(f"{name:<20} {value:>9,} calls/s")
    print(f"the first question of a calendar takes {first * 1000:.1f} ms")
    print(
        json.dumps(
            {"calls_per_s": min(figures.values()), **figures, "first_ms": round(first * 1000, 1)}
        )
    )


def office(zone: str = "Europe/Berlin") -> Any:
    from helpdesk.rules import hours, worktime

    day = hours.parse_hours("08:00-12:00, 13:00-17:00")
    own = hours.parse_own_days("24.12. bis 12:00\n31.12. bis 12:00\n27.12.-30.12. Betriebsferien")
    return worktime.WorkTime(zone, (day,) * 5 + ((), ()), own, "DE", "NW")


def rate(ask: Callable[[Any], object], questions: Iterable[Any]) -> int:
    """Return the calls per second of the best of three rounds."""
    asked = list(questions)
    best = float("inf")
    for _ in range(3):
        begin = time.perf_counter()
        for question in asked:
            ask(question)
        best = min(best, time.perf_counter() - begin)
    return round(len(asked) / best)


if __name__ == "__main__":
    main()
