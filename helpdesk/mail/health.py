"""How the mailboxes are: what fails, and what is silent for longer than it ever is."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from django.db.models import Count, IntegerField, Max, Min, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce, TruncHour
from django.utils import timezone

from helpdesk.models import InboundMail, MailAccount

#: How far back the habits of a mailbox are looked for, and what must be known of them.
MEMORY = timedelta(days=28)
ENOUGH_MAILS, ENOUGH_TIME = 20, timedelta(days=8)  # a weekend is among them
#: A silence counts when it is so many times as long as the longest one seen, and at least so long.
FACTOR, SHORTEST = 2.0, timedelta(hours=4)

#: When a mailbox had mail: first and last of one hour, and how many.
Hour = tuple[datetime, datetime, int]


def silence_limit(hours: list[Hour]) -> timedelta | None:
    """Return how long a mailbox with this past may be silent; None if too little is known.

    `hours` are in order. Nights and weekends are among the gaps of an office's mailbox, so they alarm nobody.
    """
    if not hours or sum(count for _first, _last, count in hours) < ENOUGH_MAILS:
        return None
    if hours[-1][1] - hours[0][0] < ENOUGH_TIME:
        return None
    pairs = zip(hours, hours[1:], strict=False)
    longest = max((later[0] - earlier[1] for earlier, later in pairs), default=timedelta(0))
    return max(longest * FACTOR, SHORTEST)


def watch_silence() -> int:
    """Note on every account in use whether it is silent for longer than usual; return how many are.

    Two queries, whatever the number of accounts and mails; what changes is written.
    """
    now = timezone.now()
    hours = _hours(now - MEMORY)
    silent = 0
    accounts = MailAccount.objects.only("pk", "silent_since", "mailbox__active")
    for account in accounts.select_related("mailbox"):
        since = _silent_since(account, hours.get(account.pk, []), now)
        silent += since is not None
        if since != account.silent_since:
            MailAccount.objects.filter(pk=account.pk).update(silent_since=since)
    return silent


def _hours(start: datetime) -> dict[int, list[Hour]]:
    rows = (
        InboundMail.objects.filter(
            mailbox__active=True, mailbox__helpdesk_account__isnull=False, received_at__gte=start
        )
        .order_by()
        .annotate(hour=TruncHour("received_at"))
        .values("mailbox_id", "hour")
        .annotate(first=Min("received_at"), last=Max("received_at"), count=Count("pk"))
        .order_by("mailbox_id", "first")
        .values_list("mailbox_id", "first", "last", "count")
    )
    return {
        pk: [(first, last, count) for _pk, first, last, count in group]
        for pk, group in groupby(rows.iterator(), key=lambda row: row[0])
    }


def _silent_since(account: MailAccount, hours: list[Hour], now: datetime) -> datetime | None:
    """Return the time of the last mail if it was too long ago."""
    if not account.mailbox.active:
        return None
    known = account.silent_since
    if known is not None and (not hours or hours[-1][1] <= known):
        return known  # still; the habits fade from memory while it lasts
    limit = silence_limit(hours)
    if limit is None or now - hours[-1][1] <= limit:
        return None
    return hours[-1][1]


def in_trouble() -> QuerySet[MailAccount]:
    """Return the accounts in use that fail or are silent for too long, with their mailbox and queue."""
    rows = MailAccount.objects.filter(~Q(last_error="") | Q(silent_since__isnull=False))
    return rows.filter(mailbox__active=True).select_related("mailbox", "queue")


def summary() -> tuple[int, int]:
    """Return how many accounts are in use, and how many of them are in trouble; one query."""
    trouble = ~Q(last_error="") | Q(silent_since__isnull=False)
    found = MailAccount.objects.filter(mailbox__active=True).aggregate(
        all=Count("pk"), bad=Count("pk", filter=trouble)
    )
    return found["all"], found["bad"]


def mails_today(mailbox: str = "pk") -> Any:
    """Return an expression: how many mails of a row's mailbox have come since midnight, in the site's time zone."""
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    rows = InboundMail.objects.filter(mailbox=OuterRef(mailbox), received_at__gte=midnight)
    counted = rows.order_by().values("mailbox").annotate(count=Count("pk")).values("count")
    return Coalesce(Subquery(counted, output_field=IntegerField()), 0)
