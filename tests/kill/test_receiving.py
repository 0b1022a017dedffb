"""Promise 1 for mail that is delivered to us: what we said 250 to is there, once, whenever we die."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import connection

from helpdesk.mail import ingest
from helpdesk.mail.receive import Options, Receiver
from helpdesk.models import Article, Blob, InboundMail, Ticket
from tests import factories as f
from tests.kill import delivering_client
from tests.kill.fuse import kill_everywhere
from tests.servers.ports import free_ports

pytestmark = [pytest.mark.kill, pytest.mark.django_db(transaction=True, serialized_rollback=True)]

SUPPORT = "support@desk.example"
#: Between any two of these the process may die.
BOUNDARIES = [
    "helpdesk.mail.receive:Taker.recipient",
    "helpdesk.mail.receive:Taker.store",
    "helpdesk.storage:put_all",
    "helpdesk.mail.ledger:accept",
    # after the thread has answered, before the client hears it
    "helpdesk.mail.receive:Session._set_post_data_state",
    "helpdesk.mail.ingest:process",
    "helpdesk.events:record",
]
MAILS = [
    f"From: {name}@mail.example\r\nTo: {SUPPORT}\r\nSubject: {name}\r\n"
    f"Message-ID: <equal@mail.example>\r\n\r\nI am {name}.\r\n".encode()
    for name in ("ada", "bob")
]


@pytest.mark.skipif(connection.vendor == "sqlite", reason="kill tests run on PostgreSQL")
def test_a_server_killed_anywhere_loses_and_doubles_no_mail(tmp_path: Path):
    f.QueueAddressFactory(address=SUPPORT)
    (port,) = free_ports(1)
    for number, raw in enumerate(MAILS):
        (tmp_path / f"{number}.eml").write_bytes(raw)
    clients: list[subprocess.Popen[bytes]] = []

    def prepare() -> None:
        InboundMail.objects.all().delete()
        Ticket.objects.all().delete()
        Blob.objects.all().delete()
        (tmp_path / "done").unlink(missing_ok=True)
        program = [sys.executable, delivering_client.__file__, str(port), str(tmp_path), SUPPORT]
        clients.append(subprocess.Popen(program))

    def check() -> None:
        assert clients[-1].wait(delivering_client.PATIENCE) == 0
        assert sorted(InboundMail.objects.values_list("state", flat=True)) == ["filed"] * len(MAILS)
        assert sorted(Ticket.objects.values_list("subject", flat=True)) == ["ada", "bob"]
        assert Article.objects.count() == len(MAILS)
        kept = {row.blob.read() for row in InboundMail.objects.select_related("blob")}
        assert kept == {b"Return-Path: <ina@mail.example>\r\n" + raw for raw in MAILS}

    async def serve() -> None:
        receiver = Receiver(Options(lmtp=True))
        server = await receiver.listen(host="127.0.0.1", port=port)
        while not (tmp_path / "done").exists():
            await asyncio.sleep(0.01)
        await receiver.stop(server)

    def work() -> None:
        asyncio.run(serve())
        while ingest.process_pending():  # as the worker does
            pass

    try:
        deaths = kill_everywhere(prepare, work, BOUNDARIES, check)
    finally:
        for client in clients:
            client.kill()
            client.wait()
    assert deaths > 20
