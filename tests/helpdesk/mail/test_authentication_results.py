from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpdesk.mail.authentication_results import LIMIT_FIELD, read

pytestmark = pytest.mark.pure


def results(text: str) -> list[tuple[str, str, dict[str, str]]] | None:
    field = read(text.encode())
    return field and [(one.method, one.result, dict(one.properties)) for one in field.results]


def test_the_examples_of_the_standard_are_read():
    # RFC 8601, appendix B.5 and B.6
    field = read(
        b"example.com; auth=pass (cram-md5) smtp.auth=sender@example.com;"
        b" spf=pass smtp.mailfrom=example.com"
    )
    assert field.server == "example.com"
    assert [one.method for one in field.results] == ["auth", "spf"]
    assert results(
        'example.com; dkim=pass reason="good signature" header.i=@mail-router.example.net;'
        ' dkim=fail reason="bad signature" header.i=@newyork.example.com'
    ) == [
        ("dkim", "pass", {"reason": "good signature", "header.i": "@mail-router.example.net"}),
        ("dkim", "fail", {"reason": "bad signature", "header.i": "@newyork.example.com"}),
    ]
    assert results("example.org 1; none") == []
    assert (
        results(
            "foo.example.net (foobar) 1 (baz); dkim (Because I like it) / 1 = fail"
            " policy (A dot can go here) . expired = 1362471462"
        )
        is None
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "mx; dmarc=pass (p=none dis=none) header.from=uni.example",
            {"header.from": "uni.example"},
        ),
        ("mx; dmarc=pass action=none header.from=a.b", {"action": "none", "header.from": "a.b"}),
        ("mx; spf=pass smtp.mailfrom=SRS0=x=TT=a=b@c.d;", {"smtp.mailfrom": "SRS0=x=TT=a=b@c.d"}),
        ('mx; spf=pass smtp.mailfrom="a; dmarc=pass"@c.d', {"smtp.mailfrom": "a; dmarc=pass@c.d"}),
        (r"mx; spf=pass (a \) ; dmarc=pass (b) ) smtp.mailfrom=c.d", {"smtp.mailfrom": "c.d"}),
        ("mx; dkim/1=pass header.d=c.d", {"header.d": "c.d"}),
    ],
)
def test_what_servers_write(text, expected):
    ((_method, result, properties),) = results(text)
    assert (result, properties) == ("pass", expected)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "; dkim=pass",
        "mx dkim=pass",
        "mx; dkim",
        "mx; =pass",
        "mx; dkim=pass header.d=",
        "mx; dkim=pass header.d=a header.d=b",
        "mx; dkim=pass (never closed header.d=a.b",
        'mx; dkim=pass header.d="never closed',
        "mx; dkim=pass ) header.d=a.b",
        "mx; dkim=pass " + "(" * 6 + ")" * 6,
        "mx; " + "dkim=pass;" * 51,
        "mx; dkim=pass header.d=\u00fcni.example",
        "mx; dkim=pass " + "(x)" * LIMIT_FIELD,
    ],
)
def test_what_breaks_the_grammar_says_nothing(text):
    assert read(text.encode()) is None


@given(st.text(alphabet='ab.;=()"\\ /1', max_size=60))
def test_reading_never_raises(text):
    read(b"mx; " + text.encode())
