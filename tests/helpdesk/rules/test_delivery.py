"""Why mail came back: codes of the registry, words of servers in the wild, both together."""

from __future__ import annotations

import time

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from helpdesk.rules.delivery import Cause, Kind, Verdict, advice, judge, sentence

pytestmark = pytest.mark.pure


@pytest.mark.parametrize(
    ("status", "words", "cause", "counts"),
    [
        # by code alone
        ("5.1.1", "", Cause.NO_ADDRESS, True),
        ("5.1.2", "", Cause.NO_DOMAIN, True),
        ("5.1.3", "", Cause.NO_ADDRESS, True),
        ("5.1.6", "", Cause.DISABLED, True),
        ("5.1.10", "", Cause.NO_DOMAIN, True),
        ("5.2.1", "", Cause.DISABLED, True),
        ("5.2.2", "", Cause.FULL, False),
        ("5.2.3", "", Cause.TOO_LARGE, False),
        ("5.3.4", "", Cause.TOO_LARGE, False),
        ("5.4.4", "", Cause.NO_DOMAIN, True),
        ("5.4.6", "", Cause.LOOP, False),
        ("5.4.7", "", Cause.UNAVAILABLE, False),
        ("5.7.1", "", Cause.BLOCKED, False),
        ("5.7.13", "", Cause.DISABLED, True),
        ("5.7.23", "", Cause.AUTHENTICATION, False),
        ("5.1.8", "", Cause.SENDER, False),
        ("4.2.2", "", Cause.FULL, False),
        ("4.4.1", "", Cause.UNAVAILABLE, False),
        ("4.1.1", "", Cause.NO_ADDRESS, False),  # not for good
        ("5.0.0", "", Cause.UNKNOWN, False),
        ("", "", Cause.UNKNOWN, False),
        ("nonsense", "Fehler 550", Cause.UNKNOWN, False),
        # the words know what a general code does not tell
        ("5.0.0", "smtp; 550 5.1.1 <a@b.example>: user unknown", Cause.NO_ADDRESS, True),
        ("5.3.0", "SMTP; 553 5.3.0 <e@z.example>... Unknown E-Mail Address", Cause.NO_ADDRESS, True),
        ("", "550 5.1.0 Recipient rejected: <a@b.example>", Cause.NO_ADDRESS, True),
        ("", "DNS Error: Domain name not found", Cause.NO_DOMAIN, True),
        ("5.0.0", "X-LOCAL; 500 (err.nosuchuser)", Cause.NO_ADDRESS, True),
        (
            "5.1.10",
            "smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient n@e.example not found by SMTP"
            " address lookup",
            Cause.NO_ADDRESS,
            True,
        ),
        (
            "5.4.1",
            "550 5.4.1 Recipient address rejected: Access denied. [x.prod.outlook.com]",
            Cause.NO_ADDRESS,
            True,
        ),
        ("5.5.0", "550 5.5.0 Requested action not taken: mailbox unavailable", Cause.NO_ADDRESS, True),
        ("", "552 4.2.2 E4.12 user MAILBOX FULL", Cause.FULL, False),
        ("", "552 Requested mail action aborted: exceeded storage allocation", Cause.FULL, False),
        ("", "450 Requested action not taken", Cause.UNAVAILABLE, False),
        ("5.7.1", "550 5.7.1 Message rejected as spam by Content Filtering.", Cause.SPAM, False),
        ("5.7.1", "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org",
         Cause.BLOCKED, False),
        ("5.7.1", "550 5.7.1 Unable to relay", Cause.RELAY, False),
        ("5.7.1", "550-5.7.1 This mail is unauthenticated (SPF, DKIM)", Cause.AUTHENTICATION, False),
        # trouble that passes, or a refused mail, beside a code that blames the address
        ("5.1.1", "550 5.1.1 Greylisted, please try again later", Cause.GREYLISTED, False),
        ("5.2.1", "452 over quota", Cause.FULL, False),
        ("5.1.1", "550 5.1.1 sender 192.0.2.1 is on our blocklist", Cause.BLOCKED, False),
        ("5.1.1", "550 5.1.1 user unknown (spam? see our page)", Cause.NO_ADDRESS, True),
        ("5.0.0", "450 4.1.1 <a@b.example>: user unknown", Cause.NO_ADDRESS, False),
        # servers that speak German
        ("", "Empfänger unbekannt", Cause.NO_ADDRESS, True),
        ("", "550 Das Postfach ada@mail.example existiert nicht", Cause.NO_ADDRESS, True),
        ("5.0.0", "Die E-Mail-Adresse wurde nicht gefunden.", Cause.NO_ADDRESS, True),
        ("", "550 Kein solcher Benutzer", Cause.NO_ADDRESS, True),
        ("", "Die Domain mail.example existiert nicht.", Cause.NO_DOMAIN, True),
        ("", "Das Postfach des Empfängers ist voll.", Cause.FULL, False),
        ("", "Der Speicherplatz des Postfachs ist erschöpft", Cause.FULL, False),
        ("", "Das Konto wurde deaktiviert", Cause.DISABLED, True),
        ("", "Die Nachricht ist zu groß", Cause.TOO_LARGE, False),
        ("", "Bitte versuchen Sie es später noch einmal", Cause.UNAVAILABLE, False),
        ("", "Ihr Server steht auf einer Sperrliste", Cause.BLOCKED, False),
        # numbers that are no codes
        ("", "host mx.example[203.5.1.1] said nothing", Cause.UNKNOWN, False),
        ("", "id 5.1.1.7 at 10:55", Cause.UNKNOWN, False),
    ],
)  # fmt: skip
def test_code_and_words_make_a_cause(status, words, cause, counts):
    verdict = judge(status, words)
    assert (verdict.cause, verdict.counts) == (cause, counts)


@pytest.mark.parametrize(
    ("cause", "permanent", "kind"),
    [
        (Cause.DISABLED, True, Kind.HARD),
        (Cause.DISABLED, False, Kind.SOFT),
        (Cause.FULL, True, Kind.SOFT),
        (Cause.SPAM, True, Kind.POLICY),
        (Cause.UNKNOWN, True, Kind.UNKNOWN),
    ],
)
def test_only_what_is_meant_for_good_about_the_address_is_hard(cause, permanent, kind):
    assert Verdict(cause, permanent).kind == kind


@pytest.mark.parametrize("cause", Cause)
def test_every_cause_has_words_for_people_without_codes(cause):
    said = sentence(cause, "ada@mail.example")
    assert "mail.example" in said
    assert "%" not in said
    assert advice(cause)


def test_sentence_is_in_the_readers_language():
    with translation.override("en"):
        assert (
            sentence(Cause.NO_ADDRESS, "ada@mail.example")
            == "The address ada@mail.example does not exist at mail.example."
        )


@given(st.text(max_size=300), st.text(max_size=3000))
def test_any_text_is_judged(status, words):
    assert judge(status, words).cause in Cause


@pytest.mark.parametrize(
    "words", ["user " * 20_000, "5.1." * 20_000, "domain " * 9000, "a" * 10**6]
)
def test_long_texts_take_no_time(words):
    start = time.process_time()  # what others do on this machine counts not
    judge("", words)
    assert time.process_time() - start < 0.5
