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

from .layout import CHUNK, POOL, facts_of, flush_folder


class Damaged(ValueError):
    """The bytes are not those that their digest names."""


class Pool:
    """The folder of contents of one target."""

    def __init__(self, target: Path) -> None:
        self.folder = target / POOL
        self.new_bytes = 0

    def path(self, sha256: str) -> Path:
        """Return where a content lies, or would."""
        return self.folder / path_of(sha256)

    def has(self, sha256: str, size: int) -> bool:
        """Tell whether a content is there, by its size; `is_sound` looks at every byte."""
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
        """Copy a stored file into the pool; return its digest and size.

        Raises `FileNotFoundError` if it is gone, `Damaged` if its digest is not the `expected` one.
        """
        with storage.open(name, "rb") as file:
            return self._keep(file, expected)

    def _keep(self, content: File, expected: str) -> tuple[str, int]:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found, size = hashlib.sha256(), 0
        handle, name = tempfile.mkstemp(dir=self.folder, prefix=".aside-")
        aside = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                for chunk in content.chunks(CHUNK):
                    found.update(chunk)
                    size += file.write(chunk)
                file.flush()
                os.fsync(file.fileno())
            sha256 = found.hexdigest()
            if expected and sha256 != expected:
                raise Damaged(expected)
            if not self.has(sha256, size):
                self._put(aside, sha256)
                self.new_bytes += size
        finally:
            aside.unlink(missing_ok=True)
        return sha256, size

    def _put(self, aside: Path, sha256: str) -> None:
        target = self.path(sha256)
        for folder in (target.parent.parent, target.parent):  # for us alone, also the one between
            folder.mkdir(mode=0o700, exist_ok=True)
        aside.replace(target)
        flush_folder(target.parent)

    def contents(self) -> Iterator[Path]:
        """Give all files in the pool, also such as were left half written."""
        yield from (one for one in self.folder.rglob("*") if one.is_file())
