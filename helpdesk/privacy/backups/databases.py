"""The database of a backup: written by its own tools, listed from the same state, and put back."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import connection, transaction
from django.db.utils import OperationalError
from django.utils import timezone

from helpdesk import unfinished

from . import postgres
from .layout import BackupError

Query = Callable[[str], Iterator[tuple[Any, ...]]]

#: The part of a backup that holds the database, by engine.
PARTS = {"postgresql": "database.dump", "sqlite": "database.sqlite3"}
MANY = 10_000


@dataclass(frozen=True)
class Dump:
    """A database that was written down, and how to ask the state that was."""

    made_at: str
    server: str
    tables: list[str]
    query: Query

    def count_rows(self) -> dict[str, int]:
        """Count the rows of each table as they are in the backup."""
        emptied = set(passing_tables())
        return {
            name: 0 if name in emptied else next(self.query(_count(name)))[0]
            for name in self.tables
        }


def part() -> str:
    """Return what the database's part of a backup is called here. Raises `BackupError` for an unknown engine."""
    try:
        return PARTS[connection.vendor]
    except KeyError:
        raise BackupError(
            f"Databases of the kind {connection.vendor} cannot be backed up."
        ) from None


def server() -> str:
    """Return the version of the database server, as "16.14"."""
    if connection.vendor == "sqlite":
        return sqlite3.sqlite_version
    major, minor = divmod(connection.pg_version, 10_000)  # type: ignore[attr-defined]
    return f"{major}.{minor}"


def passing_tables() -> list[str]:
    """Return the tables whose rows no backup needs: who is logged in, what is cached."""
    found = [
        str(one["LOCATION"])
        for one in settings.CACHES.values()
        if one["BACKEND"].endswith(".DatabaseCache")
    ]
    if apps.is_installed("django.contrib.sessions"):
        found.append(apps.get_model("sessions", "Session")._meta.db_table)
    return sorted(found)


@contextlib.contextmanager
def dumped(folder: Path) -> Iterator[Dump]:
    """Write the database into a folder; inside the block the same state can be asked. Raises `BackupError`."""
    path = folder / part()
    with (_sqlite if connection.vendor == "sqlite" else _postgres)(path) as dump:
        yield dump


@contextlib.contextmanager
def _postgres(path: Path) -> Iterator[Dump]:
    connection.ensure_connection()
    postgres.require_tools("pg_dump")
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        cursor.execute("SET LOCAL statement_timeout = 0")
        now = timezone.now().isoformat()
        cursor.execute("SELECT pg_export_snapshot()")
        (snapshot,) = cursor.fetchone()
        tables = sorted(connection.introspection.table_names(cursor))
        postgres.dump(path, snapshot, [name for name in passing_tables() if name in tables])
        yield Dump(now, server(), tables, lambda sql: _rows(cursor.execute(sql) or cursor))


@contextlib.contextmanager
def _sqlite(path: Path) -> Iterator[Dump]:
    connection.ensure_connection()
    now = timezone.now().isoformat()
    with contextlib.closing(sqlite3.connect(path)) as copy:
        copy_sqlite(connection.connection, copy)
        found = copy.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        tables = sorted(name for (name,) in found if not name.startswith("sqlite_"))
        for name in set(passing_tables()) & set(tables):
            copy.execute(f"DELETE FROM {_quoted(name)}")  # noqa: S608
        copy.commit()
        # pages that are free still hold what was deleted
        copy.execute("VACUUM")
        yield Dump(now, server(), tables, lambda sql: _rows(copy.execute(sql)))


def copy_sqlite(source: sqlite3.Connection, copy: sqlite3.Connection) -> None:
    """Copy a database in one go, which is one state of it, while others write. Raises `sqlite3.Error`."""
    source.backup(copy, pages=-1)
    copy.execute("PRAGMA journal_mode = DELETE")  # one file, nothing beside it


def _rows(cursor: Any) -> Iterator[tuple[Any, ...]]:
    while rows := cursor.fetchmany(MANY):
        yield from rows


def load(path: Path) -> None:
    """Put the database of a backup in the place of ours: all of it, or nothing. Raises `BackupError`.

    From then on the database says that the restore is not finished (`unfinished.end`).
    """
    if connection.vendor == "sqlite":
        _load_sqlite(path)
    else:
        postgres.load(path)
    connection.close()


def _load_sqlite(path: Path) -> None:
    connection.ensure_connection()
    try:
        # the copy between has no name: it goes with us, however we end
        with (
            contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as source,
            contextlib.closing(sqlite3.connect("")) as marked,
        ):
            source.backup(marked, pages=-1)
            marked.executescript(unfinished.MARK)
            marked.backup(connection.connection, pages=-1)
    except (sqlite3.Error, OperationalError) as error:
        raise BackupError(
            f"The database was not restored ({error}). Stop the web and worker processes and try again."
        ) from None


def rows_now() -> dict[str, int]:
    """Count the rows of each table of our database."""
    with connection.cursor() as cursor:
        counts = {}
        for name in connection.introspection.table_names(cursor):
            cursor.execute(_count(name))
            counts[name] = cursor.fetchone()[0]
    return counts


def refresh_statistics() -> None:
    """Let the planner of the database know what there is now: a dump brings rows, not statistics."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def skip_ids(table: str, above: int, *, gap: int) -> None:
    """Let the ids of new rows of a table go on `gap` higher than `above` and than any that it ever gave."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(
                "UPDATE sqlite_sequence SET seq = MAX(seq, %s) + %s WHERE name = %s",
                [above, gap, table],
            )
            if not cursor.rowcount:  # there never was a row
                cursor.execute(
                    "INSERT INTO sqlite_sequence (name, seq) VALUES (%s, %s)", [table, above + gap]
                )
            return
        cursor.execute("SELECT pg_get_serial_sequence(%s, 'id')", [_quoted(table)])
        (sequence,) = cursor.fetchone()
        cursor.execute(
            "SELECT setval(%s::regclass, GREATEST(nextval(%s::regclass), %s) + %s)",
            [sequence, sequence, above, gap],
        )


def _count(table: str) -> str:
    return f"SELECT COUNT(*) FROM {_quoted(table)}"  # noqa: S608 (a table of our own database)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
