from __future__ import annotations

import io
import time

import pytest

from helpdesk.mail.transports import InvalidUri, Limits, UnsupportedScheme, open_transport
from helpdesk.mail.transports.wire import Clock, Security, Server, read_block, read_line

pytestmark = pytest.mark.pure

SECRET = "sw0rd:fish/1%"


@pytest.mark.parametrize(
    ("uri", "source"),
    [
        ("imap://desk@mail.example.org", "imap://desk@mail.example.org:143/INBOX"),
        ("imap+tls://desk@mail.example.org", "imap://desk@mail.example.org:143/INBOX"),
        ("IMAP+SSL://desk@mail.example.org/", "imap://desk@mail.example.org:993/INBOX"),
        ("imaps://desk%40x.org:a%3Ab@[::1]:1993/?folder=A%26B", "imap://desk@x.org@::1:1993/A&B"),
        ("pop3://desk@mail.example.org", "pop3://desk@mail.example.org:110/"),
        ("pop3+tls://desk@mail.example.org", "pop3://desk@mail.example.org:110/"),
        ("pop3+ssl://desk@mail.example.org", "pop3://desk@mail.example.org:995/"),
        ("maildir:///srv/my%20mail?folder=In", "maildir:///srv/my mail/.In"),
        ("mbox:///srv/mail/desk", "mbox:///srv/mail/desk"),
    ],
)
def test_source_names_the_place_without_a_secret(uri: str, source: str) -> None:
    assert open_transport(uri, SECRET).source == source


@pytest.mark.parametrize("scheme", ["gmail", "office365", "babyl", "mh", "mmdf", "https", "file"])
def test_scheme_is_refused_when_it_is_not_fetched(scheme: str) -> None:
    with pytest.raises(UnsupportedScheme, match=scheme):
        open_transport(f"{scheme}://u:{SECRET}@example.org/")


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "desk@example.org",
        "imap://",
        "imap://example.org",
        "imap://desk@",
        "imap://desk@example.org:none",
        "imap://desk@example.org:99999",
        "imap://desk@[example.org",
        "imap://desk@example.org/?colour=red",
        "imap://desk@example.org/#part",
        "imap://desk@example.org/?insecure=1",
        "imap://desk@localhost.example.org/?insecure=1",
        "imap://desk@example.org/?folder=A&archive=A",
        "imap://desk@example.org/?folder=A%0d%0aB",
        "imap://de%0d%0ask@example.org/",
        "pop3://desk@example.org/?archive=Done",
        "maildir://relative/path",
        "maildir:relative",
        "mbox:///srv/desk?archive=Done",
        "imap://desk:sword#fish@example.org/",
        "imap://desk:sword/fish@example.org/",
        "imap://desk:sword?fish=x@example.org/",
        "imap://desk:12?fish=x@example.org/",
    ],
)
def test_address_is_refused_without_being_repeated(uri: str) -> None:
    with pytest.raises(InvalidUri) as caught:
        open_transport(uri)
    assert "sword" not in str(caught.value)
    assert "fish" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_secret_shows_in_no_repr() -> None:
    server = Server("h", 1, "u", SECRET, Security.TLS)
    assert SECRET not in repr(server)
    assert SECRET not in repr(open_transport("imaps://u@example.org", SECRET))


@pytest.mark.parametrize(
    "words", [SECRET, "sw0rd%3Afish%2F1%25", "c3cwcmQ6ZmlzaC8xJQ==", b"AHUAc3cwcmQ6ZmlzaC8xJQ=="]
)
def test_redact_blots_out_every_form_of_the_secret(words: str | bytes) -> None:
    server = Server("h", 1, "u", SECRET, Security.TLS)
    assert server.redact(words) == "…"


def test_unreadable_certificates_are_said_plainly() -> None:
    with pytest.raises(InvalidUri, match="certificates"):
        open_transport("imaps://u@127.0.0.1:1/?ca=/nowhere.pem", SECRET).__enter__()


def test_read_line_is_bounded() -> None:
    stream = io.BufferedReader(io.BytesIO(b"short\n" + b"x" * 100_000 + b"\nrest"))  # type: ignore[arg-type]
    clock = Clock(Limits())
    assert read_line(stream, 10, clock) == b"short\n"
    assert read_line(stream, 50_000, clock) == b"x" * 50_001
    assert read_line(stream, 60_000, clock) == b"x" * 49_999 + b"\n"
    assert read_line(stream, 10, clock) == b"rest"
    assert read_line(stream, 10, clock) == b""


def test_reading_ends_in_a_time_out_when_the_other_side_only_drips() -> None:
    class Drip(io.RawIOBase):
        def readable(self) -> bool:
            return True

        def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
            time.sleep(0.01)
            buffer[:1] = b"x"
            return 1

    clock = Clock(Limits(timeout=0.01))
    with pytest.raises(TimeoutError):
        read_line(io.BufferedReader(Drip()), 10**9, clock)
    clock.restart()
    with pytest.raises(TimeoutError):
        read_block(io.BufferedReader(Drip()), 10**9, clock)
