from __future__ import annotations

import datetime as dt

import pytest
from django.core.exceptions import ValidationError

from helpdesk.errors import InvalidInput
from helpdesk.models import Calendar
from helpdesk.models.time import default_hours

pytestmark = pytest.mark.django_db

MONDAY = dt.datetime(2026, 9, 28, 12, tzinfo=dt.UTC)


def test_calendar_is_ready_to_reckon_with_from_the_start():
    calendar = Calendar.objects.create(name="Office")
    found = Calendar.objects.get().work_time()
    assert found is calendar.work_time()  # built once for the same content
    assert (found.time_zone, found.country, found.subdivision) == ("Europe/Berlin", "DE", "NW")
    assert found.delta(MONDAY, MONDAY + dt.timedelta(days=7)) == 5 * 9 * 3600


def test_changed_columns_change_the_working_time_at_once():
    calendar = Calendar(name="Office")
    before = calendar.work_time()
    calendar.hours["mon"] = []
    assert calendar.work_time() != before
    assert not calendar.work_time().is_open(MONDAY)
    calendar.hours = default_hours()
    assert calendar.work_time() == before
    calendar.time_zone = "Asia/Tokyo"
    assert not calendar.work_time().is_open(MONDAY)


@pytest.mark.parametrize(
    ("column", "value"),
    [("time_zone", "Mars/Olympus"), ("country", "XX"), ("subdivision", "XX"), ("hours", []),
     ("hours", {"mon": [["8", "99:00"]]}), ("own_days", [{"first": "2026-02-31"}])],
)  # fmt: skip
def test_columns_that_are_no_calendar_are_refused(column, value):
    calendar = Calendar(name="Office", **{column: value})
    with pytest.raises(ValidationError) as caught:
        calendar.full_clean()
    assert "This field" not in str(caught.value)
    with pytest.raises(InvalidInput):
        calendar.work_time()
