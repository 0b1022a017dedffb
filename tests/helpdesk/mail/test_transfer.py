from __future__ import annotations

import binascii

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpdesk.mail.headers import Fields
from helpdesk.mail.transfer import body, flowed, uuencoded

pytestmark = pytest.mark.pure


@pytest.mark.parametrize(
    ("encoding", "data", "decoded", "defect"),
    [
        (b"base64", b"QUJD\n", b"ABC", None),
        (b"BASE64;", b"QUJD\n", b"ABC", None),
        (b"quoted-printable", b"a=3D=\nb= \nc", b"a=bc", None),
        (b"quoted printable", b"a=3Db", b"a=b", None),
        (b"7-bit", b"a=3D", b"a=3D", None),
        (b"", b"a=3D", b"a=3D", None),
        (b"vladi", b"a=3D", b"a=3D", "transfer-encoding-unknown"),
        (b"x-uuencode", b"nothing", b"nothing", "uuencode-broken"),
    ],
)
def test_body_is_decoded(encoding: bytes, data: bytes, decoded: bytes, defect: str | None) -> None:
    fields = Fields([("content-transfer-encoding", encoding)])
    assert body(data, 0, len(data), fields) == (decoded, defect)


@given(st.lists(st.binary(min_size=1, max_size=45), max_size=5))
def test_uuencoded_file_comes_back(chunks: list[bytes]) -> None:
    lines = b"".join(binascii.b2a_uu(chunk) for chunk in chunks)
    found = uuencoded(b"before\nbegin 644 a.bin\n" + lines + b"`\nend\nafter\n")
    assert found.files == [(b"a.bin", b"".join(chunks))]
    assert found.rest == b"before\nafter\n"


def test_file_without_end_stays_in_the_text() -> None:
    data = b"begin 644 a.bin\n" + binascii.b2a_uu(b"abc") + b"Gruss\n"
    assert uuencoded(data).rest == data


@pytest.mark.parametrize(
    ("source", "delete_space", "text"),
    [
        ("a \nb\nc", False, "a b\nc"),
        ("a \nb", True, "ab"),
        ("> a \n> b\nc", False, "> a b\nc"),
        ("> a \n>> b", False, "> a \n>> b"),
        ("-- \nEva", False, "-- \nEva"),
        (" >kein Zitat", False, ">kein Zitat"),
        ("", False, ""),
    ],
)
def test_flowed_lines_are_joined(source: str, delete_space: bool, text: str) -> None:
    assert flowed(source, delete_space=delete_space) == text
