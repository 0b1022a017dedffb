"""A real SMTP server (aiosmtpd) that keeps what it gets, and misbehaves where a test asks for it."""

from __future__ import annotations

import asyncio
import base64
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import MISSING, SMTP, AuthResult, syntax

from .ports import free_ports

#: Instead of an answer: hang up, or say nothing.
DROP, SILENCE = "drop", "silence"


@dataclass(frozen=True)
class Received:
    """One mail as it came over the wire."""

    sender: str
    recipients: tuple[str, ...]
    raw: bytes

    @property
    def message(self) -> EmailMessage:
        """The mail, parsed by the standard library."""
        return message_from_bytes(self.raw, policy=policy.default)


@dataclass
class Sink:
    """A running server. Answers are lines such as "550 no", or DROP or SILENCE; "" is the usual one."""

    port: int = 0
    mails: list[Received] = field(default_factory=list)
    at_mail: str = ""
    at_rcpt: dict[str, str] = field(default_factory=dict)  # by recipient; "*" for everybody
    at_data: str = ""  # the answer to the command DATA
    in_content: str = ""  # while the content comes in: DROP or SILENCE
    at_end: str = ""  # the answer to the whole content
    keep_unanswered: bool = True  # whether a mail counts as received though its answer is DROP
    over: threading.Event = field(default_factory=threading.Event)
    connections: int = 0
    empty_answers: int = 0  # given to the reason of a refused token, as it should be


class _Server(SMTP):
    def __init__(self, sink: Sink, token: tuple[str, str], *args: Any, **options: Any) -> None:
        self.sink, self.token = sink, token
        sink.connections += 1
        super().__init__(*args, **options)
        # given as an option it would warn each time; the tests' log-ins need no STARTTLS
        self._auth_require_tls = bool(options.get("tls_context"))

    async def say(self, answer: str) -> None:
        """Give an answer that is not the usual one."""
        if answer == DROP:
            self.transport.abort()
        elif answer == SILENCE:
            while not self.sink.over.is_set() and not self.transport.is_closing():
                await asyncio.sleep(0.05)
        else:
            await self.push(answer)

    async def auth_XOAUTH2(self, _server: Any, args: list[str]) -> AuthResult:
        """Check user and token; a refusal is told first in JSON, as Google and Microsoft do."""
        proof = base64.b64decode(args[1]) if len(args) > 1 else await self.challenge_auth(b"")
        user, token = self.token
        if user and proof == f"user={user}\x01auth=Bearer {token}\x01\x01".encode():
            return AuthResult(success=True, auth_data=user)
        answer = await self.challenge_auth(b'{"status":"400","schemes":"Bearer"}')
        if answer is not MISSING:
            self.sink.empty_answers += answer == b""
            await self.push("535 5.7.8 token refused")
        return AuthResult(success=False, handled=True)

    @syntax("MAIL FROM: <address>", extended=" [SP <mail-parameters>]")
    async def smtp_MAIL(self, arg: str) -> None:
        if self.sink.at_mail:
            await self.say(self.sink.at_mail)
        else:
            await super().smtp_MAIL(arg)

    @syntax("RCPT TO: <address>", extended=" [SP <mail-parameters>]")
    async def smtp_RCPT(self, arg: str) -> None:
        address = arg.partition("<")[2].partition(">")[0]
        answers = self.sink.at_rcpt
        if answer := answers.get(address) or answers.get("*"):
            await self.say(answer)
        else:
            await super().smtp_RCPT(arg)

    @syntax("DATA")
    async def smtp_DATA(self, arg: str) -> None:
        if self.sink.at_data:
            await self.say(self.sink.at_data)
        elif self.sink.in_content:
            await self.push("354 go on")
            await self._reader.readexactly(20)
            await self.say(self.sink.in_content)
        else:
            await super().smtp_DATA(arg)


class _Handler:
    def __init__(self, sink: Sink) -> None:
        self.sink = sink

    async def handle_DATA(self, server: _Server, session: Any, envelope: Any) -> str:
        answer = self.sink.at_end
        if not answer or (answer in (DROP, SILENCE) and self.sink.keep_unanswered):
            sender = (envelope.mail_from or "").replace("<>", "")
            recipients = tuple(envelope.rcpt_tos)
            self.sink.mails.append(Received(sender, recipients, envelope.original_content))
        if answer in (DROP, SILENCE):
            await server.say(answer)
        return answer or "250 taken"


class _Controller(Controller):
    def __init__(self, sink: Sink, token: tuple[str, str], **options: Any) -> None:
        self._sink, self._token = sink, token
        super().__init__(_Handler(sink), hostname="127.0.0.1", port=sink.port, **options)

    def factory(self) -> _Server:
        return _Server(self._sink, self._token, self.handler, **self.SMTP_kwargs)


@contextmanager
def sink(
    *,
    starttls: ssl.SSLContext | None = None,
    tls: ssl.SSLContext | None = None,
    login: tuple[str, str] | None = None,
    token: tuple[str, str] | None = None,
) -> Iterator[Sink]:
    """Run a server; `starttls` and `tls` are its certificates.

    `login` (user, password) or `token` (user, access token; XOAUTH2) is the only way in.
    """
    (port,) = free_ports(1)
    state = Sink(port)
    options: dict[str, Any] = {"enable_SMTPUTF8": True}
    if starttls:
        options["tls_context"] = starttls
    if login:

        def authenticate(_server: Any, _session: Any, _envelope: Any, _how: str, data: Any) -> Any:
            pair = (data.login.decode(), data.password.decode())
            return AuthResult(success=pair == login, handled=False)

        options |= {
            "authenticator": authenticate,
            "auth_required": True,
        }
    if token:
        options["auth_required"] = True
    controller = _Controller(state, token or ("", ""), ssl_context=tls, **options)
    controller.start()
    state.connections = 0
    try:
        yield state
    finally:
        state.over.set()
        controller.stop()
