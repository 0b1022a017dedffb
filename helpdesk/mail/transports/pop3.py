"""POP3 (RFC 1939) with UIDL; without it mails cannot be told apart between two sessions."""

from __future__ import annotations

import base64
import poplib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Any, Self

from django.utils.translation import gettext as _

from .base import (
    Item,
    Limits,
    LoginRefused,
    LoginUnavailable,
    MessageGone,
    TooLarge,
    TransportError,
    Unreachable,
)
from .wire import Clock, Security, Server, read_line

MAX_LINE = 8192  # of an answer; lines of a message are bounded by the message


class _Client(poplib.POP3):
    """poplib with a clock on every read and messages byte by byte, of lines of any length."""

    def __init__(self, limits: Limits, **options: Any) -> None:
        self._limits = limits
        self.clock = Clock(limits)
        try:
            super().__init__(timeout=limits.timeout, **options)
        except BaseException:
            if getattr(self, "file", None) is not None:
                self.close()
            raise

    def _getline(self) -> tuple[bytes, int]:
        line = read_line(self.file, MAX_LINE, self.clock)  # type: ignore[arg-type]
        if not line.endswith(b"\n"):
            raise ConnectionError(
                "the server hung up" if len(line) <= MAX_LINE else "an answer is too long"
            )
        return line.rstrip(b"\r\n"), len(line)

    def message(self, number: int) -> bytes:
        """Return one message as it came, with only the stuffed dots taken out."""
        self._shortcmd(f"RETR {number}")  # type: ignore[attr-defined]
        limit = self._limits.max_bytes
        raw = bytearray()
        while True:
            line = read_line(self.file, limit, self.clock)  # type: ignore[arg-type]
            if line in (b".\r\n", b".\n"):
                return bytes(raw)
            raw += line.removeprefix(b".")
            if len(raw) > limit:
                raise TooLarge(
                    _("The server sent more than the limit of %(limit)d bytes.") % {"limit": limit}
                )
            if not line.endswith(b"\n"):
                raise ConnectionError("the server hung up in the middle of a message")

    def sasl(self, mechanism: str, answer: bytes) -> None:
        """Log in by AUTH (RFC 5034); the first answer goes on a line of its own, as Microsoft 365 wants it."""
        self._shortcmd(f"AUTH {mechanism}")  # type: ignore[attr-defined]
        reply = self._shortcmd(base64.b64encode(answer).decode())  # type: ignore[attr-defined]
        if not reply.startswith(b"+OK"):
            self._shortcmd("")  # type: ignore[attr-defined]  # a challenge that is an error: take it, be refused
            raise poplib.error_proto(reply)


class _TlsClient(_Client, poplib.POP3_SSL):
    pass


class Pop3Transport:
    """A POP3 maildrop; a key is the message's UIDL. The list of all UIDLs is held in memory: POP3 has no pages."""

    def __init__(self, server: Server, *, limits: Limits) -> None:
        self._server = server
        self._limits = limits
        self._client: _Client | None = None
        self._numbers: dict[str, list[int]] = {}
        self._sizes: dict[int, int] = {}
        self._broken = False

    @property
    def source(self) -> str:
        return f"pop3://{self._server.user}@{self._server.host}:{self._server.port}/"

    # Connection

    def __enter__(self) -> Self:
        self._broken = False
        self._connect()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # Nothing is ever left marked here (remove commits by itself), so QUIT deletes nothing; after an error
        # the line is cut without it all the same.
        client, self._client = self._client, None
        self._broken = True
        if client is None:
            return
        if kind is None:
            client.clock.restart()
            with suppress(poplib.error_proto, OSError):
                client.quit()
                return
        _cut(client)

    def _connect(self) -> None:
        server = self._server
        context = None if server.security is Security.NONE else server.tls_context()
        try:
            if server.security is Security.TLS:
                self._client = _TlsClient(
                    self._limits, host=server.host, port=server.port, context=context
                )
            else:
                self._client = _Client(self._limits, host=server.host, port=server.port)
        except (poplib.error_proto, OSError) as error:
            raise server.unreachable(error, self._limits) from error
        with self._talk() as client:
            if server.security is Security.STARTTLS:
                client.stls(context=context)
        with self._talk() as client:
            self._login(client)
        self._index()

    def _login(self, client: _Client) -> None:
        server = self._server
        try:
            if server.authenticate is not None:
                client.sasl(*server.authenticate())
            else:
                client.user(server.user)
                client.pass_(server.secret)
        except poplib.error_proto as error:
            words = server.redact(error.args[0] if error.args else "")
            values = {"host": server.host, "user": server.user, "words": words}
            if any(
                code in words for code in ("[IN-USE]", "[SYS/TEMP]", "[LOGIN-DELAY]")
            ):  # RFC 2449, RFC 3206
                raise LoginUnavailable(
                    _("%(host)s cannot log anybody in at present: %(words)s") % values
                ) from None
            raise LoginRefused(
                _("%(host)s refused the login of %(user)s: %(words)s") % values
            ) from None

    @contextmanager
    def _talk(self) -> Iterator[_Client]:
        if self._client is None and not self._broken:
            self._connect()  # remove has ended the session that came before
        client = self._client
        if client is None:
            raise Unreachable(
                _("There is no connection to %(host)s.") % {"host": self._server.host}
            )
        client.clock.restart()
        try:
            yield client
        except poplib.error_proto as error:
            self._drop()
            values = {
                "host": self._server.host,
                "words": self._server.redact(error.args[0] if error.args else ""),
            }
            raise TransportError(_("%(host)s said no: %(words)s") % values) from None
        except OSError as error:
            self._drop()
            raise self._server.unreachable(error, self._limits) from error
        except BaseException:
            self._drop()  # whatever it was, the session is not where we think it is
            raise

    def _drop(self) -> None:
        client, self._client = self._client, None
        self._broken = True
        if client is not None:
            _cut(client)

    # Messages

    def _index(self) -> None:
        with self._talk() as client:
            try:
                uidls = [line.split(None, 1) for line in client.uidl()[1]]
            except poplib.error_proto:
                raise TransportError(
                    _("%(host)s cannot name its messages (UIDL); they cannot be fetched safely.")
                    % {"host": self._server.host}
                ) from None
            sizes = [line.split() for line in client.list()[1]]
        self._sizes = {int(line[0]): int(line[1]) for line in sizes if len(line) >= 2}
        self._numbers = {}
        for number, uidl in (pair for pair in uidls if len(pair) == 2):
            # Equal UIDLs mean equal copies (RFC 1939 section 7): they are one message to us.
            self._numbers.setdefault(uidl.decode("latin-1").strip(), []).append(int(number))

    def listing(self) -> Iterator[Item]:
        with self._talk():
            items = [
                Item(key, self._sizes.get(numbers[0])) for key, numbers in self._numbers.items()
            ]
        yield from items

    def fetch(self, key: str) -> bytes:
        with self._talk():
            numbers = self._numbers.get(key)
        if not numbers:
            raise MessageGone(_("The message is not in the maildrop any more."))
        size = self._sizes.get(numbers[0], 0)
        if size > self._limits.max_bytes:
            values = {"size": size, "limit": self._limits.max_bytes}
            raise TooLarge(_("The message has %(size)d bytes; the limit is %(limit)d.") % values)
        with self._talk() as client:
            return client.message(numbers[0])

    def remove(self, keys: Iterable[str]) -> None:
        with self._talk() as client:
            numbers = [number for key in set(keys) for number in self._numbers.get(key, ())]
            if not numbers:
                return
            for number in sorted(numbers):
                client.clock.restart()
                client.dele(number)
            client.quit()  # the server deletes now; without it, it must not (RFC 1939 section 6)
            self._client = None


def _cut(client: _Client) -> None:
    with suppress(OSError):
        client.close()
