from __future__ import annotations

import pytest
from django.urls import reverse
from django.utils import timezone

from helpdesk import actions
from helpdesk.models import Queue, QueueAddress, QueueRight, Right
from tests import factories as f

from .conftest import browser

pytestmark = pytest.mark.django_db


def url(action: str, *args: object) -> str:
    return reverse(f"helpdesk_queues:{action}", args=args)


def queue(name: str = "New", rows: tuple[str, ...] = (), **data):
    found = {
        "name": name,
        "slug": "",
        "purpose": "What it is for",
        "is_active": "on",
        "addresses-TOTAL_FORMS": len(rows),
        "addresses-INITIAL_FORMS": 0,
    }
    found |= {f"addresses-{number}-address": row for number, row in enumerate(rows)}
    return {**found, **data}


def test_queue_is_made_with_addresses_and_rights(admin):
    group = f.GroupFactory()
    data = queue(rows=("new@desk.example", ""), **{f"right-{group.pk}-read": "1"})
    assert admin.post(url("add"), data).status_code == 302
    made = Queue.objects.get()
    assert (made.name, made.slug) == ("New", "new")
    assert [row.address for row in made.addresses.all()] == ["new@desk.example"]
    assert [(row.group, row.right) for row in made.rights.all()] == [(group, "read")]


@pytest.mark.parametrize("taken", ["red@desk.example", "RED@Desk.example", "red+x@desk.example"])
def test_address_in_use_is_refused_naming_its_queue(admin, red, taken):
    f.QueueAddressFactory(queue=red.queue, address="red@desk.example")
    page = admin.post(url("add"), queue(rows=(taken,)))
    assert page.status_code == 200
    assert "already leads into the queue “Red”" in page.content.decode()
    assert Queue.objects.count() == 1


@pytest.mark.parametrize("other", ["NEW@desk.example", "new+tag@desk.example"])
def test_address_twice_in_one_form_is_refused(admin, other):
    page = admin.post(url("add"), queue(rows=("new@desk.example", other)))
    assert page.status_code == 200
    assert "is the same address as" in page.content.decode()
    assert not QueueAddress.objects.exists()


@pytest.mark.parametrize(("field", "value"), [("name", "Red"), ("purpose", ""), ("name", "")])
def test_name_is_unique_and_purpose_needed(admin, red, field, value):
    page = admin.post(url("add"), queue(**{field: value}))
    assert page.status_code == 200
    assert Queue.objects.count() == 1


def test_rights_are_added_and_taken_away_in_the_table(admin, red):
    group = red.agent.groups.get()
    data = queue(
        "Red", slug="red", **{f"right-{group.pk}-{right}": "1" for right in ("read", "note")}
    )
    assert admin.post(url("edit", red.queue.pk), data).status_code == 302
    rights = QueueRight.objects.filter(queue=red.queue).values_list("right", flat=True)
    assert set(rights) == {Right.READ, Right.NOTE}


def test_addresses_are_changed_and_removed(admin, red):
    row = f.QueueAddressFactory(queue=red.queue, address="red@desk.example")
    data = queue(
        "Red",
        rows=("red@desk.example",),
        slug="red",
        **{"addresses-INITIAL_FORMS": 1, "addresses-0-id": row.pk, "addresses-0-DELETE": "on"},
    )
    assert admin.post(url("edit", red.queue.pk), data).status_code == 302
    assert not QueueAddress.objects.exists()


def test_refused_queue_keeps_ticks_and_rows(admin):
    group = f.GroupFactory()
    data = queue(purpose="", rows=("new@desk.example",), **{f"right-{group.pk}-own": "1"})
    page = admin.post(url("add"), data).content.decode()
    assert f'name="right-{group.pk}-own" value="1" checked' in page
    assert "new@desk.example" in page


def test_manager_changes_own_queues_and_makes_some_below_them(red, blue):
    page = red.client.get(url("index")).content.decode()
    assert "Red" in page
    assert "Blue" not in page
    assert red.client.get(url("edit", blue.queue.pk)).status_code == 404
    assert red.client.post(url("add"), queue()).status_code == 200
    assert red.client.post(url("add"), queue(parent=blue.queue.pk)).status_code == 200
    assert not Queue.objects.filter(name="New").exists()
    assert red.client.post(url("add"), queue(parent=red.queue.pk)).status_code == 302
    assert Queue.objects.get(name="New").parent == red.queue


def test_manager_of_a_sub_queue_cannot_move_it(red):
    parent = f.QueueFactory()
    Queue.objects.filter(pk=red.queue.pk).update(parent=parent)
    data = queue("Red", slug="red", parent="")
    group = red.agent.groups.get()
    data |= {f"right-{group.pk}-manage": "1"}
    assert red.client.post(url("edit", red.queue.pk), data).status_code == 302
    red.queue.refresh_from_db()
    assert red.queue.parent == parent


def test_queue_cannot_lie_below_itself(admin, red):
    below = f.QueueFactory(parent=red.queue)
    page = admin.post(url("edit", red.queue.pk), queue("Red", slug="red", parent=below.pk))
    assert page.status_code == 200
    red.queue.refresh_from_db()
    assert red.queue.parent is None


def test_queue_in_use_is_not_deleted(admin, red):
    admin.post(url("delete", red.queue.pk))
    assert Queue.objects.filter(pk=red.queue.pk).exists()
    empty = f.QueueFactory()
    assert admin.post(url("delete", empty.pk)).status_code == 302
    assert not Queue.objects.filter(pk=empty.pk).exists()


def test_agent_without_manage_is_sent_away(red):
    agent = browser(f.make_agent(red.queue, rights=[Right.READ]))
    assert agent.get(url("index")).status_code == 302
    assert agent.get(url("add")).status_code == 302


@pytest.mark.parametrize(
    "name", ["calendars", "promises", "overrides", "states", "priorities", "types"]
)
def test_lists_of_choices_are_for_superusers(admin, red, name):
    assert admin.get(reverse(f"helpdesk_{name}:index")).status_code == 200
    assert admin.get(reverse(f"helpdesk_{name}:add")).status_code == 200
    assert red.client.get(reverse(f"helpdesk_{name}:index")).status_code == 302
    assert red.client.get(reverse(f"helpdesk_{name}:add")).status_code == 302


def test_customer_is_mended_by_agents_who_see_a_ticket(red, blue):
    mine, foreign = red.ticket.customer, blue.ticket.customer
    edit = reverse("helpdesk_people:edit", args=[mine.pk])
    assert mine.main_address() in red.client.get(edit).content.decode()
    data = {"name": "Mended", "language": "en", "phone": "1", "known_addresses": "x@evil.example"}
    assert red.client.post(edit, data).status_code == 302
    mine.refresh_from_db()
    assert (mine.name, mine.phone) == ("Mended", "1")
    assert not mine.addresses.filter(address="x@evil.example").exists()
    edit = reverse("helpdesk_people:edit", args=[foreign.pk])
    assert red.client.get(edit).status_code == 404
    page = red.client.get(reverse("helpdesk_people:index")).content.decode()
    assert foreign.name not in page.replace(mine.name, "")


PERSONS = {
    "an account": lambda: f.UserFactory(email="Pool@mail.example"),
    "a customer who proved it": lambda: f.CustomerAddressFactory(
        address="pool@mail.example", verified_at=timezone.now()
    ),
    "a customer with an account": lambda: f.CustomerAddressFactory(
        address="pool@mail.example", customer__user=f.UserFactory(email="other@mail.example")
    ),
    "one who proved another address": lambda: f.CustomerAddressFactory(
        address="second@mail.example",
        verified_at=timezone.now(),
        customer=f.CustomerAddressFactory(address="pool@mail.example").customer,
    ),
}


@pytest.mark.parametrize("make", PERSONS.values(), ids=PERSONS.keys())
def test_the_address_of_a_person_is_refused_here_and_in_an_order(admin, make):
    make()
    page = admin.post(url("add"), queue(rows=("pool@mail.example",)))
    assert "This address belongs to a person." in page.content.decode()
    assert not Queue.objects.exists()
    assert actions.taken_by("pool@mail.example") == "person"


def test_a_mailbox_that_only_ever_wrote_can_be_a_queues(admin):
    f.CustomerAddressFactory(address="pool@mail.example")
    assert actions.taken_by("pool@mail.example") is None
    assert admin.post(url("add"), queue(rows=("pool@mail.example",))).status_code == 302
    assert Queue.objects.get().addresses.get().address == "pool@mail.example"
