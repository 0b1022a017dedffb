from __future__ import annotations

import pytest
from allauth.account.models import EmailAddress
from allauth.account.signals import email_confirmed
from django.urls import reverse

from helpdesk.models import Channel, CustomerAddress
from tests import factories as f

pytestmark = pytest.mark.django_db


def confirm(user, address: str) -> None:
    row = EmailAddress.objects.create(user=user, email=address, verified=True)
    email_confirmed.send(sender=EmailAddress, request=None, email_address=row)


def test_confirmed_address_brings_the_requests_that_came_from_it(client):
    address = f.CustomerAddressFactory(address="Ada@mail.example")
    ticket = f.make_ticket(
        customer=address.customer, contact="ada@mail.example", channel=Channel.EMAIL
    )
    user = f.UserFactory()
    client.force_login(user)
    url = reverse("helpdesk_customers:detail", args=[ticket.number])
    assert client.get(url).status_code == 404
    confirm(user, "ada@mail.example")
    assert client.get(url).status_code == 200


def test_address_that_the_help_desk_cannot_read_changes_nothing():
    confirm(f.UserFactory(), "no address")
    assert not CustomerAddress.objects.exists()


@pytest.mark.parametrize(
    ("make", "start"),
    [(f.UserFactory, "helpdesk_customers:list"), (f.make_agent, "wagtailadmin_home")],
)
def test_login_leads_customers_to_their_requests_and_agents_to_the_admin(client, make, start):
    user = make(username="ada")
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    data = {"login": "ada", "password": "secret"}
    assert client.post(reverse("account_login"), data).url == reverse(start)


@pytest.mark.parametrize(("signed_up", "let_in"), [(False, True), (True, False)])
def test_only_who_signed_up_alone_has_to_confirm_the_address(client, signed_up, let_in):
    user = f.UserFactory(email="new@staff.example", password="secret")
    EmailAddress.objects.bulk_create(
        [EmailAddress(user=user, email=user.email, primary=True)] * signed_up
    )
    client.post("/accounts/login/", {"login": user.username, "password": "secret"})
    assert ("_auth_user_id" in client.session) is let_in


def test_address_that_another_account_confirmed_is_not_vouched_for(client):
    EmailAddress.objects.create(
        user=f.UserFactory(), email="new@staff.example", primary=True, verified=True
    )
    user = f.UserFactory(email="new@staff.example", password="secret")
    client.post("/accounts/login/", {"login": user.username, "password": "secret"})
    assert "_auth_user_id" not in client.session
