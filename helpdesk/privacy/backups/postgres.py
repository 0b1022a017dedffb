"""PostgreSQL: `pg_dump` and `pg_restore`, from the very state that the lists of the backup are read from."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import IO

from django.db import connection
from psycopg import pq
from psycopg.conninfo import make_conninfo

from helpdesk import conf, unfinished

from .layout import BackupError

#: Everything in our schema goes in the transaction that brings the backup; what extensions own stays.
EMPTY_SCHEMA = """
BEGIN;
SET LOCAL lock_timeout = '15s';
SET LOCAL client_min_messages = warning;
DO $empty$
DECLARE one record;
BEGIN
  FOR one IN
    SELECT oid::regclass AS name FROM pg_class AS c
    WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p', 'f')
    AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.objid = c.oid AND d.deptype = 'e')
  LOOP EXECUTE format('DROP TABLE IF EXISTS %s CASCADE', one.name); END LOOP;
  FOR one IN
    SELECT oid::regclass AS name, relkind FROM pg_class AS c
    WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('v', 'm', 'S')
    AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.objid = c.oid AND d.deptype = 'e')
  LOOP EXECUTE format('DROP %s IF EXISTS %s CASCADE', CASE one.relkind
    WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'SEQUENCE' END, one.name); END LOOP;
  FOR one IN
    SELECT oid::regprocedure AS name FROM pg_proc AS p
    WHERE pronamespace = current_schema()::regnamespace AND prokind IN ('f', 'p')
    AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.objid = p.oid AND d.deptype = 'e')
  LOOP EXECUTE format('DROP ROUTINE IF EXISTS %s CASCADE', one.name); END LOOP;
END
$empty$;
"""


def tool(name: str) -> str:
    """Return the path of one of PostgreSQL's programs. Raises `BackupError` if it is not installed."""
    folder = str(conf.get("POSTGRES_TOOLS"))
    found = shutil.which(name, path=folder or None)
    if found is None:
        raise BackupError(
            f"{name} was not found. Install PostgreSQL's client programs, or name their folder in POSTGRES_TOOLS."
        )
    return found


def major_of(name: str) -> int:
    """Return the major version of a program. Raises `BackupError`."""
    done = subprocess.run([tool(name), "--version"], capture_output=True, text=True, env={})  # noqa: S603
    found = re.search(r"\) (\d+)", done.stdout)
    if found is None:
        raise BackupError(f"{name} does not run: {_last_line(done.stderr)}")
    return int(found[1])


def require_tools(*names: str) -> None:
    """Raise `BackupError` unless the programs are there and not older than the server."""
    server = connection.pg_version // 10_000  # type: ignore[attr-defined]
    for name in names:
        if (major := major_of(name)) < server:
            raise BackupError(
                f"{name} is of version {major}, the server of version {server}: install the client programs of "
                f"version {server}, or name their folder in POSTGRES_TOOLS."
            )


def _place() -> str:
    """Return how libpq finds the database; never with the password, which others could see in the process list."""
    known = {one.keyword.decode() for one in pq.Conninfo.get_defaults()} - {"password"}
    given = connection.get_connection_params()
    return make_conninfo(**{key: value for key, value in given.items() if key in known})


def _surroundings() -> dict[str, str]:
    password = connection.get_connection_params().get("password")
    # without a password libpq looks into ~/.pgpass
    return {"LC_ALL": "C", "HOME": str(Path.home())} | (
        {"PGPASSWORD": password} if password else {}
    )


def dump(path: Path, snapshot: str, without_data: list[str]) -> None:
    """Write the database as it is in an exported snapshot, without the rows of some tables. Raises `BackupError`."""
    command = [
        tool("pg_dump"),
        "--format=custom",
        "--no-owner",
        "--no-privileges",
        "--no-comments",
        f"--snapshot={snapshot}",
        *(f"--exclude-table-data={name}" for name in without_data),
        f"--file={path}",
        f"--dbname={_place()}",
    ]
    done = subprocess.run(  # noqa: S603 (a program of the database, with arguments of our own)
        command, capture_output=True, text=True, stdin=subprocess.DEVNULL, env=_surroundings()
    )
    if done.returncode:
        raise BackupError(f"pg_dump failed: {_last_line(done.stderr)}")


def load(path: Path) -> None:
    """Put a dump in the place of what the database holds: all of it, or nothing. Raises `BackupError`."""
    require_tools("psql", "pg_restore")
    connection.close()  # it would stand in our own way
    with tempfile.TemporaryFile("w+") as errors, tempfile.TemporaryFile("w+") as reading_errors:
        psql = subprocess.Popen(  # noqa: S603
            [tool("psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", f"--dbname={_place()}"],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=errors, text=True,
            env=_surroundings(),
        )  # fmt: skip
        assert psql.stdin is not None  # noqa: S101 (for the type checker)
        read = _feed(psql.stdin, path, reading_errors)
        if code := psql.wait():
            raise BackupError(f"The database was not restored: {_first_error(errors, code)}")
        if read:
            raise BackupError(f"pg_restore failed: {_first_error(reading_errors, read)}")


def _feed(stdin: IO[str], path: Path, errors: IO[str]) -> int:
    """Hand the dump to psql, in one transaction that is committed only if it was read to its end; return the code."""
    command = [
        tool("pg_restore"),
        "--no-owner",
        "--no-privileges",
        "--no-comments",
        "--file=-",
        str(path),
    ]
    try:
        with stdin:
            stdin.write(EMPTY_SCHEMA + unfinished.MARK + "\n")
            stdin.flush()
            read = subprocess.run(  # noqa: S603
                command, stdin=subprocess.DEVNULL, stdout=stdin, stderr=errors, env=_surroundings()
            )
            if not read.returncode:
                stdin.write("COMMIT;\n")
    except BrokenPipeError:  # psql has given up, and says why
        return 1
    return read.returncode


def _first_error(errors: IO[str], code: int) -> str:
    """Return the line that says what went wrong, without those around it: they may quote rows."""
    errors.seek(0)
    lines = errors.read().splitlines()
    found = next((line for line in lines if "rror:" in line.lower()), "")
    if "lock timeout" in found:
        return "somebody still works with it. Stop the web and worker processes and try again."
    return found or f"code {code}"


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["no reason given"])[-1]
