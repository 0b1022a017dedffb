"""Who signs up proves the address with a code, in the browser that asked: nobody is given the requests of others."""

from __future__ import annotations

import re

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from helpdesk import permissions
from helpdesk.actions import customer_for_user
from helpdesk.models import Channel
from portal.models import User
from tests import factories as f

pytestmark = pytest.mark.django_db

SIGN_UP = {
    "email": "anna@mail.example",
    "password1": "a long pass phrase",
    "password2": "a long pass phrase",
}


@pytest.fixture(autouse=True)
def _counted_anew():
    cache.clear()
    yield
    cache.clear()


def requests_of(user: User) -> list[str]:
    actor = permissions.customer(customer_for_user(user))
    return list(permissions.visible_tickets(actor).values_list("number", flat=True))


@pytest.fixture
def ticket():
    address = f.CustomerAddressFactory(address="anna@mail.example")
    return f.make_ticket(
        customer=address.customer, contact="anna@mail.example", channel=Channel.EMAIL
    )


def test_the_mail_holds_a_code_and_no_link_that_another_hand_could_open(ticket, mailoutbox):
    assert Client().post("/accounts/signup/", SIGN_UP).status_code == 302
    assert "confirm-email" not in mailoutbox[0].body
    assert requests_of(User.objects.get(email="anna@mail.example")) == []


def test_the_code_brings_the_requests_in_the_browser_that_asked(ticket, mailoutbox):
    client = Client()
    page = client.post("/accounts/signup/", SIGN_UP, follow=True)
    code = re.search(r"^\s*([A-Z0-9-]{6,9})\s*$", mailoutbox[0].body, re.MULTILINE)
    assert code is not None, mailoutbox[0].body
    url = page.request["PATH_INFO"]
    assert Client().post(url, {"code": code[1]}, follow=True).status_code == 200
    user = User.objects.get(email="anna@mail.example")
    assert requests_of(user) == []
    assert "site-header" in page.text
    client.post(url, {"code": code[1]})
    assert requests_of(user) == [ticket.number]
    assert client.get(reverse("helpdesk_customers:list")).status_code == 200


def test_wagtails_own_log_in_leads_to_the_sites(client):
    answer = client.get("/_util/login/?next=/admin/users/")
    assert answer["Location"] == "/accounts/login/?next=%2Fadmin%2Fusers%2F"
    assert client.get("/_util/login/?next=//evil.example/")["Location"].endswith("next=%2F")
    f.UserFactory(username="root", is_superuser=True)
    answer = client.post("/_util/login/", {"username": "root", "password": "secret"})
    assert answer["Location"].startswith("/accounts/login/")
    assert "_auth_user_id" not in client.session


def test_tags_of_tickets_are_not_completed_for_everybody(admin_client):
    assert admin_client.get("/admin/tag-autocomplete/helpdesk/tickettag/?term=T").status_code == 404
