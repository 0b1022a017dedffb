"""Whoever erases dies: nothing half-done stays, and no byte of what is gone."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.core.files.base import ContentFile
from django.db import connection
from django.utils import timezone
from django_mailbox.models import Mailbox, Message, MessageAttachment

from helpdesk import actions, journal, permissions
from helpdesk.actions import Draft, Upload
from helpdesk.models import (
    Article,
    Blob,
    BlobRemoval,
    Channel,
    InboundMail,
    Ticket,
    Tombstone,
    remove_left,
)
from tests import factories as f
from tests.kill.fuse import kill_everywhere

pytestmark = [pytest.mark.kill, pytest.mark.django_db(transaction=True, serialized_rollback=True)]

#: Between any two of these the process may die.
BOUNDARIES = [
    "helpdesk.actions.erasing:_locked",
    "helpdesk.actions.erasing:_forget_copies",
    "helpdesk.actions.erasing_rows:drop_raw",
    "helpdesk.actions.erasing_rows:delete_alone",
    "helpdesk.actions.erasing_rows:forget_generic",
    "helpdesk.actions.erasing:_put_tombstones",
    "helpdesk.journal:write",
    "helpdesk.models.blobs:Blob.release_all",
    "helpdesk.models.blobs:_discard",
    "helpdesk.models.blobs:_discard_guarded",
    "helpdesk.storage:delete",
]
TICKETS = 2


def files() -> list[Path]:
    return [
        path
        for folder in ("helpdesk", "mailbox_attachments")
        for path in (Path(settings.MEDIA_ROOT) / folder).rglob("*")
        if path.is_file()
    ]


def erase_all() -> None:
    """What the night does: what was left over from the last time first."""
    remove_left()
    actions.erase(tickets=list(Ticket.objects.values_list("pk", flat=True)))


@pytest.mark.skipif(connection.vendor == "sqlite", reason="kill tests run on PostgreSQL")
def test_a_process_killed_anywhere_leaves_nothing_half_done(settings, tmp_path):
    settings.MEDIA_ROOT = str(tmp_path)
    settings.HELPDESK = {**settings.HELPDESK, "ERASURE_JOURNAL": str(tmp_path / "erasures")}
    queue = f.QueueFactory()
    mailbox = Mailbox.objects.create(name="desk", uri="imap://x@127.0.0.1")

    def prepare() -> None:
        Tombstone.objects.all().delete()
        InboundMail.objects.all().delete()
        for number in range(TICKETS):
            ticket = f.make_ticket(queue)
            file = Upload("a.txt", f"file {number}".encode(), "text/plain")
            actions.add_note(
                actor=permissions.SYSTEM,
                ticket=ticket,
                draft=Draft(body="x", channel=Channel.NOTE, files=(file,)),
            )
            message = Message.objects.create(mailbox=mailbox, subject="x", body="x")
            MessageAttachment.objects.create(
                message=message, document=ContentFile(b"copy", name="a.bin")
            )
            InboundMail.objects.create(
                source="test",
                key=str(number),
                ticket=ticket,
                message=message,
                state=InboundMail.State.FILED,
                blob=Blob.keep(f"raw {number}".encode()),
            )
        Ticket.objects.update(erase_at=timezone.now() - timedelta(days=1))

    def check() -> None:
        remove_left()
        assert not Ticket.objects.exists()
        assert not Article.objects.exists()
        assert not Message.objects.exists()
        assert Tombstone.objects.count() == TICKETS
        assert {row.state for row in InboundMail.objects.all()} == {"erased"}
        assert not Blob.objects.exists()
        assert not BlobRemoval.objects.exists()
        assert files() == []
        written = {one.get("number") for _at, entries in journal.read() for one in entries}
        assert set(Tombstone.objects.values_list("number", flat=True)) <= written

    assert kill_everywhere(prepare, erase_all, BOUNDARIES, check) > 40
