"""The commands that take mail: archives, pipes, mailboxes."""

from __future__ import annotations

import io
import json
import logging
import mailbox as boxes
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from django.test import override_settings
from django_mailbox.models import Mailbox, Message
from django_mailbox.signals import message_received

from helpdesk.mail import fetch, ingest, journal
from helpdesk.models import Article, Blob, InboundMail, MailAccount, OutboundMail, Ticket
from tests import factories as f

from .test_ingest import mail

pytestmark = pytest.mark.django_db
#: What another process shall see must be committed.
COMMITTED = pytest.mark.django_db(transaction=True, serialized_rollback=True)

KEYS = ["source", "outcome", "reason", "ticket", "article", "inbound"]


@pytest.fixture
def support():
    return f.QueueAddressFactory(address="support@desk.example", queue__slug="support").queue


# --- ingest --------------------------------------------------------------------------------------


def archive(*paths: Path, **options: object) -> list[dict]:
    out = io.StringIO()
    call_command("ingest", *map(str, paths), queue="support", json=True, stdout=out, **options)
    return [json.loads(line) for line in out.getvalue().splitlines()]


def everything() -> dict[str, int]:
    models = (InboundMail, Article, Ticket, Blob, OutboundMail, Message)
    return {model.__name__: model.objects.count() for model in models}


def as_files(folder: Path, raws: list[bytes]) -> Path:
    for number, raw in enumerate(raws):
        (folder / f"{number}.eml").write_bytes(raw)
    (folder / "README.md").write_text("Not a mail.")
    (folder / ".hidden").write_text("Neither.")
    return folder


def as_maildir(folder: Path, raws: list[bytes]) -> Path:
    box = boxes.Maildir(str(folder / "box"))
    for raw in raws:
        box.add(raw)
    return folder


def as_mbox(folder: Path, raws: list[bytes]) -> Path:
    box = boxes.mbox(str(folder / "box"))
    for raw in raws:
        box.add(raw)
    box.close()
    return folder / "box"


def as_folders(folder: Path, raws: list[bytes]) -> Path:
    (folder / "a" / "b").mkdir(parents=True)
    as_files(folder / "a" / "b", raws[:1])
    as_mbox(folder / "a", raws[1:])
    return folder


@pytest.mark.parametrize("form", [as_files, as_maildir, as_mbox, as_folders])
def test_an_archive_is_filed_once_and_told_again_the_second_time(tmp_path, support, form):
    path = form(tmp_path, [mail(subject=name) for name in ("one", "two", "three")])
    first = archive(path)
    assert [list(line) for line in first] == [KEYS] * 3
    assert [line["outcome"] for line in first] == ["opened"] * 3
    assert sorted(Ticket.objects.values_list("subject", flat=True)) == ["one", "three", "two"]
    assert not OutboundMail.objects.exists()
    before = everything()
    assert archive(path) == [{**line, "reason": "already filed"} for line in first]
    assert everything() == before


def test_a_sentence_that_begins_with_from_tears_no_mail(tmp_path, support):
    box = tmp_path / "box"
    sentence = b"Hello,\n\nFrom here on nothing prints.\n>From me, too.\n"
    box.write_bytes(
        b"From ina@mail.example Mon Mar  6 10:00:00 2023\nSubject: one\n\n" + sentence + b"\n"
        b"From bo@mail.example Mon Mar  6 10:00:00 2023\nSubject: two\n\nx\n"
    )
    lines = archive(box)
    assert [line["source"] for line in lines] == [f"{box}#0", f"{box}#1"]
    body = Article.objects.get(subject="one").body
    assert body.strip() == sentence.decode().strip().replace(">From", "From")


def test_an_eml_is_one_mail_even_with_the_first_line_of_an_mbox(tmp_path, support):
    file = tmp_path / "one.eml"
    first = b"From ina@mail.example Mon Mar  6 10:00:00 2023\n"
    file.write_bytes(first + b"Subject: one\n\nx\n\n" + first + b"y\n")
    assert [line["source"] for line in archive(file)] == [str(file)]
    assert Article.objects.get().subject == "one"


def test_each_line_names_what_became_of_the_mail(tmp_path, support):
    question = mail(Message_ID="<q@mail.example>", Date="Mon, 06 Mar 2023 10:00:00 +0100")
    reply = mail(In_Reply_To="<q@mail.example>", body="More.")
    raws = [question, reply, b"Received: elsewhere\n" + question, b""]
    lines = archive(as_files(tmp_path, raws))
    assert [line["outcome"] for line in lines] == ["opened", "appended", "ignored", "opened"]
    ticket = Ticket.objects.get(number=lines[0]["ticket"])
    assert lines[1]["ticket"] == lines[2]["ticket"] == ticket.number
    assert lines[2]["article"] == lines[0]["article"]
    assert lines[2]["reason"] == "second delivery of the same mail"
    assert ticket.articles.count() == 2
    assert ticket.created_at.isoformat() == "2023-03-06T09:00:00+00:00"
    assert ticket.imported_at is not None
    rows = InboundMail.objects.in_bulk([line["inbound"] for line in lines])
    assert [rows[line["inbound"]].article_id for line in lines] == [
        line["article"] for line in lines
    ]


@pytest.mark.parametrize("reply", [True, False])
def test_receipts_go_out_only_when_asked_for(tmp_path, support, reply):
    archive(as_files(tmp_path, [mail()]), reply=reply)
    assert OutboundMail.objects.exists() == reply
    assert (Ticket.objects.get().imported_at is None) == reply


def test_an_archive_goes_where_it_is_told_whatever_its_addresses_say(tmp_path, support):
    f.QueueAddressFactory(address="faults@desk.example")
    archive(as_files(tmp_path, [mail(to="faults@desk.example")]))
    assert Ticket.objects.get().queue == support


def test_one_mail_that_fails_stops_no_other_and_is_tried_again(tmp_path, support, monkeypatch):
    path = as_files(tmp_path, [mail(subject=name) for name in ("one", "two", "three")])
    filing = ingest._file

    def fail_one(step):
        if b"two" in step.inbound.blob.read():
            raise LookupError("a fault of ours")
        filing(step)

    monkeypatch.setattr(ingest, "_file", fail_one)
    lines = archive(path)
    assert [line["outcome"] for line in lines] == ["opened", "failed", "opened"]
    assert "LookupError" in lines[1]["reason"]
    monkeypatch.undo()
    again = archive(path)
    assert [line["outcome"] for line in again] == ["opened"] * 3
    assert [line["inbound"] for line in again] == [line["inbound"] for line in lines]
    assert again[1]["reason"] == ""


def test_an_unknown_queue_is_refused_naming_those_there_are(tmp_path, support):
    f.QueueFactory(slug="faults")
    with pytest.raises(CommandError) as refusal:
        call_command("ingest", str(tmp_path), queue="nowhere")
    assert "faults" in str(refusal.value)
    assert "support" in str(refusal.value)


def test_a_path_that_is_not_there_is_refused_before_anything_is_filed(tmp_path, support):
    as_files(tmp_path, [mail()])
    with pytest.raises(CommandError, match="There is no"):
        archive(tmp_path, tmp_path / "missing")
    assert not InboundMail.objects.exists()


def test_without_json_the_end_is_a_summary(tmp_path, support, capsys):
    call_command("ingest", str(as_files(tmp_path, [mail(), mail()])), queue="support")
    assert capsys.readouterr().out.strip() == "2 opened"


# --- pipes ---------------------------------------------------------------------------------------


class Elsewhere:
    """The test database as another process sees it."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "db.sqlite3"
        if connection.vendor == "sqlite":
            connection.ensure_connection()
            with sqlite3.connect(self.file) as copy:
                connection.connection.backup(copy)
            self.url = f"sqlite:///{self.file}"
        else:
            told = connection.settings_dict
            options = f"host={told['OPTIONS'].get('host') or told['HOST']}"
            user = told["USER"] or told["OPTIONS"].get("user")
            self.url = f"postgresql:///{told['NAME']}?{options}&user={user}"

    def rows(self, sql: str) -> list[tuple]:
        if connection.vendor == "sqlite":
            with sqlite3.connect(self.file) as copy:
                return copy.execute(sql).fetchall()
        with connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchall()

    def run(self, command: str, raw: bytes, *arguments: str, url: str | None = None) -> tuple:
        done = subprocess.run(
            [sys.executable, "manage.py", command, *arguments],
            input=raw,
            capture_output=True,
            check=False,
            timeout=120,
            cwd=settings.BASE_DIR,
            env={
                "PATH": os.environ["PATH"],
                "DJANGO_SETTINGS_MODULE": "portal.settings.dev",
                "SECRET_KEY": "elsewhere",
                "DATABASE_URL": url or self.url,
                "MEDIA_ROOT": str(settings.MEDIA_ROOT),
                "VAR_DIR": str(self.file.parent),
                "PYTHONPATH": str(settings.BASE_DIR),
            },
        )
        return done.returncode, done.stderr.decode()


@pytest.fixture
def elsewhere(tmp_path, support):
    return Elsewhere(tmp_path)


UMLAUTS = mail(body="x").replace(b"\nx\n", "\nGrüße aus Köln\n".encode("latin-1"))


@COMMITTED
@pytest.mark.parametrize("command", ["deliver_mail", "processincomingmessage"])
def test_a_piped_mail_is_stored_byte_for_byte_and_only_once(elsewhere, command):
    arguments = {"deliver_mail": ["--queue", "support"], "processincomingmessage": ["pipe"]}
    for _twice in range(2):
        code, errors = elsewhere.run(command, UMLAUTS, *arguments[command])
        assert (code, errors) == (0, "")
    state, sha256 = elsewhere.rows(
        "SELECT state, sha256 FROM helpdesk_inboundmail m JOIN helpdesk_blob b ON b.id = m.blob_id"
    )[0]
    stored = Path(settings.MEDIA_ROOT) / "helpdesk" / sha256[:2] / sha256[2:4] / sha256
    assert (state, stored.read_bytes()) == ("filed", UMLAUTS)
    for table in ("inboundmail", "ticket", "article"):
        assert elsewhere.rows(f"SELECT count(*) FROM helpdesk_{table}") == [(1,)]  # noqa: S608


@COMMITTED
def test_the_envelope_decides_where_a_piped_mail_goes(elsewhere):
    raw = mail(to="somebody@else.example")
    assert elsewhere.run("deliver_mail", raw, "--to", "support@desk.example") == (0, "")
    assert elsewhere.rows("SELECT state FROM helpdesk_inboundmail") == [("filed",)]


@COMMITTED
@pytest.mark.parametrize("flags", [[], ["--trusted"]])
def test_a_pipe_is_trusted_only_if_it_says_so(elsewhere, flags):
    assert elsewhere.run("deliver_mail", mail(), "--to", "support@desk.example", *flags) == (0, "")
    assert elsewhere.rows("SELECT trusted FROM helpdesk_inboundmail") == [(bool(flags),)]


@COMMITTED
def test_a_mail_that_finds_no_queue_is_stored_all_the_same(elsewhere):
    code, _errors = elsewhere.run("deliver_mail", mail(to="somebody@else.example"))
    assert code == 0
    assert elsewhere.rows("SELECT state FROM helpdesk_inboundmail") == [("failed",)]


@COMMITTED
def test_an_unknown_queue_is_an_error_of_usage(elsewhere):
    code, errors = elsewhere.run("deliver_mail", mail(), "--queue", "nowhere")
    assert code == 64
    assert "nowhere" in errors
    assert elsewhere.rows("SELECT count(*) FROM helpdesk_inboundmail") == [(0,)]


@COMMITTED
@pytest.mark.parametrize("command", ["deliver_mail", "processincomingmessage"])
@pytest.mark.parametrize(
    "url",
    [
        "postgresql://nobody@127.0.0.1:1/none",
        "sqlite:////nowhere/at/all/db.sqlite3",
        pytest.param(
            "{url}&options=-c%20default_transaction_read_only%3Don",
            marks=pytest.mark.skipif(
                connection.vendor == "sqlite", reason="tried on PostgreSQL: root writes any file"
            ),
        ),
    ],
    ids=["no server", "no file", "read-only"],
)
def test_what_could_not_be_stored_stays_with_the_mail_server(elsewhere, command, url):
    code, errors = elsewhere.run(command, mail(), url=url.format(url=elsewhere.url))
    assert code == 75
    assert "could not be stored" in errors
    assert "It is silent" not in errors
    assert elsewhere.rows("SELECT count(*) FROM helpdesk_inboundmail") == [(0,)]


@pytest.mark.parametrize("command", ["deliver_mail", "processincomingmessage"])
def test_a_stored_mail_is_never_handed_back(support, monkeypatch, command):
    class Stdin:
        buffer = io.BytesIO(mail())

    def gone(pk):
        raise OperationalError("the server went away")

    monkeypatch.setattr(sys, "stdin", Stdin)
    monkeypatch.setattr(ingest, "process", gone)
    errors = io.StringIO()
    call_command(command, stderr=errors)
    assert "filed later" in errors.getvalue()
    assert InboundMail.objects.get().state == InboundMail.State.RECEIVED
    monkeypatch.undo()
    assert ingest.process_pending() == 1
    assert InboundMail.objects.get().processed_at is not None


# --- mailboxes -----------------------------------------------------------------------------------


@pytest.fixture
def postbox(tmp_path, support):
    """An active mailbox of the queue: a maildir with two mails."""
    folder = tmp_path / "Maildir"
    box = boxes.Maildir(str(folder))
    for name in ("one", "two"):
        box.add(mail(subject=name, to="somebody@else.example"))
    row = Mailbox.objects.create(name="desk", uri=f"maildir:{folder}")
    MailAccount.objects.create(mailbox=row, queue=support)
    row.maildir = folder
    return row


def left(row: Mailbox) -> int:
    return len(list(boxes.Maildir(str(row.maildir))))


@pytest.mark.parametrize("command", ["fetch_mail", "getmail"])
def test_mail_is_fetched_filed_and_taken_off_the_server(postbox, support, command, capsys):
    call_command(command)
    assert "desk: 2 fetched" in capsys.readouterr().out
    assert left(postbox) == 0
    assert set(Ticket.objects.values_list("queue", "subject")) == {
        (support.pk, "one"),
        (support.pk, "two"),
    }
    before = everything()
    call_command(command)
    assert everything() == before


@pytest.mark.parametrize(
    "uri",
    [
        "imap://user:secret@127.0.0.1:1",
        "maildir:/nowhere/at/all",
        "nonsense://x",
        "mbox:/nowhere",
        "imap://[",
        "",
    ],
)
def test_a_broken_mailbox_stops_no_other(postbox, uri, capsys):
    broken = Mailbox.objects.create(name="a broken one", uri=uri)
    MailAccount.objects.create(mailbox=broken, queue=postbox.helpdesk_account.queue)
    with pytest.raises(CommandError, match="1 of the mailboxes"):
        call_command("fetch_mail")
    assert Ticket.objects.count() == 2
    account = MailAccount.objects.get(mailbox=broken)
    assert account.last_error
    assert account.lease_until is None
    assert "secret" not in capsys.readouterr().out + account.last_error


def test_one_mailbox_is_fetched_by_name(postbox):
    with pytest.raises(CommandError, match="There is no mailbox nobody"):
        call_command("fetch_mail", "nobody")
    Mailbox.objects.update(active=False)
    call_command("fetch_mail")
    assert left(postbox) == 2
    call_command("fetch_mail", "desk")
    assert left(postbox) == 0


@pytest.fixture
def received():
    """What the listeners of django-mailbox's signal got."""
    got: list[Message] = []

    def listen(sender, message, **_signal):
        got.append(message)

    message_received.connect(listen)
    yield got
    message_received.disconnect(listen)


def test_the_journal_and_the_signal_of_django_mailbox_arrive(postbox, received):
    yielded = list(fetch.HardenedMailbox.objects.get(pk=postbox.pk).get_new_mail())
    rows = list(Message.objects.order_by("pk"))
    assert yielded == received == rows
    assert sorted(row.subject for row in rows) == ["one", "two"]
    assert {row.mailbox_id for row in rows} == {postbox.pk}
    assert "It is silent." in rows[0].text
    assert set(InboundMail.objects.values_list("message", flat=True)) == {row.pk for row in rows}


def test_a_listener_that_raises_touches_no_article_and_no_other_listener(postbox, received, caplog):
    def broken(sender, message, **_signal):
        raise ZeroDivisionError(message.subject)

    message_received.connect(broken)
    with caplog.at_level(logging.WARNING):
        call_command("fetch_mail")
    message_received.disconnect(broken)
    assert Article.objects.count() == Message.objects.count() == len(received) == 2
    assert set(InboundMail.objects.values_list("state", flat=True)) == {"filed"}
    assert "ZeroDivisionError" in caplog.text
    assert "one" not in [record.message for record in caplog.records]


def test_a_journal_that_fails_touches_no_article(postbox, monkeypatch):
    def broken(*_arguments):
        raise ValueError("no row")

    monkeypatch.setattr(journal, "_row", broken)
    call_command("fetch_mail")
    assert Article.objects.count() == 2
    assert not Message.objects.exists()
    assert set(InboundMail.objects.values_list("state", flat=True)) == {"filed"}


def test_a_mail_too_large_is_told_and_left_where_it_is(postbox):
    with override_settings(HELPDESK={**settings.HELPDESK, "MAIL_MAX_BYTES": 10}):
        call_command("fetch_mail")
    assert left(postbox) == 2
    assert set(InboundMail.objects.values_list("state", "blob")) == {("failed", None)}
