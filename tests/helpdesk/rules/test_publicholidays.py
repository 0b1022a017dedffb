from __future__ import annotations

import datetime as dt

import pytest

from helpdesk.errors import InvalidInput
from helpdesk.rules import publicholidays

pytestmark = pytest.mark.pure


def test_a_state_has_its_own_and_the_names_are_the_readers():
    german = publicholidays.names("DE", "NW", 2026, "de")
    english = publicholidays.names("DE", "NW", 2026, "en-gb")
    assert german[dt.date(2026, 10, 3)] == "Tag der Deutschen Einheit"
    assert english[dt.date(2026, 10, 3)] == "German Unity Day"
    assert german.keys() == english.keys()
    assert dt.date(2026, 11, 1) in german  # All Saints' Day
    assert dt.date(2026, 11, 1) not in publicholidays.names("DE", "BE", 2026, "de")
    assert publicholidays.names("DE", "NW", 2026, "tlh") == german


def test_no_country_has_no_holidays_and_unknown_places_are_refused():
    assert publicholidays.names("", "", 2026, "de") == {}
    for place in (("XX", ""), ("DE", "XX"), ("", "NW")):
        with pytest.raises(InvalidInput):
            publicholidays.names(*place, 2026, "de") if place[0] else (
                publicholidays.require_place(*place)
            )


def test_a_day_in_lieu_in_another_year_is_not_lost():
    # 1 January 2022 was a Saturday: observed on 31 December 2021
    assert dt.date(2021, 12, 31) in publicholidays.names("US", "", 2021, "en")


@pytest.mark.parametrize(("language", "country"), [("de", "Deutschland"), ("en", "Germany")])
def test_choices_begin_with_the_neighbours_and_all_can_be_chosen(language, country):
    found = publicholidays.choices(language)
    assert found[0][0] == country
    assert ("DE-NW", f"Nordrhein-Westfalen ({country})") in found[0][1]
    assert any(label.startswith("Niederösterreich") for _value, label in found[1][1])
    values = [value for _name, group in found for value, _label in group]
    assert len(values) == len(set(values)) > 800
    for value in values:
        publicholidays.require_place(*publicholidays.parse_place(value))


def test_every_place_gives_a_year():
    for country, states in publicholidays.places().items():
        for state in ("", *states[:2]):
            names = publicholidays.names(country, state, 2026, "de")
            assert all(day.year == 2026 for day in names), country
