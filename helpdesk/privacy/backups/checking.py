"""Whether a backup is whole, and whether it fits what is installed here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from django.contrib.auth import get_user_model
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.utils import timezone

import helpdesk
from helpdesk import unfinished
from helpdesk.models import InboundMail, PeriodicJob, Ticket

from . import databases, keys, layout, postgres
from .layout import BackupError, Manifest
from .pool import Pool

#: So many damaged files are named.
NAMED = 5
#: What is said of a folder that looks like a backup and has no manifest.
_CUT = "was interrupted, or is being made"


def find(source: Path) -> Path:
    """Return the folder of a backup: `source` itself, or the newest complete one in it. Raises `BackupError`."""
    if (source / layout.MANIFEST).is_file():
        return source.resolve()
    if found := layout.backups(source):
        return found[-1].resolve()
    if not source.is_dir():
        raise BackupError(f"There is no folder {source}.")
    if source.absolute() in layout.interrupted(source.absolute().parent):
        raise BackupError(f"{source} is no complete backup: it {_CUT}. Take another one.")
    if left := layout.interrupted(source):
        raise BackupError(
            f"There is no complete backup in {source}: {', '.join(one.name for one in left)} {_CUT}."
        )
    raise BackupError(f"There is no complete backup in {source}.")


def verify(folder: Path, manifest: Manifest) -> None:
    """Read everything that belongs to a backup. Raises `BackupError` if anything is missing or has changed."""
    damaged = [
        name
        for name, facts in manifest.parts.items()
        if not (folder / name).is_file() or layout.facts_of(folder / name) != facts
    ]
    if damaged:
        raise BackupError(f"The backup is damaged: {', '.join(damaged)}.")
    pool = Pool(folder.parent)
    bad = [sha256 for sha256 in sorted(_contents(folder)) if not pool.is_sound(sha256)]
    if bad:
        names = ", ".join(str(pool.path(one).relative_to(folder.parent)) for one in bad[:NAMED])
        more = f" and {len(bad) - NAMED} more" if len(bad) > NAMED else ""
        raise BackupError(f"The backup is damaged: {names}{more}.")


def _contents(folder: Path) -> set[str]:
    parts = (layout.BLOBS, layout.FILES)
    return {row["sha256"] for part in parts for row in layout.read_lines(folder / part)}


def refuse_unfit(manifest: Manifest) -> None:
    """Raise `BackupError` if this program, or this database, cannot take the backup."""
    if manifest.engine != connection.vendor:
        raise BackupError(
            f"The backup is of a database of the kind {manifest.engine}, this one is of the kind "
            f"{connection.vendor}: it can only be restored into its own kind."
        )
    if _numbers(manifest.application) > _numbers(helpdesk.__version__):
        raise BackupError(
            f"The backup was made by version {manifest.application}, installed is {helpdesk.__version__}: "
            "install that version, or a newer one."
        )
    loader = MigrationLoader(None, ignore_no_migrations=True)
    unknown = [
        f"{app}.{name}"
        for app, name in sorted(manifest.migrations.items())
        if (app, name) not in loader.disk_migrations and not _is_replaced(loader, app, name)
    ]
    if unknown:
        raise BackupError(
            f"The backup has migrations that are not known here ({', '.join(unknown)}): it was made by a newer "
            "version, or with apps that are not installed here."
        )
    if connection.vendor == "postgresql":
        postgres.require_tools("psql", "pg_restore")
    if _numbers(manifest.server)[:1] > _numbers(databases.server())[:1]:
        raise BackupError(
            f"The backup is of a server of version {manifest.server}, this one is of version {databases.server()}: "
            "restore it into one that is not older."
        )


def _is_replaced(loader: MigrationLoader, app: str, name: str) -> bool:
    return any((app, name) in one.replaces for one in loader.disk_migrations.values())


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(one) for one in version.split(".") if one.isdecimal())


def refuse_at_work() -> None:
    """Raise `BackupError` while a worker runs: it would send and fetch in the middle of restoring."""
    if PeriodicJob._meta.db_table not in _tables():
        return
    if unfinished.command():
        return  # no worker starts then; the signs of life are those of the backup
    if PeriodicJob._base_manager.filter(lease_until__gt=timezone.now()).exists():
        raise BackupError(
            "A worker is running. Stop the web and worker processes; was it killed, wait for a minute."
        )


def _tables() -> set[str]:
    with connection.cursor() as cursor:
        return set(connection.introspection.table_names(cursor))


def refuse_filled() -> None:
    """Raise `BackupError` if there is anything here that somebody could miss."""
    tables = _tables()
    if not tables:
        return
    if Ticket._meta.db_table not in tables:
        raise BackupError(
            "The database is not empty, and not this application's. --force would remove all that is in it."
        )
    for model, name in (
        (Ticket, "tickets"),
        (InboundMail, "mails"),
        (get_user_model(), "accounts"),
    ):
        if model._base_manager.exists():
            raise BackupError(
                f"This installation is not empty: it has {name}. --force replaces all that is in it."
            )


def warnings(folder: Path, manifest: Manifest) -> Iterator[str]:
    """Give what should be known before, and hinders nothing."""
    for left in layout.interrupted(folder.parent):
        if left.name > folder.name:
            yield f"{left.name} is newer, but {_CUT}: it is no backup."
    if lost := keys.unreadable(manifest.keys):
        yield (
            f"{lost} of the keys that the backup was made with are not set here: secrets that were encrypted with "
            "them cannot be read (passwords of mail accounts, second factors), signed links do not work."
        )
    if manifest.lost:
        yield f"{len(manifest.lost)} files were lost or damaged already when the backup was made."
    if manifest.erased:
        yield f"{manifest.erased} files were erased while the backup was made."
