from __future__ import annotations

import imaplib
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from helpdesk.mail.transports import (
    Item,
    Limits,
    LoginRefused,
    MessageGone,
    TooLarge,
    TransportError,
    Unreachable,
    imap_syntax,
    open_transport,
)
from helpdesk.mail.transports import imap as imap_module
from tests.servers.dovecot import Dovecot, dovecot
from tests.servers.imap_pymap import Pymap
from tests.servers.stub import script, silent, stub

from .mails import EXACT, HEAD, mail

pytestmark = pytest.mark.pure

PLAIN = "imap_capability = IMAP4rev1 LITERAL+ UNSELECT SASL-IR"
HELLO = b"* OK [CAPABILITY IMAP4rev1] hi\r\n"
CAN = (b"CAPABILITY", b"* CAPABILITY IMAP4rev1\r\n%T OK done\r\n")
IN = (b"LOGIN", b"%T OK in\r\n")
BYE = (b"LOGOUT", b"* BYE\r\n%T OK done\r\n")


@contextmanager
def other_client(server: Dovecot | Pymap) -> Iterator[imaplib.IMAP4]:
    with imaplib.IMAP4("127.0.0.1", server.imap, timeout=20) as client:
        client.login(server.user, server.secret)
        client.select("INBOX")
        yield client


def expunge_first(server: Dovecot | Pymap) -> None:
    with other_client(server) as client:
        client.store("1", "+FLAGS", r"(\Deleted)")
        client.expunge()


def flags(server: Dovecot) -> bytes:
    with other_client(server) as client:
        return b" ".join(client.fetch("1:*", "(FLAGS)")[1])


def test_listing_gives_sizes_oldest_first(imap: Dovecot | Pymap) -> None:
    for number in range(3):
        imap.deliver(mail(number))
    with open_transport(imap.imap_uri, imap.secret) as transport:
        items = list(transport.listing())
        assert [transport.fetch(item.key) for item in items] == [mail(0), mail(1), mail(2)]
    assert [item.size for item in items] == [len(mail(0))] * 3


def test_listing_is_empty_when_the_folder_is(imap: Dovecot | Pymap) -> None:
    with open_transport(imap.imap_uri, imap.secret) as transport:
        assert list(transport.listing()) == []


def test_keys_are_the_same_in_the_next_session(imap: Dovecot | Pymap) -> None:
    imap.deliver(mail(1))
    keys = []
    for _session in range(2):
        with open_transport(imap.imap_uri, imap.secret) as transport:
            keys.append([item.key for item in transport.listing()])
    assert keys[0] == keys[1]
    assert len(keys[0]) == 1


@pytest.mark.parametrize("name", EXACT)
def test_fetch_is_byte_exact(server: Dovecot, name: str) -> None:
    server.deliver(EXACT[name])
    with open_transport(server.imap_uri, server.secret) as transport:
        (item,) = transport.listing()
        assert transport.fetch(item.key) == EXACT[name]
    assert item.size == len(EXACT[name])


def test_fetch_gives_the_mail_as_the_server_does_when_it_has_no_final_newline(
    server: Dovecot,
) -> None:
    server.deliver(HEAD + b"end")
    server.deliver(HEAD + b"a\0b\r\n")
    with open_transport(server.imap_uri, server.secret) as transport:
        first, second = (transport.fetch(item.key) for item in transport.listing())
    assert first == HEAD + b"end"
    assert second == HEAD + b"a\x80b\r\n"  # dovecot's stand-in for the NUL that IMAP cannot carry


def test_fetch_and_listing_leave_no_trace(server: Dovecot) -> None:
    server.deliver(mail(1))
    with open_transport(server.imap_uri, server.secret) as transport:
        for item in transport.listing():
            transport.fetch(item.key)
        transport.remove(["1:1"])  # opens the folder for writing
        transport.fetch(item.key)
    assert b"\\Seen" not in flags(server)
    assert server.remaining() == [mail(1)]


def test_fetch_refuses_when_the_mail_is_too_large(imap: Dovecot | Pymap) -> None:
    imap.deliver(HEAD + b"x" * 2000)
    imap.deliver(mail(2))
    with open_transport(imap.imap_uri, imap.secret, limits=Limits(max_bytes=1000)) as transport:
        large, small = transport.listing()
        with pytest.raises(TooLarge):
            transport.fetch(large.key)
        assert transport.fetch(small.key) == mail(2)
    with open_transport(imap.imap_uri, imap.secret, limits=Limits(max_bytes=1000)) as transport:
        with pytest.raises(TooLarge):
            transport.fetch(large.key)
        assert transport.fetch(small.key) == mail(2)
    assert len(imap.remaining()) == 2


def test_fetch_says_gone_when_another_client_expunges_meanwhile(server: Dovecot) -> None:
    server.deliver(mail(1))
    server.deliver(mail(2))
    with open_transport(server.imap_uri, server.secret) as transport:
        gone, there = transport.listing()
        expunge_first(server)
        with pytest.raises(MessageGone):
            transport.fetch(gone.key)
        assert transport.fetch(there.key) == mail(2)


def test_fetch_says_gone_when_another_client_has_expunged(imap: Dovecot | Pymap) -> None:
    imap.deliver(mail(1))
    imap.deliver(mail(2))
    with open_transport(imap.imap_uri, imap.secret) as transport:
        gone, _there = transport.listing()
    expunge_first(imap)
    with open_transport(imap.imap_uri, imap.secret) as transport, pytest.raises(MessageGone):
        transport.fetch(gone.key)


@pytest.mark.parametrize("key", ["1:1", "nonsense", "", "1:1,2", "0:0"])
def test_fetch_says_gone_when_the_key_is_not_of_this_folder(server: Dovecot, key: str) -> None:
    server.deliver(mail(1))
    with open_transport(server.imap_uri, server.secret) as transport:
        with pytest.raises(MessageGone):
            transport.fetch(key)
        transport.remove([key])
    assert server.remaining() == [mail(1)]


def test_remove_takes_exactly_these_when_repeated(imap: Dovecot | Pymap) -> None:
    for number in range(5):
        imap.deliver(mail(number))
    with open_transport(imap.imap_uri, imap.secret) as transport:
        keys = [item.key for item in transport.listing()]
        transport.remove([keys[0], keys[1], keys[3]])
        transport.remove([keys[0], keys[1], keys[3]])
    with open_transport(imap.imap_uri, imap.secret) as transport:
        transport.remove([keys[0]])
        transport.remove([])
    assert imap.remaining() == [mail(2), mail(4)]


def test_mail_survives_when_it_arrives_between_listing_and_remove(imap: Dovecot | Pymap) -> None:
    imap.deliver(mail(1))
    with open_transport(imap.imap_uri, imap.secret) as transport:
        keys = [item.key for item in transport.listing()]
        imap.deliver(mail(2))
        transport.remove(keys)
        (late,) = transport.listing()
        assert transport.fetch(late.key) == mail(2)
    assert imap.remaining() == [mail(2)]


def test_another_clients_deleted_mail_survives(imap: Dovecot | Pymap) -> None:
    imap.deliver(mail(1))
    imap.deliver(mail(2))
    with other_client(imap) as client:
        client.store("2", "+FLAGS", r"(\Deleted)")
    with open_transport(imap.imap_uri, imap.secret) as transport:
        transport.remove([next(iter(transport.listing())).key])
    assert imap.remaining() == [mail(2)]


def test_marked_mail_is_still_listed_when_a_run_died_before_expunging(
    imap: Dovecot | Pymap,
) -> None:
    imap.deliver(mail(1))
    with other_client(imap) as client:
        client.store("1", "+FLAGS", r"(\Deleted)")
    with open_transport(imap.imap_uri, imap.secret) as transport:
        (item,) = transport.listing()
        transport.remove([item.key])
    assert imap.remaining() == []


def test_another_clients_deleted_mail_survives_without_uidplus() -> None:
    with dovecot(extra=PLAIN) as server:
        server.deliver(mail(1))
        server.deliver(mail(2))
        with other_client(server) as client:
            client.store("2", "+FLAGS", r"(\Deleted)")
        with open_transport(server.imap_uri, server.secret) as transport:
            first, second = transport.listing()
            transport.remove([first.key])
            assert server.remaining() == [mail(1), mail(2)]
            with other_client(server) as client:
                client.store("2", "-FLAGS", r"(\Deleted)")
            assert [item.key for item in transport.listing()] == [first.key, second.key]
            transport.remove([first.key])
        assert server.remaining() == [mail(2)]


@pytest.mark.parametrize("extra", ["", PLAIN], ids=["MOVE", "COPY"])
def test_remove_moves_when_an_archive_is_given(extra: str) -> None:
    with dovecot(extra=extra) as server:
        for number in range(3):
            server.deliver(mail(number))
        uri = f"{server.imap_uri}?archive=Erledigt/Gr%C3%BC%C3%9Fe%20%26%20mehr"
        with open_transport(uri, server.secret) as transport:
            keys = [item.key for item in transport.listing()]
            transport.remove(keys[:2])
            transport.remove(keys[:2])
        assert server.remaining() == [mail(2)]
        assert server.remaining("Erledigt/Gr&APwA3w-e &- mehr") == [mail(0), mail(1)]


def test_remove_moves_on_a_server_without_sub_folders_of_its_own() -> None:
    with dovecot() as server:
        server.deliver(mail(1))
        with open_transport(f"{server.imap_uri}?archive=Done", server.secret) as transport:
            transport.remove(item.key for item in transport.listing())
        assert server.remaining("Done") == [mail(1)]


def test_nothing_is_deleted_when_the_archive_refuses() -> None:
    quota = """
mail_plugins = quota
plugin {
  quota = maildir:User
  quota_rule = *:bytes=1
  quota_vsizes = yes
}
protocol imap {
  mail_plugins = quota
}
"""
    with dovecot(extra=PLAIN + quota) as server:
        server.deliver(mail(1))
        with open_transport(f"{server.imap_uri}?archive=Done", server.secret) as transport:
            (item,) = transport.listing()
            with pytest.raises(TransportError, match=r"(?i)quota"):
                transport.remove([item.key])
        assert server.remaining() == [mail(1)]
        assert b"\\Deleted" not in flags(server)


def test_marked_mail_is_not_copied_again_when_it_could_not_be_expunged() -> None:
    with dovecot(extra=PLAIN) as server:
        server.deliver(mail(1))
        server.deliver(mail(2))
        with other_client(server) as client:
            client.store("2", "+FLAGS", r"(\Deleted)")
        with open_transport(f"{server.imap_uri}?archive=Done", server.secret) as transport:
            first, _second = transport.listing()
            transport.remove([first.key])
            transport.remove([first.key])
        assert server.remaining() == [mail(1), mail(2)]
        assert server.remaining("Done") == [mail(1)]


def test_another_folder_is_read_when_named(server: Dovecot) -> None:
    server.deliver(mail(1))
    server.deliver(mail(2), folder="Desk")
    with open_transport(f"{server.imap_uri}?folder=Desk", server.secret) as transport:
        (item,) = transport.listing()
        assert transport.fetch(item.key) == mail(2)
        assert transport.source.endswith("/Desk")


def test_listing_fails_plainly_when_the_folder_is_missing(server: Dovecot) -> None:
    transport = open_transport(f"{server.imap_uri}?folder=Nowhere", server.secret)
    with transport, pytest.raises(TransportError, match="Nowhere"):
        list(transport.listing())


def test_listing_is_complete_when_mails_are_removed_while_it_runs(
    server: Dovecot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imap_module, "PAGE", 3)
    monkeypatch.setattr(imap_syntax, "BATCH", 2)
    for number in range(20):
        server.deliver(mail(number))
    fetched = []
    with open_transport(server.imap_uri, server.secret) as transport:
        for item in transport.listing():
            fetched.append(transport.fetch(item.key))
            transport.remove([item.key])
    assert fetched == [mail(number) for number in range(20)]
    assert server.remaining() == []


def test_listing_is_complete_when_another_client_expunges_while_it_runs(
    server: Dovecot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imap_module, "PAGE", 3)
    for number in range(12):
        server.deliver(mail(number))
    fetched = []
    with open_transport(server.imap_uri, server.secret) as transport:
        for position, item in enumerate(transport.listing()):
            fetched.append(transport.fetch(item.key))
            with other_client(server) as client:
                client.store("1", "+FLAGS", r"(\Deleted)" if position < 4 else r"(\Seen)")
                client.expunge()
    assert fetched == [mail(number) for number in range(12)]


def test_listing_goes_on_without_gap_or_repeat_when_the_folder_is_opened_anew(
    server: Dovecot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imap_module, "PAGE", 3)
    for number in range(12):
        server.deliver(mail(number))
    with open_transport(server.imap_uri, server.secret) as transport:
        listing = transport.listing()
        first = [next(listing).key for _number in range(3)]
        expunge_first(server)
        expunge_first(server)
        transport.remove([first[1]])  # gone; but the folder is opened for writing, in a new view
        rest = [transport.fetch(item.key) for item in listing]
    assert rest == [mail(number) for number in range(3, 12)]


def test_two_thousand_mails_are_removed(server: Dovecot) -> None:
    for number in range(2000):
        server.deliver(mail(number))
    with open_transport(server.imap_uri, server.secret) as transport:
        keys = [item.key for item in transport.listing()]
        assert len(set(keys)) == 2000
        transport.remove(keys[::2])
    assert len(server.remaining()) == 1000


def test_login_error_holds_no_secret_when_refused(imap: Dovecot | Pymap) -> None:
    with pytest.raises(LoginRefused) as caught, open_transport(imap.imap_uri, "wrong-Wort"):
        pass
    assert "wrong-Wort" not in str(caught.value)
    assert imap.user in str(caught.value)


@pytest.mark.parametrize("secret", ['wo\\rt"1', "dW5zYWZl+/"])
def test_login_error_holds_no_secret_when_the_server_repeats_it(secret: str) -> None:
    echo = script((b"", HELLO), CAN, (b"LOGIN", b"%T NO no such login: %L\r\n"))
    with (
        stub(echo) as port,
        pytest.raises(LoginRefused) as caught,
        open_transport(f"imap://u@127.0.0.1:{port}", secret),
    ):
        pass
    quoted = secret.replace("\\", "\\\\").replace('"', '\\"')
    assert secret not in str(caught.value)
    assert quoted not in str(caught.value)
    assert caught.value.__suppress_context__


def test_login_works_by_the_hook_when_one_is_given(server: Dovecot) -> None:
    server.deliver(mail(1))
    answer = f"\0{server.user}\0{server.secret}".encode()
    with open_transport(server.imap_uri, authenticate=lambda: ("PLAIN", answer)) as transport:
        assert len(list(transport.listing())) == 1
    with pytest.raises(LoginRefused):
        open_transport(server.imap_uri, authenticate=lambda: ("XOAUTH2", b"user=x")).__enter__()


def test_login_is_not_tried_when_the_server_forbids_it_without_tls() -> None:
    heard = script(
        (b"", HELLO), (b"CAPABILITY", b"* CAPABILITY IMAP4rev1 LOGINDISABLED\r\n%T OK done\r\n")
    )
    with stub(heard) as port, pytest.raises(LoginRefused, match="TLS"):
        open_transport(f"imap://u@127.0.0.1:{port}", "swordfish").__enter__()


@pytest.mark.parametrize("scheme", ["imap+ssl", "imaps", "imap+tls"])
def test_certificate_is_verified(server: Dovecot, scheme: str) -> None:
    server.deliver(mail(1))
    port = server.imap if scheme == "imap+tls" else server.imaps
    uri = f"{scheme}://{server.user}@127.0.0.1:{port}"
    with pytest.raises(Unreachable, match="not trusted"):
        open_transport(uri, server.secret).__enter__()
    for option in (f"ca={server.certificate}", "insecure=1"):
        with open_transport(f"{uri}?{option}", server.secret) as transport:
            assert len(list(transport.listing())) == 1


def test_starttls_is_not_skipped_when_the_server_has_none() -> None:
    with stub(script((b"", HELLO), CAN, IN)) as port, pytest.raises(Unreachable):
        open_transport(f"imap+tls://u@127.0.0.1:{port}", "swordfish").__enter__()


def test_silence_ends_in_a_time_out() -> None:
    with stub(silent) as port, pytest.raises(Unreachable, match="did not answer"):
        open_transport(
            f"imap://u@127.0.0.1:{port}", "swordfish", limits=Limits(timeout=0.3)
        ).__enter__()


def test_nobody_listening_is_said_plainly() -> None:
    with stub(silent) as port:
        pass
    with pytest.raises(Unreachable, match="refused"):
        open_transport(f"imap://u@127.0.0.1:{port}", "swordfish").__enter__()


SELECT = (b"EXAMINE", b"* 1 EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\n%T OK [READ-ONLY] done\r\n")
SIZE = (b"RFC822.SIZE", b"* 1 FETCH (UID 5 RFC822.SIZE 10)\r\n%T OK done\r\n")


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"", Unreachable),
        (b"* 1 FETCH (UID 5 BODY[] {10}\r\nabc", Unreachable),
        (b"* 1 FETCH (UID 5 BODY[] {900000000}\r\nabc", TooLarge),
        (b"%T NO [SERVERBUG] out of order\r\n", TransportError),
        (b"%T BAD what\r\n", TransportError),
        (b"* 1 FETCH (UID 5 BODY[] NIL)\r\n%T OK done\r\n", MessageGone),
        (b"garbage\r\n", Unreachable),
        (b"* BYE going down\r\n", Unreachable),
    ],
)
def test_fetch_fails_plainly_when_the_server_breaks_off(
    answer: bytes, error: type[Exception]
) -> None:
    def hang_up(connection: object) -> None:
        script((b"", HELLO), CAN, IN, SELECT, SIZE, (b"BODY", answer), BYE)(connection)

    with stub(hang_up) as port:
        uri = f"imap://u@127.0.0.1:{port}"
        with open_transport(uri, "s", limits=Limits(timeout=0.5)) as transport:
            (item,) = transport.listing()
            with pytest.raises(error):
                transport.fetch(item.key)


def test_fetch_reads_a_body_that_comes_as_a_string() -> None:
    body = (b"BODY", b'* 1 FETCH (UID 5 BODY[] "a \\"b\\" c")\r\n%T OK done\r\n')
    with (
        stub(script((b"", HELLO), CAN, IN, SELECT, SIZE, body, BYE)) as port,
        open_transport(f"imap://u@127.0.0.1:{port}", "swordfish") as transport,
    ):
        assert transport.fetch("7:5") == b'a "b" c'


def test_listing_holds_what_was_asked_for_when_the_server_tells_other_news() -> None:
    select = (b"EXAMINE", b"* 2 EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\n%T OK [READ-ONLY] done\r\n")
    sizes = (
        b"RFC822.SIZE",
        b"* 2 FETCH (RFC822.SIZE 20 UID 6)\r\n* 9 FETCH (UID 99 FLAGS ())\r\n"
        b"* 1 FETCH (FLAGS (\\Seen) UID 5)\r\n* 2 FETCH (UID 6 FLAGS ())\r\n%T OK done\r\n",
    )
    with (
        stub(script((b"", HELLO), CAN, IN, select, sizes, BYE)) as port,
        open_transport(f"imap://u@127.0.0.1:{port}", "swordfish") as transport,
    ):
        assert list(transport.listing()) == [Item("7:5", None), Item("7:6", 20)]


def test_folder_without_lasting_numbers_is_refused() -> None:
    select = (b"EXAMINE", b"* 1 EXISTS\r\n%T OK done\r\n")
    with (
        stub(script((b"", HELLO), CAN, IN, select, BYE)) as port,
        open_transport(f"imap://u@127.0.0.1:{port}", "swordfish") as transport,
        pytest.raises(TransportError, match="lasting"),
    ):
        list(transport.listing())
