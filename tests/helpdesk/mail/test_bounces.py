"""Delivery reports on mails of ours: real ones, forged ones, and those that say nothing."""

from __future__ import annotations

from email.message import EmailMessage
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from helpdesk import actions, addressing, permissions
from helpdesk.actions import Draft
from helpdesk.mail import bounces, ingest, ledger, thread
from helpdesk.mail.parse import parse
from helpdesk.mail.screen import screen
from helpdesk.models import (
    BouncedAddress,
    Channel,
    Customer,
    EventKind,
    OutboundMail,
    Sender,
    TicketLink,
)
from helpdesk.notifications import outbox, smtp
from helpdesk.rules.delivery import Cause, judge
from tests import factories as f

from .samples import COLLECTED, OWN

pytestmark = pytest.mark.django_db


@pytest.fixture
def queue():
    return f.QueueAddressFactory(address="support@desk.example", queue__slug="support").queue


def answered(queue, *, to="ada@mail.example", cc=(), ticket=None):
    """Return a ticket and the outbox row of an answer that a server took."""
    ticket = ticket or f.make_ticket(queue, contact=to, channel=Channel.EMAIL)
    article = actions.answer(
        actor=permissions.SYSTEM,
        ticket=ticket,
        draft=Draft(body="Switch it on.", channel=Channel.EMAIL),
        to=(("Ada", to),),
        cc=tuple(("", one) for one in cc),
    )
    row = OutboundMail.objects.get(article=article)
    result = smtp.Result(smtp.Outcome.SENT, delivered=[to, *cc])
    outbox.note_result(mail=row, result=result)
    ticket.refresh_from_db()
    return ticket, OutboundMail.objects.get(pk=row.pk)


def report(
    message_id: str,
    recipient: str = "ada@mail.example",
    *,
    status: str = "5.1.1",
    words: str = "smtp; 550 5.1.1 user unknown",
    action: str = "failed",
    more: str = "",
    to: str = "support@desk.example",
    name: str = "<report@mx.example>",
) -> bytes:
    """Return a delivery report by the standard (RFC 3464)."""
    return f"""Return-Path: <>
From: Mail Delivery System <mailer-daemon@mx.example>
To: {to}
Subject: Undelivered Mail Returned to Sender
Message-ID: {name}
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

I'm sorry to have to inform you.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; {recipient}
{more}Action: {action}
Status: {status}
Diagnostic-Code: {words}

--b
Content-Type: text/rfc822-headers

From: support@desk.example
Message-ID: {message_id}
Subject: Printer

--b--
""".replace("\n", "\r\n").encode()


def filed(ticket, raw: bytes):
    """File a report as the pipeline does, and hand it on; return what `take` returns."""
    mail = parse(raw)
    kind = screen(mail)
    draft = Draft(
        body=mail.text, channel=Channel.EMAIL, subject=mail.subject, machine=str(kind and kind.kind)
    )
    article = actions.receive_message(
        actor=permissions.SYSTEM, ticket=ticket, draft=draft, visible=False
    )
    return bounces.take(mail, ticket, article)


def bounced_events(ticket):
    return list(ticket.events.filter(kind=EventKind.MAIL_BOUNCED))


def test_a_failure_marks_the_mail_and_tells_the_history(queue):
    ticket, row = answered(queue)
    before = (ticket.state_id, ticket.owner_id, ticket.waiting_since)
    assert filed(ticket, report(row.message_id)).pk == row.pk
    row.refresh_from_db()
    assert row.bounces == [["ada@mail.example", "5.1.1", "smtp; 550 5.1.1 user unknown"]]
    assert row.bounced_at is not None
    (event,) = bounced_events(ticket)
    assert event.article == row.article
    assert event.data["codes"] == ["5.1.1"]
    assert event.data["causes"] == ["no_address"]
    assert "ada@" not in str(event.data)
    assert "user unknown" in str(event.content)
    ticket.refresh_from_db()
    assert (ticket.state_id, ticket.owner_id, ticket.waiting_since) == before
    assert ticket.articles.order_by("-pk").first().sender == Sender.SYSTEM
    assert BouncedAddress.objects.get().bounces == 1


def test_the_same_report_twice_counts_once(queue):
    ticket, row = answered(queue)
    filed(ticket, report(row.message_id))
    assert filed(ticket, report(row.message_id)) is None
    assert filed(ticket, report(row.message_id, name="<other@mx.example>")) is None
    assert BouncedAddress.objects.get().bounces == 1
    assert len(bounced_events(ticket)) == 1


def test_a_failure_for_good_after_a_passing_one_is_news(queue):
    ticket, row = answered(queue)
    filed(ticket, report(row.message_id, status="5.2.2", words="mailbox full"))
    assert not BouncedAddress.objects.exists()
    filed(ticket, report(row.message_id))
    row.refresh_from_db()
    assert [status for _address, status, _words in row.bounces] == ["5.1.1"]
    assert BouncedAddress.objects.get().bounces == 1


@pytest.mark.parametrize(
    "raw",
    [
        {"action": "delayed", "status": "4.4.1", "words": "timed out"},
        {"action": "delivered", "status": "2.0.0"},
    ],
)
def test_a_delay_or_a_success_is_filed_and_nothing_else(queue, raw):
    ticket, row = answered(queue)
    assert filed(ticket, report(row.message_id, **raw)) is None
    row.refresh_from_db()
    assert (row.bounces, row.bounced_at) == ([], None)
    assert not bounced_events(ticket)
    assert not BouncedAddress.objects.exists()


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("5.2.2", "552 mailbox full"),
        ("5.7.1", "550 5.7.1 refused as spam"),
        ("4.1.1", "450 4.1.1 user unknown"),
        ("5.0.0", "something"),
    ],
)
def test_what_does_not_blame_the_address_marks_but_is_not_counted(queue, status, words):
    ticket, row = answered(queue)
    assert filed(ticket, report(row.message_id, status=status, words=words)) is not None
    assert not BouncedAddress.objects.exists()


def test_a_wrong_signature_is_nobodys(queue):
    ticket, row = answered(queue)
    sign = row.message_id.rpartition("@")[0][-16:]
    forged = row.message_id.replace(sign, "a" * 16)
    OutboundMail.objects.filter(pk=row.pk).update(message_id=forged)  # even if it stood here
    assert filed(ticket, report(forged)) is None
    assert not BouncedAddress.objects.exists()


def test_a_signed_id_that_was_never_sent_is_nobodys(queue):
    ticket, _row = answered(queue)
    made_up = addressing.make_message_id(ticket.pk, "z9", "desk.example", addressing.signing_keys())
    assert filed(ticket, report(made_up)) is None


def test_a_report_on_a_mail_of_another_ticket_changes_nothing(queue):
    ticket, row = answered(queue)
    other, _row = answered(queue, to="eve@mail.example")
    assert filed(other, report(row.message_id)) is None
    row.refresh_from_db()
    assert row.bounced_at is None


def test_a_report_on_a_merged_ticket_is_taken_where_it_went(queue):
    ticket, row = answered(queue)
    target, _row = answered(queue, to="eve@mail.example")
    TicketLink.objects.all().delete()
    type(ticket).objects.filter(pk=ticket.pk).update(merged_into=target)
    assert filed(target, report(row.message_id)).pk == row.pk


def test_who_was_not_written_to_is_not_suspended(queue):
    ticket, row = answered(queue, cc=("bob@mail.example",))
    assert filed(ticket, report(row.message_id, "victim@mail.example")) is None
    assert not BouncedAddress.objects.exists()


def test_another_name_counts_for_the_only_recipient(queue):
    ticket, row = answered(queue)
    filed(ticket, report(row.message_id, "ada@elsewhere.example"))
    assert BouncedAddress.objects.get().address == "ada@mail.example"


def test_original_recipient_tells_who_of_several_it_was(queue):
    ticket, row = answered(queue, cc=("bob@mail.example",))
    more = "Original-Recipient: rfc822;bob@mail.example\r\n"
    filed(ticket, report(row.message_id, "bob@elsewhere.example", more=more))
    assert BouncedAddress.objects.get().address == "bob@mail.example"


def test_refused_recipients_were_never_reached(queue):
    ticket, row = answered(queue, cc=("bob@mail.example",))
    OutboundMail.objects.filter(pk=row.pk).update(
        delivered=["ada@mail.example"], refused=[["bob@mail.example", "550 no"]]
    )
    filed(ticket, report(row.message_id, "bob@mail.example"))
    row.refresh_from_db()
    assert [address for address, *_rest in row.bounces] == ["ada@mail.example"]


def test_a_mail_that_never_went_out_cannot_come_back(queue):
    ticket, row = answered(queue)
    OutboundMail.objects.filter(pk=row.pk).update(delivered=[], state="queued")
    assert filed(ticket, report(row.message_id)) is None


def test_a_mail_that_may_have_gone_out_can(queue):
    ticket, row = answered(queue)
    OutboundMail.objects.filter(pk=row.pk).update(
        delivered=[], state="uncertain", content_since=row.created_at
    )
    assert filed(ticket, report(row.message_id)) is not None


def test_what_is_no_code_does_not_reach_the_lasting_history(queue):
    ticket, row = answered(queue)
    filed(ticket, report(row.message_id, status="ada@mail.example"))
    (event,) = bounced_events(ticket)
    assert event.data["codes"] == [""]


def test_spelling_of_the_address_does_not_matter(queue):
    ticket, row = answered(queue)
    filed(ticket, report(row.message_id, "ADA@Mail.Example"))
    assert BouncedAddress.objects.get().address == "ada@mail.example"


def test_a_receipt_that_comes_back_is_marked_and_leads_to_its_ticket(queue):
    ticket = f.make_ticket(queue, contact="ada@mail.example", receipt=True)
    row = OutboundMail.objects.get(kind="receipt")
    result = smtp.Result(smtp.Outcome.SENT, delivered=["ada@mail.example"])
    outbox.note_result(mail=row, result=result)
    raw = report(row.message_id)
    found = thread.find(parse(raw), ("support@desk.example",))
    assert found is not None
    assert (found.ticket, found.tier) == (ticket, thread.Tier.REPORT)
    assert not found.visible
    assert filed(ticket, raw).pk == row.pk
    row.refresh_from_db()
    assert row.bounces


@pytest.mark.parametrize("kind", ["answer", "receipt"])
@pytest.mark.parametrize("action", ["failed", "delayed"])
def test_report_is_filed_on_the_ticket_of_its_mail_and_nobody_becomes_a_customer(
    queue, kind, action
):
    ticket = f.make_ticket(queue, contact="ada@mail.example", receipt=True)
    if kind == "answer":
        answered(queue, ticket=ticket)
    row = OutboundMail.objects.get(kind=kind)
    people = Customer.objects.count()
    raw = ledger.accept(report(row.message_id, action=action), source="test", key="1")
    inbound = ingest.process(raw.pk)
    assert (inbound.state, inbound.outcome, inbound.ticket) == ("filed", "appended", ticket)
    article = inbound.article
    assert (article.visible, article.verified, article.sender) == (False, True, Sender.SYSTEM)
    assert article.customer is None
    assert Customer.objects.count() == people
    assert OutboundMail.objects.filter(automatic=True).count() == 1  # no answer to a machine


def test_a_person_who_quotes_our_id_is_no_report(queue):
    _ticket, row = answered(queue)
    message = EmailMessage()
    message["From"], message["To"] = "eve@mail.example", "support@desk.example"
    message["Subject"], message["References"] = "Undeliverable", row.message_id
    message.set_content("Hi")
    found = thread.find(parse(message.as_bytes()), ())
    assert found is not None
    assert found.tier == thread.Tier.REFERENCES
    assert not found.verified


def plain_report(text: str, **headers: str) -> bytes:
    """Return a report of a server that knows no format."""
    message = EmailMessage()
    message["Return-Path"], message["From"] = "<>", "MAILER-DAEMON@mx.example"
    message["To"] = headers.pop("to", "support@desk.example")
    message["Subject"] = headers.pop("subject", "Unzustellbar: Ihre Anfrage")
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content(text)
    return message.as_bytes()


def test_server_without_a_format_is_understood_by_what_it_quotes(queue):
    ticket, row = answered(queue, cc=("bob@mail.example",))
    text = f"""Ihre Nachricht an bob@mail.example konnte nicht zugestellt werden:
550 Das Postfach existiert nicht.

--- Ursprüngliche Nachricht ---
Message-ID: {row.message_id}
To: ada@mail.example, bob@mail.example
Subject: spam, mailbox full
"""
    assert filed(ticket, plain_report(text)) is not None
    row.refresh_from_db()
    ((address, _status, words),) = row.bounces
    assert address == "bob@mail.example"
    assert "existiert nicht" in words
    assert "ada@" not in words
    assert BouncedAddress.objects.get().address == "bob@mail.example"


def test_references_name_the_mail_too(queue):
    ticket, row = answered(queue)
    raw = plain_report("Fehler 550", References=row.message_id)
    filed(ticket, raw)
    row.refresh_from_db()
    assert row.bounces == [["ada@mail.example", "", "Fehler 550"]]
    assert not BouncedAddress.objects.exists()


def test_reply_address_of_the_ticket_and_the_name_are_enough(queue):
    ticket, row = answered(queue)
    reply = addressing.reply_address("support@desk.example", ticket.pk, addressing.signing_keys())
    assert filed(ticket, plain_report("ada@mail.example: user unknown", to=reply)).pk == row.pk
    row.refresh_from_db()
    assert row.bounces[0][0] == "ada@mail.example"


@pytest.mark.parametrize("text", ["eve@mail.example: user unknown", "user unknown"])
def test_reply_address_alone_is_not(queue, text):
    ticket, _row = answered(queue)
    reply = addressing.reply_address("support@desk.example", ticket.pk, addressing.signing_keys())
    assert filed(ticket, plain_report(text, to=reply)) is None


def test_reply_address_of_another_ticket_is_not(queue):
    ticket, _row = answered(queue)
    other, _row = answered(queue, to="eve@mail.example")
    reply = addressing.reply_address("support@desk.example", other.pk, addressing.signing_keys())
    assert filed(ticket, plain_report("ada@mail.example: user unknown", to=reply)) is None


def test_a_person_costs_no_query(queue):
    ticket, _row = answered(queue)
    message = EmailMessage()
    message["From"], message["Subject"] = "ada@mail.example", "Hello"
    message.set_content("Hi")
    mail, article = parse(message.as_bytes()), ticket.articles.get(sender=Sender.CUSTOMER)
    with CaptureQueriesContext(connection) as queries:
        assert bounces.take(mail, ticket, article) is None
    assert len(queries) == 0


# --- reports from the wild -------------------------------------------------------------------------


def read(path: Path):
    return bounces.failures(parse(path.read_bytes()))


@pytest.mark.parametrize(
    ("name", "recipient", "cause", "counts"),
    [
        ("dsn-failed.eml", "weg@example.net", Cause.NO_ADDRESS, True),
        ("bounce-exim.eml", "weg@example.net", Cause.UNKNOWN, False),
        ("bounce-german-without-format.eml", None, Cause.UNKNOWN, False),
    ],
)
def test_own_samples(name, recipient, cause, counts):
    check(read(OWN / name), recipient, cause, counts)


@pytest.mark.mails
@pytest.mark.parametrize(
    ("name", "recipient", "cause", "counts"),
    [
        ("flanker/bounce-broken-mime.eml", "info@example.net", Cause.UNAVAILABLE, False),
        ("flanker/bounce-delayed-broken.eml", "demo@example.com", Cause.FULL, False),
        ("flanker/bounce-delayed.eml", "foo@example.com", Cause.UNAVAILABLE, False),
        (
            "flanker/bounce-gmail-invalid-address.eml",
            "awfawfawfawfawfaw@someserverhere.com",
            Cause.NO_ADDRESS,
            True,
        ),
        ("flanker/bounce-gmail-no-dns.eml", "user@example.comm", Cause.NO_DOMAIN, True),
        ("flanker/bounce-mailbox-full.eml", "user@aol.com", Cause.FULL, False),
        ("flanker/bounce-office365.eml", "noname@example.com", Cause.NO_ADDRESS, True),
        (
            "flanker/bounce-zed.eml",
            "asdfasdfasdfasdfasdfasdfewrqertrtyrthsfgdfgadfqeadvxzvz@gmail.com",
            Cause.NO_ADDRESS,
            True,
        ),
        (
            "mikel-mail/multipart_report_emails-report_530.eml",
            "edwin@zzzzzzz.com",
            Cause.NO_ADDRESS,
            True,
        ),
        (
            "mikel-mail/multipart_report_emails-multi_address_bounce1.eml",
            "bbbbvhvbbvkjbhfbvbvjhb@gmail.com",
            Cause.NO_ADDRESS,
            True,
        ),
        (
            "mikel-mail/multipart_report_emails-multipart_report_multiple_status.eml",
            "u@ci.com",
            Cause.UNKNOWN,
            False,
        ),
        ("mimekit/split-content-length-023.eml", "newsletter-request@imusic.com",
         Cause.NO_ADDRESS, True),
    ],
)  # fmt: skip
def test_collected_samples(name, recipient, cause, counts):
    path = COLLECTED / name
    if not path.is_file():
        pytest.skip("the collected mails are not here")
    check(read(path), recipient, cause, counts)


def check(found, recipient, cause, counts):
    names = found[0].names
    assert names == ((recipient,) if recipient else ())
    verdict = judge(found[0].status, found[0].words)
    assert (verdict.cause, verdict.counts) == (cause, counts), found[0]
