"""When what is stored goes: days as the wall clock of the queue counts them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpdesk.rules.storing import Kept, days_in_all, gone_from, plan

pytestmark = pytest.mark.pure

BERLIN = "Europe/Berlin"
CLOSED = datetime(2025, 3, 1, 10, tzinfo=UTC)


def kept(**changes):
    return Kept(**{"is_open": False, "since": CLOSED, "zone": BERLIN, "days": 730, **changes})


def test_it_is_kept_through_day_730_and_goes_from_the_beginning_of_day_731():
    found = plan(kept())
    assert found.erase_at == datetime(2027, 3, 2, tzinfo=ZoneInfo(BERLIN))
    assert (found.step, found.step_at) == ("end", found.erase_at)


def test_the_day_is_that_of_the_queue():
    late = datetime(2025, 3, 1, 23, 30, tzinfo=UTC)  # the next day in Berlin already
    assert gone_from(late, 1, BERLIN) == datetime(2025, 3, 4, tzinfo=ZoneInfo(BERLIN))
    assert gone_from(late, 1, "America/New_York") == datetime(
        2025, 3, 3, tzinfo=ZoneInfo("America/New_York")
    )


@pytest.mark.parametrize("days", [14, 730])
def test_an_objection_makes_it_shorter_and_never_longer(days):
    assert days_in_all(kept(days=days, objection_days=14)) == 14
    assert days_in_all(kept(days=7, objection_days=14)) == 7


def test_files_and_persons_go_earlier_each_once():
    steps = kept(attachment_days=90, personal_days=30)
    assert plan(steps).step == "personal"
    assert plan(kept(attachment_days=90, personal_days=30, persons_are_gone=True)).step == (
        "attachments"
    )
    done = kept(attachment_days=90, personal_days=30, persons_are_gone=True, files_are_gone=True)
    assert plan(done).step == "end"
    assert plan(kept(days=30, attachment_days=30)).step == "end"


def test_an_open_one_goes_only_after_its_team_was_warned():
    waits = kept(is_open=True, days=100)
    found = plan(waits)
    assert (found.step, found.erase_at - found.step_at) == ("warning", timedelta(days=14))
    told = CLOSED + timedelta(days=200)
    after = plan(kept(is_open=True, days=100, warned_at=told))
    assert (after.step, after.step_at) == ("end", gone_from(told, 13, BERLIN))
    again = kept(is_open=True, days=100, since=told + timedelta(days=1), warned_at=told)
    assert plan(again).step == "warning"


def test_an_open_one_is_not_taken_away_by_a_short_time_of_keeping():
    assert days_in_all(kept(is_open=True, days=0)) == 90
    assert days_in_all(kept(is_open=True, days=730, objection_days=14)) == 90


@given(
    st.integers(946_684_800, 3_786_912_000).map(lambda at: datetime.fromtimestamp(at, UTC)),
    st.integers(0, 4000),
    st.sampled_from([BERLIN, "America/New_York", "Pacific/Kiritimati", "UTC"]),
)
def test_it_is_midnight_there_after_that_many_whole_days(since, days, zone):
    found = gone_from(since, days, zone)
    assert found == datetime.combine(found.date(), datetime.min.time(), ZoneInfo(zone))
    assert (found.date() - since.astimezone(ZoneInfo(zone)).date()).days == days + 1
