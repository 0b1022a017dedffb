"""The databases of a test run: made as copies, and brought back to their start after tests that commit."""

from __future__ import annotations

import contextlib
import importlib
import sqlite3
from collections.abc import Iterator
from typing import Any

import psycopg
from django.db import OperationalError, connection, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

#: What the tables hold that are not empty when a help desk starts: rows (SQLite) or the text of a copy (PostgreSQL).
_START: dict[str, Any] = {}


@contextlib.contextmanager
def copied_from(template: str) -> Iterator[None]:
    """Begin with a copy of the file `template`, which has had its migrations: they take most of a minute.

    For SQLite, in memory or in a file; PostgreSQL copies `TEST["TEMPLATE"]` by itself. What the template has
    not had yet is migrated as ever.
    """
    creation = connection.creation
    create = creation._create_test_db
    copies: list[sqlite3.Connection] = []

    def create_as_copy(*arguments: Any, **options: Any) -> str:
        name: str = create(*arguments, **options)
        # a database in memory lives as long as somebody is connected to it
        copies.append(sqlite3.connect(name, uri=True))
        with contextlib.closing(sqlite3.connect(template)) as source:
            source.backup(copies[-1])
        return name

    creation._create_test_db = create_as_copy
    try:
        yield
    finally:
        for copy in copies:
            copy.close()


def keep_start() -> None:
    """Remember what a new database holds, and let every test that commits leave it so.

    Django truncates every table after such a test (on PostgreSQL that makes some thousand files anew) and saves
    the rows of the start one by one before the next: seconds for each test, and others after it miss those rows.
    Here what was written is deleted and the rows of the start come back, after the test.
    """
    with connection.cursor() as cursor:
        _START.update({table: _read(cursor, table) for table in _filled(connection)})
    # on the classes: while Playwright's event loop runs, Django hands out another connection
    type(connection.ops).execute_sql_flush = lambda ops, _sql: put_back(ops.connection)
    type(connection.creation).deserialize_db_from_string = lambda _creation, _data: None


def put_back(database: BaseDatabaseWrapper, *, tries: int = 5) -> None:
    """Bring the database back to its start, whatever it holds.

    A browser's last request that still writes may hold what is wanted here and want what is held: PostgreSQL then
    ends one of the two, and if it is this one, it is tried again.
    """
    for left in reversed(range(tries)):
        try:
            _put_back(database)
        except OperationalError as error:
            if left and isinstance(error.__cause__, psycopg.errors.DeadlockDetected):
                continue
            raise
        else:
            return


def _put_back(database: BaseDatabaseWrapper) -> None:
    """The triggers that keep the audit log whole (migration 0016) are off meanwhile."""
    stays = importlib.import_module("helpdesk.migrations.0016_audit_log_stays")
    off, on = (which[database.vendor] for which in (stays.OFF, stays.ON))
    with transaction.atomic(using=database.alias), database.cursor() as cursor:
        if database.vendor == "postgresql":
            # a browser's last requests may still be writing; SQLite waits for them by itself
            names = ", ".join(map(database.ops.quote_name, _tables(database)))
            cursor.execute(f"LOCK TABLE {names} IN EXCLUSIVE MODE")
        for statement in off:
            cursor.execute(statement)
        for table in _filled(database):
            cursor.execute(f"DELETE FROM {database.ops.quote_name(table)}")  # noqa: S608
        if database.vendor == "postgresql":
            # no trigger can be made while foreign keys wait to be looked at
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for statement in on:
            cursor.execute(statement)
        if database.vendor == "postgresql":
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        for table, rows in _START.items():
            _write(cursor, table, rows)


def _tables(database: BaseDatabaseWrapper) -> list[str]:
    names = database.introspection.django_table_names(only_existing=True, include_views=False)
    return sorted(names)


def _filled(database: BaseDatabaseWrapper) -> list[str]:
    asked = " UNION ALL ".join(
        f"SELECT '{table}' WHERE EXISTS (SELECT 1 FROM {database.ops.quote_name(table)})"  # noqa: S608
        for table in _tables(database)
    )
    with database.cursor() as cursor:
        cursor.execute(asked)
        return [table for (table,) in cursor.fetchall()]


def _read(cursor: Any, table: str) -> Any:
    name = cursor.db.ops.quote_name(table)
    if cursor.db.vendor == "postgresql":
        with cursor.copy(f"COPY {name} TO STDOUT") as copy:
            return b"".join(copy)
    cursor.execute(f"SELECT * FROM {name}")  # noqa: S608
    return cursor.fetchall()


def _write(cursor: Any, table: str, rows: Any) -> None:
    name = cursor.db.ops.quote_name(table)
    if cursor.db.vendor == "postgresql":
        with cursor.copy(f"COPY {name} FROM STDIN") as copy:
            copy.write(rows)
    else:
        places = ", ".join(["%s"] * len(rows[0]))
        cursor.executemany(f"INSERT INTO {name} VALUES ({places})", rows)  # noqa: S608
