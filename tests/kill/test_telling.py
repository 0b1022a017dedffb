"""Several workers tell of the same events, and one dies at it: everybody is told, and nobody twice."""

from __future__ import annotations

import os

import pytest
from django.db import connection, connections

from helpdesk import actions, permissions
from helpdesk.actions import Draft
from helpdesk.models import Channel, Notice, OutboundMail, UntoldEvent
from helpdesk.notifications import digest, telling
from tests import factories as f

from .test_workers import together

pytestmark = [
    pytest.mark.kill,
    pytest.mark.django_db(transaction=True, serialized_rollback=True),
    pytest.mark.skipif(connection.vendor == "sqlite", reason="workers share PostgreSQL"),
]
MESSAGES = 60


@pytest.fixture
def owner():
    """Whose ticket has many messages of which nobody was told yet."""
    queue = f.QueueAddressFactory().queue
    owner = f.make_agent(queue)
    ticket = f.make_ticket(queue, contact="ada@mail.example")
    type(ticket).objects.filter(pk=ticket.pk).update(owner=owner)
    UntoldEvent.objects.all().delete()
    for _number in range(MESSAGES):
        actions.receive_message(
            actor=permissions.SYSTEM,
            ticket=ticket,
            draft=Draft(body="More", channel=Channel.EMAIL),
        )
    return owner


def tell_all() -> None:
    for _round in range(30):
        telling.tell(limit=7)


def test_workers_side_by_side_tell_everybody_once(owner, settings):
    settings.HELPDESK = {**settings.HELPDESK, "NOTICE_MAIL_BURST": 999, "NOTICE_MAIL_PER_DAY": 999}
    together(tell_all)
    tell_all()
    assert not UntoldEvent.objects.exists()
    assert Notice.objects.count() == MESSAGES
    assert OutboundMail.objects.filter(kind="notice").count() == MESSAGES


def test_workers_side_by_side_send_one_digest(owner, settings, monkeypatch):
    settings.HELPDESK = {**settings.HELPDESK, "DIGEST_HOUR": 0}
    monkeypatch.setattr(digest, "_queues_at_work", lambda queues, _today: [q.pk for q in queues])
    together(digest.send_digests)
    assert OutboundMail.objects.filter(kind="notice").count() == 1


def test_a_worker_that_dies_at_it_leaves_all_or_nothing(owner):
    connections.close_all()
    child = os.fork()
    if child == 0:
        telling.notices.compose.team_notice = lambda **_more: os._exit(9)  # in the midst of it
        telling.tell()
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    assert Notice.objects.count() == 0
    assert UntoldEvent.objects.count() == MESSAGES
    telling.tell()
    assert Notice.objects.count() == MESSAGES
