"""Automatic answers: every kind, whose text, in which language, to whom, and when there is none."""

from __future__ import annotations

import itertools
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from helpdesk import actions, addressing, notifications, permissions
from helpdesk.actions import Draft
from helpdesk.models import (
    Article,
    AutoMail,
    AutoResponse,
    Calendar,
    Channel,
    EventKind,
    OutboundMail,
    Promise,
    Queue,
    Ticket,
)
from helpdesk.notifications import Withheld, links, mime, outbox
from helpdesk.states import StateType
from tests import factories as f

pytestmark = pytest.mark.django_db

CONTACT = "ina@mail.example"
_counter = itertools.count()


@pytest.fixture
def queue():
    return f.QueueAddressFactory(
        address="support@desk.example", queue__slug="support", queue__name="Support"
    ).queue


def text(queue, kind, **fields):
    fields = {"body_en": f"English of {queue}.", "body_de": f"Deutsch von {queue}."} | fields
    return AutoResponse.objects.create(queue=queue, kind=kind, **fields)


def opened(queue, *, language="en", contact=CONTACT, receipt=False, **options) -> Ticket:
    return f.make_ticket(
        queue, contact=contact, language=language, receipt=receipt, channel=Channel.EMAIL, **options
    )


def closed(queue, follow_up, **options) -> Ticket:
    Queue.objects.filter(pk=queue.pk).update(follow_up=follow_up)
    ticket = opened(Queue.objects.get(pk=queue.pk), **options)
    return actions.change_state(
        actor=permissions.SYSTEM, ticket=ticket, state=f.state(StateType.CLOSED)
    )


def write(ticket, sender=CONTACT, *, channel=Channel.EMAIL, **options) -> Article:
    """File a further message, with a Message-ID of its own."""
    words = {
        name: options.pop(name) for name in ("machine", "reply_to", "subject") if name in options
    }
    draft = Draft(
        body="Once more.",
        channel=channel,
        from_name="Ina Rother",
        from_address=sender,
        message_id=f"<{next(_counter)}@mail.example>",
        references=("<first@mail.example>",),
        **words,
    )
    options.setdefault("customer", ticket.customer)
    return actions.receive_message(actor=permissions.SYSTEM, ticket=ticket, draft=draft, **options)


def reasons(ticket, kind=EventKind.RESPONSE_WITHHELD):
    return [event.data["reason"] for event in ticket.events.filter(kind=kind)]


# --- which kind --------------------------------------------------------------------------------


def test_a_message_on_an_open_ticket_is_answered_only_where_a_queue_says_so(queue):
    ticket = opened(queue, customer=f.CustomerAddressFactory(address=CONTACT).customer)
    write(ticket)
    assert not OutboundMail.objects.exists()
    assert not ticket.events.filter(kind=EventKind.RESPONSE_WITHHELD).exists()
    text(
        queue,
        "appended",
        body_en="We have it: {{ number }}.",
        subject_en="Thank you, {{ customer_name }}",
    )
    article = write(ticket)
    row = OutboundMail.objects.get()
    assert (row.kind, row.article, row.automatic) == ("appended", article, True)
    assert row.body == f"We have it: {ticket.number}.\n"
    assert row.to == [[ticket.customer.name, CONTACT]]
    assert row.subject == f"[Ticket#{ticket.number}] Thank you, {ticket.customer.name}"
    assert row.in_reply_to == article.message_id
    assert row.references == ["<first@mail.example>", article.message_id]
    assert ticket.events.filter(kind=EventKind.RESPONSE_QUEUED, data__mail=row.pk).exists()


def test_a_message_on_the_site_is_not_answered_by_mail(queue):
    text(queue, "appended")
    write(opened(queue), channel=Channel.WEB)
    assert not OutboundMail.objects.exists()


def test_a_message_to_a_closed_ticket_that_takes_none_is_filed_and_its_writer_told(queue):
    ticket = closed(queue, "refuse")
    article = write(ticket)
    row = OutboundMail.objects.get()
    assert article.ticket == ticket
    assert (row.kind, row.ticket, row.article) == ("refused", ticket, article)
    assert "is closed and takes no more messages" in row.body
    assert "support@desk.example" in row.body
    assert links.status_url(ticket, "en") not in row.body
    ticket.refresh_from_db()
    assert ticket.state.type == StateType.CLOSED


def test_a_message_that_becomes_a_new_ticket_gets_one_mail_that_says_so(queue):
    ticket = closed(queue, "new")
    article = write(ticket)
    row = OutboundMail.objects.get()
    assert (row.kind, row.ticket, row.article) == ("continued", article.ticket, article)
    assert article.ticket != ticket
    for words in (ticket.number, article.ticket.number, links.status_url(article.ticket, "en")):
        assert words in row.body
        assert words in row.html
    assert EventKind.RECEIPT_QUEUED not in article.ticket.events.values_list("kind", flat=True)


def test_a_reopening_message_counts_as_one_that_joined(queue):
    text(queue, "appended")
    write(closed(queue, "reopen"))
    assert OutboundMail.objects.get().kind == "appended"


@pytest.mark.parametrize("kind", ["appended", "refused", "new_ticket"])
@pytest.mark.parametrize(
    "options", [{"silent": True}, {"visible": False}, {"machine": "auto_reply"}, {"is_test": True}]
)
def test_nobody_is_told_of_what_is_moved_in_unverified_by_a_machine_or_a_test(queue, kind, options):
    text(queue, kind)
    test = {name: True for name in options if name == "is_test"}
    options = {name: value for name, value in options.items() if name != "is_test"}
    how = {"appended": "reopen", "refused": "refuse", "new_ticket": "new"}[kind]
    ticket = opened(queue, **test) if kind == "appended" else closed(queue, how, **test)
    write(ticket, **options)
    assert not OutboundMail.objects.exists()
    assert not AutoMail.objects.exists()


def test_a_ticket_for_an_unverified_sender_gives_no_receipt(queue):
    opened(queue, receipt=True, visible=False)
    assert not OutboundMail.objects.exists()


def test_a_ticket_in_the_spam_queue_or_closed_at_once_gets_no_receipt(queue):
    done = opened(queue, receipt=True, state=f.state(StateType.CLOSED))
    assert reasons(done, EventKind.RECEIPT_WITHHELD) == ["closed"]
    Queue.objects.filter(pk=queue.pk).update(is_junk=True)
    junk = opened(Queue.objects.get(pk=queue.pk), receipt=True)
    assert reasons(junk, EventKind.RECEIPT_WITHHELD) == ["junk"]
    assert not OutboundMail.objects.exists()


# --- whose text, in which language -------------------------------------------------------------


def test_the_nearest_queue_with_a_text_of_the_kind_speaks(queue):
    middle = f.QueueFactory(parent=queue, name="Middle")
    below = f.QueueFactory(parent=middle, name="Below")
    text(queue, "received")
    text(middle, "refused")
    opened(below, receipt=True)
    assert OutboundMail.objects.latest("pk").body == "English of Support.\n"
    text(middle, "received")
    opened(below, receipt=True)
    assert OutboundMail.objects.latest("pk").body == "English of Middle.\n"


def test_a_row_out_of_use_switches_off_below_it_too(queue):
    below = f.QueueFactory(parent=queue)
    text(queue, "received", is_active=False)
    ticket = opened(below, receipt=True)
    assert reasons(ticket, EventKind.RECEIPT_WITHHELD) == ["text_off"]
    text(queue, "refused", is_active=False)
    ticket = closed(below, "refuse")
    write(ticket)
    assert reasons(ticket) == ["text_off"]
    assert not OutboundMail.objects.exists()
    assert not AutoMail.objects.exists()


@pytest.mark.parametrize(("language", "words"), [("de", "Deutsch von"), ("en", "English of")])
def test_the_text_is_in_the_language_of_the_ticket(queue, language, words):
    text(queue, "received")
    opened(queue, receipt=True, language=language)
    row = OutboundMail.objects.get()
    assert row.body.startswith(words)
    assert f'<html lang="{language}">' in row.html


def test_an_empty_language_falls_back_to_the_built_in_text_of_that_language(queue):
    text(queue, "received", body_de="", subject_de="Nur der Betreff")
    person = f.CustomerAddressFactory(address=CONTACT).customer
    opened(queue, receipt=True, language="de", customer=person)
    row = OutboundMail.objects.get()
    assert row.subject.endswith("] Nur der Betreff")
    assert "Deutsch" not in row.body
    assert "English" not in row.body
    assert row.body.startswith("Guten Tag ")


# --- to whom -----------------------------------------------------------------------------------


def test_another_writer_is_told_without_the_way_into_the_ticket(queue):
    text(queue, "appended", body_en="Yes, {{ customer_name }}.\n\nSee here:\n{{ status_link }}")
    ticket = opened(queue)
    write(ticket, "bo@mail.example", customer=None)
    row = OutboundMail.objects.get()
    assert row.to == [["Ina Rother", "bo@mail.example"]]
    assert row.body == "Yes, Ina Rother.\n"
    assert "status/" not in row.html


def test_a_reply_to_nobody_proved_gets_nothing(queue):
    ticket = closed(queue, "refuse")
    write(ticket, "bo@mail.example", reply_to="eve@evil.example")
    assert [row.to[0][1] for row in OutboundMail.objects.all()] == ["bo@mail.example"]


def test_a_form_that_writes_for_the_contact_reaches_the_contact(queue):
    ticket = closed(queue, "refuse")
    write(ticket, "noreply@form.example", reply_to="Ina@Mail.example")
    assert [row.to[0][1] for row in OutboundMail.objects.all()] == [CONTACT]


@pytest.mark.parametrize(
    ("sender", "reason"),
    [
        ("noreply@shop.example", "nobody_reads"),
        ("support@desk.example", "own_address"),
        ("", "no_contact"),
        ("nonsense", "bad_address"),
    ],
)
def test_an_answer_is_withheld_with_its_reason(queue, sender, reason):
    ticket = closed(queue, "refuse")
    write(ticket, sender)
    assert reasons(ticket) == [reason]
    assert not OutboundMail.objects.exists()


def test_a_blocked_customer_gets_none(queue):
    customer = f.CustomerAddressFactory(customer__is_blocked=True).customer
    ticket = closed(queue, "refuse", customer=customer)
    write(ticket)
    assert reasons(ticket) == ["blocked"]


def test_every_reason_has_words():
    assert all(str(label) for _code, label in Withheld.choices)


# --- the limiter -------------------------------------------------------------------------------


def test_one_limit_holds_for_all_kinds_together(queue):
    text(queue, "appended")
    first = opened(queue, receipt=True)
    write(first)
    ticket = closed(queue, "new")
    write(ticket)
    assert {row.kind for row in OutboundMail.objects.all()} == {"receipt", "appended", "continued"}
    ticket = closed(queue, "refuse")
    write(ticket)
    assert reasons(ticket) == ["limit_burst"]
    assert refuse() is Withheld.LIMIT_BURST
    assert OutboundMail.objects.count() == 3


# --- what is written into it -------------------------------------------------------------------


def test_what_people_write_makes_no_header_no_markup_and_no_variable(queue):
    text(
        queue,
        "received",
        subject_en="{{ subject }} for {{ customer_name }}",
        body_en="{{ subject }}",
    )
    evil = "<img src=x> {{ status_link }}\r\nBcc: eve@evil.example"
    customer = f.CustomerFactory(name="I\r\nBcc: eve@evil.example\r\n\r\nBody")
    ticket = opened(queue, receipt=True, subject=evil, customer=customer)
    row = OutboundMail.objects.get()
    header, _blank, _body = mime.build(row).partition(b"\r\n\r\n")
    assert b"\r\nBcc" not in header
    assert "\n" not in row.subject
    assert "&lt;img src=x&gt; {{ status_link }} Bcc" in row.html
    assert links.status_url(ticket, "en") not in row.html


def test_a_name_that_is_an_address_is_not_greeted(queue):
    customer = f.CustomerFactory(name="Win at https://evil.example")
    opened(queue, receipt=True, customer=customer)
    row = OutboundMail.objects.get()
    assert row.body.startswith("Hello,\n\n")
    assert "evil.example" not in row.body + row.html


def test_mails_go_out_with_a_null_path_and_the_marks_of_a_machine(queue):
    write(closed(queue, "refuse"))
    row = OutboundMail.objects.get()
    header = mime.header(row)
    assert header["Auto-Submitted"] == "auto-replied"
    assert outbox._envelope(row).sender == ""


def test_a_signature_names_agent_and_queue_and_loses_the_agent_in_automatic_mail(queue):
    Queue.objects.filter(pk=queue.pk).update(
        signature_en="{{ agent_name }}\n{{ queue }}, {{ queue_address }}"
    )
    queue = Queue.objects.get(pk=queue.pk)
    ticket = opened(queue, receipt=True)
    assert OutboundMail.objects.get().body.endswith("\n-- \nSupport, support@desk.example\n")
    agent = f.make_agent(queue, first_name="Uta", last_name="<Berg>")
    actions.answer(
        actor=permissions.agent(agent),
        ticket=ticket,
        draft=Draft(body="Yes.", html="<p>Yes.</p>", channel=Channel.EMAIL),
    )
    row = OutboundMail.objects.get(kind="answer")
    assert row.body.endswith("\n-- \nUta <Berg>\nSupport, support@desk.example\n")
    assert "Uta &lt;Berg&gt;" in row.html


# --- refusals without a ticket -----------------------------------------------------------------


def refuse(to=("Ina Rother", CONTACT), **options):
    options = {
        "language": "en",
        "text": "we take no advertising at {{ queue }}.",
        "queue": None,
        "in_reply_to": "<ad@mail.example>",
        "references": ("<first@mail.example>", "no id"),
        "subject": "Buy\nnow",
    } | options
    return notifications.send_refusal(to=to, **options)


def test_a_refusal_belongs_to_no_ticket_and_is_known_when_it_comes_back(queue):
    row = refuse(queue=queue)
    assert OutboundMail.objects.get() == row
    assert (row.ticket, row.article, row.kind, row.automatic) == (None, None, "refused", True)
    assert row.from_address == "support@desk.example"
    assert row.to == [["Ina Rother", CONTACT]]
    assert row.subject == "Re: Buy now"
    assert row.in_reply_to == "<ad@mail.example>"
    assert row.references == ["<first@mail.example>", "<ad@mail.example>"]
    assert row.body.startswith("Dear Ina Rother,\n\nwe take no advertising at Support.\n\n")
    keys = addressing.signing_keys()
    assert addressing.is_our_message_id(row.message_id, keys)
    assert addressing.read_message_id(row.message_id, keys) is None
    assert b"Auto-Submitted: auto-replied" in mime.build(row)


def test_a_refusal_without_words_and_queue_has_built_in_ones(queue):
    row = refuse(text=" ", subject="")
    assert "we cannot accept your message" in row.body
    assert row.subject == "Your message was not accepted"
    assert refuse().message_id != row.message_id


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"machine": "list"}, Withheld.MACHINE),
        ({"to": ("", "noreply@shop.example")}, Withheld.NOBODY_READS),
        ({"to": ("", "support@desk.example")}, Withheld.OWN_ADDRESS),
        ({"to": ("", "")}, Withheld.NO_CONTACT),
    ],
)
def test_a_refusal_is_withheld_like_any_automatic_mail(queue, options, reason):
    assert refuse(**options) is reason
    assert not OutboundMail.objects.exists()


def test_a_blocked_sender_is_not_even_refused(queue):
    f.CustomerAddressFactory(address=CONTACT, customer__is_blocked=True)
    assert refuse() is Withheld.BLOCKED


# --- cost --------------------------------------------------------------------------------------


def test_choosing_the_text_is_one_query_however_deep_the_queue_lies(queue):
    for _depth in range(4):
        queue = f.QueueFactory(parent=queue)
        text(queue, "received")
    queue = Queue.objects.get(pk=queue.pk)
    queue.lineage()  # the ticket's terms asked for it already
    with CaptureQueriesContext(connection) as seen:
        notifications.responses.text_for(queue, "received", "en")
    assert len(seen) == 1


# --- the expected answer -----------------------------------------------------------------------


FRIDAY = datetime(2026, 10, 2, 14, 0, tzinfo=ZoneInfo("Europe/Berlin"))


@pytest.mark.parametrize(
    ("promise", "calendar", "expected"),
    [
        (240, True, "We will answer by Monday, 5 October, 09:00."),
        (240, False, "You will hear from us within 4 working hours."),
        (None, True, "Someone from the team will read it and answer you."),
        (None, False, "Someone from the team will read it and answer you."),
    ],
)
def test_the_expected_answer_comes_from_promise_and_calendar(queue, promise, calendar, expected):
    queue.promise = Promise.objects.create(name="P", first_response=promise)
    queue.calendar = Calendar.objects.create(name="C") if calendar else None
    queue.save()
    with time_machine.travel(FRIDAY, tick=False):
        opened(queue, receipt=True)
    row = OutboundMail.objects.get()
    assert expected in row.body
    assert expected in row.html


def test_a_further_message_is_promised_the_next_answer(queue):
    text(queue, "appended", body_en="{{ expected_answer }}")
    queue.promise = Promise.objects.create(name="P", first_response=60, update=600)
    queue.save()
    write(opened(queue))
    assert "within 10 working hours" in OutboundMail.objects.get().body


def test_a_calendar_that_never_opens_stops_no_receipt(queue):
    queue.promise = Promise.objects.create(name="P", first_response=60)
    queue.calendar = Calendar.objects.create(name="C", hours={})
    queue.save()
    opened(queue, receipt=True)
    assert "Someone from the team" in OutboundMail.objects.get().body
