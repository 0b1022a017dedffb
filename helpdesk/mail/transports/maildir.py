"""Maildir, and the sub-folders of Maildir++ (a directory `.Name` beside `new` and `cur`)."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from django.utils.translation import gettext as _

from .base import InvalidUri, Item, Limits, MessageGone, TooLarge, TransportError


class MaildirTransport:
    """A maildir on this machine; a key is the file's name without its flags (`:2,…`)."""

    def __init__(self, path: Path, *, folder: str = "", move_to: str = "", limits: Limits) -> None:
        self._root = _folder(path, folder)
        self._target = _folder(path, move_to) if move_to else None
        self._limits = limits
        self._files: dict[str, list[Path]] = {}

    @property
    def source(self) -> str:
        return f"maildir://{self._root}"

    def __enter__(self) -> Self:
        for root in filter(None, (self._root, self._target)):
            if not all((root / part).is_dir() for part in ("new", "cur")):
                raise TransportError(
                    _("%(path)s is not a maildir: it has no new and cur.") % {"path": root}
                )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._files = {}

    def _scan(self) -> None:
        found: dict[str, list[Path]] = {}
        try:
            # new before cur: a mail reader moves files that way, so none slips through between the two.
            for part in ("new", "cur"):
                with os.scandir(self._root / part) as entries:
                    for entry in entries:
                        if not entry.name.startswith(".") and entry.is_file(follow_symlinks=False):
                            found.setdefault(entry.name.partition(":")[0], []).append(
                                Path(entry.path)
                            )
        except OSError as error:
            raise self._failed(error) from error
        self._files = found

    def _failed(self, error: OSError) -> TransportError:
        values = {"path": self._root, "words": error.strerror}
        return TransportError(_("The maildir %(path)s cannot be used: %(words)s") % values)

    def listing(self) -> Iterator[Item]:
        self._scan()
        for key in sorted(self._files, key=_age):
            for path in self._paths(key):
                try:
                    size = path.stat().st_size
                except FileNotFoundError:
                    continue
                yield Item(key, size)
                break

    def _paths(self, key: str) -> Iterator[Path]:
        """Yield where the message may be: where it was seen, then where a fresh look finds it, twice.

        A file that gets new flags while the directory is read may be missed by one look.
        """
        yield from self._files.get(key, ())
        for _look in range(2):
            self._scan()
            yield from self._files.get(key, ())

    def fetch(self, key: str) -> bytes:
        for path in self._paths(key):
            try:
                descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
                with open(descriptor, "rb") as file:  # noqa: PTH123 - a descriptor, not a path
                    size = os.fstat(file.fileno()).st_size
                    if size > self._limits.max_bytes:
                        values = {"size": size, "limit": self._limits.max_bytes}
                        raise TooLarge(
                            _("The message has %(size)d bytes; the limit is %(limit)d.") % values
                        )
                    return file.read()
            except FileNotFoundError:
                continue
            except OSError as error:
                raise self._failed(error) from error
        raise MessageGone(_("The message is not in the maildir any more."))

    def remove(self, keys: Iterable[str]) -> None:
        wanted = set(keys)
        for _look in range(3):
            self._scan()
            left = [path for key in wanted for path in self._files.get(key, ())]
            if not left:
                return
            for path in left:
                self._take_away(path)

    def _take_away(self, path: Path) -> None:
        try:
            if self._target is None:
                path.unlink()
            else:
                path.rename(self._target / "cur" / path.name)
        except FileNotFoundError:
            return  # gone, or renamed by its reader: the next look tells
        except OSError as error:
            raise self._failed(error) from error


def _folder(path: Path, name: str) -> Path:
    if not name or name.upper() == "INBOX":
        return path
    if "/" in name or "\0" in name or name.startswith("."):
        raise InvalidUri(
            _("%(folder)s cannot be the name of a folder in a maildir.") % {"folder": name}
        )
    return path / f".{name}"


def _age(key: str) -> tuple[int, int, str]:
    """Return what sorts a delivery's name by time: seconds, microseconds where given, then the name."""
    match = re.match(r"(\d+)(?:\.M(\d+))?", key)
    return (int(match[1]), int(match[2] or 0), key) if match else (0, 0, key)
