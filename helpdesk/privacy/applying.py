"""Applying shorter terms to the requests that are there, in batches: the worker's job."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from helpdesk import actions, audit
from helpdesk.actions.shortening import promised_by
from helpdesk.models import AuditKind, TermsChange, kept_directory

from . import policy

BATCH = 200


def apply_orders(*, now: datetime | None = None) -> bool:
    """Go on with the oldest order by one batch of tickets; tell whether there is more to do.

    Batch and progress are one transaction: after a death it goes on behind the last ticket done. When it is done the
    audit log says how many there were, and by whose order.
    """
    now = now or timezone.now()
    with transaction.atomic(), kept_directory(anew=True):
        order = _next()
        if order is None:
            return False
        order.started_at = order.started_at or now
        if _is_last(order):
            order.finished_at = now
            _write_down(order)
        order.save()
    return order.finished_at is None or _waiting().exists()


def _waiting() -> QuerySet[TermsChange]:
    return TermsChange.objects.filter(finished_at=None)


def _next() -> TermsChange | None:
    skip = connection.features.has_select_for_update_skip_locked
    rows = _waiting().select_for_update(skip_locked=skip, of=("self",) if skip else ())
    return rows.order_by("pk").first()


def _is_last(order: TermsChange) -> bool:
    """Do one batch and tell whether it was the last."""
    targets = [policy.Promised.from_json(one) for one in order.targets]
    forms = {UUID(key) for key in order.forms}
    rows = policy.longer(targets, forms).filter(pk__gt=order.cursor).order_by("pk")
    tickets = list(rows.values_list("pk", flat=True)[:BATCH])
    order.done += actions.shorten_terms(tickets=tickets, promised=promised_by(order))
    if tickets:
        order.cursor = tickets[-1]
    return len(tickets) < BATCH


def _write_down(order: TermsChange) -> None:
    queues = [one for one in order.targets if one["queue"] is not None]
    audit.record(
        AuditKind.TERMS_SHORTENED,
        user=order.asked_by,
        queue=order.queue,
        data={
            "order": order.pk,
            "tickets": order.done,
            "queues": len(queues),
            "forms": len(order.targets) - len(queues),
        },
    )
