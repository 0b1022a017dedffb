"""Customers and organisations in the admin, and two customers becoming one."""

from __future__ import annotations

import pytest
from django.urls import reverse

from helpdesk import actions, permissions
from helpdesk.models import (
    Customer,
    CustomerAddress,
    EventKind,
    Organisation,
    Right,
    Ticket,
)
from tests import factories as f

from .conftest import browser

pytestmark = pytest.mark.django_db


@pytest.fixture
def twin(red):
    """A second customer with a ticket in the queue of the red team."""
    row = f.CustomerAddressFactory(address="twin@mail.example", customer__name="Twin")
    f.make_ticket(red.queue, customer=row.customer, contact=row.address, subject="Twin's")
    return row.customer


def url(customer: Customer) -> str:
    return reverse("helpdesk_agents:merge_customers", args=[customer.pk])


def test_two_customers_are_compared_and_become_one(red, twin):
    here = red.ticket.customer
    edit = reverse("helpdesk_people:edit", args=[here.pk])
    assert url(here) in red.client.get(edit).text
    page = red.client.get(url(here), {"q": "Twin"}).text
    assert f"?other={twin.pk}" in page
    page = red.client.get(url(here), {"other": twin.pk}).text
    assert "twin@mail.example (not confirmed)" in page
    page = red.client.post(url(here), {"other": twin.pk})
    assert page.status_code == 422
    assert "Confirm that the two are one person." in page.text
    assert not Customer.objects.exclude(merged_into=None).exists()
    done = red.client.post(url(here), {"other": twin.pk, "confirm": "on"})
    assert done["Location"] == edit
    twin.refresh_from_db()
    assert twin.merged_into == here
    old = red.client.get(reverse("helpdesk_people:edit", args=[twin.pk]))
    assert old["Location"] == edit
    assert "Twin" not in red.client.get(reverse("helpdesk_people:index")).text
    assert red.client.get(url(twin)).status_code == 404


def test_the_one_with_an_account_stays_whoever_was_opened(red, twin):
    Customer.objects.filter(pk=twin.pk).update(user=f.UserFactory())
    here = red.ticket.customer
    red.client.post(url(here), {"other": twin.pk, "confirm": "on"})
    here.refresh_from_db()
    assert here.merged_into == twin


def test_two_accounts_are_refused_with_the_reason(red, twin):
    here = red.ticket.customer
    for one in (here, twin):
        Customer.objects.filter(pk=one.pk).update(user=f.UserFactory())
    page = red.client.post(url(here), {"other": twin.pk, "confirm": "on"})
    assert page.status_code == 422
    assert "Both have an account." in page.text


def test_customers_of_others_and_without_the_right_look_absent(red, blue, twin):
    theirs, here = blue.ticket.customer, red.ticket.customer
    for page in (
        red.client.get(url(theirs)),
        red.client.get(url(here), {"other": theirs.pk}),
        red.client.post(url(here), {"other": theirs.pk, "confirm": "on"}),
        red.client.get(url(here), {"other": "x"}),
        red.client.get(url(here), {"other": here.pk}),
    ):
        assert page.status_code == 404
    answering = sorted(set(Right) - {Right.MANAGE})
    agent = browser(f.make_agent(red.queue, rights=answering))
    assert agent.get(url(here)).status_code == 302
    assert agent.post(url(here), {"other": twin.pk, "confirm": "on"}).status_code == 302
    assert not Customer.objects.exclude(merged_into=None).exists()


def test_tickets_elsewhere_forbid_it(red, blue, twin):
    f.make_ticket(blue.queue, customer=twin, contact="twin@mail.example")
    page = red.client.get(url(red.ticket.customer), {"other": twin.pk}).text
    assert "Only somebody who manages all queues" in page
    data = {"other": twin.pk, "confirm": "on"}
    assert red.client.post(url(red.ticket.customer), data).status_code == 404


def test_organisations_are_kept_by_whoever_manages_a_queue(red, admin):
    index = reverse("helpdesk_organisations:index")
    red.client.post(reverse("helpdesk_organisations:add"), {"name": "Firm", "is_active": "on"})
    firm = Organisation.objects.get()
    assert "Firm" in red.client.get(index).text
    delete = reverse("helpdesk_organisations:delete", args=[firm.pk])
    red.client.post(delete)
    assert Organisation.objects.exists()
    clerk = browser(f.make_agent(red.queue, rights=[Right.CREATE, Right.ANSWER]))
    assert clerk.get(index).status_code == 302
    assert clerk.post(reverse("helpdesk_organisations:add"), {"name": "X"}).status_code == 302
    admin.post(delete)
    assert not Organisation.objects.exists()


@pytest.mark.parametrize("shared", [False, True])
def test_an_organisation_that_asks_elsewhere_is_left_alone(red, blue, admin, shared):
    firm = Organisation.objects.create(name="Firm")
    if shared:
        Ticket.objects.filter(pk=blue.ticket.pk).update(organisation=firm)
    else:
        Customer.objects.filter(pk=blue.ticket.customer_id).update(organisation=firm)
    edit = reverse("helpdesk_organisations:edit", args=[firm.pk])
    assert red.client.post(edit, {"name": "Taken over"}).status_code == 404
    firm.refresh_from_db()
    assert (firm.name, firm.is_active) == ("Firm", True)
    for client, name in ((blue.client, "By who manages"), (admin, "By a superuser")):
        client.post(edit, {"name": name, "is_active": "on"})
        firm.refresh_from_db()
        assert firm.name == name


def test_what_holds_everywhere_is_changed_by_who_deals_with_the_customer_everywhere(red, blue):
    customer, firm = red.ticket.customer, Organisation.objects.create(name="Firm")
    before = customer.name
    f.make_ticket(blue.queue, customer=customer)
    edit = reverse("helpdesk_people:edit", args=[customer.pk])
    data = {
        "name": "Taken",
        "phone": "1",
        "language": "de",
        "organisation": firm.pk,
        "is_blocked": "on",
    }
    assert red.client.get(edit).status_code == 200  # a manager reads it
    red.client.post(edit, data)
    customer.refresh_from_db()
    found = (customer.name, customer.phone, customer.organisation, customer.is_blocked)
    assert found == (before, "", None, False)
    # create in all queues: the everyday facts; manage in all: the rest as well
    clerk = browser(f.make_agent(red.queue, blue.queue, rights=[Right.CREATE]))
    clerk.post(edit, data)
    customer.refresh_from_db()
    found = (customer.name, customer.phone, customer.organisation, customer.is_blocked)
    assert found == ("Taken", "1", None, False)
    browser(f.make_agent(red.queue, blue.queue)).post(edit, data)
    customer.refresh_from_db()
    assert (customer.organisation, customer.is_blocked) == (firm, True)


def test_nobody_joins_an_organisation_by_themselves(red):
    firm = Organisation.objects.create(name="Firm")
    me = actions.customer_for_user(red.agent)
    f.make_ticket(red.queue, customer=me)
    edit = reverse("helpdesk_people:edit", args=[me.pk])
    red.client.post(edit, {"name": "Me", "language": "en", "organisation": firm.pk})
    me.refresh_from_db()
    assert (me.name, me.organisation) == ("Me", None)


def test_who_leaves_an_organisation_takes_their_requests_along(red):
    old, new = (Organisation.objects.create(name=name) for name in ("Old", "New"))
    customer, ticket = red.ticket.customer, red.ticket
    Customer.objects.filter(pk=customer.pk).update(organisation=old)
    customer.refresh_from_db()
    ticket.customer = customer
    actions.share(actor=red.actor, ticket=ticket, organisation=old)
    pal = actions.customer_for_user(f.UserFactory(email="pal@uni.example"))
    Customer.objects.filter(pk=pal.pk).update(organisation=old)
    reader = permissions.customer(Customer.objects.get(pk=pal.pk))
    assert permissions.visible_tickets(reader).filter(pk=ticket.pk).exists()
    edit = reverse("helpdesk_people:edit", args=[customer.pk])
    data = {"name": "Ina", "phone": "", "language": "en"}
    red.client.post(edit, {**data, "organisation": new.pk})
    customer.refresh_from_db()
    assert customer.organisation == new
    assert not permissions.visible_tickets(reader).filter(pk=ticket.pk).exists()
    told = ticket.events.filter(kind=EventKind.SHARING_CHANGED).latest("pk")
    assert told.data == {"from": old.pk, "to": None, "by": "organisation"}


def test_an_agent_says_of_which_organisation_a_customer_is(red):
    firm = Organisation.objects.create(name="Firm")
    gone = Organisation.objects.create(name="Gone", is_active=False)
    customer = red.ticket.customer
    edit = reverse("helpdesk_people:edit", args=[customer.pk])
    data = {"name": "Ina", "phone": "", "language": "en"}
    assert red.client.post(edit, {**data, "organisation": gone.pk}).status_code == 200
    red.client.post(edit, {**data, "organisation": firm.pk})
    customer.refresh_from_db()
    assert customer.organisation == firm
    row = CustomerAddress.objects.get(customer=customer)
    assert row.address in red.client.get(edit).text
