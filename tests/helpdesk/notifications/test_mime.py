"""What goes on the wire, read back by the standard library: nothing typed becomes a header."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email import message_from_bytes, policy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpdesk.mail.parse import parse
from helpdesk.models import OutboundMail
from helpdesk.notifications import mime

pytestmark = pytest.mark.pure

HEADERS = {
    "From",
    "To",
    "Cc",
    "Reply-To",
    "Subject",
    "Date",
    "Message-ID",
    "MIME-Version",
    "Content-Type",
    "Content-Transfer-Encoding",
}
# what people type or paste, line ends and the marks of headers above all
texts = st.text(
    st.one_of(
        st.characters(codec="utf-8"),
        st.sampled_from('\r\n\t \x0b\x0c\x1c\x85\u2028\0:;,<>@"\\()=?_äß日🖨'),
    ),
    max_size=300,
)


def row(**fields):
    basic = {
        "from_name": "Support",
        "from_address": "support@desk.example",
        "reply_to": "support+t1-x@desk.example",
        "to": [["Ina", "ina@mail.example"]],
        "cc": [["Bo", "bo@mail.example"]],
        "subject": "Printer",
        "body": "Text\n",
        "message_id": "<t1.1.x@desk.example>",
        "created_at": datetime(2026, 3, 1, 12, tzinfo=UTC),
    }
    return OutboundMail(**(basic | fields))


def headers(raw):
    head = raw.partition(b"\r\n\r\n")[0]
    return re.sub(rb"\r\n[ \t]", b" ", head).split(b"\r\n")


@given(subject=texts, name=texts, recipient=texts, file=texts)
def test_header_lines_are_ours_whatever_people_type(subject, name, recipient, file):
    raw = mime.build(
        row(subject=subject, from_name=name, to=[[recipient, "ina@mail.example"]]),
        [mime.File(file, file, b"x", file)],
    )
    names = {line.partition(b":")[0].decode() for line in headers(raw)}
    assert names <= HEADERS
    assert all(len(line) <= 998 for line in raw.split(b"\r\n"))
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert b"\r" not in raw.replace(b"\r\n", b"")
    assert b"\0" not in raw
    read = message_from_bytes(raw, policy=policy.default)
    addresses = [one.addr_spec for one in read["To"].addresses]
    assert addresses == ["ina@mail.example"]
    assert [one.addr_spec for one in read["From"].addresses] == ["support@desk.example"]
    assert len(list(read.iter_attachments())) == 1


@given(subject=texts)
def test_subject_reads_back_as_one_line(subject):
    assert parse(mime.build(row(subject=subject))).subject == mime.one_line(subject)


@given(name=texts)
def test_name_reads_back_unless_it_poses_as_an_address(name):
    read = message_from_bytes(mime.build(row(from_name=name)), policy=policy.default)
    (sender,) = read["From"].addresses
    expected = "" if "@" in name else mime.one_line(name)
    # blanks aside: Python's reader puts one between two encoded words of a name (against RFC 2047 6.2)
    assert "".join(sender.display_name.split()) == "".join(expected.split())
    assert sender.addr_spec == "support@desk.example"


@given(name=texts)
def test_file_name_reads_back(name):
    raw = mime.build(row(), [mime.File(name, "application/pdf", b"%PDF")])
    read = message_from_bytes(raw, policy=policy.default)
    (part,) = read.iter_attachments()
    assert part.get_filename() == (mime.one_line(name) or "file")
    assert part.get_payload(decode=True) == b"%PDF"


@given(body=texts)
def test_text_reads_back_but_for_its_line_ends(body):
    raw = mime.build(row(body=body))
    read = message_from_bytes(raw, policy=policy.default).get_content()
    plain = body.replace("\0", "")
    assert lines(read) == lines(plain)
    assert raw.isascii()


def lines(text):
    return re.split(r"\r\n|\r|\n", text.rstrip("\r\n"))


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("Ina Rother", b"Ina Rother <"),
        ("Rother, Ina", b'"Rother, Ina" <'),
        ('Ina "I" Rother', b'"Ina \\"I\\" Rother" <'),
        ("Jörg", b"=?utf-8?B?SsO2cmc=?= <"),
        ("=?utf-8?B?SsO2cmc=?=", b"=?utf-8?B?PT91"),
        ("boss@bank.example", b"<ina@mail.example>"),
        ("", b"<ina@mail.example>"),
    ],
)
def test_name_is_written_as_its_characters_ask_for(name, written):
    raw = mime.build(row(to=[[name, "ina@mail.example"]]))
    (line,) = [line for line in headers(raw) if line.startswith(b"To:")]
    assert line.startswith(b"To: " + written)


def test_long_header_is_folded():
    ids = [f"<{number}.{'x' * 40}@mail.example>" for number in range(20)]
    raw = mime.build(row(references=ids, subject="word " * 90, to=[["ä" * 200, "a@b.example"]] * 9))
    assert max(len(line) for line in raw.split(b"\r\n")) <= 78
    assert parse(raw).references == tuple(ids)


def test_mail_without_visible_recipients_says_so():
    raw = mime.build(row(to=[], cc=[], bcc=[["", "ina@mail.example"]]))
    assert b"To: undisclosed-recipients:;\r\n" in raw
    assert b"ina@mail.example" not in raw


@pytest.mark.parametrize(
    ("stored", "written"),
    [
        ("application/pdf", "application/pdf"),
        ("Text/HTML; charset=x", "text/html"),
        ("message/rfc822", "application/octet-stream"),
        ("multipart/mixed", "application/octet-stream"),
        ("no type", "application/octet-stream"),
        ("a/b\r\nX-Evil: 1", "a/b"),
    ],
)
def test_file_keeps_its_type_and_its_bytes(stored, written):
    content = b"\0\r\nFrom x\n.\n\xff"
    raw = mime.build(row(), [mime.File("f", stored, content)])
    (part,) = message_from_bytes(raw, policy=policy.default).iter_attachments()
    assert part.get_content_type() == written
    assert part.get_payload(decode=True) == content


def test_picture_in_the_html_keeps_its_id():
    files = [mime.File("p.png", "image/png", b"png", "pic1@x")]
    raw = mime.build(row(html='<img src="cid:pic1@x">'), files)
    (part,) = message_from_bytes(raw, policy=policy.default).iter_attachments()
    assert part["Content-ID"] == "<pic1@x>"
