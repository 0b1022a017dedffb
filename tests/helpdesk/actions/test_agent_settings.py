from __future__ import annotations

import pytest

from helpdesk import actions, permissions
from helpdesk.errors import InvalidInput, NotPermitted
from helpdesk.models import AgentSettings
from tests import factories as f

pytestmark = pytest.mark.django_db


@pytest.fixture
def actor():
    return permissions.agent(f.make_agent(f.QueueFactory()))


def test_days_off_are_stored_once_and_in_order(actor):
    assert actions.set_free_days(actor=actor, days=[4, 2, 4]).free_days == [2, 4]
    assert actions.set_free_days(actor=actor, days=[]).free_days == []
    assert AgentSettings.objects.count() == 1


@pytest.mark.parametrize("days", [[7], [-1], list(range(7))])
def test_impossible_days_off_are_refused(actor, days):
    with pytest.raises(InvalidInput) as refused:
        actions.set_free_days(actor=actor, days=days)
    assert refused.value.field == "free_days"
    assert not AgentSettings.objects.filter(free_days=days).exists()


def test_a_new_key_takes_the_place_of_the_old_one(actor):
    first = actions.renew_feed_key(actor=actor).feed_key
    second = actions.renew_feed_key(actor=actor).feed_key
    assert first != second
    assert len(second) >= 32
    assert AgentSettings.objects.get().feed_key == second


def test_who_is_no_agent_has_no_settings():
    people = (
        permissions.agent(f.make_agent(rights=[])),
        permissions.customer(f.CustomerFactory()),
        permissions.SYSTEM,
    )
    for one in people:
        with pytest.raises(NotPermitted):
            actions.renew_feed_key(actor=one)
        with pytest.raises(NotPermitted):
            actions.set_free_days(actor=one, days=[1])
    assert not AgentSettings.objects.exists()
