from __future__ import annotations

import poplib
import ssl

import pytest

from helpdesk.mail.transports import (
    Limits,
    LoginRefused,
    MessageGone,
    TooLarge,
    TransportError,
    Unreachable,
    open_transport,
)
from tests.servers.dovecot import Dovecot, dovecot
from tests.servers.stub import script, silent, stub

from .mails import EXACT, HEAD, mail

pytestmark = pytest.mark.pure

ONE = [
    (b"", b"+OK hi\r\n"),
    (b"USER", b"+OK\r\n"),
    (b"PASS", b"+OK\r\n"),
    (b"UIDL", b"+OK\r\n1 abc\r\n.\r\n"),
    (b"LIST", b"+OK\r\n1 10\r\n.\r\n"),
    (b"QUIT", b"+OK\r\n"),
]


def test_listing_gives_sizes_oldest_first(server: Dovecot) -> None:
    for number in range(3):
        server.deliver(mail(number))
    with open_transport(server.pop3_uri, server.secret) as transport:
        items = list(transport.listing())
        assert [transport.fetch(item.key) for item in items] == [mail(0), mail(1), mail(2)]
    assert [item.size for item in items] == [len(mail(0))] * 3
    assert len(server.remaining()) == 3


def test_listing_is_empty_when_the_maildrop_is(server: Dovecot) -> None:
    with open_transport(server.pop3_uri, server.secret) as transport:
        assert list(transport.listing()) == []


@pytest.mark.parametrize("name", EXACT)
def test_fetch_is_byte_exact(server: Dovecot, name: str) -> None:
    server.deliver(EXACT[name])
    with open_transport(server.pop3_uri, server.secret) as transport:
        (item,) = transport.listing()
        assert transport.fetch(item.key) == EXACT[name]


def test_fetch_gives_the_mail_as_the_server_sends_it_when_lines_end_otherwise(
    server: Dovecot,
) -> None:
    server.deliver(HEAD + b"a\0b\rc")
    with open_transport(server.pop3_uri, server.secret) as transport:
        (item,) = transport.listing()
        assert transport.fetch(item.key) == HEAD + b"a\0b\rc\r\n"


def test_fetch_refuses_when_the_mail_is_too_large(server: Dovecot) -> None:
    server.deliver(HEAD + b"x" * 2000)
    server.deliver(mail(2))
    with open_transport(server.pop3_uri, server.secret, limits=Limits(max_bytes=1000)) as transport:
        large, small = transport.listing()
        with pytest.raises(TooLarge):
            transport.fetch(large.key)
        assert transport.fetch(small.key) == mail(2)
    assert len(server.remaining()) == 2


def test_remove_takes_exactly_these_when_repeated(server: Dovecot) -> None:
    for number in range(5):
        server.deliver(mail(number))
    with open_transport(server.pop3_uri, server.secret) as transport:
        keys = [item.key for item in transport.listing()]
        transport.remove([keys[0], keys[3]])
        transport.remove([keys[0], keys[3]])
        assert transport.fetch(keys[1]) == mail(1)
        transport.remove([keys[1]])
        with pytest.raises(MessageGone):
            transport.fetch(keys[1])
        transport.remove([])
    assert server.remaining() == [mail(2), mail(4)]


def test_mail_survives_when_it_arrives_between_listing_and_remove(server: Dovecot) -> None:
    server.deliver(mail(1))
    with open_transport(server.pop3_uri, server.secret) as transport:
        keys = [item.key for item in transport.listing()]
        server.deliver(mail(2))
        transport.remove(keys)
        (late,) = transport.listing()
        assert transport.fetch(late.key) == mail(2)
    assert server.remaining() == [mail(2)]


def test_keys_stay_when_numbers_shift(server: Dovecot) -> None:
    server.deliver(mail(1))
    server.deliver(mail(2))
    with open_transport(server.pop3_uri, server.secret) as transport:
        first, second = transport.listing()
        transport.remove([first.key])
    with open_transport(server.pop3_uri, server.secret) as transport:
        assert [item.key for item in transport.listing()] == [second.key]
        assert transport.fetch(second.key) == mail(2)


def test_nothing_is_removed_when_the_caller_fails(server: Dovecot) -> None:
    server.deliver(mail(1))
    transport = open_transport(server.pop3_uri, server.secret)
    with pytest.raises(ZeroDivisionError), transport:
        1 / len([item for item in transport.listing() if not transport.fetch(item.key)])
    assert server.remaining() == [mail(1)]


def test_nothing_is_removed_when_a_deletion_is_refused() -> None:
    heard: list[bytes] = []
    answers = dict(ONE) | {b"DELE": b"-ERR not now\r\n"}
    talk = script(*answers.items(), heard=heard)
    with (
        stub(talk) as port,
        open_transport(f"pop3://u@127.0.0.1:{port}", "swordfish") as transport,
        pytest.raises(TransportError, match="not now"),
    ):
        transport.remove(["abc"])
    assert b"DELE 1\r\n" in heard
    assert b"QUIT\r\n" not in heard


def test_login_error_holds_no_secret_when_refused(server: Dovecot) -> None:
    with (
        pytest.raises(LoginRefused) as caught,
        open_transport(server.pop3_uri, "wrong-Wort"),
    ):
        pass
    assert "wrong-Wort" not in str(caught.value)


def test_login_error_holds_no_secret_when_the_server_repeats_it() -> None:
    talk = script((b"", b"+OK\r\n"), (b"USER", b"+OK\r\n"), (b"PASS", b"-ERR no: %L\r\n"))
    with (
        stub(talk) as port,
        pytest.raises(LoginRefused) as caught,
        open_transport(f"pop3://u@127.0.0.1:{port}", "swordfish"),
    ):
        pass
    assert "swordfish" not in str(caught.value)
    assert "no: PASS" in str(caught.value)


def test_login_is_worth_another_try_when_the_maildrop_is_in_use() -> None:
    talk = script((b"", b"+OK\r\n"), (b"USER", b"+OK\r\n"), (b"PASS", b"-ERR [IN-USE] busy\r\n"))
    with stub(talk) as port:
        transport = open_transport(f"pop3://u@127.0.0.1:{port}", "swordfish")
        with pytest.raises(Unreachable, match="busy"):
            transport.__enter__()


def test_login_works_by_the_hook_when_one_is_given(server: Dovecot) -> None:
    server.deliver(mail(1))
    answer = f"\0{server.user}\0{server.secret}".encode()
    with open_transport(server.pop3_uri, authenticate=lambda: ("PLAIN", answer)) as transport:
        assert len(list(transport.listing())) == 1


def test_login_by_the_hook_is_refused_when_the_server_explains_itself_in_a_challenge() -> None:
    talk = script(
        (b"", b"+OK\r\n"),
        (b"AUTH XOAUTH2", b"+ \r\n"),
        (b"dG9rZW4=", b"+ eyJzdGF0dXMiOiI0MDAifQ==\r\n"),
        (b"\r\n", b"-ERR token too old\r\n"),
    )
    with stub(talk) as port:
        uri = f"pop3://u@127.0.0.1:{port}"
        transport = open_transport(uri, authenticate=lambda: ("XOAUTH2", b"token"))
        with pytest.raises(LoginRefused, match="too old"):
            transport.__enter__()


@pytest.mark.parametrize("scheme", ["pop3+ssl", "pop3s", "pop3+tls"])
def test_certificate_is_verified(server: Dovecot, scheme: str) -> None:
    server.deliver(mail(1))
    port = {"pop3+tls": server.pop3}.get(scheme, server.pop3s)
    uri = f"{scheme}://{server.user}@127.0.0.1:{port}"
    with pytest.raises(Unreachable, match="not trusted"):
        open_transport(uri, server.secret).__enter__()
    for option in (f"ca={server.certificate}", "insecure=1"):
        with open_transport(f"{uri}?{option}", server.secret) as transport:
            assert len(list(transport.listing())) == 1


def test_silence_ends_in_a_time_out() -> None:
    with stub(silent) as port:
        uri = f"pop3://u@127.0.0.1:{port}"
        transport = open_transport(uri, "swordfish", limits=Limits(timeout=0.3))
        with pytest.raises(Unreachable, match="did not answer"):
            transport.__enter__()


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"", Unreachable),
        (b"+OK\r\nSubject: half a ma", Unreachable),
        (b"+OK\r\n" + b"x" * 3000 + b"\r\n.\r\n", TooLarge),
        (b"+OK\r\n" + b"x\r\n" * 1000 + b".\r\n", TooLarge),
        (b"-ERR no such message\r\n", TransportError),
        (b"x" * 10_000, Unreachable),
    ],
)
def test_fetch_fails_plainly_when_the_server_breaks_off(
    answer: bytes, error: type[Exception]
) -> None:
    with stub(script(*ONE, (b"RETR", answer))) as port:
        limits = Limits(timeout=0.5, max_bytes=1000)
        with open_transport(f"pop3://u@127.0.0.1:{port}", "s", limits=limits) as transport:
            with pytest.raises(error) as caught:
                transport.fetch("abc")
            assert caught.type is error
            with pytest.raises(Unreachable):
                transport.fetch("abc")


def test_server_without_uidl_is_refused() -> None:
    answers = dict(ONE) | {b"UIDL": b"-ERR what\r\n"}
    with stub(script(*answers.items())) as port, pytest.raises(TransportError, match="UIDL"):
        open_transport(f"pop3://u@127.0.0.1:{port}", "swordfish").__enter__()


def test_equal_copies_are_one_message_when_they_share_a_uidl() -> None:
    heard: list[bytes] = []
    answers = dict(ONE) | {
        b"UIDL": b"+OK\r\n1 abc\r\n2 abc\r\n3 def\r\n.\r\n",
        b"LIST": b"+OK\r\n1 10\r\n2 10\r\n3 10\r\n.\r\n",
        b"DELE": b"+OK\r\n",
    }
    with (
        stub(script(*answers.items(), heard=heard)) as port,
        open_transport(f"pop3://u@127.0.0.1:{port}", "swordfish") as transport,
    ):
        assert [item.key for item in transport.listing()] == ["abc", "def"]
        transport.remove(["abc"])
    assert [line for line in heard if line.startswith(b"DELE")] == [b"DELE 1\r\n", b"DELE 2\r\n"]


def test_the_servers_own_client_sees_the_same_keys() -> None:
    with dovecot() as server:
        server.deliver(mail(1))
        context = ssl.create_default_context(cafile=str(server.certificate))
        client = poplib.POP3_SSL("127.0.0.1", server.pop3s, timeout=20, context=context)
        client.user(server.user)
        client.pass_(server.secret)
        (line,) = client.uidl()[1]
        client.quit()
        with open_transport(server.pop3_uri, server.secret) as transport:
            assert [item.key for item in transport.listing()] == [line.split(b" ")[1].decode()]
