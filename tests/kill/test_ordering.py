"""The order of a queue, approved by a process that dies anywhere: approved again it is whole, and once."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group
from django.db import connection

from helpdesk import actions, permissions
from helpdesk.models import (
    Event,
    OrderSettings,
    OutboundMail,
    Queue,
    QueueAddress,
    QueueOrder,
    QueueRight,
    Ticket,
)
from tests import factories as f
from tests.helpdesk.actions.test_ordering import WANTED, ordered
from tests.kill.fuse import kill_everywhere

pytestmark = [pytest.mark.kill, pytest.mark.django_db(transaction=True, serialized_rollback=True)]

BOUNDARIES = [
    "helpdesk.actions.approving:_queue",
    "helpdesk.actions.approving:_address",
    "helpdesk.actions.approving:_account",
    "helpdesk.actions.approving:_team",
    "helpdesk.actions.approving:change_rights",
    "helpdesk.actions.approving:_member",
    "helpdesk.actions.approving:decide",
    "helpdesk.actions.approving:_record",
    "helpdesk.actions.approving:answer",
]


@pytest.mark.skipif(connection.vendor == "sqlite", reason="kill tests run on PostgreSQL")
def test_a_process_killed_anywhere_makes_one_queue():
    inbox = f.QueueFactory(slug="orders")
    OrderSettings(domains="desk.example", queue=inbox, mail_server="imap.desk.example").save()
    root = f.UserFactory(is_superuser=True)
    ticket = ordered(inbox)

    def prepare() -> None:
        QueueOrder.objects.all().delete()
        for model in (OutboundMail, QueueAddress, QueueRight):
            model.objects.all().delete()
        for queue in Queue.objects.exclude(pk=inbox.pk):
            for account in queue.mail_accounts.all():
                account.mailbox.delete()
            queue.delete()
        Group.objects.filter(name="Prüfungsamt").delete()
        type(root).objects.exclude(pk=root.pk).delete()
        Event.objects.filter(ticket=ticket, kind="order.approved").delete()
        actions.place_order(actor=permissions.SYSTEM, ticket=ticket, wanted=WANTED)

    def work() -> None:
        actions.approve_order(
            actor=permissions.agent(root), ticket=Ticket.objects.get(pk=ticket.pk)
        )

    def check() -> None:
        order = QueueOrder.objects.get()
        assert (order.state, order.queue.addresses.count()) == ("approved", 1)
        assert Queue.objects.exclude(pk=inbox.pk).count() == 1
        assert order.queue.mail_accounts.count() == 1
        assert QueueRight.objects.filter(group=order.group, queue=order.queue).count() == 7
        assert order.group.user_set.count() == 2
        assert OutboundMail.objects.filter(ticket=ticket).count() == 1
        assert Event.objects.filter(ticket=ticket, kind="order.approved").count() == 1

    assert kill_everywhere(prepare, work, BOUNDARIES, check) > 10
