from __future__ import annotations

import pytest

from helpdesk.mailroom import room
from helpdesk.models import InboundMail, Ticket
from tests import factories as f

pytestmark = pytest.mark.django_db

RAW = b"From: Ina <ina@mail.example>\r\nTo: %s\r\nSubject: %s\r\n\r\nHello\r\n"


def take(to="bo@mail.example", subject="Hello", sender="ina@mail.example"):
    raw = RAW % (to.encode(), subject.encode())
    return room.take(raw, sender=sender, recipients=[to])


def test_mail_is_kept_with_the_trace_of_its_envelope():
    key = take(sender="")
    assert room.read(key).startswith(
        b"Return-Path: <>\r\nDelivered-To: bo@mail.example\r\nFrom: Ina"
    )


def test_list_shows_the_newest_mail_first():
    keys = [take(subject=str(number)) for number in range(3)]
    assert [row.key for row in room.mails()] == keys[::-1]
    row = room.mails()[0]
    assert (row.sender, row.recipients, row.subject) == (
        "Ina <ina@mail.example>",
        ("bo@mail.example",),
        "2",
    )


@pytest.mark.parametrize(
    ("address", "found"), [("BO@mail", 1), ("ina@", 2), ("nobody@", 0), ("", 2)]
)
def test_list_is_filtered_by_address(address, found):
    take()
    take(to="cy@mail.example")
    assert len(room.mails(address)) == found


def test_mail_to_a_queue_arrives_in_the_desk():
    f.QueueAddressFactory(address="support@desk.example")
    key = take(to="support@desk.example", subject="Printer")
    assert Ticket.objects.get().subject == "Printer"
    inbound = InboundMail.objects.get()
    assert (inbound.source, inbound.key, inbound.state) == ("mailroom", key, "filed")


def test_mail_to_others_stays_outside():
    take()
    assert not InboundMail.objects.exists()


@pytest.mark.parametrize("key", ["nothing", "../../etc/passwd", "..", ""])
def test_unknown_key_reads_nothing(key):
    take()
    assert room.read(key) is None


def test_address_with_a_line_break_is_refused():
    with pytest.raises(ValueError, match="line break"):
        take(sender="a@b.example>\r\nX-Evil: <1")
    assert room.mails() == []
