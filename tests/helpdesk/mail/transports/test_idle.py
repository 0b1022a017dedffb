"""Listening at real servers: what arrives is told at once, and a server that is gone or odd is found out."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from helpdesk.mail.transports import Limits, Transport, TransportError, Unreachable, open_transport
from helpdesk.mail.transports.idle import idling, offered, watch
from helpdesk.mail.transports.imap import ImapTransport
from tests.servers.dovecot import Dovecot, dovecot
from tests.servers.imap_pymap import Pymap
from tests.servers.stub import script, stub

from .mails import mail

PROMPT = 20.0  # seconds; a loaded machine is slow


def opened(uri: str, secret: str = "x", **limits: float) -> ImapTransport:
    transport: Transport = open_transport(uri, secret, limits=Limits(**limits))
    assert isinstance(transport, ImapTransport)
    return transport


def test_what_arrives_is_told_at_once(imap: Dovecot | Pymap) -> None:
    with opened(imap.imap_uri, imap.secret) as transport:
        assert offered(transport)
        watch(transport)
        with idling(transport) as session:
            assert not session.wait(0.2)
            imap.deliver(mail(1))
            assert session.wait(PROMPT)
            assert not session.wait(0.2)
        with idling(transport) as session:
            imap.deliver(mail(2))
            assert session.wait(PROMPT)


def test_what_arrives_before_the_command_is_told_too(imap: Dovecot | Pymap) -> None:
    with opened(imap.imap_uri, imap.secret) as transport:
        watch(transport)
        imap.deliver(mail(1))
        time.sleep(1.1)  # dovecot looks into a maildir once a second
        with idling(transport) as session:
            assert session.wait(PROMPT)


def test_what_others_remove_is_no_news(imap: Dovecot | Pymap) -> None:
    imap.deliver(mail(1))
    imap.deliver(mail(2))
    with opened(imap.imap_uri, imap.secret) as transport:
        watch(transport)
        with idling(transport) as session, opened(imap.imap_uri, imap.secret) as other:
            other.remove([item.key for item in other.listing()])
            assert not session.wait(1.5)
            imap.deliver(mail(3))
            assert session.wait(PROMPT)


def test_what_others_remove_before_the_command_is_counted_too(imap: Dovecot | Pymap) -> None:
    imap.deliver(mail(1))
    with opened(imap.imap_uri, imap.secret) as transport:
        watch(transport)
        for number in (2, 3):
            with opened(imap.imap_uri, imap.secret) as other:
                other.remove([item.key for item in other.listing()])
            with idling(transport) as session:
                assert not session.wait(0.3)
                imap.deliver(mail(number))
                assert session.wait(PROMPT)


def test_it_listens_through_tls(server: Dovecot) -> None:
    with opened(f"{server.imaps_uri}?ca={server.certificate}&insecure=1", server.secret) as one:
        watch(one)
        with idling(one) as session:
            assert not session.wait(0.2)
            server.deliver(mail(1))
            assert session.wait(PROMPT)


def test_the_connection_is_good_for_more_afterwards(server: Dovecot) -> None:
    with opened(server.imap_uri, server.secret) as transport:
        watch(transport)
        with idling(transport) as session:
            server.deliver(mail(1))
            assert session.wait(PROMPT)
        [item] = transport.listing()
        assert transport.fetch(item.key) == mail(1)


def test_nothing_on_the_server_is_changed(server: Dovecot) -> None:
    server.deliver(mail(1))
    with opened(server.imap_uri, server.secret) as transport:
        watch(transport)
        with idling(transport) as session:
            session.wait(0.2)
    assert server.remaining() == [mail(1)]
    assert [path.name for path in (server.home / "cur").iterdir() if "S" in path.name[-3:]] == []


def test_a_server_that_cannot_is_known_before() -> None:
    with (
        dovecot(extra="imap_capability = IMAP4rev1 UIDPLUS\n") as server,
        opened(server.imap_uri, server.secret) as transport,
    ):
        assert not offered(transport)


# Servers that follow no rule

HELLO = [
    (b"", b"* OK hello\r\n"),
    (b"CAPABILITY", b"* CAPABILITY IMAP4rev1 IDLE\r\n%T OK done\r\n"),
    (b"NOOP", b"%T OK done\r\n"),
    (b"LOGIN", b"%T OK done\r\n"),
    (b"EXAMINE", b"* 1 EXISTS\r\n* OK [UIDVALIDITY 7]\r\n%T OK [READ-ONLY]\r\n"),
    (b"LOGOUT", b"* BYE\r\n%T OK done\r\n"),
]


def odd(*answers: tuple[bytes, bytes]) -> object:
    return stub(script(*answers, *HELLO))


@pytest.mark.parametrize("words", [b"%T NO not today\r\n", b"%T BAD what\r\n"])
def test_a_refused_command_is_said_plainly(words: bytes) -> None:
    with (
        odd((b"IDLE", words)) as port,
        opened(f"imap://x@127.0.0.1:{port}/") as one,
    ):
        watch(one)
        with pytest.raises(TransportError, match="cannot tell"), idling(one):
            pass


@pytest.mark.parametrize(
    "words",
    [b"", b"+ go\r\n* BYE shutting down\r\n", b"+ go\r\n" + b"x" * 1_100_000],
    ids=["hangs up", "says bye", "floods"],
)
def test_a_connection_that_breaks_is_found_out(words: bytes) -> None:
    with (
        odd((b"IDLE", words)) as port,
        opened(f"imap://x@127.0.0.1:{port}/") as one,
    ):
        watch(one)
        with pytest.raises(Unreachable), idling(one) as session:
            session.wait(PROMPT)


def test_half_a_line_keeps_nobody_waiting() -> None:
    with (
        odd((b"IDLE", b"+ go\r\n* 2 EXI"), (b"DONE", b"STS\r\n%T OK done\r\n")) as port,
        opened(f"imap://x@127.0.0.1:{port}/", timeout=1) as one,
    ):
        watch(one)
        began = time.monotonic()
        # the tag of DONE's answer is not ours: the end is never confirmed
        with pytest.raises(Unreachable), idling(one) as session:
            assert not session.wait(0.3)
        assert time.monotonic() - began < PROMPT


def test_a_silent_end_is_found_out_within_the_time_out() -> None:
    held: list[socket.socket] = []
    done = threading.Event()

    def talk(connection: socket.socket) -> None:
        answers = dict(HELLO)
        connection.sendall(answers[b""])
        with connection.makefile("rb") as stream:
            for line in stream:
                if b"IDLE" in line:
                    connection.sendall(b"+ go\r\n")
                    held.append(connection)
                    done.wait(3 * PROMPT)
                    return
                word = next(word for word in answers if word and word in line)
                connection.sendall(answers[word].replace(b"%T", line.split(b" ")[0]))

    with stub(talk) as port, opened(f"imap://x@127.0.0.1:{port}/", timeout=1) as one:
        watch(one)
        began = time.monotonic()
        with pytest.raises(Unreachable), idling(one) as session:
            assert not session.wait(0.2)
        assert time.monotonic() - began < PROMPT
        done.set()
    assert held
