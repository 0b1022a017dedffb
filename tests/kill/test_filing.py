"""Promises 1 and 2: every fetched mail ends exactly once, and the server's copy goes last."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django_mailbox.models import Mailbox

from helpdesk import storage
from helpdesk.mail import fetch, ingest
from helpdesk.models import Article, Blob, InboundMail, MailAccount, Queue, Ticket
from tests import factories as f
from tests.kill.fuse import kill_everywhere
from tests.servers.dovecot import dovecot

pytestmark = [pytest.mark.kill, pytest.mark.django_db(transaction=True, serialized_rollback=True)]

#: Between any two of these the process may die.
BOUNDARIES = [
    "helpdesk.mail.transports.imap:ImapTransport.fetch",
    "helpdesk.mail.transports.pop3:Pop3Transport.fetch",
    "helpdesk.mail.transports.imap:ImapTransport.remove",
    "helpdesk.mail.transports.pop3:Pop3Transport.remove",
    "helpdesk.storage:put_all",
    "helpdesk.mail.ledger:accept_many",
    "helpdesk.mail.ingest:_file",
    "helpdesk.mail.ingest:_file_together",
    "helpdesk.models.batch:Batch.write_all",
    "helpdesk.mail.filing:open_ticket",
    "helpdesk.mail.filing:_finish",
    "helpdesk.mail.ledger:fail",
    "helpdesk.mail.journal:write",
]


def _raw(name: str, body: str, *, to: str = "support@desk.example") -> bytes:
    return (
        f"From: {name} <{name}@mail.example>\r\nTo: {to}\r\nSubject: {name}\r\n"
        f"Message-ID: <equal@mail.example>\r\n\r\n{body}\r\n"
    ).encode()


# all with one Message-ID; the last finds no queue and ends in the failure inbox
MAILS = [
    _raw("ada", "My key is lost."),
    _raw("bob", "Nothing prints."),
    _raw("eve", "Who reads this?", to="nobody@desk.example"),
]


def _fetch_and_file() -> None:
    fetch.fetch_all()
    while ingest.process_pending():
        pass


@pytest.mark.parametrize("protocol", ["imap", "pop3"])
@pytest.mark.skipif(connection.vendor == "sqlite", reason="kill tests run on PostgreSQL")
def test_a_process_killed_anywhere_loses_and_doubles_no_mail(protocol, monkeypatch):
    # a dead worker's lease ends by its time; the test does not wait for it
    monkeypatch.setattr(fetch, "LEASE", timedelta(0))
    queue = f.QueueFactory(slug="support")
    f.QueueAddressFactory(queue=queue, address="support@desk.example")
    with dovecot() as server:
        uri = server.imap_uri if protocol == "imap" else server.pop3_uri
        mailbox = Mailbox.objects.create(name="desk", uri=uri)
        account = MailAccount(mailbox=mailbox, queue=queue, secret=storage.encrypt(server.secret))

        def prepare() -> None:
            server.empty()
            InboundMail.objects.all().delete()
            Ticket.objects.all().delete()
            Blob.objects.all().delete()
            MailAccount.objects.all().delete()
            account.save(force_insert=True)
            # nobody's queue stays nobody's: only addresses decide here
            Queue.objects.filter(pk=queue.pk).update(is_active=True)
            for raw in MAILS:
                server.deliver(raw)

        def check() -> None:
            assert server.remaining() == []
            assert InboundMail.objects.count() == len(MAILS)
            states = sorted(InboundMail.objects.values_list("state", flat=True))
            assert states == ["filed", "filed", "filed"]
            subjects = sorted(Ticket.objects.values_list("subject", flat=True))
            assert subjects == ["ada", "bob", "eve"]
            assert Article.objects.count() == len(MAILS)
            kept = {row.blob.read() for row in InboundMail.objects.select_related("blob")}
            assert kept == set(MAILS)

        deaths = kill_everywhere(prepare, _fetch_and_file, BOUNDARIES, check)
    assert deaths > 20
