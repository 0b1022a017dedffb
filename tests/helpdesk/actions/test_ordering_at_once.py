"""Two people decide on orders at the same moment (PostgreSQL): one queue, one answer."""

from __future__ import annotations

import pytest
from django.db import connection

from helpdesk import actions, permissions
from helpdesk.errors import HelpdeskError
from helpdesk.models import OrderSettings, OutboundMail, Queue, QueueOrder, Ticket
from tests import factories as f
from tests.helpdesk.actions.test_merging_at_once import at_once
from tests.helpdesk.actions.test_ordering import WANTED, ordered

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)


@pytest.fixture(autouse=True)
def _with_row_locks():
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer at a time")


@pytest.fixture
def inbox():
    queue = f.QueueFactory(slug="orders")
    OrderSettings(domains="desk.example", queue=queue).save()
    return queue


def approving(ticket, user):
    def call() -> None:
        actor = permissions.agent(user)
        actions.approve_order(actor=actor, ticket=Ticket.objects.get(pk=ticket.pk))

    return call


def test_approved_twice_at_once_it_is_one_queue_and_one_answer(inbox):
    ticket = ordered(inbox)
    users = [f.UserFactory(is_superuser=True) for _n in range(2)]
    assert at_once(*(approving(ticket, user) for user in users)) == [None, None]
    assert Queue.objects.exclude(pk=inbox.pk).count() == 1
    assert OutboundMail.objects.filter(ticket=ticket).count() == 1


def test_the_same_address_ordered_twice_at_once_is_one_order(inbox):
    tickets = [f.make_ticket(inbox) for _n in range(2)]

    def placing(ticket):
        return lambda: actions.place_order(actor=permissions.SYSTEM, ticket=ticket, wanted=WANTED)

    raised = at_once(*map(placing, tickets))
    assert sorted(isinstance(one, HelpdeskError) for one in raised) == [False, True]
    assert QueueOrder.objects.count() == 1
