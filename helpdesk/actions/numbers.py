"""Ticket numbers: unique under concurrency, and never drawn twice."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from django.db import connection
from django.db.models import F
from django.utils import timezone

from helpdesk import addressing, conf
from helpdesk.models import NumberCounter, held, hold, update


def draw(day: date | None = None) -> str:
    """Return a fresh ticket number of `day` (default: today in the site's time zone).

    Call inside a transaction: the day's counter row stays locked until it ends, so two tickets can
    never get one number. A rolled back number is drawn again.
    """
    day = day or timezone.localdate()
    value = _count_on(day)
    if value is None:
        value = (
            _count(day)
            if connection.features.can_return_columns_from_insert
            else _count_in_steps(day)
        )
    return addressing.make_number(day, str(conf.get("SYSTEM_ID")), value)


def _count_on(day: date) -> int | None:
    """Do so in an open batch that holds the counter's lock already; None if there is none."""
    counter = held(NumberCounter, day=day)
    if counter is None:
        return None
    counter.value += 1
    update(counter, "value")
    return counter.value


def _count(day: date) -> int:
    """Raise the day's counter and return it, in one statement."""
    table = connection.ops.quote_name(NumberCounter._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} (day, value) VALUES (%s, 1) "  # noqa: S608 (our own table's name)
            f"ON CONFLICT (day) DO UPDATE SET value = {table}.value + 1 RETURNING id, value",
            [connection.ops.adapt_datefield_value(day)],
        )
        pk, value = cursor.fetchone()
    hold(NumberCounter.from_db(connection.alias, ("id", "day", "value"), (pk, day, value)))
    return int(value)


def _count_in_steps(day: date) -> int:
    """Do the same for SQLite before 3.35, which returns nothing from an insert."""
    if not NumberCounter.objects.filter(day=day).update(value=F("value") + 1):
        NumberCounter.objects.get_or_create(day=day)
        NumberCounter.objects.filter(day=day).update(value=F("value") + 1)
    return NumberCounter.objects.values_list("value", flat=True).get(day=day)


def skip_drawn(numbers: Iterable[str], *, gap: int = 0, day: date | None = None) -> int:
    """Raise the counters so that none of `numbers` is drawn again; return how many counters were raised.

    For a database that was put back to an earlier state. Nobody knows how many numbers were drawn since then: the
    counter of `day` (default: today) goes on `gap` higher than what is known. Numbers of other systems count for nothing.
    """
    drawn: dict[date, int] = {}
    for number in numbers:
        if addressing.is_number(number) and number[8:10] == str(conf.get("SYSTEM_ID")):
            on = date(int(number[:4]), int(number[4:6]), int(number[6:8]))
            drawn[on] = max(drawn.get(on, 0), int(number[10:-1]))
    known = dict(NumberCounter.objects.values_list("day", "value"))
    if gap:
        today = day or timezone.localdate()
        drawn[today] = max(drawn.get(today, 0), known.get(today, 0)) + gap
    higher = {on: value for on, value in drawn.items() if value > known.get(on, 0)}
    for on, value in higher.items():
        NumberCounter.objects.update_or_create(day=on, defaults={"value": value})
    return len(higher)
