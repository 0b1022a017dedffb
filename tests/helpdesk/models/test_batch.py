from __future__ import annotations

from contextlib import suppress

import pytest
from django.db import IntegrityError, connection, transaction

from helpdesk.models import (
    Customer,
    CustomerAddress,
    Priority,
    current_batch,
    held,
    hold,
    insert,
    known,
    learn,
    open_batch,
    update,
)
from helpdesk.models.batch import WentBack
from tests import factories as f

pytestmark = pytest.mark.django_db

TABLE = Customer._meta.db_table


@pytest.fixture
def batch():
    with transaction.atomic(), open_batch(10) as opened:
        yield opened


@pytest.fixture
def written(batch):
    """Yield the statements that go to the database."""
    found: list[str] = []

    def note(execute, sql, params, many, context):
        found.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        yield found


def test_without_a_batch_rows_are_written_at_once():
    customer = Customer(name="Ina")
    insert(customer)
    customer.name, customer.phone = "Ina Rother", "1"
    update(customer, "name")
    assert list(Customer.objects.values_list("name", "phone")) == [("Ina Rother", "")]
    learn(Customer, {"a": customer})
    hold(customer)
    assert (dict(known(Customer)), held(Customer, pk=customer.pk)) == ({}, None)


def test_new_rows_have_an_id_and_wait(written):
    rows = [Customer(name=name) for name in ("Ina", "Bo")]
    for row in rows:
        insert(row)
    assert 0 < rows[0].pk < rows[1].pk
    if connection.vendor == "postgresql":
        assert [sql for sql in written if TABLE in sql] == []
    current_batch().write_all()
    assert sorted(Customer.objects.values_list("pk", "name")) == [
        (rows[0].pk, "Ina"),
        (rows[1].pk, "Bo"),
    ]


def test_nobody_reads_past_what_waits(batch):
    customer = Customer(name="Ina")
    insert(customer)
    insert(
        CustomerAddress(customer=customer, address="i@x.example", normalised="i@x.example"),
        with_id=False,
    )
    customer.name = "Ina Rother"
    update(customer, "name")
    assert Customer.objects.get(addresses__normalised="i@x.example").name == "Ina Rother"
    customer.name = "Ina R."
    update(customer, "name")
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM helpdesk_customer")
        assert cursor.fetchall() == [("Ina R.",)]


def test_only_the_fields_that_were_named_are_saved(batch):
    customer = f.CustomerFactory(name="Ina", phone="1")
    hold(customer)
    one, other = held(Customer, pk=customer.pk), held(Customer, name="Ina")
    one.name, one.phone = "Bo", "2"
    other.phone = "3"
    update(one, "name")
    update(other, "phone")
    assert held(Customer, pk=customer.pk).name == "Bo"
    batch.write_all()
    now = Customer.objects.get(pk=customer.pk)
    assert (now.name, now.phone) == ("Bo", "3")
    assert now.created_at == customer.created_at


def test_what_somebody_else_changes_is_known_no_longer(batch):
    customer = f.CustomerFactory(name="Ina")
    hold(customer)
    learn(Customer, {"ina": customer})
    assert Customer.objects.count() == 1
    assert known(Customer)["ina"] == held(Customer, pk=customer.pk) == customer
    Priority.objects.update(position=1)
    assert "ina" in known(Customer)
    Customer.objects.filter(pk=customer.pk).update(name="Bo")
    assert held(Customer, pk=customer.pk) is None
    assert "ina" not in known(Customer)
    customer.phone = "7"
    update(customer, "phone")
    assert Customer.objects.values_list("name", "phone").get() == ("Bo", "7")


def test_a_point_to_go_back_to_lies_behind_what_waited(batch):
    insert(Customer(name="before"))
    with transaction.atomic():
        insert(Customer(name="inside"))
    assert Customer.objects.count() == 2
    batch.check()


def go_back() -> None:
    with transaction.atomic(), open_batch(10):
        insert(Customer(name="before"))
        with suppress(LookupError), transaction.atomic():
            insert(Customer(name="inside"))
            raise LookupError


def test_who_went_back_gives_the_batch_up():
    with pytest.raises(WentBack):
        go_back()
    assert not Customer.objects.exists()
    assert current_batch() is None


def insert_address(address: str) -> None:
    with transaction.atomic(), open_batch(10):
        customer = Customer(name="Ina")
        insert(customer)
        row = CustomerAddress(customer=customer, address=address, normalised=address)
        insert(row, with_id=False)


def test_a_row_that_cannot_be_written_undoes_all():
    f.CustomerAddressFactory(address="i@x.example")
    with pytest.raises(IntegrityError):
        insert_address("i@x.example")
    assert Customer.objects.count() == 1


def test_an_id_is_never_given_twice():
    with transaction.atomic(), open_batch(10):
        insert(Customer(name="Ina"))
    other = Customer.objects.create(name="Bo")
    with transaction.atomic(), open_batch(10):
        for name in range(15):
            insert(Customer(name=str(name)))
    assert Customer.objects.count() == 17
    assert Customer.objects.get(name="Bo") == other
