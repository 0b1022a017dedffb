from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpdesk.mail.addresses import addresses, date, message_id, message_ids
from helpdesk.mail.parsed import Address

pytestmark = pytest.mark.pure


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (b"a@EXAMPLE.org", [("", "a@example.org")]),
        (b"A.B@example.org", [("", "A.B@example.org")]),
        (b'"a@b.de" <c@d.de>', [("a@b.de", "c@d.de")]),
        (b"a@b.de <c@d.de>", [("a@b.de", "c@d.de")]),
        (b"x <a@b.de> <c@d.de>", [("x", "c@d.de")]),
        (b'"<a@b.de>" <c@d.de>', [("<a@b.de>", "c@d.de")]),
        (b"(a@b.de) c@d.de", [("a@b.de", "c@d.de")]),
        (b"=?utf-8?q?a=40b=2Ede?= <c@d.de>", [("a@b.de", "c@d.de")]),
        (b"=?utf-8?q?M=C3=BCller=2C_Eva?= <c@d.de>, e@f.de", [("Müller, Eva", "c@d.de"), ("", "e@f.de")]),
        (b"Team: a@b.de, \"C\" <c@d.de>;", [("", "a@b.de"), ("C", "c@d.de")]),
        (b"undisclosed-recipients:;", []),
        (b"<@relay,@other:a@b.de>", [("", "a@b.de")]),
        (b'"a b"@c.de', [("", '"a b"@c.de')]),
        (b"a@b@c.de", []),
        (b"MAILER-DAEMON", []),
        (b"<>", []),
        (b"a <a@b .de>", [("a", "a@b.de")]),
        ("eva@müller.de".encode(), [("", "eva@müller.de")]),
    ],
)  # fmt: skip
def test_addresses_are_found(value: bytes, found: list[tuple[str, str]]) -> None:
    assert addresses(value) == tuple(Address(*box) for box in found)


@pytest.mark.parametrize(
    ("value", "ids"),
    [
        (b"<a@b> <c@d>", ("<a@b>", "<c@d>")),
        (b"<a@b>\t<a@b>", ("<a@b>",)),
        (b"<a @ b>", ("<a@b>",)),
        (b"Your message of Monday <a@b>", ("<a@b>",)),
        (b"a@b", ("<a@b>",)),
        (b"<" + b"x" * 600 + b">", ()),
        (b"", ()),
    ],
)
def test_message_ids_are_found(value: bytes, ids: tuple[str, ...]) -> None:
    assert message_ids(value) == ids


def test_the_first_and_the_newest_ids_stay_when_there_are_many() -> None:
    ids = message_ids(b" ".join(b"<%d@x>" % number for number in range(300)))
    assert (len(ids), ids[0], ids[1], ids[-1]) == (100, "<0@x>", "<201@x>", "<299@x>")


@pytest.mark.parametrize(
    ("value", "expected"),
    [(b" <a@b> ", "<a@b>"), (b"abc", "<abc>"), (b"", None), (b"< >", None), (b"x" * 600, None)],
)
def test_message_id_has_brackets(value: bytes, expected: str | None) -> None:
    assert message_id(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"Mon, 5 Oct 2026 09:30:00 +0200", datetime(2026, 10, 5, 7, 30, tzinfo=UTC)),
        (b"5 Oct 2026 09:30 GMT (now)", datetime(2026, 10, 5, 9, 30, tzinfo=UTC)),
        (b"2026-10-05T09:30:00Z", datetime(2026, 10, 5, 9, 30, tzinfo=UTC)),
        (b"Sat, 31 Dec 2016 23:59:60 +0000", datetime(2016, 12, 31, 23, 59, 59, tzinfo=UTC)),
        (b"Mon, 31 Feb 2026 09:30:00 +0200", None),
        (b"Mon, 5 Oct 1802 09:30:00 +0200", None),
        (b"Mon, 5 Oct 2026 09:30:00 +9999", None),
        (b"gestern", None),
        (b"", None),
    ],
)
def test_date_is_in_utc_or_unknown(value: bytes, expected: datetime | None) -> None:
    assert date(value) == expected


@given(st.binary(max_size=200))
def test_any_bytes_are_survived(value: bytes) -> None:
    found = addresses(value)
    date(value)
    message_ids(value)
    assert all("@" in box.address and "\x00" not in box.address for box in found)
