"""What erasing a person would do and did, in words that fit the number; and the lines of the audit log about it."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.utils import timezone
from django.utils.formats import date_format

from helpdesk.agents import audit_log, person_words
from helpdesk.models import AuditEntry, AuditKind

pytestmark = pytest.mark.django_db


def told(kind: AuditKind, **data: Any) -> str:
    return audit_log.details(AuditEntry(at=timezone.now(), kind=kind, data=data), {})


def test_one_and_many():
    assert person_words.would({"customers": 1, "addresses": 2, "mails": 0}) == [
        (1, "customer record"),
        (2, "mail addresses"),
    ]
    assert person_words.did({"tickets": 1, "articles": 2, "rounds": 1}) == (
        "1 ticket erased, 2 messages"
    )


def test_an_erasure_is_told_in_words_and_never_in_codes():
    line = told(
        AuditKind.PERSON_ERASED,
        request=3,
        how="erase",
        ground="consent",
        whom="0123456789ab",
        reference="DS-2",
        did="done",
        tickets=2,
        accounts=1,
        rows=6,
    )
    assert line == (
        "erase · consent withdrawn (Art. 17 (1) b) · 2 tickets erased · erasure 3 · "
        "file number DS-2 · person 0123456789ab · done"
    )


@pytest.mark.parametrize(
    ("complete", "words"), [(True, "everything"), (False, "their own download")]
)
def test_an_export_says_whether_it_is_the_complete_one(complete, words):
    line = told(
        AuditKind.EXPORTED, what="personal data", did="fetched", export=4, complete=complete
    )
    assert line == f"personal data · {words} · archive 4 · fetched"


def test_a_hold_says_until_when():
    day = date_format(date(2027, 3, 6), "SHORT_DATE_FORMAT")
    assert told(AuditKind.HOLD_PLACED, until="2027-03-06") == f"until {day}"
    assert told(AuditKind.HOLD_PLACED, until="soon") == "until: soon"


def test_a_line_without_a_file_number_says_nothing_of_one():
    line = told(AuditKind.PERSON_CORRECTED, customer=7, fields=["name"], messages=0, reference="")
    assert line == "customer 7 · name"
    line = told(AuditKind.PERSON_CORRECTED, customer=7, fields=["name"], messages=2, reference="A1")
    assert line == "customer 7 · file number A1 · 2 messages · name"
