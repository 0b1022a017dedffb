"""Who is told that an open ticket will be erased, and in which words."""

from __future__ import annotations

import pytest
import time_machine
from django.utils import translation

from helpdesk import actions, permissions
from helpdesk.actions import due_storage
from helpdesk.models import EventKind, Notice, NoticeKind, Right
from helpdesk.notifications import sentences, telling
from tests import factories as f

from .conftest import at, night, opened

pytestmark = pytest.mark.django_db

SYSTEM = permissions.SYSTEM


def told(ticket) -> set[int]:
    """Warn of the ticket on day 717 and return who got a notice of it."""
    night(717)
    with time_machine.travel(at(717, 3), tick=False):
        while telling.tell():
            pass
    rows = Notice.objects.filter(kind=NoticeKind.STORAGE, ticket=ticket)
    return set(rows.values_list("user_id", flat=True))


def test_the_owner_the_responsible_and_those_who_watch_are_told():
    ticket = opened()
    owner, responsible, watcher, manager = (f.make_agent(ticket.queue) for _n in range(4))
    with time_machine.travel(at(0), tick=False):
        actions.assign(actor=SYSTEM, ticket=ticket, owner=owner)
        actions.set_responsible(actor=SYSTEM, ticket=ticket, responsible=responsible)
        actions.watch(actor=permissions.agent(watcher), ticket=ticket)
    found = told(ticket)
    assert found == {owner.pk, responsible.pk, watcher.pk}
    assert manager.pk not in found


def test_without_an_owner_those_who_manage_the_queue_are_told():
    ticket = opened()
    manager = f.make_agent(ticket.queue, rights=[Right.MANAGE, Right.READ])
    f.make_agent(ticket.queue, rights=[Right.READ, Right.ANSWER, Right.OWN])
    assert told(ticket) == {manager.pk}


def test_where_nobody_manages_the_queue_its_team_is_told():
    ticket = opened()
    team = {f.make_agent(ticket.queue).pk for _n in range(2)}
    assert told(ticket) == team


def test_for_an_owner_who_is_away_the_deputy_is_told_as_well():
    ticket = opened()
    owner, deputy = f.make_agent(ticket.queue), f.make_agent(ticket.queue)
    with time_machine.travel(at(0), tick=False):
        actions.assign(actor=SYSTEM, ticket=ticket, owner=owner)
    with time_machine.travel(at(717), tick=False):
        f.make_absence(owner, deputy=deputy)
    with time_machine.travel(at(717, 12), tick=False):
        due_storage.warn_of_erasure(tickets=[ticket.pk], now=at(717, 12))
        while telling.tell():
            pass
    rows = Notice.objects.filter(kind=NoticeKind.STORAGE)
    assert set(rows.values_list("user_id", flat=True)) == {owner.pk, deputy.pk}
    assert rows.get(user=deputy).instead_of == owner


def test_it_goes_into_the_digest_and_says_when():
    ticket = opened()
    owner = f.make_agent(ticket.queue)
    with time_machine.travel(at(0), tick=False):
        actions.assign(actor=SYSTEM, ticket=ticket, owner=owner)
    told(ticket)
    notice = Notice.objects.get(kind=NoticeKind.STORAGE)
    assert (notice.in_admin, notice.by_mail) == (True, Notice.ByMail.DIGEST)
    assert notice.event.kind == EventKind.STORAGE_WARNING
    with translation.override("de"):
        assert "02.03.2027" in sentences.sentence(notice)
    with translation.override("en"):
        words = sentences.sentence(notice)
    assert words.startswith("This open ticket will be erased on")
    assert words.endswith("unless something happens on it.")
    assert sentences.head(NoticeKind.STORAGE) == "Erased soon"


def test_a_reminder_of_a_hold_has_words_of_its_own():
    notice = Notice(kind=NoticeKind.STORAGE, ticket=opened(), user=f.UserFactory())
    assert sentences.sentence(notice).startswith("The hold on this ticket ends soon.")


def test_a_test_of_a_form_is_warned_of_to_nobody():
    ticket = opened()
    type(ticket).objects.update(is_test=True)
    f.make_agent(ticket.queue)
    assert told(ticket) == set()
