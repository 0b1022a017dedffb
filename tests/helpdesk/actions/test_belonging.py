"""Who says of which organisation a customer is. What follows: tests/helpdesk/agents/test_customers.py."""

from __future__ import annotations

import pytest

from helpdesk import actions, permissions
from helpdesk.errors import NotPermitted
from helpdesk.models import Organisation, Right
from tests import factories as f

pytestmark = pytest.mark.django_db


def test_only_who_manages_all_queues_of_a_customer_says_where_they_belong():
    here, there, firm = f.QueueFactory(), f.QueueFactory(), Organisation.objects.create(name="Firm")
    customer = f.make_ticket(here).customer
    f.make_ticket(there, customer=customer)
    rights = set(Right) - {Right.MANAGE}
    refused = (
        f.make_agent(here),
        f.make_agent(here, there, rights=rights),
        f.make_agent(f.QueueFactory()),
    )
    for agent in map(permissions.agent, refused):
        with pytest.raises(NotPermitted):
            actions.set_organisation(actor=agent, customer=customer, organisation=firm)
    with pytest.raises(NotPermitted):
        actions.set_organisation(
            actor=permissions.customer(customer), customer=customer, organisation=firm
        )
    boss = permissions.agent(f.make_agent(here, there))
    changed = actions.set_organisation(actor=boss, customer=customer, organisation=firm)
    assert changed.organisation == firm
    actions.set_organisation(actor=boss, customer=customer, organisation=None)
    customer.refresh_from_db()
    assert customer.organisation is None
