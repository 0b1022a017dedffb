"""Terms as customers read them: in words that fit the number of days."""

from __future__ import annotations

import pytest

from helpdesk.rules.terms import Terms, objection_wording, retention_sentence

pytestmark = pytest.mark.pure


@pytest.mark.parametrize("end", ["erase", "anonymise"])
def test_no_day_is_never_said_with_a_number(end):
    sentence = retention_sentence(Terms(0, at_end=end), "en")
    assert "0 day" not in sentence
    assert "in the night after" in sentence.lower()
    sentence = retention_sentence(Terms(9, attachment_days=0, personal_days=0, at_end=end), "en")
    assert "0 day" not in sentence
    assert "for 9 days" in sentence
    assert sentence.count("are deleted in the night after it is closed.") == 2


@pytest.mark.parametrize(
    ("days", "words"),
    [(0, "in the night after it"), (1, "one day after it"), (14, "14 days after it")],
)
def test_an_objection_is_offered_in_words_that_fit_the_number(days, words):
    assert words in objection_wording(days, "en")
