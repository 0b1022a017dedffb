"""What a filter would do, tried on the newest stored mails. Nothing is saved, no hit is counted."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from datetime import datetime

from helpdesk.models import InboundMail
from helpdesk.rules.effects import Plan

from . import filters, trusted
from .filter_fields import Context, MailValues
from .filters import Compiled
from .incoming import recipients_of
from .parse import parse
from .parsed import ParsedMail
from .screen import screen

#: A trial looks at so many mails and takes so long at most; larger mails are left out.
LIMIT, SECONDS, MAX_SIZE = 200, 5.0, 10 * 1024 * 1024
MAX_SHOWN = 120

#: Mails that these rules decided over never reach the filters.
_BEFORE_FILTERS = (
    InboundMail.Rule.OWN_MAIL,
    InboundMail.Rule.BLOCKED,
    InboundMail.Rule.SECOND_DELIVERY,
)


@dataclass(frozen=True)
class Hit:
    """A mail that fits: who, what, and what is decided without and with the filter tried.

    `stopped`: an earlier filter ends the run before this one.
    """

    pk: int
    received_at: datetime
    sender: str
    subject: str
    joins: bool
    before: Plan
    after: Plan
    stopped: bool

    @property
    def changes(self) -> bool:
        return self.before != self.after


@dataclass(frozen=True)
class Trial:
    """What a trial saw: `tried` mails, of which `hits` fit; the rest says what it did not see."""

    tried: int = 0
    hits: tuple[Hit, ...] = ()
    unreadable: int = 0
    too_large: int = 0
    timed_out: bool = False

    @property
    def changed(self) -> int:
        return sum(hit.changes for hit in self.hits)


def replaced(current: tuple[Compiled, ...], tried: Compiled, before: int) -> tuple[Compiled, ...]:
    """Return the filters with the tried one in the place it has, or `before` so many of the others."""
    others = tuple(one for one in current if one.pk != tried.pk)
    return (*others[:before], tried, *others[before:])


def try_filter(
    tried: Compiled,
    current: tuple[Compiled, ...],
    changed: tuple[Compiled, ...],
    *,
    now: datetime,
    limit: int = LIMIT,
    seconds: float = SECONDS,
) -> Trial:
    """Run `tried` over the newest `limit` stored mails, one mail in memory at a time.

    `current` are the filters in use, `changed` those with the tried one (`replaced`). Ends after
    `seconds`, between two mails, and says so.
    """
    deadline = time.monotonic() + seconds
    trial = Trial()
    rows = (
        InboundMail.objects.filter(blob__isnull=False)
        .exclude(rule__in=_BEFORE_FILTERS)
        .select_related("blob")
        .defer("evidence", "error")
        .order_by("-received_at", "-pk")[: min(limit, LIMIT)]
    )
    for row in rows:
        if time.monotonic() > deadline:
            return replace(trial, timed_out=True)
        if row.size > MAX_SIZE or row.blob is None:
            trial = replace(trial, too_large=trial.too_large + 1)
            continue
        try:
            raw = row.blob.read()
        except OSError:  # the storage lost it
            trial = replace(trial, unreadable=trial.unreadable + 1)
            continue
        hit = _hit(row, parse(raw), tried, current, changed, now)
        hits = (*trial.hits, hit) if hit else trial.hits
        trial = replace(trial, tried=trial.tried + 1, hits=hits)
    return trial


def _hit(
    row: InboundMail,
    mail: ParsedMail,
    tried: Compiled,
    current: tuple[Compiled, ...],
    changed: tuple[Compiled, ...],
    now: datetime,
) -> Hit | None:
    machine = screen(mail)
    joins = row.outcome == InboundMail.Outcome.APPENDED
    values = MailValues(
        mail,
        recipients_of(row, mail),
        str(machine.kind) if machine else "",
        Context(is_followup=joins, account=row.mailbox_id, size=row.size),
    )
    if not tried.condition.matches(values, now):
        return None
    headers = trusted.plan_of(mail).effects if row.trusted else ()
    after = filters.decide(values, changed, now, headers)
    return Hit(
        row.pk,
        row.received_at,
        mail.from_.address[:MAX_SHOWN] if mail.from_ else "",
        mail.subject[:MAX_SHOWN],
        joins,
        filters.decide(values, current, now, headers).plan,
        after.plan,
        stopped=tried.pk not in after.hits,
    )
