from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from helpdesk.models import Queue, QueueAddress, in_tree_order, queue_map
from tests import factories as f

pytestmark = pytest.mark.django_db


@pytest.fixture
def taken():
    return f.QueueAddressFactory(address="Support@Desk.example", queue__name="Faults")


@pytest.mark.parametrize(
    "spelling",
    [
        "support@desk.example",
        "SUPPORT@DESK.EXAMPLE",
        "support+printers@desk.example",
        "Support+a+b@desk.example.",
        '"support"@desk.example',
    ],
)
def test_an_address_in_use_is_refused_naming_its_queue(taken, spelling):
    row = QueueAddress(queue=f.QueueFactory(), address=spelling)
    with pytest.raises(ValidationError) as refusal:
        row.clean()
    assert "Faults" in str(refusal.value.message_dict["address"])
    with pytest.raises(IntegrityError), transaction.atomic():
        row.save()


def test_an_address_does_not_stand_in_its_own_way(taken):
    taken.clean()
    taken.address = "support+new@desk.example"
    taken.clean()
    taken.save()
    assert taken.normalised == "support@desk.example"


@pytest.mark.parametrize("text", ["", "nobody", "a b@desk.example"])
def test_no_address_is_refused_at_its_field(text):
    with pytest.raises(ValidationError) as refusal:
        QueueAddress(queue=f.QueueFactory(), address=text).clean()
    assert set(refusal.value.message_dict) == {"address"}


def test_a_queue_needs_name_short_name_and_purpose():
    with pytest.raises(ValidationError) as refusal:
        Queue().full_clean()
    assert {"name", "slug", "purpose"} <= set(refusal.value.message_dict)


@pytest.mark.parametrize("field", ["name", "slug"])
def test_names_are_unique(field):
    first = f.QueueFactory()
    with pytest.raises(ValidationError) as refusal:
        Queue(
            **{"name": "Other", "slug": "other", "purpose": "x", field: getattr(first, field)}
        ).full_clean()
    assert set(refusal.value.message_dict) == {field}


def chain(length: int) -> list[Queue]:
    queues = [f.QueueFactory()]
    while len(queues) < length:
        queues.append(f.QueueFactory(parent=queues[-1]))
    return queues


@pytest.mark.parametrize("length", [1, 2, 4])
def test_a_queue_cannot_lie_below_itself(length):
    top, *_between = queues = chain(length)
    top.parent = Queue.objects.get(pk=queues[-1].pk)
    with pytest.raises(ValidationError) as refusal:
        top.full_clean()
    assert set(refusal.value.message_dict) == {"parent"}


def test_moving_a_queue_elsewhere_is_fine():
    *_rest, last = chain(3)
    last.parent = f.QueueFactory()
    last.full_clean()
    Queue(name="New", slug="new", purpose="x", parent=last).full_clean()


def test_lineage_ends_even_at_a_cycle():
    a, b = chain(2)
    Queue.objects.filter(pk=a.pk).update(parent=b)
    assert [queue.pk for queue in Queue.objects.get(pk=b.pk).lineage()] == [b.pk, a.pk]


def test_inherited_takes_the_nearest_value_and_zero_is_one():
    root = f.QueueFactory(retention_days=90, legal_basis_de="Art. 6", reopen_days=7)
    child = f.QueueFactory(parent=root, retention_days=0)
    leaf = f.QueueFactory(parent=child)
    assert leaf.inherited("retention_days") == 0
    assert leaf.inherited_words("legal_basis", "de") == "Art. 6"
    assert leaf.inherited("reopen_days") == 7
    assert leaf.inherited("promise") is None


def test_main_address_is_the_senders_then_the_first_then_a_parents():
    root, leaf = chain(2)
    assert leaf.main_address() == "helpdesk@localhost"
    f.QueueAddressFactory(queue=root, address="root@desk.example")
    assert leaf.main_address() == "root@desk.example"
    f.QueueAddressFactory(queue=leaf, address="old@desk.example")
    f.QueueAddressFactory(queue=leaf, address="new@desk.example", is_sender=True)
    assert Queue.objects.get(pk=leaf.pk).main_address() == "new@desk.example"


def test_tree_order_and_map_cost_one_query(django_assert_num_queries):
    root = f.QueueFactory(name="b")
    f.QueueFactory(name="z", parent=root)
    f.QueueFactory(name="A", parent=root)
    f.QueueFactory(name="c")
    with django_assert_num_queries(1):
        queues = queue_map()
        tree = [(queue.name, depth) for queue, depth in in_tree_order(queues)]
        paths = [len(queue.lineage()) for queue in queues.values()]
    assert tree == [("b", 0), ("A", 1), ("z", 1), ("c", 0)]
    assert sorted(paths) == [1, 1, 2, 2]
