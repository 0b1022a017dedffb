"""Two people merge at the same moment: no deadlock, no ring, nothing lost (PostgreSQL)."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from helpdesk import actions, permissions
from helpdesk.actions import Draft
from helpdesk.errors import HelpdeskError
from helpdesk.models import Article, Channel, Merge, Ticket
from helpdesk.states import StateType
from tests import factories as f

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _with_row_locks():
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer at a time")


@pytest.fixture
def tickets():
    person = f.CustomerAddressFactory(verified_at=timezone.now()).customer
    queue = f.QueueFactory()
    return [f.make_ticket(queue, customer=person, body=f"Words {n}") for n in range(4)]


def at_once(*calls: Any) -> list[BaseException | None]:
    """Make all calls at the same moment, each on a connection of its own; return what they raised."""
    start = threading.Barrier(len(calls))
    raised: list[BaseException | None] = [None] * len(calls)

    def run(place: int) -> None:
        try:
            start.wait(20)
            calls[place]()
        except BaseException as error:  # noqa: BLE001 (whatever it is, the test looks at it)
            raised[place] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return raised


def merging(source: Ticket, target: Ticket) -> Any:
    return lambda: actions.merge(actor=permissions.SYSTEM, source=source, target=target)


def sound(tickets: list[Ticket]) -> None:
    """Every merged ticket leads to one that is not, every message stands on one that is not."""
    for ticket in tickets:
        ticket.refresh_from_db()
        assert (ticket.state.type == StateType.MERGED) == (ticket.merged_into_id is not None)
        assert ticket.merged_into is None or ticket.merged_into.merged_into_id is None
    assert not Article.objects.filter(ticket__merged_into__isnull=False).exists()


@pytest.mark.parametrize("_round", range(5))
def test_two_tickets_are_merged_into_each_other_at_once(tickets, _round):
    one, other = tickets[:2]
    raised = at_once(merging(one, other), merging(other, one))
    assert sum(error is None for error in raised) == 1
    assert all(error is None or isinstance(error, HelpdeskError) for error in raised)
    assert Merge.objects.count() == 1
    sound(tickets)


@pytest.mark.parametrize("_round", range(5))
def test_a_ring_of_merges_at_once_leaves_one_ticket_that_goes_on(tickets, _round):
    ring = [merging(one, tickets[(n + 1) % 4]) for n, one in enumerate(tickets)]
    raised = at_once(*ring)
    assert all(error is None or isinstance(error, HelpdeskError) for error in raised), raised
    sound(tickets)
    assert any(ticket.merged_into_id is None for ticket in tickets)
    assert Article.objects.count() == 4


@pytest.mark.parametrize("_round", range(5))
def test_a_message_that_comes_at_that_moment_is_where_the_ticket_went(tickets, _round):
    one, other = tickets[:2]

    def write() -> None:
        actions.receive_message(
            actor=permissions.SYSTEM,
            ticket=Ticket.objects.get(pk=one.pk),
            draft=Draft(body="Now", channel=Channel.EMAIL),
        )

    assert at_once(merging(one, other), write) == [None, None]
    sound(tickets)
    assert Article.objects.get(body="Now").ticket_id == other.pk


@pytest.mark.parametrize("_round", range(5))
def test_taking_back_and_merging_on_at_once(tickets, _round):
    one, other, third = tickets[:3]
    journal = merging(one, other)()

    def back() -> None:
        actions.unmerge(actor=permissions.SYSTEM, merge=journal)

    raised = at_once(back, merging(other, third))
    assert raised[1] is None
    assert raised[0] is None or isinstance(raised[0], HelpdeskError)
    sound(tickets)
