"""The administrator's screens of erasure."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from helpdesk.models import ErasureRun, Queue, Ticket, Tombstone
from helpdesk.privacy import dry_run, due
from tests import factories as f

from .conftest import browser

pytestmark = pytest.mark.django_db

URL = "/admin/helpdesk/erasure/"
ERASED = f"{URL}erased/"


def due_in(ticket: Ticket, days: float, step: str = "end") -> None:
    at = due.next_night(timezone.now()) + timedelta(days=days)
    Ticket.objects.filter(pk=ticket.pk).update(storage_step_at=at, storage_step=step, erase_at=at)


def stone(number: int, queue: Queue | None, **facts: Any) -> Tombstone:
    at = timezone.now()
    facts = {"opened_on": at.date(), "erased_at": at, "reason": "retention", **facts}
    return Tombstone.objects.create(
        ticket_pk=9000 + number, number=f"20250101{number:04}", queue=queue, **facts
    )


@pytest.fixture
def head(red) -> Any:
    """Somebody who administers the red queue, and no more."""
    return browser(f.make_agent(red.queue, rights=["administer"], username="head"))


def test_nothing_to_do_says_so(admin):
    page = admin.get(URL).content.decode()
    assert "Nothing comes due in the next 30 days." in page
    assert "No night has run yet." in page
    assert "Nothing was erased yet." in admin.get(ERASED).content.decode()


def test_what_comes_due_is_counted_by_queue_and_step(admin, red, blue):
    due_in(red.ticket, -1)
    due_in(f.make_ticket(red.queue), 3)
    due_in(f.make_ticket(red.queue), 20, "warning")
    due_in(blue.ticket, 40)
    rows = admin.get(URL).context["rows"]
    assert [(row.queue, row.tonight, row.week, row.month) for row in rows] == [
        ("Red", 1, 2, 2),
        ("Red", 0, 0, 1),
    ]
    assert admin.get(URL).context["sums"] == {"tonight": 1, "week": 2, "month": 3}


def test_who_administers_a_queue_sees_its_numbers_only(red, blue, head):
    due_in(red.ticket, 1)
    due_in(blue.ticket, 1)
    stone(1, red.queue)
    stone(2, blue.queue)
    dry_run.ask(user=None)
    for url in (URL, ERASED):
        page = head.get(url).content.decode()
        assert "Red" in page
        assert "Blue" not in page
    assert "202501010002" not in head.get(ERASED).content.decode()


@pytest.mark.parametrize("rights", [[], ["read"], ["manage", "answer"]])
def test_nobody_else_sees_or_starts_anything(red, rights):
    client = browser(f.make_agent(red.queue, rights=rights))
    for url in (URL, ERASED):
        assert client.get(url).status_code == 302
    assert client.post(f"{URL}dry-run/").status_code == 302
    assert not ErasureRun.objects.exists()
    assert URL not in client.get("/admin/").content.decode()


def test_runs_are_told_in_words_with_how_long_they_took(admin):
    start = timezone.now() - timedelta(hours=5)
    ErasureRun.objects.create(
        day=start.date(),
        started_at=start,
        finished_at=start + timedelta(minutes=3),
        total=12,
        counts={"tickets": 12, "articles": 1, "failed": 1, "rows": 98765432},
    )
    page = admin.get(URL).content.decode()
    assert "12 tickets erased, 1 ticket failed, 1 message" in page
    assert "3 minutes" in page
    assert "not everything was erased" in page
    assert "98765432" not in page


def test_a_run_under_way_shows_how_far_it_is(admin):
    ErasureRun.objects.create(
        day=timezone.localdate(),
        started_at=timezone.now(),
        seen_at=timezone.now(),
        total=1000,
        phase="tickets",
        counts={"erased": 400, "tickets": 410},
    )
    page = admin.get(URL).content.decode()
    assert "is under way" in page
    assert 'value="400" max="1000"' in page


def test_the_button_counts_at_once_and_changes_nothing(admin, red):
    with time_machine.travel(timezone.now() + timedelta(days=900), tick=False):
        client = browser(f.UserFactory(is_superuser=True, is_staff=True))
        before = list(Ticket.objects.order_by("pk").values())
        answer = client.post(f"{URL}dry-run/", follow=True)
        page = answer.content.decode()
        assert "The dry run is done. Nothing was changed." in page
        assert "open: the team is warned" in page
        assert list(Ticket.objects.order_by("pk").values()) == before
        assert client.get(f"{URL}dry-run/").status_code == 405


def test_a_second_one_waits_for_the_first(admin):
    ErasureRun.objects.create(
        day=timezone.localdate(), started_at=timezone.now(), is_dry=True, total=5
    )
    page = admin.post(f"{URL}dry-run/", follow=True).content.decode()
    assert "A dry run is under way already." in page
    assert ErasureRun.objects.count() == 1


def test_erased_tickets_are_found_by_number(admin, red):
    stone(1, red.queue)
    stone(2, None, is_anonymised=True, reason="objection")
    page = admin.get(ERASED, {"q": "202501010002"}).content.decode()
    assert "202501010002" in page
    assert "202501010001" not in page
    assert "the customer objected to the longer storage" in page
    assert "anonymised" in page
    assert "begins so" in admin.get(ERASED, {"q": "9999"}).content.decode()


def test_both_screens_need_as_many_queries_for_two_hundred(admin, red):
    def queries(url: str) -> int:
        with CaptureQueriesContext(connection) as caught:
            assert admin.get(url).status_code == 200
        return len(caught)

    def fill(start: int, end: int) -> None:
        for number in range(start, end):
            stone(number, red.queue)
            ErasureRun.objects.create(
                day=timezone.localdate() - timedelta(days=number),
                started_at=timezone.now() - timedelta(days=number),
                finished_at=timezone.now() - timedelta(days=number),
                counts={"tickets": 3},
            )
            queue = f.QueueFactory()
            Ticket.objects.bulk_create([_copy(red.ticket, queue, number)])

    fill(0, 2)
    dry_run.ask(user=None)
    queries(URL)  # what is remembered from the first time on
    few = [queries(URL), queries(ERASED)]
    fill(2, 200)
    ErasureRun.objects.filter(is_dry=True).delete()
    dry_run.ask(user=None)
    assert [queries(URL), queries(ERASED)] == few


def _copy(ticket: Ticket, queue: Queue, number: int) -> Ticket:
    at = due.next_night(timezone.now()) - timedelta(days=1)
    return Ticket(
        number=f"copy{number}",
        subject="x",
        queue=queue,
        state=ticket.state,
        priority=ticket.priority,
        channel="web",
        created_at=timezone.now() - timedelta(days=2000),
        changed_at=timezone.now() - timedelta(days=2000),
        retention_days=1,
        storage_step="end",
        storage_step_at=at,
        erase_at=at,
    )
