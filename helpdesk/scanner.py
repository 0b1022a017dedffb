"""The virus scanner: clamd, asked over its socket (INSTREAM). Configured by `CLAMD`, else there is none.

Knows no tables: what follows from a finding is decided where files are kept (`actions.scanning`).
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO

from clamav_client.clamd import (
    BufferTooLongError,
    ClamdError,
    ClamdNetworkSocket,
    ClamdUnixSocket,
)

from . import conf, storage

#: Seconds that a form waits for the scanner, and that the worker does.
IN_A_FORM, IN_THE_WORKER = 8.0, 120.0
#: What this process found clean a moment ago need not be scanned again when it is stored.
_REMEMBERED, _FOR = 500, 600.0
#: Forms do not ask a scanner again that gave no answer so many seconds ago.
REST = 30.0
_rests_until = 0.0
_clean: OrderedDict[str, float] = OrderedDict()


class ScannerDown(Exception):
    """The scanner does not answer, or not in time. Nothing is known of the file."""


@dataclass(frozen=True)
class Verdict:
    """What the scanner said: the name of what it found ('' if nothing), or that the file is too large for it."""

    finding: str = ""
    too_large: bool = False


def is_on() -> bool:
    """Tell whether this site has a virus scanner."""
    return bool(conf.get("CLAMD"))


def scan(content: bytes, *, timeout: float = IN_A_FORM) -> Verdict:
    """Return what clamd says of `content`. Raises `ScannerDown` if it says nothing within `timeout` seconds."""
    try:
        with _client(timeout) as client:
            answer = client.instream(BytesIO(content))
    except BufferTooLongError:
        return Verdict(too_large=True)
    except (ClamdError, OSError, AttributeError, TypeError) as error:
        # clamd hangs up in the middle of a file that is larger than its StreamMaxLength
        cut_off = (BrokenPipeError, ConnectionResetError)
        if isinstance(error.__cause__ or error, cut_off) and is_up():
            return Verdict(too_large=True)
        raise ScannerDown(type(error).__name__) from None
    status, finding = next(iter(answer.values()), ("ERROR", ""))
    if status == "FOUND":
        return Verdict(finding=str(finding or "?")[:200])
    if status != "OK":
        raise ScannerDown(status)
    _remember(storage.digest(content))
    return Verdict()


def scan_at_once(content: bytes) -> Verdict | None:
    """Scan for somebody who waits at a form. None: the scanner does not answer, now or a moment ago.

    Ten files must not wait ten times for a scanner that hangs.
    """
    global _rests_until
    if time.monotonic() < _rests_until:
        return None
    try:
        return scan(content)
    except ScannerDown:
        _rests_until = time.monotonic() + REST
        return None


def is_up(timeout: float = 2.0) -> bool:
    """Tell whether clamd answers."""
    try:
        with _client(timeout) as client:
            return str(client.ping()).strip() == "PONG"
    except (ClamdError, OSError, AttributeError, TypeError):
        return False


def was_clean(sha256: str) -> bool:
    """Tell whether this process has just found these bytes clean."""
    return _clean.get(sha256, 0.0) > time.monotonic()


def _remember(sha256: str) -> None:
    _clean[sha256] = time.monotonic() + _FOR
    _clean.move_to_end(sha256)
    while len(_clean) > _REMEMBERED:
        _clean.popitem(last=False)


@contextmanager
def _client(timeout: float) -> Iterator[ClamdNetworkSocket | ClamdUnixSocket]:
    """Give a client, and close its socket afterwards: the library leaves it open where it cannot connect."""
    client = _made(timeout)
    try:
        yield client
    finally:
        socket = getattr(client, "clamd_socket", None)
        if socket is not None:
            socket.close()


def _made(timeout: float) -> ClamdNetworkSocket | ClamdUnixSocket:
    where = str(conf.get("CLAMD"))
    if where.startswith(("/", "unix:")):
        return ClamdUnixSocket(where.removeprefix("unix:"), timeout=timeout)
    host, _colon, port = where.rpartition(":")
    if not port.isdecimal():
        host, port = where, "3310"
    return ClamdNetworkSocket(host.strip("[]"), int(port), timeout=timeout)
