from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from helpdesk import permissions
from helpdesk.actions import presence
from helpdesk.errors import NotPermitted
from helpdesk.models import Event, InformedQueue, Presence, Right
from tests import factories as f

pytestmark = pytest.mark.django_db


@pytest.fixture
def ticket():
    return f.make_ticket()


def colleague(ticket, **options):
    return permissions.agent(f.make_agent(ticket.queue, **options))


def seen_by(actor, *tickets):
    found = presence.present(actor=actor, ticket_ids=[one.pk for one in tickets])
    return {pk: [(one.name, one.is_writing) for one in people] for pk, people in found.items()}


def test_a_colleague_is_seen_looking_and_then_writing(ticket):
    fink = colleague(ticket, first_name="Fink", last_name="F")
    amsel = colleague(ticket)
    presence.note_presence(actor=fink, ticket=ticket)
    assert seen_by(amsel, ticket) == {ticket.pk: [("Fink F", False)]}
    presence.note_presence(actor=fink, ticket=ticket, writing=True)
    assert seen_by(amsel, ticket) == {ticket.pk: [("Fink F", True)]}
    assert Presence.objects.count() == 1


def test_nobody_sees_oneself(ticket):
    fink = colleague(ticket)
    presence.note_presence(actor=fink, ticket=ticket)
    assert seen_by(fink, ticket) == {}


def test_without_a_sign_of_life_somebody_is_gone_after_thirty_seconds(ticket):
    fink, amsel = colleague(ticket), colleague(ticket)
    presence.note_presence(actor=fink, ticket=ticket)
    for seconds, there in ((29, 1), (31, 0)):
        Presence.objects.update(seen_at=timezone.now() - timedelta(seconds=seconds))
        assert len(seen_by(amsel, ticket)) == there


def test_leaving_is_at_once_and_only_for_oneself(ticket):
    fink, amsel = colleague(ticket), colleague(ticket)
    presence.note_presence(actor=fink, ticket=ticket)
    presence.leave(actor=amsel, ticket_id=ticket.pk)
    assert seen_by(amsel, ticket)
    presence.leave(actor=fink, ticket_id=ticket.pk)
    assert not seen_by(amsel, ticket)


def test_presence_is_no_change_of_the_ticket(ticket):
    before = Event.objects.count()
    presence.note_presence(actor=colleague(ticket), ticket=ticket, writing=True)
    version = ticket.version
    ticket.refresh_from_db()
    assert (Event.objects.count(), ticket.version) == (before, version)


def test_who_may_not_see_the_ticket_learns_nothing(ticket):
    presence.note_presence(actor=colleague(ticket), ticket=ticket)
    other = permissions.agent(f.make_agent(f.QueueFactory()))
    assert seen_by(other, ticket) == {}
    with pytest.raises(NotPermitted):
        presence.note_presence(actor=other, ticket=ticket)


def test_who_reads_along_neither_sees_nor_is_seen(ticket):
    informed = f.QueueFactory()
    InformedQueue.objects.create(ticket=ticket, queue=informed, at=timezone.now())
    along = permissions.agent(f.make_agent(informed))
    assert permissions.visible_tickets(along).filter(pk=ticket.pk).exists()
    presence.note_presence(actor=colleague(ticket), ticket=ticket)
    assert seen_by(along, ticket) == {}
    with pytest.raises(NotPermitted):
        presence.note_presence(actor=along, ticket=ticket)


@pytest.mark.parametrize("who", ["customer", "link", "system"])
def test_customers_and_the_machine_never_see_presence(ticket, who):
    presence.note_presence(actor=colleague(ticket), ticket=ticket)
    actor = {
        "customer": permissions.customer(ticket.customer),
        "link": permissions.link_bearer(ticket),
        "system": permissions.SYSTEM,
    }[who]
    assert seen_by(actor, ticket) == {}
    for verb in (
        lambda: presence.note_presence(actor=actor, ticket=ticket),
        lambda: presence.leave(actor=actor, ticket_id=ticket.pk),
    ):
        with pytest.raises(NotPermitted):
            verb()
    assert Presence.objects.count() == 1


def test_a_reader_is_seen_and_an_account_out_of_use_is_not(ticket):
    reader = colleague(ticket, rights=[Right.READ])
    amsel = colleague(ticket)
    presence.note_presence(actor=reader, ticket=ticket)
    assert seen_by(amsel, ticket)
    reader.user.is_active = False
    reader.user.save()
    assert not seen_by(amsel, ticket)


def test_old_rows_are_deleted(ticket):
    presence.note_presence(actor=colleague(ticket), ticket=ticket)
    assert presence.forget_presence() == 0
    Presence.objects.update(seen_at=timezone.now() - timedelta(hours=2))
    assert presence.forget_presence() == 1


def test_presence_of_200_tickets_needs_one_query(ticket, django_assert_num_queries):
    amsel = colleague(ticket)
    assert amsel.queue_rights
    presence.note_presence(actor=colleague(ticket), ticket=ticket)
    for ids in ([ticket.pk], [ticket.pk, *range(10_000, 10_199)]):
        with django_assert_num_queries(1):
            presence.present(actor=amsel, ticket_ids=ids)
