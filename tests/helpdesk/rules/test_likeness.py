from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpdesk.rules.likeness import LIKELY, WINDOW, Reason, Traits, likeness

pytestmark = pytest.mark.pure

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
TEXT = "Guten Tag, der Drucker im dritten Stock druckt seit heute Morgen nichts mehr. Gruß, Ina"


def traits(subject="Drucker im dritten Stock", text=TEXT, sender="ina@mail.example", **more):
    return Traits(subject, text, more.pop("at", NOON), sender, **more)


def test_the_same_sender_with_the_same_subject_or_text_is_likely():
    again = traits(text="Hat sich inzwischen jemand darum gekümmert? Ich warte immer noch darauf.")
    found = likeness(traits(), again)
    assert found.is_likely
    assert found.reasons == (Reason.SENDER, Reason.SUBJECT)
    other_subject = traits(subject="Es geht schon wieder los")
    assert likeness(traits(), other_subject).reasons == (Reason.SENDER, Reason.TEXT)


@pytest.mark.parametrize(
    ("changed", "likely"),
    [
        (TEXT.replace("nichts", "garnichts"), True),
        (TEXT + "\n> " + TEXT, False),  # twice as long: not the same text, but the subject is
        ("Ich brauche ein neues Passwort für das Lernportal, danke und viele Grüße.", False),
    ],
)
def test_of_somebody_else_only_nearly_the_same_text_is(changed, likely):
    other = traits(text=changed, sender="bo@mail.example")
    assert likeness(traits(), other).is_likely == likely


def test_forms_of_two_people_with_the_same_questions_are_not_the_same():
    one = traits(
        "Störung melden", "Raum: 12.3\n\nBeschreibung: Der Stuhl wackelt", "a@mail.example"
    )
    two = traits("Störung melden", "Raum: 4.01\n\nBeschreibung: Es tropft", "b@mail.example")
    assert not likeness(one, two).is_likely


def test_two_of_one_form_are_compared_by_their_answers():
    one = traits("Störung melden", TEXT, form="a")
    assert likeness(one, traits("Störung melden", TEXT + " Danke", form="a")).is_likely
    other = traits("Störung melden", "Im Hof ist eine Lampe kaputt, seit Montag.", form="a")
    assert likeness(one, other).score == 0


def test_the_same_mail_is_the_same_whoever_got_it_and_whenever():
    ids = frozenset({"<1@mail.example>"})
    one = traits("A", "x", message_ids=ids)
    two = traits("B", "y", "z@mail.example", message_ids=ids, at=NOON + timedelta(days=90))
    assert likeness(one, two).score == 100


def test_after_a_week_nothing_is_likely():
    assert likeness(traits(), traits(at=NOON + WINDOW)).is_likely
    assert likeness(traits(), traits(at=NOON + WINDOW + timedelta(seconds=1))).score == 0


def test_short_words_tell_nothing_unless_equal():
    assert not likeness(traits("Frage", "Hallo"), traits("Fragen", "Hallöchen")).is_likely
    assert likeness(traits("Frage", ""), traits("Frage", "")).reasons == (
        Reason.SENDER,
        Reason.SUBJECT,
    )


def test_empty_texts_are_not_alike():
    assert likeness(traits("", ""), traits("", "")).score == 0


SOME = st.builds(
    Traits,
    subject=st.text(max_size=40),
    text=st.text(max_size=80),
    at=st.integers(0, 10**6).map(lambda seconds: NOON + timedelta(seconds=seconds)),
    sender=st.sampled_from(["", "a@x.example", "b@x.example"]),
    customer_id=st.sampled_from([None, 1, 2]),
)


@given(SOME, SOME)
def test_the_order_makes_no_difference_and_a_reason_is_given(one, two):
    found = likeness(one, two)
    assert found == likeness(two, one)
    assert 0 <= found.score <= 100
    assert found.score < LIKELY or found.reasons
