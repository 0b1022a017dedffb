from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpdesk.mail.names import file_name, mail_name, safe

pytestmark = pytest.mark.pure


@pytest.mark.parametrize(
    ("given_name", "name"),
    [
        ("Antrag.pdf", "Antrag.pdf"),
        ("C:\\Users\\eva\\Antrag.pdf", "Antrag.pdf"),
        ("../../etc/passwd", "passwd"),
        ("Rechnung\u202efdp.exe", "Rechnungfdp.exe"),
        ('a<b>:"c|?*.txt', "a_b___c___.txt"),
        (" .versteckt ", "versteckt"),
        ("x" * 300 + ".pdf", "x" * 146 + ".pdf"),
        ("a\x00b\n.txt", "a b .txt"),
        ("..", ""),
    ],
)
def test_name_is_made_safe(given_name: str, name: str) -> None:
    assert safe(given_name) == name


@pytest.mark.parametrize(
    ("content_type", "name"),
    [
        ("image/png", "image-2.png"),
        ("application/pdf", "attachment-2.pdf"),
        ("text/calendar", "invite.ics"),
        ("application/x-unheard", "attachment-2.bin"),
        ("text/x-unheard", "attachment-2.txt"),
    ],
)
def test_file_without_a_name_gets_one(content_type: str, name: str) -> None:
    assert file_name("", content_type, 2) == name


@pytest.mark.parametrize(
    ("subject", "name"), [("Re: Nr. 3/4", "Re_ Nr. 3_4.eml"), ("", "message-1.eml")]
)
def test_nested_mail_is_named_by_its_subject(subject: str, name: str) -> None:
    assert mail_name(subject, 1) == name


@given(st.text(max_size=300))
def test_no_name_is_a_path(given_name: str) -> None:
    name = file_name(given_name, "application/pdf", 1)
    assert name
    assert len(name) <= 150
    assert not set(name) & set('/\\<>:"|?*\x00\n')
