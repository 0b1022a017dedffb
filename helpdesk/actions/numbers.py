"""Ticket numbers: unique under concurrency, and never drawn twice."""

from __future__ import annotations

from datetime import date

from django.db.models import F
from django.utils import timezone

from helpdesk import addressing, conf
from helpdesk.models import NumberCounter


def draw(day: date | None = None) -> str:
    """Return a fresh ticket number of `day` (default: today in the site's time zone).

    Call inside a transaction: the day's counter row stays locked until it ends, so two tickets can
    never get one number. A rolled back number is drawn again.
    """
    day = day or timezone.localdate()
    if not NumberCounter.objects.filter(day=day).update(value=F("value") + 1):
        NumberCounter.objects.get_or_create(day=day)
        NumberCounter.objects.filter(day=day).update(value=F("value") + 1)
    value = NumberCounter.objects.values_list("value", flat=True).get(day=day)
    return addressing.make_number(day, str(conf.get("SYSTEM_ID")), value)
