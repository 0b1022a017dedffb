"""Two workers in one night, and how due tickets are found: on PostgreSQL."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection, connections, transaction
from django.utils import timezone

from helpdesk import permissions
from helpdesk.actions import change_state, due_storage
from helpdesk.models import ErasureRun, Hold, Ticket, Tombstone
from helpdesk.privacy import due, nightly, ticket_steps
from helpdesk.states import StateType
from tests import factories as f

ON_POSTGRESQL = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="needs locks of rows and PostgreSQL's plans"
)


def many(number: int, days_ago: int) -> list[int]:
    """Make tickets that were closed so many days ago, with the dates that follow."""
    first = f.make_ticket(contact="")
    change_state(actor=permissions.SYSTEM, ticket=first, state=f.state(StateType.CLOSED))
    first.refresh_from_db()
    at = timezone.now() - timedelta(days=days_ago)
    rows = Ticket.objects.bulk_create(
        Ticket(
            number=f"m{days_ago}-{n}",
            subject="x",
            queue=first.queue,
            state=first.state,
            priority=first.priority,
            channel="web",
            created_at=at,
            changed_at=at,
            closed_at=at,
            retention_days=730,
        )
        for n in range(number)
    )
    pks = [row.pk for row in rows]
    due_storage.settle_storage(tickets=pks)
    return pks


@pytest.fixture
def _aside(settings, tmp_path) -> None:
    settings.HELPDESK = {
        **settings.HELPDESK,
        "ERASURE_JOURNAL": str(tmp_path / "erasures"),
        "ERASE_HOUR": 0,
    }


@ON_POSTGRESQL
@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("_aside")
def test_two_workers_do_one_night_between_them_and_nothing_twice(monkeypatch):
    monkeypatch.setattr(ticket_steps, "BATCH", 5)
    pks = many(60, 800)
    young = many(3, 10)
    faults: list[Exception] = []
    begin = threading.Barrier(2)

    def work() -> None:
        begin.wait()
        try:
            for _n in range(400):
                nightly.run_night()
        except Exception as fault:  # noqa: BLE001  told by the test
            faults.append(fault)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work) for _n in range(2)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert not faults
    run = ErasureRun.objects.get()
    assert run.finished_at is not None
    assert (run.total, run.counts["tickets"], run.counts["erased"]) == (60, 60, 60)
    assert Tombstone.objects.filter(ticket_pk__in=pks).count() == 60
    assert Ticket.objects.filter(pk__in=young).count() == 3


@ON_POSTGRESQL
@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("_aside")
def test_while_one_is_at_a_batch_the_other_has_nothing_to_do():
    many(2, 800)
    nightly.run_night()
    run = ErasureRun.objects.get()
    found: list[bool] = []

    def work() -> None:
        found.append(nightly.run_night())
        connections.close_all()

    with transaction.atomic():
        ErasureRun.objects.select_for_update().get()
        other = threading.Thread(target=work)
        other.start()
        other.join()
    assert found == [False]
    run.refresh_from_db()
    assert run.finished_at is None


@ON_POSTGRESQL
@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("_aside")
def test_a_ticket_somebody_is_working_on_is_left_for_the_next_night():
    one, other = many(2, 800)
    counts = []

    def work() -> None:
        run = ErasureRun.objects.create(day=timezone.localdate(), started_at=timezone.now())
        with transaction.atomic():
            counts.append(ticket_steps.erase_batch(run, timezone.now())[0])
        counts.append(run.left)
        connections.close_all()

    with transaction.atomic():
        Ticket.objects.select_for_update(no_key=True).get(pk=one)
        worker = threading.Thread(target=work)
        worker.start()
        worker.join()
    assert counts[0]["left"] == 1
    assert counts[1] == [one]
    assert set(Ticket.objects.filter(pk__in=[one, other]).values_list("pk", flat=True)) == {one}


@ON_POSTGRESQL
@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("_aside")
def test_no_one_is_waited_for_who_has_a_merged_ticket_and_wants_the_other():
    """As an objection to a merged ticket does: the older one first. Each would wait for the other otherwise."""
    merged, home, other = many(3, 800)
    Ticket.objects.filter(pk=merged).update(merged_into=home, state=f.state(StateType.MERGED))
    due_storage.settle_storage(tickets=[merged])
    faults: list[Exception] = []

    def work() -> None:
        run = ErasureRun.objects.create(day=timezone.localdate(), started_at=timezone.now())
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SET LOCAL lock_timeout = '5s'")
                ticket_steps.erase_batch(run, timezone.now())
        except Exception as fault:  # noqa: BLE001  told by the test
            faults.append(fault)
        finally:
            connections.close_all()

    rows = Ticket.objects.select_for_update(no_key=True)
    with transaction.atomic():
        rows.get(pk=merged)
        worker = threading.Thread(target=work)
        worker.start()
        worker.join()
        rows.get(pk=home)
    assert not faults
    assert set(Ticket.objects.values_list("pk", flat=True)) >= {merged, home}
    assert not Ticket.objects.filter(pk=other).exists()


@ON_POSTGRESQL
@pytest.mark.django_db
def test_due_tickets_are_found_by_their_index():
    many(3000, 100)
    held = many(20, 800)
    Hold.objects.create(
        ticket_id=held[0],
        reason="x",
        until=timezone.localdate() + timedelta(days=9),
        placed_at=timezone.now(),
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE helpdesk_ticket")
    rows = due.due(timezone.now(), left=held[1:3])
    assert rows.count() == 17
    plan = rows[:200].explain()
    assert "helpdesk_ticket_storage" in plan
    assert "Seq Scan on helpdesk_ticket" not in plan
    plan = due_storage.undated()[:1000].explain()
    assert "helpdesk_ticket_undated" in plan
