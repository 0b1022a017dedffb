"""How backups lie in their folder: names, the manifest, and writing a file so that it is whole or not there."""

from __future__ import annotations

import contextlib
import fcntl
import glob
import hashlib
import json
import os
import re
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

#: Raised with each change after which an older program could not restore.
FORMAT = 1
MANIFEST, BLOBS, FILES, JOURNAL = "manifest.json", "blobs.jsonl", "files.jsonl", "journal.jsonl"
#: The folder of contents that all backups of a target share.
POOL = "blobs"
CHUNK = 1024 * 1024
#: What the names of files begin with that are being written.
ASIDE = ".aside-"
#: Seconds after which nobody is writing it any more.
LEFT_AFTER = 3600.0

_DATED = re.compile(r"\d{4}-\d\d-\d\dT\d{6}Z")


class BackupError(Exception):
    """A backup cannot be made, or not be restored: one sentence that says why and what to do."""


@dataclass
class Manifest:
    """What a backup says of itself. `rows` counts each table, `parts` has digest and size of each file beside it."""

    name: str
    made_at: str  # the moment of its state: ISO 8601 with its zone
    engine: str  # "postgresql", "sqlite"
    server: str
    database: str  # which part holds the database
    application: str
    django: str
    wagtail: str
    system_id: str
    migrations: dict[str, str]  # the last one of each app
    rows: dict[str, int]
    parts: dict[str, dict[str, Any]]
    contents: int  # stored contents that belong to it, and their bytes
    content_bytes: int
    new_bytes: int  # of these, what no earlier backup had
    erased: int  # files erased while the backup was made
    lost: list[str] = field(default_factory=list)  # files missing or damaged in the storage
    keys: list[str] = field(default_factory=list)  # fingerprints, the one that encrypts first
    seconds: float = 0.0
    format: int = FORMAT

    @property
    def moment(self) -> datetime:
        """Return the moment of its state."""
        return datetime.fromisoformat(self.made_at)

    def write(self, folder: Path) -> None:
        """Write it: from now on the folder is a backup."""
        write_whole(folder / MANIFEST, json.dumps(asdict(self), indent=1).encode())

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        """Read the manifest of a backup. Raises `BackupError` if there is none that this program understands."""
        try:
            body = json.loads((folder / MANIFEST).read_bytes())
        except FileNotFoundError:
            raise BackupError(
                f"{folder} is no complete backup: it has no {MANIFEST}. It was interrupted, or is another folder."
            ) from None
        except ValueError:
            raise BackupError(f"{folder / MANIFEST} cannot be read: it is damaged.") from None
        if not isinstance(body, dict) or not isinstance(body.get("format"), int):
            raise BackupError(f"{folder / MANIFEST} is no manifest of a backup.")
        if body["format"] > FORMAT:
            raise BackupError(
                f"The backup has format {body['format']}, this version knows up to {FORMAT}: install a newer one."
            )
        known = {one.name for one in fields(cls)}
        try:
            return cls(**{key: value for key, value in body.items() if key in known})
        except TypeError:
            raise BackupError(f"{folder / MANIFEST} is not complete: it is damaged.") from None


def backups(target: Path) -> list[Path]:
    """Return the complete backups in a target, oldest first."""
    return [one for one in _dated(target) if (one / MANIFEST).is_file()]


def interrupted(target: Path) -> list[Path]:
    """Return the folders of backups that never were finished, or half removed."""
    return [one for one in _dated(target) if not (one / MANIFEST).is_file()]


def _dated(target: Path) -> list[Path]:
    if not target.is_dir():
        return []
    found = (one for one in target.iterdir() if one.is_dir() and _DATED.fullmatch(one.name))
    return sorted(found, key=lambda one: one.name)


@contextlib.contextmanager
def locked(target: Path) -> Iterator[None]:
    """Keep others from writing into a target. Raises `BackupError` if somebody does."""
    try:
        target.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(target / ".lock", os.O_CREAT | os.O_RDWR, 0o600)
    except OSError as error:
        raise BackupError(f"{target} cannot be written to: {error.strerror}.") from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise BackupError(f"Another backup into {target} is under way.") from None
    finally:
        os.close(handle)


@contextlib.contextmanager
def whole(path: Path) -> Iterator[BinaryIO]:
    """Open a file for writing; it appears under its name, flushed to disk, once the block ends well.

    What somebody left who died at writing this very file goes, too.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    prefix = f"{ASIDE}{path.name}-"
    for left in path.parent.glob(f"{glob.escape(prefix)}*"):
        if left.stat().st_mtime < time.time() - LEFT_AFTER:
            left.unlink(missing_ok=True)
    handle, aside = tempfile.mkstemp(dir=path.parent, prefix=prefix)  # readable for us only
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        Path(aside).replace(path)
    except BaseException:
        Path(aside).unlink(missing_ok=True)
        raise
    flush_folder(path.parent)


def write_whole(path: Path, content: bytes) -> None:
    """Write a small file as `whole` does."""
    with whole(path) as file:
        file.write(content)


def write_lines(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    """Write rows, one JSON object a line, as `whole` does."""
    with whole(path) as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False).encode() + b"\n")


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """Give what `write_lines` wrote; nothing if the file is not there."""
    if path.is_file():
        with path.open("rb") as file:
            for line in file:
                yield json.loads(line)


def flush_folder(folder: Path) -> None:
    """Make names of files last through a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def digest_of(chunks: Iterable[bytes]) -> str:
    """Return the SHA-256 (hex) of bytes that come in pieces."""
    found = hashlib.sha256()
    for chunk in chunks:
        found.update(chunk)
    return found.hexdigest()


def facts_of(path: Path) -> dict[str, Any]:
    """Return digest (hex) and size of a file. Raises `OSError`."""
    found, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            found.update(chunk)
            size += len(chunk)
    return {"sha256": found.hexdigest(), "size": size}
