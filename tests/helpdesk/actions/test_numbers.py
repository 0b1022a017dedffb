from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest
import time_machine
from django.db import connection, connections, transaction

from helpdesk import actions, addressing, permissions
from helpdesk.actions import numbers
from helpdesk.errors import AlreadyDone
from helpdesk.models import Channel, Customer, CustomerAddress, NumberCounter, Ticket
from tests import factories as f

WORKERS, EACH = 6, 5


def together(work, count: int = WORKERS) -> list:
    """Run `work(n)` in threads with connections of their own, all starting at one moment."""
    barrier = threading.Barrier(count)

    def run(number: int):
        barrier.wait(timeout=20)
        try:
            return work(number)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


@pytest.mark.django_db
def test_numbers_of_a_day_count_up_and_carry_a_valid_check_digit():
    day = date(2026, 11, 24)
    drawn = [numbers.draw(day) for _ in range(12)]
    assert len(set(drawn)) == 12
    assert drawn == sorted(drawn)
    assert all(number.startswith("2026112410") for number in drawn)
    assert all(addressing.is_number(number) for number in drawn)


@pytest.mark.django_db
@pytest.mark.parametrize("position", range(16))
def test_one_wrong_digit_is_noticed(position):
    number = numbers.draw(date(2026, 11, 24))
    wrong = str((int(number[position]) + 1) % 10)
    assert not addressing.is_number(number[:position] + wrong + number[position + 1 :])


@pytest.mark.django_db
def test_each_day_counts_anew_in_the_sites_time_zone():
    with time_machine.travel("2026-11-24T22:59:00Z", tick=False):
        before = numbers.draw()
    with time_machine.travel("2026-11-24T23:01:00Z", tick=False):
        after = numbers.draw()
    assert (before[:8], after[:8]) == ("20261124", "20261125")
    assert before[10:-1] == after[10:-1]


@pytest.mark.django_db
def test_a_rolled_back_number_is_drawn_again():
    day = date(2026, 11, 24)
    numbers.draw(day)
    with transaction.atomic():
        lost = numbers.draw(day)
        transaction.set_rollback(True)
    assert numbers.draw(day) == lost
    assert NumberCounter.objects.get().value == 2


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has one writer at a time")
class TestTogether:
    """Many at one moment, on PostgreSQL."""

    def test_numbers_stay_unique_without_gaps(self):
        queue = f.QueueFactory()

        def work(_number: int) -> None:
            for _ in range(EACH):
                f.make_ticket(queue)

        together(work)
        drawn = list(Ticket.objects.values_list("number", flat=True))
        assert len(set(drawn)) == WORKERS * EACH
        assert all(addressing.is_number(number) for number in drawn)
        assert NumberCounter.objects.get().value == WORKERS * EACH

    def test_one_submission_makes_one_ticket(self):
        queue, person = f.QueueFactory(), f.CustomerFactory()

        def work(_number: int) -> int:
            try:
                return f.make_ticket(queue, customer=person, contact="", submission_key="once").pk
            except AlreadyDone as done:
                return done.existing.pk

        assert len(set(together(work))) == 1
        assert Ticket.objects.count() == 1

    def test_one_sender_makes_one_customer(self):
        found = together(
            lambda number: actions.customer_for_address("Ina@Mail.example", name=str(number)).pk
        )
        assert len(set(found)) == 1
        assert (Customer.objects.count(), CustomerAddress.objects.count()) == (1, 1)

    def test_one_account_makes_one_customer(self):
        user = f.UserFactory()
        assert len(set(together(lambda _number: actions.customer_for_user(user).pk))) == 1

    def test_two_people_linking_the_same_two_tickets_never_wait_for_ever(self):
        a, b = f.make_ticket(), f.make_ticket()
        ends = [(a, b), (b, a)]

        def work(number: int) -> None:
            source, target = ends[number % 2]
            actions.link(actor=permissions.SYSTEM, source=source, target=target, kind="related")

        together(work)
        assert a.links_out.count() == b.links_out.count() == 1

    def test_answers_at_one_moment_all_arrive_and_one_agent_owns(self):
        ticket = f.make_ticket(contact="")
        agents = [permissions.agent(f.make_agent(ticket.queue)) for _ in range(WORKERS)]

        def work(number: int) -> None:
            draft = actions.Draft(body=str(number), channel=Channel.EMAIL)
            actions.answer(actor=agents[number], ticket=ticket, draft=draft)

        together(work)
        ticket.refresh_from_db()
        assert ticket.articles.count() == 1 + WORKERS
        assert ticket.owner in [actor.user for actor in agents]
        assert ticket.events.filter(kind="owner.changed").count() == 1
