"""A backup, restored: into an empty installation it is the same, in an old one erased things are erased again."""

from __future__ import annotations

import os
import subprocess
import sys
from io import StringIO
from pathlib import Path

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection

from helpdesk import actions, journal
from helpdesk.models import (
    Article,
    AuditEntry,
    AuditKind,
    Blob,
    BlobRemoval,
    Event,
    EventKind,
    InboundMail,
    OutboundMail,
    Ticket,
    Tombstone,
)
from tests import factories as f

from . import world
from .conftest import postgres_tools

ROOT = Path(__file__).resolve().parents[4]

pytestmark = [
    pytest.mark.django_db(transaction=True, serialized_rollback=True),
    pytest.mark.usefixtures("tools"),
]


def backup(target: Path, *options: str) -> str:
    out = StringIO()
    call_command("backup", str(target), *options, stdout=out)
    return out.getvalue()


def restore(source: Path, *options: str) -> str:
    out = StringIO()
    call_command("restore", str(source), *options, stdout=out)
    return out.getvalue()


def test_an_empty_installation_becomes_the_same(place, empty):
    address, rows = empty
    world.fill()
    backup(place / "backups", "--keys", str(place / "keys"))
    environment = {
        **os.environ,
        "DATABASE_URL": address,
        "MEDIA_ROOT": str(place / "other"),
        "ERASURE_JOURNAL": str(place / "other journal"),
        "POSTGRES_TOOLS": postgres_tools(),
        "DJANGO_SETTINGS_MODULE": "portal.settings.dev",
        "SECRET_KEY": "another one than the tests have",
    }
    command = ["manage.py", "restore", str(place / "backups"), "--send-queued", "--fetch-mail"]
    done = subprocess.run(
        [sys.executable, *command], cwd=ROOT, env=environment, text=True, capture_output=True
    )
    assert done.returncode == 0, done.stderr
    # every table but those in which restoring writes; the stamp of the backup came after it
    tables = [one for one in world.tables_here() if one != "helpdesk_periodicjob"]
    here = rows_as_written(tables)
    assert world.fingerprint(tables, rows) == here
    assert len(here) > 60
    assert world.files_below(place / "other") == world.files_below(place / "media")
    assert "1 of the keys that the backup was made with are not set here" in done.stdout
    assert "Enter anew, the keys do not fit: MailAccount" in done.stdout


def rows_as_written(tables: list[str]) -> dict[str, str]:
    """Return the digests of our own tables, read past Django: SQLite would be given other types."""
    if connection.vendor == "sqlite":
        return world.fingerprint(tables, lambda sql: connection.connection.execute(sql).fetchall())
    given = connection.get_connection_params()
    keys = ("host", "port", "user", "password", "dbname")
    with psycopg.connect(**{key: given[key] for key in keys if given.get(key)}) as other:
        return world.fingerprint(tables, lambda sql: other.execute(sql).fetchall())


def test_what_came_since_goes_and_nothing_goes_out_twice(place):
    made = world.fill()
    first = made.tickets[0]
    backup(place / "backups")
    later = f.make_ticket(first.queue, subject="Came later")
    journal.write([{"kind": journal.CUSTOMERS, "pks": [7_000_000]}])
    kept = Blob.keep(b"came later, too")
    f.make_agent(first.queue)
    with pytest.raises(CommandError, match="not empty"):
        restore(place / "backups")
    said = restore(place / "backups", "--force")

    assert set(Ticket.objects.values_list("pk", flat=True)) == {one.pk for one in made.tickets}
    # the numbers that were drawn since are not drawn again
    new = f.make_ticket(first.queue)
    assert int(new.number[10:-1]) > int(later.number[10:-1])
    # nor are ids: an answer to what is lost comes to no stranger's request, and nobody else is erased
    assert new.pk > later.pk + 1_000
    assert new.articles.get().pk > later.pk + 1_000
    assert f.CustomerFactory().pk > 7_000_000
    # a mail that waited may have gone out since
    mail = OutboundMail.objects.get(pk=made.queued.pk)
    assert mail.state == OutboundMail.State.UNCERTAIN
    assert mail.server_reply.startswith("Held back: it waited when the backup of ")
    assert Event.objects.filter(ticket=first, kind=EventKind.MAIL_UNCERTAIN).count() == 1
    assert not OutboundMail.objects.filter(state=OutboundMail.State.QUEUED).exists()
    # no mail is fetched until somebody says so
    made.account.mailbox.refresh_from_db()
    assert not made.account.mailbox.active
    assert "Stopped: 1 mail accounts." in said
    call_command("start_mail", stdout=StringIO())
    made.account.mailbox.refresh_from_db()
    assert made.account.mailbox.active
    # what no row leads to is to be removed
    assert list(BlobRemoval.objects.values_list("sha256", flat=True)) == [kept.sha256]
    line = AuditEntry.objects.get(kind=AuditKind.RESTORED)
    assert line.data["held_back"] == 1
    assert line.data["mailboxes"] == [made.account.mailbox.pk]
    # what the database itself refuses is refused again
    with pytest.raises(DatabaseError), connection.cursor() as cursor:
        cursor.execute("UPDATE helpdesk_auditentry SET kind = 'x'")


def test_what_was_erased_since_is_erased_again_and_nothing_else(place):
    """Also where the journal was lost with the machine, and a copy of it lies elsewhere."""
    made = world.fill(4)
    whole, files_only, third, fourth = made.tickets
    backup(place / "backups")
    before = rows_of(third, fourth)
    actions.erase(tickets=[whole.pk], reason=Tombstone.Reason.BY_HAND)
    actions.erase_files(tickets=[files_only.pk], reason=Tombstone.Reason.BY_HAND)
    (place / "journal").rename(place / "saved")
    said = restore(place / "backups", "--force", "--send-queued", "--journal", str(place / "saved"))

    assert "1 tickets" in said
    assert set(Ticket.objects.all()) == {files_only, third, fourth}
    assert Tombstone.objects.get().number == whole.number
    assert not files_only.articles.exclude(attachments=None).exists()
    assert rows_of(third, fourth) == before
    stored = {path.read_bytes() for path in (place / "media" / "helpdesk").rglob("*/*/*")}
    assert {b"picture 2", b"picture 3"} <= stored
    assert not {b"picture 0", b"picture 1"} & stored
    # the journal is whole again, here
    known = [one for _at, rows in journal.read() for one in rows]
    assert {"kind": "files", "pk": files_only.pk, "number": files_only.number} in known
    with pytest.raises(CommandError, match="There is no journal in"):
        restore(place / "backups", "--force", "--journal", str(place / "nowhere"))


def rows_of(*tickets: Ticket) -> dict[str, list]:
    """Return everything that is stored of tickets."""
    pks = [one.pk for one in tickets]
    articles = Article.objects.filter(ticket__in=pks).order_by("pk")
    mails = InboundMail.objects.filter(ticket__in=pks).order_by("pk")
    return {
        "tickets": list(Ticket.objects.filter(pk__in=pks).order_by("pk").values()),
        "articles": list(articles.values()),
        "mails": list(mails.values()),
        "files": list(articles.exclude(attachments=None).values("attachments__blob__sha256")),
        "events": list(Event.objects.filter(ticket__in=pks).order_by("pk").values()),
    }


def test_a_lost_file_comes_back_and_a_damaged_one_is_put_right(place):
    made = world.fill()
    backup(place / "backups")
    before = world.files_below(place / "media")
    paths = sorted((place / "media" / "helpdesk").rglob("*/*/*"))
    paths[0].unlink()
    paths[1].write_bytes(b"x" * paths[1].stat().st_size)
    Path(made.document.file.path).write_bytes(b"other")
    said = restore(place / "backups", "--force")
    assert "(3 of them put back)" in said
    assert world.files_below(place / "media") == before


def test_somebody_who_still_works_is_told_of(place):
    if connection.vendor != "postgresql":
        pytest.skip("locks of tables are PostgreSQL's")
    made = world.fill(1)
    backup(place / "backups")
    given = connection.get_connection_params()
    keys = ("host", "port", "user", "password", "dbname")
    from helpdesk.privacy.backups import postgres

    short = postgres.EMPTY_SCHEMA.replace("15s", "200ms")
    with (
        psycopg.connect(**{key: given[key] for key in keys if given.get(key)}) as other,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr(postgres, "EMPTY_SCHEMA", short)
        other.execute("SELECT COUNT(*) FROM helpdesk_ticket")
        with pytest.raises(CommandError, match="Stop the web and worker processes"):
            restore(place / "backups", "--force")
    assert Ticket.objects.get().pk == made.tickets[0].pk


def test_the_worker_is_not_taken_for_alive_by_a_backup(place, client):
    world.fill(1)
    backup(place / "backups")
    answer = client.get("/healthz/ready").content.decode()
    assert "worker: never seen" in answer
    assert "backup: ok (last made 0 h ago)" in answer
