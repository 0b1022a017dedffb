"""Whoever makes a backup or restores one dies at it: nothing half-done is taken for whole, and it can be begun again."""

from __future__ import annotations

import hashlib
import itertools
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.contrib.contenttypes.models import ContentType
from django.core.files.base import ContentFile
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from helpdesk import actions, storage, unfinished
from helpdesk.models import (
    AuditEntry,
    AuditKind,
    Blob,
    OutboundMail,
    Ticket,
    Tombstone,
)
from helpdesk.privacy.backups import checking, layout, making, restoring
from helpdesk.privacy.backups.layout import BackupError, Manifest
from helpdesk.privacy.backups.pool import Pool
from helpdesk.unfinished import Unfinished
from helpdesk.worker import Worker
from portal.models import CustomDocument
from tests import factories as f
from tests.kill import fuse

from . import world
from .conftest import postgres_tools

ROOT = Path(__file__).resolve().parents[4]

pytestmark = [
    pytest.mark.kill,
    pytest.mark.django_db(transaction=True, serialized_rollback=True),
    pytest.mark.usefixtures("tools"),
]
on_postgres = pytest.mark.skipif(connection.vendor == "sqlite", reason="forks share PostgreSQL")

HERE = "helpdesk.privacy.backups"
#: Between any two of these a backup may die.
MAKING = [
    f"{HERE}.postgres:dump",
    f"{HERE}.files:take_blobs",
    f"{HERE}.pool:Pool._write",
    f"{HERE}.pool:Pool.flush",
    f"{HERE}.layout:write_lines",
    f"{HERE}.layout:write_whole",
    f"{HERE}.layout:flush_folder",
    f"{HERE}.making:_manifest",
    f"{HERE}.pruning:drop_unnamed",
    f"{HERE}.pruning:shutil.rmtree",
    f"{HERE}.making:note",
]
#: And a restoring.
RESTORING = [
    "helpdesk.storage:BlobStorage.save_all",
    f"{HERE}.files:_replace",
    "django.core.files.storage.filesystem:FileSystemStorage._save",
    f"{HERE}.restoring:gather_journals",
    f"{HERE}.databases:load",
    f"{HERE}.postgres:_feed",
    f"{HERE}.restoring:call_command",
    f"{HERE}.restoring:_forget_what_passes",
    f"{HERE}.restoring:_stop_fetching",
    "helpdesk.notifications.restored:hold_back",
    "helpdesk.actions.erasing:erase",
    f"{HERE}.restoring:_mark_left_over",
    "helpdesk.audit:record",
    "helpdesk.unfinished:end",
]


# --- a backup --------------------------------------------------------------------------------------


@on_postgres
def test_a_backup_that_died_anywhere_is_none_and_the_next_one_is(place):
    made = world.fill(2)
    target, keys = place / "backups", place / "keys.env"
    seconds = itertools.count()
    start = timezone.now()

    def work() -> None:
        moment = start + timedelta(seconds=clock)
        making.timezone = SimpleNamespace(
            now=lambda: moment
        )  # one a second: ours have another each
        making.make(target, keep=2, key_file=keys)

    clock = next(seconds)
    assert fuse.run(work, MAKING, 0)
    deaths = 0
    for kill_at in itertools.count(1):
        made.document.file.save("map.txt", ContentFile(f"state {kill_at}".encode()))
        made.document.save()
        clock = next(seconds)
        lived = fuse.run(work, MAKING, kill_at)
        assert_whole(target)
        if lived:
            break
        deaths += 1
        clock = next(seconds)
        assert fuse.run(work, MAKING, 0)
        assert_whole(target)
        assert layout.interrupted(target) == []
        assert len(layout.backups(target)) == 2
        assert left_aside(target) == []
        assert named(target) == {path.name for path in Pool(target).contents()}
    assert deaths > 30
    # what is left of writing the keys goes with a later one: somebody may be at it now
    for one in left_aside(place):
        os.utime(one, (0, 0))
    clock = next(seconds)
    assert fuse.run(work, MAKING, 0)
    assert left_aside(place) == []
    assert keys.is_file()


def assert_whole(target: Path) -> None:
    """Assert that what looks like a backup is one, that there is one, and that what is none is refused."""
    whole = layout.backups(target)
    assert whole
    for one in whole:
        checking.verify(one, Manifest.read(one))
    for one in layout.interrupted(target):
        with pytest.raises(BackupError, match="was interrupted"):
            checking.find(one)
        with pytest.raises(BackupError, match="It was interrupted"):
            restoring.check(one, say=print)
    assert checking.find(target) == whole[-1].resolve()


def left_aside(folder: Path) -> list[Path]:
    return [path for path in folder.rglob(f"{layout.ASIDE}*") if path.is_file()]


def named(target: Path) -> set[str]:
    parts = [one / part for one in layout.backups(target) for part in (layout.BLOBS, layout.FILES)]
    return {row["sha256"] for part in parts for row in layout.read_lines(part)}


def test_an_interrupted_one_is_named(place, monkeypatch):
    """Newer than the newest whole one: who restores should know that it is left out."""
    world.fill(1)
    call_command("backup", str(place / "backups"), stdout=StringIO())
    cut = place / "backups" / "2999-01-01T000000Z"
    cut.mkdir()
    out = StringIO()
    call_command("restore", str(place / "backups"), "--check", stdout=out)
    assert f"{cut.name} is newer, but was interrupted" in out.getvalue()
    for source in (cut, place / "only"):
        (place / "only" / cut.name).mkdir(parents=True, exist_ok=True)
        with pytest.raises(CommandError, match="was interrupted, or is being made"):
            call_command("restore", str(source), stdout=StringIO())
    (place / "backups" / "blobs" / f"{layout.ASIDE}x").touch()
    later = timezone.now() + timedelta(seconds=9)  # one a second
    monkeypatch.setattr(making, "timezone", SimpleNamespace(now=lambda: later))
    call_command("backup", str(place / "backups"), stdout=out)
    assert f"Removing {cut.name}: it was interrupted" in out.getvalue()
    assert not cut.exists()
    assert left_aside(place) == []


# --- a restoring -----------------------------------------------------------------------------------


@pytest.fixture
def backed_up(place) -> world.World:
    """A help desk of which there is a backup, and in which a ticket was erased and a document changed since."""
    made = world.fill(2)
    call_command("backup", str(place / "backups"), stdout=StringIO())
    actions.erase(tickets=[made.tickets[1].pk], reason=Tombstone.Reason.BY_HAND)
    return made


@on_postgres
def test_a_restoring_that_died_anywhere_is_known_for_it_and_can_be_begun_again(place, backed_up):
    folder = checking.find(place / "backups")

    def work() -> None:
        restoring.restore(folder, restoring.Wishes(force=True))

    states = []
    for kill_at in itertools.count(1):
        go_on(backed_up)
        lived = fuse.run(work, RESTORING, kill_at)
        ContentType.objects.clear_cache()
        assert_document_is_whole(backed_up)
        states.append(state := state_of(backed_up))
        if state == "half":
            if states.count("half") == 1:
                assert_nothing_works(place)
            with pytest.raises(Unfinished, match="manage.py restore SOURCE --force"):
                Worker().run_once()
            assert fuse.run(work, RESTORING, 0)
        if state != "before":
            assert_restored(backed_up)
        if lived:
            break
    assert states[-1] == "done"
    # how many files are put back before differs with where the last one died
    assert states.count("before") > 5
    assert states.count("half") > 15


def go_on(made: world.World) -> None:
    """Have something happen after the backup, by which one knows that it was not restored."""
    later = f.make_ticket(made.tickets[0].queue, subject="Came later")
    Blob.keep(f"Came later: {later.pk}".encode())
    Path(made.document.file.path).write_bytes(b"Changed since")


def state_of(made: world.World) -> str:
    if Ticket.objects.filter(subject="Came later").exists():
        assert not unfinished.command()
        assert not Ticket.objects.filter(pk=made.tickets[1].pk).exists()
        for sha256 in Blob.objects.values_list("sha256", flat=True):
            assert hashlib.sha256(storage.read(sha256)).hexdigest() == sha256
        return "before"
    return "half" if unfinished.command() else "done"


def assert_document_is_whole(made: world.World) -> None:
    text = Path(CustomDocument.objects.get(pk=made.document.pk).file.path).read_bytes()
    assert text in (b"Changed since", b"Where the printers stand")


def assert_nothing_works(place: Path) -> None:
    worker = Worker()
    with pytest.raises(Unfinished, match="manage.py restore SOURCE --force"):
        worker.run_for_ever()
    with pytest.raises(CommandError, match="A restore was not finished here"):
        call_command("backup", str(place / "backups"), "--keep", "1", stdout=StringIO())
    with pytest.raises(CommandError, match="A restore was not finished"):
        call_command("replay_erasures", "--since", timezone.now().isoformat(), stdout=StringIO())
    with pytest.raises(CommandError, match="A restore was not finished"):
        call_command("fetch_mail", stdout=StringIO())


def assert_restored(made: world.World) -> None:
    assert not unfinished.command()
    assert set(Ticket.objects.values_list("pk", flat=True)) == {made.tickets[0].pk}
    assert not OutboundMail.objects.filter(state=OutboundMail.State.QUEUED).exists()
    made.account.mailbox.refresh_from_db()
    assert not made.account.mailbox.active
    line = AuditEntry.objects.get(kind=AuditKind.RESTORED)
    assert line.data["mailboxes"] == [made.account.mailbox.pk]
    assert Path(made.document.file.path).read_bytes() == b"Where the printers stand"
    media = Path(made.document.file.path).parent
    assert not list(media.rglob("*.restoring"))


def test_processes_of_a_site_that_is_half_restored_refuse_to_start(place, empty, backed_up):
    """The commands themselves, on a database of their own: on SQLite as on PostgreSQL."""
    address, rows = empty
    environment = {
        **os.environ,
        "DATABASE_URL": address,
        "MEDIA_ROOT": str(place / "other"),
        "ERASURE_JOURNAL": str(place / "journal"),
        "POSTGRES_TOOLS": postgres_tools(),
        "DJANGO_SETTINGS_MODULE": "portal.settings.dev",
    }

    def run(*command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *command],
            cwd=ROOT,
            env=environment,
            text=True,
            capture_output=True,
            input="x",
        )

    restore = ("restore", str(place / "backups"), "--force")
    loading = ("-m", "tests.kill.dying_command", f"{HERE}.databases:load")
    assert run(*loading, "0", *restore).returncode == -signal.SIGKILL
    assert run(*loading, "1", *restore).returncode == -signal.SIGKILL
    assert len(rows("SELECT * FROM helpdesk_ticket")) == 2  # the erased one is back
    for command, code in (("worker", 1), ("deliver_mail", 75), ("fetch_mail", 1)):
        done = run("manage.py", command)
        assert (done.returncode, "Traceback" in done.stderr) == (code, False), done.stderr
        assert command == "deliver_mail" or "Start it again: manage.py restore" in done.stderr
    page = run("-c", ASK)
    assert page.stdout.startswith("503 Service Unavailable"), page.stderr
    done = run("manage.py", *restore)
    assert done.returncode == 0, done.stderr
    assert len(rows("SELECT * FROM helpdesk_ticket")) == 1
    assert run("-c", ASK).stdout == "200 OK\n"


#: What the web server does with a request.
ASK = """
from wsgiref.util import setup_testing_defaults
from portal.wsgi import application
environ = {"PATH_INFO": "/healthz/live"}
setup_testing_defaults(environ)
body = application(environ, lambda status, headers: print(status))
"""


def test_a_replay_that_died_knows_later_which_mailboxes_it_had_stopped(
    place, backed_up, monkeypatch
):
    since = (timezone.now() - timedelta(hours=1)).isoformat()

    def die(*_more: object, **_still_more: object) -> Iterator[str]:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(restoring.replaying, "replay", die)
        with pytest.raises(KeyboardInterrupt):
            call_command("replay_erasures", "--since", since, stdout=StringIO())
    with pytest.raises(Unfinished, match="manage.py replay_erasures --since"):
        Worker().run_once()
    call_command("replay_erasures", "--since", since, stdout=StringIO())
    line = AuditEntry.objects.get(kind=AuditKind.RESTORED)
    assert line.data["mailboxes"] == [backed_up.account.mailbox.pk]
    assert not unfinished.command()
    call_command("start_mail", stdout=StringIO())
    backed_up.account.mailbox.refresh_from_db()
    assert backed_up.account.mailbox.active
