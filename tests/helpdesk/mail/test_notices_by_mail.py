"""The whole way of a notice: a customer writes, an agent is told by mail, answers it, and the customer has the answer."""

from __future__ import annotations

import email
from email import policy

import pytest

from helpdesk import actions, permissions
from helpdesk.actions import Draft
from helpdesk.mail import ingest, ledger
from helpdesk.models import Article, Channel, Notice, OutboundMail
from helpdesk.notifications import mime, outbox, smtp, telling
from tests import factories as f

from .test_agents import GENUINE
from .test_pipeline import deliver, mail

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _our_server(settings):
    settings.HELPDESK = {**settings.HELPDESK, "AUTHSERV_ID": "mx.desk.example"}


@pytest.fixture
def uta():
    queue = f.QueueAddressFactory(address="support@desk.example", queue__slug="support").queue
    return f.make_agent(queue, email="uta@staff.example", language="en", last_name="Berg")


def told(user) -> OutboundMail:
    """Tell, let the server take the mail, and return it."""
    telling.tell()
    row = OutboundMail.objects.filter(kind="notice", user=user).latest("pk")
    result = smtp.Result(smtp.Outcome.SENT, delivered=[user.email])
    return outbox.note_result(mail=row, result=result)


def answered(row: OutboundMail, words: str, **headers: str) -> bytes:
    """Return what a mail program makes of an answer to a notice."""
    seen = email.message_from_bytes(mime.build(row, ()), policy=policy.default)
    text = seen.get_body(("plain",)).get_content()
    quoted = "".join(f"> {line}\n" for line in text.splitlines())
    raw = mail(
        f"{words}\n\nOn Tue, 24 Nov 2026 at 09:00, Help desk <support@desk.example> wrote:\n{quoted}",
        sender="Uta Berg <uta@staff.example>",
        to=str(seen["Reply-To"] or seen["From"]),
        subject=f"Re: {seen['Subject']}",
        In_Reply_To=str(seen["Message-ID"]),
        **headers,
    )
    return f"Authentication-Results: {GENUINE}\r\n".encode() + raw


def test_an_agent_answers_the_mail_of_a_notice_and_the_customer_gets_those_words_only(uta):
    ticket = deliver(mail("My printer is silent.")).article.ticket
    Notice.objects.all().delete()
    type(ticket).objects.filter(pk=ticket.pk).update(owner=uta)
    deliver(mail("Still silent.", subject=f"Re: [#{ticket.number}]", References=receipt_of(ticket)))
    row = told(uta)
    deliver(answered(row, "Please switch it on at the back."))
    article = Article.objects.latest("pk")
    assert (article.ticket, article.author, article.visible) == (ticket, uta, True)
    assert article.body == "Please switch it on at the back."
    sent = OutboundMail.objects.get(article=article)
    assert [address for _name, address in sent.to] == ["ina@mail.example"]
    assert "wrote this mail automatically" not in sent.body
    telling.tell()  # she is not told of her own answer
    assert not Notice.objects.filter(user=uta, event__article=article).exists()


def receipt_of(ticket) -> str:
    return OutboundMail.objects.filter(ticket=ticket, kind="receipt").get().message_id


def test_what_is_answered_to_a_mention_reaches_no_customer(uta):
    ticket = deliver(mail("My printer is silent.")).article.ticket
    kai = f.make_agent(ticket.queue, email="kai@staff.example")
    uta.username = "uta"
    uta.save()
    actions.add_note(
        actor=permissions.agent(kai),
        ticket=ticket,
        draft=Draft(body="@uta she never pays", channel=Channel.NOTE),
    )
    row = told(uta)
    before = OutboundMail.objects.filter(kind="answer").count()
    deliver(answered(row, "I know!"))
    assert not Article.objects.filter(body__contains="I know!", visible=True).exists()
    assert OutboundMail.objects.filter(kind="answer").count() == before


def test_a_machine_that_answers_a_notice_writes_to_nobody_and_is_told_to_nobody(uta):
    ticket = deliver(mail("My printer is silent.")).article.ticket
    type(ticket).objects.filter(pk=ticket.pk).update(owner=uta)
    deliver(mail("Still silent.", subject=f"Re: [#{ticket.number}]", References=receipt_of(ticket)))
    row = told(uta)
    notices, mails = Notice.objects.count(), OutboundMail.objects.count()
    raw = answered(row, "I am on leave.", Auto_Submitted="auto-replied")
    ingest.process(ledger.accept(raw, source="test", key="machine").pk)
    telling.tell()
    assert (Notice.objects.count(), OutboundMail.objects.count()) == (notices, mails)
