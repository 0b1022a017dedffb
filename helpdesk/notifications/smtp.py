"""The conversation with the mail server (RFC 5321), and what it means for one mail.

`smtplib` speaks; this decides. What matters is the moment the content begins to go out: whatever
happens before it can be done again, whatever breaks after it leaves open whether the mail went.
"""

from __future__ import annotations

import re
import smtplib
import ssl
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from django.conf import settings

from helpdesk import conf
from helpdesk.errors import HelpdeskError

#: Seconds to wait for the answer to the content; servers scan mail now (RFC 5321 4.5.3.2.6).
ANSWER_TIMEOUT = 600.0

_WORDS = 1000


class Outcome(StrEnum):
    """What became of a mail at the server."""

    SENT = "sent"  # taken for everybody who was not refused
    PARTLY = "partly"  # taken for some; others may be tried again later
    RETRY = "retry"  # surely not taken; may be tried again later
    REFUSED = "refused"  # surely not taken, and never will be
    UNCERTAIN = "uncertain"  # the content went out and no answer came
    WITHDRAWN = "withdrawn"  # nothing went out: the row is not ours any more


@dataclass(frozen=True)
class Result:
    """Outcome with the server's last words, who got the mail, and who was refused for good."""

    outcome: Outcome
    code: int = 0
    words: str = ""
    delivered: tuple[str, ...] = ()
    refused: tuple[tuple[str, str], ...] = ()  # (address, the server's words)


class Unreachable(Exception):
    """No conversation came about; this says nothing of any mail."""


@dataclass(frozen=True)
class Route:
    """By which server mail goes out."""

    host: str
    port: int
    user: str = ""
    secret: str = field(default="", repr=False)
    starttls: bool = False
    tls: bool = False
    timeout: float = 30.0
    certificate: tuple[str, str] | None = None  # file names of our own certificate and key
    # instead of a password: gives mechanism and first answer (RFC 4954 4), may raise `HelpdeskError`
    authenticator: Callable[[], tuple[str, bytes]] | None = field(default=None, repr=False)

    @classmethod
    def from_settings(cls) -> Route:
        """Return the route that Django's EMAIL_ settings describe."""
        certificate = settings.EMAIL_SSL_CERTFILE, settings.EMAIL_SSL_KEYFILE
        return cls(
            host=settings.EMAIL_HOST,
            port=settings.EMAIL_PORT,
            user=settings.EMAIL_HOST_USER or "",
            secret=settings.EMAIL_HOST_PASSWORD or "",
            starttls=settings.EMAIL_USE_TLS,
            tls=settings.EMAIL_USE_SSL,
            timeout=settings.EMAIL_TIMEOUT or 30.0,
            certificate=certificate if all(certificate) else None,  # type: ignore[arg-type]
        )


@dataclass(frozen=True)
class Envelope:
    """Who sends ('' for automatic mail, RFC 3834 3.3) and who receives."""

    sender: str
    recipients: tuple[str, ...]


class Server:
    """A connection that is opened when first needed and stays open for the mails of one run."""

    def __init__(self, route: Route) -> None:
        self.route = route
        #: The server said nothing for as long as we wait: more mails would fare no better now.
        self.fell_silent = False
        self._smtp: smtplib.SMTP | None = None

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_error: object) -> None:
        if self._smtp is not None:
            try:
                self._smtp.quit()
            except OSError:
                self._smtp.close()
            self._smtp = None

    def open(self) -> None:
        """Connect, secure and log in, unless that is done. Raises `Unreachable`, with its cause."""
        if self._smtp is not None:
            return
        smtp: smtplib.SMTP | None = None
        try:
            # first: a token may take its time, and a mail server does not wait long for a log-in
            proof = self.route.authenticator() if self.route.authenticator else None
            smtp = self._connect()
            smtp.ehlo_or_helo_if_needed()
            if self.route.starttls:
                smtp.starttls(context=self._context())
                smtp.ehlo_or_helo_if_needed()
            if proof is not None:
                _prove(smtp, *proof)
            elif self.route.user:
                smtp.login(self.route.user, self.route.secret)
        # smtplib's own errors are OSErrors too; it takes no user or password beyond ASCII
        except (OSError, UnicodeError, HelpdeskError) as error:
            if smtp is not None:
                smtp.close()
            raise Unreachable(_error_words(error)) from error
        self._smtp = smtp

    def _connect(self) -> smtplib.SMTP:
        route, name = self.route, conf.mail_domain()
        if not route.tls:
            return smtplib.SMTP(route.host, route.port, local_hostname=name, timeout=route.timeout)
        return smtplib.SMTP_SSL(
            route.host,
            route.port,
            local_hostname=name,
            timeout=route.timeout,
            context=self._context(),
        )

    def _context(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        if self.route.certificate is not None:
            context.load_cert_chain(*self.route.certificate)
        return context

    def deliver(self, envelope: Envelope, raw: bytes, on_content: Callable[[], bool]) -> Result:
        """Hand over one mail. Raises `Unreachable`, and only before anything was said of it.

        `on_content` is called once, when the server asks for the content and before its first byte
        goes out; if it returns False, or raises, nothing is sent.
        """
        self.open()
        smtp = self._smtp
        assert smtp is not None  # noqa: S101  open() raises otherwise
        try:
            envelope_result = _envelope(smtp, envelope)
        except OSError as error:
            self._broke(error)
            return Result(Outcome.RETRY, words=_error_words(error))
        if isinstance(envelope_result, Result):
            self._reset(envelope_result.code)
            return envelope_result
        accepted = envelope_result
        try:
            if not on_content():
                self._drop()
                return Result(Outcome.WITHDRAWN)
        except BaseException:
            self._drop()  # the server waits for content: to hang up is the only way to take it back
            raise
        try:
            code, words = self._content(smtp, raw)
        except OSError as error:
            self._broke(error)
            return Result(Outcome.UNCERTAIN, words=_error_words(error))
        return self._judge(code, words, accepted)

    def _content(self, smtp: smtplib.SMTP, raw: bytes) -> tuple[int, str]:
        if smtp.sock is None:
            raise smtplib.SMTPServerDisconnected("not connected")
        smtp.send(_dotted(raw) + b".\r\n")
        smtp.sock.settimeout(ANSWER_TIMEOUT)
        code, words = _decoded(smtp.getreply())
        smtp.sock.settimeout(self.route.timeout)
        return code, words

    def _judge(self, code: int, words: str, accepted: _Accepted) -> Result:
        self._reset(code)
        if 200 <= code < 300:
            outcome = Outcome.PARTLY if accepted.later else Outcome.SENT
            if accepted.later:
                words = accepted.later
            return Result(outcome, code, words, accepted.now, accepted.refused)
        if 400 <= code < 600:
            outcome = Outcome.RETRY if code < 500 else Outcome.REFUSED
            return Result(outcome, code, words, refused=accepted.refused)
        self._drop()
        return Result(Outcome.UNCERTAIN, code, words)  # no answer we understand

    def _reset(self, code: int) -> None:
        """Make the connection ready for the next mail, or give it up."""
        if code == 421 or self._smtp is None:  # the server is closing (RFC 5321 3.8)
            self._drop()
            return
        try:
            self._smtp.rset()
        except OSError:
            self._drop()

    def _broke(self, error: OSError) -> None:
        self.fell_silent = is_silence(error)
        self._drop()

    def _drop(self) -> None:
        if self._smtp is not None:
            self._smtp.close()
            self._smtp = None


@dataclass(frozen=True)
class _Accepted:
    now: tuple[str, ...]
    later: str  # words of the last temporary refusal, '' without one
    refused: tuple[tuple[str, str], ...]


def _prove(smtp: smtplib.SMTP, mechanism: str, first: bytes) -> None:
    """Log in with a proof made elsewhere (RFC 4954). A refusal raises `SMTPAuthenticationError`."""

    def respond(challenge: bytes | None = None) -> str:
        # a challenge after the proof tells why it is refused; an empty answer asks for the verdict
        return first.decode() if challenge is None else ""

    smtp.auth(mechanism, respond)


def _envelope(smtp: smtplib.SMTP, envelope: Envelope) -> Result | _Accepted:
    """Say MAIL, RCPT and DATA; return who is accepted, once the server asks for the content."""
    options = ""
    if not all(address.isascii() for address in (envelope.sender, *envelope.recipients)):
        if not smtp.has_extn("smtputf8"):
            return Result(Outcome.REFUSED, 553, "the server takes no such address (SMTPUTF8)")
        options, smtp.command_encoding = " SMTPUTF8 BODY=8BITMIME", "utf-8"
    code, words = _decoded(smtp.docmd(f"MAIL FROM:<{envelope.sender}>{options}"))
    if code != 250:
        return _refusal(code, words)
    now, refused, later, later_code = [], [], "", 0
    for address in envelope.recipients:
        code, words = _decoded(smtp.docmd(f"RCPT TO:<{address}>"))
        if code in (250, 251):
            now.append(address)
        elif 500 <= code < 600:
            refused.append((address, f"{code} {words}"))
        else:
            later, later_code = f"{code} {words}", code
        if code == 421:
            return Result(Outcome.RETRY, code, words)
    if not now and later:
        return Result(Outcome.RETRY, later_code, later[4:], refused=tuple(refused))
    if not now:
        return Result(Outcome.REFUSED, code, words, refused=tuple(refused))
    code, words = _decoded(smtp.docmd("DATA"))
    if code != 354:
        return _refusal(code, words, refused)
    return _Accepted(tuple(now), later, tuple(refused))


def _refusal(code: int, words: str, refused: Sequence[tuple[str, str]] = ()) -> Result:
    outcome = Outcome.REFUSED if 500 <= code < 600 else Outcome.RETRY
    return Result(outcome, code, words, refused=tuple(refused))


def _dotted(raw: bytes) -> bytes:
    """Return the content with CRLF line ends only, dots doubled (RFC 5321 2.3.8, 4.5.2)."""
    lines = re.sub(rb"\r\n|\r|\n", b"\r\n", raw)
    if not lines.endswith(b"\r\n"):
        lines += b"\r\n"
    return re.sub(rb"(?m)^\.", b"..", lines)


def _decoded(reply: tuple[int, bytes]) -> tuple[int, str]:
    code, words = reply
    return code, words.decode("utf-8", "replace").replace("\0", "")[:_WORDS]


def _error_words(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        code, words = error.smtp_code, error.smtp_error
        text = words.decode("utf-8", "replace") if isinstance(words, bytes) else str(words)
        return f"{code} {text}"[:_WORDS]
    if isinstance(error, HelpdeskError):
        return str(error)[:_WORDS]
    if isinstance(error, UnicodeError):  # its own words would quote the secret
        return type(error).__name__
    return f"{type(error).__name__}: {error}"[:_WORDS]


def is_silence(error: BaseException | None) -> bool:
    """Tell whether a conversation ended because no answer came in time."""
    # smtplib makes a time-out while it reads one of its own errors
    return any(
        isinstance(one, TimeoutError) for one in (error, getattr(error, "__context__", None))
    )


def without(recipients: Iterable[str], *done: str) -> tuple[str, ...]:
    """Return the recipients that are left, in order, each once."""
    return tuple(one for one in dict.fromkeys(recipients) if one not in done)
