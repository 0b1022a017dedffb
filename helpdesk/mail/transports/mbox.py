"""A file of many messages (RFC 4155), `From ` lines quoted in the reversible manner (mboxrd).

Whoever delivers must lock as we do: a dot-lock beside the file, and fcntl on the file.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import socket
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from django.utils.translation import gettext as _

from .base import Item, Limits, MailboxLocked, MessageGone, TooLarge, TransportError
from .wire import CHUNK

# A delivery writes the sender and the time; a sentence that begins with "From " has no clock in it.
SEPARATOR = re.compile(rb"From .*\d\d:\d\d")
QUOTED = re.compile(rb"^>(>*From )", re.MULTILINE)
PAUSE = 0.05  # seconds between two tries for a lock
GRACE = 0.1  # seconds left to a delivery that waits at the file we have replaced


@dataclass(frozen=True, slots=True)
class _Entry:
    """Where one message lies: its `From ` line at `start`, its bytes from `body` to `end`, the next one at `stop`."""

    key: str
    start: int
    body: int
    end: int
    stop: int


class MboxTransport:
    """An mbox on this machine; a key is the SHA-256 of the message with its `From ` line, and a number among equals.

    Of byte-identical messages with the same sender and second, any one stands for any other.
    """

    def __init__(self, path: Path, *, limits: Limits) -> None:
        self._path = path.resolve()  # a link stays a link when the file behind it is replaced
        self._limits = limits
        self._entries: dict[str, _Entry] = {}

    @property
    def source(self) -> str:
        return f"mbox://{self._path}"

    def __enter__(self) -> Self:
        if not self._path.is_file():
            raise TransportError(_("%(path)s is not a file.") % {"path": self._path})
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._entries = {}

    @contextmanager
    def _locked(self) -> Iterator[BinaryIO]:
        """Hold both locks and yield the file, open for reading and writing."""
        until = time.monotonic() + self._limits.timeout
        try:
            with ExitStack() as stack:
                stack.enter_context(_dot_lock(self._path, until))
                file = stack.enter_context(self._path.open("r+b"))
                _lock(file, self._path, until)
                yield file
        except OSError as error:
            raise self._failed(error) from error

    def _failed(self, error: OSError) -> TransportError:
        values = {"path": self._path, "words": error.strerror or error}
        return TransportError(_("The file %(path)s cannot be used: %(words)s") % values)

    def _index(self) -> None:
        with self._locked() as file:
            self._entries = {entry.key: entry for entry in _entries(file, self._path)}

    def listing(self) -> Iterator[Item]:
        self._index()
        for entry in list(self._entries.values()):
            yield Item(entry.key, entry.end - entry.body)

    def fetch(self, key: str) -> bytes:
        # The file may have been written anew since it was indexed; then the bytes at that place tell.
        raw = self._read(key)
        if raw is None:
            self._index()
            raw = self._read(key)
        if raw is None:
            raise MessageGone(_("The message is not in the file any more."))
        return raw

    def _read(self, key: str) -> bytes | None:
        entry = self._entries.get(key)
        if entry is None:
            return None
        size = entry.end - entry.body
        if size > self._limits.max_bytes:
            values = {"size": size, "limit": self._limits.max_bytes}
            raise TooLarge(_("The message has %(size)d bytes; the limit is %(limit)d.") % values)
        try:
            with self._path.open("rb") as file:
                file.seek(entry.start)
                stored = file.read(entry.end - entry.start)
        except OSError as error:
            raise self._failed(error) from error
        if _digest(stored) != key.partition(":")[2].partition(":")[0]:
            return None
        return QUOTED.sub(rb"\1", stored[entry.body - entry.start :])

    def remove(self, keys: Iterable[str]) -> None:
        wanted = set(keys)
        if not wanted:
            return
        self._entries = {}  # every offset is about to change
        with self._locked() as file:
            entries = list(_entries(file, self._path))
            kept = [entry for entry in entries if entry.key not in wanted]
            if len(kept) < len(entries):
                self._replace(file, kept)

    def _replace(self, old: BinaryIO, kept: list[_Entry]) -> None:
        """Put a file with only these messages in the place of the old one, at once and on disk."""
        state = os.fstat(old.fileno())
        draft = self._path.with_name(f".{self._path.name}.draft")
        with suppress(FileNotFoundError):
            draft.unlink()  # of a process that was killed
        descriptor = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with open(descriptor, "r+b") as new:  # noqa: PTH123 - a descriptor, not a path
                if (state.st_uid, state.st_gid) != (os.geteuid(), os.getegid()):
                    os.fchown(descriptor, state.st_uid, state.st_gid)
                os.fchmod(descriptor, state.st_mode & 0o7777)
                for entry in kept:
                    _copy(old, new, entry.start, entry.stop)
                _sync(new)
                fcntl.lockf(new, fcntl.LOCK_EX)
                draft.replace(self._path)
                _sync_folder(self._path.parent)
                _rescue(old, new, state.st_size, self._path, self._limits.timeout)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise


@contextmanager
def _dot_lock(path: Path, until: float) -> Iterator[None]:
    lock = path.with_name(path.name + ".lock")
    while True:
        try:
            descriptor = os.open(lock, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
            break
        except FileExistsError:
            if _removed_if_dead(lock):
                continue
            if time.monotonic() > until:
                # A stranger's lock is never broken: better no mail for a while than a file written by two.
                raise MailboxLocked(
                    _(
                        "%(lock)s says that another program uses the mailbox; if none does, delete that file."
                    )
                    % {"lock": lock}
                ) from None
            time.sleep(PAUSE)
    try:
        os.write(descriptor, _signature(os.getpid()))
        os.close(descriptor)
        yield
    finally:
        lock.unlink(missing_ok=True)


def _signature(pid: int) -> bytes:
    return f"{pid} stelze {socket.gethostname()}\n".encode()


def _removed_if_dead(lock: Path) -> bool:
    """Delete a lock that a process of ours on this machine left when it was killed; return whether it did."""
    try:
        with lock.open("r+b") as file:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # of two that clean up, one goes first
            words = file.read(200)
            pid = int(words.split(b" ")[0] or 0)
            if words != _signature(pid) or not os.path.samestat(
                os.fstat(file.fileno()), lock.stat()
            ):
                return False
            os.kill(pid, 0)
    except ProcessLookupError:
        lock.unlink(missing_ok=True)
        return True
    except (OSError, ValueError):
        return False
    return False


def _lock(file: BinaryIO, path: Path, until: float) -> None:
    while True:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except (BlockingIOError, PermissionError):
            if time.monotonic() > until:
                raise MailboxLocked(
                    _("Another program holds the mailbox %(path)s.") % {"path": path}
                ) from None
            time.sleep(PAUSE)


def _rescue(old: BinaryIO, new: BinaryIO, size: int, path: Path, timeout: float) -> None:
    """Fetch over what was delivered to the replaced file by a program that had it open and waited for the lock."""
    until = time.monotonic() + timeout
    while True:
        fcntl.lockf(old, fcntl.LOCK_UN)
        time.sleep(GRACE)
        _lock(old, path, until)
        grown = os.fstat(old.fileno()).st_size
        if grown <= size:
            return
        new.seek(0, os.SEEK_END)
        _copy(old, new, size, grown)
        _sync(new)
        size = grown


def _copy(source: BinaryIO, target: BinaryIO, start: int, stop: int) -> None:
    source.seek(start)
    left = stop - start
    while left > 0:
        piece = source.read(min(CHUNK, left))
        if not piece:
            raise OSError("the file is shorter than it was")
        target.write(piece)
        left -= len(piece)


def _sync(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _digest(stored: bytes) -> str:
    # Empty lines at the end are not counted: whether they belong to the message or part it from the next one
    # is known only once there is a next one.
    return hashlib.sha256(stored.rstrip(b"\r\n")).hexdigest()


def _lines(file: BinaryIO) -> Iterator[tuple[int, bytes, bool]]:
    """Yield offset, bytes and whether a line begins here, in pieces of bounded length."""
    offset, fresh = 0, True
    while piece := file.readline(CHUNK):
        yield offset, piece, fresh
        offset += len(piece)
        fresh = piece.endswith(b"\n")


class _Reader:
    """Follows one message through the file: what it hashes, and where its last line that is not empty ends."""

    def __init__(self, start: int, line: bytes) -> None:
        self.start = start
        self.body = start + len(line)
        self._hash = hashlib.sha256()
        self._waiting = bytearray()  # ends of lines that only count if text follows
        self.feed(line)

    def feed(self, piece: bytes) -> None:
        text = piece.rstrip(b"\r\n")
        if text:
            self._hash.update(self._waiting)
            self._waiting.clear()
            self._hash.update(text)
        self._waiting += piece[len(text) :]

    def entry(self, stop: int, blank: int, equals: Counter[str]) -> _Entry:
        """Return the finished entry; `blank` is the length of the empty line before `stop`."""
        digest = self._hash.hexdigest()
        equals[digest] += 1
        end = max(self.body, stop - blank)
        return _Entry(f"sha256:{digest}:{equals[digest]}", self.start, self.body, end, stop)


def _entries(file: BinaryIO, path: Path) -> Iterator[_Entry]:
    file.seek(0)
    equals: Counter[str] = Counter()
    reader: _Reader | None = None
    blank = offset = 0
    for offset, piece, fresh in _lines(file):
        if fresh and (reader is None or blank) and SEPARATOR.match(piece):
            if reader is not None:
                yield reader.entry(offset, blank, equals)
            reader = _Reader(offset, piece)
        elif reader is not None:
            reader.feed(piece)
        elif piece.strip(b"\r\n"):
            raise TransportError(
                _("%(path)s is not a file of messages: it does not begin with From.")
                % {"path": path}
            )
        blank = len(piece) if fresh and piece in (b"\n", b"\r\n") else 0
        offset += len(piece)
    if reader is not None:
        yield reader.entry(offset, blank, equals)
