from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpdesk.mail.parse import Address, ParsedMail, parse
from helpdesk.mail.sanitise import clean
from helpdesk.mail.screen import screen
from tests.helpdesk.mail.samples import COLLECTED, OWN, parsed

pytestmark = pytest.mark.pure


def texts(value: Any) -> Iterator[str]:
    """Yield every text that hangs in a parsed mail."""
    if isinstance(value, str):
        yield value
    elif is_dataclass(value):
        for field in fields(value):
            yield from texts(getattr(value, field.name))
    elif isinstance(value, tuple):
        for item in value:
            yield from texts(item)
    elif hasattr(value, "items"):
        for key, item in value.items():
            yield key
            yield from texts(item)


def storable(mail: ParsedMail) -> bool:
    """Tell whether PostgreSQL takes every text of the mail: no NUL, encodable as UTF-8."""
    return all("\x00" not in text and text.encode() is not None for text in texts(mail))


Read = Callable[[ParsedMail], Any]


@pytest.mark.parametrize(
    ("name", "subject"),
    [
        ("subject-umlaut-base64", "Prüfung übermorgen"),
        ("subject-umlaut-quoted", "Prüfung übermorgen"),
        ("subject-raw-latin1", "Prüfung übermorgen"),
        ("subject-raw-utf8", "Prüfung übermorgen"),
        ("subject-word-cut-in-character", "Prüfung"),
        ("subject-word-with-blanks", "Prüfung am Montag"),
        ("subject-nul-and-bell", "Pr fung  morgen"),
        ("subject-unknown-charset", "Prüfung"),
        ("empty", ""),
    ],
)
def test_subject_is_read_however_it_is_written(name: str, subject: str) -> None:
    assert parsed(name).subject == subject


@pytest.mark.parametrize(
    ("name", "sender"),
    [
        ("plain-ascii", Address("Erika Musterfrau", "erika@example.org")),
        ("from-name-looks-like-address", Address("rektor@example.org", "fremd@example.net")),
        (
            "from-encoded-name-looks-like-address",
            Address("<rektor@example.org>", "fremd@example.net"),
        ),
        ("from-comment-name", Address("Erika Musterfrau", "erika@example.org")),
        ("from-comma-in-name", Address("Musterfrau, Erika", "erika@example.org")),
        ("from-open-quote", Address("Erika Musterfrau", "erika@example.org")),
        ("from-raw-latin1", Address("Jürgen Müller", "jm@example.org")),
        ("from-whole-field-encoded", Address("Jürgen", "jm@example.org")),
        ("from-twice", Address("Erika Musterfrau", "erika@example.org")),
        ("header-after-mbox-line", Address("", "erika@example.org")),
        ("from-missing", None),
        ("empty", None),
    ],
)
def test_from_is_the_address_never_a_name_that_looks_like_one(
    name: str, sender: Address | None
) -> None:
    assert parsed(name).from_ == sender


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("charset-cp1252-as-latin1", "5 € – „Prüfung“"),
        ("charset-cp1252-as-ascii", "5 € Gebühr"),
        ("charset-utf8-as-latin1", "Gebühr fällig"),
        ("charset-latin1-as-utf8", "Gebühr fällig"),
        ("charset-gb2312-vendor", "中文 €"),
        ("charset-iso2022jp-vendor-characters", "①日本"),
        ("charset-utf7", "Prüfung"),
        ("charset-idna", "Prüfung"),
        ("charset-unicode-escape", "Pr\\u00fcfung"),
        ("charset-missing", "Prüfung"),
        ("charset-windows-1251-unlabelled", "Здравствуйте, когда открыто окно приёма?"),
        ("content-type-missing-html", "Guten Tag"),
        ("content-type-twice", "a <b> c"),
        ("content-type-broken", "Text"),
        ("outlook-html-only", "Sehr geehrte Damen und Herren,\n\ndie Gebühr ist bezahlt."),
        ("apple-inline-image", "Siehe Bild:"),
        ("apple-text-attachment-text", "vorher\n\nnachher"),
        ("boundary-missing", "Text"),
        ("boundary-wrong", "Text"),
        ("boundary-prefix-of-another", "Text"),
        ("multipart-without-end", "Text"),
        ("multipart-without-parts", "Nur Text."),
        ("header-without-blank-line", "Guten Tag,\n\nwo ist das Formular?"),
        ("header-line-stray", "Text"),
        ("line-ends-cr-only", "erste\nzweite"),
        ("transfer-base64-broken", "Prüfung morgen\ufffd"),
        ("transfer-encoding-unknown", "Text"),
        ("flowed-text", "Das ist ein langer Satz.\n> zitiert weiter\n-- \nErika"),
        ("uuencode-in-text", "Anbei:\n\n\nGruß"),
        ("winmail-dat", "Text"),
        ("smime-encrypted", ""),
        ("empty", ""),
    ],
)
def test_text_is_what_a_person_would_read(name: str, text: str) -> None:
    assert parsed(name).text == text


@pytest.mark.parametrize(
    ("name", "files"),
    [
        ("plain-ascii", []),
        ("apple-inline-image", ["Bild.png"]),
        ("apple-text-attachment-text", ["a.pdf"]),
        ("boundary-prefix-of-another", ["a.csv"]),
        ("multipart-without-end", ["a.pdf"]),
        ("name-rfc2231-continued", ["Gebührenordnung 2026.pdf"]),
        ("name-rfc2047", ["Gebühren.pdf"]),
        ("name-raw-latin1", ["Gebühren.pdf"]),
        ("name-is-path", ["pass wd.pdf"]),
        ("name-turned-around", ["Rechnungfdp.exe"]),
        ("name-missing", ["image-1.jpg"]),
        ("uuencode-in-text", ["gruß.txt"]),
        ("nested-mail", ["Re_ Gebühr 3_4.eml"]),
        ("calendar-invitation", ["invite.ics"]),
        ("winmail-dat", ["Gebührenbescheid 2026.txt"]),
        ("winmail-dat-broken", ["winmail.dat"]),
        ("smime-signed", ["smime.p7s"]),
        ("smime-encrypted", ["smime.p7m"]),
        ("pgp-encrypted", ["pgp-version.txt", "encrypted.asc"]),
        ("dsn-failed", ["delivery-status.txt", "headers.txt"]),
    ],
)
def test_files_are_kept_and_named(name: str, files: list[str]) -> None:
    assert [file.name for file in parsed(name).attachments] == files


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("uuencode-in-text", b"Hallo Welt"),
        ("winmail-dat", b"Inhalt"),
        ("name-rfc2047", b"ABC"),
        ("apple-text-attachment-text", b"%PDF-"),
    ],
)
def test_content_of_a_file_is_decoded(name: str, content: bytes) -> None:
    assert parsed(name).attachments[0].content == content


@pytest.mark.parametrize(
    ("name", "defects"),
    [
        ("plain-ascii", ()),
        ("charset-idna", ("charset-unknown",)),
        ("charset-cp1252-as-ascii", ("charset-mislabelled",)),
        ("from-twice", ("from-repeated",)),
        ("from-missing", ("from-missing",)),
        ("message-id-missing", ("message-id-missing",)),
        ("date-broken", ("date-broken", "message-id-missing")),
        ("content-type-twice", ("content-type-repeated",)),
        ("content-type-broken", ("content-type-broken",)),
        ("header-line-stray", ("header-line",)),
        ("header-without-blank-line", ("header-without-end", "message-id-missing")),
        ("boundary-missing", ("boundary-missing",)),
        ("boundary-wrong", ("boundary-wrong",)),
        ("multipart-without-end", ("multipart-without-end",)),
        ("transfer-encoding-unknown", ("transfer-encoding-unknown",)),
        ("winmail-dat-broken", ("tnef-broken",)),
    ],
)
def test_every_fault_is_named(name: str, defects: tuple[str, ...]) -> None:
    assert parsed(name).defects == defects


@pytest.mark.parametrize(
    ("name", "read", "expected"),
    [
        ("envelope-recipients", lambda m: m.delivered_to,
         ("box@example.org", "it-hilfe@example.org", "weiter@example.org")),
        ("envelope-recipients", lambda m: [box.address for box in m.cc],
         ["a@example.org", "b@example.org", "c@example.org"]),
        ("envelope-recipients", lambda m: m.sender, Address("", "sekretariat@example.org")),
        ("envelope-recipients", lambda m: m.reply_to, (Address("", "antwort@example.org"),)),
        ("envelope-recipients", lambda m: m.return_path, "erika@example.org"),
        ("empty-return-path", lambda m: m.return_path, ""),
        ("plain-ascii", lambda m: m.return_path, None),
        ("plain-ascii", lambda m: m.to, (Address("", "support@example.org"),)),
        ("plain-ascii", lambda m: m.date, datetime(2026, 10, 5, 7, 30, tzinfo=UTC)),
        ("plain-ascii", lambda m: m.message_id, "<plain-ascii@mail.example.org>"),
        ("date-broken", lambda m: m.date, None),
        ("message-id-missing", lambda m: m.message_id, None),
        ("threading-headers", lambda m: m.in_reply_to, ("<eins@example.org>",)),
        ("threading-headers", lambda m: m.references, ("<null@example.org>", "<eins@example.org>")),
        ("header-line-stray", lambda m: m.headers["x-after"], ("seen",)),
        ("apple-inline-image", lambda m: (m.attachments[0].inline, m.attachments[0].content_id),
         (True, "5C0A@example.org")),
        ("nested-mail", lambda m: m.attachments[0].content_type, "message/rfc822"),
        ("smime-signed", lambda m: m.protection, "smime-signed"),
        ("smime-encrypted", lambda m: m.protection, "smime-encrypted"),
        ("pgp-encrypted", lambda m: m.protection, "pgp-encrypted"),
        ("dsn-failed", lambda m: m.report_type, "delivery-status"),
        ("dsn-failed", lambda m: m.report.original_message_id, "<abc@stelze.example.org>"),
        ("dsn-failed", lambda m: m.report.deliveries[0].recipient, "weg@example.net"),
        ("dsn-failed", lambda m: m.report.deliveries[0].status, "5.1.1"),
        ("dsn-failed", lambda m: m.report.deliveries[0].diagnostic, "smtp; 550 5.1.1 User unknown"),
        ("bounce-exim", lambda m: m.report.deliveries[0].recipient, "weg@example.net"),
        ("bounce-exim", lambda m: m.report.original_message_id, "<abc@stelze.example.org>"),
        ("read-receipt", lambda m: m.report_type, "disposition-notification"),
        ("read-receipt", lambda m: m.report.original_message_id, "<abc@stelze.example.org>"),
    ],
)  # fmt: skip
def test_field_is_read(name: str, read: Read, expected: object) -> None:
    assert read(parsed(name)) == expected


def test_invitation_becomes_an_event_in_utc() -> None:
    [event] = parsed("calendar-invitation").events
    assert event.summary == "Sprechstunde, Raum 12"
    assert event.start == datetime(2026, 10, 12, 12, 0, tzinfo=UTC)
    assert event.end == datetime(2026, 10, 12, 13, 0, tzinfo=UTC)
    assert (event.location, event.method, event.organizer) == (
        "Rathaus",
        "REQUEST",
        "amt@example.org",
    )


def test_hash_is_the_same_when_only_the_way_differs() -> None:
    raw = (OWN / "apple-inline-image.eml").read_bytes()
    other = b"Received: from elsewhere\r\nDelivered-To: b@example.org\r\n" + raw.replace(
        b"\r\n", b"\n"
    )
    assert parse(raw).content_hash == parse(other).content_hash


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"erika@", b"eva@"),
        (b"09:30:00", b"09:31:00"),
        (b"Siehe Bild", b"Siehe Bilder"),
        (b"iVBORw0", b"iVBORw1"),
    ],
)
def test_hash_differs_when_the_content_does(old: bytes, new: bytes) -> None:
    raw = (OWN / "apple-inline-image.eml").read_bytes()
    assert parse(raw).content_hash != parse(raw.replace(old, new)).content_hash


HEAD = b"From: a@example.org\nSubject: x\nMessage-ID: <1@example.org>\nDate: Mon, 5 Oct 2026 09:30:00 +0200\n"


@pytest.mark.parametrize(
    ("raw", "defect"),
    [
        (HEAD + b"X: " + b"y" * 70_000 + b"\n\nbody", "header-cut"),
        (HEAD + b"X:\n" * 3000 + b"\nbody", "header-cut"),
        (HEAD + b"To: " + b"a@b.c," * 600 + b"\n\nbody", "addresses-cut"),
        (HEAD + b"References: " + b"<a@b> " * 200 + b"\n\nbody", "references-cut"),
        (HEAD + b"Subject2: " + b"\nA:b" * 400 + b"\n\nbody", "fields-cut"),
        (
            HEAD + b"Content-Type: multipart/mixed; boundary=x\n\n" + b"--x\n\nbody\n" * 600,
            "parts-cut",
        ),
        (
            HEAD
            + b"".join(
                b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (i, i)
                for i in range(60)
            )
            + b"\nbody",
            "depth-cut",
        ),
        (HEAD + b"\n" + b"body\n" * 300_000, "text-cut"),
    ],
)
def test_caps_are_recorded(raw: bytes, defect: str) -> None:
    assert defect in parse(raw).defects


def test_body_after_a_header_too_long_is_still_read() -> None:
    assert parse(HEAD + b"X: " + b"y" * 70_000 + b"\n\nbody").text == "body"


def test_text_too_long_is_also_kept_as_a_file() -> None:
    mail = parse(HEAD + b"\n" + b"body\n" * 300_000)
    assert len(mail.text) <= 1_000_000
    assert len(mail.attachments[0].content) == 1_500_000


def test_parts_beyond_the_cap_are_kept_as_one_file() -> None:
    body = b"--x\nContent-Type: application/pdf\n\nx\n" * 600
    mail = parse(HEAD + b"Content-Type: multipart/mixed; boundary=x\n\n" + body)
    assert len(mail.attachments) == 501
    assert mail.attachments[-1].content.count(b"--x") == 99


@given(st.binary(max_size=3000))
def test_any_bytes_are_read(raw: bytes) -> None:
    assert storable(parse(raw))


TOKENS = st.sampled_from(
    [b"\n", b"\r\n", b"\r", b"\n\n", b"--x", b"--x--", b"--y", b"From: ", b"To: ", b"Subject: ", b"Date: ",
     b"Content-Type: ", b"multipart/mixed; boundary=x", b"multipart/alternative; boundary=y", b"text/html",
     b"text/plain; charset=", b"utf-8", b"utf-7", b"utf-16", b"idna", b"iso-2022-jp", b"text/calendar",
     b"BEGIN:VEVENT", b"END:VEVENT", b"DTSTART;TZID=Europe:20261012T120000", b"DURATION:P9W", b"message/rfc822",
     b"message/delivery-status", b"application/ms-tnef", b"\x78\x9f\x3e\x22\x01\x00", b"Content-Transfer-Encoding: ",
     b"base64", b"quoted-printable", b"x-uuencode", b"begin 644 a\n", b"end", b"Content-Disposition: ",
     b"attachment; filename*0*=utf-8''%ED%A0%80", b"=?utf-8?q?=ED=A0=80=00?=", b"=?utf-7?b?AAAA?=", b"\x00",
     b"\xed\xa0\x80", b"\xff", b"<a@b>", b"\"", b"(", b"<", b"<div>", b"</div>", b"&#0;", b"&#xd800;", b"=", b"; ",
     b"\x1b$B", b"+2AA-", b"Message-ID: ", b"References: ", b"Mon, 99 Oct 99999 99:99:99 +9999"]
)  # fmt: skip


@given(st.lists(st.one_of(TOKENS, st.binary(max_size=6)), max_size=80).map(b"".join))
def test_anything_like_mime_is_read(raw: bytes) -> None:
    mail = parse(raw)
    screen(mail)
    assert storable(mail)
    assert "\x00" not in clean(mail.html or "", {})


SAMPLES = [path.read_bytes() for path in sorted(OWN.glob("*.eml"))]


@given(
    raw=st.sampled_from(SAMPLES),
    edits=st.lists(
        st.tuples(st.floats(0, 1), st.integers(0, 40), st.one_of(TOKENS, st.binary(max_size=4))),
        max_size=8,
    ),
)
def test_damaged_mail_is_read(raw: bytes, edits: list[tuple[float, int, bytes]]) -> None:
    for place, length, inserted in edits:
        position = int(place * len(raw))
        raw = raw[:position] + inserted + raw[position + length :]
    assert storable(parse(raw))


@given(
    charset=st.sampled_from(["utf-7", "utf-16", "utf-32", "utf-8", "hz", "gb2312", "cp037", "iso-2022-jp",
                             "iso-2022-kr", "big5", "punycode", "undefined", "", "ks_c_5601-1987"]),
    body=st.binary(max_size=400),
)  # fmt: skip
def test_no_charset_yields_what_a_database_refuses(charset: str, body: bytes) -> None:
    head = f"Subject: x\nContent-Type: text/plain; charset={charset}\n\n"
    assert storable(parse(head.encode() + body))


@pytest.mark.parametrize("path", sorted(OWN.glob("*.eml")), ids=lambda path: path.stem)
def test_own_samples_read_the_same_with_either_line_end(path: Any) -> None:
    raw = path.read_bytes()
    assert parse(raw.replace(b"\r\n", b"\n")).content_hash == parse(raw).content_hash


@pytest.mark.mails
@pytest.mark.skipif(not COLLECTED.is_dir(), reason="the collected sample mails are not here")
def test_collected_mails_are_all_read() -> None:
    mails = {path: parse(path.read_bytes()) for path in sorted(COLLECTED.glob("*/*.eml"))}
    assert len(mails) >= 200
    assert all(storable(mail) for mail in mails.values())
    assert all(mail.text or mail.attachments or mail.headers for mail in mails.values())
