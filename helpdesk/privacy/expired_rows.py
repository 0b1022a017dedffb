"""What else is kept for a time only: lines of the audit log, addresses that bounced, fields of forms, tags, runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import connection
from django.db.models import Exists, OuterRef, QuerySet
from django_tasks_db.models import DBTaskResult

from helpdesk import conf
from helpdesk.actions import draft_files
from helpdesk.actions.persons import held_tickets
from helpdesk.models import (
    AskedField,
    AuditEntry,
    BouncedAddress,
    ErasureRun,
    PersonErasure,
    RetentionSettings,
    TaggedTicket,
    TermsChange,
    Ticket,
    TicketTag,
    delete_rows,
)

BATCH = 5000
RUNS_KEPT: Final = timedelta(days=3 * 365)
#: What a task was called with is looked at for so long after its end.
ARGUMENTS_KEPT: Final = timedelta(days=1)
#: For so long it stays known whom an erasure that failed was about: it may be tried again.
FAILED_KEPT: Final = timedelta(days=14)


def audit_batch(run: ErasureRun, now: datetime) -> tuple[Counter[str], bool]:
    """Delete lines of the audit log that are older than AUDIT_DAYS; nobody else ever does."""
    days = max(int(conf.get("AUDIT_DAYS")), conf.AUDIT_AT_LEAST)
    rows: QuerySet[AuditEntry] = QuerySet(AuditEntry)  # its own manager only adds
    # a minute more: the clock of the database decides
    old = rows.filter(at__lt=now - timedelta(days=days, minutes=1)).order_by("at", "pk")
    pks = list(old.values_list("pk", flat=True)[:BATCH])
    gone = rows.filter(pk__in=pks)._raw_delete(rows.db) if pks else 0
    return Counter(audit_lines=gone), len(pks) == BATCH


def row_batch(run: ErasureRun, now: datetime) -> tuple[Counter[str], bool]:
    """Let go of everything small that is too old."""
    found = Counter[str]()
    for code, forget in _SMALL.items():
        found[code] += forget(now)
    return found, False


def _bounced(now: datetime) -> int:
    until = now - timedelta(days=RetentionSettings.current().days())
    return BouncedAddress.objects.filter(last_at__lt=until).delete()[0]


def _asked(now: datetime) -> int:
    """Forget the fields of forms that are gone, with their pages and every ticket that came by them."""
    page: Any = Ticket._meta.get_field("page").related_model
    pages = page._default_manager.filter(translation_key=OuterRef("form_key"))
    tickets = Ticket.objects.filter(form_key=OuterRef("form_key"))
    return AskedField.objects.filter(~Exists(pages), ~Exists(tickets)).delete()[0]


def _tags(now: datetime) -> int:
    """Delete the tags that no ticket has any more: agents write what they like there, also names.

    One that somebody is just giving to a ticket is locked by that, and stays.
    """
    skip = connection.features.has_select_for_update_skip_locked
    unused = TicketTag.objects.filter(~Exists(TaggedTicket.objects.filter(tag=OuterRef("pk"))))
    rows = unused.select_for_update(of=("self",), skip_locked=skip).order_by("pk")
    pks = list(rows.values_list("pk", flat=True)[:BATCH])
    return delete_rows(unused.filter(pk__in=pks)) if pks else 0


def _runs(now: datetime) -> int:
    old = ErasureRun.objects.filter(started_at__lt=now - RUNS_KEPT, finished_at__isnull=False)
    dry = ErasureRun.objects.filter(is_dry=True, started_at__lt=now - timedelta(days=30))
    orders = TermsChange.objects.filter(asked_at__lt=now - RUNS_KEPT, finished_at__isnull=False)
    persons = PersonErasure.objects.filter(asked_at__lt=now - RUNS_KEPT, finished_at__isnull=False)
    return sum(rows.delete()[0] for rows in (old, dry, orders, persons))


def _failed(now: datetime) -> int:
    """Forget whom an erasure was about that failed, and that nobody tried again."""
    failed = PersonErasure.objects.filter(state=PersonErasure.State.FAILED).exclude(person={})
    old = failed.filter(seen_at__lt=now - FAILED_KEPT)
    return old.update(person={}, finished_at=now)


def _arguments(now: datetime) -> int:
    """Empty what finished tasks were called with: it may name people and tickets."""
    done = DBTaskResult.objects.filter(finished_at__lt=now - ARGUMENTS_KEPT)
    empty: dict[str, Any] = {"args": [], "kwargs": {}}
    return done.exclude(args_kwargs=empty).update(args_kwargs=empty)


def _late_files(now: datetime) -> int:
    """Let files go that somebody put into a draft on a closed ticket after its files went."""
    return draft_files.take_late_files(held=held_tickets())


_SMALL: Final[dict[str, Callable[[datetime], int]]] = {
    "files": _late_files,
    "bounced": _bounced,
    "asked_fields": _asked,
    "tags": _tags,
    "runs": _runs,
    "persons_forgotten": _failed,
    "task_arguments": _arguments,
}
