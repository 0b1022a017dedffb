"""Terms: what they bring about, and that they only ever get shorter."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from helpdesk.models import Ticket
from helpdesk.rules.terms import (
    MOST_DAYS,
    Terms,
    in_effect,
    kept_sentence,
    retention_sentence,
    shortened,
    strictest,
    strictest_in_words,
    wrong_days,
)

pytestmark = pytest.mark.pure

OBJECTED = datetime(2026, 3, 1, tzinfo=UTC)
DAYS = st.integers(0, 12)
TERMS = st.builds(
    Terms,
    retention_days=DAYS,
    attachment_days=st.none() | DAYS,
    personal_days=st.none() | DAYS,
    at_end=st.sampled_from(["erase", "anonymise"]),
    promise_id=st.none() | st.integers(1, 3),
)


def last_day(terms: Terms, step: int) -> int:
    """Return after how many days a part is gone at the latest."""
    effect = in_effect(terms)
    days = effect[step]
    return effect[0] if days is None else int(days)


@given(given=TERMS, promised=TERMS)
def test_nothing_is_ever_kept_longer_than_was_given_or_than_is_promised_now(given, promised):
    found = shortened(given, promised)
    if found is None:
        assert all(last_day(given, step) <= last_day(promised, step) for step in range(3))
        return
    assert found.promise_id == given.promise_id
    for step in range(3):
        best = min(last_day(given, step), last_day(promised, step))
        assert last_day(found, step) == best
    assert shortened(found, promised) is None
    assert shortened(found, given) is None


@given(one=TERMS, other=TERMS)
def test_after_a_merge_the_sentence_says_what_is_kept_and_still_what_for(one, other):
    given = [
        replace(terms, retention_sentence=retention_sentence(terms, "en"), purpose="")
        for terms in (
            replace(one, purpose="One", legal_basis="A"),
            replace(other, purpose="Other", legal_basis="B"),
        )
    ]
    found = strictest_in_words(*given, "en")
    assert in_effect(found) == in_effect(strictest(*given))
    words = {"One": "A", "Other": "B"}
    [purpose] = [name for name in words if f"Purpose: {name}." in found.retention_sentence]
    said = replace(found, purpose=purpose, legal_basis=words[purpose])
    assert found.retention_sentence == retention_sentence(said, "en")


def test_a_sentence_in_another_language_or_of_another_hand_is_written_anew():
    german = retention_sentence(Terms(100, purpose="Nachweis", legal_basis="§ 3"), "de")
    for sentence in (german, "Until it is done.", ""):
        kept = Terms(100, retention_sentence=sentence, legal_basis="§ 3")
        found = strictest_in_words(kept, Terms(730, attachment_days=9), "en")
        assert found.retention_sentence == retention_sentence(found, "en")
        assert "9 days" in found.retention_sentence
    same = strictest_in_words(Terms(100, retention_sentence="As read."), Terms(730), "en")
    assert same.retention_sentence == "As read."


def test_the_words_are_those_of_whoever_says_how_long():
    given = Terms(730, legal_basis="Given")
    promised = Terms(365, legal_basis="New", purpose="Proof")
    found = shortened(given, promised)
    assert (found.legal_basis, found.purpose) == ("New", "Proof")
    assert shortened(Terms(90, legal_basis="Given"), Terms(365, "New", attachment_days=9)).legal_basis == "Given"  # fmt: skip


def test_a_step_after_the_end_is_none_and_not_told():
    terms = Terms(30, attachment_days=30, personal_days=29)
    assert in_effect(terms) == (30, None, 29, "erase")
    sentence = retention_sentence(terms, "en")
    assert "29 days" in sentence
    assert "files" not in sentence


def objected(days: int | None, *, at: datetime | None = OBJECTED, **given) -> Ticket:
    terms = Terms(**{"purpose": "Proof", "legal_basis": "Statutes", **given})
    return Ticket(
        **{name: getattr(terms, name) for name in ("retention_days", "attachment_days", "at_end")},
        legal_basis=terms.legal_basis,
        retention_sentence=retention_sentence(terms, "en"),
        objected_at=at,
        objection_days=days,
        language="en",
    )


TAIL = " Purpose: Proof. Legal basis: Statutes."


def test_what_an_objection_brings_comes_first_then_what_would_hold_then_why():
    assert kept_sentence(objected(14, retention_days=730)) == (
        "Your request is deleted 14 days after it is closed because you objected to the longer storage; "
        "without your objection it would be kept for 2 years." + TAIL
    )
    said = kept_sentence(objected(14, retention_days=730, attachment_days=7))
    assert said.endswith("Its files are deleted 7 days after it is closed." + TAIL)
    assert "files" not in kept_sentence(objected(14, retention_days=730, attachment_days=14))


@pytest.mark.parametrize(("kept", "with_objection"), [(730, 14), (7, 7)])
def test_an_objection_deletes_also_what_would_lose_its_people_only(kept, with_objection):
    said = kept_sentence(objected(14, retention_days=kept, at_end="anonymise"))
    assert said.startswith(f"Your request is deleted {with_objection} days after it is closed")
    assert "and then only what is about a person would be deleted." + TAIL in said


def test_of_the_objection_of_somebody_else_only_the_time_is_said():
    said = kept_sentence(objected(14, retention_days=730), is_own=False)
    assert said == retention_sentence(Terms(14, "Statutes", purpose="Proof"), "en")


def test_what_an_objection_does_not_change_stays_as_it_was_read():
    for ticket in (
        objected(None, at=None, retention_days=730),
        objected(14, retention_days=14),
        objected(14, retention_days=7),
    ):
        assert kept_sentence(ticket) == ticket.retention_sentence


def test_of_words_that_are_not_known_any_more_the_legal_basis_stays():
    ticket = objected(14, retention_days=730)
    ticket.retention_sentence = "As it was said in former times."
    assert kept_sentence(ticket).endswith("kept for 2 years. Legal basis: Statutes.")
    ticket.legal_basis = ""
    assert kept_sentence(ticket).endswith("kept for 2 years.")


def test_wrong_days_are_named():
    with translation.override("en"):
        found = wrong_days({"a": 31, "b": 30, "c": None, "d": MOST_DAYS + 1}, 30)
        assert found["a"] == "That is longer than the request itself is kept: 30 days."
        assert found.keys() == {"a", "d"}
        assert wrong_days({"a": MOST_DAYS}, None) == {}
