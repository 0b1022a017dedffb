from __future__ import annotations

import re

import pytest
from django.urls import reverse

from helpdesk import actions, permissions
from helpdesk.models import (
    Channel,
    Customer,
    EventKind,
    OutboundMail,
    Priority,
    Proof,
    Right,
    Ticket,
)
from helpdesk.persons import DirectoryDown, Person
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
    customer.name, customer.phone = "Hidden Person", "0211-4711"
    customer.save()
    f.CustomerAddressFactory(customer=customer, address="private@mail.example", is_main=True)
    address = customer.addresses.get(is_main=False).address
    find = reverse("helpdesk_agents:phone_customers")
    chosen = f'value="{customer.pk}"'
    for words in ("Hidden", address[:-3], "private@mail.exampl"):
        assert chosen not in red.client.get(find, {"q": words}).text
    page = red.client.get(find, {"q": address}).text
    # a ticket can be opened for whoever it is; who, and what else they told others, is not said
    assert (chosen in page, address in page) == (True, True)
    assert not [one for one in ("Hidden", "0211", "private@") if one in page]
    refused = red.client.post(reverse(URL), call(red.queue, customer=customer.pk))
    assert refused.status_code == 422
    data = call(red.queue, customer=customer.pk, find=address)
    assert red.client.post(reverse(URL), data).status_code == 302
    assert (opened().customer, opened().contact) == (customer, address)


def test_a_phone_ticket_opens_nothing_of_what_its_customer_told_others(red, blue):
    customer = blue.ticket.customer
    customer.name, customer.phone, customer.login_name = "Hidden Person", "0211-4711", "hidden01"
    customer.save()
    f.CustomerAddressFactory(customer=customer, address="private@mail.example", is_main=True)
    address = customer.addresses.get(is_main=False).address
    told = ("0211-4711", "hidden01", "private@mail.example")
    clerk = browser(f.make_agent(red.queue, rights=[Right.CREATE, Right.NOTE, Right.ANSWER]))
    clerk.post(reverse(URL), call(red.queue, customer="new", email=address, full_name="Somebody"))
    edit = reverse("helpdesk_people:edit", args=[customer.pk])
    assert clerk.get(edit).status_code == 404
    assert (
        clerk.post(edit, {"name": "Taken", "language": "de", "is_blocked": "on"}).status_code == 404
    )
    index, find = reverse("helpdesk_people:index"), reverse("helpdesk_agents:phone_customers")
    pages = [
        clerk.get(reverse("helpdesk_agents:ticket", args=[opened().pk])).text,
        clerk.get(index).text,
        clerk.get(find, {"q": "Hidden"}).text,
        clerk.get(find, {"q": address}).text,
    ]
    assert not [one for page in pages for one in told if one in page]
    assert "Hidden Person" in pages[1]
    assert address in pages[2]  # known here by the ticket
    for words in ("hidden01", "private@mail"):  # nothing to try out
        assert "Hidden Person" not in clerk.get(index, {"q": words}).text
        assert "Hidden Person" not in clerk.get(find, {"q": words}).text
    customer.refresh_from_db()
    assert (customer.name, customer.is_blocked) == ("Hidden Person", False)


def test_of_whom_only_the_own_queues_know_an_agent_sees_everything(red):
    customer = red.ticket.customer
    customer.name, customer.phone, customer.login_name = "Ina Known", "0211-4711", "ina01"
    customer.save()
    clerk = browser(f.make_agent(red.queue, rights=[Right.CREATE]))
    assert "0211-4711" in clerk.get(reverse("helpdesk_agents:phone_customers"), {"q": "ina01"}).text
    assert "0211-4711" in clerk.get(reverse("helpdesk_agents:ticket", args=[red.ticket.pk])).text
    assert "0211-4711" in clerk.get(reverse("helpdesk_people:index"), {"q": "ina01"}).text
    assert "ina01" not in clerk.get(reverse("helpdesk_agents:phone_customers"), {"q": "In"}).text


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


def test_an_objection_on_the_phone_is_noted_with_the_ticket_and_its_receipt_says_so(red):
    f.QueueAddressFactory(queue=red.queue)
    data = call(red.queue, customer="new", email="new@mail.example", receipt="on")
    page = red.client.get(reverse(URL)).content.decode()
    box = re.search(r'<input[^>]*name="objects"[^>]*>', page)
    assert box is not None
    assert "checked" not in box[0]
    red.client.post(reverse(URL), {**data, "objects": "on", "objection": " Said so. "})
    ticket = opened()
    assert (ticket.objection_channel, ticket.objection_reason) == (Channel.PHONE, "Said so.")
    assert ticket.objection_days == 14
    assert str(ticket.objection_days) in ticket.objection_wording
    event = ticket.events.get(kind=EventKind.OBJECTION_CHANGED)
    assert (event.user, event.content) == (red.agent, {"reason": "Said so."})
    [receipt] = OutboundMail.objects.filter(ticket=ticket)
    assert "Ihren Widerspruch" in receipt.body
    card = red.client.get(reverse("helpdesk_agents:ticket", args=[ticket.pk])).content.decode()
    assert "Said so." in card
    actions.withdraw_objection(
        actor=permissions.link_bearer(ticket), ticket=ticket
    )  # the customer can, as ever
    assert opened().objected_at is None


@pytest.mark.parametrize(
    ("more", "field"), [({"objects": "on"}, "objection"), ({"objection": "Said so."}, "objects")]
)
def test_box_and_words_of_an_objection_belong_together(red, more, field):
    page = red.client.post(reverse(URL), call(red.queue, customer="none", **more))
    assert page.status_code == 422
    assert list(page.context["form"].errors) == [field]
    assert not Ticket.objects.filter(channel=Channel.PHONE).exists()


def test_without_an_objection_none_is_noted(red):
    red.client.post(reverse(URL), call(red.queue, customer="none"))
    assert opened().objected_at is None
    assert not opened().events.filter(kind=EventKind.OBJECTION_CHANGED).exists()


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


# --- people of the directory ---------------------------------------------------------------------

INA = Person("ina01", "Ina Rother", ("ina@uni.example",), "0331 1", "Physics")


def directory(words: str) -> list[Person]:
    """The source that the tests name in the settings."""
    if words == "down":
        raise DirectoryDown
    return [one for one in (INA,) if words.lower() in f"{one.login_name} {one.name}".lower()]


@pytest.fixture
def persons(settings):
    settings.HELPDESK = {**settings.HELPDESK, "PERSONS": f"{__name__}.directory"}


def found(team, words: str) -> str:
    return team.client.get(reverse("helpdesk_agents:phone_customers"), {"q": words}).text


def value_in(page: str) -> str:
    return re.search(r'value="(person:[^"]+)"', page)[1]


def test_somebody_of_the_directory_is_found_and_chosen(red, persons):
    count = Customer.objects.count()
    page = found(red, "Roth")
    assert "Ina Rother" in page
    assert "from the directory" in page
    assert Customer.objects.count() == count
    assert "Ina" not in found(red, "Ro")  # too short
    answer = red.client.post(reverse(URL), call(red.queue, customer=value_in(page)))
    assert answer.status_code == 302
    customer = opened().customer
    assert (customer.login_name, customer.phone) == ("ina01", "0331 1")
    assert opened().contact == "ina@uni.example"
    assert customer.addresses.get().verified_by == Proof.DIRECTORY
    page = found(red, "Rother")
    assert f'value="{customer.pk}"' in page  # known now
    assert "from the directory" not in page


def test_without_script_the_button_searches_and_keeps_what_was_chosen(red, persons):
    page = red.client.post(reverse(URL), call(red.queue, find="Rother", search="1")).text
    chosen = value_in(page)
    assert "Calls about the lamp" in page
    refused = red.client.post(reverse(URL), call(red.queue, subject="", customer=chosen))
    assert refused.status_code == 422
    assert f'value="{chosen}" checked' in refused.text
    assert not Customer.objects.filter(login_name="ina01").exists()


def test_what_was_not_shown_to_this_agent_cannot_be_chosen(red, blue, persons):
    chosen = value_in(found(red, "Rother"))
    for value in (chosen[:-3] + "aaa", "person:x", "person:"):
        assert red.client.post(reverse(URL), call(red.queue, customer=value)).status_code == 422
    assert blue.client.post(reverse(URL), call(blue.queue, customer=chosen)).status_code == 422
    assert not Ticket.objects.filter(channel=Channel.PHONE).exists()


def test_a_directory_that_is_down_is_said_and_work_goes_on(red, persons):
    red.ticket.customer.name = "Downey"
    red.ticket.customer.save()
    page = found(red, "down")
    assert "The directory does not answer." in page
    assert "Downey" in page
    page = red.client.post(reverse(URL), call(red.queue, find="down", search="1"))
    assert page.status_code == 200


def test_searches_are_counted(red, persons):
    for _n in range(60):
        found(red, "Rother")
    page = found(red, "Rother")
    assert "Too many searches." in page
    assert "Ina Rother" not in page
