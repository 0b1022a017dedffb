from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage

import pytest

from helpdesk import actions, addressing, permissions
from helpdesk.actions import Draft, Upload
from helpdesk.mail import agents, ledger, thread
from helpdesk.mail.agents import answer_of
from helpdesk.mail.parse import parse
from helpdesk.mail.sanitise import clean
from helpdesk.models import Article, Channel, EventKind, OutboundMail, Right
from helpdesk.states import StateType
from tests import factories as f
from tests.servers.dns import name_server

from . import signed

pytestmark = pytest.mark.django_db

_counter = itertools.count()
GENUINE = "mx.desk.example; dmarc=pass header.from=staff.example"
NOTICE = """\
> Uta wrote an internal note:
> This customer is known for bad cheques, be careful.
"""
ANSWER = "Please switch it on at the back.\n\nKind regards\nUta\n"


@pytest.fixture(autouse=True)
def _our_server(settings):
    settings.HELPDESK = {**settings.HELPDESK, "AUTHSERV_ID": "mx.desk.example"}


@pytest.fixture
def support():
    queue = f.QueueAddressFactory(address="support@desk.example", queue__slug="support").queue
    queue.signature_en = "Your IT team"
    queue.save()
    return queue


@pytest.fixture
def uta(support):
    return f.make_agent(support, email="Uta@staff.example", first_name="Uta", last_name="Berg")


@pytest.fixture
def ticket(support):
    return f.make_ticket(support, language="en", contact="ina@mail.example")


def reply_address(ticket) -> str:
    return addressing.reply_address("support@desk.example", ticket.pk, addressing.signing_keys())


def mail(
    ticket,
    body: str = ANSWER,
    *,
    sender: str = "U. <uta@staff.example>",
    results: str = GENUINE,
    html: str = "",
    files: tuple[tuple[str, str, bytes, str], ...] = (),
    **headers: str,
) -> bytes:
    message = EmailMessage()
    message["From"] = sender
    message["To"] = reply_address(ticket)
    message["Subject"] = "Re: a note was written"
    message["Date"] = datetime.now(UTC)
    message["Message-ID"] = f"<{next(_counter)}@staff.example>"
    for name, value in headers.items():
        name = name.replace("_", "-")
        del message[name]
        if value:
            message[name] = value
    message.set_content(body)
    if html:
        message.add_alternative(html, subtype="html")
    for name, kind, content, content_id in files:
        main, sub = kind.split("/")
        options = {"cid": f"<{content_id}>", "disposition": "inline"} if content_id else {}
        message.add_attachment(content, main, sub, filename=name, **options)
    prefix = f"Authentication-Results: {results}\r\n" if results else ""
    return prefix.encode() + message.as_bytes()


def draft_of(parsed, inbound, machine: str = "") -> Draft:
    """Return the whole mail as an article to be, as it is filed."""
    return Draft(
        body=parsed.text,
        html=clean(parsed.html, {}) if parsed.html else "",
        channel=Channel.EMAIL,
        subject=parsed.subject,
        from_name=parsed.from_.name,
        from_address=parsed.from_.address,
        to=tuple((one.name, one.address) for one in parsed.to),
        message_id=parsed.message_id or "",
        content_hash=parsed.content_hash,
        machine=machine,
        files=tuple(
            Upload(
                name=part.name,
                content=part.content,
                content_type=part.content_type,
                content_id=part.content_id or "",
                inline=part.inline,
            )
            for part in parsed.attachments
        ),
        created_at=inbound.received_at,
    )


def deliver(raw: bytes, *, machine: str = "", **options: object):
    """Do with a mail what filing does up to here; what comes back is None if it is no agent's."""
    inbound = ledger.accept(raw, source="test", key=str(next(_counter)), **options)
    parsed = parse(raw)
    recipients = tuple(one.address for one in (*parsed.to, *parsed.cc)) + tuple(inbound.envelope_to)
    match = thread.find(parsed, recipients)
    assert match is not None
    draft = draft_of(parsed, inbound, machine)
    return answer_of(inbound=inbound, mail=parsed, match=match, draft=draft)


def visible_by_mail(ticket) -> list[Article]:
    return list(ticket.articles.filter(visible=True).exclude(channel="web"))


# --- an answer -----------------------------------------------------------------------------------


def test_an_agents_mail_becomes_an_answer_to_the_customer(ticket, uta):
    filed = deliver(mail(ticket, ANSWER + "\n-- \nUta Berg\nRoom 3, internal phone 1234\n"))
    assert filed.outcome == "answered"
    assert filed.evidence == (
        f"agent {uta.username}",
        "authentic: mx.desk.example says dmarc=pass for staff.example",
        "answered the customer",
    )
    article = filed.article
    assert (article.sender, article.visible, article.author) == ("agent", True, uta)
    assert article.body == "Please switch it on at the back.\n\nKind regards\nUta"
    assert (article.from_name, article.from_address) == ("Uta Berg", "")
    (row,) = OutboundMail.objects.all()
    assert (row.kind, row.to) == ("answer", [[str(ticket.customer), "ina@mail.example"]])
    assert row.from_address == "support@desk.example"
    assert row.body == f"{article.body}\n\n-- \nYour IT team\n"
    assert ticket.subject in row.subject
    assert "note" not in row.subject
    ticket.refresh_from_db()
    assert (ticket.state.type, ticket.owner) == (StateType.OPEN, uta)
    assert ticket.waiting_since is None
    assert ticket.events.filter(kind=EventKind.ANSWER_SENT, user=uta).count() == 1


def test_the_quoted_notice_does_not_go_out(ticket, uta):
    quoted = f"Am 3.4.2026 um 10:12 schrieb Desk <support@desk.example>:\n{NOTICE}"
    html = f"<p>{ANSWER}</p><blockquote>This customer is known for bad cheques</blockquote>"
    article = deliver(mail(ticket, f"{ANSWER}\n{quoted}", html=html)).article
    assert article.body == ANSWER.strip()
    assert article.html == ""
    assert "cheques" not in OutboundMail.objects.get().body + OutboundMail.objects.get().html


def test_html_alone_is_read_as_text_without_its_quotation(ticket, uta):
    raw = mail(ticket).replace(b"text/plain", b"text/html")
    body = (
        b"<div>Switch it on.</div><div class=gmail_quote>On Fri, 3 Apr 2026 at 10:12, Desk"
        b" &lt;support@desk.example&gt; wrote:<blockquote>bad cheques</blockquote></div>"
    )
    article = deliver(raw.replace(ANSWER.encode(), body)).article
    assert (article.visible, article.body) == (True, "Switch it on.")


def test_files_go_along_but_no_pictures_of_a_signature(ticket, uta):
    files = (
        ("manual.pdf", "application/pdf", b"%PDF-1.4", ""),
        ("logo.png", "image/png", b"\x89PNG", "logo@staff.example"),
        ("smime.p7s", "application/pkcs7-signature", b"0", ""),
    )
    filed = deliver(mail(ticket, files=files))
    assert [row.name for row in filed.article.attachments.all()] == ["manual.pdf"]
    assert "pictures in the text and signatures left out: 2" in filed.evidence


def test_an_authentic_signature_is_enough(ticket, uta, settings):
    def fresh() -> bytes:
        return signed.sign(mail(ticket, results=""), "staff.example")

    with name_server() as zone:
        zone.records[signed.name("staff.example")] = [signed.record()]
        settings.HELPDESK = {**settings.HELPDESK, "DNS_SERVERS": [zone.address]}
        assert deliver(fresh()).outcome == "answered"
        # an old mail to one ticket, sent to another: the addressee is part of what is signed
        other = reply_address(f.make_ticket(ticket.queue)).encode()
        moved = fresh().replace(reply_address(ticket).encode(), other)
        assert deliver(moved).outcome == "unverified"
        assert deliver(b"To: " + other + b"\r\n" + fresh()).outcome == "unverified"


def test_a_second_delivery_answers_once(ticket, uta):
    raw = mail(ticket)
    first, second = deliver(raw), deliver(raw)
    assert (first.outcome, second.outcome) == ("answered", "again")
    assert second.article == first.article
    assert OutboundMail.objects.count() == 1
    # the same id and other words: nobody's proof
    third = deliver(raw.replace(b"switch it on", b"send money to"))
    assert third.outcome == "unverified"
    assert OutboundMail.objects.count() == 1


def test_who_answers_the_agents_mail_comes_to_the_ticket(ticket, uta):
    raw = mail(ticket, Message_ID="<from-uta@staff.example>")
    deliver(raw)
    reply = EmailMessage()
    reply["From"], reply["To"] = "cara@staff.example", "uta@staff.example"
    reply["In-Reply-To"], reply["Message-ID"] = "<from-uta@staff.example>", "<2@staff.example>"
    match = thread.find(parse(reply.as_bytes()), ())
    assert (match.ticket, match.tier, match.verified) == (ticket, thread.Tier.REFERENCES, False)


def test_a_closed_ticket_is_answered_and_stays_closed(ticket, uta):
    closed = f.state(StateType.CLOSED)
    actions.change_state(actor=permissions.agent(uta), ticket=ticket, state=closed)
    assert deliver(mail(ticket)).outcome == "answered"
    ticket.refresh_from_db()
    assert ticket.state == closed


def test_a_ticket_without_address_is_answered_on_the_site(support, uta):
    ticket = f.make_ticket(support, contact="")
    assert deliver(mail(ticket)).article.visible
    assert OutboundMail.objects.count() == 0


# --- not to the customer -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"results": ""}, "no signature of this domain"),
        ({"results": "mx.evil.example; dmarc=pass header.from=staff.example"}, "no signature"),
        ({"results": "mx.desk.example; dmarc=fail header.from=staff.example"}, "dmarc=fail"),
        ({"results": "mx.desk.example; dkim=pass header.d=evil.example"}, "no signature"),
        ({"Message_ID": ""}, "no Message-ID"),
        ({"Date": ""}, "its date"),
        ({"Date": "Mon, 6 Apr 2020 10:00:00 +0000"}, "its date"),
        ({"sender": "uta@staff.example, eve@evil.example"}, "From"),
    ],
)
def test_what_is_not_authentic_stays_inside_and_changes_nothing(ticket, uta, change, reason):
    before = (ticket.state, ticket.owner)
    filed = deliver(mail(ticket, **change))
    assert filed.outcome == "unverified"
    assert reason in filed.evidence[1]
    article = filed.article
    assert (article.visible, article.verified, article.author) == (False, False, None)
    ticket.refresh_from_db()
    assert (ticket.state, ticket.owner) == before
    assert ticket.waiting_since is not None
    assert OutboundMail.objects.count() == 0


def test_a_reply_address_in_the_envelope_alone_is_not_enough(ticket, uta):
    raw = mail(ticket, To="eve@mail.example")
    filed = deliver(raw, envelope_to=[reply_address(ticket)])
    assert filed.outcome == "unverified"
    assert "neither in To nor in Cc" in filed.evidence[1]


def test_two_users_with_one_address_are_not_told_apart(ticket, uta):
    f.make_agent(ticket.queue, email="uta@staff.example")
    assert "several users" in deliver(mail(ticket)).evidence[1]


def test_an_agent_who_may_only_write_notes_writes_one(ticket, support):
    noter = f.make_agent(support, rights=[Right.NOTE], email="uta@staff.example")
    filed = deliver(mail(ticket))
    assert (filed.outcome, filed.article.author) == ("noted", noter)
    assert (filed.article.visible, filed.article.sender) == (False, "agent")
    assert visible_by_mail(ticket) == []


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (NOTICE, "among quoted lines"),
        ("-- \nUta Berg\nRoom 3\n", "nothing is left"),
        (f"Hello,\n\n{NOTICE}\nNo, he is not.\n", "words stand"),
        (f"{NOTICE}\nNo, he is not.\n", "words stand"),
        ("Von: Desk\nGesendet: Freitag\nAn: Uta\nBetreff: Notiz\n\nBad cheques.\n", "words stand"),
        ("He said it: support+t12-abcdefghijklmnop@desk.example\n\nBad cheques\n", "words stand"),
        ("-----BEGIN PGP SIGNED MESSAGE-----\nHi\n", "signed inside"),
        (
            "See this.\n\nno way of quoting: the customer is not\nto be told about THE audit.",
            "repeats",
        ),
    ],
)
def test_in_doubt_the_mail_becomes_a_note(ticket, uta, body, reason):
    note = Draft(body="Hint:\nThe customer is not to be told about the audit.", channel="note")
    actions.add_note(actor=permissions.agent(uta), ticket=ticket, draft=note)
    filed = deliver(mail(ticket, body))
    assert filed.outcome == "noted"
    assert reason in filed.evidence[-1]
    assert (filed.article.visible, filed.article.author) == (False, uta)
    assert visible_by_mail(ticket) == []
    assert OutboundMail.objects.count() == 0


def test_an_attached_mail_is_not_passed_on(ticket, uta):
    message = EmailMessage()
    message["From"], message["To"] = "uta@staff.example", reply_address(ticket)
    message["Date"], message["Message-ID"] = datetime.now(UTC), "<att@staff.example>"
    message.set_content("See the attached.")
    notice = EmailMessage()
    notice["Subject"] = "Notice"
    notice.set_content("Bad cheques.")
    message.add_attachment(notice)
    raw = f"Authentication-Results: {GENUINE}\r\n".encode() + message.as_bytes()
    assert "a mail is attached" in deliver(raw).evidence[-1]


def test_a_contact_that_is_no_address_is_told(support, uta):
    ticket = f.make_ticket(support, contact="by phone only")
    filed = deliver(mail(ticket))
    assert filed.outcome == "noted"
    assert "no address to send to" in filed.evidence[-1]


# --- no agent's mail -----------------------------------------------------------------------------


def test_an_agent_who_asked_writes_as_customer(support, uta):
    person = f.CustomerAddressFactory(address="uta@staff.example").customer
    own = f.make_ticket(support, customer=person)
    assert deliver(mail(own)) is None
    by_contact = f.make_ticket(support, contact="uta@staff.example")
    assert deliver(mail(by_contact)) is None


def test_an_agent_in_copy_is_still_an_agent(ticket, uta):
    ticket.participants.create(address="uta@staff.example", normalised="uta@staff.example")
    assert deliver(mail(ticket)).outcome == "answered"
    assert deliver(mail(ticket, results="")).outcome == "unverified"


def test_machine_mail_archives_and_strangers_are_none(ticket, uta):
    assert deliver(mail(ticket), machine="auto_reply") is None
    assert deliver(mail(ticket), silent=True) is None
    assert deliver(mail(ticket, sender="eve@staff.example")) is None
    f.make_agent(ticket.queue, rights=[Right.READ], email="rea@staff.example")
    assert deliver(mail(ticket, sender="rea@staff.example")) is None
    uta.is_active = False
    uta.save()
    assert deliver(mail(ticket)) is None


def test_a_number_in_the_subject_makes_nobody_an_agent(ticket, uta):
    raw = mail(ticket, To="support@desk.example", Subject=f"[Ticket#{ticket.number}]")
    assert deliver(raw) is None


def test_an_old_date_is_measured_by_the_receipt(ticket, uta):
    raw = mail(
        ticket,
        Date=(datetime.now(UTC) - agents.MAX_AGE + timedelta(hours=1)).strftime(
            "%a, %d %b %Y %H:%M:%S +0000"
        ),
    )
    assert deliver(raw).outcome == "answered"
