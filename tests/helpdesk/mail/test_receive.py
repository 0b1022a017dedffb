from __future__ import annotations

import asyncio
import os
import signal
import smtplib
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.conf import settings as site
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection

from helpdesk import addressing, storage, unfinished
from helpdesk.mail import ingest, ledger, receive
from helpdesk.mail.receive import Options, Receiver
from helpdesk.models import Article, Blob, InboundMail, Ticket
from tests import factories as f
from tests.servers.ports import PATIENCE, free_ports, wait_for

pytestmark = [
    pytest.mark.django_db(transaction=True, serialized_rollback=True),
    pytest.mark.skipif(
        connection.vendor == "sqlite" and not os.environ.get("TEST_DB_NAME"),
        reason="several threads share SQLite's database only in a file (TEST_DB_NAME)",
    ),
]

ROOT = Path(__file__).parents[3]
RAW = (
    b"From: Ina <ina@mail.example>\r\nTo: support@desk.example\r\nSubject: Printer\r\n"
    b"Message-ID: <1@mail.example>\r\n\r\nIt is silent.\r\n"
)
SUPPORT = "support@desk.example"
CLIENTS = {True: smtplib.LMTP, False: smtplib.SMTP}


@pytest.fixture
def support():
    return f.QueueAddressFactory(address=SUPPORT, queue__slug="support").queue


class Running:
    """A server in a thread of its own."""

    def __init__(self, options: Options) -> None:
        (self.port,) = free_ports(1)
        self.options = options
        self.receiver: Receiver
        self._ready, self.stop = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))

    async def _serve(self) -> None:
        self.receiver = Receiver(self.options)
        server = await self.receiver.listen(host="127.0.0.1", port=self.port)
        self._ready.set()
        while not self.stop.is_set():
            await asyncio.sleep(0.01)
        await self.receiver.stop(server)

    def __enter__(self) -> Running:
        self._thread.start()
        assert self._ready.wait(PATIENCE)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()

    def client(self) -> smtplib.SMTP:
        return CLIENTS[self.options.lmtp]("127.0.0.1", self.port, timeout=PATIENCE)


def running(**options: object) -> Running:
    return Running(Options(**options))


def wait_until(true) -> None:
    until = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < until
        time.sleep(0.05)


def lines(client: smtplib.SMTP, count: int) -> list[str]:
    return [client.file.readline().decode().rstrip() for _ in range(count)]


def start_mail(client: smtplib.SMTP, *recipients: str) -> None:
    client.ehlo()
    assert client.mail("ina@mail.example")[0] == 250
    for one in recipients:
        assert client.rcpt(one)[0] == 250
    assert client.docmd("DATA")[0] == 354


# --- taking --------------------------------------------------------------------------------------


@pytest.mark.parametrize("lmtp", [True, False], ids=["lmtp", "smtp"])
def test_a_mail_is_stored_as_it_came_and_filed(support, lmtp):
    with running(lmtp=lmtp) as server, server.client() as client:
        assert client.sendmail("ina@mail.example", [SUPPORT], RAW, ["BODY=8BITMIME"]) == {}
        row = InboundMail.objects.select_related("blob").get()
        assert row.blob.read() == b"Return-Path: <ina@mail.example>\r\n" + RAW
        assert (row.source, row.envelope_to) == ("lmtp" if lmtp else "smtp", [SUPPORT])
        assert not row.trusted
        wait_until(lambda: InboundMail.objects.get().state == "filed")
    assert Ticket.objects.get().queue == support


def test_the_server_says_what_it_can(support):
    with running(lmtp=True, max_bytes=5000) as server, server.client() as client:
        client.ehlo()
        features = {"size": "5000", "8bitmime": "", "smtputf8": "", "pipelining": ""}
        assert features.items() <= client.esmtp_features.items()
        assert "enhancedstatuscodes" in client.esmtp_features
        assert client.docmd("HELO", "me")[0] == 500
        assert client.docmd("RSET")[1].startswith(b"2.0.0")
        assert client.docmd("RCPT", "TO:<a@b.example>")[1].startswith(b"5.5.1")


def test_several_mails_of_one_session_are_filed_in_their_order(support):
    with running(lmtp=True, trusted=True) as server, server.client() as client:
        for number in range(5):
            raw = RAW.replace(b"<1@", b"<%d@" % number).replace(b"Printer", b"No. %d" % number)
            client.sendmail("ina@mail.example", [SUPPORT], raw)
        wait_until(lambda: InboundMail.objects.filter(state="filed").count() == 5)
    subjects = list(Ticket.objects.order_by("pk").values_list("subject", flat=True))
    assert subjects == [f"No. {number}" for number in range(5)]
    assert set(InboundMail.objects.values_list("trusted", flat=True)) == {True}


def test_lmtp_answers_once_for_every_accepted_recipient(support):
    f.QueueAddressFactory(address="billing@desk.example")
    with running(lmtp=True) as server, server.client() as client:
        client.ehlo()
        client.mail("<>")
        answers = [
            client.rcpt(one)[0] for one in (SUPPORT, "no@desk.example", "billing@desk.example")
        ]
        assert answers == [250, 550, 250]
        assert client.docmd("DATA")[0] == 354
        client.send(RAW + b".\r\n")
        assert lines(client, 2) == ["250 2.0.0 stored"] * 2
        assert client.docmd("NOOP") == (250, b"2.0.0 OK")  # and no answer more
    row = InboundMail.objects.get()
    assert row.envelope_to == [SUPPORT, "billing@desk.example"]
    assert row.blob.read().startswith(b"Return-Path: <>\r\nFrom:")


def test_smtp_answers_once(support):
    f.QueueAddressFactory(address="billing@desk.example")
    with running() as server, server.client() as client:
        start_mail(client, SUPPORT, "billing@desk.example")
        client.send(RAW + b".\r\n")
        assert lines(client, 1) == ["250 2.0.0 stored"]
        assert client.docmd("NOOP") == (250, b"2.0.0 OK")


def test_commands_may_come_in_one_go(support):
    with running(lmtp=True) as server, server.client() as client:
        client.ehlo()
        rcpt = f"RCPT TO:<{SUPPORT}>\r\n".encode()
        client.send(b"MAIL FROM:<a@b.example> BODY=8BITMIME\r\n" + rcpt * 2 + b"DATA\r\n")
        assert [line[:3] for line in lines(client, 4)] == ["250", "250", "250", "354"]
        client.send(RAW + b".\r\nQUIT\r\n")
        assert [line[:3] for line in lines(client, 3)] == ["250", "250", "221"]


@pytest.mark.parametrize(
    ("address", "code"),
    [
        (SUPPORT, 250),
        ("Support@DESK.example", 250),
        ("support+anything@desk.example", 250),
        ("REPLY", 250),
        ("support+t1-aaaaaaaaaaaaaaaa@gone.example", 550),
        ("nobody@desk.example", 550),
        ("support@other.example", 550),
        ("support", 553),
        ("a@b@c", 553),
    ],
)
def test_recipients(support, address, code):
    ticket = f.make_ticket(support)
    # the queue had another address when this one was given out
    known = addressing.reply_address("old@desk.example", ticket.pk, addressing.signing_keys())
    with running(lmtp=True) as server, server.client() as client:
        client.ehlo()
        client.mail("a@b.example")
        answer = client.rcpt(known if address == "REPLY" else address)
        assert answer[0] == code
    assert code != 550 or answer[1].startswith(b"5.1.1")


def test_with_a_queue_named_every_recipient_is_taken(support):
    with running(lmtp=True, queue=support) as server, server.client() as client:
        client.sendmail(
            "a@b.example", ["office@city.example"], RAW.replace(b"support@desk", b"a@b")
        )
        wait_until(lambda: InboundMail.objects.get().state == "filed")
    assert Ticket.objects.get().queue == support


def test_addresses_beyond_ascii_are_taken(support):
    address = "m\u00fcller@desk.example"
    f.QueueAddressFactory(address=address)
    with running(lmtp=True) as server, server.client() as client:
        client.sendmail("j\u00f6rg@mail.example", [address], RAW, ["SMTPUTF8"])
    row = InboundMail.objects.get()
    assert row.envelope_to == [address]
    assert row.blob.read().startswith("Return-Path: <j\u00f6rg@mail.example>".encode())


def test_bytes_that_are_no_text_are_refused_or_kept(support):
    with running(lmtp=True, queue=support) as server, server.client() as client:
        client.ehlo()
        client.send(b"MAIL FROM:<a\xff@b.example>\r\nRCPT TO:<s\xfe@desk.example>\r\n")
        assert [line[:3] for line in lines(client, 2)] == ["250", "553"]
        client.rcpt(SUPPORT)
        client.docmd("DATA")
        client.send(b"Subject: \x00\xff\nbare\r\n\r\n..dot\r\n\n.\n\r\n.\r\n")
        assert lines(client, 1) == ["250 2.0.0 stored"]
    kept = InboundMail.objects.get().blob.read()
    assert (
        kept
        == b"Return-Path: <a\xff@b.example>\r\nSubject: \x00\xff\nbare\r\n\r\n.dot\r\n\n.\n\r\n"
    )


def test_a_sender_cannot_write_header_lines(support):
    with running(lmtp=True) as server, server.client() as client:
        client.ehlo()
        client.send(b'MAIL FROM:<"a\rX-Stelze-Priority: 1"@b.example>\r\n')
        assert lines(client, 1)[0][:3] in ("501", "553")


# --- refusing ------------------------------------------------------------------------------------


def test_what_is_too_large_is_refused_for_good(support):
    f.QueueAddressFactory(address="billing@desk.example")
    with running(lmtp=True, max_bytes=5000) as server, server.client() as client:
        client.ehlo()
        assert client.mail("a@b.example", ["SIZE=6000"])[0] == 552
        start_mail(client, SUPPORT, "billing@desk.example")
        client.send(RAW + b"x" * 900 * 10 + b"\r\n.\r\n")
        assert [line[:9] for line in lines(client, 2)] == ["552 5.3.4"] * 2
        # the session goes on
        assert client.sendmail("a@b.example", [SUPPORT], RAW) == {}
    assert InboundMail.objects.count() == 1


def test_a_long_line_is_no_reason_to_refuse(support):
    with running(lmtp=True) as server, server.client() as client:
        start_mail(client, SUPPORT)
        client.send(RAW + b"x" * 500_000 + b"\r\n.\r\n")
        assert lines(client, 1) == ["250 2.0.0 stored"]
        start_mail(client, SUPPORT)
        client.send(RAW + b"x" * (receive.MAX_LINE + 10) + b"\r\n.\r\n")
        assert lines(client, 1)[0].startswith("500 5.5.2")
        assert client.docmd("NOOP")[0] == 250


def test_no_mail_has_more_than_a_hundred_recipients(support):
    with running(lmtp=True, queue=support) as server, server.client() as client:
        client.ehlo()
        client.mail("a@b.example")
        codes = [client.rcpt(f"a{n}@b.example")[0] for n in range(receive.MAX_RECIPIENTS + 2)]
        assert codes == [250] * receive.MAX_RECIPIENTS + [452, 452]


def test_too_many_sessions_are_sent_away(support, monkeypatch):
    monkeypatch.setattr(receive, "MAX_SESSIONS", 2)
    with running(lmtp=True) as server, server.client() as one, server.client():
        with pytest.raises(smtplib.SMTPConnectError) as refused:
            server.client()
        assert refused.value.smtp_code == 421
        one.quit()
        wait_until(lambda: len(server.receiver.sessions) == 1)
        with server.client() as client:
            assert client.sendmail("a@b.example", [SUPPORT], RAW) == {}


def test_who_says_nothing_is_sent_away(support, monkeypatch):
    monkeypatch.setattr(receive, "TIMEOUT", 0.2)
    with running(lmtp=True) as server, server.client() as client:
        assert client.sock.recv(100) == b""


@pytest.mark.parametrize("part", ["database", "storage", "anything"])
def test_what_cannot_be_stored_stays_with_the_sender(support, monkeypatch, part):
    def refuse(*_args: object, **_options: object) -> None:
        raise {"database": OperationalError, "storage": OSError, "anything": RuntimeError}[part]

    f.QueueAddressFactory(address="billing@desk.example")
    with running(lmtp=True) as server, server.client() as client:
        with monkeypatch.context() as patch:
            target = (storage, "put_all") if part == "storage" else (Blob, "keep_all")
            patch.setattr(*target, refuse)
            start_mail(client, SUPPORT, "billing@desk.example")
            client.send(RAW + b".\r\n")
            assert lines(client, 2) == [receive.AGAIN] * 2
        assert InboundMail.objects.count() == 0
        assert client.sendmail("ina@mail.example", [SUPPORT], RAW) == {}
    assert InboundMail.objects.count() == 1


def test_while_a_restore_is_not_finished_mail_stays_with_the_sender(support):
    """It would be filed into what is replaced once more."""
    with running(lmtp=True) as server, server.client() as client:
        unfinished.begin(unfinished.RESTORE)
        try:
            start_mail(client, SUPPORT)
            client.send(RAW + b".\r\n")
            assert lines(client, 1) == [receive.AGAIN]
        finally:
            unfinished.end()
        assert client.sendmail("ina@mail.example", [SUPPORT], RAW) == {}
    assert InboundMail.objects.count() == 1


def test_a_database_that_is_away_refuses_no_recipient_for_good(support, monkeypatch):
    def away(*_args: object) -> None:
        raise OperationalError

    with running(lmtp=True) as server, server.client() as client:
        client.ehlo()
        client.mail("a@b.example")
        with monkeypatch.context() as patch:
            patch.setattr(addressing, "normalise", away)
            assert client.rcpt(SUPPORT)[0] == 451
        assert client.rcpt(SUPPORT)[0] == 250


def test_a_failure_to_file_is_not_the_senders(support, monkeypatch):
    tried = threading.Event()

    def broken(_pk: int) -> None:
        tried.set()
        raise OperationalError

    monkeypatch.setattr(ingest, "process", broken)
    with running(lmtp=True) as server, server.client() as client:
        assert client.sendmail("a@b.example", [SUPPORT], RAW) == {}
        assert tried.wait(PATIENCE)
    assert InboundMail.objects.get().state == "received"
    monkeypatch.undo()
    assert ingest.process_pending() == 1
    assert Ticket.objects.count() == 1


def test_a_delivery_repeated_is_the_same_mail(support):
    with running(lmtp=True) as server:
        for _time in range(2):
            with server.client() as client:
                client.sendmail("ina@mail.example", [SUPPORT], RAW)
        wait_until(lambda: InboundMail.objects.get().state == "filed")
    assert Article.objects.count() == 1


def test_who_hangs_up_in_the_middle_has_delivered_nothing(support):
    with running(lmtp=True) as server:
        client = server.client()
        start_mail(client, SUPPORT)
        client.send(RAW)
        client.close()
        wait_until(lambda: not server.receiver.sessions)
    assert InboundMail.objects.count() == 0


# --- ending --------------------------------------------------------------------------------------


def test_it_stops_after_the_mail_under_way(support):
    with running(lmtp=True) as server, server.client() as idle, server.client() as busy:
        start_mail(busy, SUPPORT)
        busy.send(RAW)
        server.stop.set()
        assert lines(idle, 1)[0].startswith("421 4.3.2")
        with pytest.raises(OSError):
            wait_until(lambda: not server.client())
        busy.send(b".\r\n")
        assert [line[:3] for line in lines(busy, 2)] == ["250", "421"]
        assert busy.sock.recv(10) == b""
    assert InboundMail.objects.count() == 1


def test_a_mail_that_never_ends_does_not_hold_the_server(support, monkeypatch):
    monkeypatch.setattr(receive, "GRACE", 0.3)
    with running(lmtp=True) as server, server.client() as client:
        start_mail(client, SUPPORT)
        server.stop.set()
        assert client.file.readline() == b""


# --- the command ---------------------------------------------------------------------------------


@contextmanager
def command(*arguments: str):
    """Run the command in a process of its own; without a mail it needs no database."""
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": site.SETTINGS_MODULE}
    process = subprocess.Popen(
        [sys.executable, "manage.py", "receive_mail", *arguments],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
def test_the_command_serves_until_it_is_ended(end):
    (port,) = free_ports(1)
    with command("--lmtp", "--port", str(port)) as process:
        wait_for(port, process)
        process.send_signal(end)
        said, complained = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, complained
    assert said.decode() == f"LMTP on 127.0.0.1:{port}\n"
    assert complained == b""


def test_the_command_serves_a_unix_socket(tmp_path):
    path = tmp_path / "desk"
    with command("--lmtp", "--socket", str(path)) as process:
        wait_until(path.is_socket)
        wait_until(lambda: path.stat().st_mode & 0o777 == 0o666)
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
            assert client.recv(100).startswith(b"220 ")
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert not path.exists()


def test_the_command_says_what_is_in_the_way():
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = str(held.getsockname()[1])
        with command("--port", port) as process:
            _said, complained = process.communicate(timeout=60)
        assert process.returncode == 1
        assert f"Cannot listen on 127.0.0.1:{port}" in complained.decode()
    with pytest.raises(CommandError, match="There is no queue nowhere"):
        call_command("receive_mail", queue="nowhere")
    with pytest.raises(CommandError, match="max-bytes"):
        call_command("receive_mail", max_bytes=-1)


def test_the_ledger_keeps_whether_a_way_is_trusted():
    assert ledger.accept(RAW, source="t", key="1", trusted=True).trusted
    assert not ledger.accept(RAW, source="t", key="2").trusted
