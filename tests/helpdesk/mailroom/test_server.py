from __future__ import annotations

import os
import signal
import smtplib
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from helpdesk import notifications
from helpdesk.mailroom import room, server
from helpdesk.models import OutboundMail, Ticket
from helpdesk.notifications import outbox
from tests import factories as f
from tests.servers.ports import PATIENCE, free_ports, wait_for

ROOT = Path(__file__).parents[3]


@contextmanager
def running(settings):
    (port,) = free_ports(1)
    settings.HELPDESK = {**settings.HELPDESK, "MAILROOM_SMTP_PORT": port}
    settings.EMAIL_BACKEND = outbox.SMTP_BACKEND
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
    controller = server.controller(port)
    controller.start()
    try:
        yield port
    finally:
        controller.stop()


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_mail_over_smtp_opens_a_ticket_and_its_receipt_comes_back(settings):
    f.QueueAddressFactory(address="support@desk.example")
    raw = b"From: ina@mail.example\r\nTo: support@desk.example\r\nSubject: Hi\r\n\r\nHello\r\n"
    with running(settings) as port:
        with smtplib.SMTP("127.0.0.1", port, timeout=20) as smtp:
            assert smtp.sendmail("ina@mail.example", ["support@desk.example"], raw) == {}
        ticket = Ticket.objects.get()
        assert notifications.send_due() == 1
    assert OutboundMail.objects.get().state == "sent"
    (receipt, _mail) = room.mails()
    assert receipt.recipients == ("ina@mail.example",)
    assert ticket.number in receipt.subject
    assert room.read(receipt.key).startswith(b"Return-Path: <>\r\n")


def test_command_refuses_outside_development(settings):
    settings.HELPDESK = {**settings.HELPDESK, "MAILROOM": False}
    with pytest.raises(CommandError):
        call_command("mailroom")


def start(port, folder):
    return subprocess.Popen(
        [sys.executable, "manage.py", "mailroom", "--port", str(port)],
        cwd=ROOT,
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "portal.settings.dev",
            "VAR_DIR": str(folder),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
def test_command_serves_until_it_is_ended(tmp_path, end):
    (port,) = free_ports(1)
    with start(port, tmp_path) as process:
        wait_for(port, process)
        process.send_signal(end)
        assert process.wait(PATIENCE) == 0
        assert str(port) in process.stdout.read().decode()


def test_command_says_what_to_do_when_its_port_is_taken(tmp_path):
    with server_socket() as port, start(port, tmp_path) as process:
        assert process.wait(PATIENCE) == 1
        assert "MAIL_PORT" in process.stderr.read().decode()


@contextmanager
def server_socket():
    with socket.create_server(("127.0.0.1", 0)) as held:
        yield held.getsockname()[1]
