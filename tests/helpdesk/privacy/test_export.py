"""The archive: what is in it, for whom, and how it is made."""

from __future__ import annotations

import io
import json
import re
import tracemalloc
import zipfile
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.base import File
from django.utils import timezone

from helpdesk import actions, permissions, storage
from helpdesk.actions import Draft, Upload
from helpdesk.errors import NotFound, NotPermitted
from helpdesk.models import (
    Attachment,
    AuditEntry,
    AuditKind,
    Blob,
    Channel,
    DataExport,
    Participant,
    Scan,
)
from helpdesk.privacy import archive, export, persons
from helpdesk.privacy.export_scope import Scope
from tests import factories as f

from . import world as w

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(settings, tmp_path) -> w.World:
    settings.MEDIA_ROOT = tmp_path / "media"
    return w.make_world()


def packed(scope: Scope, language: str = "en") -> zipfile.ZipFile:
    target = io.BytesIO()
    archive.write(scope, target, language=language)
    return zipfile.ZipFile(target)


def data_of(zipped: zipfile.ZipFile) -> dict[str, Any]:
    return json.loads(zipped.read("data.json"))


def complete(world: w.World) -> Scope:
    return Scope(persons.person_of(customers=[world.customer.pk]))


def own(world: w.World) -> Scope:
    person = persons.person_of(customers=[world.customer.pk])
    return Scope(person, permissions.customer(world.customer))


def test_complete_export_holds_everything_about_the_person(world):
    zipped = packed(complete(world))
    data = data_of(zipped)
    assert data["format"] == "stelze-personal-data/1"
    assert data["complete"] is True
    assert {one["address"] for one in data["person"]["addresses"]} >= {w.ADDRESS, w.OLD_ADDRESS}
    assert data["person"]["accounts"][0]["log_in_name"] == w.LOGIN
    parts = {one["number"]: one for one in data["requests"]}
    assert {world.alone.number, world.shared.number, world.theirs.number, world.form.number} == set(parts)  # fmt: skip
    notes = [one for one in parts[world.alone.number]["messages"] if one["internal"]]
    assert notes[0]["text"] == f"{w.LOGIN} is in a hurry"
    assert parts[world.alone.number]["answers"] == [
        {"question": "People 1: Address", "answer": w.ADDRESS}
    ]
    page = zipped.read("index.html").decode()
    assert w.WORDS in page
    assert "<script" not in page
    assert '<html lang="en">' in page


def test_of_others_it_holds_only_what_is_about_the_person(world):
    data = data_of(packed(complete(world)))
    theirs = next(one for one in data["requests"] if one["number"] == world.theirs.number)
    texts = [one["text"] for one in theirs["messages"]]
    assert w.WORDS in texts
    assert "Olga asks." not in texts
    assert theirs["subject"] == ""
    assert "other@mail.example" not in json.dumps(data)
    shared = next(one for one in data["requests"] if one["number"] == world.shared.number)
    assert shared["taking_part"] == []
    assert shared["taking_part_count"] == 1


def test_what_was_merged_in_apart_stays_its_own_customers(world):
    queue, olga = world.queue, world.other
    theirs = f.make_ticket(queue, subject="Olga's secret", body="Olga's ailment.", customer=olga)
    files = (Upload("olga.txt", b"of Olga", "text/plain"),)
    w.message(theirs, olga, f"Ask {w.NAME}.\n\nOlga's other ailment.", files=files)
    actions.merge(actor=permissions.SYSTEM, source=theirs, target=world.alone, visible=False)
    zipped = packed(complete(world))
    for text in (zipped.read("data.json").decode(), zipped.read("index.html").decode()):
        assert "ailment" not in text
        assert "olga.txt" not in text
        assert "Olga's secret" not in text
        assert f"Ask {w.NAME}." in text
        assert w.WORDS in text
    assert not [one for one in zipped.namelist() if one.endswith("olga.txt")]

    zipped = packed(Scope(persons.person_of(customers=[olga.pk])))
    text = zipped.read("data.json").decode()
    assert "Olga's ailment." in text
    assert "Olga's other ailment." in text
    assert w.PHONE not in text
    assert [one for one in zipped.namelist() if one.endswith("olga.txt")]


def test_who_takes_part_gets_no_more_than_the_page_shows(world):
    ticket = world.shared
    Participant.objects.filter(ticket=ticket).update(may_read=True)
    Participant.objects.create(ticket=ticket, address="hidden@x.example", normalised="hidden@x.example")  # fmt: skip
    asker = permissions.customer(world.customer)
    actions.object_to_storage(actor=asker, ticket=ticket, channel=Channel.WEB)
    ticket.refresh_from_db()

    def got(actor: permissions.Actor) -> Any:
        with export.of_request(actor=actor, ticket=ticket) as file:
            return data_of(zipfile.ZipFile(file))["requests"][0]

    whole = got(asker)
    assert whole["part"] == "own"
    assert "hidden@x.example" in whole["taking_part"]
    assert whole["taking_part_count"] == 2
    assert whole["objected"]
    assert whole["objection"] == ticket.objection_wording
    assert whole["kept"]
    part = got(permissions.customer(world.other))
    assert part["part"] == "part"
    assert part["messages"]
    assert [one["text"] for one in part["messages"]] == [one["text"] for one in whole["messages"]]
    assert part["answers"] == whole["answers"]
    assert part["taking_part"] == []
    assert {part[name] for name in ("kept", "legal_basis", "objected", "objection")} == {""}
    assert part["taking_part_count"] == 0


def test_the_objection_of_another_customer_is_not_given_out(world):
    theirs = f.make_ticket(world.queue, subject="Olga's", customer=world.other)
    actions.object_to_storage(
        actor=permissions.customer(world.other), ticket=theirs, channel=Channel.WEB
    )
    theirs.refresh_from_db()
    actions.merge(actor=permissions.SYSTEM, source=theirs, target=world.alone, visible=False)
    world.alone.refresh_from_db()
    assert world.alone.objected_at is not None
    for scope in (own(world), complete(world)):
        data = data_of(packed(scope))
        one = next(one for one in data["requests"] if one["number"] == world.alone.number)
        assert (one["objected"], one["objection"]) == ("", "")
        assert one["kept"]


def test_own_export_holds_what_the_customer_may_see(world):
    data = data_of(packed(own(world)))
    parts = {one["number"]: one for one in data["requests"]}
    assert set(parts) == {world.alone.number, world.shared.number, world.theirs.number}
    assert not [m for one in parts.values() for m in one["messages"] if m["internal"]]
    assert "in a hurry" not in json.dumps(data)
    assert [one["text"] for one in parts[world.theirs.number]["messages"]] == [w.WORDS]
    assert parts[world.alone.number]["kept"] == world.alone.retention_sentence
    assert "audit_log" not in data["person"]


def test_agents_are_named_as_the_queue_says(world):
    for names, shown in (("team", False), ("name", True)):
        world.queue.agent_names = names
        world.queue.save()
        data = data_of(packed(own(world)))
        shared = next(one for one in data["requests"] if one["number"] == world.shared.number)
        writers = [one["from"] for one in shared["messages"] if one["by"] == "agent"]
        assert (world.agent.get_full_name() in writers) is shown


def test_files_with_safe_names(world):
    zipped = packed(own(world))
    names = [one for one in zipped.namelist() if one.startswith("files/")]
    assert len(names) == 2
    assert all(zipped.read(name) == w.FILE for name in names)
    paths = [file["path"] for one in data_of(zipped)["requests"] for m in one["messages"] for file in m["files"]]  # fmt: skip
    assert sorted(paths) == sorted(names)


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "..\\..\\boot.ini", "/etc/shadow", "a\x1fb.txt", "CON", "..", ""]
)
def test_no_name_leads_out_of_the_archive(world, name):
    Attachment.objects.filter(article__ticket=world.alone).update(name=name or "x")
    for one in packed(own(world)).namelist():
        parts = one.split("/")
        assert ".." not in parts
        assert "\\" not in one
        assert not one.startswith("/")
        assert len(parts) in (1, 3)


def test_what_is_in_quarantine_is_left_out_and_said_so(world):
    Blob.objects.filter(attachments__article__ticket=world.alone).update(scan=Scan.INFECTED)
    zipped = packed(own(world))
    assert not [one for one in zipped.namelist() if one.startswith("files/")]
    alone = next(one for one in data_of(zipped)["requests"] if one["number"] == world.alone.number)
    (file,) = [file for m in alone["messages"] for file in m["files"]]
    assert file["path"] == ""
    assert "virus" in file["note"]
    assert "virus" in zipped.read("index.html").decode()


def test_what_people_write_is_text_in_the_page(world):
    world.alone.subject = "<script>alert(1)</script>"
    world.alone.save()
    page = packed(own(world)).read("index.html").decode()
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_a_large_file_needs_no_memory(world, tmp_path):
    size = 60_000_000
    content = tmp_path / "large"
    with content.open("wb") as file:
        file.truncate(size)
    with content.open("rb") as file:
        blob = Blob.keep_file(File(file))
    assert blob.size == size
    Attachment.objects.filter(article__ticket=world.alone).update(blob=blob)
    tracemalloc.start()
    with (tmp_path / "out.zip").open("w+b") as target:
        archive.write(own(world), target, language="en")
        kept = Blob.keep_file(File(target))
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept.size > size
    assert peak < 15_000_000


# --- asked for, made, fetched, gone -----------------------------------------------------------------------


def made(world: w.World, django_capture_on_commit_callbacks: Any) -> DataExport:
    with django_capture_on_commit_callbacks(execute=True):
        row = export.ask_own(actor=permissions.customer(world.customer))
    row.refresh_from_db()
    return row


def test_made_by_the_worker_and_fetched(world, django_capture_on_commit_callbacks):
    row = made(world, django_capture_on_commit_callbacks)
    if row.state == "waiting":
        assert export.make.call(row.pk) == "made"
        row.refresh_from_db()
    assert row.state == "ready"
    assert export.make.call(row.pk) == "nothing"
    with export.open_archive(row=row, user=world.user) as file:
        assert zipfile.ZipFile(file).testzip() is None
    lines = AuditEntry.objects.filter(kind=AuditKind.EXPORTED, data__export=row.pk).order_by("pk")
    assert [one.data["did"] for one in lines] == ["asked", "made", "fetched"]


def test_it_expires_and_its_bytes_go(world, django_capture_on_commit_callbacks):
    row = made(world, django_capture_on_commit_callbacks)
    export.make.call(row.pk)
    row.refresh_from_db()
    sha256 = row.blob.sha256
    DataExport.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    row.refresh_from_db()
    with pytest.raises(NotFound):
        export.open_archive(row=row, user=None)
    with django_capture_on_commit_callbacks(execute=True):
        assert export.tidy_exports() == 2
    assert not DataExport.objects.exists()
    with pytest.raises(FileNotFoundError):
        storage.read(sha256)


def test_one_at_a_time(world):
    actor = permissions.customer(world.customer)
    DataExport.objects.all().delete()
    rows = {export.ask_own(actor=actor).pk for _n in range(2)}
    waiting = DataExport.objects.filter(pk__in=rows, state="waiting").count()
    assert waiting <= 1


def test_a_fault_is_shown_and_tells_nothing(world, monkeypatch, caplog):
    row = DataExport.objects.create(
        customer=world.customer, asked_at=timezone.now(), expires_at=timezone.now()
    )
    monkeypatch.setattr(archive, "write", lambda *_a, **_k: (_ for _ in ()).throw(OSError(w.NAME)))
    assert export.make.call(row.pk) == "failed"
    row.refresh_from_db()
    assert row.state == "failed"
    assert w.LAST not in caplog.text


def test_guests_get_what_was_written_from_their_address(world):
    Participant.objects.create(
        ticket=world.control, address="g@x.example", normalised="g@x.example", may_read=True
    )
    ticket = f.make_ticket(world.queue, customer=world.customer, contact="quork@mail.example")
    actor = permissions.guest("quork@mail.example", world.customer)
    row = export.ask_own(actor=actor)
    scope = export._scope_of(row)
    data = data_of(packed(scope))
    numbers = {one["number"] for one in data["requests"]}
    assert ticket.number in numbers
    assert world.shared.number not in numbers  # from another address of theirs
    assert w.OTHER_ADDRESS not in json.dumps(data["person"])
    assert export.own_exports(actor).get() == row
    assert not export.own_exports(permissions.guest("g@x.example", None)).exists()
    assert row not in export.own_exports(permissions.customer(world.customer))


def test_a_link_brings_no_export(world):
    bearer = permissions.link_bearer(world.alone)
    assert not export.own_exports(bearer).exists()
    with pytest.raises(NotPermitted):
        export.ask_own(actor=bearer)
    with pytest.raises(NotPermitted):
        export.ask_complete(actor=permissions.agent(world.agent), person=complete(world).person)


def test_one_request_at_once(world):
    bearer = permissions.link_bearer(world.alone)
    with export.of_request(actor=bearer, ticket=world.alone) as file:
        data = data_of(zipfile.ZipFile(file))
    assert [one["number"] for one in data["requests"]] == [world.alone.number]
    assert data["person"] == {}
    assert "in a hurry" not in json.dumps(data)


def test_the_page_can_be_read(world):
    bearer = permissions.link_bearer(world.alone)
    with export.of_request(actor=bearer, ticket=world.alone) as file:
        one = zipfile.ZipFile(file).read("index.html").decode()
    for page, first in ((packed(own(world)).read("index.html").decode(), 2), (one, 2)):
        levels = [int(level) for level in re.findall(r"<h([1-6])>", page)]
        assert levels[:2] == [1, first]
        assert all(after - before <= 1 for before, after in zip(levels, levels[1:], strict=False))
        assert ".." not in page.replace("…", "")


def test_german(world):
    page = packed(own(world), "de").read("index.html").decode()
    assert '<html lang="de">' in page


def test_upload_names_keep_their_ending(world):
    draft = Draft(body="x", channel=Channel.WEB, files=(Upload("Bild ä.png", b"x", "image/png"),))
    actor = permissions.customer(world.customer)
    actions.receive_message(actor=actor, ticket=world.alone, draft=draft, customer=world.customer)
    assert [one for one in packed(own(world)).namelist() if one.endswith("-Bild ä.png")]
