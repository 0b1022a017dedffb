"""What is refused before anything is touched: damaged backups, and such as do not fit."""

from __future__ import annotations

import json
import shutil
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from helpdesk.models import Blob, PeriodicJob
from helpdesk.privacy.backups import layout, making
from helpdesk.privacy.backups.pool import Pool

from .conftest import postgres_tools

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("tools")]


@pytest.fixture(scope="module")
def made(django_db_setup, django_db_blocker, tmp_path_factory):
    """A backup of a help desk with nothing in it but one file, made once for all tests here."""
    target = tmp_path_factory.mktemp("backups")
    with django_db_blocker.unblock(), pytest.MonkeyPatch.context() as patch:
        from django.conf import settings

        patch.setitem(settings.HELPDESK, "POSTGRES_TOOLS", postgres_tools())
        blob = Blob.keep(b"one file")
        try:
            making.make(target)
        except layout.BackupError as error:
            pytest.skip(str(error))
        finally:
            blob.delete()
            making.PeriodicJob.objects.filter(name=making.STAMP).delete()
    return target


@pytest.fixture
def target(made, tmp_path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "backups"))


@pytest.fixture
def folder(target) -> Path:
    return layout.backups(target)[-1]


def check(source: Path) -> str:
    out = StringIO()
    call_command("restore", str(source), "--check", stdout=out)
    return out.getvalue()


def change(folder: Path, **values: object) -> None:
    path = folder / layout.MANIFEST
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def test_a_whole_backup_could_be_restored(target, folder):
    assert "The backup is whole and could be restored here." in check(target)
    assert str(folder) in check(folder)


@pytest.mark.parametrize("part", ["database", "blobs.jsonl", "journal.jsonl"])
def test_a_damaged_part_is_found(folder, part):
    name = "database.*" if part == "database" else part
    (path,) = folder.glob(name)
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(CommandError, match=f"The backup is damaged: {path.name}."):
        check(folder)


@pytest.mark.parametrize("damage", ["changed", "gone"])
def test_a_damaged_file_is_found_and_named(target, folder, damage):
    (row,) = layout.read_lines(folder / layout.BLOBS)
    path = Pool(target).path(row["sha256"])
    path.unlink() if damage == "gone" else path.write_bytes(b"one fily")
    with pytest.raises(CommandError, match=f"The backup is damaged: blobs/.*{row['sha256']}"):
        check(folder)


def test_an_interrupted_backup_is_none(target, folder):
    (folder / layout.MANIFEST).unlink()
    with pytest.raises(CommandError, match="There is no complete backup in"):
        check(target)
    with pytest.raises(CommandError, match="is no complete backup: it was interrupted"):
        check(folder)
    with pytest.raises(CommandError, match="There is no folder"):
        check(target / "nowhere")


@pytest.mark.parametrize("text", ["{", "[]", '{"format": "x"}', '{"format": 1}'])
def test_a_damaged_manifest_is_told(folder, text):
    (folder / layout.MANIFEST).write_text(text)
    with pytest.raises(CommandError, match="manifest.json (cannot be read|is no|is not complete)"):
        check(folder)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"format": 99}, "has format 99, this version knows up to 1"),
        ({"application": "99.0.0"}, "was made by version 99.0.0, installed is"),
        ({"migrations": {"helpdesk": "9999_later"}}, r"not known here \(helpdesk.9999_later\)"),
        ({"migrations": {"other": "0001_initial"}}, r"not known here \(other.0001_initial\)"),
        ({"engine": "oracle"}, "is of a database of the kind oracle, this one is of the kind"),
        ({"server": "99.1"}, "of a server of version 99.1, this one is of version"),
    ],
)
def test_what_does_not_fit_is_refused(folder, values, words):
    change(folder, **values)
    with pytest.raises(CommandError, match=words):
        check(folder)


def test_what_a_later_version_adds_to_the_manifest_does_no_harm(folder):
    change(folder, colour="green")
    assert "could be restored here" in check(folder)


def test_keys_that_do_not_fit_are_told(folder, settings):
    settings.SECRET_KEY = "another one"
    said = check(folder)
    assert "Note: 1 of the keys that the backup was made with are not set here" in said
    assert "could be restored here" in said


def test_a_database_of_somebody_else_is_left_alone(folder, monkeypatch):
    monkeypatch.setattr(type(connection.introspection), "table_names", lambda *a, **k: ["invoices"])
    with pytest.raises(CommandError, match="not this application's"):
        call_command("restore", str(folder), stdout=StringIO())


def test_a_worker_that_runs_is_told_of(folder):
    soon = timezone.now() + timedelta(seconds=50)
    PeriodicJob.objects.create(name="worker a", next_run_at=soon, lease_until=soon)
    for options in ([], ["--force"]):
        with pytest.raises(CommandError, match="A worker is running"):
            call_command("restore", str(folder), *options, stdout=StringIO())
    with pytest.raises(CommandError, match="A worker is running"):
        call_command("replay_erasures", "--since", "2026-01-01T00:00", stdout=StringIO())
