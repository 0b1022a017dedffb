"""The address of a mailbox, taken apart for a form and put together again."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from django.utils.translation import gettext_lazy

PROTOCOLS = (
    ("imap+ssl", gettext_lazy("IMAP with TLS")),
    ("imap+tls", gettext_lazy("IMAP with STARTTLS")),
    ("imap", gettext_lazy("IMAP without encryption")),
    ("pop3+ssl", gettext_lazy("POP3 with TLS")),
    ("pop3+tls", gettext_lazy("POP3 with STARTTLS")),
    ("pop3", gettext_lazy("POP3 without encryption")),
    ("maildir", gettext_lazy("Maildir on this machine")),
    ("mbox", gettext_lazy("Mbox on this machine")),
)
LOCAL = frozenset({"maildir", "mbox"})
OPEN = frozenset({"imap", "pop3"})
_SAME = {"imaps": "imap+ssl", "pop3s": "pop3+ssl"}


@dataclass(frozen=True)
class Address:
    """A mailbox's address in parts. The secret is there only if somebody wrote it into the URI."""

    protocol: str = "imap+ssl"
    host: str = ""
    port: int | None = None
    user: str = ""
    folder: str = ""
    path: str = ""
    secret: str = ""
    options: tuple[tuple[str, str], ...] = ()  # those this form does not know

    @classmethod
    def read(cls, uri: str) -> Address:
        """Take a URI apart; one that cannot be read gives an empty address."""
        try:
            parts = urlsplit(uri)
            port = parts.port
        except ValueError:
            return cls()
        options = dict(parse_qsl(parts.query))
        scheme = parts.scheme.lower()
        return cls(
            protocol=_SAME.get(scheme, scheme) or "imap+ssl",
            host=parts.hostname or "",
            port=port,
            user=unquote(parts.username or ""),
            folder=options.pop("folder", ""),
            path=unquote(parts.path) if scheme in LOCAL else "",
            secret=unquote(parts.password or ""),
            options=tuple(sorted(options.items())),
        )

    def uri(self) -> str:
        """Write the address without its secret."""
        options = [*([("folder", self.folder)] if self.folder else []), *self.options]
        query = f"?{urlencode(options)}" if options else ""
        if self.protocol in LOCAL:
            return f"{self.protocol}://{quote(self.path)}{query}"
        port = f":{self.port}" if self.port else ""
        return f"{self.protocol}://{quote(self.user, safe='')}@{self.host}{port}/{query}"

    @property
    def shown(self) -> str:
        return f"{self.protocol} {self.path or self.host}"
