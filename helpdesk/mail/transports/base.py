"""What every way to fetch mail promises, and how it fails.

A transport never decides: it lists, reads and, when told, removes. The caller's ledger knows what was
committed; a transport keeps no memory of its own between two sessions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import ClassVar, Protocol, Self

# Returns the SASL mechanism and its first answer, for example ("XOAUTH2", b"user=…"). Called once a login,
# so that a token may be renewed just before.
Authenticator = Callable[[], tuple[str, bytes]]


class TransportError(Exception):
    """Mail could not be listed, read or removed. The text is for an administrator and holds no secret."""

    code: ClassVar[str] = "transport"


class InvalidUri(TransportError):
    """The address of the mailbox cannot be used as it is written."""

    code = "uri"


class UnsupportedScheme(InvalidUri):
    """The address names a kind of mailbox that is not fetched."""

    code = "scheme"


class Unreachable(TransportError):
    """No connection, a broken one, a time-out or an untrusted certificate: worth another try later."""

    code = "unreachable"


class LoginRefused(TransportError):
    """The server knows the name or the secret is wrong: another try will not help."""

    code = "login"


class LoginUnavailable(Unreachable):
    """The server cannot check a login at present; some say so too of a token that was revoked."""

    code = "login_unavailable"


class MailboxLocked(TransportError):
    """Somebody else holds the mailbox."""

    code = "locked"


class MessageGone(TransportError):
    """The message is not in the mailbox any more."""

    code = "gone"


class TooLarge(TransportError):
    """The message is larger than the limit; it stays where it is."""

    code = "too_large"


@dataclass(frozen=True, slots=True)
class Item:
    """One message of a listing; the size is in bytes as the source announces it, None if it does not."""

    key: str
    size: int | None


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds to wait for the other side to say anything, and the largest message in bytes."""

    timeout: float = 30.0
    max_bytes: int = 50 * 1024 * 1024

    @property
    def patience(self) -> float:
        """Seconds one whole operation may take, so that a server that drips bytes cannot hold a worker."""
        return self.timeout * 20


class Transport(Protocol):
    """A mailbox as a context manager: entered it is connected, left it is closed and nothing else happens."""

    @property
    def source(self) -> str:
        """Name of the place the keys are valid for, without any secret; keys of two sources may be equal."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def listing(self) -> Iterator[Item]:
        """Yield every message, oldest first, those another run has marked as deleted included.

        What arrives or goes while the listing runs may be left to the next one.
        """

    def fetch(self, key: str) -> bytes:
        """Return the message as the source hands it out, and change nothing there.

        Raises MessageGone if it has vanished, TooLarge if it is above the limit.
        """

    def remove(self, keys: Iterable[str]) -> None:
        """Delete these messages, or move them where the address says, and nothing else.

        Only call it once the messages are committed elsewhere. Keys that are gone are passed over. Returns
        when the source has confirmed; after an error any part of them may be left, so call it again.
        """
