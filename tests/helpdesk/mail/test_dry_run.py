"""A trial on stored mails: which ones it sees, and what it says of them."""

from __future__ import annotations

import datetime as dt
import itertools
from typing import Any

import pytest

from helpdesk.mail import dry_run, ledger
from helpdesk.mail.filter_fields import MAIL_FIELDS
from helpdesk.mail.filters import Compiled
from helpdesk.models import InboundMail
from helpdesk.rules import conditions, effects
from helpdesk.rules.effects import Plan
from tests import factories as f

pytestmark = pytest.mark.django_db

NOW = dt.datetime(2026, 11, 24, 10, 30, tzinfo=dt.UTC)
OFFER = {"field": "subject", "op": "contains", "value": "offer"}
_counter = itertools.count()


def arrived(subject: str, headers: str = "", **columns: Any) -> InboundMail:
    number = next(_counter)
    raw = f"From: a@mail.example\r\nSubject: {subject}\r\n{headers}\r\nHi {number}\r\n"
    row = ledger.accept(raw.encode(), source="test", key=str(number))
    InboundMail.objects.filter(pk=row.pk).update(
        **{
            "state": "filed",
            "outcome": "opened",
            "received_at": NOW + dt.timedelta(hours=number),
            **columns,
        }
    )
    return row


def rule(
    pk: int, *given: dict[str, Any], condition: dict[str, Any] = OFFER, stops: bool = False
) -> Compiled:
    read = conditions.parse(condition, MAIL_FIELDS, known=False)
    return Compiled(pk, f"filter {pk}", read, effects.parse(list(given)), stops)


def run(tried: Compiled, *others: Compiled, before: int = 0, **options: Any) -> dry_run.Trial:
    return dry_run.try_filter(
        tried, others, dry_run.replaced(others, tried, before), now=NOW, **options
    )


IGNORE = {"do": "ignore", "reason": "x"}


def test_the_newest_mails_are_looked_at_and_the_fitting_ones_found():
    arrived("offer that is too old")
    first, second = arrived("An offer"), arrived("OFFER again")
    arrived("WLAN")
    trial = run(rule(0, IGNORE), limit=3)
    assert (trial.tried, trial.changed) == (3, 2)
    assert [hit.pk for hit in trial.hits] == [second.pk, first.pk]
    assert (trial.hits[1].before, trial.hits[1].after) == (Plan(), Plan(ignore="x"))


def test_nothing_is_written(django_assert_num_queries):
    for _turn in range(3):
        arrived("An offer")
    before = list(InboundMail.objects.order_by("pk").values())
    with django_assert_num_queries(1):
        run(rule(0, IGNORE))
    assert list(InboundMail.objects.order_by("pk").values()) == before


@pytest.mark.parametrize(
    ("columns", "seen"),
    [
        ({}, True),
        ({"state": "failed"}, True),
        ({"rule": "second_delivery"}, False),
        ({"rule": "own_mail"}, False),
        ({"blob": None}, False),
    ],
)
def test_mails_that_never_reach_a_filter_are_left_out(columns, seen):
    arrived("An offer", **columns)
    assert bool(run(rule(0, IGNORE)).tried) is seen


def test_very_large_mails_are_left_out_and_counted():
    arrived("An offer", size=dry_run.MAX_SIZE + 1)
    assert run(rule(0, IGNORE)) == dry_run.Trial(too_large=1)


def test_a_mail_that_joins_a_ticket_keeps_what_the_ticket_has():
    arrived("An offer", outcome="appended")
    [hit] = run(rule(0, {"do": "set_queue", "queue": 3})).hits
    assert hit.joins
    assert not hit.changes


def test_the_changed_filter_takes_the_place_of_the_stored_one():
    arrived("An offer")
    stored = rule(2, {"do": "set_type", "type": 1})
    tried = rule(2, {"do": "set_type", "type": 5})
    last = rule(3, {"do": "set_queue", "queue": 7})
    assert dry_run.replaced((rule(1), stored, last), tried, 1)[1:] == (tried, last)
    [hit] = run(tried, rule(1), stored, last, before=1).hits
    assert (hit.before, hit.after) == (Plan(queue=7, type=1), Plan(queue=7, type=5))


def test_an_earlier_filter_that_stops_is_told():
    arrived("An offer")
    [hit] = run(rule(0, IGNORE), rule(1, {"do": "set_type", "type": 1}, stops=True), before=1).hits
    assert hit.stopped
    [hit] = run(rule(0, IGNORE), rule(1, {"do": "set_type", "type": 1}, stops=True), before=0).hits
    assert not hit.stopped


def test_headers_count_for_mail_of_a_trusted_way_in_only():
    queue = f.QueueFactory(slug="faults")
    arrived("An offer", "X-Stelze-Queue: faults\r\n", trusted=True)
    arrived("An offer", "X-Stelze-Queue: faults\r\n")
    plain, trusted = run(rule(0, {"do": "add_tags", "tags": "a"})).hits
    assert plain.after == Plan(tags=("a",))
    assert trusted.after == Plan(queue=queue.pk, tags=("a",))


def test_time_runs_out_between_two_mails():
    arrived("An offer")
    assert run(rule(0, IGNORE), seconds=-1) == dry_run.Trial(timed_out=True)
