from __future__ import annotations

import pytest

from helpdesk.mail.headers import base64, read_block, text, valued, words

pytestmark = pytest.mark.pure


@pytest.mark.parametrize(
    ("value", "decoded"),
    [
        ("=?utf-8?Q?a_=C3?= =?utf-8?Q?=BC?= b", "a ü b"),
        ("=?utf-8?B?w7w?= =?iso-8859-1?Q?=FC?=", "üü"),
        ("=?utf-8?Q?a?= b =?utf-8?Q?c?=", "a b c"),
        ("=?utf-8*de?Q?=C3=BC?=", "ü"),
        ("=?utf-8?Q?a b?=", "a b"),
        ("=?utf-8?X?a?=", "=?utf-8?X?a?="),
        ("=?utf-8?Q?open", "=?utf-8?Q?open"),
        ("2 =? 3", "2 =? 3"),
    ],
)
def test_encoded_words_are_decoded(value: str, decoded: str) -> None:
    assert words(value) == decoded


@pytest.mark.parametrize(
    ("raw", "value", "params"),
    [
        (b"text/plain", "text/plain", {}),
        (b"TEXT/Plain; Charset=UTF-8", "text/plain", {"charset": "UTF-8"}),
        (b'text/plain; name="a;b\\"c.txt"', "text/plain", {"name": 'a;b"c.txt'}),
        (b"a/b; name*=utf-8'de'%C3%BC.txt; name=u.txt", "a/b", {"name": "ü.txt"}),
        (b"a/b; name*1=c; name*0*=iso-8859-1''%FC", "a/b", {"name": "üc"}),
        (b"a/b; name==?utf-8?Q?=C3=BC.txt?=", "a/b", {"name": "ü.txt"}),
        (b"text/plain charset=x", "text/plain", {}),
        (b";;;=", "", {}),
        (None, "", {}),
    ],
)
def test_parameters_are_read(raw: bytes | None, value: str, params: dict[str, str]) -> None:
    found = valued(raw)
    assert (found.value, found.params) == (value, params)


@pytest.mark.parametrize(
    ("data", "decoded"),
    [
        (b"QUJD", b"ABC"),
        (b"QU JD\r\n", b"ABC"),
        (b"QUI", b"AB"),
        (b"QUJDR", b"ABC"),
        (b"QUI=QUI=", b"ABAB"),
        (b"!!", b""),
        (b"====", b""),
        (b"QUJD=Q", b"ABC"),
        (b"QUJ=D", b"AB"),
        (b"Q=" * 900, b""),
    ],
)
def test_base64_is_decoded_however_broken(data: bytes, decoded: bytes) -> None:
    assert base64(data) == decoded


def test_base64_of_very_many_pieces_is_survived() -> None:
    assert len(base64(b"QQ=Q=" * 5_000)) < 25_000


@pytest.mark.parametrize(
    ("raw", "items", "body"),
    [
        (b"A: b\n c\nD:e\n\nx", [("a", b"b c"), ("d", b"e")], b"x"),
        (b"A: b\r\n\r\nx", [("a", b"b")], b"x"),
        (b"A: b\nstray\nC: d\n\nx", [("a", b"b"), ("c", b"d")], b"x"),
        (b"A: b\nHello,\n\nx", [("a", b"b")], b"Hello,\n\nx"),
        (b"\nx", [], b"x"),
        (b"A: b", [("a", b"b")], b""),
    ],
)
def test_block_ends_where_the_body_begins(
    raw: bytes, items: list[tuple[str, bytes]], body: bytes
) -> None:
    fields, start = read_block(raw, 0)
    assert (fields.items, raw[start:]) == (items, body)


def test_raw_bytes_are_read_by_the_charset_of_the_mail() -> None:
    assert text("Привет".encode("koi8-r"), hint="koi8-r") == "Привет"
