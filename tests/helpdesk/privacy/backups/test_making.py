"""What a backup holds, what it leaves out, and what becomes of it when something is in the way."""

from __future__ import annotations

import json
import sqlite3
import threading
import tomllib
from contextlib import closing
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

import helpdesk
from helpdesk import journal, storage
from helpdesk.models import Blob, PeriodicJob
from helpdesk.privacy.backups import databases, files, keys, layout, making, postgres
from helpdesk.privacy.backups.layout import BackupError, Manifest
from helpdesk.privacy.backups.pool import Pool

from . import world

ROOT = Path(__file__).resolve().parents[4]
transactional = pytest.mark.django_db(transaction=True, serialized_rollback=True)


def backup(target: Path, *options: str) -> str:
    out = StringIO()
    call_command("backup", str(target), *options, stdout=out)
    return out.getvalue()


@pytest.fixture
def at(monkeypatch):
    """Lets backups have names of other seconds."""

    def name(moment: str) -> None:
        when = timezone.datetime.fromisoformat(moment)
        monkeypatch.setattr(making.timezone, "now", lambda: when)

    return name


def test_the_version_is_that_of_the_project():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert helpdesk.__version__ == project["version"]


@transactional
@pytest.mark.usefixtures("tools")
def test_a_backup_holds_all_but_keys_and_what_passes(place):
    made = world.fill()
    Session.objects.create(
        session_key="who is logged in", session_data="x", expire_date=timezone.now()
    )
    journal.write([{"kind": journal.TICKET, "pk": 7, "number": "2026010110000017"}])
    said = json.loads(backup(place / "backups", "--json", "--keys", str(place / "keys.env")))
    folder = Path(said["backup"])
    manifest = Manifest.read(folder)

    assert said["ok"]
    assert (said["lost"], said["erased_meanwhile"]) == (0, 0)
    assert manifest.rows["helpdesk_ticket"] == len(made.tickets)
    assert manifest.rows["django_session"] == 0
    assert manifest.migrations["helpdesk"].startswith("00")
    assert set(manifest.parts) == {databases.part(), "blobs.jsonl", "files.jsonl", "journal.jsonl"}
    digests = {row["sha256"] for row in layout.read_lines(folder / layout.BLOBS)}
    assert digests == set(Blob.objects.values_list("sha256", flat=True))
    (document,) = layout.read_lines(folder / layout.FILES)
    assert document["name"] == made.document.file.name
    (entry,) = layout.read_lines(folder / layout.JOURNAL)
    assert entry["entries"][0]["pk"] == 7
    # nobody else may read it
    modes = {path.stat().st_mode & 0o077 for path in (place / "backups").rglob("*")}
    assert modes == {0}
    # the keys lie elsewhere, and nowhere in the backup
    secret = django_settings.SECRET_KEY.encode()
    assert secret in (place / "keys.env").read_bytes()
    assert (place / "keys.env").stat().st_mode & 0o777 == 0o600
    assert [one for one in folder.rglob("*") if secret in one.read_bytes()] == []
    assert b"who is logged in" not in (folder / manifest.database).read_bytes()
    # the stamp for the health page
    assert PeriodicJob.objects.get(name=making.STAMP).last_run_at == manifest.moment


@transactional
@pytest.mark.usefixtures("tools")
def test_old_backups_go_with_what_only_they_held(place, at):
    world.fill(2)
    target = place / "backups"
    at("2026-11-24T02:00:00+00:00")
    backup(target)
    gone = Blob.objects.exclude(attachments=None).first()
    gone.attachments.all().delete()
    gone.release()
    (target / "2026-11-24T120000Z").mkdir()  # one that was interrupted
    (target / "2026-11-24T120000Z" / "database.dump").write_bytes(b"half")
    at("2026-11-25T02:00:00+00:00")
    second = json.loads(backup(target, "--json"))
    assert second["new_bytes"] == 0  # all was there already
    assert [one.name for one in layout.backups(target)] == [
        "2026-11-24T020000Z",
        "2026-11-25T020000Z",
    ]
    assert not (target / "2026-11-24T120000Z").exists()
    assert Pool(target).is_sound(gone.sha256)
    at("2026-11-26T02:00:00+00:00")
    third = json.loads(backup(target, "--json", "--keep", "2"))
    assert third["removed"] == ["2026-11-24T020000Z"]
    assert not Pool(target).path(gone.sha256).exists()
    for one in Blob.objects.all():
        assert Pool(target).is_sound(one.sha256)


@transactional
@pytest.mark.usefixtures("tools")
def test_files_that_are_lost_are_told_and_erased_ones_are_not_missed(place, monkeypatch):
    world.fill(3)
    first, second = Blob.objects.exclude(attachments=None).order_by("pk")[:2]
    storage.delete(first.sha256)  # lost: its row is still there
    with pytest.raises(CommandError, match="1 files are missing or damaged") as caught:
        backup(place / "backups")
    assert caught.value.returncode == 2
    (folder,) = layout.backups(place / "backups")
    assert Manifest.read(folder).lost == [first.sha256]
    assert PeriodicJob.objects.get(name=making.STAMP).last_error == "1 files are lost"
    # erased in the night, between the database and the files
    storage.put(first_content := b"picture 0")
    assert storage.digest(first_content) == first.sha256
    take = files.take_blobs

    def erased_before(pool, wanted):
        second.attachments.all().delete()
        second.release()
        return take(pool, wanted)

    monkeypatch.setattr(files, "take_blobs", erased_before)
    said = json.loads(backup(place / "others", "--json"))
    assert (said["ok"], said["erased_meanwhile"]) == (True, 1)


@pytest.mark.django_db
def test_a_failure_says_why_and_is_noted(place):
    target = place / "file"
    target.write_text("no folder")
    out = StringIO()
    with pytest.raises(CommandError, match="cannot be written to") as caught:
        call_command("backup", str(target), "--json", stdout=out)
    assert caught.value.returncode == 1
    assert json.loads(out.getvalue())["ok"] is False
    row = PeriodicJob.objects.get(name=making.STAMP)
    assert (row.last_error, row.last_run_at) == ("BackupError", None)


@pytest.mark.django_db
def test_keys_never_lie_inside_the_backups(place):
    with pytest.raises(CommandError, match="keys belong somewhere else"):
        backup(place / "backups", "--keys", str(place / "backups" / "keys"))
    assert not (place / "backups" / "keys").exists()


@pytest.mark.pure
def test_keys_are_written_as_the_settings_read_them(tmp_path, settings):
    import environ

    settings.SECRET_KEY = "with 'quotes', \\ and \"more\""
    settings.HELPDESK = {**settings.HELPDESK, "ENCRYPTION_KEYS": ["one", "two"]}
    keys.write_keys(tmp_path / "keys", tmp_path / "backups")

    class Read(environ.Env):
        ENVIRON = {}

    Read.read_env(tmp_path / "keys")
    assert Read.ENVIRON["SECRET_KEY"] == settings.SECRET_KEY
    assert Read.ENVIRON["ENCRYPTION_KEYS"] == "one,two"


@pytest.mark.pure
def test_only_one_backup_at_a_time(tmp_path):
    first, second = layout.locked(tmp_path), layout.locked(tmp_path)
    with first, pytest.raises(BackupError, match="under way"):
        second.__enter__()


@pytest.mark.pure
def test_what_is_half_written_does_not_appear(tmp_path):
    def die() -> None:
        with layout.whole(tmp_path / "manifest.json") as file:
            file.write(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        die()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.pure
def test_a_missing_program_is_named(settings, tmp_path):
    settings.HELPDESK = {**settings.HELPDESK, "POSTGRES_TOOLS": str(tmp_path)}
    with pytest.raises(BackupError, match="pg_dump was not found. Install"):
        postgres.tool("pg_dump")


@pytest.mark.django_db
def test_a_program_older_than_the_server_is_refused(place, monkeypatch):
    if connection.vendor != "postgresql":
        pytest.skip("needs a server")
    monkeypatch.setattr(postgres, "major_of", lambda name: 9)
    with pytest.raises(BackupError, match="pg_dump is of version 9, the server of version"):
        postgres.require_tools("pg_dump")


@pytest.mark.pure
def test_sqlite_is_copied_as_one_state_while_others_write(tmp_path):
    """A writer moves money between two rows all the time: in every copy the sum is right."""
    path = tmp_path / "busy.sqlite3"
    with closing(sqlite3.connect(path)) as first:
        first.execute("PRAGMA journal_mode = WAL")
        first.execute("CREATE TABLE account (id INTEGER PRIMARY KEY, money INTEGER, filler TEXT)")
        first.executemany(
            "INSERT INTO account VALUES (?, 100, ?)", [(n, "x" * 1000) for n in range(500)]
        )
        first.commit()
    stop, moves = threading.Event(), []

    def write() -> None:
        with closing(sqlite3.connect(path, timeout=20)) as other:
            while not stop.is_set():
                other.execute("UPDATE account SET money = money - 1 WHERE id = 0")
                other.execute("UPDATE account SET money = money + 1 WHERE id = 499")
                other.commit()
                moves.append(1)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        sums = []
        for number in range(10):
            with (
                closing(sqlite3.connect(path, timeout=20)) as source,
                closing(sqlite3.connect(tmp_path / f"{number}")) as copy,
            ):
                databases.copy_sqlite(source, copy)
                sums.append(copy.execute("SELECT SUM(money), COUNT(*) FROM account").fetchone())
    finally:
        stop.set()
        writer.join()
    assert set(sums) == {(50_000, 500)}
    assert len(moves) > 10
