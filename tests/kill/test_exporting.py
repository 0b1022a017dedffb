"""Whoever puts an archive together dies: no piece of it stays where nobody would look for it."""

from __future__ import annotations

import os
import tempfile
import time
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from helpdesk import permissions
from helpdesk.actions import Draft, Upload, add_note
from helpdesk.models import Blob, Channel, DataExport, remove_left
from helpdesk.privacy import export, leftovers
from tests import factories as f
from tests.kill import fuse

pytestmark = [pytest.mark.kill, pytest.mark.django_db(transaction=True, serialized_rollback=True)]

#: Between any two of these the process may die.
BOUNDARIES = [
    "helpdesk.privacy.archive:_write_texts",
    "helpdesk.privacy.archive:_html",
    "helpdesk.privacy.archive:_write_text",
    "helpdesk.privacy.archive:_write_files",
    "helpdesk.models.blobs:Blob.keep_file",
    "helpdesk.storage:put_file",
]


@pytest.fixture
def waiting(settings, tmp_path, monkeypatch) -> DataExport:
    settings.MEDIA_ROOT = str(tmp_path / "media")
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    ticket = f.make_ticket(subject="A private matter", body="Very private. " * 2000)
    file = Upload("a.txt", b"private" * 5000, "text/plain")
    draft = Draft(body="x", channel=Channel.NOTE, files=(file,))
    add_note(actor=permissions.SYSTEM, ticket=ticket, draft=draft)
    now = timezone.now()
    return DataExport.objects.create(
        customer=ticket.customer, is_complete=True, asked_at=now, expires_at=now + timedelta(days=7)
    )


def left() -> list[Path]:
    return list(Path(tempfile.gettempdir()).rglob("*"))


def test_a_process_killed_anywhere_leaves_no_piece_of_an_archive(waiting):
    deaths = 0
    while not fuse.run(lambda: export.make.call(waiting.pk), BOUNDARIES, deaths + 1):
        deaths += 1
        assert left() == []
    assert deaths > 15
    assert left() == []
    if connection.vendor != "sqlite":  # there each child has a database of its own
        waiting.refresh_from_db()
        assert waiting.state == DataExport.State.READY
        _sweep()
        stored = {path.name for path in _files()}
        assert stored == set(Blob.objects.values_list("sha256", flat=True))


def _files() -> list[Path]:
    return [path for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()]


def _sweep() -> None:
    """What a Sunday's night does with archives whose maker died before it said that they are ready."""
    then = time.time() - 2 * 24 * 3600
    for path in _files():
        os.utime(path, (then, then))
    for number in range(leftovers.LAST + 1):
        leftovers.sweep(f"{number:02x}", timezone.now())
    remove_left()
