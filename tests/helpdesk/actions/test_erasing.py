"""Erasing tickets: whole groups, step by step, and nothing of what was held or is needed by others."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from helpdesk import actions, permissions
from helpdesk.actions import Draft, Upload
from helpdesk.models import (
    Article,
    Blob,
    Channel,
    Event,
    Ticket,
    Tombstone,
)
from helpdesk.states import StateType
from tests import factories as f

pytestmark = pytest.mark.django_db
BY_HAND = Tombstone.Reason.BY_HAND


def closed(days=800, **options):
    ticket = f.make_ticket(**options)
    at = timezone.now() - timedelta(days=days)
    actions.change_state(actor=permissions.SYSTEM, ticket=ticket, state=f.state(StateType.CLOSED))
    Ticket.objects.filter(pk=ticket.pk).update(closed_at=at, changed_at=at)
    ticket.refresh_from_db()
    actions.storing.settle(ticket)
    ticket.save()
    return ticket


def with_file(ticket, content=b"bytes", name="plan.pdf"):
    agent = permissions.agent(f.make_agent(ticket.queue))
    file = Upload(name, content, "application/pdf")
    return actions.add_note(
        actor=agent, ticket=ticket, draft=Draft(body="x", channel=Channel.NOTE, files=(file,))
    )


def test_a_due_ticket_goes_with_all_of_it_and_leaves_a_tombstone(
    django_capture_on_commit_callbacks,
):
    ticket, other = closed(), f.make_ticket()
    with_file(ticket, b"mine")
    with_file(other, b"theirs")
    ticket.refresh_from_db()
    assert ticket.erase_at < timezone.now()
    with django_capture_on_commit_callbacks(execute=True):
        done = actions.erase(tickets=[ticket.pk, other.pk])
    assert done["tickets"] == 1
    assert (done["articles"], done["attachments"], done["files"]) == (2, 1, 1)
    assert list(Ticket.objects.all()) == [other]
    assert not Article.objects.exclude(ticket=other).exists()
    assert [one.read() for one in Blob.objects.all()] == [b"theirs"]
    stone = Tombstone.objects.get()
    assert (stone.ticket_pk, stone.number) == (ticket.pk, ticket.number)
    assert (stone.reason, stone.is_anonymised) == ("retention", False)
    assert not actions.erase(tickets=[ticket.pk])


@pytest.mark.parametrize("name", ["erase_files", "erase_persons", "anonymise"])
def test_every_step_runs_and_a_second_time_finds_nothing(name):
    ticket = closed()
    with_file(ticket)
    step = getattr(actions, name)
    assert step(tickets=[ticket.pk], reason=BY_HAND)
    before = Event.objects.count()
    assert not +step(tickets=[ticket.pk], reason=BY_HAND)
    assert Event.objects.count() == before
