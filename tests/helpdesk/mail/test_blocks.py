from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError

from helpdesk.mail import blocks
from helpdesk.models import Customer, SenderBlock
from tests import factories as f

pytestmark = pytest.mark.django_db


def block(pattern: str) -> SenderBlock:
    row = SenderBlock(pattern=pattern)
    row.full_clean()
    row.save()
    return row


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("Eve@Evil.Example", "eve@evil.example"),
        (" <eve@evil.example> ", "eve@evil.example"),
        ("@Evil.Example", "@evil.example"),
        ("@bücher.example", "@xn--bcher-kva.example"),
    ],
)
def test_pattern_is_kept_in_the_form_in_which_it_is_looked_up(typed, stored):
    assert block(typed).pattern == stored


@pytest.mark.parametrize("typed", ["", "eve", "evil.example", "@", "@com", "@a b.example", "a@b@"])
def test_what_is_neither_address_nor_domain_is_refused(typed):
    with pytest.raises(ValidationError) as refused:
        block(typed)
    assert "pattern" in refused.value.message_dict


@pytest.mark.parametrize(
    ("pattern", "address", "is_blocked"),
    [
        ("eve@evil.example", "Eve@EVIL.example", True),
        ("eve@evil.example", "eve+x@evil.example", False),
        ("eve@evil.example", "adam@evil.example", False),
        ("eve@evil.example", "eve@mail.evil.example", False),
        ("@evil.example", "anybody@evil.example", True),
        ("@evil.example", "anybody@mail.evil.example", True),
        ("@evil.example", "anybody@a.b.evil.example", True),
        ("@evil.example", "anybody@notevil.example", False),
        ("@mail.evil.example", "anybody@evil.example", False),
        ("@evil.example", "no address", False),
        ("@evil.example", "", False),
    ],
)
def test_a_domain_blocks_its_subdomains_and_an_address_itself(pattern, address, is_blocked):
    row = block(pattern)
    assert blocks.find(blocks.load(), address) == (row if is_blocked else None)


def test_the_nearest_block_is_named():
    block("@example.org")
    near, exact = block("@mail.example.org"), block("eve@mail.example.org")
    loaded = blocks.load()
    assert blocks.find(loaded, "adam@mail.example.org") == near
    assert blocks.find(loaded, "eve@mail.example.org") == exact


def test_loading_costs_two_queries_and_finding_none(django_assert_num_queries):
    for number in range(50):
        block(f"@evil{number}.example")
    with django_assert_num_queries(2):
        loaded = blocks.load()
        for number in range(50):
            assert blocks.find(loaded, f"x@evil{number}.example")
            assert blocks.find(loaded, f"x@good{number}.example") is None


def test_hits_are_counted():
    row = block("@evil.example")
    for _ in range(2):
        blocks.count(row)
    row.refresh_from_db()
    assert row.hits == 2
    assert row.last_hit_at is not None


def test_a_blocked_customer_blocks_all_addresses_of_theirs():
    customer = f.CustomerFactory()
    for name in ("one", "two"):
        f.CustomerAddressFactory(customer=customer, address=f"{name}@mail.example")
    assert blocks.find(blocks.load(), "one@mail.example") is None
    Customer.objects.filter(pk=customer.pk).update(is_blocked=True)
    loaded = blocks.load()
    for name in ("one", "Two"):
        found = blocks.find(loaded, f"{name}@mail.example")
        assert found is not None
        blocks.count(found)
    assert blocks.find(loaded, "three@mail.example") is None
    assert not SenderBlock.objects.exists()


@pytest.fixture
def ours():
    f.QueueAddressFactory(address="it@desk.example")
    f.make_agent(f.QueueFactory(), email="Uta@Staff.example")
    f.UserFactory(email="chief@board.example", is_superuser=True)
    f.UserFactory(email="guest@visitors.example")
    f.make_agent(f.QueueFactory(), email="gone@former.example", is_active=False)


@pytest.mark.parametrize(
    "pattern",
    [
        "it@desk.example", "@desk.example", "uta@staff.example", "@staff.example",
        "chief@board.example", "@board.example", "helpdesk@localhost",
    ],
)  # fmt: skip
def test_our_own_addresses_and_agents_cannot_be_blocked(ours, pattern):
    with pytest.raises(ValidationError) as refused:
        block(pattern)
    assert "pattern" in refused.value.message_dict
    assert not SenderBlock.objects.exists()


@pytest.mark.parametrize("pattern", ["guest@visitors.example", "@former.example", "@other.example"])
def test_others_can(ours, pattern):
    assert block(pattern).pk
