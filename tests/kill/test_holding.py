"""A form with held files, sent by a process that dies anywhere: sent again its request is whole, and there once."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client

from helpdesk.models import Article, Attachment, Blob, HeldFile, Ticket
from tests import page_factories as p
from tests.helpdesk.agents.pages import fields_of
from tests.kill.fuse import kill_everywhere

pytestmark = [pytest.mark.kill, pytest.mark.django_db(transaction=True, serialized_rollback=True)]

BOUNDARIES = [
    "helpdesk.pages.holding:Holding.find",
    "helpdesk.pages.holding:Holding.use",
    "helpdesk.models.held_files:HeldFile.take",
    "helpdesk.models.blobs:Blob.keep_all",
    "helpdesk.actions:open_ticket",
    "helpdesk.storage:put_all",
]
FIELDS = [
    p.question("text", "room", "Raum", required=True),
    p.question("files", "photo", "Foto", required=True, endings="txt"),
]


@pytest.mark.skipif(connection.vendor == "sqlite", reason="kill tests run on PostgreSQL")
def test_a_process_killed_anywhere_files_a_held_file_once():
    form = p.make_form(p.make_site().services, FIELDS)
    client, data = Client(), {}

    def prepare() -> None:
        for model in (Ticket, HeldFile, Blob):
            model.objects.all().delete()
        file = SimpleUploadedFile("a.txt", b"kept through it all")
        back = p.sent(client, form, q_room="", q_photo=file)
        assert HeldFile.objects.count() == 1
        data.clear()
        data.update({**fields_of(back.content.decode()), "q_room": "12.3"})

    def work() -> None:
        assert client.post(form.url, data).status_code == 302

    def check() -> None:
        assert Article.objects.get().ticket == Ticket.objects.get()
        file = Attachment.objects.get()
        assert (file.name, file.blob.read()) == ("a.txt", b"kept through it all")
        assert not HeldFile.objects.exists()

    assert kill_everywhere(prepare, work, BOUNDARIES, check) > 6
