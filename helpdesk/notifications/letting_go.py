"""Mails of the outbox that belong to no ticket, so no ticket takes them along when it goes."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import timezone

from helpdesk import conf
from helpdesk.models import OutboundMail

#: On these somebody, or the worker, is still at work.
_UNDER_WAY = (OutboundMail.State.QUEUED, OutboundMail.State.SENDING)


def tidy_outbox(*, now: datetime | None = None) -> int:
    """Delete what was sent without a ticket (codes, links, digests) and is older than notices get; return how many.

    For the worker.
    """
    until = (now or timezone.now()) - timedelta(days=int(conf.get("NOTICE_DAYS")))
    rows = OutboundMail.objects.filter(
        ticket__isnull=True, article__isnull=True, created_at__lt=until
    )
    return rows.exclude(state__in=_UNDER_WAY).delete()[0]
