"""*My addresses*: each is proved before it shows anything."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

from helpdesk import actions, permissions
from helpdesk.models import (
    AddressClaim,
    AuditEntry,
    AuditKind,
    Channel,
    Customer,
    CustomerAddress,
    OutboundMail,
    Proof,
)
from tests import factories as f

pytestmark = pytest.mark.django_db

ADDRESS = "ina@home.example"


@pytest.fixture(autouse=True)
def english():
    with translation.override("en"):
        yield


@pytest.fixture
def url():
    return reverse("helpdesk_customers:addresses")


@pytest.fixture
def owner(client):
    user = f.UserFactory()
    client.force_login(user)
    return user


def sees(user, ticket) -> bool:
    actor = permissions.customer(actions.customer_for_user(user))
    return permissions.visible_tickets(actor).filter(pk=ticket.pk).exists()


def mailed(address: str = ADDRESS):
    person = actions.customer_for_address(address)
    return f.make_ticket(customer=person, contact=address, channel=Channel.EMAIL)


def link() -> str:
    mail = OutboundMail.objects.latest("pk")
    return re.search(r"https?://[^/\s]+(/\S+)", mail.body)[1]


def test_an_address_is_confirmed_by_the_button_behind_the_link_only(client, owner, url):
    ticket = mailed()
    page = client.post(url, {"email": ADDRESS}, follow=True)
    assert f"A mail is on its way to {ADDRESS}" in page.text
    assert OutboundMail.objects.get().to[0][1] == ADDRESS
    for _scanner in range(2):
        assert "Is this your address?" in client.get(link()).text
    assert not sees(owner, ticket)
    page = client.post(link(), follow=True)
    assert "is confirmed" in page.text
    assert sees(owner, ticket)
    row = CustomerAddress.objects.get()
    assert row.verified_by == Proof.ACCOUNT
    entry = AuditEntry.objects.get(kind=AuditKind.ADDRESS_VERIFIED)
    assert (entry.user_id, entry.data["by"], entry.data["address"]) == (owner.pk, "account", row.pk)
    assert not AddressClaim.objects.exists()
    assert client.get(link()).status_code == 404  # once


def test_a_stranger_who_opens_the_link_is_led_to_the_login(client, owner, url):
    client.post(url, {"email": ADDRESS})
    for method in ("get", "post"):
        answer = getattr(Client(), method)(link())
        assert answer.status_code == 302
        assert reverse("account_login") in answer["Location"]
    assert not CustomerAddress.objects.exists()


def test_another_account_is_told_that_the_link_is_not_its_own(client, owner, url):
    client.post(url, {"email": ADDRESS})
    other = Client()
    other.force_login(f.UserFactory())
    for method in ("get", "post"):
        page = getattr(other, method)(link())
        assert page.status_code == 403
        assert "belongs to another account" in page.text
        assert ADDRESS not in page.text
    assert not CustomerAddress.objects.exists()


def test_a_link_holds_three_days_and_until_the_next(client, owner, url):
    client.post(url, {"email": ADDRESS})
    first = link()
    client.post(url, {"email": ADDRESS})
    assert client.get(first).status_code == 404
    assert client.get(link()).status_code == 200
    found = actions.read_claim(link().rstrip("/").rsplit("/", 1)[1])
    assert found is not None
    token = actions.claim_token(found)
    with time_machine.travel(timezone.now() + timedelta(days=3, minutes=1)):
        assert actions.read_claim(token) is None


@pytest.mark.parametrize("token", ["x", "a:b:c", "%00", "…"])
def test_any_text_may_stand_in_the_link(client, owner, token):
    url = reverse("helpdesk_customers:address_confirm", args=[token])
    assert client.get(url).status_code == 404


def test_an_address_of_another_account_is_told_from_no_other_before_it_is_proved(
    client, owner, url
):
    holder = f.UserFactory()
    actions.verify_address(user=holder, address=ADDRESS)
    ticket = mailed()
    said = client.post(url, {"email": ADDRESS}, follow=True).text
    assert "A mail is on its way" in said
    page = client.post(link())
    assert page.status_code == 409
    assert "in use already" in page.text
    assert holder.get_username() not in page.text
    assert sees(holder, ticket)
    assert not sees(owner, ticket)


def test_removing_hides_mails_from_it_and_changes_nothing_else(client, owner, url):
    ticket = mailed()
    actions.verify_address(user=owner, address=ADDRESS)
    person = actions.customer_for_user(owner)
    form = f.make_ticket(customer=person, contact=ADDRESS, channel=Channel.WEB)
    row = CustomerAddress.objects.get()
    before = (ticket.version, ticket.customer_id)
    client.post(url, {"do": "remove", "row": row.pk})
    assert not sees(owner, ticket)
    assert sees(owner, form)
    ticket.refresh_from_db()
    assert ticket.customer == person
    assert before[0] == ticket.version - 1  # only the taking over raised it


def test_the_main_address_is_the_one_we_write_to(client, owner, url):
    for address in ("a@mail.example", ADDRESS):
        actions.verify_address(user=owner, address=address)
    person = actions.customer_for_user(owner)
    assert person.main_address() == "a@mail.example"
    row = CustomerAddress.objects.get(normalised=ADDRESS)
    client.post(url, {"do": "main", "row": row.pk})
    assert Customer.objects.get(pk=person.pk).main_address() == ADDRESS
    assert "main address" in client.get(url).text
    unproved = f.CustomerAddressFactory(customer=person)
    client.post(url, {"do": "main", "row": unproved.pk})
    assert Customer.objects.get(pk=person.pk).main_address() == ADDRESS


@pytest.mark.parametrize("do", ["main", "remove", "drop"])
def test_nobody_changes_anothers_addresses(client, owner, url, do):
    other = f.UserFactory()
    actions.verify_address(user=other, address=ADDRESS)
    actor = permissions.customer(actions.customer_for_user(other))
    claim = actions.claim_address(actor=actor, address="b@mail.example")
    before = list(CustomerAddress.objects.values())
    for pk in (CustomerAddress.objects.get().pk, claim.pk, "x", ""):
        assert client.post(url, {"do": do, "row": pk}).status_code == 302
    assert list(CustomerAddress.objects.values()) == before
    assert AddressClaim.objects.filter(pk=claim.pk).exists()


def test_a_claim_can_be_given_up(client, owner, url):
    client.post(url, {"email": ADDRESS})
    assert ADDRESS in client.get(url).text
    client.post(url, {"do": "drop", "row": AddressClaim.objects.get().pk})
    assert not AddressClaim.objects.exists()
    assert client.get(link()).status_code == 404


def test_mails_are_counted(client, owner, url):
    codes = [client.post(url, {"email": f"a{n}@mail.example"}).status_code for n in range(6)]
    assert codes == [302] * 5 + [429]


def test_only_so_many_addresses(client, owner, url):
    person = actions.customer_for_user(owner)
    f.CustomerAddressFactory.create_batch(actions.MAX_ADDRESSES, customer=person)
    page = client.post(url, {"email": ADDRESS})
    assert page.status_code == 422
    assert "At most 10 addresses" in page.text


def test_the_page_is_for_people_logged_in_and_private(client, url, owner):
    answer = client.get(url)
    assert answer["Cache-Control"] == "private, no-store"
    assert Client().get(url).status_code == 302


def test_blocked_customers_change_nothing(client, owner, url):
    actions.verify_address(user=owner, address=ADDRESS)
    Customer.objects.update(is_blocked=True)
    row = CustomerAddress.objects.get()
    client.post(url, {"do": "remove", "row": row.pk})
    assert CustomerAddress.objects.filter(pk=row.pk).exists()
    assert client.post(url, {"email": "b@mail.example"}).status_code == 422


def test_a_block_goes_along_with_the_address_it_was_meant_for(owner):
    f.CustomerAddressFactory(address=ADDRESS, customer__is_blocked=True)
    person = actions.verify_address(user=owner, address=ADDRESS)
    person.refresh_from_db()
    assert person.is_blocked
