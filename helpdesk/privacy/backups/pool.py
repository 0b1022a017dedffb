"""The contents that all backups of a target share: each lies there once, under its digest."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from django.core.files.base import File
from django.core.files.storage import Storage

from helpdesk.storage import path_of

from .layout import ASIDE, CHUNK, POOL, facts_of

#: So many files, or bytes, are flushed to disk together: that costs hardly more than for one.
TOGETHER, TOGETHER_BYTES = 64, 64 * 1024 * 1024


class Damaged(ValueError):
    """The bytes are not those that their digest names."""


class Pool:
    """The folder of contents of one target."""

    def __init__(self, target: Path) -> None:
        self.folder = target / POOL
        self.new_bytes = 0
        self._written: dict[str, tuple[Path, int]] = {}  # by digest: whole, but not flushed yet

    def path(self, sha256: str) -> Path:
        """Return where a content lies, or would."""
        return self.folder / path_of(sha256)

    def has(self, sha256: str, size: int) -> bool:
        """Tell whether a content is there, by its size; `is_sound` looks at every byte."""
        if sha256 in self._written:
            return self._written[sha256][1] == size
        try:
            return self.path(sha256).stat().st_size == size
        except FileNotFoundError:
            return False

    def is_sound(self, sha256: str) -> bool:
        """Tell whether a content is there and nothing in it has changed."""
        try:
            return bool(facts_of(self.path(sha256))["sha256"] == sha256)
        except OSError:
            return False

    def take(self, storage: Storage, name: str, expected: str = "") -> tuple[str, int]:
        """Copy a stored file into the pool; return its digest and size. It lasts once `flush` was called.

        Raises `FileNotFoundError` if it is gone, `Damaged` if its digest is not the `expected` one.
        """
        with storage.open(name, "rb") as file:
            sha256, size, aside = self._write(file)
        if (expected and sha256 != expected) or self.has(sha256, size):
            aside.unlink()
            if expected and sha256 != expected:
                raise Damaged(expected)
            return sha256, size
        self._written[sha256] = (aside, size)
        self.new_bytes += size
        waiting = sum(one for _aside, one in self._written.values())
        if len(self._written) >= TOGETHER or waiting >= TOGETHER_BYTES:
            self.flush()
        return sha256, size

    def _write(self, content: File) -> tuple[str, int, Path]:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found, size = hashlib.sha256(), 0
        handle, name = tempfile.mkstemp(dir=self.folder, prefix=ASIDE)
        try:
            with os.fdopen(handle, "wb") as file:
                for chunk in content.chunks(CHUNK):
                    found.update(chunk)
                    size += file.write(chunk)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        return found.hexdigest(), size, Path(name)

    def flush(self) -> None:
        """Give what was written its name, after its bytes were flushed to disk. Raises `OSError`.

        A name that is lost in a power cut is no harm: the content is copied again by the next backup. Whoever
        writes a manifest flushes names before (`os.sync`).
        """
        for aside, _size in self._written.values():
            handle = os.open(aside, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
        for sha256, (aside, _size) in self._written.items():
            target = self.path(sha256)
            for folder in (
                target.parent.parent,
                target.parent,
            ):  # for us alone, also the one between
                folder.mkdir(mode=0o700, exist_ok=True)
            aside.replace(target)
        self._written.clear()

    def drop_half_written(self) -> None:
        """Remove what was being written when somebody died at it. Call with the target locked."""
        for one in self.folder.glob(f"{ASIDE}*"):
            one.unlink()

    def contents(self) -> Iterator[Path]:
        """Give all files in the pool, also such as were left half written."""
        yield from (one for one in self.folder.rglob("*") if one.is_file())
