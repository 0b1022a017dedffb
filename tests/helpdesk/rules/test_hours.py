from __future__ import annotations

import datetime as dt
from contextlib import suppress

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from helpdesk.rules import hours
from helpdesk.rules.hours import BadHours, BadLines, OwnDays, parse_hours, parse_own_day

pytestmark = pytest.mark.pure

EVE = dt.date(2026, 12, 24)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", ()), ("  ", ()), ("geschlossen", ()), ("Closed", ()),
        ("08:00-12:00", ((480, 720),)),
        ("08:00-12:00, 13:00-17:00", ((480, 720), (780, 1020))),
        ("13–17 Uhr; 8 – 12.30 Uhr", ((480, 750), (780, 1020))),
        ("8 bis 12 Uhr und 13 bis 17 Uhr", ((480, 720), (780, 1020))),
        ("8:00 to 12:00 and 13:00 to 17:00", ((480, 720), (780, 1020))),
        ("00:00-24:00", ((0, 1440),)),
        ("22:00-02:00", ((1320, 1560),)),
        ("22:00-00:00", ((1320, 1440),)),
        ("08:00-12:00, 12:00-13:00", ((480, 720), (720, 780))),
    ],
)  # fmt: skip
def test_hours_are_read(text, found):
    assert parse_hours(text) == found


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("morning", "“morning” is no opening time"), ("08:00", "is no opening time"),
        ("08:00-12:00 13:00-17:00", "is no opening time"), ("08:00-12:60", "“12:60” is no time"),
        ("08:00-25:00", "“25:00” is no time"), ("08:00-08:00", "cannot end when it begins"),
        ("08:00-12:00, 11:00-13:00", "overlap"), ("20:00-10:00, 21:00-22:00", "overlap"),
        ("00:00-00:00", "the whole day is 00:00-24:00"), ("24:00-02:00", "whole day"),
        (", ".join(f"{h:02d}:00-{h:02d}:30" for h in range(13)), "too many"),
    ],
)  # fmt: skip
def test_what_is_no_hours_is_refused_in_words(text, words):
    with pytest.raises(BadHours) as caught:
        parse_hours(text)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("line", "entry"),
    [
        ("24.12.2026", OwnDays(EVE, EVE)),
        ("24.12.2026 Heiligabend", OwnDays(EVE, EVE, "Heiligabend")),
        ("24. 12. 2026", OwnDays(EVE, EVE)),
        ("24.12.26: Heiligabend", OwnDays(EVE, EVE, "Heiligabend")),
        ("24.12.08:00-12:00", OwnDays((12, 24), (12, 24), "", ((480, 720),))),
        ("24.12.2026: Heiligabend", OwnDays(EVE, EVE, "Heiligabend")),
        ("24.12.26 Heiligabend", OwnDays(EVE, EVE, "Heiligabend")),
        ("2026-12-24 closed Christmas Eve", OwnDays(EVE, EVE, "Christmas Eve")),
        ("24.12. geschlossen (Heiligabend)", OwnDays((12, 24), (12, 24), "Heiligabend")),
        ("24.12 Heiligabend", OwnDays((12, 24), (12, 24), "Heiligabend")),
        ("12-24 Heiligabend", OwnDays((12, 24), (12, 24), "Heiligabend")),
        ("26.12. 2. Weihnachtstag", OwnDays((12, 26), (12, 26), "2. Weihnachtstag")),
        ("24.12. bis 12:00 Heiligabend", OwnDays((12, 24), (12, 24), "Heiligabend", None, (0, 720))),
        ("24.12. bis 12.30 Uhr", OwnDays((12, 24), (12, 24), "", None, (0, 750))),
        ("24.12. until 12", OwnDays((12, 24), (12, 24), "", None, (0, 720))),
        ("06.01.2027 ab 10 Uhr: Inventur",
         OwnDays(dt.date(2027, 1, 6), dt.date(2027, 1, 6), "Inventur", None, (600, 2880))),
        ("2026-12-24 08:00-10:00, 11:00-12:00 Heiligabend",
         OwnDays(EVE, EVE, "Heiligabend", ((480, 600), (660, 720)))),
        ("24.12.2026-01.01.2027 Ferien", OwnDays(EVE, dt.date(2027, 1, 1), "Ferien")),
        ("24.12.2026 bis 1.1.2027 bis 12:00", OwnDays(EVE, dt.date(2027, 1, 1), "", None, (0, 720))),
        ("24.12. bis 01.01. Ferien", OwnDays((12, 24), (1, 1), "Ferien")),
        ("2026-12-24 to 2026-12-26", OwnDays(EVE, dt.date(2026, 12, 26))),
        ("29.2. Schalttag", OwnDays((2, 29), (2, 29), "Schalttag")),
    ],
)  # fmt: skip
def test_own_days_are_read(line, entry):
    assert parse_own_day(line) == entry


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("Heiligabend", "begins with a date"), ("31.02.2026 X", "“31.02.2026” is no date"),
        ("2026-13-01", "is no date"), ("31.04.", "is no date"), ("2101-01-01", "1970 to 2100"),
        ("24.12.2026-20.12.2026", "before the first"), ("24.12.-20.12.2026", "with both days"),
        ("24.12.2026-20.12.", "with both days"), ("01.01.2026-31.12.2027", "a year at most"),
        ("24.12. bis 25:00", "“25:00” is no time"), ("24.12. 10:00-11:00, 10:30-12:00", "overlap"),
    ],
)  # fmt: skip
def test_what_is_no_own_day_is_refused_in_words(line, words):
    with pytest.raises(BadHours) as caught:
        parse_own_day(line)
    assert words in str(caught.value)


def test_every_bad_line_is_named():
    with pytest.raises(BadLines) as caught:
        hours.parse_own_days("24.12.\n\nyesterday\n31.02.2026\n24.12. bis 12:00")
    assert [line.split(",")[0] for line in caught.value.lines] == ["Line 3", "Line 4", "Line 5"]
    assert "“yesterday”" in caught.value.lines[0]
    assert "in another line already" in caught.value.lines[2]


@pytest.mark.parametrize(
    ("entry", "year", "days"),
    [
        ("24.12.2026", 2026, ["2026-12-24"]),
        ("24.12.2026", 2027, []),
        ("24.12.", 2027, ["2027-12-24"]),
        ("31.12.2026-02.01.2027", 2027, ["2027-01-01", "2027-01-02"]),
        ("31.12.-02.01.", 2027, ["2027-01-01", "2027-01-02", "2027-12-31"]),
        ("29.02.", 2027, []),
        ("29.02.", 2028, ["2028-02-29"]),
        ("28.02.-29.02.", 2027, ["2027-02-28"]),
        ("29.02.-01.03.", 2027, ["2027-03-01"]),
    ],
)
def test_days_in_a_year(entry, year, days):
    assert [day.isoformat() for day in parse_own_day(entry).days(year)] == days


def test_half_day_opens_nothing_and_cuts_what_is_open():
    half = parse_own_day("24.12. bis 12:00")
    assert half.applied(()) == ()
    assert half.applied(((480, 600), (660, 1020))) == ((480, 600), (660, 720))
    late = parse_own_day("24.12. ab 12:00")
    assert late.applied(((480, 780), (1320, 1560))) == ((720, 780), (1320, 1560))
    assert parse_own_day("24.12. 10:00-11:00").applied(()) == ((600, 660),)
    assert parse_own_day("24.12.").applied(((480, 600),)) == ()


@st.composite
def entries(draw: st.DrawFn) -> OwnDays:
    first = draw(st.dates(dt.date(1970, 1, 1), dt.date(2099, 12, 31)))
    last = draw(st.sampled_from([first, first + dt.timedelta(days=9)]))
    name = draw(st.sampled_from(["", "Heiligabend", "2. Weihnachtstag"]))
    kind = draw(st.sampled_from(["closed", "hours", "until", "from"]))
    edge = draw(st.integers(1, 1439))
    days = (first, last)
    if draw(st.booleans()):
        days = ((first.month, first.day), (last.month, last.day))
    more = {
        "closed": ((), None),
        "hours": (((0, edge),) if edge % 2 else ((edge, edge + 700),), None),
        "until": (None, (0, edge)),
        "from": (None, (edge, 2880)),
    }
    return OwnDays(*days, name, *more[kind])


@given(entries(), st.sampled_from(["de", "en"]))
def test_what_is_written_and_kept_is_read_again(entry: OwnDays, language: str):
    with translation.override(language):
        assert parse_own_day(hours.write_own_day(entry)) == entry
    assert hours.load_own_day(hours.store_own_day(entry)) == entry


@given(st.text(alphabet="0123456789.:-– bisabuntl,\nX", max_size=60))
def test_no_text_breaks_the_readers(text: str):
    for read in (parse_hours, hours.parse_own_days):
        with suppress(BadHours):
            read(text)
