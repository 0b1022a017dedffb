from __future__ import annotations

import itertools
from email.message import EmailMessage

import pytest
from django_mailbox.models import Mailbox

from helpdesk import actions, addressing, permissions
from helpdesk.mail import ingest, ledger
from helpdesk.mail.orders import kept_orders
from helpdesk.models import (
    Article,
    CustomerAddress,
    EventKind,
    InboundMail,
    MailAccount,
    MailFilter,
    OutboundMail,
    QueueAddress,
    Sender,
    Ticket,
    kept_directory,
)
from helpdesk.states import StateType
from tests import factories as f

pytestmark = pytest.mark.django_db

_counter = itertools.count()


def mail(
    subject: str = "Printer",
    body: str = "It is silent.",
    sender: str = "Ina Rother <ina@mail.example>",
    to: str = "support@desk.example",
    **headers: str,
) -> bytes:
    message = EmailMessage()
    message["From"] = sender
    message["To"] = to
    message["Subject"] = subject
    message["Message-ID"] = f"<{next(_counter)}@mail.example>"
    for name, value in headers.items():
        name = name.replace("_", "-")
        del message[name]
        message[name] = value
    message.set_content(body)
    return message.as_bytes()


def deliver(raw: bytes, **options: object) -> InboundMail:
    row = ledger.accept(raw, source="test", key=str(next(_counter)), **options)
    return ingest.process(row.pk)


@pytest.fixture
def support():
    return f.QueueAddressFactory(address="support@desk.example", queue__slug="support").queue


def test_mail_to_a_queue_address_opens_a_ticket_there(support):
    row = deliver(mail())
    assert (row.state, row.outcome) == ("filed", "opened")
    ticket = row.ticket
    assert (ticket.queue, ticket.subject, ticket.contact) == (
        support,
        "Printer",
        "ina@mail.example",
    )
    assert ticket.customer.name == "Ina Rother"
    assert row.article.body.strip() == "It is silent."
    assert (row.rule, row.evidence_lines()) == ("recipient", ["went to support@desk.example"])


@pytest.mark.parametrize("header", ["Cc", "Delivered-To", "X-Original-To"])
def test_other_recipient_headers_lead_to_the_queue(support, header):
    row = deliver(mail(to="somebody@else.example", **{header: "Support+x@Desk.Example"}))
    assert row.ticket.queue == support


def test_envelope_leads_to_the_queue(support):
    row = deliver(mail(to="undisclosed-recipients:;"), envelope_to=["support@desk.example"])
    assert row.ticket.queue == support


def test_no_address_of_ours_takes_the_mailboxs_queue(support):
    assert deliver(mail(to="a@else.example"), queue=support).ticket.queue == support


def test_no_queue_at_all_ends_in_the_failure_inbox_and_keeps_the_mail():
    raw = mail()
    row = deliver(raw)
    assert row.state == "failed"
    assert row.reason.startswith("No queue")
    assert row.next_try_at is not None
    assert row.blob.read() == raw


def test_two_queues_in_one_mail_make_one_ticket_and_inform_the_other(support):
    other = f.QueueAddressFactory(address="faults@desk.example").queue
    row = deliver(mail(to="support@desk.example, faults@desk.example"))
    assert Ticket.objects.get() == row.ticket
    assert row.ticket.queue == support
    assert row.ticket.events.get(kind=EventKind.QUEUE_INFORMED).data == {"queue": other.pk}


def test_second_delivery_of_the_same_mail_makes_no_second_article(support):
    raw = mail()
    first = deliver(raw)
    again = deliver(b"Received: by another way\r\n" + raw)
    assert again.state == "ignored"
    assert (again.ticket, again.article) == (first.ticket, first.article)
    assert Article.objects.count() == 1
    assert first.ticket.events.filter(kind=EventKind.SECOND_DELIVERY).exists()


def test_equal_message_id_with_other_content_is_a_mail_of_its_own(support):
    deliver(mail(Message_ID="<same@mail.example>"))
    row = deliver(mail(body="Something else.", Message_ID="<same@mail.example>"))
    assert row.outcome == "opened"
    assert Ticket.objects.count() == 2


def test_references_of_the_customer_append(support):
    first = deliver(mail(Message_ID="<a@mail.example>"))
    row = deliver(mail(subject="Re: Printer", body="More.", In_Reply_To="<a@mail.example>"))
    assert (row.outcome, row.ticket) == ("appended", first.ticket)
    assert row.article.visible


def test_number_in_the_subject_from_a_participant_appends(support):
    first = deliver(mail())
    row = deliver(mail(subject=f"AW: [Ticket#{first.ticket.number}] Printer", body="More."))
    assert row.ticket == first.ticket
    assert row.article.visible
    assert row.article.verified


@pytest.mark.parametrize("hint", ["number", "references"])
def test_a_stranger_with_a_number_or_reference_is_filed_internally(support, hint):
    first = deliver(mail(Message_ID="<a@mail.example>"))
    hints = {
        "number": {"subject": f"[Ticket#{first.ticket.number}] hello"},
        "references": {"References": "<a@mail.example>"},
    }
    row = deliver(mail(sender="eve@evil.example", body="Let me in.", **hints[hint]))
    assert row.ticket == first.ticket
    assert not row.article.visible
    assert not row.article.verified


def test_signed_reply_address_is_strong_by_itself(support):
    first = deliver(mail())
    to = addressing.reply_address(
        "support@desk.example", first.ticket.pk, addressing.signing_keys()
    )
    row = deliver(mail(sender="ina@home.example", to=to, body="From my other address."))
    assert row.ticket == first.ticket
    assert row.article.visible


def test_forged_reply_address_opens_a_ticket_of_its_own(support):
    first = deliver(mail())
    to = addressing.reply_address("support@desk.example", first.ticket.pk, ["another key"])
    row = deliver(mail(sender="eve@evil.example", to=to))
    assert row.ticket != first.ticket


def test_third_party_answer_to_a_forward_stays_internal(support):
    agent = f.make_agent(support)
    first = deliver(mail())
    actions.forward(
        actor=permissions.agent(agent),
        ticket=first.ticket,
        draft=actions.Draft(body="Can you help?", channel="email"),
        original=first.article,
        to=(("Firm", "firm@vendor.example"),),
    )
    to = addressing.reply_address(
        "support@desk.example", first.ticket.pk, addressing.signing_keys()
    )
    row = deliver(mail(sender="firm@vendor.example", to=to, body="Confidential offer"))
    assert row.ticket == first.ticket
    assert not row.article.visible
    assert row.article.verified


def test_message_to_a_closed_ticket_reopens_it(support):
    first = deliver(mail(Message_ID="<a@mail.example>"))
    agent = permissions.agent(f.make_agent(support))
    actions.change_state(actor=agent, ticket=first.ticket, state=f.state(StateType.CLOSED))
    deliver(mail(In_Reply_To="<a@mail.example>", body="Still silent."))
    first.ticket.refresh_from_db()
    assert first.ticket.state.type == StateType.OPEN
    assert first.ticket.waiting_since is not None


@pytest.mark.parametrize(
    ("policy", "outcome", "type_"),
    [("refuse", "appended", StateType.CLOSED), ("new", "opened", StateType.CLOSED)],
)
def test_other_follow_up_policies_leave_the_ticket_closed(support, policy, outcome, type_):
    support.follow_up = policy
    support.save()
    first = deliver(mail(Message_ID="<a@mail.example>"))
    agent = permissions.agent(f.make_agent(support))
    actions.change_state(actor=agent, ticket=first.ticket, state=f.state(StateType.CLOSED))
    row = deliver(mail(In_Reply_To="<a@mail.example>", body="Still silent."))
    first.ticket.refresh_from_db()
    assert first.ticket.state.type == type_
    assert row.outcome == outcome
    assert first.ticket.links_in.count() == (policy == "new")


def test_machine_mail_is_filed_but_moves_nothing(support):
    first = deliver(mail(Message_ID="<a@mail.example>"))
    agent = permissions.agent(f.make_agent(support))
    actions.change_state(actor=agent, ticket=first.ticket, state=f.state(StateType.CLOSED))
    row = deliver(
        mail(
            subject="Abwesenheitsnotiz",
            In_Reply_To="<a@mail.example>",
            Auto_Submitted="auto-replied",
        )
    )
    first.ticket.refresh_from_db()
    assert row.outcome == "appended"
    assert row.article.machine
    assert not row.article.visible
    assert first.ticket.state.type == StateType.CLOSED


def test_machine_mail_gets_no_receipt_and_people_do(support):
    deliver(mail(Auto_Submitted="auto-generated"))
    assert not OutboundMail.objects.exists()
    deliver(mail())
    receipt = OutboundMail.objects.get()
    assert receipt.to[0][1] == "ina@mail.example"


def test_own_mail_that_comes_back_opens_nothing(support):
    deliver(mail())
    ours = OutboundMail.objects.get().message_id
    row = deliver(mail(Message_ID=ours))
    assert (row.state, row.reason) == ("ignored", "own mail came back")
    row = deliver(mail(sender="Support <support@desk.example>"))
    assert row.state == "ignored"


def test_sender_is_the_address_in_brackets_never_the_display_name(support):
    row = deliver(mail(sender='"boss@desk.example" <eve@evil.example>'))
    assert row.article.from_address == "eve@evil.example"


def test_copied_people_take_part(support):
    first = deliver(mail(Message_ID="<a@mail.example>", Cc="Bo <bo@mail.example>"))
    row = deliver(mail(sender="bo@mail.example", In_Reply_To="<a@mail.example>", body="Me too."))
    assert row.ticket == first.ticket
    assert row.article.visible


def test_filter_ignores_with_its_reason_and_counts(support):
    MailFilter.objects.create(
        name="Ads",
        condition={"field": "subject", "op": "contains", "value": "offer"},
        effects=[{"do": "ignore", "reason": "advertising"}],
    )
    row = deliver(mail(subject="Our best offer"))
    assert (row.state, row.reason) == ("ignored", "advertising")
    assert MailFilter.objects.get().hits == 1
    assert not Ticket.objects.exists()


def test_filter_sets_the_queue(support):
    other = f.QueueFactory()
    MailFilter.objects.create(
        name="Network",
        condition={"field": "subject", "op": "contains", "value": "WLAN"},
        effects=[{"do": "set_queue", "queue": other.pk}],
    )
    assert deliver(mail(subject="WLAN down")).ticket.queue == other


def test_processing_twice_files_once(support):
    row = deliver(mail())
    assert ingest.process(row.pk).article == row.article
    assert Article.objects.count() == 1


def test_archive_keeps_the_mails_date_and_tells_nobody(support):
    raw = mail(Date="Mon, 06 Mar 2023 10:00:00 +0100")
    row = deliver(raw, queue=support, silent=True)
    assert row.ticket.created_at.isoformat() == "2023-03-06T09:00:00+00:00"
    assert row.ticket.imported_at is not None
    assert not OutboundMail.objects.exists()


def test_archive_date_in_the_future_becomes_now(support):
    row = deliver(mail(Date="Mon, 06 Mar 2093 10:00:00 +0100"), queue=support, silent=True)
    assert row.ticket.created_at <= row.ticket.imported_at


def test_mail_from_an_unverified_address_is_not_shown_in_the_portal(support):
    row = deliver(mail())
    person = permissions.customer(row.ticket.customer)
    assert not permissions.visible_tickets(person).exists()
    CustomerAddress.objects.update(verified_at=row.processed_at)
    assert permissions.visible_tickets(person).get() == row.ticket


def test_html_is_sanitised_and_attachments_are_kept(support):
    message = EmailMessage()
    message["From"], message["To"] = "ina@mail.example", "support@desk.example"
    message["Subject"] = "Bild"
    message.set_content("<p onclick='x()'>Hallo<script>alert(1)</script></p>", subtype="html")
    message.add_attachment(b"%PDF-1.4", maintype="application", subtype="pdf", filename="ü.pdf")
    row = deliver(message.as_bytes())
    assert "script" not in row.article.html
    assert "onclick" not in row.article.html
    assert "Hallo" in row.article.body
    attachment = row.article.attachments.get()
    assert (attachment.name, attachment.blob.read()) == ("ü.pdf", b"%PDF-1.4")


def test_customer_message_and_sender_kind(support):
    assert deliver(mail()).article.sender == Sender.CUSTOMER


# --- many at once, and by hand -------------------------------------------------------------------


def test_filing_asks_the_database_little(support, django_assert_max_num_queries):
    mailbox = Mailbox.objects.create(name="desk", uri="imap://desk@mail.example/")
    MailAccount.objects.create(mailbox=mailbox, queue=support)
    raws = [
        mail(Message_ID="<first@x>"),
        mail(sender="Bo <bo@mail.example>"),
        mail("Re: Printer", References="<first@x>"),
    ]
    keys = [
        ledger.accept(raw, source="test", key=f"few-{n}", mailbox=mailbox, queue=support).pk
        for n, raw in enumerate(raws)
    ]
    with kept_directory(), kept_orders():
        ingest.process(keys[0])
        with django_assert_max_num_queries(24):
            new = ingest.process(keys[1])
        with django_assert_max_num_queries(18):
            reply = ingest.process(keys[2])
    assert (new.outcome, reply.outcome) == ("opened", "appended")
    assert new.message is not None


@pytest.mark.django_db(transaction=True)  # a broken reference shows at the commit
def test_a_batch_whose_knowledge_grew_old_looks_again(support):
    row = ledger.accept(mail(), source="test", key="old")
    with kept_directory() as known:
        assert support.pk in known.queues  # read before the address moved on
        other = f.QueueFactory(slug="other")
        QueueAddress.objects.filter(queue=support).update(queue=other)
        support.delete()
        assert ingest.process(row.pk).ticket.queue == other


def test_mails_are_stored_together_each_once(support):
    raw = mail()
    arrivals = [ledger.Arrival(raw, "test", key) for key in ("one", "two", "one")]
    rows = ledger.accept_many(arrivals)
    assert [row.key for row in rows] == ["one", "two", "one"]
    assert InboundMail.objects.filter(source="test", key__in=["one", "two"]).count() == 2
    assert rows[0].blob == rows[1].blob
    assert ledger.accept_many(arrivals[:2]) == rows[:2]


def test_a_failed_mail_is_filed_by_hand(support):
    row = deliver(mail(to="nobody@desk.example"))
    assert row.state == "failed"
    row = ingest.file_by_hand(row.pk, queue=support, by="Uta Example")
    assert (row.state, row.rule, row.ticket.queue) == ("filed", "by_hand", support)
    assert row.evidence_lines() == ["filed by Uta Example"]
    again = ingest.file_by_hand(row.pk, queue=support, by="Uta Example")
    assert (again.ticket, Ticket.objects.count()) == (row.ticket, 1)


def test_a_mail_that_cannot_be_read_becomes_a_ticket_with_itself_as_file(support, monkeypatch):
    raw = mail(to="nobody@desk.example", body="Read me")
    row = deliver(raw)

    def broken(*_args: object) -> str:
        raise RuntimeError("cannot")

    monkeypatch.setattr("helpdesk.mail.incoming.guess_language", broken)
    row = ingest.file_by_hand(row.pk, queue=support, by="Uta")
    file = row.article.attachments.get()
    assert (file.name, file.blob.read()) == ("mail.eml", raw)
    assert not row.article.visible
    assert not OutboundMail.objects.exists()  # nobody is answered


def test_what_was_filed_or_came_twice_is_not_filed_by_hand(support):
    raw = mail()
    first, second = deliver(raw), deliver(raw)
    assert second.state == "ignored"
    for row in (first, second):
        assert ingest.file_by_hand(row.pk, queue=support, by="Uta").ticket == first.ticket
    assert Ticket.objects.count() == 1
