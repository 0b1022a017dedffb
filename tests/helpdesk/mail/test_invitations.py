from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpdesk.mail.invitations import events

pytestmark = pytest.mark.pure


def calendar(*lines: str) -> str:
    return "\r\n".join(["BEGIN:VCALENDAR", "METHOD:REQUEST", "BEGIN:VEVENT", *lines, "END:VEVENT"])


@pytest.mark.parametrize(
    ("line", "start", "defects"),
    [
        ("DTSTART:20261012T120000Z", datetime(2026, 10, 12, 12, tzinfo=UTC), []),
        ("DTSTART;TZID=Europe/Berlin:20261012T140000", datetime(2026, 10, 12, 12, tzinfo=UTC), []),
        ("DTSTART;TZID=W. Europe Standard Time:20260112T130000", datetime(2026, 1, 12, 12, tzinfo=UTC), []),
        ("DTSTART;VALUE=DATE:20261012", datetime(2026, 10, 12, tzinfo=UTC), []),
        ("DTSTART;TZID=Europe:20261012T120000", datetime(2026, 10, 12, 12, tzinfo=UTC), ["calendar-zone-unknown"]),
        ("DTSTART;TZID=../../x:20261012T120000", datetime(2026, 10, 12, 12, tzinfo=UTC), ["calendar-zone-unknown"]),
        ("DTSTART:20261399T120000Z", None, []),
        ("DTSTART:00010101T000000", None, []),
        ("DTSTART:bald", None, []),
    ],
)  # fmt: skip
def test_time_is_in_utc(line: str, start: datetime | None, defects: list[str]) -> None:
    found, said = events(calendar(line))
    assert (found[0].start, said) == (start, defects)


def test_duration_gives_the_end() -> None:
    found, _ = events(calendar("DTSTART:20261012T120000Z", "DURATION:PT1H30M"))
    assert found[0].end == datetime(2026, 10, 12, 13, 30, tzinfo=UTC)


def test_events_are_capped() -> None:
    found, defects = events("BEGIN:VEVENT\nEND:VEVENT\n" * 50)
    assert (len(found), defects) == (20, ["events-cut"])


@given(st.lists(st.sampled_from(["BEGIN:VEVENT", "END:VEVENT", "BEGIN:VALARM", "END:X", "DTSTART:99999999T999999",
                                 "DTSTART;TZID=a/b:20261012T120000", "DURATION:P999W", "SUMMARY:x\\", ":", "A;B"])
                | st.text(max_size=20), max_size=30))  # fmt: skip
def test_any_text_is_survived(lines: list[str]) -> None:
    found, defects = events("\n".join(lines))
    assert len(found) <= 20
    assert all(isinstance(defect, str) for defect in defects)
