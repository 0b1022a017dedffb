"""`make run` as a newcomer meets it: it starts, answers, stops all, and comes back."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.kill

ROOT = Path(__file__).resolve().parent.parent.parent
#: On a machine with two busy cores; alone it takes a third.
FIRST_START, SECOND_START, STOP = 600, 120, 60


def free_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as two:
        one.bind(("127.0.0.1", 0))
        two.bind(("127.0.0.1", 0))
        return one.getsockname()[1], two.getsockname()[1]


class Site:
    """A running `bin/run.py` with a folder and ports of its own."""

    def __init__(self, folder: Path) -> None:
        self.port, self.mail_port = free_ports()
        self.folder = folder
        self.process: subprocess.Popen[str] | None = None

    def bring_to(self, migrated: str) -> None:
        """Lay a copy of a database that has had its migrations where the site looks for its own."""
        self.folder.mkdir()
        shutil.copy(migrated, self.folder / "db.sqlite3")

    def start(self, **values: str) -> subprocess.Popen[str]:
        environment = {
            **os.environ,
            "DATABASE_URL": "",
            "DJANGO_SETTINGS_MODULE": "portal.settings.dev",
            "VAR_DIR": str(self.folder),
            "MEDIA_ROOT": str(self.folder / "media"),
            "PORT": str(self.port),
            "MAIL_PORT": str(self.mail_port),
            **values,
        }
        self.process = subprocess.Popen(
            [sys.executable, str(ROOT / "bin" / "run.py")],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        return self.process

    def wait_until_it_runs(self, seconds: float) -> str:
        """Return the lines up to the last of the greeting."""
        assert self.process is not None
        assert self.process.stdout is not None
        until, lines = time.monotonic() + seconds, []
        for line in self.process.stdout:
            lines.append(line)
            if "Ctrl-C stops everything" in line or time.monotonic() > until:
                break
        text = "".join(lines)
        assert "Ctrl-C stops everything" in text, text
        return text

    def get(self, path: str) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=60) as answer:
            return answer.read().decode()

    def children(self) -> dict[str, int]:
        """Return the running commands by name."""
        assert self.process is not None
        listed = subprocess.run(
            ["ps", "-ww", "--ppid", str(self.process.pid), "-o", "pid=,args="],
            capture_output=True,
            text=True,
            check=True,
        )
        rows = [line.split() for line in listed.stdout.splitlines()]
        return {
            row[row.index(next(w for w in row if "manage.py" in w)) + 1]: int(row[0])
            for row in rows
        }


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    running = Site(tmp_path / "var")
    yield running
    if running.process is not None and running.process.poll() is None:
        running.process.send_signal(signal.SIGTERM)
        running.process.communicate(timeout=STOP)


def wait_for_line(site: Site, path: str, words: str, seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while words not in (text := site.get(path)):
        assert time.monotonic() < until, text
        time.sleep(0.5)


def test_it_runs_stops_and_comes_back(site: Site):
    # the test below migrates from nothing to the end: twice would take a minute more
    if migrated := os.environ.get("MIGRATED_SQLITE"):
        site.bring_to(migrated)
    site.start()
    greeting = site.wait_until_it_runs(FIRST_START)
    for path in ("/", "/admin/", "/mailroom/"):
        assert f"http://127.0.0.1:{site.port}{path}" in greeting
    assert site.get("/healthz/live") == "ok\n"
    wait_for_line(site, "/healthz/ready", "worker: ok")
    assert "{" in site.get("/static/helpdesk/public.css")
    assert set(site.children()) == {"runserver", "worker", "mailroom"}

    # a second one beside it: the port is taken, and it says which to take
    beside = Site(site.folder)
    beside.port = site.port
    refused, _ = beside.start().communicate(timeout=30)
    assert f"Port {site.port} is already in use" in refused
    assert "make run PORT=" in refused

    # Ctrl-C: everything ends
    assert site.process is not None
    site.process.send_signal(signal.SIGINT)
    last, _ = site.process.communicate(timeout=STOP)
    assert site.process.returncode == 0, last
    assert "Traceback" not in last, last

    # again: quick, nothing prepared anew; and when a part of it dies, all ends with a sentence
    site.start()
    greeting = site.wait_until_it_runs(SECOND_START)
    assert "Preparing" not in greeting
    assert "Loading" not in greeting
    os.kill(site.children()["worker"], signal.SIGKILL)
    last, _ = site.process.communicate(timeout=STOP)
    assert site.process.returncode == 1
    assert "The worker ended unexpectedly" in last


def test_one_interrupted_while_it_prepares_goes_on_the_next_time(site: Site):
    process = site.start()
    assert process.stdout is not None
    assert "Preparing" in process.stdout.readline()
    time.sleep(4)
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=STOP)
    assert "The next `make run` goes on from here" in said
    assert "Traceback" not in said
    site.start()
    site.wait_until_it_runs(FIRST_START)
    assert site.get("/healthz/ready").startswith("database: ok\nmigrations: ok\n")


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("DATABASE_URL", "nonsense", "DATABASE_URL cannot be read. Write it as postgresql://"),
        ("DATABASE_URL", "postgresql://a@127.0.0.1:9/x", "The database cannot be reached: check"),
        ("PORT", "http", "PORT=http is no port: give a number between 1 and 65535."),
        ("VAR_DIR", "/proc/nowhere", "/proc/nowhere cannot be written"),
    ],
)
def test_what_is_in_the_way_is_told_in_one_sentence(site: Site, name, value, sentence):
    said, _ = site.start(**{name: value}).communicate(timeout=60)
    assert said.strip().startswith(sentence)
    assert len(said.strip().splitlines()) == 1
