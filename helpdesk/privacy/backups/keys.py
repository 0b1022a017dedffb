"""Keys and backups lie apart: a backup only knows by which keys its secrets can be read."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from django.conf import settings

from helpdesk import conf

from .layout import BackupError, write_whole


def fingerprints() -> list[str]:
    """Return what tells our keys apart and gives none away, in the order in which they are tried."""
    own = [f"encryption:{key}" for key in conf.get("ENCRYPTION_KEYS")]
    old = [f"secret:{key}" for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)]
    return [hashlib.sha256(f"fingerprint:{one}".encode()).hexdigest()[:16] for one in [*own, *old]]


def unreadable(made_with: Iterable[str]) -> int:
    """Count the keys of a backup that are not here: what was encrypted with them cannot be read."""
    here = set(fingerprints())
    return sum(one not in here for one in made_with)


def write_keys(path: Path, target: Path) -> None:
    """Write the keys as lines for `.env`, readable for the owner alone.

    Raises `BackupError` for a place inside the backups: whoever has those must not have the keys.
    """
    where = path.resolve()
    if where.is_relative_to(target.resolve()):
        raise BackupError(f"{path} lies inside the backups: keys belong somewhere else.")
    values = {
        "SECRET_KEY": [settings.SECRET_KEY],
        "SECRET_KEY_FALLBACKS": settings.SECRET_KEY_FALLBACKS,
        "ENCRYPTION_KEYS": conf.get("ENCRYPTION_KEYS"),
    }
    lines = [f"{name}={_quoted(','.join(value))}\n" for name, value in values.items() if value]
    try:
        write_whole(where, "".join(lines).encode())
    except OSError as error:
        raise BackupError(f"{path} cannot be written: {error.strerror}.") from None


def _quoted(value: str) -> str:
    if "'" not in value:
        return f"'{value}'"
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
