from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from helpdesk import actions, permissions
from helpdesk.actions import Draft, archiving
from helpdesk.actions.archiving import archive_closed
from helpdesk.models import NOT_ARCHIVED, Channel, Event, EventKind, State, Ticket
from helpdesk.states import StateType
from helpdesk.worker import schedule
from tests import factories as f
from tests.helpdesk.mail.test_ingest import deliver, mail

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


@pytest.fixture
def agent():
    return permissions.agent(f.UserFactory(is_superuser=True))


def closed(days: float, type_: StateType = StateType.CLOSED, **options) -> Ticket:
    """A ticket that was closed so many days before `NOW`."""
    ticket = f.make_ticket(contact="", **options)
    row = Ticket.objects.filter(pk=ticket.pk)
    row.update(state=f.state(type_), closed_at=NOW - timedelta(days=days), waiting_since=None)
    return row.get()


def archived(ticket: Ticket) -> bool:
    ticket.refresh_from_db()
    return ticket.archived_at is not None


@pytest.mark.parametrize("type_", [StateType.CLOSED, StateType.MERGED, StateType.REMOVED])
@pytest.mark.parametrize(("days", "found"), [(59.9, False), (60, False), (60.1, True)])
def test_closed_for_more_than_the_days_is_archived(type_, days, found):
    ticket = closed(days, type_)
    assert archive_closed(now=NOW) == found
    assert archived(ticket) == found


def test_days_are_a_setting(settings):
    settings.HELPDESK = {**settings.HELPDESK, "ARCHIVE_DAYS": 3}
    ticket = closed(4)
    archive_closed(now=NOW)
    assert archived(ticket)


@pytest.mark.parametrize("type_", [StateType.NEW, StateType.OPEN, StateType.PENDING_REMINDER])
def test_open_one_stays_however_old(type_):
    ticket = closed(1000, type_)  # even with a date of closing that nobody cleared
    assert archive_closed(now=NOW) == 0
    assert not archived(ticket)


def test_anonymised_one_goes_too():
    ticket = closed(100)
    Ticket.objects.filter(pk=ticket.pk).update(anonymised_at=NOW, erase_at=None)
    archive_closed(now=NOW)
    assert archived(ticket)


def test_nobody_is_told_and_nothing_else_changes():
    ticket = closed(61)
    before = Ticket.objects.filter(pk=ticket.pk).values().get()
    events = Event.objects.count()
    assert archive_closed(now=NOW) == 1
    after = Ticket.objects.filter(pk=ticket.pk).values().get()
    assert after == {**before, "archived_at": NOW}
    assert Event.objects.count() == events
    assert archive_closed(now=NOW + timedelta(days=1)) == 0
    ticket.refresh_from_db()
    assert ticket.archived_at == NOW


def test_batches_take_the_longest_closed_first_in_the_same_number_of_queries(monkeypatch):
    monkeypatch.setattr(archiving, "BATCH", 2)
    tickets = [closed(days) for days in (70, 90, 80)]
    with CaptureQueriesContext(connection) as two:
        assert archive_closed(now=NOW) == 2
    assert [archived(ticket) for ticket in tickets] == [False, True, True]
    assert archive_closed(now=NOW) == 1
    assert archive_closed(now=NOW) == 0
    monkeypatch.setattr(archiving, "BATCH", 500)
    row = closed(70)
    rows = []
    for number in range(200):
        row.pk, row.number, row.link_nonce = None, f"20260101{number:08d}", f"n{number}"
        rows.append(Ticket(**{one.attname: getattr(row, one.attname) for one in row._meta.fields}))
    Ticket.objects.bulk_create(rows)
    with CaptureQueriesContext(connection) as many:
        assert archive_closed(now=NOW) == 201
    assert len(many) == len(two)


def test_worker_does_it():
    [job] = [job for job in schedule() if job.name == "tickets.archive"]
    assert job.repeats
    ticket = f.make_ticket(contact="")
    Ticket.objects.filter(pk=ticket.pk).update(
        state=f.state(StateType.CLOSED), closed_at=timezone.now() - timedelta(days=61)
    )
    assert job.run() == 1
    assert job.run() == 0


# --- coming back -----------------------------------------------------------------------------------------------


def long_closed(ticket: Ticket, agent: permissions.Actor) -> None:
    actions.change_state(actor=agent, ticket=ticket, state=f.state(StateType.CLOSED))
    Ticket.objects.filter(pk=ticket.pk).update(closed_at=timezone.now() - timedelta(days=61))
    assert archive_closed() == 1
    assert archived(ticket)


def test_agent_brings_it_back(agent):
    ticket = f.make_ticket(contact="")
    long_closed(ticket, agent)
    actions.change_state(actor=agent, ticket=ticket, state=f.state(StateType.OPEN))
    assert not archived(ticket)
    assert ticket.state.type == StateType.OPEN


def test_mail_of_the_customer_brings_it_back(agent):
    f.QueueAddressFactory(address="support@desk.example", queue__slug="support")
    first = deliver(mail(Message_ID="<long-ago@mail.example>"))
    long_closed(first.ticket, agent)
    deliver(mail(In_Reply_To="<long-ago@mail.example>", body="Silent again."))
    assert not archived(first.ticket)
    assert first.ticket.state.type == StateType.OPEN


def test_reply_on_the_site_brings_it_back(agent):
    ticket = f.make_ticket()
    long_closed(ticket, agent)
    actions.receive_message(
        actor=permissions.customer(ticket.customer),
        ticket=ticket,
        draft=Draft(body="Silent again.", channel=Channel.WEB),
    )
    assert not archived(ticket)


def test_removed_one_comes_back_too(agent):
    ticket = closed(100, StateType.REMOVED)
    archive_closed(now=NOW)
    actions.change_state(actor=agent, ticket=ticket, state=f.state(StateType.OPEN))
    assert not archived(ticket)


# --- what stays as it is -----------------------------------------------------------------------------------------


def test_verbs_on_an_archived_one_work_and_leave_it_there(agent):
    ticket = f.make_ticket()
    long_closed(ticket, agent)
    version = ticket.version
    draft = Draft(body="For the record", channel=Channel.NOTE)
    actions.add_note(actor=agent, ticket=ticket, draft=draft)
    actions.set_tags(actor=agent, ticket=ticket, tags=["printer"])
    actions.object_to_storage(actor=agent, ticket=ticket, channel=Channel.PHONE, reason="Said so")
    assert archived(ticket)
    assert ticket.version > version
    assert ticket.events.filter(kind=EventKind.NOTE_ADDED).exists()


def test_merging_an_archived_one_and_taking_it_back(agent):
    old, new = f.make_ticket(contact=""), f.make_ticket(contact="")
    long_closed(old, agent)
    journal = actions.merge(actor=agent, source=old, target=new, visible=False)
    assert archived(old)
    assert not archived(new)
    actions.unmerge(actor=agent, merge=journal)
    assert archived(old)
    assert old.state.type == StateType.CLOSED
    # the other way round: what is kept comes out of the archive if it is open then
    actions.merge(actor=agent, source=new, target=old, visible=False)
    old.refresh_from_db()
    assert (old.archived_at is None) == old.state.is_open


def test_archive_is_no_right(agent):
    ticket = f.make_ticket()
    team = permissions.agent(f.make_agent(ticket.queue))
    customer = permissions.customer(ticket.customer)
    long_closed(ticket, agent)
    for actor in (agent, team, customer):
        assert permissions.visible_tickets(actor).filter(pk=ticket.pk).exists()
        assert permissions.can(actor, "read", ticket)


def test_open_tickets_are_never_archived_whatever_state_they_take(agent):
    """What the lists of open tickets rely on when they leave the archive out."""
    ticket = f.make_ticket(contact="")
    long_closed(ticket, agent)
    for row in State.objects.filter(type__in=(StateType.OPEN, StateType.PENDING_REMINDER)):
        until = None if row.type == StateType.OPEN else timezone.now() + timedelta(days=1)
        actions.change_state(actor=agent, ticket=ticket, state=row, pending_until=until)
        assert Ticket.objects.filter(NOT_ARCHIVED, pk=ticket.pk).exists()
