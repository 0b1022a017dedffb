"""Rows in the outbox: to whom, in which words, in which thread; and when there is no receipt."""

from __future__ import annotations

import itertools
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from helpdesk import actions, addressing, permissions
from helpdesk.actions import Draft
from helpdesk.errors import InvalidInput
from helpdesk.models import AutoMail, Channel, EventKind, OutboundMail, Promise
from helpdesk.notifications import limiter, links
from tests import factories as f

pytestmark = pytest.mark.django_db

_counter = itertools.count()


@pytest.fixture
def queue():
    return f.QueueAddressFactory(
        address="support@desk.example",
        queue__slug="support",
        queue__sender_name="Support team",
        queue__signature_de="Ihr Team",
        queue__signature_en="Your team",
    ).queue


def from_mail(queue, contact="ina@mail.example", message_id="<first@mail.example>", **draft):
    """Open a ticket by a mail, with a receipt."""
    draft = {"body": "It is silent.", "subject": "Printer", "message_id": message_id} | draft
    return actions.open_ticket(
        actor=permissions.SYSTEM,
        queue=queue,
        subject="Printer",
        draft=Draft(channel=Channel.EMAIL, **draft),
        customer=f.CustomerAddressFactory(address=f"c{next(_counter)}@mail.example").customer,
        contact=contact,
    ).ticket


def answer(queue, ticket, **options):
    return actions.answer(
        actor=permissions.agent(f.make_agent(queue)),
        ticket=ticket,
        draft=Draft(body="Switch it on.", channel=Channel.EMAIL),
        **options,
    )


def withheld(ticket):
    return [event.data["reason"] for event in ticket.events.filter(kind=EventKind.RECEIPT_WITHHELD)]


def test_receipt_names_number_subject_link_retention_and_objection(queue):
    ticket = from_mail(queue)
    row = OutboundMail.objects.get()
    assert row.kind == "receipt"
    assert row.automatic
    assert [address for _name, address in row.to] == ["ina@mail.example"]
    assert row.subject == f"[Ticket#{ticket.number}] Printer"
    for text in (row.body, row.html):
        assert ticket.number in text
        assert links.status_url(ticket, ticket.language) in text
        assert ticket.retention_sentence in text
        assert "Printer" in text
        assert "14" in text
    assert ticket.events.filter(kind=EventKind.RECEIPT_QUEUED, data__mail=row.pk).exists()


def test_status_link_opens_this_ticket_in_the_language_asked_for(queue):
    ticket = from_mail(queue)
    german, english = links.status_url(ticket, "de"), links.status_url(ticket, "en")
    assert german.startswith("http://testserver/requests/status/")
    assert english.startswith("http://testserver/en/requests/status/")
    token = german.rstrip("/").rpartition("/")[2]
    keys = addressing.signing_keys()
    assert addressing.read_status_token(token, keys) == (ticket.pk, ticket.link_nonce)


@pytest.mark.parametrize(("language", "signature"), [("de", "Ihr Team"), ("en", "Your team")])
def test_receipt_is_signed_in_the_language_of_the_ticket(queue, language, signature):
    f.make_ticket(queue, language=language, receipt=True)
    row = OutboundMail.objects.get()
    assert row.language == language
    assert row.body.endswith(f"\n-- \n{signature}\n")
    assert signature in row.html


def test_receipt_inherits_sender_and_signature_from_the_parent_queue(queue):
    f.make_ticket(f.QueueFactory(parent=queue), language="en", receipt=True)
    row = OutboundMail.objects.get()
    assert (row.from_name, row.from_address) == ("Support team", "support@desk.example")
    assert "Your team" in row.body


def test_receipt_names_the_promised_time(queue):
    queue.promise = Promise.objects.create(name="Quick", first_response=150)
    queue.save()
    f.make_ticket(queue, language="en", receipt=True)
    assert "within 3 working hours" in OutboundMail.objects.get().body


def test_receipt_escapes_what_the_customer_wrote_in_its_html_only(queue):
    f.make_ticket(queue, subject="<b>5 > 3</b>", language="en", receipt=True)
    row = OutboundMail.objects.get()
    assert "“<b>5 > 3</b>”" in row.body
    assert "&lt;b&gt;5 &gt; 3&lt;/b&gt;" in row.html


@pytest.mark.parametrize(
    ("contact", "reason"),
    [
        ("", "no_contact"),
        ("noreply@shop.example", "nobody_reads"),
        ("it-no_reply@shop.example", "nobody_reads"),
        ("mailer-daemon@mx.example", "nobody_reads"),
        ("postmaster@mx.example", "nobody_reads"),
        ("bounces+ina=mail@lists.example", "nobody_reads"),
        ("support@desk.example", "own_address"),
        ("Support+t1-abc@DESK.example", "own_address"),
        ("not an address", "bad_address"),
    ],
)
def test_receipt_is_withheld_from_an_address_that_must_get_none(queue, contact, reason):
    ticket = from_mail(queue, contact=contact)
    assert withheld(ticket) == [reason]
    assert not OutboundMail.objects.exists()
    assert not AutoMail.objects.exists()


@pytest.mark.parametrize("contact", ["noreen@mail.example", "bouncer@club.example"])
def test_receipt_goes_to_names_that_only_look_alike(queue, contact):
    assert withheld(from_mail(queue, contact=contact)) == []


def test_receipt_is_withheld_from_machine_mail(queue):
    assert withheld(from_mail(queue, machine="auto_reply")) == ["machine"]


def test_receipt_is_withheld_where_the_queue_sends_none(queue):
    queue.sends_receipt = False
    queue.save()
    assert withheld(from_mail(queue)) == ["queue_off"]


def test_receipt_is_withheld_from_a_blocked_customer(queue):
    customer = f.CustomerAddressFactory(customer__is_blocked=True).customer
    ticket = f.make_ticket(queue, customer=customer, receipt=True)
    assert withheld(ticket) == ["blocked"]


def test_fourth_receipt_within_ten_minutes_is_withheld(queue):
    tickets = [from_mail(queue, contact=f"ina+{number}@mail.example") for number in range(4)]
    assert [withheld(ticket) for ticket in tickets] == [[], [], [], ["limit_burst"]]


def test_eleventh_receipt_of_a_day_is_withheld_and_the_next_day_has_ten_again(queue):
    start = timezone.now().replace(hour=3)
    results = []
    for number in range(11):
        with time_machine.travel(start + timedelta(minutes=20 * number)):
            results.append(withheld(from_mail(queue)))
    assert results == [[]] * 10 + [["limit_day"]]
    with time_machine.travel(start + timedelta(days=1, hours=6)):
        assert withheld(from_mail(queue)) == []
        assert limiter.tidy() == 10


def test_answer_comes_from_the_queue_and_asks_for_replies_to_the_ticket(queue):
    ticket = from_mail(queue)
    article = answer(queue, ticket)
    row = OutboundMail.objects.get(kind="answer")
    assert (row.from_name, row.from_address) == ("Support team", "support@desk.example")
    keys = addressing.signing_keys()
    assert addressing.read_reply_token(row.reply_to, keys) == ticket.pk
    assert addressing.read_message_id(row.message_id, keys) == ticket.pk
    assert row.message_id == article.message_id
    assert row.subject == f"[Ticket#{ticket.number}] Printer"
    assert row.body == "Switch it on.\n\n-- \nIhr Team\n"
    assert not row.automatic


def test_answer_continues_the_thread_of_the_last_mail_of_the_customer(queue):
    ticket = from_mail(queue)
    actions.receive_message(
        actor=permissions.SYSTEM,
        ticket=ticket,
        draft=Draft(
            body="Still.",
            channel=Channel.EMAIL,
            message_id="<second@mail.example>",
            references=("<first@mail.example>", "<between@desk.example>"),
        ),
    )
    article = answer(queue, ticket)
    row = OutboundMail.objects.get(kind="answer")
    assert row.in_reply_to == article.in_reply_to == "<second@mail.example>"
    assert row.references == [
        "<first@mail.example>",
        "<between@desk.example>",
        "<second@mail.example>",
    ]


@pytest.mark.parametrize(
    "message_id", ["<" + "x" * 300 + "@mail.example>", "<a\nBcc: b@c.example>"]
)
def test_id_that_cannot_be_written_is_never_emitted(queue, message_id):
    ticket = from_mail(queue, message_id=message_id)
    answer(queue, ticket)
    for row in OutboundMail.objects.all():
        assert row.message_id.startswith("<t")
        assert "sha256" not in "".join([row.in_reply_to, *row.references])
        assert "\n" not in "".join([row.in_reply_to, *row.references])


def test_answer_to_a_form_threads_behind_its_receipt(queue):
    ticket = f.make_ticket(queue, receipt=True)
    receipt = OutboundMail.objects.get()
    answer(queue, ticket)
    assert OutboundMail.objects.get(kind="answer").in_reply_to == receipt.message_id


def test_long_thread_keeps_its_first_and_newest_ids(queue):
    references = tuple(f"<{number}@mail.example>" for number in range(40))
    ticket = from_mail(queue, references=references)
    answer(queue, ticket)
    ids = OutboundMail.objects.get(kind="answer").references
    assert (len(ids), ids[0], ids[-1]) == (20, "<0@mail.example>", "<first@mail.example>")


def test_each_recipient_is_named_once(queue):
    ticket = from_mail(queue)
    answer(
        queue,
        ticket,
        to=(("Ina", "Ina@mail.example"),),
        cc=(("", "ina@MAIL.example"), ("Bo", "bo@mail.example")),
        bcc=(("", "bo@mail.example"), ("", "cy@bücher.example")),
    )
    row = OutboundMail.objects.get(kind="answer")
    assert row.to == [["Ina", "Ina@mail.example"]]
    assert row.cc == [["Bo", "bo@mail.example"]]
    assert row.bcc == [["", "cy@xn--bcher-kva.example"]]


@pytest.mark.parametrize("address", ["nobody", "a b@c.example", "a@b.example\nBcc: x@y.example"])
def test_answer_to_a_bad_address_is_refused_at_its_field(queue, address):
    ticket = from_mail(queue)
    with pytest.raises(InvalidInput) as refusal:
        answer(queue, ticket, cc=(("", address),), to=(("", "ina@mail.example"),))
    assert refusal.value.field == "cc"


def test_forward_quotes_the_original_behind_its_head(queue):
    ticket = from_mail(queue, from_name="Ina Rother", from_address="ina@mail.example")
    original = ticket.articles.get()
    actions.forward(
        actor=permissions.agent(f.make_agent(queue)),
        ticket=ticket,
        draft=Draft(body="Can you help?", channel=Channel.EMAIL),
        original=original,
        to=(("Maker", "help@maker.example"),),
    )
    row = OutboundMail.objects.get(kind="forward")
    assert row.original == original
    assert row.to == [["Maker", "help@maker.example"]]
    assert row.body.startswith("Can you help?\n\n> ")
    assert "Ina Rother <ina@mail.example>" in row.body
    assert row.body.endswith("> It is silent.\n\n-- \nIhr Team\n")
    assert row.in_reply_to == ""
    assert row.references == ["<first@mail.example>"]
