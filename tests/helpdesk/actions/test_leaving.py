from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from helpdesk import actions, permissions, worker
from helpdesk.actions import leaving
from helpdesk.models import Event, EventKind, InformedQueue, Notice, NoticeKind, Ticket, Watcher
from helpdesk.notifications.telling import tell
from helpdesk.states import StateType
from tests import factories as f

pytestmark = pytest.mark.django_db


def owned(queue: Any, user: Any) -> Ticket:
    ticket = f.make_ticket(queue, contact="")
    actions.assign(actor=permissions.SYSTEM, ticket=ticket, owner=user)
    actions.set_responsible(actor=permissions.SYSTEM, ticket=ticket, responsible=user)
    actions.watch(actor=permissions.agent(user), ticket=ticket)
    ticket.refresh_from_db()
    return ticket


def told() -> list[Notice]:
    while tell():
        pass
    return list(Notice.objects.filter(kind=NoticeKind.HAND_BACK))


@pytest.mark.parametrize("how", ["group left", "rights taken", "inactive"])
def test_work_of_who_left_goes_back_to_the_queue(how):
    queue = f.QueueFactory()
    user, colleague = f.make_agent(queue), f.make_agent(queue)
    ticket, version = owned(queue, user), 0
    version = ticket.version
    if how == "group left":
        user.groups.clear()
    elif how == "rights taken":
        user.groups.get().queue_rights.all().delete()
    else:
        user.is_active = False
        user.save()
    assert leaving.release_without_rights() == 1
    ticket.refresh_from_db()
    assert (ticket.owner, ticket.responsible) == (None, None)
    assert ticket.version > version
    assert not Watcher.objects.filter(user=user).exists()
    rows = Event.objects.filter(ticket=ticket, data__by="no_rights").order_by("pk")
    assert [row.kind for row in rows] == [EventKind.OWNER_CHANGED, EventKind.RESPONSIBLE_CHANGED]
    assert rows[0].data == {"from": user.pk, "to": None, "by": "no_rights"}
    assert {one.user for one in told()} == {colleague}
    assert leaving.release_without_rights() == 0


def test_who_has_any_right_left_keeps_what_is_theirs():
    queue = f.QueueFactory()
    below = f.QueueFactory(parent=queue)
    boss = f.UserFactory(is_superuser=True)
    reader = f.make_agent(queue)
    tickets = [owned(below, reader), owned(queue, boss)]
    reader.groups.get().queue_rights.exclude(right="read").delete()
    assert leaving.release_without_rights() == 0
    for ticket in tickets:
        ticket.refresh_from_db()
        assert ticket.owner_id == ticket.responsible_id is not None
    assert Watcher.objects.count() == 2


def test_what_is_closed_keeps_its_history():
    queue = f.QueueFactory()
    user = f.make_agent(queue)
    ticket = owned(queue, user)
    actions.change_state(actor=permissions.SYSTEM, ticket=ticket, state=f.state(StateType.CLOSED))
    user.groups.clear()
    assert leaving.release_without_rights() == 0
    ticket.refresh_from_db()
    assert ticket.owner == user


def test_only_the_queue_that_was_left_is_cleared():
    one, other = f.QueueFactory(), f.QueueFactory()
    user = f.make_agent(one)
    user.groups.add(f.make_team(other))
    left, kept = owned(one, user), owned(other, user)
    user.groups.remove(user.groups.order_by("pk").first())
    assert leaving.release_without_rights() == 1
    left.refresh_from_db(), kept.refresh_from_db()
    assert (left.owner, kept.owner) == (None, user)


def test_who_reads_along_goes_on_watching():
    one, other = f.QueueFactory(), f.QueueFactory()
    user = f.make_agent(one)
    user.groups.add(f.make_team(other))
    ticket = owned(one, user)
    InformedQueue.objects.create(ticket=ticket, queue=other, at=timezone.now())
    user.groups.remove(user.groups.order_by("pk").first())
    leaving.release_without_rights()
    assert Watcher.objects.filter(user=user, ticket=ticket).exists()


def test_the_questions_do_not_grow_with_tickets_that_are_all_right():
    queue = f.QueueFactory()
    user = f.make_agent(queue)

    def queries() -> int:
        with CaptureQueriesContext(connection) as caught:
            assert leaving.release_without_rights() == 0
        return len(caught)

    owned(queue, user)
    few = queries()
    for _number in range(20):
        owned(queue, f.make_agent(queue))
    assert queries() == few


def test_the_worker_does_it():
    queue = f.QueueFactory()
    user = f.make_agent(queue)
    ticket = owned(queue, user)
    user.groups.clear()
    jobs = [job for job in worker.schedule() if job.name == "tickets.no_rights"]
    assert [job.every for job in jobs] == [timedelta(minutes=5)]
    worker.Worker(jobs).run_once(everything=True)
    ticket.refresh_from_db()
    assert ticket.owner is None
