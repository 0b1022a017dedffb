"""Where mail is fetched from: one class for each kind of mailbox, chosen by the mailbox's address.

Nothing here knows a ticket, a queue or a row of the database. What is fetched is committed by the caller
before it asks for the removal.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from django.utils.translation import gettext as _

from .base import (
    Authenticator,
    InvalidUri,
    Item,
    Limits,
    LoginRefused,
    LoginUnavailable,
    MailboxLocked,
    MessageGone,
    TooLarge,
    Transport,
    TransportError,
    Unreachable,
    UnsupportedScheme,
)
from .imap import ImapTransport
from .maildir import MaildirTransport
from .mbox import MboxTransport
from .pop3 import Pop3Transport
from .wire import Security, Server, is_loopback

__all__ = [
    "Authenticator",
    "InvalidUri",
    "Item",
    "Limits",
    "LoginRefused",
    "LoginUnavailable",
    "MailboxLocked",
    "MessageGone",
    "TooLarge",
    "Transport",
    "TransportError",
    "Unreachable",
    "UnsupportedScheme",
    "open_transport",
]

SERVERS = {
    "imap": ("imap", Security.NONE, 143),
    "imap+tls": ("imap", Security.STARTTLS, 143),
    "imap+ssl": ("imap", Security.TLS, 993),
    "imaps": ("imap", Security.TLS, 993),
    "pop3": ("pop3", Security.NONE, 110),
    "pop3+tls": ("pop3", Security.STARTTLS, 110),
    "pop3+ssl": ("pop3", Security.TLS, 995),
    "pop3s": ("pop3", Security.TLS, 995),
}
OPTIONS = {
    "imap": {"folder", "archive", "ca", "insecure"},
    "pop3": {"ca", "insecure"},
    "maildir": {"folder", "archive"},
    "mbox": set[str](),
}


def open_transport(
    uri: str,
    secret: str | None = None,
    *,
    authenticate: Authenticator | None = None,
    limits: Limits | None = None,
) -> Transport:
    """Return the transport for a mailbox's address, not yet connected: enter it as a context manager.

    Addresses are those of django-mailbox: `imap[+ssl|+tls]://user@host:port/?folder=…&archive=…`, `pop3[+ssl|+tls]`,
    `maildir:///path`, `mbox:///path`; also `ca=` (a file of certificates) and `insecure=1` (this machine only). The
    secret is better given apart; one in the address is used if none is. Raises InvalidUri or UnsupportedScheme; no
    text of an error repeats the address.
    """
    limits = limits or Limits()
    parts = _split(uri)
    scheme = parts.scheme.lower()
    if scheme in ("maildir", "mbox"):
        return _local(scheme, parts, limits)
    if scheme not in SERVERS:
        raise UnsupportedScheme(
            _("Mailboxes of the kind %(scheme)s are not fetched; use imap, pop3, maildir or mbox.")
            % {"scheme": scheme or "?"}
        )
    kind, security, usual_port = SERVERS[scheme]
    options = _options(kind, parts)
    server = _server(parts, secret, _port(parts) or usual_port, security, options, authenticate)
    if kind == "pop3":
        return Pop3Transport(server, limits=limits)
    folder = options.get("folder", "INBOX")
    if options.get("archive") == folder:
        raise InvalidUri(_("The archive must be another folder than the one that is fetched."))
    return ImapTransport(server, folder=folder, move_to=options.get("archive", ""), limits=limits)


# Nothing of what urlsplit says is passed on: with a wrongly encoded secret it would quote parts of it.


def _split(uri: str) -> SplitResult:
    try:
        return urlsplit(uri.strip())
    except ValueError:
        raise _unreadable() from None


def _port(parts: SplitResult) -> int | None:
    try:
        return parts.port
    except ValueError:
        raise _unreadable() from None


def _unreadable() -> InvalidUri:
    return InvalidUri(
        _(
            "The address of the mailbox cannot be read. Special characters in it must be percent-encoded."
        )
    )


def _local(scheme: str, parts: SplitResult, limits: Limits) -> Transport:
    options = _options(scheme, parts)
    path = unquote(parts.path)
    if parts.netloc or not path.startswith("/") or "\0" in path:
        raise InvalidUri(
            _(
                "The address needs a full path after three slashes, as in %(scheme)s:///var/mail/desk."
            )
            % {"scheme": scheme}
        )
    if scheme == "mbox":
        return MboxTransport(Path(path), limits=limits)
    return MaildirTransport(
        Path(path),
        folder=options.get("folder", ""),
        move_to=options.get("archive", ""),
        limits=limits,
    )


def _options(kind: str, parts: SplitResult) -> dict[str, str]:
    if parts.fragment:
        raise InvalidUri(_("A # in the address must be written as %(code)s.") % {"code": "%23"})
    options = {name: value for name, value in parse_qsl(parts.query) if value}
    if not options.keys() <= OPTIONS[kind]:
        # The wrong one is not named: it may be the rest of a secret with a question mark in it.
        known = ", ".join(sorted(OPTIONS[kind])) or "-"
        raise InvalidUri(
            _("The address has an option that %(kind)s does not know; known are: %(known)s.")
            % {"kind": kind, "known": known}
        )
    if any(ord(character) < 32 for value in options.values() for character in value):
        raise InvalidUri(_("The options of the address contain control characters."))
    return options


def _server(
    parts: SplitResult,
    secret: str | None,
    port: int,
    security: Security,
    options: dict[str, str],
    authenticate: Authenticator | None,
) -> Server:
    host = parts.hostname
    user = unquote(parts.username or "")
    word = unquote(parts.password or "") if secret is None else secret
    if not host or not user:
        raise InvalidUri(
            _("The address needs a user and a server, as in imap+ssl://desk@mail.example.org.")
        )
    if any(ord(character) < 32 for character in user + word):
        raise InvalidUri(_("The user or the secret contains control characters."))
    insecure = options.get("insecure") == "1"
    if insecure and not is_loopback(host):
        raise InvalidUri(_("insecure=1 is only for servers on this machine; give ca= for others."))
    return Server(host, port, user, word, security, options.get("ca", ""), insecure, authenticate)
