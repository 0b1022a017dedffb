"""Passwords that attackers know: a local file of breached ones, asked without telling anybody.

The file has the format of the list that can be downloaded from Have I Been Pwned: one line for each password,
`SHA-1 in upper-case hex:COUNT`, sorted by the digest. It is tens of gigabytes long and never read whole.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
from pathlib import Path
from typing import Any, BinaryIO

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

logger = logging.getLogger(__name__)

_LINE = re.compile(rb"([0-9A-Fa-f]{40})(?::\d+)?\s*")
#: No line is longer; what is longer is no such list.
_LONGEST = 80
#: At so many places the check at start looks whether the list is sorted.
SAMPLES = 64


class Unsorted(ValueError):
    """The file is no sorted list of digests."""


def is_breached(password: str, path: str) -> bool:
    """Tell whether `password` is in the list at `path`. Reads about forty lines.

    Raises `OSError` if the file cannot be read, `Unsorted` if it is no such list.
    """
    # the format's own digest: nothing is kept with it
    wanted = hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper().encode()
    with Path(path).open("rb") as file:
        low, high = 0, _size(file)
        while low < high:  # the line wanted begins at low or later, and before high
            middle = (low + high) // 2
            start, found = _line_from(file, middle)
            if not found or found > wanted:
                high = middle
            elif found < wanted:
                low = start + 1
            else:
                return True
    return False


def check_file(path: str) -> None:
    """Look at the list in some places. Raises as `is_breached`."""
    with Path(path).open("rb") as file:
        size, before = _size(file), b""
        for sample in range(SAMPLES + 1):
            found = _line_from(file, size * sample // SAMPLES)[1]
            if found and found < before:
                raise Unsorted(path)
            before = found or before
        if not before:
            raise Unsorted(path)


def _size(file: BinaryIO) -> int:
    return os.fstat(file.fileno()).st_size


def _line_from(file: BinaryIO, position: int) -> tuple[int, bytes]:
    """Return the first line that begins at `position` or later: where, and its digest (b"" at the end)."""
    file.seek(max(position - 1, 0))
    if position and not file.readline(_LONGEST).endswith(b"\n"):
        if file.read(1):
            raise Unsorted
        return file.tell(), b""
    start = file.tell()
    line = file.readline(_LONGEST)
    if not line:
        return start, b""
    match = _LINE.fullmatch(line)
    if match is None:
        raise Unsorted
    return start, match[1].upper()


class BreachedPasswordValidator:
    """Refuses passwords of the list that `BREACHED_PASSWORDS` names; without one it asks nobody."""

    def validate(self, password: str, user: Any = None) -> None:
        """Raise `ValidationError` for a password of the list."""
        path = settings.BREACHED_PASSWORDS
        if not path:
            return
        try:
            found = is_breached(password, path)
        except (OSError, Unsorted) as error:
            # a list that went away must not keep anybody from changing a password; the check at start tells
            logger.error("list of breached passwords: %s", type(error).__name__)
            return
        if found:
            raise ValidationError(
                _(
                    "This password is known from data that was stolen elsewhere. Please choose another one."
                ),
                code="password_breached",
            )

    def get_help_text(self) -> str:
        return _("It must not be one that attackers already know.")
