"""Mail filters: conditions over an arriving mail, and what they decide.

Filters run for every mail, in the order given by hand, after own mail and second deliveries were
recognised. What they set holds for new tickets only; to a mail that joins a ticket they add notes
and tags, or ignore or refuse it (the field *belongs to an existing ticket* tells the two apart).
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import F

from helpdesk.models import MailFilter
from helpdesk.rules import conditions, effects
from helpdesk.rules.fields import ConditionError, FieldSet

from .filter_fields import MAIL_FIELDS, Context, MailValues
from .parsed import ParsedMail

__all__ = ["MAIL_FIELDS", "Compiled", "Context", "Verdict", "compiled", "decide", "judge", "load"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Compiled:
    """A filter, read and checked; `pk` is 0 for one that was never saved."""

    pk: int
    name: str
    condition: conditions.Condition
    effects: tuple[effects.Effect, ...]
    stops: bool


@dataclass(frozen=True)
class Verdict:
    """What the filters decided together, and the names and ids of those that matched."""

    plan: effects.Plan
    names: tuple[str, ...] = ()
    hits: tuple[int, ...] = ()


def compiled(row: MailFilter, fields: FieldSet = MAIL_FIELDS) -> Compiled:
    """Return a stored filter ready to run; rows its values name may be gone since.

    Raises `ConditionError` or `EffectError` for one that cannot be read any more.
    """
    return Compiled(
        row.pk or 0,
        row.name,
        conditions.parse(row.condition, fields, known=False),
        effects.parse(row.effects),
        row.stops,
    )


def load() -> tuple[Compiled, ...]:
    """Return the active filters in their order: once for a batch of mails, one query.

    A filter that cannot be read any more is passed over and logged.
    """
    found = []
    for row in MailFilter.objects.filter(is_active=True):
        try:
            found.append(compiled(row))
        except (ConditionError, effects.EffectError) as error:
            logger.warning("mail filter %s cannot be read: %s", row.pk, error.code)
    return tuple(found)


def decide(
    values: MailValues,
    rules: Iterable[Compiled],
    now: datetime,
    headers: tuple[effects.Effect, ...] = (),
) -> Verdict:
    """Return what these filters decide for a mail, without counting anything.

    `headers` come from a trusted account (`trusted.plan_of`): they stand before all filters, which
    therefore win, and say nothing about a mail that joins a ticket.
    """
    joins = values.context.is_followup
    decided = [] if joins else list(headers)
    matched: list[Compiled] = []
    for rule in rules:
        if not rule.condition.matches(values, now):
            continue
        matched.append(rule)
        decided += rule.effects
        if rule.stops:
            break
    plan = effects.plan(decided)
    return Verdict(
        plan.for_existing() if joins else plan,
        tuple(rule.name for rule in matched),
        tuple(rule.pk for rule in matched),
    )


def judge(
    mail: ParsedMail,
    recipients: tuple[str, ...],
    machine: str,
    *,
    now: datetime,
    compiled: tuple[Compiled, ...] | None = None,
    context: Context | None = None,
    headers: tuple[effects.Effect, ...] = (),
) -> Verdict:
    """Run the filters over one mail; *stops* ends the run, each hit is counted.

    `compiled` are those of `load()`; without it they are loaded. Hits are written with one UPDATE,
    only if there are any; `headers` as in `decide`.
    """
    values = MailValues(mail, recipients, machine, context or Context())
    verdict = decide(values, load() if compiled is None else compiled, now, headers)
    if verdict.hits:
        MailFilter.objects.filter(pk__in=verdict.hits).update(hits=F("hits") + 1, last_hit_at=now)
    return verdict
