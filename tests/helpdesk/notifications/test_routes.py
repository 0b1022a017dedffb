"""Several mail servers at once: real ones, some of them broken, full or slow."""

from __future__ import annotations

import itertools
import logging
import socket
import ssl
from datetime import timedelta

import pytest
import time_machine
from django.core import mail
from django.utils import timezone

from helpdesk import actions, notifications, oauth, permissions, storage
from helpdesk.actions import Draft
from helpdesk.errors import WrongState
from helpdesk.models import Channel, OutboundMail
from helpdesk.notifications import routes
from tests import factories as f
from tests.servers import smtp
from tests.servers.certificates import write_certificate
from tests.servers.ports import free_ports

pytestmark = pytest.mark.django_db

_counter = itertools.count()


def queued(route=None, **options):
    """Queue an answer by a route and return its row."""
    number = next(_counter)
    queue = f.QueueFactory(route=route, **options)
    f.QueueAddressFactory(queue=queue, address=f"desk{number}@desk.example")
    article = actions.answer(
        actor=permissions.agent(f.make_agent(queue)),
        ticket=f.make_ticket(queue),
        draft=Draft(body="Switch it on.", channel=Channel.EMAIL),
    )
    return OutboundMail.objects.get(article=article)


def send(**time):
    with time_machine.travel(timezone.now() + timedelta(**time), tick=True):
        return notifications.send_due()


def ids(sink):
    return [one.message["Message-ID"] for one in sink.mails]


@pytest.fixture
def second(server):
    """Another mail server, with its route."""
    with smtp.sink() as sink:
        sink.route = f.MailRouteFactory(port=sink.port)
        yield sink


def test_each_mail_goes_by_the_server_of_its_queue(server, second):
    own = [queued(second.route) for _number in range(3)]
    other = queued()
    assert notifications.send_due() == 4
    assert ids(second) == [row.message_id for row in own]
    assert ids(server) == [other.message_id]
    assert (second.connections, server.connections) == (1, 1)


def test_queue_takes_the_server_of_the_nearest_parent(second):
    top, nearer = f.MailRouteFactory(), second.route
    root = f.QueueFactory(route=top)
    middle = f.QueueFactory(parent=root, route=nearer)
    assert queued(parent=middle).route == nearer
    assert queued(parent=root).route == top
    assert queued().route is None


def test_receipts_and_forwards_take_the_route_too(second):
    queue = f.QueueAddressFactory(queue__route=second.route).queue
    ticket = f.make_ticket(queue, receipt=True)
    actions.forward(
        actor=permissions.agent(f.make_agent(queue)),
        ticket=ticket,
        draft=Draft(body="Look.", channel=Channel.EMAIL),
        original=None,
        to=(("", "help@maker.example"),),
    )
    assert {row.route for row in OutboundMail.objects.all()} == {second.route}


def test_server_out_of_reach_stops_only_its_own_mails(server, second):
    broken = f.MailRouteFactory(port=free_ports(1)[0])
    held = [queued(broken) for _number in range(3)]
    sent = [queued(second.route), queued()]
    assert notifications.send_due() == 3
    for row in (*held, *sent):
        row.refresh_from_db()
    assert [(row.state, row.attempts) for row in held] == [
        ("queued", 1),
        ("queued", 0),
        ("queued", 0),
    ]
    assert {row.state for row in sent} == {"sent"}
    broken.refresh_from_db()
    second.route.refresh_from_db()
    assert "refused" in broken.last_error.lower()
    assert broken.last_error_at
    assert broken.last_success_at is None
    assert second.route.last_success_at
    assert second.route.last_error == ""


def test_server_out_of_reach_is_asked_once_a_minute_not_once_a_mail(server):
    broken = f.MailRouteFactory(port=free_ports(1)[0])
    rows = [queued(broken) for _number in range(3)]
    assert notifications.send_due() == 1
    assert notifications.send_due() == 0
    assert send(seconds=62) == 1
    assert sum(OutboundMail.objects.get(pk=row.pk).attempts for row in rows) == 2


def test_error_is_over_with_the_next_success(server, second):
    second.route.last_error, second.route.last_error_at = "broken", timezone.now()
    second.route.save()
    queued(second.route)
    notifications.send_due()
    second.route.refresh_from_db()
    assert second.route.last_error == ""
    assert second.route.last_error_at


def test_routes_that_made_trouble_come_last(server, second):
    troubled = f.MailRouteFactory(last_error="broken")
    for route in (troubled, None, second.route):
        queued(route)
    assert routes.with_due_mail() == [second.route, None, troubled]


def test_silent_server_costs_one_time_out_and_holds_nobody_else_up(server, second, settings):
    settings.EMAIL_TIMEOUT = 0.5
    second.at_mail = smtp.SILENCE
    silent = [queued(second.route) for _number in range(3)]
    queued()
    assert notifications.send_due() == 2
    assert len(server.mails) == 1
    second.route.refresh_from_db()
    assert "timed out" in second.route.last_error
    assert OutboundMail.objects.get(pk=silent[1].pk).attempts == 0
    second.at_mail = ""
    assert send(minutes=2) == 3
    assert len(second.mails) == 3


def test_connection_dropped_with_one_mail_is_opened_anew_for_the_next(server, second):
    rows = [queued(second.route) for _number in range(2)]
    second.at_rcpt[rows[0].to[0][1]] = smtp.DROP
    assert notifications.send_due() == 2
    assert [OutboundMail.objects.get(pk=row.pk).state for row in rows] == ["queued", "sent"]
    assert second.connections == 2


@pytest.mark.parametrize("kind", ["unreachable", "silent"])
def test_mail_of_a_broken_server_is_tried_after_1_5_30_and_120_minutes(
    server, second, settings, kind
):
    settings.EMAIL_TIMEOUT = 0.3
    if kind == "unreachable":
        second.route.port = free_ports(1)[0]
        second.route.save()
    second.at_mail = smtp.SILENCE
    row = queued(second.route)
    start = timezone.now() + timedelta(seconds=1)
    for number, wait in enumerate([0, 1, 5, 30, 120], 1):
        with time_machine.travel(start + timedelta(minutes=wait, seconds=-5), tick=True):
            assert wait == 0 or notifications.send_due() == 0
        start += timedelta(minutes=wait, seconds=3)
        with time_machine.travel(start, tick=True):
            assert notifications.send_due() == 1
        row.refresh_from_db()
        assert row.attempts == number
        assert row.state == ("failed" if wait == 120 else "queued")


def test_failed_mail_sent_again_takes_the_server_its_queue_has_now(server, second):
    row = queued(f.MailRouteFactory(port=free_ports(1)[0]))
    OutboundMail.objects.update(state="failed", attempts=5)
    queue = row.ticket.queue
    queue.route = second.route
    queue.save()
    assert notifications.send_again(actor=permissions.SYSTEM, mail=row).route == second.route
    notifications.send_due()
    assert ids(second) == [row.message_id]


def test_site_that_keeps_mail_on_the_machine_sends_nothing_by_routes(second, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    queued(second.route)
    assert notifications.send_due() == 1
    assert second.mails == []
    assert len(mail.outbox) == 1


def test_nothing_due_asks_two_things_however_many_routes_there_are(
    server, django_assert_num_queries
):
    for _number in range(5):
        queued(f.MailRouteFactory())
    OutboundMail.objects.update(due_at=timezone.now() + timedelta(hours=1))
    with django_assert_num_queries(2):
        notifications.send_due()


# --- how many a minute ---------------------------------------------------------------------------


def test_no_more_than_the_limit_goes_out_in_a_minute(server, second):
    second.route.per_minute = 2
    second.route.save()
    rows = [queued(second.route) for _number in range(5)]
    others = [queued() for _number in range(3)]
    start = timezone.now() + timedelta(seconds=1)
    counts = []
    for seconds in (0, 20, 59, 61, 100, 122):
        with time_machine.travel(start + timedelta(seconds=seconds), tick=False):
            notifications.send_due()
        counts.append(len(second.mails))
    assert counts == [2, 2, 2, 4, 4, 5]
    assert ids(second) == [row.message_id for row in rows]
    assert ids(server) == [row.message_id for row in others]
    assert {row.attempts for row in OutboundMail.objects.all()} == {1}


def test_what_other_servers_sent_does_not_count(server, second):
    second.route.per_minute = 1
    second.route.save()
    for _number in range(3):
        queued()
    notifications.send_due()
    queued(second.route)
    assert notifications.send_due() == 1


def test_limit_counts_by_its_index(server, second, django_assert_num_queries):
    second.route.per_minute = 1
    with django_assert_num_queries(1):
        assert routes.has_room(second.route)
    with django_assert_num_queries(0):
        assert routes.has_room(None)


# --- log-in --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return write_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def own_context(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    return context


def proof(user, token):
    return f"user={user}\x01auth=Bearer {token}\x01\x01".encode()


@pytest.fixture
def token(monkeypatch):
    """An access whose tokens come from here: what renews them is tested elsewhere."""
    state = {"token": "t0ken", "error": None}

    def authenticator(access, user):
        def prove():
            if state["error"]:
                raise state["error"]
            return "XOAUTH2", proof(user, state["token"])

        return prove

    monkeypatch.setattr(oauth, "authenticator", authenticator, raising=False)
    return state


@pytest.mark.parametrize("way", ["starttls", "tls"])
def test_encrypted_log_in_with_the_stored_password(
    server, own_context, certificate, monkeypatch, way
):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    with smtp.sink(**{way: own_context}, login=("desk", "s3cret")) as sink:
        route = f.MailRouteFactory(
            port=sink.port, security=way, user="desk", secret=storage.encrypt("s3cret")
        )
        queued(route)
        notifications.send_due()
        assert len(sink.mails) == 1


@pytest.mark.parametrize("way", ["starttls", "tls"])
def test_certificate_nobody_vouches_for_is_refused(server, own_context, way):
    with smtp.sink(**{way: own_context}) as sink:
        route = f.MailRouteFactory(port=sink.port, security=way)
        row = queued(route)
        notifications.send_due()
        assert sink.mails == []
        assert "certificate" in routes.check(route).sentence
    row.refresh_from_db()
    assert row.state == "queued"
    assert "CERTIFICATE_VERIFY_FAILED" in row.server_reply


def test_log_in_with_a_token(server, own_context, certificate, monkeypatch, token):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    access = f.OAuthAccessFactory()
    with smtp.sink(starttls=own_context, token=("desk@uni.example", "t0ken")) as sink:
        route = f.MailRouteFactory(
            port=sink.port, security="starttls", user="desk@uni.example", oauth=access
        )
        queued(route)
        notifications.send_due()
        assert len(sink.mails) == 1
        assert routes.check(route).works


def test_refused_token_is_told_in_the_servers_words_and_the_mail_waits(server, token, caplog):
    caplog.set_level(logging.DEBUG)
    token["token"] = "0ld-token"
    with smtp.sink(token=("desk@uni.example", "t0ken")) as sink:
        route = f.MailRouteFactory(
            port=sink.port, user="desk@uni.example", oauth=f.OAuthAccessFactory()
        )
        row = queued(route)
        notifications.send_due()
        assert (sink.mails, sink.empty_answers) == ([], 1)
    row.refresh_from_db()
    route.refresh_from_db()
    assert (row.state, row.attempts) == ("queued", 1)
    assert route.last_error == row.server_reply == "535 5.7.8 token refused"
    assert "0ld-token" not in caplog.text


def test_token_that_cannot_be_had_is_told_in_its_sentence(server, second, token):
    token["error"] = WrongState("Somebody must sign in again.")
    second.route.user, second.route.oauth = "desk", f.OAuthAccessFactory()
    second.route.save()
    row = queued(second.route)
    notifications.send_due()
    row.refresh_from_db()
    assert (row.state, row.server_reply) == ("queued", "Somebody must sign in again.")
    assert second.connections == 0
    assert routes.check(second.route).sentence == "Somebody must sign in again."


def test_password_no_key_can_read_is_told_in_words(server, second):
    second.route.user, second.route.secret = "desk", "from another key"
    second.route.save()
    row = queued(second.route)
    notifications.send_due()
    row.refresh_from_db()
    assert row.state == "queued"
    assert "password" in row.server_reply


def test_password_beyond_ascii_stops_nobody_and_is_not_quoted(server):
    with smtp.sink(login=("desk", "s3cret")) as sink:
        route = f.MailRouteFactory(port=sink.port, user="desk", secret=storage.encrypt("gehéim"))
        row = queued(route)
        other = queued()
        notifications.send_due()
    row.refresh_from_db()
    other.refresh_from_db()
    assert (row.state, other.state) == ("queued", "sent")
    assert "geh" not in row.server_reply


# --- testing a server ----------------------------------------------------------------------------


def test_check_says_that_it_works_and_sends_nothing(second):
    report = routes.check(second.route)
    assert report.works
    assert "no log-in" in report.sentence
    assert second.mails == []
    second.route.refresh_from_db()
    assert second.route.last_success_at


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"host": "mail.invalid"}, "no server with the name “mail.invalid”"),
        ({"port": 0}, "no connection at this port"),
        ({"security": "starttls"}, "does not offer"),
        ({"security": "tls"}, "kind of encryption"),
    ],
)
def test_check_says_in_words_what_is_wrong(second, changes, words):
    if changes.get("port") == 0:
        changes = {"port": free_ports(1)[0]}
    for name, value in changes.items():
        setattr(second.route, name, value)
    second.route.save()
    report = routes.check(second.route)
    assert not report.works
    assert words in report.sentence
    assert report.words
    second.route.refresh_from_db()
    assert second.route.last_error == report.words


def test_check_names_a_refused_password(server):
    with smtp.sink(login=("desk", "s3cret")) as sink:
        route = f.MailRouteFactory(port=sink.port, user="desk", secret=storage.encrypt("wr0ng"))
        report = routes.check(route)
    assert "refused the user or the password" in report.sentence
    assert report.words.startswith("535")
    assert "wr0ng" not in report.words


def test_check_does_not_wait_for_ever(monkeypatch):
    monkeypatch.setattr(routes, "PATIENCE", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        route = f.MailRouteFactory(port=silent.getsockname()[1])
        report = routes.check(route)
    assert "did not answer in time" in report.sentence
