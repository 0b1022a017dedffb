"""The database keeps the audit log, whatever the code does."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from helpdesk import audit
from helpdesk.models import AuditEntry, AuditKind

pytestmark = pytest.mark.django_db

TABLE = AuditEntry._meta.db_table


def run(statement: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def kept(days: float) -> AuditEntry:
    return AuditEntry.objects.create(
        at=timezone.now() - timedelta(days=days), kind=AuditKind.LOGIN, user_name="amsel"
    )


@pytest.mark.parametrize("days", [0, 300, 1000])
@pytest.mark.parametrize("change", ["user_name = 'fink'", "at = '2001-01-01'", "ip = NULL"])
def test_no_line_is_changed(days, change):
    row = kept(days)
    with pytest.raises(DatabaseError, match="only added to"):
        run(f"UPDATE {TABLE} SET {change} WHERE id = {row.pk}")  # noqa: S608
    assert AuditEntry.objects.get().user_name == "amsel"


@pytest.mark.parametrize(("days", "goes"), [(0, False), (364.9, False), (365.1, True)])
def test_a_line_goes_only_when_it_is_a_year_old(days, goes):
    row = kept(days)
    if goes:
        run(f"DELETE FROM {TABLE} WHERE id = {row.pk}")  # noqa: S608
    else:
        with pytest.raises(DatabaseError, match="only added to"):
            run(f"DELETE FROM {TABLE} WHERE id = {row.pk}")  # noqa: S608
    assert AuditEntry.objects.exists() is not goes


def test_one_young_line_keeps_the_whole_table():
    kept(0)
    kept(400)
    with pytest.raises(DatabaseError, match="only added to"):
        run(f"DELETE FROM {TABLE}")  # noqa: S608
    assert AuditEntry.objects.count() == 2


@pytest.mark.skipif("connection.vendor != 'postgresql'")
def test_the_table_is_not_emptied():
    kept(400)
    with pytest.raises(DatabaseError, match="only added to"):
        run(f"TRUNCATE {TABLE}")


def test_the_code_refuses_before_the_database():
    row = audit.record(AuditKind.LOGOUT, user_name="x")
    for attempt in (
        row.save,
        row.delete,
        AuditEntry.objects.all().delete,
        lambda: AuditEntry.objects.update(user_name="y"),
        lambda: AuditEntry.objects.bulk_update([row], ["user_name"]),
    ):
        with pytest.raises(TypeError):
            attempt()
