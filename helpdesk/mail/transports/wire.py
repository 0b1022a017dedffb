"""The parts IMAP and POP3 share: the server's address, verified TLS, bounded reading, plain errors."""

from __future__ import annotations

import base64
import io
import ipaddress
import socket
import ssl
import time
from dataclasses import dataclass, field
from enum import Enum
from urllib.parse import quote

from django.utils.translation import gettext as _

from .base import Authenticator, InvalidUri, Limits, Unreachable

CHUNK = 64 * 1024


class Security(Enum):
    """How the connection is protected."""

    NONE = "none"
    STARTTLS = "starttls"
    TLS = "tls"


@dataclass(frozen=True, slots=True)
class Server:
    """Where to log in and as whom."""

    host: str
    port: int
    user: str
    secret: str = field(repr=False)
    security: Security
    ca: str = ""
    insecure: bool = False
    authenticate: Authenticator | None = field(default=None, repr=False)

    def tls_context(self) -> ssl.SSLContext:
        """Return a context that verifies certificate and host name; raises InvalidUri for an unusable CA file."""
        try:
            context = ssl.create_default_context(cafile=self.ca or None)
        except OSError:
            raise InvalidUri(
                _("The file of certificates (ca=) for %(host)s cannot be read.")
                % {"host": self.host}
            ) from None
        if self.insecure and is_loopback(self.host):
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context

    def redact(self, words: object) -> str:
        """Return a server's words as text, shortened, with every form of the secret we may have sent blotted out."""
        text = words.decode("utf-8", "replace") if isinstance(words, bytes) else str(words)
        if self.secret:
            plain = self.secret.encode()
            login = b"\0" + self.user.encode() + b"\0" + plain
            forms = {
                self.secret,
                self.secret.replace("\\", "\\\\").replace('"', '\\"'),
                quote(self.secret, safe=""),
                base64.b64encode(plain).decode(),
                base64.b64encode(login).decode(),
            }
            for form in sorted(forms, key=len, reverse=True):
                text = text.replace(form, "…")
        return text[:500]

    def unreachable(self, error: Exception, limits: Limits) -> Unreachable:
        """Return the plain error for what the connection raised."""
        values: dict[str, object] = {"host": self.host, "port": self.port}
        if isinstance(error, TimeoutError):
            text = _("%(host)s port %(port)d did not answer within %(seconds)g seconds.")
            return Unreachable(text % {**values, "seconds": limits.timeout})
        values["words"] = self.redact(error)
        if isinstance(error, ssl.SSLCertVerificationError):
            values["words"] = error.verify_message
            text = _("The certificate of %(host)s is not trusted: %(words)s")
        elif isinstance(error, socket.gaierror):
            text = _("The name %(host)s is not known: %(words)s")
        else:
            text = _("The connection to %(host)s port %(port)d failed: %(words)s")
        return Unreachable(text % values)


def is_loopback(host: str) -> bool:
    """Return whether the host is this machine by its very name."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Clock:
    """The time one operation may still take."""

    def __init__(self, limits: Limits) -> None:
        self._patience = limits.patience
        self._until = time.monotonic() + self._patience

    def restart(self) -> None:
        """Grant the next operation its full time."""
        self._until = time.monotonic() + self._patience

    def check(self) -> None:
        """Raise TimeoutError when the time is used up."""
        if time.monotonic() > self._until:
            raise TimeoutError("the operation took too long")


def read_line(stream: io.BufferedReader, limit: int, clock: Clock) -> bytes:
    """Return the next line with its end, at most `limit` + 1 bytes of it, less at the end of the stream.

    `BufferedReader.readline` waits through any number of small reads; here the clock is asked before each.
    """
    line = bytearray()
    while len(line) <= limit and not line.endswith(b"\n"):
        clock.check()
        waiting = stream.peek(1)
        if not waiting:
            break
        wanted = waiting.find(b"\n") + 1 or len(waiting)
        line += stream.read(min(wanted, limit + 1 - len(line)))
    return bytes(line)


def read_block(stream: io.BufferedReader, size: int, clock: Clock) -> bytes:
    """Return `size` bytes, less at the end of the stream."""
    block = bytearray()
    while len(block) < size:
        clock.check()
        piece = stream.read1(min(CHUNK, size - len(block)))
        if not piece:
            break
        block += piece
    return bytes(block)
