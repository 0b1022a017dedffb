"""Waiting for mail at an IMAP server that tells (RFC 2177): a folder is opened, and the server says what arrives.

imaplib of our Python knows no IDLE; the reading here takes what lies there and never waits for the rest of a line.
"""

from __future__ import annotations

import selectors
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.utils.translation import gettext as _

from .base import TransportError
from .imap import MAX_LINE, ImapTransport
from .wire import CHUNK

#: Seconds after which IDLE is given anew: servers hang up after 29 minutes (RFC 2177), home routers after less.
RENEWAL = 9 * 60.0


def offered(transport: ImapTransport) -> bool:
    """Tell whether the server of a connected transport can IDLE."""
    return "IDLE" in transport._capabilities


def watch(transport: ImapTransport) -> None:
    """Open the folder to be listened to, for reading only. What arrives from now on is told by `idling`."""
    transport._open(writable=False, again=True)
    client = transport._client
    if client is not None:
        client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)


@contextmanager
def idling(transport: ImapTransport) -> Iterator[Idling]:
    """Let the server tell what arrives, until this is left.

    Raises what the transport raises: `Unreachable` if the connection breaks, `TransportError` if the server refuses.
    """
    with transport._talk() as client:
        session = Idling(transport, client)
        session.begin()
        yield session
        client.clock.restart()
        session.end()


class Idling:
    """One IDLE command that is under way."""

    def __init__(self, transport: ImapTransport, client: Any) -> None:
        self._transport = transport
        self._client = client
        self._tag = b""
        self._rest = b""
        self._news = False

    def begin(self) -> None:
        """Give the command, and return when the server listens."""
        client = self._client
        self._catch_up()
        self._tag = client._new_tag()
        client.send(self._tag + b" IDLE\r\n")
        while not (line := self._line()).startswith(b"+"):
            if line.startswith(self._tag):
                raise TransportError(_("%s cannot tell when mail arrives.") % self._host)
            self._take(line)

    def _catch_up(self) -> None:
        """Ask for what came since the folder was opened: not every server tells by itself when IDLE begins."""
        # read here, in order: of what is gone and what is new only the order tells how many there are
        tag = self._client._new_tag()
        self._client.send(tag + b" NOOP\r\n")
        while not (line := self._line()).startswith(tag):
            self._take(line)
        self._client.tagged_commands.pop(tag, None)

    def wait(self, seconds: float) -> bool:
        """Return True as soon as mail has arrived, else False after `seconds`."""
        until = time.monotonic() + seconds
        while not self._news:
            left = until - time.monotonic()
            if left <= 0:
                return False
            self._rest += self._heard(left)
            if len(self._rest) > MAX_LINE:
                raise self._client.abort("the server sent a line that is too long")
            *lines, self._rest = self._rest.split(b"\n")
            for line in lines:
                self._take(line)
        self._news = False
        return True

    def end(self) -> None:
        """Take the command back, and return when the server has confirmed."""
        self._client.send(b"DONE\r\n")
        while not (line := self._line()).startswith(self._tag):
            self._take(line)
        self._client.tagged_commands.pop(self._tag, None)
        if b" OK" not in line[: len(self._tag) + 4].upper():
            raise TransportError(_("%s cannot tell when mail arrives.") % self._host)

    @property
    def _host(self) -> str:
        return self._transport._server.host

    def _line(self) -> bytes:
        while b"\n" not in self._rest:
            piece = self._client.readline()
            if not piece:
                raise self._client.abort("the server hung up")
            self._rest += piece
        line, self._rest = self._rest.split(b"\n", 1)
        return line

    def _take(self, line: bytes) -> None:
        """Count along: more messages than there were are news."""
        words = line.split()
        if words[:1] != [b"*"]:
            return
        if words[1:2] == [b"BYE"]:
            raise self._client.abort("the server hung up")
        if len(words) < 3 or not words[1].isdigit():
            return
        if words[2].upper() == b"EXPUNGE":
            self._transport._exists -= 1
        elif words[2].upper() == b"EXISTS":
            self._news = self._news or int(words[1]) > self._transport._exists
            self._transport._exists = int(words[1])

    def _heard(self, seconds: float) -> bytes:
        """Return what has come, or comes within `seconds`; b"" if nothing does."""
        piece, _whole = self._at_once()
        if piece:
            return piece
        with selectors.DefaultSelector() as selector:
            selector.register(self._client.sock, selectors.EVENT_READ)
            if not selector.select(seconds):
                return b""
        piece, whole = self._at_once()
        if not piece and whole:
            raise self._client.abort("the server hung up")
        return piece

    def _at_once(self) -> tuple[bytes, bool]:
        """Return what can be read without waiting, and False where TLS has only a part of a record yet."""
        client = self._client
        before = client.sock.gettimeout()
        client.sock.settimeout(0)
        try:
            return client.file.read1(CHUNK) or b"", True
        except (ssl.SSLWantReadError, BlockingIOError):
            return b"", False
        finally:
            client.sock.settimeout(before)
