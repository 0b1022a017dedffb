from __future__ import annotations

import pytest

from helpdesk.mail.charsets import decode, one_line, storable

pytestmark = pytest.mark.pure


@pytest.mark.parametrize(
    ("data", "label", "text", "defect"),
    [
        (b"abc", None, "abc", None),
        (b"abc", "x-unknown", "abc", "charset-unknown"),
        ("grün".encode(), "UTF-8", "grün", None),
        ("grün".encode(), '"utf8"', "grün", None),
        ("grün".encode(), "us-ascii", "grün", "charset-mislabelled"),
        (b"gr\xfcn \x80", "iso-8859-1", "grün €", None),
        (b"gr\xfcn", "iso-8859-1*de", "grün", None),
        (b"gr\xa4n", "iso-8859-15", "gr€n", None),
        (b"gr\x81n", "windows-1252", "gr\x81n", None),
        ("日本①".encode("cp932"), "x-sjis", "日本①", None),
        ("한국".encode("cp949"), "ks_c_5601-1987", "한국", None),
        ("中文".encode("gb18030"), "iso-gb2312", "中文", None),
        ("中文".encode("cp950"), "x-x-big5", "中文", None),
        ("Привет".encode("koi8-u"), "KOI8-U", "Привет", None),
        ("ä".encode("cp850"), "ibm850", "ä", None),
        ("שלום".encode("iso8859-8"), "iso-8859-8-i", "שלום", None),
        (b"\x1b(I1\x1b(B", "iso-2022-jp", "ｱ", None),
        ("grün".encode("utf-16-le"), "utf-16", "grün", None),
        ("grün".encode("utf-16"), "utf-16", "grün", None),
        (b"+AGEAYg-", "unicode-1-1-utf-7", "ab", None),
        ("ääää".encode() + b"\xff", "utf-8", "ääää\ufffd", "charset-broken"),
        (b"x\x00y", "utf-8", "x\ufffdy", None),
        (b"+2AA-", "utf-7", "\ufffd", None),
    ],
)
def test_bytes_are_read_as_meant(
    data: bytes, label: str | None, text: str, defect: str | None
) -> None:
    assert decode(data, label) == (text, defect)


@pytest.mark.parametrize(
    "label",
    ["idna", "punycode", "rot13", "unicode_escape", "raw_unicode_escape", "undefined", "hex", "base64", "zlib",
     "mbcs", "oem", "palmos", "charmap", "a" * 500, "../../x", "\x00"],
)  # fmt: skip
def test_codec_that_is_no_charset_is_refused(label: str) -> None:
    assert decode(b"gr\xfcn \\n", label) == ("grün \\n", "charset-unknown")


def test_unstorable_characters_are_replaced() -> None:
    assert storable("a\x00b\ud800") == "a\ufffdb\ufffd"


def test_controls_become_one_blank() -> None:
    assert one_line(" a\r\n\tb\x00c\u2028 ") == "a b c"
