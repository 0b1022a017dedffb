"""Customers of whom nothing is left: no ticket, no account, no part in a ticket, nothing that the team decided about them.

A log-in name keeps nobody: whoever comes back is known by it again, from the account or the directory.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

from django.db import IntegrityError, connection, transaction
from django.db.models import Exists, ForeignObjectRel, OuterRef, ProtectedError, QuerySet

from helpdesk.models import (
    AddressClaim,
    Customer,
    CustomerAddress,
    ErasureRun,
    Participant,
    delete_rows,
    forget_generic,
)

BATCH = 200
#: Somebody who was entered by hand, or is just writing, gets so many days until the first ticket.
GRACE = timedelta(days=30)
#: Tables that say nothing but how the customer is reached: they go along.
_OWN = (AddressClaim, CustomerAddress)


def without_trace(now: datetime) -> QuerySet[Customer]:
    """Return the customers without account, organisation or block to whom nothing points, and who take part nowhere."""
    theirs = CustomerAddress.objects.filter(
        customer=OuterRef("pk"), normalised__in=Participant.objects.order_by().values("normalised")
    )
    rows = Customer.objects.filter(
        ~Exists(theirs),
        user__isnull=True,
        organisation__isnull=True,
        is_blocked=False,
        created_at__lt=now - GRACE,
    )
    # messages and events point here by hidden relations
    for relation in Customer._meta.get_fields(include_hidden=True):
        if isinstance(relation, ForeignObjectRel) and relation.related_model not in _OWN:
            others = relation.related_model._default_manager.filter(
                **{relation.field.name: OuterRef("pk")}
            )
            rows = rows.filter(~Exists(others))
    return rows


def people_batch(run: ErasureRun, now: datetime) -> tuple[Counter[str], bool]:
    """Erase some customers of whom nothing is left, with addresses and claims; tell whether there may be more.

    The journal is not told: in a backup such a row may have tickets still, or lead to the customer it became. Once a
    restored database has nothing of them but the row, the next night takes it again.
    """
    skip = connection.features.has_select_for_update_skip_locked
    rows = without_trace(now).select_for_update(of=("self",), skip_locked=skip)
    pks = list(rows.order_by("pk").values_list("pk", flat=True)[:BATCH])
    if not pks:
        return Counter(), False
    try:
        with transaction.atomic():
            delete_rows(CustomerAddress.objects.filter(customer__in=pks))
            Customer.objects.filter(pk__in=pks).delete()
            forget_generic({Customer: pks})
    except (IntegrityError, ProtectedError):  # one of them has just written
        return Counter(), False
    return Counter(customers=len(pks)), len(pks) == BATCH
