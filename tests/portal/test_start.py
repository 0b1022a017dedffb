"""Production starts with its secrets, refuses without, and writes no content into its logs."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from portal.logs import QuietFormatter

ROOT = Path(__file__).resolve().parent.parent.parent
SECRETS = {
    "SECRET_KEY": "for this test alone " + "".join(map(chr, range(48, 123))),
    "DATABASE_URL": "postgresql://nobody@127.0.0.1:9/nothing",
    "EMAIL_URL": "smtp+tls://nobody:nothing@127.0.0.1:9",
    "SITE_URL": "https://help.example.org",
}
ASK_READY = """
import portal.wsgi
from django.test import Client
for path in ("/healthz/live", "/healthz/ready"):
    answer = Client(headers={"host": "help.example.org"}).get(path)
    print(answer.status_code, answer.content.decode().splitlines()[0])
"""


def python(code: str, **values: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name not in SECRETS}
    environment["DJANGO_SETTINGS_MODULE"] = "portal.settings.production"
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**environment, **values},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize(
    "missing", [{"SECRET_KEY"}, {"DATABASE_URL"}, {"EMAIL_URL"}, {"SITE_URL"}, set(SECRETS)]
)
def test_the_web_server_does_not_start_without_a_secret_and_says_which(missing):
    given = {name: value for name, value in SECRETS.items() if name not in missing}
    done = python("import portal.wsgi", **given)
    assert done.returncode == 3  # gunicorn ends at this one instead of trying for ever
    assert "Traceback" not in done.stderr
    assert {name for name in SECRETS if f"Set {name}" in done.stderr} == missing


def test_settings_of_ones_own_on_top_of_production_are_asked_the_same(tmp_path):
    (tmp_path / "own_settings.py").write_text("from portal.settings.production import *\n")
    given = {name: value for name, value in SECRETS.items() if name != "EMAIL_URL"}
    own = {"DJANGO_SETTINGS_MODULE": "own_settings", "PYTHONPATH": str(tmp_path)}
    done = python("import portal.wsgi", **given, **own)
    assert (done.returncode, "Set EMAIL_URL" in done.stderr) == (3, True)


@pytest.mark.parametrize("value", ["http", "0", "65536", "-1"])
def test_a_port_that_is_none_is_one_sentence(value):
    done = python("import portal.wsgi", **SECRETS, PORT=value)
    assert done.stderr == f"PORT={value} is no port: give a number between 1 and 65535.\n"


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("PROXIES=one", "is no whole number: give one, for example 0."),
        ("SESSION_IDLE_MINUTES=2h", "is no whole number: give one, for example 120."),
        ("LOG_FORMAT=jsno", "is not known: give one of text, json."),
        ("LOG_LEVEL=debug", "is not known: give one of INFO, DEBUG, WARNING, ERROR, CRITICAL."),
    ],
)
def test_a_value_that_is_none_is_one_sentence(setting, says):
    name, _, value = setting.partition("=")
    done = python("import portal.wsgi", **SECRETS, **{name: value})
    assert done.stderr == f"{setting} {says}\n"


@pytest.mark.parametrize("name", ["DATABASE_URL", "EMAIL_URL"])
@pytest.mark.parametrize("value", ["nonsense", "nonsense://[", "gopher://host/name"])
def test_an_unreadable_address_is_one_sentence(name, value):
    done = python("import portal.wsgi", **{**SECRETS, name: value})
    assert done.returncode
    assert done.stderr.startswith(f"{name} cannot be read. Write it as ")
    assert len(done.stderr.splitlines()) == 1


def test_a_process_without_its_database_lives_but_is_not_ready():
    done = python(ASK_READY, **SECRETS)
    assert done.stdout.splitlines() == ["200 ok", "503 database: not reachable (OperationalError)"]


@pytest.mark.pure
def test_a_logged_exception_is_told_by_type_and_place_without_its_words():
    line = ""
    try:
        try:
            raise ValueError("Dear help desk")
        except ValueError as error:
            raise KeyError("my pass word") from error
    except KeyError:
        record = logging.LogRecord("x", 40, "x.py", 1, "failed", None, sys.exc_info())
        line = QuietFormatter("{message}", style="{").format(record)
    assert "builtins.KeyError" in line
    assert "caused by builtins.ValueError" in line
    assert "test_start.py:" in line
    assert "Dear" not in line
    assert "pass word" not in line
