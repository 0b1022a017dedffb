"""Sending through a real server: what it got, what it refused, and what stays open."""

from __future__ import annotations

import itertools
import ssl
from datetime import timedelta

import pytest
import time_machine
from django.core import mail
from django.utils import timezone

from helpdesk import actions, addressing, notifications, permissions, storage
from helpdesk.actions import Draft, Upload
from helpdesk.errors import NotPermitted, WrongState
from helpdesk.models import Channel, EventKind, OutboundMail, Right
from helpdesk.notifications import outbox
from helpdesk.notifications import smtp as conversation
from tests import factories as f
from tests.servers import smtp
from tests.servers.certificates import write_certificate
from tests.servers.ports import free_ports

pytestmark = pytest.mark.django_db

_counter = itertools.count()


def queued(*, files=(), body="Switch it on.", to=(("Ina", "ina@mail.example"),), **options):
    """Queue an answer and return its row."""
    number = next(_counter)
    queue = f.QueueAddressFactory(address=f"support{number}@desk.example").queue
    ticket = f.make_ticket(queue, subject=f"Drucker in Raum {number} ist „stumm“")
    article = actions.answer(
        actor=permissions.agent(f.make_agent(queue)),
        ticket=ticket,
        draft=Draft(body=body, channel=Channel.EMAIL, files=files),
        to=to,
        **options,
    )
    return OutboundMail.objects.get(article=article)


def after(**time):
    """Send what is due in this time from now."""
    with time_machine.travel(timezone.now() + timedelta(**time), tick=True):
        return notifications.send_due()


def told(row, kind):
    return list(row.ticket.events.filter(kind=kind, data__mail=row.pk))


def test_answer_arrives_with_its_heads_text_and_files(server):
    body = "Grüße – 日本\n.\n.dot\n" + "long " * 400
    files = (
        Upload("Anleitung für Räume, Teil 1.pdf", b"%PDF\r\n\x00\xff", "application/pdf"),
        Upload("mail.eml", b"Subject: inner\n\nbare\n", "message/rfc822"),
        Upload("notes.txt", b"a\nb", "text/plain; charset=utf-8"),
    )
    row = queued(body=body, files=files, bcc=(("", "bcc@mail.example"),))
    assert notifications.send_due() == 1
    row.refresh_from_db()
    assert (row.state, row.attempts, row.delivered) == (
        "sent",
        1,
        ["ina@mail.example", "bcc@mail.example"],
    )
    (received,) = server.mails
    assert received.sender == row.from_address
    assert received.recipients == ("ina@mail.example", "bcc@mail.example")
    message = received.message
    assert message["Subject"] == row.subject
    assert message["Message-ID"] == row.message_id
    assert addressing.read_reply_token(message["Reply-To"], addressing.signing_keys())
    assert "bcc@" not in received.raw.decode()
    assert message["Auto-Submitted"] is None
    assert message.get_body().get_content().replace("\r\n", "\n") == row.body
    found = list(message.iter_attachments())
    assert [part.get_filename() for part in found] == [file.name for file in files]
    assert [part.get_payload(decode=True) for part in found] == [file.content for file in files]
    assert received.raw.isascii()
    assert max(len(line) for line in received.raw.split(b"\r\n")) <= 998
    assert len(told(row, EventKind.MAIL_SENT)) == 1


def test_receipt_goes_out_as_automatic_mail_with_an_empty_return_path(server):
    ticket = f.make_ticket(f.QueueAddressFactory().queue, receipt=True)
    assert notifications.send_due() == 1
    (received,) = server.mails
    assert received.sender == ""
    message = received.message
    assert message["Auto-Submitted"] == "auto-replied"
    assert message["X-Auto-Response-Suppress"] == "All"
    assert message["Precedence"] == "bulk"
    text, html = (message.get_body([kind]).get_content() for kind in ("plain", "html"))
    assert ticket.number in text
    assert ticket.number in html


def test_forward_carries_the_files_of_the_original(server):
    row = queued(files=(Upload("own.txt", b"own"),))
    original = row.article
    article = actions.forward(
        actor=permissions.agent(f.make_agent(row.ticket.queue)),
        ticket=row.ticket,
        draft=Draft(body="Look.", channel=Channel.EMAIL, files=(Upload("more.txt", b"more"),)),
        original=original,
        to=(("", "help@maker.example"),),
    )
    notifications.send_due()
    sent = server.mails[-1].message
    assert sent["Message-ID"] == article.message_id
    assert [part.get_filename() for part in sent.iter_attachments()] == ["own.txt", "more.txt"]


def test_row_is_not_sent_before_it_is_due(server):
    row = queued()
    OutboundMail.objects.update(due_at=timezone.now() + timedelta(minutes=1))
    assert notifications.send_due() == 0
    assert after(minutes=2) == 1
    row.refresh_from_db()
    assert row.state == "sent"


def test_temporary_refusals_are_retried_four_times_then_the_mail_has_failed(server):
    row = queued()
    server.at_rcpt["*"] = "451 later, please"
    start, waits = timezone.now() + timedelta(seconds=1), [0, 1, 5, 30, 120]
    for wait in waits:
        start += timedelta(minutes=wait)
        with time_machine.travel(start, tick=False):
            assert notifications.send_due() == 1
            assert notifications.send_due() == 0
        row.refresh_from_db()
        assert row.server_reply == "451 later, please"
        assert (row.state == "failed") == (wait == 120)
    assert row.attempts == 5
    (event,) = told(row, EventKind.MAIL_FAILED)
    assert event.data["code"] == 451
    assert event.content["server"] == "451 later, please"
    assert server.mails == []


@pytest.mark.parametrize("switch", ["at_mail", "at_data", "at_end"])
def test_permanent_refusal_fails_at_once_with_the_servers_words(server, switch):
    row = queued()
    setattr(server, switch, "554 5.7.1 we do not like it")
    notifications.send_due()
    row.refresh_from_db()
    assert row.state == "failed"
    assert "5.7.1 we do not like it" in row.server_reply
    assert told(row, EventKind.MAIL_FAILED)[0].article == row.article


@pytest.mark.parametrize("switch", ["at_mail", "at_data", "at_end"])
def test_temporary_refusal_at_any_step_is_retried(server, switch):
    row = queued()
    setattr(server, switch, "450 busy")
    notifications.send_due()
    row.refresh_from_db()
    assert row.state == "queued"
    setattr(server, switch, "")
    assert after(minutes=2) == 1
    row.refresh_from_db()
    assert row.state == "sent"
    assert len(server.mails) == 1


@pytest.mark.parametrize("switch", ["at_mail", "at_data"])
@pytest.mark.parametrize("answer", [smtp.DROP, smtp.SILENCE])
def test_whatever_breaks_before_the_content_is_retried(server, settings, switch, answer):
    settings.EMAIL_TIMEOUT = 0.5
    row = queued()
    setattr(server, switch, answer)
    notifications.send_due()
    row.refresh_from_db()
    assert row.state == "queued"
    assert row.content_since is None
    assert not told(row, EventKind.MAIL_UNCERTAIN)


@pytest.mark.parametrize(
    ("switch", "answer"),
    [
        ("in_content", smtp.DROP),
        ("in_content", smtp.SILENCE),
        ("at_end", smtp.DROP),
        ("at_end", smtp.SILENCE),
        ("at_end", "what?"),
    ],
)
def test_mail_without_an_answer_to_its_content_is_uncertain_and_stays(
    server, monkeypatch, switch, answer
):
    monkeypatch.setattr(conversation, "ANSWER_TIMEOUT", 0.5)
    row = queued(body="x" * 200_000)
    setattr(server, switch, answer)
    notifications.send_due()
    row.refresh_from_db()
    assert row.state == "uncertain"
    assert len(told(row, EventKind.MAIL_UNCERTAIN)) == 1
    setattr(server, switch, "")
    assert after(days=2) == 0


def test_one_refused_recipient_does_not_hold_up_the_others(server):
    row = queued(to=(("", "ina@mail.example"), ("", "gone@mail.example")))
    server.at_rcpt["gone@mail.example"] = "550 no such user"
    notifications.send_due()
    row.refresh_from_db()
    assert row.state == "sent"
    assert row.delivered == ["ina@mail.example"]
    assert row.refused == [["gone@mail.example", "550 no such user"]]
    assert told(row, EventKind.MAIL_FAILED)[0].data["partly"]
    assert server.mails[0].recipients == ("ina@mail.example",)


def test_only_the_recipients_put_off_are_tried_again(server):
    row = queued(to=(("", "ina@mail.example"), ("", "late@mail.example")))
    server.at_rcpt["late@mail.example"] = "452 too many"
    notifications.send_due()
    row.refresh_from_db()
    assert (row.state, row.delivered) == ("queued", ["ina@mail.example"])
    server.at_rcpt.clear()
    after(minutes=2)
    row.refresh_from_db()
    assert row.state == "sent"
    assert [one.recipients for one in server.mails] == [
        ("ina@mail.example",),
        ("late@mail.example",),
    ]
    ids = {one.message["Message-ID"] for one in server.mails}
    assert ids == {row.message_id}


def test_mail_that_everybody_refuses_has_failed(server):
    row = queued()
    server.at_rcpt["*"] = "550 no such user"
    notifications.send_due()
    row.refresh_from_db()
    assert (row.state, row.server_reply) == ("failed", "550 no such user")


def test_server_out_of_reach_delays_one_mail_and_leaves_the_others_alone(server, settings):
    rows = [queued(), queued()]
    settings.EMAIL_PORT = free_ports(1)[0]
    assert notifications.send_due() == 1
    states = [OutboundMail.objects.get(pk=row.pk) for row in rows]
    assert [(row.state, row.attempts) for row in states] == [("queued", 1), ("queued", 0)]
    assert "refused" in states[0].server_reply.lower()


def test_many_mails_go_through_one_connection(server):
    rows = [queued() for _number in range(4)]
    server.at_rcpt["*"] = ""
    assert notifications.send_due() == 4
    assert server.connections == 1
    ids = [one.message["Message-ID"] for one in server.mails]
    assert ids == [row.message_id for row in rows]


def test_mail_after_a_broken_one_goes_through_a_new_connection(server):
    first, second = queued(to=(("", "bad@mail.example"),)), queued()
    server.at_rcpt["bad@mail.example"] = smtp.DROP
    assert notifications.send_due() == 2
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.state, second.state) == ("queued", "sent")


def test_lost_file_delays_its_mail_only(server):
    row, other = queued(files=(Upload("a.txt", b"soon gone"),)), queued()
    blob = row.article.attachments.get().blob
    storage.delete(blob.sha256)
    assert notifications.send_due() == 2
    row.refresh_from_db()
    other.refresh_from_db()
    assert (row.state, other.state) == ("queued", "sent")


def test_row_that_cannot_be_built_fails_and_stops_nobody(server):
    row, other = queued(), queued()
    OutboundMail.objects.filter(pk=row.pk).update(to=[["", "no address"]])
    assert notifications.send_due() == 2
    row.refresh_from_db()
    other.refresh_from_db()
    assert (row.state, other.state) == ("failed", "sent")


def abandoned(**fields):
    """Return a row as a process leaves it that dies while sending."""
    row = queued()
    long_ago = timezone.now() - outbox.LEASE - timedelta(minutes=1)
    changes = {"state": "sending", "sending_since": long_ago, "attempts": 1} | fields
    OutboundMail.objects.filter(pk=row.pk).update(**changes)
    row.refresh_from_db()
    return row


def test_row_left_before_its_content_is_sent_by_the_next_worker(server):
    row = abandoned()
    assert notifications.send_due() == 1
    row.refresh_from_db()
    assert row.state == "sent"


def test_row_left_after_its_content_began_becomes_uncertain(server):
    row = abandoned(content_since=timezone.now())
    assert notifications.send_due() == 0
    row.refresh_from_db()
    assert row.state == "uncertain"
    assert len(told(row, EventKind.MAIL_UNCERTAIN)) == 1


def test_row_on_which_every_worker_dies_fails_in_the_end(server):
    row = abandoned(attempts=5)
    assert notifications.send_due() == 0
    row.refresh_from_db()
    assert row.state == "failed"


def test_row_of_a_living_worker_is_left_alone(server):
    row = abandoned(sending_since=timezone.now())
    assert notifications.send_due() == 0
    row.refresh_from_db()
    assert row.state == "sending"


def test_slow_worker_sends_nothing_once_another_has_taken_its_row(server):
    row = queued()
    slow = outbox._claim(row.pk)
    assert after(minutes=30) == 1  # taken for dead, sent by another
    with conversation.Server(conversation.Route.from_settings()) as connection:
        result = outbox._send(slow, connection)
        outbox._settle(slow, result)
    assert result.outcome == conversation.Outcome.WITHDRAWN
    assert len(server.mails) == 1
    row.refresh_from_db()
    assert row.state == "sent"


def test_slow_worker_that_did_send_settles_what_was_thought_uncertain(server):
    row = queued()
    slow = outbox._claim(row.pk)
    with conversation.Server(conversation.Route.from_settings()) as connection:
        result = outbox._send(slow, connection)
        assert after(minutes=30) == 0
        row.refresh_from_db()
        assert row.state == "uncertain"
        outbox._settle(slow, result)
    row.refresh_from_db()
    assert row.state == "sent"


def test_claimed_row_is_claimed_once(server):
    row = queued()
    assert outbox._claim(row.pk) is not None
    assert outbox._claim(row.pk) is None


@pytest.mark.parametrize("state", ["failed", "uncertain"])
def test_mail_sent_again_keeps_its_message_id(server, state):
    row = queued()
    OutboundMail.objects.update(state=state, attempts=5, content_since=timezone.now())
    agent = permissions.agent(f.make_agent(row.ticket.queue))
    assert notifications.send_again(actor=agent, mail=row).state == "queued"
    assert notifications.send_due() == 1
    assert server.mails[0].message["Message-ID"] == row.message_id
    (event,) = told(row, EventKind.MAIL_RESENT)
    assert (event.user, event.data["from"]) == (agent.user, state)


@pytest.mark.parametrize("state", ["queued", "sending", "sent"])
def test_mail_that_needs_no_decision_is_not_sent_again(state):
    row = queued()
    OutboundMail.objects.update(state=state)
    with pytest.raises(WrongState):
        notifications.send_again(actor=permissions.SYSTEM, mail=row)


def test_mail_is_sent_again_only_by_who_may_answer():
    row = queued()
    OutboundMail.objects.update(state="failed")
    reader = f.make_agent(row.ticket.queue, rights=[Right.READ])
    stranger = f.make_agent(f.QueueFactory())
    for actor in (
        permissions.agent(reader),
        permissions.agent(stranger),
        permissions.link_bearer(row.ticket),
    ):
        with pytest.raises(NotPermitted):
            notifications.send_again(actor=actor, mail=row)


def test_due_rows_are_found_without_reading_their_texts(server, django_assert_num_queries):
    for _number in range(3):
        queued()
    OutboundMail.objects.update(due_at=timezone.now() + timedelta(hours=1))
    with django_assert_num_queries(2):
        notifications.send_due()


def test_other_backends_get_the_same_mail():
    row = queued(
        files=(Upload("Übersicht.txt", b"text", "text/plain"),), cc=(("Bo", "bo@mail.example"),)
    )
    assert notifications.send_due() == 1
    (sent,) = mail.outbox
    message = sent.message()
    assert sent.recipients() == ["ina@mail.example", "bo@mail.example"]
    assert message["Message-ID"] == row.message_id
    assert message["Reply-To"] == f"<{row.reply_to}>"
    assert len(message.get_all("Date")) == 1
    assert sent.body == row.body
    row.refresh_from_db()
    assert row.state == "sent"


# --- TLS and log-in ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return write_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def own_context(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    return context


def use(settings, sink, **more):
    settings.EMAIL_BACKEND = outbox.SMTP_BACKEND
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", sink.port
    settings.EMAIL_TIMEOUT = 5
    for name, value in more.items():
        setattr(settings, name, value)


@pytest.mark.parametrize("way", ["starttls", "tls"])
def test_certificate_nobody_vouches_for_is_refused(settings, own_context, way):
    row = queued()
    with smtp.sink(**{way: own_context}) as sink:
        use(settings, sink, EMAIL_USE_TLS=way == "starttls", EMAIL_USE_SSL=way == "tls")
        notifications.send_due()
        assert sink.mails == []
    row.refresh_from_db()
    assert row.state == "queued"
    assert "CERTIFICATE_VERIFY_FAILED" in row.server_reply


def test_mail_goes_through_starttls_and_log_in(settings, own_context, certificate, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    queued()
    with smtp.sink(starttls=own_context, login=("desk", "secret")) as sink:
        use(
            settings,
            sink,
            EMAIL_USE_TLS=True,
            EMAIL_HOST_USER="desk",
            EMAIL_HOST_PASSWORD="secret",
        )
        notifications.send_due()
        assert len(sink.mails) == 1


def test_wrong_password_delays_the_mail_and_does_not_fail_it(
    settings, own_context, certificate, monkeypatch
):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    row = queued()
    with smtp.sink(starttls=own_context, login=("desk", "secret")) as sink:
        use(settings, sink, EMAIL_USE_TLS=True, EMAIL_HOST_USER="desk", EMAIL_HOST_PASSWORD="wrong")
        notifications.send_due()
    row.refresh_from_db()
    assert row.state == "queued"
    assert row.server_reply.startswith("535")
    assert "wrong" not in row.server_reply


def test_server_without_starttls_gets_nothing_in_the_clear(server, settings):
    settings.EMAIL_USE_TLS = True
    row = queued()
    notifications.send_due()
    row.refresh_from_db()
    assert row.state == "queued"
    assert server.mails == []
