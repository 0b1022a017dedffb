"""Raw mails that became no ticket, and whose time is over: only the shell of their row in the ledger stays.

The shell says that the mail came, so that a mailbox or an archive that is read again does not bring it back.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import Q, QuerySet

from helpdesk import conf, journal
from helpdesk.actions.erasing_rows import NO_RAW, SHELL, drop_raw
from helpdesk.models import Blob, ErasureRun, InboundMail, RetentionSettings, let_go

BATCH = 200


def expired(now: datetime) -> QuerySet[InboundMail]:
    """Return the mails that became no message and whose time is over: ignored ones, and those nobody dealt with.

    One that answered a ticket goes with that, or when its own time is over.
    """
    State = InboundMail.State
    ignored = now - timedelta(days=int(conf.get("IGNORED_MAIL_DAYS")))
    failed = now - timedelta(days=RetentionSettings.current().days())
    which = Q(state=State.FILED, ticket__isnull=True, received_at__lt=ignored)
    which |= Q(state=State.IGNORED, received_at__lt=ignored)
    which |= Q(state=State.FAILED, received_at__lt=failed)
    return InboundMail.objects.filter(which, article__isnull=True)


def mail_batch(run: ErasureRun, now: datetime) -> tuple[Counter[str], bool]:
    """Empty some of the mails whose time is over; tell whether there may be more."""
    skip = connection.features.has_select_for_update_skip_locked
    rows = expired(now).select_for_update(of=("self",), skip_locked=skip)
    pks = list(rows.order_by("received_at", "pk").values_list("pk", flat=True)[:BATCH])
    empty(pks)
    return Counter(ignored_mails=len(pks)), len(pks) == BATCH


def empty(pks: Collection[int]) -> None:
    """Take from mails in the ledger what they said, with django-mailbox's copies. Call inside a transaction."""
    if not pks:
        return
    rows = InboundMail.objects.filter(pk__in=pks)
    blobs = set(rows.filter(blob__isnull=False).values_list("blob_id", flat=True))
    journal.write([{"kind": journal.INBOUND, "pks": sorted(pks)}])
    let_go({InboundMail: pks})
    drop_raw(pks)
    rows.update(**SHELL, **NO_RAW)
    Blob.release_all(blobs)
