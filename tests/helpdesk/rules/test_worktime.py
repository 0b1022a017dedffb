from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from django.utils import translation
from hypothesis import assume, given
from hypothesis import strategies as st

from helpdesk.errors import InvalidInput
from helpdesk.rules import hours, worktime
from helpdesk.rules.hours import OwnDays, parse_hours, parse_own_days
from helpdesk.rules.openings import DAY, Hours
from helpdesk.rules.worktime import BeyondHorizon, NeverOpen, WorkTime

pytestmark = pytest.mark.pure

BERLIN = ZoneInfo("Europe/Berlin")
MINUTE = dt.timedelta(minutes=1)
#: Where clocks and years do something: zone and local day.
TURNS = (
    ("Europe/Berlin", dt.date(2026, 3, 29)),
    ("Europe/Berlin", dt.date(2026, 10, 25)),
    ("Europe/Berlin", dt.date(2024, 2, 29)),
    ("Europe/Berlin", dt.date(2025, 12, 31)),
    ("Europe/Berlin", dt.date(2026, 10, 3)),
    ("America/New_York", dt.date(2026, 11, 1)),
    ("America/Sao_Paulo", dt.date(2018, 11, 4)),  # midnight is skipped
    ("America/St_Johns", dt.date(2006, 10, 29)),  # midnight comes twice
    ("Australia/Lord_Howe", dt.date(2026, 4, 5)),  # half an hour
    ("Africa/Casablanca", dt.date(2026, 3, 22)),
    ("Pacific/Apia", dt.date(2011, 12, 30)),  # a day that never was
    ("UTC", dt.date(2100, 2, 28)),
)


def berlin(*parts: int, fold: int = 0) -> dt.datetime:
    return dt.datetime(*parts, tzinfo=BERLIN, fold=fold)


def week(*texts: str) -> tuple[Hours, ...]:
    """Return a week: one text for all seven days, or one each from Monday on, the rest closed."""
    texts = texts * 7 if len(texts) == 1 else texts + ("",) * (7 - len(texts))
    return tuple(parse_hours(text) for text in texts)


OFFICE = WorkTime(
    "Europe/Berlin",
    week(*["08:00-12:00, 13:00-17:00"] * 5, ""),
    parse_own_days("24.12. bis 12:00 Heiligabend\n28.12.2026-30.12.2026 Betriebsferien"),
    "DE",
    "NW",
)


# --- the naive minute-walker ----------------------------------------------------------------------


def walked(calendar: WorkTime, start: dt.datetime, end: dt.datetime) -> int:
    """Count the open minutes between two whole minutes, one by one.

    What the clocks have reached once they do not reach again: when they go back they stand still here.
    """
    at = start - dt.timedelta(days=2)
    reached = dt.datetime(1, 1, 1)  # noqa: DTZ001
    found = 0
    while at < end:
        reached = max(reached, at.astimezone(calendar.zone).replace(tzinfo=None))
        found += at >= start and open_at(calendar, reached)
        at += MINUTE
    return found


def open_at(calendar: WorkTime, reached: dt.datetime) -> bool:
    for back in (0, 1):
        date = reached.date() - dt.timedelta(days=back)
        minute = reached.hour * 60 + reached.minute + back * DAY
        if any(start <= minute < end for start, end in hours_on(calendar, date)):
            return True
    return False


def hours_on(calendar: WorkTime, date: dt.date) -> Hours:
    found = calendar.weekly[date.weekday()]
    if calendar.country and (date.month, date.day) in {(10, 3), (11, 1)}:
        found = ()
    for own in calendar.own_days:
        assert isinstance(own.first, dt.date)
        assert isinstance(own.last, dt.date)
        if own.first <= date <= own.last:
            found = own.applied(found)
    return found


@st.composite
def hours_of_a_day(draw: st.DrawFn) -> Hours:
    edges = sorted(draw(st.sets(st.integers(0, 2 * DAY - 1), max_size=6)))
    pairs = [(a, b) for a, b in zip(edges[::2], edges[1::2], strict=False)]
    return tuple((a, b) for a, b in pairs if a < DAY and b - a <= DAY)


@st.composite
def cases(draw: st.DrawFn) -> tuple[WorkTime, dt.datetime]:
    """A calendar, open some time each week, and a whole minute near a turn of its clocks or years."""
    zone, day = draw(st.sampled_from(TURNS))
    weekly = draw(
        st.one_of(
            st.tuples(*[hours_of_a_day()] * 7).filter(any),
            st.sampled_from([week("00:00-24:00"), week("22:00-02:30"), week("08:00-16:00")]),
        )
    )
    own = []
    for offset in draw(st.sets(st.integers(-3, 4), max_size=2)):
        date = day + dt.timedelta(days=offset)
        kind = draw(st.sampled_from(["closed", "half", "hours"]))
        if kind == "half":
            own.append(OwnDays(date, date, "", None, (0, draw(st.integers(1, DAY)))))
        else:
            own.append(OwnDays(date, date, "", draw(hours_of_a_day()) if kind == "hours" else ()))
    country = draw(st.sampled_from([("", ""), ("DE", "NW")])) if day.month == 10 else ("", "")
    midnight = dt.datetime.combine(day, dt.time.min, tzinfo=ZoneInfo(zone)).astimezone(dt.UTC)
    start = midnight + draw(st.integers(-2 * DAY, 2 * DAY)) * MINUTE
    return WorkTime(zone, weekly, tuple(own), *country), start


@given(cases(), st.integers(0, 3 * DAY))
def test_delta_is_what_a_walker_counts(case: tuple[WorkTime, dt.datetime], minutes: int):
    calendar, start = case
    end = start + minutes * MINUTE
    assert calendar.delta(start, end) == 60 * walked(calendar, start, end)


@given(cases(), st.integers(1, 10**14))
def test_promise_8_delta_of_add_is_what_was_added(
    case: tuple[WorkTime, dt.datetime], microseconds: int
):
    calendar, start = case
    seconds = microseconds / 10**6
    try:
        due = calendar.add(start, seconds)
    except BeyondHorizon:
        assert calendar.delta(start, dt.datetime(2100, 12, 31, 23, 59, tzinfo=dt.UTC)) < seconds
        return
    assert due.tzinfo is dt.UTC
    assert calendar.delta(start, due) == seconds
    # and there is no earlier moment of that kind
    assert calendar.delta(start, due - dt.timedelta(microseconds=1)) < seconds


@given(cases(), st.lists(st.integers(-3 * DAY, 400 * DAY), min_size=2, max_size=2))
def test_delta_adds_up_and_turns_round(case: tuple[WorkTime, dt.datetime], offsets: list[int]):
    calendar, start = case
    one, two = (start + offset * MINUTE for offset in offsets)
    assume(
        all(1970 < moment.year < 2100 for moment in (one, two))
    )  # the horizon has tests of its own
    assert calendar.delta(start, two) == calendar.delta(start, one) + calendar.delta(one, two)
    assert calendar.delta(one, two) == -calendar.delta(two, one)


@given(cases())
def test_next_opening_is_open_and_nothing_lies_before_it(case: tuple[WorkTime, dt.datetime]):
    calendar, start = case
    found = calendar.next_opening(start)
    assert calendar.is_open(found)
    assert found >= start
    assert calendar.delta(start, found) == 0
    assert calendar.is_open(start) is (found == start)
    assert calendar.delta(found, found + dt.timedelta(microseconds=1)) > 0


@given(cases(), st.integers(1, 3 * DAY), st.integers(-200, 200))
def test_order_of_questions_does_not_matter(
    case: tuple[WorkTime, dt.datetime], minutes: int, years: int
):
    """Tables grow as they are asked for: what was asked before must not show."""
    calendar, start = case
    used = WorkTime(calendar.time_zone, calendar.weekly, calendar.own_days, calendar.country,
                    calendar.subdivision)  # fmt: skip
    other = start.replace(year=min(max(start.year + years, 1971), 2099), day=1)
    used.is_open(other)
    assert used.delta(start, start + minutes * MINUTE) == calendar.delta(
        start, start + minutes * MINUTE
    )
    assert used.add(start, minutes) == calendar.add(start, minutes)


# --- examples ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "hours_to_add", "due"),
    [
        # a lunch hour between
        (berlin(2026, 9, 28, 11), 2, berlin(2026, 9, 28, 14)),
        # ends with the day, not with the next morning
        (berlin(2026, 9, 28, 13), 4, berlin(2026, 9, 28, 17)),
        # begins when it opens
        (berlin(2026, 9, 27, 3), 1, berlin(2026, 9, 28, 9)),
        # over a week-end
        (berlin(2026, 10, 2, 16), 2, berlin(2026, 10, 5, 9)),
        # Ascension Day, a Thursday
        (berlin(2026, 5, 13, 16), 2, berlin(2026, 5, 15, 9)),
        # a half day, two holidays, an own run of days, New Year's Eve, New Year
        (berlin(2026, 12, 23, 16), 6, berlin(2026, 12, 31, 9)),
        (berlin(2026, 12, 31, 16), 2, berlin(2027, 1, 4, 9)),
        # 29 February, a Thursday
        (berlin(2024, 2, 28, 16), 10, berlin(2024, 3, 1, 9)),
    ],
)
def test_add_in_an_office(start, hours_to_add, due):
    assert OFFICE.add(start, hours_to_add * 3600) == due
    assert OFFICE.delta(start, due) == hours_to_add * 3600


@pytest.mark.parametrize(
    ("day", "length"),
    [((2026, 3, 28), 3.0), ((2026, 10, 24), 5.0), ((2026, 6, 6), 4.0)],
)
def test_real_time_counts_when_the_clocks_are_changed(day, length):
    nights = WorkTime("Europe/Berlin", week("23:00-03:00"))
    start = berlin(*day, 22)
    assert nights.delta(start, start + dt.timedelta(hours=10)) == length * 3600


def test_wall_times_that_are_skipped_or_come_twice():
    skipped = WorkTime("Europe/Berlin", week("02:15-02:45"))
    assert skipped.delta(berlin(2026, 3, 29), berlin(2026, 3, 30)) == 0
    assert skipped.delta(berlin(2026, 10, 25), berlin(2026, 10, 26)) == 1800
    assert skipped.is_open(berlin(2026, 10, 25, 2, 20))
    assert not skipped.is_open(berlin(2026, 10, 25, 2, 20, fold=1))
    until = WorkTime("Europe/Berlin", week("02:30-04:00"))
    assert until.next_opening(berlin(2026, 3, 29)) == dt.datetime(2026, 3, 29, 1, tzinfo=dt.UTC)


def test_night_belongs_to_the_day_it_begins():
    nights = WorkTime("Europe/Berlin", week("22:00-02:00"), (), "DE", "NW")
    # 3 October 2026 is a Saturday and a holiday
    assert nights.is_open(berlin(2026, 10, 3, 1, 59))
    assert not nights.is_open(berlin(2026, 10, 3, 23))
    assert not nights.is_open(berlin(2026, 10, 4, 1))


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_night_of_new_year_is_known_to_a_calendar_that_was_asked_nothing_else(zone):
    local = ZoneInfo(zone)
    nights = week("22:00-02:00")
    first = dt.datetime(2027, 1, 1, 1, tzinfo=local)
    assert WorkTime(zone, nights).is_open(first)
    assert WorkTime(zone, nights).next_opening(first) == first
    assert WorkTime(zone, nights).add(first, 7200) == dt.datetime(2027, 1, 1, 23, tzinfo=local)
    eve = dt.datetime(2026, 12, 31, 23, tzinfo=local)
    assert WorkTime(zone, nights).is_open(eve)
    assert WorkTime(zone, nights).add(eve, 4 * 3600) == dt.datetime(2027, 1, 1, 23, tzinfo=local)


def test_nights_that_overlap_the_next_day_count_once():
    both = WorkTime("UTC", (parse_hours("22:00-08:00"), parse_hours("06:00-12:00"), *week("")[2:]))
    monday = dt.datetime(2026, 9, 28, tzinfo=dt.UTC)
    assert both.delta(monday, monday + dt.timedelta(days=7)) == 14 * 3600


def test_nothing_added_is_the_start_itself():
    closed = berlin(2026, 9, 27, 3)
    assert OFFICE.add(closed, 0) == closed
    assert OFFICE.add(closed, 0).tzinfo is dt.UTC


@pytest.mark.parametrize("seconds", [-1, float("nan"), float("inf")])
def test_lengths_that_are_none_are_refused(seconds):
    with pytest.raises(ValueError):
        OFFICE.add(berlin(2026, 9, 28), seconds)


def test_naive_moments_are_refused():
    naive = dt.datetime(2026, 9, 28)  # noqa: DTZ001
    for ask in (OFFICE.is_open, OFFICE.next_opening, lambda at: OFFICE.add(at, 1)):
        with pytest.raises(ValueError):
            ask(naive)


def test_unknown_zones_and_places_are_refused():
    for field, wrong in [
        ("time_zone", ("Europe/Lindental", week(""))),
        ("country", ("UTC", week(""), (), "XX", "")),
        ("subdivision", ("UTC", week(""), (), "DE", "XX")),
    ]:
        with pytest.raises(InvalidInput) as caught:
            WorkTime(*wrong)
        assert caught.value.field == field


NEVER = {
    "empty": WorkTime("UTC", week("")),
    "half days": WorkTime("UTC", week(""), parse_own_days("24.12. bis 12:00")),
    "all closed": WorkTime("UTC", week("08:00-16:00"), parse_own_days("01.01.-31.12. closed")),
    "past": WorkTime("UTC", week(""), parse_own_days("2020-05-05 08:00-16:00")),
}


@pytest.mark.parametrize("calendar", list(NEVER.values()), ids=list(NEVER))
def test_never_open(calendar):
    start = berlin(2026, 9, 28)
    assert not calendar.is_open(start)
    assert calendar.delta(start, berlin(2090, 1, 1)) == 0
    for ask in (lambda: calendar.add(start, 1), lambda: calendar.next_opening(start)):
        with pytest.raises(NeverOpen) as caught:
            ask()
        assert str(caught.value).startswith("This calendar has no opening time")


def test_horizon():
    for at in (
        dt.datetime(1969, 12, 31, 23, tzinfo=dt.UTC),
        dt.datetime(2101, 1, 1, tzinfo=dt.UTC),
    ):
        for ask in (OFFICE.is_open, OFFICE.next_opening, lambda at: OFFICE.add(at, 1)):
            with pytest.raises(BeyondHorizon):
                ask(at)
    with pytest.raises(BeyondHorizon):
        OFFICE.add(berlin(2026, 9, 28), 10**12)
    first, last = dt.datetime(1970, 1, 1, tzinfo=dt.UTC), dt.datetime(2100, 12, 31, tzinfo=dt.UTC)
    assert OFFICE.delta(first, last) > 0


def test_single_days_go_before_yearly_ones_and_own_before_public_ones():
    calendar = WorkTime(
        "Europe/Berlin",
        week(*["08:00-16:00"] * 5),
        parse_own_days("2026-12-24 10:00-11:00 Once\n24.12. Yearly\n2026-12-25 09:00-10:00 Open"),
        "DE",
    )
    assert calendar.day(dt.date(2026, 12, 24)).name == "Once"
    assert calendar.day(dt.date(2027, 12, 24)).is_closed
    assert calendar.day(dt.date(2026, 12, 25)).hours == ((540, 600),)
    assert calendar.is_open(berlin(2026, 12, 25, 9))


# --- what calendars keep -------------------------------------------------------------------------


def keep(**changed):
    columns = {
        "time_zone": "Europe/Berlin",
        "hours": {"mon": [["08:00", "12:00"]]},
        "own_days": [],
        "country": "DE",
        "subdivision": "NW",
    }
    return worktime.loaded(**{**columns, **changed})


def test_same_content_is_built_once_and_other_content_anew():
    assert keep() is keep()
    assert keep(hours={"mon": [["08:00", "13:00"]]}) != keep()
    assert keep(own_days=[{"first": "12-24", "last": "12-24", "hours": []}]) != keep()


@pytest.mark.parametrize(
    "broken",
    [
        {"hours": []}, {"hours": {"mon": "08:00"}}, {"hours": {"mon": [["8", "25:00"]]}},
        {"hours": {"mon": [["08:00", "12:00"], ["11:00", "13:00"]]}}, {"own_days": {}},
        {"own_days": [{"first": "12-24"}]}, {"own_days": [{"first": "x", "last": "y"}]},
        {"own_days": ["24.12."]},
    ],
)  # fmt: skip
def test_broken_columns_are_refused(broken):
    with pytest.raises(hours.BadHours):
        keep(**broken)


# --- words ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "length", "sentence"),
    [
        (berlin(2026, 9, 28, 9, 12), 3, "3 h working time from Mon 09:12 is Mon 13:12."),
        (berlin(2026, 5, 13, 16, 12), 4,
         "4 h working time from Wed 16:12, closed 14 May (Ascension Day), is Fri 11:12."),
        (berlin(2026, 5, 13, 16, 12), 0.5, "30 min working time from Wed 16:12 is Wed 16:42."),
        (berlin(2026, 12, 23, 16), 14,
         "14 h working time from Wed 23 Dec 2026 16:00, 24 Dec open 08:00-12:00 (Heiligabend), "
         "closed 25 Dec (Christmas Day), closed 28 Dec – 30 Dec (Betriebsferien), "
         "closed 1 Jan 2027 (New Year's Day), is Mon 4 Jan 2027 09:00."),
    ],
)  # fmt: skip
def test_deadline_explains_itself(start, length, sentence):
    assert OFFICE.explain(start, length * 3600) == sentence


def test_long_explanations_stay_short():
    words = OFFICE.explain(berlin(2026, 1, 5, 9), 5000 * 3600)
    assert "more days, is " in words
    assert words.count("closed") <= worktime.MAX_NAMED


def test_holidays_are_named_in_the_readers_language():
    with translation.override("de"):
        assert "(Christi Himmelfahrt)" in OFFICE.explain(berlin(2026, 5, 13, 16, 12), 14400)


def test_customer_reads_when_an_answer_comes():
    start = dt.datetime(2026, 10, 5, 11, 12, tzinfo=dt.UTC)  # 13:12 in Berlin
    assert worktime.expected_by(OFFICE, 480, start) == "Tuesday, 6 October, 13:12"
    assert worktime.expected_sentence(OFFICE, 480, start) == (
        "We will answer by Tuesday, 6 October, 13:12."
    )
    late = berlin(2026, 12, 31, 16)
    assert worktime.expected_by(OFFICE, 120, late) == "Monday, 4 January 2027, 09:00"
    with translation.override("de"):
        assert worktime.expected_by(OFFICE, 480, start).startswith("Dienstag, 6")
