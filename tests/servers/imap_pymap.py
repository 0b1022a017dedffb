"""IMAP by pymap, from PyPI alone, for machines without dovecot. There is no POP3 in it."""

from __future__ import annotations

import imaplib
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from .ports import free_ports, stop, wait_for


@dataclass(frozen=True)
class Pymap:
    """A running server with one user, whose mails live in its memory."""

    imap: int
    user: str = "demouser"
    secret: str = "demopass"

    @property
    def imap_uri(self) -> str:
        """Address without the secret."""
        return f"imap://{self.user}@127.0.0.1:{self.imap}/"

    def deliver(self, raw: bytes, folder: str = "") -> None:
        """Append a mail to the inbox or a folder."""
        with self._login() as client:
            typ, words = client.append(folder or "INBOX", None, None, raw)
            if typ != "OK":
                raise RuntimeError(f"APPEND: {words!r}")

    def remaining(self, folder: str = "") -> list[bytes]:
        """Return the mails in the inbox or a folder, oldest first, those marked as deleted included."""
        with self._login() as client:
            client.select(folder or "INBOX", readonly=True)
            _typ, parts = client.fetch("1:*", "(BODY.PEEK[])")
            return [part[1] for part in parts if isinstance(part, tuple)]

    def empty(self) -> None:
        """Delete what the inbox holds."""
        with self._login() as client:
            client.select("INBOX")
            client.store("1:*", "+FLAGS", r"(\Deleted)")
            client.expunge()

    @contextmanager
    def _login(self) -> Iterator[imaplib.IMAP4]:
        with imaplib.IMAP4("127.0.0.1", self.imap, timeout=20) as client:
            client.login(self.user, self.secret)
            yield client


@contextmanager
def pymap() -> Iterator[Pymap]:
    """Start a server with an empty inbox; skips the test where pymap is not installed."""
    pytest.importorskip("pymap", reason="pymap is not installed")
    (port,) = free_ports(1)
    command = [
        sys.executable,
        "-c",
        "from pymap.main import main; main()",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--no-tls",
    ]
    process = subprocess.Popen(
        [*command, "dict", "--demo-data"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        wait_for(port, process)
        server = Pymap(port)
        server.empty()
        yield server
    finally:
        stop(process)
