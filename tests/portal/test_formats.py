"""Dates in English, as Europe reads them."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from django import forms
from django.utils import formats, translation

pytestmark = pytest.mark.pure

MOMENT = datetime(2026, 2, 3, 13, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("style", "words"),
    [
        ("DATE_FORMAT", "3 February 2026"),
        ("SHORT_DATE_FORMAT", "3 Feb 2026"),
        ("SHORT_DATETIME_FORMAT", "3 Feb 2026, 13:30"),
        ("TIME_FORMAT", "13:30"),
    ],
)
def test_no_month_stands_before_its_day(style, words):
    with translation.override("en"):
        assert formats.date_format(MOMENT, style) == words


@pytest.mark.parametrize("typed", ["2026-02-03", "03/02/2026", "3.2.2026", "3 Feb 2026"])
def test_what_is_shown_can_be_typed(typed):
    with translation.override("en"):
        assert forms.DateField().clean(typed) == date(2026, 2, 3)
