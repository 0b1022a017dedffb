"""The real clamd, with one signature."""

from __future__ import annotations

from collections.abc import Iterator
from email.message import EmailMessage

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from helpdesk import actions, scanner, uploads
from helpdesk.actions import Draft, scanning
from helpdesk.agents.trouble import scanner_words
from helpdesk.customers import access
from helpdesk.mail import ingest, ledger
from helpdesk.models import (
    Attachment,
    AuditEntry,
    AuditKind,
    Blob,
    Channel,
    Event,
    EventKind,
    InboundMail,
    OutboundMail,
    Right,
    Scan,
    Ticket,
)
from helpdesk.notifications import mime
from helpdesk.worker import Worker, schedule
from tests import factories as f
from tests.helpdesk.agents.conftest import browser, make_team, upload, write_note
from tests.servers.clamd import EICAR, FOUND, Clamd, clamd

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def running() -> Iterator[Clamd]:
    with clamd() as server:
        yield server


@pytest.fixture
def server(running, settings) -> Iterator[Clamd]:
    settings.HELPDESK = {**settings.HELPDESK, "CLAMD": running.address}
    scanner._clean.clear()
    scanner._rests_until = 0.0
    yield running
    if not scanner.is_up():
        running.start()


@pytest.fixture
def team():
    return make_team("Red")


def mail(*files: tuple[str, bytes]) -> bytes:
    message = EmailMessage()
    message["From"], message["To"] = "Eva <eva@mail.example>", "desk@desk.example"
    message["Subject"], message["Message-ID"] = "Hello", "<1@mail.example>"
    message.set_content("See the file.")
    for name, content in files:
        message.add_attachment(
            content, maintype="application", subtype="octet-stream", filename=name
        )
    return message.as_bytes()


def run_job() -> None:
    [job] = [one for one in schedule() if one.name == scanning.JOB]
    Worker([job]).run_once(everything=True)


@pytest.mark.parametrize("where", ["address", "socket"])
def test_scanner_is_asked_by_tcp_and_by_socket(server, settings, where):
    settings.HELPDESK = {**settings.HELPDESK, "CLAMD": getattr(server, where)}
    assert scanner.scan(EICAR).finding.startswith(FOUND)
    assert scanner.scan(b"words") == scanner.Verdict()
    assert scanner.scan(b"x" * 6 * 2**20) == scanner.Verdict(too_large=True)


def test_infected_reply_is_refused_at_its_field_and_keeps_the_words(server, client):
    ticket = f.make_ticket()
    door = access.by_link(access.status_token(ticket))
    files = [SimpleUploadedFile("good.txt", b"words"), SimpleUploadedFile("bad.txt", EICAR)]
    data = {"body": "my <words>", "key": "0" * 32, "attachments": files}
    answer = client.post(door.url("reply"), data)
    assert answer.status_code == 422
    assert "bad.txt" in str(answer.context["reply"].errors["attachments"])
    assert "my &lt;words&gt;" in answer.text
    assert not Attachment.objects.exists()
    data["attachments"] = [SimpleUploadedFile("good.txt", b"words")]
    assert client.post(door.url("reply"), data).status_code == 302
    assert Attachment.objects.get().blob.scan == Scan.CLEAN  # not scanned a second time


def test_infected_mail_is_filed_told_and_kept_from_everybody(server, team, client):
    f.QueueAddressFactory(queue=team.queue, address="desk@desk.example")
    raw = mail(("bad.bin", EICAR), ("good.txt", b"good"))
    ingest.process(ledger.accept(raw, source="test", key="1").pk)
    ticket = Ticket.objects.exclude(pk=team.ticket.pk).get()
    bad, good = Attachment.objects.order_by("name")
    words = team.client.get(reverse("helpdesk_agents:ticket", args=[ticket.pk])).text
    assert "not checked" in words
    run_job()
    assert list(Blob.objects.filter(scan=Scan.WAITING)) == []
    bad.blob.refresh_from_db()
    good.blob.refresh_from_db()
    assert (bad.blob.scan, good.blob.scan) == (Scan.INFECTED, Scan.CLEAN)
    assert InboundMail.objects.get().blob.scan == Scan.INFECTED
    event = Event.objects.get(kind=EventKind.FILE_INFECTED)
    assert (event.ticket, event.content) == (ticket, {"files": ["bad.bin"]})
    entry = AuditEntry.objects.get(kind=AuditKind.FILE_QUARANTINED)
    assert entry.ticket_number == ticket.number
    words = team.client.get(reverse("helpdesk_agents:ticket", args=[ticket.pk])).text
    assert f"in quarantine: {FOUND}" in words
    assert "not checked" not in words
    for name, pk in (("attachment", bad.pk), ("source", bad.article_id)):
        url = reverse(f"helpdesk_agents:{name}", args=[ticket.pk, pk])
        assert team.client.get(url).status_code == 404
    door = access.by_link(access.status_token(ticket))
    assert client.get(door.url("file", pk=bad.pk)).status_code == 404
    assert client.get(door.url("file", pk=good.pk)).status_code == 200
    run_job()
    assert Event.objects.filter(kind=EventKind.FILE_INFECTED).count() == 1


def test_second_copy_of_a_known_virus_is_told_at_its_own_ticket(server, team):
    write_note(team, files=(upload("a.bin", EICAR, "application/octet-stream"),))
    run_job()
    other = make_team("Green")
    write_note(other, files=(upload("b.bin", EICAR, "application/octet-stream"),))
    assert Attachment.objects.last().blob.is_quarantined
    run_job()
    kinds = Event.objects.filter(kind=EventKind.FILE_INFECTED)
    assert list(kinds.values_list("ticket", flat=True)) == [team.ticket.pk, other.ticket.pk]


def test_only_who_administers_the_queue_fetches_it_and_that_is_noted(server, team):
    write_note(team, files=(upload("a.pdf", EICAR, "application/pdf"),))
    run_job()
    url = reverse("helpdesk_agents:quarantine", args=[team.ticket.pk, Attachment.objects.get().pk])
    simple = f.make_agent(team.queue, rights=[Right.READ, Right.NOTE, Right.MANAGE])
    assert browser(simple).get(url).status_code == 404
    assert browser(simple).post(url).status_code == 404
    assert make_team("Blue").client.post(url).status_code == 404
    assert FOUND in team.client.get(url).text
    assert not AuditEntry.objects.filter(kind=AuditKind.EXPORTED).exists()
    given = team.client.post(url)
    assert given.content == EICAR
    assert given["Content-Type"] == "application/octet-stream"
    assert "a.pdf.quarantine" in given["Content-Disposition"]
    assert AuditEntry.objects.get(kind=AuditKind.EXPORTED).user_id == team.agent.pk


def test_infected_file_does_not_go_out_by_mail(server, team):
    file = upload("a.bin", EICAR, "application/octet-stream")
    draft = Draft(body="x", channel=Channel.EMAIL, files=(file,))
    actions.answer(actor=team.actor, ticket=f.make_ticket(team.queue), draft=draft)
    row = OutboundMail.objects.get()
    assert mime.files_of(row) == []  # also before the worker has come to it
    run_job()
    assert mime.files_of(row) == []


def test_while_clamd_is_dead_files_are_not_checked_and_afterwards_they_are(server, team, client):
    server.stop()
    ticket = f.make_ticket()
    door = access.by_link(access.status_token(ticket))
    files = [SimpleUploadedFile("bad.txt", EICAR)]
    data = {"body": "x", "key": "0" * 32, "attachments": files}
    assert client.post(door.url("reply"), data).status_code == 302
    run_job()
    blob = Attachment.objects.get().blob
    assert (blob.scan, blob.scan_words) == (Scan.WAITING, "not checked")
    assert scanner_words(team.actor)
    assert "virus scanner: not reachable (1 files not checked)" in client.get("/healthz/ready").text
    server.start()
    run_job()
    blob.refresh_from_db()
    assert blob.is_quarantined
    assert scanner_words(team.actor) == ""
    assert "virus scanner: ok" in client.get("/healthz/ready").text


def test_a_scanner_that_is_dead_is_said_before_the_next_file_comes(server, team):
    run_job()
    assert not scanning.is_down()
    server.stop()
    run_job()
    assert scanning.is_down()


def test_many_files_wait_only_once_for_a_scanner_that_is_dead(server, monkeypatch):
    server.stop()
    asked = []
    real = scanner.scan
    monkeypatch.setattr(scanner, "scan", lambda *args: asked.append(1) or real(*args))
    files = [SimpleUploadedFile(f"{n}.txt", b"x") for n in range(5)]
    assert len(uploads.take(files)) == 5
    assert len(asked) == 1


def test_without_a_scanner_nothing_is_said(team, client):
    write_note(team, files=(upload("a.bin", b"x", "application/octet-stream"),))
    run_job()
    assert Blob.objects.get().scan == Scan.WAITING
    page = team.client.get(reverse("helpdesk_agents:ticket", args=[team.ticket.pk])).text
    assert "not checked" not in page
    assert "virus scanner" not in client.get("/healthz/ready").text
