"""Queues that read along: who does, when it ends, and that it stays ended."""

from __future__ import annotations

import pytest
from django.utils import timezone

from helpdesk import actions, permissions
from helpdesk.errors import NotFound, NotPermitted
from helpdesk.models import Article, EventKind, InformedQueue, Right
from tests import factories as f

pytestmark = pytest.mark.django_db

SYSTEM = permissions.SYSTEM


@pytest.fixture
def ticket():
    return f.make_ticket()


def inform(ticket, queue, **options) -> None:
    first = ticket.articles.order_by("pk").first()
    actions.inform_queue(actor=SYSTEM, ticket=ticket, article=first, queue_id=queue.pk, **options)


def reader_of(queue) -> permissions.Actor:
    return permissions.agent(f.make_agent(queue, rights=[Right.READ]))


def reads(queue, ticket) -> bool:
    actor = reader_of(queue)
    found = permissions.visible_tickets(actor).filter(pk=ticket.pk).exists()
    assert found == permissions.can(actor, Right.READ, ticket)
    return found


def test_informing_a_queue_changes_nothing_but_the_history(ticket):
    other = f.QueueFactory()
    version, articles = ticket.version, Article.objects.count()
    for again in (False, True):
        actions.inform_queue(
            actor=SYSTEM,
            ticket=ticket,
            article=ticket.articles.get(),
            queue_id=other.pk,
            again=again,
        )
    ticket.refresh_from_db()
    assert (ticket.version, Article.objects.count()) == (version, articles)
    kinds = {event.kind for event in ticket.events.filter(data={"queue": other.pk})}
    assert kinds == {EventKind.QUEUE_INFORMED, EventKind.SECOND_DELIVERY}


def test_an_informed_queue_is_noted_once_and_never_the_tickets_own(ticket):
    other, article = f.QueueFactory(), ticket.articles.get()
    for queue_id, again in (
        (other.pk, False),
        (other.pk, True),
        (ticket.queue_id, True),
        (None, 1),
    ):
        actions.inform_queue(
            actor=SYSTEM, ticket=ticket, article=article, queue_id=queue_id, again=bool(again)
        )
    assert [row.queue for row in ticket.informed.all()] == [other]


def test_a_second_delivery_through_another_address_informs_its_queue(ticket):
    other, article = f.QueueFactory(), ticket.articles.get()
    actions.inform_queue(
        actor=SYSTEM, ticket=ticket, article=article, queue_id=other.pk, again=True
    )
    assert [row.queue for row in ticket.informed.all()] == [other]


def test_a_ticket_that_moves_away_keeps_informing_but_not_the_queue_it_comes_into(ticket):
    queues = [f.QueueFactory() for _ in range(3)]
    for queue in queues[:2]:
        actions.inform_queue(
            actor=SYSTEM, ticket=ticket, article=ticket.articles.get(), queue_id=queue.pk
        )
    actions.move(actor=SYSTEM, ticket=ticket, queue=queues[2])
    assert ticket.informed.count() == 2
    actions.move(actor=SYSTEM, ticket=ticket, queue=queues[0])
    assert [row.queue for row in ticket.informed.all()] == [queues[1]]


def test_a_confidential_ticket_informs_nobody(ticket):
    other = f.QueueFactory()
    top = f.QueueFactory(is_confidential=True)
    ticket.queue.parent = top
    ticket.queue.save()
    ticket.refresh_from_db()
    inform(ticket, other)
    inform(ticket, other, again=True)
    assert not ticket.informed.exists()
    assert [event.kind for event in ticket.events.filter(data={"queue": other.pk})] == [
        EventKind.SECOND_DELIVERY
    ]


def test_who_was_informed_before_a_queue_became_confidential_reads_no_longer(ticket):
    other = f.QueueFactory()
    inform(ticket, other)
    assert reads(other, ticket)
    ticket.queue.is_confidential = True
    ticket.queue.save()
    assert not reads(other, ticket)
    why = permissions.explain(reader_of(other), Right.READ, ticket)
    assert not why.allowed


def test_moving_into_a_confidential_queue_ends_it_for_good(ticket):
    other, safe, plain = (f.QueueFactory(is_confidential=n == 1) for n in range(3))
    inform(ticket, other)
    actions.move(actor=SYSTEM, ticket=ticket, queue=safe)
    assert not reads(other, ticket)
    ended = ticket.events.get(kind=EventKind.QUEUE_UNINFORMED)
    assert ended.data == {"queue": other.pk, "by": "confidential"}
    actions.move(actor=SYSTEM, ticket=ticket, queue=plain)
    inform(ticket, other)
    assert not reads(other, ticket)


def test_an_agent_ends_it_and_further_mail_does_not_begin_it_anew(ticket):
    first, second = f.QueueFactory(), f.QueueFactory()
    for queue in (first, second):
        inform(ticket, queue)
    agent = permissions.agent(f.make_agent(ticket.queue, rights=[Right.NOTE]))
    version = ticket.version
    actions.end_reading_along(actor=agent, ticket=ticket, queue=first)
    ticket.refresh_from_db()
    assert ticket.version > version
    assert ticket.events.get(kind=EventKind.QUEUE_UNINFORMED).user == agent.user
    inform(ticket, first)
    inform(ticket, first, again=True)
    assert not reads(first, ticket)
    assert reads(second, ticket)
    with pytest.raises(NotFound):
        actions.end_reading_along(actor=agent, ticket=ticket, queue=first)


def test_who_reads_along_ends_nothing(ticket):
    other = f.QueueFactory()
    inform(ticket, other)
    with pytest.raises(NotPermitted):
        actions.end_reading_along(
            actor=permissions.agent(f.make_agent(other)), ticket=ticket, queue=other
        )
    assert InformedQueue.objects.filter(at__lte=timezone.now()).count() == 1
