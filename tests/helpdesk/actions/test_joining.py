"""Two customers become one; people of the directory become customers."""

from __future__ import annotations

import threading

import pytest
from django.db import connection, transaction
from django.utils import timezone

from helpdesk import actions, permissions, search
from helpdesk.errors import InvalidInput, NotPermitted, WrongState
from helpdesk.models import (
    AuditEntry,
    AuditKind,
    Channel,
    Customer,
    CustomerAddress,
    EventKind,
    Organisation,
    Proof,
    Right,
    Ticket,
)
from helpdesk.permissions import SYSTEM
from helpdesk.persons import Person
from tests import factories as f

pytestmark = pytest.mark.django_db

OLD, NEW = "old@mail.example", "new@mail.example"


def person(address: str, **options) -> Customer:
    verified = options.pop("verified", True)
    customer = f.CustomerFactory(**options)
    row = f.CustomerAddressFactory(customer=customer, address=address)
    if verified:
        row.verified_at, row.verified_by = timezone.now(), Proof.CODE
        row.save()
    return customer


@pytest.fixture
def queue():
    return f.QueueFactory()


@pytest.fixture
def source(queue):
    customer = person(OLD, name="", phone="123")
    f.make_ticket(queue, customer=customer, contact=OLD, channel=Channel.EMAIL, subject="By mail")
    f.make_ticket(queue, customer=customer, contact=OLD, subject="By form")
    return customer


@pytest.fixture
def target(queue):
    customer = person(NEW, name="Ina")
    f.make_ticket(queue, customer=customer, contact=NEW, subject="Of the target")
    return customer


@pytest.fixture
def manager(queue):
    return permissions.agent(f.make_agent(queue, rights=[Right.MANAGE]))


def merged(source: Customer, target: Customer, actor: permissions.Actor = SYSTEM) -> Customer:
    return actions.merge_customers(actor=actor, source=source, target=target)


def test_everything_becomes_the_targets(source, target, manager):
    firm = Organisation.objects.create(name="Firm")
    Customer.objects.filter(pk=source.pk).update(organisation=firm, login_name="ina01")
    kept = merged(source, target, manager)
    assert kept.tickets.count() == 3
    assert {row.normalised for row in kept.addresses.all()} == {OLD, NEW}
    assert (kept.name, kept.phone, kept.organisation, kept.login_name) == (
        "Ina",
        "123",
        firm,
        "ina01",
    )
    source.refresh_from_db()
    assert (source.merged_into, source.login_name, source.phone) == (target, None, "")
    for ticket in Ticket.objects.filter(subject__startswith="By"):
        event = ticket.events.get(kind=EventKind.CUSTOMER_CHANGED)
        assert event.data == {"from": source.pk, "to": target.pk, "by": "merge"}
        assert ticket.articles.get().customer == target
    entry = AuditEntry.objects.get(kind=AuditKind.CUSTOMERS_MERGED)
    assert entry.user_id == manager.user.pk
    assert entry.data == {"source": source.pk, "target": target.pk, "tickets": 2}
    assert actions.find_customer(OLD) == target
    assert actions.customer_for_address(OLD) == target
    found = search.find_tickets(SYSTEM, "Ina")
    assert found.count() == 3


def test_proved_addresses_stay_proved_without_an_account(source, target):
    merged(source, target)
    assert CustomerAddress.objects.get(normalised=OLD).verified_at is not None


def test_an_account_confirms_anew_what_somebody_proved(source, target):
    user = f.UserFactory()
    Customer.objects.filter(pk=target.pk).update(user=user)
    target.refresh_from_db()
    merged(source, target)
    row = CustomerAddress.objects.get(normalised=OLD)
    assert (row.customer, row.verified_at, row.verified_by) == (target, None, "")
    seen = permissions.visible_tickets(permissions.customer(actions.customer_for_user(user)))
    assert {one.subject for one in seen} == {"By form", "Of the target"}
    actions.verify_address(user=user, address=OLD)
    assert seen.all().filter(subject="By mail").exists()


def test_the_main_address_of_the_target_stays(source, target):
    CustomerAddress.objects.update(is_main=True)
    assert merged(source, target).main_address() == NEW
    assert CustomerAddress.objects.filter(is_main=True).count() == 1


def test_a_block_goes_along(source, target):
    Customer.objects.filter(pk=source.pk).update(is_blocked=True)
    assert merged(source, target).is_blocked


def test_a_row_of_customers_leads_to_the_last(source, target, queue):
    merged(source, target)
    last = person("last@mail.example")
    target.refresh_from_db()
    merged(target, last)
    source.refresh_from_db()
    assert source.merged_into == last


@pytest.mark.parametrize("case", ["same", "twice", "two accounts", "account goes", "two log-ins"])
def test_what_cannot_become_one(source, target, case):
    if case == "same":
        with pytest.raises(InvalidInput):
            merged(source, source)
        return
    if case == "twice":
        merged(source, target)
    if case in ("two accounts", "account goes"):
        Customer.objects.filter(pk=source.pk).update(user=f.UserFactory())
    if case == "two accounts":
        Customer.objects.filter(pk=target.pk).update(user=f.UserFactory())
    if case == "two log-ins":
        Customer.objects.filter(pk=source.pk).update(login_name="a")
        Customer.objects.filter(pk=target.pk).update(login_name="b")
    with pytest.raises(WrongState):
        merged(source, target)


def test_it_takes_every_queue_in_which_the_two_have_tickets(source, target, queue):
    other = f.QueueFactory()
    f.make_ticket(other, customer=target, contact=NEW)
    manages = {"rights": [Right.MANAGE]}
    all_but = sorted(set(Right) - {Right.MANAGE})
    refused = (
        f.make_agent(queue, **manages),
        f.make_agent(queue, other, rights=all_but),
        f.UserFactory(),
        f.make_agent(queue, other, is_active=False),
    )
    for user in refused:
        with pytest.raises(NotPermitted):
            merged(source, target, permissions.agent(user))
    for actor in (permissions.customer(target), permissions.customer(source)):
        with pytest.raises(NotPermitted):
            merged(source, target, actor)
    merged(source, target, permissions.agent(f.make_agent(queue, other, **manages)))


def test_one_without_tickets_is_for_superusers(source, manager):
    alone = person("alone@mail.example")
    with pytest.raises(NotPermitted):
        merged(alone, source, manager)
    merged(alone, source, permissions.agent(f.UserFactory(is_superuser=True)))


def test_what_is_filed_for_the_one_who_went_follows(source, target, queue):
    merged(source, target)
    late = f.make_ticket(queue, customer=source, contact=OLD)
    assert actions.follow_merged() == 2  # the ticket and its message
    late.refresh_from_db()
    assert late.customer == target
    assert late.articles.get().customer == target
    assert actions.follow_merged() == 0


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "postgresql", reason="row locks: PostgreSQL")
def test_a_mail_that_is_being_filed_while_its_sender_is_merged_follows(source, target, queue):
    def merge() -> None:
        merged(source, target)
        connection.close()

    other = threading.Thread(target=merge)
    with transaction.atomic():
        found = actions.customer_for_address(OLD)
        ticket = f.make_ticket(queue, customer=found, contact=OLD)
        other.start()
        other.join(20)
        assert not other.is_alive()
    ticket.refresh_from_db()
    assert ticket.customer == source
    assert actions.follow_merged()
    ticket.refresh_from_db()
    assert ticket.customer == target
    assert actions.customer_for_address(OLD) == target


# --- people of the directory ---------------------------------------------------------------------

INA = Person("ina01", "Ina Rother", (OLD, NEW), "0331 1")


@pytest.fixture
def agent(queue):
    return permissions.agent(f.make_agent(queue, rights=[Right.CREATE]))


def picked(agent: permissions.Actor, who: Person = INA) -> Customer:
    return actions.customer_for_person(actor=agent, person=who)


def proofs() -> dict[str, str]:
    return dict(CustomerAddress.objects.values_list("normalised", "verified_by"))


def test_somebody_new_is_made_with_proved_addresses(agent):
    made = picked(agent)
    assert (made.login_name, made.name, made.phone) == ("ina01", "Ina Rother", "0331 1")
    assert proofs() == {OLD: Proof.DIRECTORY, NEW: Proof.DIRECTORY}
    assert made.main_address() == OLD
    assert AuditEntry.objects.filter(user_id=agent.user.pk).count() == 2
    everything = AuditEntry.objects.count()
    assert picked(agent) == made
    assert AuditEntry.objects.count() == everything


def test_who_wrote_from_an_address_is_that_person(agent, queue):
    known = person(NEW, verified=False, name="")
    ticket = f.make_ticket(queue, customer=known, contact=NEW)
    made = picked(agent)
    assert made == known
    assert (made.login_name, made.name) == ("ina01", "Ina Rother")
    assert ticket.customer == known


def test_who_has_other_addresses_too_gives_up_only_this_one(agent, queue):
    known = person(NEW, verified=False)
    f.CustomerAddressFactory(customer=known)
    theirs = f.make_ticket(queue, customer=known, contact=NEW)
    other = f.make_ticket(queue, customer=known, contact="elsewhere@mail.example")
    made = picked(agent)
    assert made != known
    theirs.refresh_from_db()
    other.refresh_from_db()
    assert (theirs.customer, other.customer) == (made, known)


def test_an_account_that_only_chose_the_log_in_name_gets_nothing(agent):
    impostor = actions.customer_for_user(f.UserFactory(username="ina01"))
    made = picked(agent)
    assert made != impostor
    assert (made.login_name, made.user) == (None, None)
    assert set(proofs()) == {OLD, NEW}
    assert not impostor.addresses.exists()


def test_an_account_that_proved_an_address_is_the_person(agent):
    owner = actions.verify_address(user=f.UserFactory(), address=OLD)
    made = picked(agent)
    assert made == owner
    assert proofs() == {OLD: Proof.ACCOUNT, NEW: Proof.DIRECTORY}


def test_agents_without_create_pick_nobody(queue):
    reader = permissions.agent(f.make_agent(queue, rights=[Right.READ]))
    with pytest.raises(NotPermitted):
        picked(reader)
    assert not Customer.objects.filter(login_name="ina01").exists()
