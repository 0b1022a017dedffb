"""*Download my data*: who gets what, through which door."""

from __future__ import annotations

import io
import zipfile
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

from helpdesk import actions, permissions
from helpdesk.customers import access, codes
from helpdesk.models import DataExport
from helpdesk.privacy import export
from tests import factories as f

pytestmark = pytest.mark.django_db


@pytest.fixture
def mine() -> Any:
    """Somebody logged in, with a request."""
    user = f.UserFactory(username="swift")
    customer = actions.customer_for_user(user)
    ticket = f.make_ticket(customer=customer, contact="")
    client = Client()
    client.force_login(user)
    return client, customer, ticket


def ready(customer: Any) -> DataExport:
    row = export.ask_own(actor=permissions.customer(customer))
    export.make.call(row.pk)
    row.refresh_from_db()
    assert row.state == "ready"
    return row


def path(name: str, **kwargs: Any) -> str:

    with translation.override("en"):
        return reverse(f"helpdesk_customers:{name}", kwargs=kwargs)


def test_asked_waited_for_and_fetched_on_one_page(mine):
    client, customer, ticket = mine
    page = client.get(path("list")).text
    assert path("data") in page
    assert "Put my data together" in client.get(path("data")).text
    assert client.post(path("data")).status_code == 302
    row = DataExport.objects.get()
    DataExport.objects.filter(pk=row.pk).update(state="waiting", blob=None)
    waiting = client.get(path("data")).text
    assert "being made" in waiting
    assert "<button" not in waiting.partition("being made")[2].partition("</main>")[0]
    client.post(path("data"))
    assert DataExport.objects.count() == 1
    export.make.call(row.pk)
    page = client.get(path("data")).text
    assert path("data_fetch", pk=row.pk) in page
    got = client.get(path("data_fetch", pk=row.pk))
    assert got["X-Content-Type-Options"] == "nosniff"
    assert got["Content-Disposition"].startswith("attachment")
    assert "no-store" in got["Cache-Control"]
    zipped = zipfile.ZipFile(io.BytesIO(b"".join(got.streaming_content)))
    assert ticket.number in zipped.read("index.html").decode()


def test_nobody_fetches_anothers(mine, client):
    _client, customer, _ticket = mine
    row = ready(customer)
    other = f.UserFactory()
    client.force_login(other)
    assert client.get(path("data_fetch", pk=row.pk)).status_code == 404
    assert client.get(path("data_fetch", pk=row.pk + 1)).status_code == 404
    client.logout()
    assert client.get(path("data_fetch", pk=row.pk)).status_code == 302
    boss = f.UserFactory(is_superuser=True)
    client.force_login(boss)
    assert client.get(path("data_fetch", pk=row.pk)).status_code == 404


def test_what_an_agent_had_made_is_not_the_customers(mine):
    client, customer, _ticket = mine
    row = ready(customer)
    DataExport.objects.filter(pk=row.pk).update(is_complete=True)
    assert client.get(path("data_fetch", pk=row.pk)).status_code == 404


def test_what_is_over_is_gone(mine):
    client, customer, _ticket = mine
    row = ready(customer)
    DataExport.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert client.get(path("data_fetch", pk=row.pk)).status_code == 404
    assert path("data_fetch", pk=row.pk) not in client.get(path("data")).text


def test_guests(mine, client):
    address = "guest@mail.example"
    customer = f.CustomerAddressFactory(address=address).customer
    ticket = f.make_ticket(customer=customer, contact=address)
    session = client.session
    now = timezone.now().timestamp()
    session[codes.GUEST] = {"address": address, "since": now, "seen": now}
    session.save()
    assert address in client.get(path("data")).text
    client.post(path("data"))
    row = DataExport.objects.get()
    export.make.call(row.pk)
    got = client.get(path("data_fetch", pk=row.pk))
    zipped = zipfile.ZipFile(io.BytesIO(b"".join(got.streaming_content)))
    assert ticket.number in zipped.read("data.json").decode()
    session = client.session
    session[codes.GUEST] = {"address": "x@mail.example", "since": now, "seen": now}
    session.save()
    assert client.get(path("data_fetch", pk=row.pk)).status_code == 404


def test_strangers_log_in_first(client):
    got = client.get(path("data"))
    assert got.status_code == 302
    assert "login" in got["Location"]


def test_not_too_often(mine, settings):
    settings.HELPDESK = {**settings.HELPDESK, "EXPORTS_PER_PERSON": 1}
    client, customer, _ticket = mine
    for status in (302, 429):
        assert client.post(path("data")).status_code == status
        DataExport.objects.update(state="failed")


@pytest.mark.parametrize("by_link", [False, True])
def test_one_request_at_once(mine, by_link):
    client, customer, ticket = mine
    f.make_ticket(customer=customer)
    url = path("download", number=ticket.number)
    if by_link:
        client = Client()
        url = path("status_download", token=access.status_token(ticket))
    got = client.get(url)
    assert got.status_code == 200
    zipped = zipfile.ZipFile(io.BytesIO(b"".join(got.streaming_content)))
    assert ticket.number in zipped.read("data.json").decode()
    assert ticket.number in got["Content-Disposition"]


def test_another_customers_request_is_not_there(mine):
    client, _customer, _ticket = mine
    other = f.make_ticket()
    assert client.get(path("download", number=other.number)).status_code == 404
    assert client.get(path("status_download", token="x")).status_code == 404
