from __future__ import annotations

import pytest
from django.utils import timezone

from helpdesk import actions, permissions
from helpdesk.errors import AddressTaken, InvalidInput
from helpdesk.models import Channel, Customer, CustomerAddress, EventKind, Proof
from tests import factories as f

pytestmark = pytest.mark.django_db

ADDRESS = "ina@mail.example"


def mailed(customer, contact=ADDRESS, channel=Channel.EMAIL):
    return f.make_ticket(customer=customer, contact=contact, channel=channel)


def seen_by(user):
    return set(permissions.visible_tickets(permissions.customer(actions.customer_for_user(user))))


# --- by address ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "spelling", ["ina@mail.example", "INA@Mail.Example", " <ina@mail.example> "]
)
def test_one_address_is_one_customer_in_any_spelling(spelling):
    first = actions.customer_for_address(ADDRESS, name="Ina", language="en")
    again = actions.customer_for_address(spelling, name="Somebody else", language="de")
    assert again == first == actions.find_customer(spelling)
    assert (again.name, again.language) == ("Ina", "en")
    assert first.addresses.get().verified_at is None


def test_a_plus_part_is_somebody_else():
    first = actions.customer_for_address(ADDRESS)
    assert actions.customer_for_address("ina+list@mail.example") != first


@pytest.mark.parametrize("text", ["", "nobody", "a b@c.example", "@", "x" * 255 + "@mail.example"])
def test_no_address_makes_no_customer(text):
    assert actions.find_customer(text) is None
    with pytest.raises(InvalidInput) as refusal:
        actions.customer_for_address(text)
    assert refusal.value.field == "email"
    assert not Customer.objects.exists()


def test_long_names_and_addresses_fit():
    address = "i\u0308" * 120 + "@mail.example"
    customer = actions.customer_for_address(address, name="N" * 300)
    assert len(customer.name) == 200
    assert actions.customer_for_address(address) == customer


# --- by account ----------------------------------------------------------------------------------


def test_an_account_has_one_customer():
    user = f.UserFactory(username="ina", language="en")
    customer = actions.customer_for_user(user)
    assert (customer.login_name, customer.user, customer.language) == ("ina", user, "en")
    assert customer.name == user.get_full_name()
    assert actions.customer_for_user(user) == customer


def test_a_customer_known_by_log_in_name_only_is_joined():
    known = f.CustomerFactory(login_name="ina", name="Ina Rother")
    assert actions.customer_for_user(f.UserFactory(username="ina")) == known
    known.refresh_from_db()
    assert known.name == "Ina Rother"


@pytest.mark.parametrize("has", ["ticket", "address"])
def test_a_chosen_user_name_takes_over_nobodys_requests(has):
    former = f.CustomerFactory(login_name="ina")
    make = {
        "ticket": lambda: f.make_ticket(customer=former),
        "address": lambda: f.CustomerAddressFactory(customer=former),
    }
    make[has]()
    user = f.UserFactory(username="ina")
    assert actions.customer_for_user(user) != former
    assert not seen_by(user)


@pytest.mark.parametrize("has", ["ticket", "address"])
def test_a_name_that_the_organisation_proved_takes_over_what_is_kept_under_it(has):
    known = f.CustomerFactory(login_name="ina")
    f.make_ticket(customer=known) if has == "ticket" else f.CustomerAddressFactory(customer=known)
    assert actions.customer_for_user(f.UserFactory(username="ina"), proven=True) == known


def test_not_even_a_proven_name_takes_over_another_accounts_customer():
    known = f.CustomerFactory(login_name="ina", user=f.UserFactory(username="former"))
    assert actions.customer_for_user(f.UserFactory(username="ina"), proven=True) != known


def test_the_requests_of_a_deleted_account_go_to_no_new_one_of_its_name():
    old = f.UserFactory(username="ina")
    f.make_ticket(customer=actions.customer_for_user(old))
    old.delete()
    assert not seen_by(f.UserFactory(username="ina"))


# --- verification --------------------------------------------------------------------------------


def test_a_proved_address_takes_over_the_requests_from_it_and_no_others():
    person = actions.customer_for_address(ADDRESS)
    mine = mailed(person)
    other = mailed(person, contact="ina@home.example")
    user = f.UserFactory()
    customer = actions.verify_address(user=user, address="Ina@Mail.Example")
    assert seen_by(user) == {mine}
    row = CustomerAddress.objects.get()
    assert (row.customer, row.verified_at is not None) == (customer, True)
    mine.refresh_from_db()
    other.refresh_from_db()
    assert (mine.customer, other.customer) == (customer, person)
    event = mine.events.get(kind=EventKind.CUSTOMER_CHANGED)
    assert event.data == {"from": person.pk, "to": customer.pk, "by": "verified"}
    assert not other.events.filter(kind=EventKind.CUSTOMER_CHANGED).exists()


def test_an_unknown_address_is_noted_and_later_mails_are_seen():
    user = f.UserFactory()
    customer = actions.verify_address(user=user, address=ADDRESS)
    ticket = mailed(actions.customer_for_address(ADDRESS))
    assert ticket.customer == customer
    assert seen_by(user) == {ticket}


@pytest.mark.parametrize("known", [True, False])
def test_how_an_address_was_proved_is_kept(known):
    if known:
        actions.customer_for_address(ADDRESS)
    user = f.UserFactory()
    actions.verify_address(user=user, address=ADDRESS, by=Proof.DIRECTORY)
    actions.verify_address(user=user, address=ADDRESS)
    assert CustomerAddress.objects.get().verified_by == Proof.DIRECTORY


def test_verifying_twice_changes_nothing():
    user = f.UserFactory()
    actions.verify_address(user=user, address=ADDRESS)
    first = CustomerAddress.objects.get().verified_at
    actions.verify_address(user=user, address=ADDRESS)
    assert CustomerAddress.objects.get().verified_at == first


def test_an_address_another_account_proved_stays_that_accounts():
    first, second = f.UserFactory(), f.UserFactory()
    holder = actions.verify_address(user=first, address=ADDRESS)
    ticket = mailed(holder)
    with pytest.raises(AddressTaken):
        actions.verify_address(user=second, address=ADDRESS)
    assert seen_by(first) == {ticket}
    assert not seen_by(second)


def test_from_an_account_that_only_claimed_it_mails_are_taken_over_but_no_forms():
    claimer, owner = f.UserFactory(), f.UserFactory()
    person = actions.customer_for_user(claimer)
    f.CustomerAddressFactory(customer=person, address=ADDRESS)
    form, mail = mailed(person, channel=Channel.WEB), mailed(person)
    assert seen_by(claimer) == {form}
    actions.verify_address(user=owner, address=ADDRESS)
    assert seen_by(claimer) == {form}
    assert seen_by(owner) == {mail}


def test_what_a_former_holder_proved_is_proved_anew():
    before = f.CustomerAddressFactory(address=ADDRESS, verified=True)
    then = timezone.now()
    actions.verify_address(user=f.UserFactory(), address=ADDRESS)
    before.refresh_from_db()
    assert before.verified_at >= then


@pytest.mark.parametrize("text", ["nobody", "@"])
def test_no_address_cannot_be_verified(text):
    with pytest.raises(InvalidInput):
        actions.verify_address(user=f.UserFactory(), address=text)
