from __future__ import annotations

import pytest
from django.urls import reverse

from helpdesk.models import Channel, Customer, Priority, Right, Ticket
from tests import factories as f

from .conftest import browser

pytestmark = pytest.mark.django_db

URL = "helpdesk_agents:phone"


def call(queue, **data):
    return {
        "queue": queue.pk,
        "subject": "Calls about the lamp",
        "body": "It is dark.",
        "priority": Priority.objects.get(slug="normal").pk,
        "idempotency_key": "k1",
        **data,
    }


def opened() -> Ticket:
    return Ticket.objects.get(channel=Channel.PHONE)


def test_phone_ticket_for_a_new_customer_belongs_to_the_agent(red):
    data = call(red.queue, customer="new", email="new@mail.example", full_name="Ines", own="on")
    answer = red.client.post(reverse(URL), data)
    assert answer["Location"] == reverse("helpdesk_agents:ticket", args=[opened().pk])
    assert (opened().customer.name, opened().contact) == ("Ines", "new@mail.example")
    assert opened().owner == red.agent


def test_phone_ticket_sent_twice_is_opened_once(red):
    data = call(red.queue, customer="none")
    first, second = (red.client.post(reverse(URL), data) for _time in range(2))
    assert first["Location"] == second["Location"]
    assert opened().customer is None


def test_known_customer_is_found_and_chosen(red):
    customer = red.ticket.customer
    find = reverse("helpdesk_agents:phone_customers")
    assert customer.name in red.client.get(find, {"q": customer.name[:6]}).content.decode()
    red.client.post(reverse(URL), call(red.queue, customer=customer.pk))
    assert opened().customer == customer


def test_search_without_script_keeps_what_was_typed(red):
    customer = red.ticket.customer
    page = red.client.post(reverse(URL), call(red.queue, find=customer.name, search="1"))
    text = page.content.decode()
    assert customer.name in text
    assert "Calls about the lamp" in text
    assert "It is dark." in text
    assert not Ticket.objects.filter(channel=Channel.PHONE).exists()


def test_customers_of_other_teams_are_found_by_full_address_only(red, blue):
    customer = blue.ticket.customer
    customer.name = "Hidden Person"
    customer.save()
    find = reverse("helpdesk_agents:phone_customers")
    assert "Hidden" not in red.client.get(find, {"q": "Hidden"}).content.decode()
    address = customer.main_address()
    assert "Hidden" not in red.client.get(find, {"q": address[:-3]}).content.decode()
    assert "Hidden" in red.client.get(find, {"q": address}).content.decode()
    refused = red.client.post(reverse(URL), call(red.queue, customer=customer.pk))
    assert refused.status_code == 422
    data = call(red.queue, customer=customer.pk, find=address)
    assert red.client.post(reverse(URL), data).status_code == 302
    assert opened().customer == customer


def test_refused_phone_ticket_says_why_and_makes_no_customer(red):
    count = Customer.objects.count()
    data = call(red.queue, subject="", customer="new", email="new@mail.example")
    page = red.client.post(reverse(URL), data)
    assert page.status_code == 422
    assert "new@mail.example" in page.content.decode()
    assert Customer.objects.count() == count


@pytest.mark.parametrize("data", [{}, {"customer": "new"}, {"customer": "999999"}])
def test_a_customer_must_be_chosen(red, data):
    assert red.client.post(reverse(URL), call(red.queue, **data)).status_code == 422
    assert not Ticket.objects.filter(channel=Channel.PHONE).exists()


def test_queue_without_the_right_is_neither_offered_nor_taken(red, blue):
    assert "Blue" not in red.client.get(reverse(URL)).content.decode()
    answer = red.client.post(reverse(URL), call(blue.queue, customer="none"))
    assert answer.status_code == 422
    assert not Ticket.objects.filter(channel=Channel.PHONE).exists()


def test_agent_without_create_is_sent_away(red):
    reader = browser(f.make_agent(red.queue, rights=[Right.READ]))
    assert reader.get(reverse(URL)).status_code == 302
    assert reader.get(reverse("helpdesk_agents:phone_customers")).status_code == 302
    assert reader.post(reverse(URL), call(red.queue, customer="none")).status_code == 302
