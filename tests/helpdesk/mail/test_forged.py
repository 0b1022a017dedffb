"""Mail that our own receiving server says not to be from whom it names: it is kept, and counts as nobody's."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse
from django_mailbox.models import Mailbox

from helpdesk import actions, permissions
from helpdesk.models import EventKind, InboundMail, MailAccount, OutboundMail, Ticket
from helpdesk.states import StateType
from tests import factories as f
from tests.helpdesk.agents.conftest import browser
from tests.helpdesk.agents.pages import fields_of

from .test_pipeline import deliver, filter_of, mail, reply_address

pytestmark = pytest.mark.django_db

INA, EVE = "Ina <ina@mail.example>", "eve@evil.example"
FAIL = "mx.desk.example; dmarc=fail header.from=mail.example; spf=fail smtp.mailfrom=evil.example"
MARK = "(DMARC)"


@pytest.fixture(autouse=True)
def own_server(settings):
    settings.HELPDESK = {**settings.HELPDESK, "AUTHSERV_ID": "mx.desk.example"}


def queue_at(address: str, **values: object):
    return f.QueueAddressFactory(address=address, queue=f.QueueFactory(**values)).queue


@pytest.fixture
def support():
    return queue_at("support@desk.example")


@pytest.fixture
def hr():
    return queue_at("hr@desk.example")


@pytest.fixture
def ticket(support):
    return deliver(mail(sender=INA, body="My diagnosis is Zebra")).ticket


def forged(ticket: Ticket | None = None, *, body: str = "and?", **headers: str) -> InboundMail:
    subject = f"[Ticket#{ticket.number}] Printer" if ticket is not None else "Printer"
    given = {"sender": INA, "subject": subject, "Authentication_Results": FAIL, **headers}
    return deliver(mail(body, **given))


def screen(ticket: Ticket) -> str:
    return reverse("helpdesk_agents:ticket", args=[ticket.pk])


def copied(agent: object, ticket: Ticket) -> str:
    """Who stands in Cc of the next answer."""
    page = browser(agent).get(screen(ticket)).content.decode()
    return " ".join(
        value for name, values in fields_of(page).items() if name.endswith("cc") for value in values
    )


# --- follow-ups ----------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["number", "reply address"])
def test_a_forged_follow_up_is_filed_for_the_team_alone(ticket, way):
    closed = actions.default_state(StateType.CLOSED)
    actions.change_state(actor=permissions.SYSTEM, ticket=ticket, state=closed)
    headers = {"to": reply_address(ticket)} if way == "reply address" else {}
    row = forged(ticket, **headers)
    assert (row.ticket, row.state) == (ticket, "filed")
    assert (row.article.visible, row.article.verified) == (False, False)
    assert "dmarc=fail" in str(row.evidence)
    ticket.refresh_from_db()
    assert not ticket.state.is_open


@pytest.mark.parametrize("confidential", [False, True])
def test_it_opens_the_ticket_to_no_other_queue(hr, confidential):
    queue_at("safe@desk.example", is_confidential=confidential)
    ticket = deliver(mail(sender=INA, to="safe@desk.example", body="Zebra")).ticket
    reader = browser(f.make_agent(hr, rights=["read"]))
    forged(ticket, to="safe@desk.example, hr@desk.example")
    assert reader.get(screen(ticket)).status_code == 404
    assert not ticket.informed.exists()


def test_whom_it_copies_in_takes_no_part_and_is_written_to_by_nobody(ticket, support):
    forged(ticket, Cc=EVE)
    assert not ticket.participants.exists()
    assert EVE not in copied(f.make_agent(support), ticket)
    own = deliver(mail("tell me", sender=EVE, subject=f"[Ticket#{ticket.number}] Printer"))
    assert (own.article.visible, own.article.verified) == (False, False)


def test_whom_the_customer_copies_in_is_answered_too(ticket, support):
    number = f"[Ticket#{ticket.number}] Printer"
    deliver(mail(sender=INA, subject=number, Cc="pal@mail.example"))
    assert "pal@mail.example" in copied(f.make_agent(support), ticket)
    pal = deliver(mail(sender="pal@mail.example", subject=number, Cc="third@mail.example"))
    assert (pal.article.visible, pal.article.verified) == (True, True)
    assert not ticket.participants.filter(normalised="third@mail.example").exists()
    assert "third@mail.example" not in copied(f.make_agent(support), ticket)


def test_the_team_sees_why_and_takes_it_in_with_one_press(ticket, support):
    row = forged(ticket)
    agent = browser(f.make_agent(support))
    assert MARK in agent.get(screen(ticket)).content.decode()
    agent.post(reverse("helpdesk_agents:accept_sender", args=[ticket.pk, row.article.pk]))
    row.article.refresh_from_db()
    assert (row.article.visible, row.article.verified) == (True, True)
    assert row.article.customer == ticket.customer
    assert not ticket.participants.exists()  # the customer takes part as the customer
    assert MARK not in agent.get(screen(ticket)).content.decode()


@pytest.mark.parametrize(
    "results",
    [
        "mx.desk.example; dmarc=none",
        "mx.desk.example; spf=fail smtp.mailfrom=else.example",
        "mx.else.example; dmarc=fail header.from=mail.example",
        "mx.desk.example; dmarc=pass header.from=mail.example",
        None,
    ],
)
def test_what_our_server_does_not_deny_counts_as_before(ticket, results):
    headers = {"Authentication_Results": results} if results else {}
    row = deliver(mail(sender=INA, subject=f"[Ticket#{ticket.number}] x", **headers))
    assert (row.article.visible, row.article.verified) == (True, True)


def test_without_a_server_of_our_own_nobody_is_believed(ticket, settings):
    settings.HELPDESK = {**settings.HELPDESK, "AUTHSERV_ID": ""}
    assert forged(ticket).article.verified


def test_a_mailbox_names_its_own_server(ticket):
    box = Mailbox.objects.create(name="desk", uri="imap://desk:x@mail.example")
    MailAccount.objects.create(mailbox=box, queue=ticket.queue, authserv_id="mx.box.example")
    assert forged(ticket, Message_ID="<m1@x>").article.verified is False
    raw = mail(sender=INA, subject=f"[Ticket#{ticket.number}] x", Authentication_Results=FAIL)
    assert deliver(raw, mailbox=box).article.verified
    results = FAIL.replace("mx.desk", "mx.box")
    raw = mail(sender=INA, subject=f"[Ticket#{ticket.number}] x", Authentication_Results=results)
    assert not deliver(raw, mailbox=box).article.verified


# --- new requests --------------------------------------------------------------------------------


def test_a_forged_request_waits_for_the_team_and_is_not_the_victims(support, hr):
    user = f.UserFactory(email="ina@mail.example")
    actions.verify_address(user=user, address="ina@mail.example")
    row = forged(to="support@desk.example, hr@desk.example", Cc=EVE)
    ticket = row.ticket
    assert (ticket.customer, ticket.contact) == (None, "ina@mail.example")
    assert ticket.waiting_since is not None
    assert (row.article.visible, row.article.verified) == (False, False)
    assert not ticket.participants.exists()
    assert not ticket.informed.exists()
    visitor = Client()
    visitor.force_login(user)
    assert ticket.number not in visitor.get(reverse("helpdesk_customers:list")).content.decode()
    assert MARK in browser(f.make_agent(support)).get(screen(ticket)).content.decode()


def test_nobody_is_answered_by_the_machine_and_the_history_says_why(support):
    ticket = forged().ticket
    assert not OutboundMail.objects.exclude(kind=OutboundMail.Kind.NOTICE).exists()
    withheld = ticket.events.get(kind=EventKind.RECEIPT_WITHHELD)
    assert withheld.data == {"reason": "forged"}


def test_a_filter_refuses_it_without_a_word(support):
    filter_of([{"do": "refuse", "text": "No."}], value="Printer")
    row = forged()
    assert row.state == "ignored"
    assert not OutboundMail.objects.exists()


def test_an_accepted_request_is_the_customers(support):
    user = f.UserFactory(email="ina@mail.example")
    customer = actions.verify_address(user=user, address="ina@mail.example")
    row = forged()
    agent = permissions.agent(f.make_agent(support))
    actions.accept_sender(actor=agent, ticket=row.ticket, article=row.article)
    row.ticket.refresh_from_db()
    row.article.refresh_from_db()
    assert row.ticket.customer == row.article.customer == customer
    visitor = Client()
    visitor.force_login(user)
    assert row.ticket.number in visitor.get(reverse("helpdesk_customers:list")).content.decode()


def test_made_a_ticket_of_its_own_it_is_still_nobodys(ticket, support):
    row = forged(ticket)
    sent = OutboundMail.objects.filter(kind=OutboundMail.Kind.RECEIPT).count()
    agent = permissions.agent(f.make_agent(support))
    opened = actions.make_own_ticket(actor=agent, ticket=ticket, article=row.article)
    assert opened.ticket.customer is None
    assert (opened.article.visible, opened.article.verified) == (False, False)
    assert OutboundMail.objects.filter(kind=OutboundMail.Kind.RECEIPT).count() == sent


def test_its_second_delivery_informs_nobody(ticket, hr):
    raw = mail(sender=INA, subject=f"[Ticket#{ticket.number}] x", Authentication_Results=FAIL)
    deliver(raw)
    again = deliver(raw, envelope_to=["hr@desk.example"])
    assert again.rule == "second_delivery"
    assert not ticket.informed.exists()


def test_spam_in_somebodys_name_informs_nobody_later(support, hr):
    f.QueueFactory(slug="junk", is_junk=True)
    row = forged(to="support@desk.example, hr@desk.example", X_Spam_Flag="YES")
    assert row.ticket.queue.is_junk
    actions.not_spam(actor=permissions.SYSTEM, ticket=row.ticket)
    assert not row.ticket.informed.exists()
