from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import time_machine
from django.urls import reverse

from helpdesk.agents import calendars
from helpdesk.models import Calendar
from helpdesk.rules import hours
from tests import factories as f

from .conftest import browser

pytestmark = pytest.mark.django_db

WEEK = {f"hours_{day}": "08:00-12:00, 13:00-17:00" for day in hours.WEEKDAYS[:5]}


def url(action: str, *args: object) -> str:
    return reverse(f"helpdesk_calendars:{action}", args=args)


def typed(**data: str) -> dict[str, str]:
    start = {"name": "Office", "time_zone": "Europe/Berlin", "place": "DE-NW", "days": ""}
    return {**start, **WEEK, **data}


@pytest.fixture
def calendar(db) -> Calendar:
    return Calendar.objects.create(name="Office", opening_hours="as ever")


def errors_of(page: Any, field: str) -> list[str]:
    assert page.status_code == 200
    return page.context["form"].errors.get(field, [])


def test_new_calendar_is_open_from_eight_to_five_in_north_rhine_westphalia(admin):
    page = admin.get(url("add")).content.decode()
    assert page.count('value="08:00-17:00"') == 5
    assert '<option value="DE-NW" selected>' in page
    assert '<option value="Europe/Berlin" selected>' in page


def test_calendar_is_made_from_what_people_type(admin):
    data = typed(
        hours_wed="8-12 Uhr", hours_sat="22:00-02:00", opening_hours="nearly always",
        days="24.12. bis 12:00 Heiligabend\n27.12.2026-31.12.2026 Ferien", place="AT-9",
    )  # fmt: skip
    assert admin.post(url("add"), data).status_code == 302
    made = Calendar.objects.get()
    assert made.hours == {
        **{day: [["08:00", "12:00"], ["13:00", "17:00"]] for day in ("mon", "tue", "thu", "fri")},
        "wed": [["08:00", "12:00"]],
        "sat": [["22:00", "02:00"]],
    }
    assert (made.country, made.subdivision, made.opening_hours) == ("AT", "9", "nearly always")
    assert [entry["name"] for entry in made.own_days] == ["Heiligabend", "Ferien"]
    assert made.work_time().day(dt.date(2027, 12, 24)).hours == ((480, 720),)


def test_what_is_kept_stands_in_the_form_and_is_kept_when_saved_again(admin, calendar):
    data = typed(
        days="2026-12-24 until 12:00 Eve\n12-27 to 12-31", hours_sun="00:00-24:00", place=""
    )
    admin.post(url("edit", calendar.pk), data)
    calendar.refresh_from_db()
    kept = calendar.work_time()
    assert kept.country == ""
    form = admin.get(url("edit", calendar.pk)).context["form"]
    again = {name: form[name].value() or "" for name in form.fields}
    assert again["days"] == data["days"]
    assert again["hours_mon"] == data["hours_mon"]
    assert admin.post(url("edit", calendar.pk), again).status_code == 302
    calendar.refresh_from_db()
    assert calendar.work_time() == kept


def test_change_takes_effect_at_once(admin, calendar):
    sunday = dt.datetime(2026, 9, 27, 10, tzinfo=dt.UTC)
    assert not calendar.work_time().is_open(sunday)
    admin.post(url("edit", calendar.pk), typed(hours_sun="08:00-20:00"))
    assert Calendar.objects.get().work_time().is_open(sunday)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("hours_tue", "morning", "“morning” is no opening time"),
        ("hours_tue", "08:00-12:00, 11:00-13:00", "overlap"),
        ("days", "24.12.\nEaster\n2026-02-31", "Line 2, “Easter”: A line begins with a date"),
        ("place", "DE-XX", "Select a valid choice"),
        ("time_zone", "Europe/Lindental", "Select a valid choice"),
        ("name", "", "required"),
    ],
)
def test_mistake_is_told_at_its_field_and_nothing_typed_is_lost(
    admin, calendar, field, value, words
):
    before = Calendar.objects.values().get()
    page = admin.post(url("edit", calendar.pk), typed(**{"hours_mon": "9-10", field: value}))
    assert errors_of(page, field)
    assert words in page.content.decode()
    assert page.context["form"]["hours_mon"].value() == "9-10"
    assert page.context["preview"] == []
    assert Calendar.objects.values().get() == before


def test_every_bad_line_has_its_sentence(admin):
    page = admin.post(url("add"), typed(days="x\n24.12.\ny"))
    assert [error[:6] for error in errors_of(page, "days")] == ["Line 1", "Line 3"]
    assert "Line 3, “y”" in page.content.decode()


@pytest.mark.parametrize("days", ["", "24.12. bis 12:00", "01.05.2020 08:00-12:00"])
def test_calendar_that_never_opens_is_refused(admin, days):
    page = admin.post(url("add"), typed(days=days, **dict.fromkeys(WEEK, "")))
    assert errors_of(page, "__all__") == [
        "This calendar is never open. Give at least one opening time."
    ]
    assert not Calendar.objects.exists()


@time_machine.travel(dt.datetime(2026, 12, 21, 9, tzinfo=dt.UTC))
def test_preview_shows_what_closes_a_day(calendar):
    calendar.own_days = [
        {"first": "12-24", "last": "12-24", "name": "Eve", "window": ["00:00", "12:00"]},
        {"first": "2026-12-28", "last": "2026-12-28", "name": "", "hours": []},
    ]
    rows = {row["date"].day: row for row in calendars.preview(calendar)}
    assert len(rows) == calendars.PREVIEW_DAYS
    shown = {day: (row["hours"], row["reason"], row["special"]) for day, row in rows.items()}
    assert shown[21] == ("08:00-17:00", "", False)
    assert shown[24] == ("08:00-12:00", "Eve", True)
    assert shown[25] == ("", "Christmas Day", True)
    assert shown[27] == ("", "", False)
    assert shown[28] == ("", "own day", True)
    assert shown[1] == ("", "New Year's Day", True)


@time_machine.travel(dt.datetime(2026, 12, 21, 9, tzinfo=dt.UTC))
def test_preview_button_shows_and_saves_nothing(calendar):
    admin = browser(f.UserFactory(is_superuser=True, is_staff=True))  # logged in on that day
    before = Calendar.objects.values().get()
    data = typed(days="2026-12-22 10:00-10:30 Party", preview="1")
    for address in (url("edit", calendar.pk), url("add")):
        data["name"] = "Other"
        page = admin.post(address, data)
        assert page.status_code == 200
        words = page.content.decode()
        assert "10:00-10:30" in words
        assert "Party" in words
        assert "Christmas Day" in words
        assert "Tue 22 Dec" in words
        assert page.context["has_unsaved_changes"] is True
    assert Calendar.objects.values().get() == before


def test_columns_that_are_no_calendar_can_be_mended(admin, calendar):
    Calendar.objects.update(hours={"mon": "x"}, own_days=[5], subdivision="XX", time_zone="No/Zone")
    page = admin.get(url("edit", calendar.pk))
    assert page.status_code == 200
    assert '<option value="DE-XX" selected>' in page.content.decode()
    refused = admin.post(url("edit", calendar.pk), typed(place="DE-XX"))
    assert errors_of(refused, "place") == ["This country has no such state."]
    refused = admin.post(url("edit", calendar.pk), typed(time_zone="No/Zone"))
    assert errors_of(refused, "time_zone") == ["There is no such time zone."]
    assert admin.post(url("edit", calendar.pk), typed()).status_code == 302
    assert Calendar.objects.get().work_time()


def test_list_names_the_places_in_a_constant_number_of_queries(
    admin, calendar, django_assert_max_num_queries
):
    with django_assert_max_num_queries(30) as few:
        page = admin.get(url("index")).content.decode()
    assert "Nordrhein-Westfalen (Germany)" in page
    Calendar.objects.bulk_create(Calendar(name=f"C{number}") for number in range(49))
    with django_assert_max_num_queries(len(few)):
        admin.get(url("index"))


def test_who_is_no_superuser_sees_and_changes_nothing(red, calendar):
    before = Calendar.objects.values().get()
    for client in (red.client, browser(f.UserFactory(is_staff=True))):
        for address in (url("index"), url("add"), url("edit", calendar.pk)):
            for answer in (
                client.get(address),
                client.post(address, typed()),
                client.post(address, typed(preview="1")),
            ):
                assert answer.status_code in (302, 404, 405), address
        assert client.post(url("delete", calendar.pk)).status_code in (302, 404)
    assert Calendar.objects.values().get() == before
