from __future__ import annotations

import pytest

from helpdesk import actions, permissions
from helpdesk.errors import NotPermitted
from helpdesk.models import Event, Right, Seen
from tests import factories as f

pytestmark = pytest.mark.django_db


def test_reading_leaves_one_mark_that_moves_and_nothing_of_the_ticket_changes():
    ticket = f.make_ticket()
    actor = permissions.agent(f.make_agent(ticket.queue, rights=[Right.READ]))
    actions.mark_seen(actor=actor, ticket=ticket)
    first = Seen.objects.get().at
    actions.mark_seen(actor=actor, ticket=ticket)
    assert Seen.objects.get().at > first
    version = ticket.version
    ticket.refresh_from_db()
    assert ticket.version == version
    assert Event.objects.count() == 1


def test_reading_is_for_agents_who_may_read():
    ticket = f.make_ticket()
    stranger = permissions.agent(f.make_agent(f.QueueFactory()))
    for actor in (stranger, permissions.link_bearer(ticket), permissions.SYSTEM):
        with pytest.raises(NotPermitted):
            actions.mark_seen(actor=actor, ticket=ticket)
    assert not Seen.objects.exists()
