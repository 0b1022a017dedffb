"""The daily lists are looked up in indexes without archived tickets, and no migration cost anything there was."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.apps import apps
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from helpdesk import actions, permissions, search
from helpdesk.actions import archiving
from helpdesk.agents.tickets_list import TicketFilters, for_rows, ordered, tickets_for
from helpdesk.models import NOT_ARCHIVED, AuditEntry, SearchEntry, State, Ticket
from helpdesk.states import OPEN_TYPES, StateType
from tests import factories as f

HOT = ("queue", "owner", "state", "changed", "created")


def indexes() -> dict[str, str]:
    """Return the indexes of tickets, each with the statement that makes it."""
    statements = {
        "postgresql": "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'helpdesk_ticket'",
        "sqlite": "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'helpdesk_ticket'",
    }
    with connection.cursor() as cursor:
        cursor.execute(statements[connection.vendor])
        return dict(cursor.fetchall())


def triggers() -> set[str]:
    statements = {
        "postgresql": "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal",
        "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger'",
    }
    with connection.cursor() as cursor:
        cursor.execute(statements[connection.vendor])
        return {name for (name,) in cursor.fetchall()}


@pytest.fixture
def many(db):
    """2,000 tickets of five queues, nine of ten in the archive, with figures about them for the planner."""
    owner = f.UserFactory()
    now = timezone.now()
    queues = [f.QueueFactory() for _ in range(5)]
    row = f.make_ticket(queues[0], contact="")
    closed, opened = f.state(StateType.CLOSED), f.state(StateType.OPEN)
    rows = []
    for number in range(2000):
        values = {one.attname: getattr(row, one.attname) for one in row._meta.concrete_fields}
        is_hot, at = number % 10 == 0, now - timedelta(hours=number)
        values |= {
            "id": None,
            "number": f"20260101{number:08d}",
            "queue_id": queues[number % 5].pk,
            "state_id": opened.pk if is_hot else closed.pk,
            "owner_id": owner.pk if number % 3 else None,
            "created_at": at,
            "changed_at": at,
            "closed_at": None if is_hot else at,
            "archived_at": None if is_hot else now,
        }
        rows.append(Ticket(**values))
    Ticket.objects.bulk_create(rows)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
        if connection.vendor == "postgresql":
            # two thousand rows are read in one go; what counts is which index could be used at all
            for setting in ("enable_seqscan", "enable_bitmapscan", "enable_sort"):
                cursor.execute(f"SET LOCAL {setting} = off")
    return owner, queues


def test_hot_indexes_hold_no_archived_ticket(db):
    found = indexes()
    for name in HOT:
        assert "archived_at" in found[f"helpdesk_ticket_{name}"], name
    for name in ("customer", "storage", "shared", "whole"):
        assert "archived_at" not in found[f"helpdesk_ticket_{name}"], name


@pytest.mark.parametrize(
    ("slug", "ordering", "index"),
    [
        ("all", "-changed_at", "changed"),
        ("all", "changed_at", "changed"),
        ("all", "-created_at", "created"),
        ("open", "-changed_at", "changed"),
    ],
)
def test_lists_use_them(many, slug, ordering, index):
    actor = permissions.agent(f.UserFactory(is_superuser=True))
    rows = for_rows(tickets_for(actor, TicketFilters(view=slug)), actor)
    plan = ordered(rows, ordering)[:50].explain()
    assert f"helpdesk_ticket_{index}" in plan, plan


@pytest.mark.parametrize("ordering", ["-changed_at", "changed_at"])
@pytest.mark.parametrize("slug", ["all", "closed"])
def test_lists_with_the_archive_are_read_along_an_index_and_not_sorted(many, slug, ordering):
    actor = permissions.agent(f.UserFactory(is_superuser=True))
    rows = for_rows(tickets_for(actor, TicketFilters(view=slug, with_archive=True)), actor)
    plan = ordered(rows, ordering)[:50].explain()
    assert "helpdesk_ticket_whole" in plan, plan


def test_list_of_a_team_uses_them(many):
    _owner, queues = many
    actor = permissions.agent(f.make_agent(queues[0]))
    rows = ordered(tickets_for(actor, TicketFilters(view="all")), "-changed_at")[:50]
    assert "helpdesk_ticket_changed" in rows.explain()


def test_what_the_owner_has_open_uses_them(many):
    owner, queues = many
    plan = actions.open_tickets_of(owner).order_by().explain()
    assert "helpdesk_ticket_owner" in plan, plan
    open_ids = list(State.objects.filter(type__in=OPEN_TYPES).values_list("pk", flat=True))
    for column, value in (("owner", owner), ("queue", queues[0])):
        rows = Ticket.objects.filter(NOT_ARCHIVED, state__in=open_ids, **{column: value})
        assert f"helpdesk_ticket_{column}" in rows.order_by().explain()


def test_what_is_to_be_archived_is_found_by_an_index(many):
    closed = list(State.objects.exclude(type__in=OPEN_TYPES).values_list("pk", flat=True))
    due = Ticket.objects.filter(NOT_ARCHIVED, state__in=closed, closed_at__lt=timezone.now())
    plan = due.order_by("closed_at").values("pk")[: archiving.BATCH].explain()
    assert "helpdesk_ticket_closed" in plan, plan


def test_without_saying_so_they_cannot_be_used(many):
    rows = ordered(Ticket.objects.all(), "-changed_at")[:50]
    assert "helpdesk_ticket_changed" not in rows.explain()


@pytest.mark.django_db(transaction=True)
def test_migration_there_and_back_loses_nothing():
    """Also what stands beside the models: the triggers of the search index and of the audit log."""
    ticket = f.make_ticket(subject="A quokka in the lift", contact="")
    AuditEntry.objects.create(kind="test", at=timezone.now())
    before, guards = Ticket.objects.values().get(), triggers()
    entries = SearchEntry.objects.count()
    assert guards
    try:
        executor = MigrationExecutor(connection)
        executor.migrate([("helpdesk", "0023_retention")])
        assert "archived_at" not in indexes()["helpdesk_ticket_queue"]
    finally:
        executor = MigrationExecutor(connection)
        executor.migrate(executor.loader.graph.leaf_nodes())
    assert "archived_at" in indexes()["helpdesk_ticket_queue"]
    assert Ticket.objects.values().get() == before
    assert triggers() == guards
    assert SearchEntry.objects.count() == entries
    [found] = search.find_tickets(permissions.SYSTEM, "quokka")
    assert found == ticket
    assert apps.get_model("helpdesk", "AuditEntry").objects.filter(kind="test").exists()
