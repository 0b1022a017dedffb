"""One worker a mailbox, signs of life while it takes long, and removal in bounded steps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone
from django_mailbox.models import Mailbox

from helpdesk import storage
from helpdesk.mail import fetch
from helpdesk.mail.fetch import Lease, LeaseLost
from helpdesk.models import InboundMail, MailAccount
from tests import factories as f
from tests.helpdesk.mail.transports.mails import mail
from tests.servers.dovecot import Dovecot, dovecot

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def shared() -> Iterator[Dovecot]:
    with dovecot() as running:
        yield running


@pytest.fixture(params=["imap", "pop3"])
def account(shared: Dovecot, request: pytest.FixtureRequest) -> MailAccount:
    shared.empty()
    uri = shared.imap_uri if request.param == "imap" else shared.pop3_uri
    mailbox = Mailbox.objects.create(name="Desk", uri=uri)
    secret = storage.encrypt(shared.secret)
    return MailAccount.objects.create(mailbox=mailbox, queue=f.QueueFactory(), secret=secret)


@pytest.fixture
def row() -> MailAccount:
    mailbox = Mailbox.objects.create(name="Desk", uri="imap://desk@mail.example/")
    return MailAccount.objects.create(mailbox=mailbox, queue=f.QueueFactory())


def test_only_one_holds_the_lease(row):
    first = Lease(row)
    assert first.take()
    assert not Lease(row).take()
    first.release()
    assert Lease(row).take()


def test_a_sign_of_life_keeps_it_and_too_late_a_one_finds_it_lost(row):
    with time_machine.travel(timezone.now(), tick=False) as clock:
        first = Lease(row)
        first.take()
        for _minute in range(60):
            clock.shift(timedelta(minutes=1))
            first.keep()
            assert not Lease(row).take()
        clock.shift(fetch.LEASE + timedelta(seconds=1))
        second = Lease(row)
        assert second.take()
        with pytest.raises(LeaseLost):
            first.keep()
        first.release()  # of what it has no more
        assert not Lease(row).take()


def test_a_mailbox_somebody_else_fetches_is_left_alone(account, shared):
    shared.deliver(mail(1))
    assert Lease(account).take()
    report = fetch.fetch_mailbox(account.mailbox)
    assert (report.busy, report.fetched, report.error) == (True, 0, "")
    account.refresh_from_db()
    assert (account.last_success_at, account.last_error) == (None, "")
    assert len(shared.remaining()) == 1


def test_a_fetch_that_loses_its_lease_removes_nothing_more(account, shared, monkeypatch):
    monkeypatch.setattr(fetch, "BEAT", timedelta(0))
    for number in range(4):
        shared.deliver(mail(number))
    kept = Lease.keep
    calls: list[int] = []

    def keep(lease: Lease) -> None:
        calls.append(1)
        if len(calls) == 3:
            later = timezone.now() + timedelta(hours=1)
            MailAccount.objects.filter(pk=account.pk).update(lease_until=later)
        kept(lease)

    monkeypatch.setattr(Lease, "keep", keep)
    report = fetch.fetch_mailbox(account.mailbox)
    assert (report.busy, report.fetched, report.error) == (True, 2, "")
    assert len(shared.remaining()) == 4
    account.refresh_from_db()
    assert account.lease_until > timezone.now() + timedelta(minutes=30)


def test_mails_go_step_by_step_and_one_too_large_stays(account, shared, monkeypatch, settings):
    monkeypatch.setattr(fetch, "BATCH", 3)
    monkeypatch.setattr(fetch, "REMOVAL", 5)
    settings.HELPDESK = {**settings.HELPDESK, "MAIL_MAX_BYTES": 1000}
    large = b"Subject: large\r\n\r\n" + b"x" * 2000 + b"\r\n"
    for number in range(16):
        shared.deliver(large if number == 4 else mail(number))
    steps: list[int] = []
    kind = type(fetch.HardenedMailbox.objects.get().get_connection())
    remove = kind.remove

    def counted(transport: object, keys: Iterable[str]) -> None:
        steps.append(len(list(keys)))
        remove(transport, keys)

    monkeypatch.setattr(kind, "remove", counted)
    first = fetch.fetch_mailbox(account.mailbox)
    assert (first.fetched, first.removed, first.error) == (15, 15, "")
    assert len(steps) > 2
    assert max(steps) <= 7
    assert shared.remaining() == [large]
    # what was refused is in the failure inbox once, and stays on the server
    again = fetch.fetch_mailbox(account.mailbox)
    assert (again.fetched, again.removed) == (0, 0)
    assert InboundMail.objects.filter(state="failed").count() == 1
    account.refresh_from_db()
    assert account.last_mail_at


def test_a_mail_ends_the_silence(account, shared):
    MailAccount.objects.update(silent_since=timezone.now() - timedelta(days=9))
    fetch.fetch_mailbox(account.mailbox)
    account.refresh_from_db()
    assert account.silent_since
    shared.deliver(mail(1))
    fetch.fetch_mailbox(account.mailbox)
    account.refresh_from_db()
    assert account.silent_since is None


def test_a_lost_password_is_told_in_words(row):
    MailAccount.objects.update(secret="nonsense")
    report = fetch.fetch_mailbox(row.mailbox)
    assert report.error == "The stored password cannot be read; enter it again."


def test_a_full_disk_ends_in_the_report_and_frees_the_mailbox(account, shared, monkeypatch):
    shared.deliver(mail(1))

    def full(_raws: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(storage, "put_all", full)
    report = fetch.fetch_mailbox(account.mailbox)
    assert (report.error, report.removed) == ("Fetching failed (OSError).", 0)
    account.refresh_from_db()
    assert (account.last_error, account.lease_until) == (report.error, None)
    monkeypatch.undo()
    assert fetch.fetch_mailbox(account.mailbox).removed == 1
