from __future__ import annotations

import pytest
from django.urls import reverse

from helpdesk.models import Right, SenderBlock
from tests import factories as f

from .conftest import browser
from .test_tickets_list import queries

pytestmark = pytest.mark.django_db

INDEX = "helpdesk_blocks:index"


def test_manager_adds_changes_and_removes_blocks(red):
    add = reverse("helpdesk_blocks:add")
    answer = red.client.post(add, {"pattern": "@Evil.example", "reason": "adverts"})
    assert answer.status_code == 302
    row = SenderBlock.objects.get()
    assert (row.pattern, row.reason, row.created_by) == ("@evil.example", "adverts", red.agent)
    SenderBlock.objects.update(hits=4711)
    page = red.client.get(reverse(INDEX)).content.decode()
    for word in ("@evil.example", "adverts", "4711", str(red.agent)):
        assert word in page
    edit = reverse("helpdesk_blocks:edit", args=[row.pk])
    other = f.make_agent(f.QueueFactory())
    browser(other).post(edit, {"pattern": "@evil.example", "reason": "many adverts"})
    row.refresh_from_db()
    assert (row.reason, row.created_by, row.hits) == ("many adverts", red.agent, 4711)
    assert red.client.post(reverse("helpdesk_blocks:delete", args=[row.pk])).status_code == 302
    assert not SenderBlock.objects.exists()


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("it@desk.example", "our own"),
        ("@desk.example", "our own"),
        ("red@staff.example", "our own or an agent"),
        ("nonsense", "Write an address"),
        ("@old.example", "already exists"),
        ("@OLD.example", "already exists"),
    ],
)
def test_what_cannot_be_blocked_is_refused_with_the_reason(red, pattern, why):
    f.QueueAddressFactory(address="it@desk.example")
    SenderBlock.objects.create(pattern="@old.example")
    answer = red.client.post(reverse("helpdesk_blocks:add"), {"pattern": pattern})
    assert answer.status_code == 200
    assert why in answer.content.decode()
    assert SenderBlock.objects.count() == 1


@pytest.mark.parametrize("rights", [[], sorted(set(Right) - {Right.MANAGE})])
def test_it_is_for_managers(red, rights):
    row = SenderBlock.objects.create(pattern="@evil.example")
    client = browser(f.make_agent(red.queue, rights=rights))
    urls = [reverse(INDEX), reverse("helpdesk_blocks:add")]
    urls += [reverse(f"helpdesk_blocks:{name}", args=[row.pk]) for name in ("edit", "delete")]
    for url in urls:
        for answer in (client.get(url), client.post(url, {"pattern": "@x.example"})):
            assert answer.status_code in (302, 404), url
            assert "evil.example" not in answer.content.decode()
    assert list(SenderBlock.objects.all()) == [row]
    assert reverse(INDEX) not in client.get(reverse("wagtailadmin_home")).content.decode()
    assert reverse(INDEX) in red.client.get(reverse("wagtailadmin_home")).content.decode()


def test_list_needs_as_many_queries_for_40_rows(red):
    people = [red.agent, f.UserFactory(), None]
    SenderBlock.objects.bulk_create(
        SenderBlock(pattern=f"@{n}.example", created_by=people[n % 3]) for n in range(2)
    )
    queries(red.client, reverse(INDEX))
    few = queries(red.client, reverse(INDEX))
    SenderBlock.objects.bulk_create(
        SenderBlock(pattern=f"@{n}.example", created_by=people[n % 3]) for n in range(2, 40)
    )
    assert len(queries(red.client, reverse(INDEX))) == len(few)


def test_a_customer_with_an_agents_address_is_not_blocked(red):
    customer = red.ticket.customer
    url = reverse("helpdesk_people:edit", args=[customer.pk])
    data = {"name": "Ada", "language": "en", "is_blocked": "on"}
    row = customer.addresses.get()
    row.address = red.agent.email.upper()
    row.save()
    answer = red.client.post(url, data)
    assert "cannot be blocked" in answer.content.decode()
    row.address = "ada@mail.example"
    row.save()
    assert red.client.post(url, data).status_code == 302
    customer.refresh_from_db()
    assert customer.is_blocked
