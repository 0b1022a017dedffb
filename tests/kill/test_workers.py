"""Two workers on one mailbox: no mail twice, none lost, even if the lease does not hold."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable

import pytest
from django.db import connection, connections
from django_mailbox.models import Mailbox

from helpdesk import storage
from helpdesk.mail import fetch, ingest
from helpdesk.models import Article, InboundMail, MailAccount, Ticket
from tests import factories as f
from tests.servers.dovecot import dovecot

pytestmark = [
    pytest.mark.kill,
    pytest.mark.django_db(transaction=True, serialized_rollback=True),
    pytest.mark.skipif(connection.vendor == "sqlite", reason="workers share PostgreSQL"),
]

WORKERS, MAILS = 3, 60


def together(work: Callable[[], object]) -> None:
    """Let several processes do the same at the same time, each with connections of its own."""
    connections.close_all()
    children = []
    for _number in range(WORKERS):
        child = os.fork()
        if child == 0:
            code = 1
            try:
                work()
                connections.close_all()
                code = 0
            except BaseException:  # noqa: BLE001  the child must never return into the test runner
                traceback.print_exc()
            finally:
                os._exit(code)
        children.append(child)
    codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    assert codes == [0] * WORKERS


def fetch_and_file() -> None:
    for _round in range(6):
        fetch.fetch_all()
        while ingest.process_pending():
            pass


@pytest.mark.parametrize("protocol", ["imap", "pop3"])
@pytest.mark.parametrize("leases", ["held", "ignored"])
def test_workers_on_one_mailbox_lose_and_double_nothing(protocol, leases, monkeypatch):
    monkeypatch.setattr(fetch, "BATCH", 7)
    monkeypatch.setattr(fetch, "REMOVAL", 10)
    if leases == "ignored":  # as if each took so long that the others took over
        monkeypatch.setattr(fetch.Lease, "take", lambda _lease: True)
    queue = f.QueueFactory()
    with dovecot() as server:
        uri = server.imap_uri if protocol == "imap" else server.pop3_uri
        mailbox = Mailbox.objects.create(name="desk", uri=uri)
        secret = storage.encrypt(server.secret)
        MailAccount.objects.create(mailbox=mailbox, queue=queue, secret=secret)
        for number in range(MAILS):
            server.deliver(
                b"From: ada%d@mail.example\r\nSubject: mail %d\r\n\r\nLost key %d.\r\n"
                % (number, number, number)
            )
        together(fetch_and_file)
        fetch_and_file()
        assert server.remaining() == []
    wanted = sorted(f"mail {number}" for number in range(MAILS))
    assert sorted(Ticket.objects.values_list("subject", flat=True)) == wanted
    assert InboundMail.objects.count() == Article.objects.count() == MAILS
    assert MailAccount.objects.get().lease_until is None
