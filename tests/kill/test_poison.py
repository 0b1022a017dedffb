"""A mail that kills whoever reads it: everything behind it is filed all the same, and it is given up."""

from __future__ import annotations

import os
import signal

import pytest
from django.db import connection, connections

from helpdesk.mail import ingest, ledger
from helpdesk.models import InboundMail
from tests import factories as f

pytestmark = [pytest.mark.kill, pytest.mark.django_db(transaction=True, serialized_rollback=True)]


def _raw(name: str) -> bytes:
    return f"From: {name}@mail.example\r\nTo: support@desk.example\r\nSubject: {name}\r\n\r\n.\r\n".encode()


def _run_in_a_child() -> bool:
    """File what is due in a process that dies over the mail with the subject *poison*; tell whether it died."""
    connections.close_all()
    child = os.fork()
    if child == 0:
        read = ingest._read

        def deadly(inbound: InboundMail):
            step = read(inbound)
            if step.mail.subject == "poison":
                os.kill(os.getpid(), signal.SIGKILL)
            return step

        ingest._read = deadly
        code = 1
        try:
            ingest.process_pending()
            connections.close_all()
            code = 0
        finally:
            os._exit(code)
    _pid, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


@pytest.mark.skipif(connection.vendor == "sqlite", reason="kill tests run on PostgreSQL")
def test_a_mail_that_kills_its_process_holds_up_nobody_for_long():
    f.QueueAddressFactory(address="support@desk.example", queue__slug="support")
    for name in ("before", "poison", "behind", "last"):
        ledger.accept(_raw(name), source="test", key=name)
    deaths = 0
    while _run_in_a_child():
        deaths += 1
        assert deaths < 20
        states = dict(InboundMail.objects.values_list("key", "state"))
        if deaths == 3:  # the first batch died together, then one of them each by itself
            assert [states[name] for name in ("before", "behind", "last")] == ["filed"] * 3
    poison = InboundMail.objects.get(key="poison")
    assert (poison.state, poison.next_try_at) == ("failed", None)
    assert deaths == len(ledger.RETRY_AFTER) + 1
    # what comes later is filed at once
    ledger.accept(_raw("new"), source="test", key="new")
    assert not _run_in_a_child()
    assert InboundMail.objects.get(key="new").state == "filed"
