"""What a load balancer asks."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client, override_settings
from django.utils import timezone
from django_mailbox.models import Mailbox

from helpdesk.models import MailAccount, PeriodicJob
from portal import health
from tests import factories as f

READY = "/healthz/ready"


def test_live_needs_no_database(client: Client):
    answer = client.get("/healthz/live")
    assert (answer.status_code, answer.content) == (200, b"ok\n")


def test_live_sets_no_cookie_and_is_not_cached(client: Client):
    answer = client.get("/healthz/live")
    assert not answer.cookies
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.django_db
def test_ready_looks_at_each_part(client: Client):
    answer = client.get(READY)
    assert answer.status_code == 200
    assert answer.content.decode().splitlines() == [
        "database: ok",
        "migrations: ok",
        "storage: ok",
        "worker: never seen",
        "mail accounts: ok (0 in use)",
    ]


@pytest.mark.django_db
@pytest.mark.parametrize(("minutes", "word"), [(0, "ok"), (6, "late")])
def test_a_late_worker_is_told_and_fails_nothing(client: Client, minutes, word):
    then = timezone.now() - timedelta(minutes=minutes)
    PeriodicJob.objects.create(name="mail.send", next_run_at=then, last_run_at=then)
    answer = client.get(READY)
    assert answer.status_code == 200
    assert f"worker: {word} (last seen" in answer.content.decode()


@pytest.mark.django_db
def test_mail_accounts_in_trouble_are_told_and_fail_nothing(client: Client):
    for number, error in enumerate(["", "Secret of the reds"]):
        mailbox = Mailbox.objects.create(name=f"Desk {number}", uri="imap://desk@mail.example/")
        MailAccount.objects.create(mailbox=mailbox, queue=f.QueueFactory(), last_error=error)
    answer = client.get(READY)
    assert answer.status_code == 200
    assert answer.content.decode().endswith("mail accounts: 1 of 2 in trouble\n")


@pytest.mark.django_db
def test_not_ready_while_a_migration_is_pending(client: Client, monkeypatch):
    monkeypatch.setattr(health, "_migrated", False)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'helpdesk'")
    answer = client.get(READY)
    assert answer.status_code == 503
    assert "migrations: pending" in answer.content.decode()


@pytest.mark.django_db
def test_not_ready_when_files_cannot_be_written(client: Client, tmp_path):
    (tmp_path / "file").touch()
    with override_settings(MEDIA_ROOT=str(tmp_path / "file")):
        answer = client.get(READY)
    assert answer.status_code == 503
    assert "storage: not writable (NotADirectoryError)" in answer.content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("hours", "error", "words"),
    [
        (7, "", "backup: ok (last made 7 h ago)"),
        (50, "", "backup: late (last made 50 h ago)"),
        (7, "BackupError", "backup: failed (last made 7 h ago)"),
        (None, "BackupError", "backup: failed (BackupError), none made yet"),
    ],
)
def test_the_last_backup_is_told_and_fails_nothing(client: Client, hours, error, words):
    last = None if hours is None else timezone.now() - timedelta(hours=hours)
    PeriodicJob.objects.create(
        name="backup", next_run_at=timezone.now(), last_run_at=last, last_error=error
    )
    answer = client.get(READY)
    assert answer.status_code == 200
    assert words in answer.content.decode().splitlines()
    assert "worker: never seen" in answer.content.decode()
