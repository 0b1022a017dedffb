"""Mail filters: conditions over an arriving mail, and what they decide."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime

from django.db.models import F
from django.utils.translation import gettext_lazy as _

from helpdesk.models import MailFilter
from helpdesk.rules import conditions, effects
from helpdesk.rules.fields import ConditionError, Field, FieldSet, FieldType

from .parsed import ParsedMail

logger = logging.getLogger(__name__)

#: What a filter may ask of a mail.
MAIL_FIELDS = FieldSet(
    Field("from", FieldType.TEXT, _("sender's address")),
    Field("from_name", FieldType.TEXT, _("sender's name")),
    Field("recipients", FieldType.LIST, _("recipients")),
    Field("subject", FieldType.TEXT, _("subject")),
    Field("body", FieldType.TEXT, _("text")),
    Field("attachments", FieldType.LIST, _("names of attachments")),
    Field("machine", FieldType.TEXT, _("kind of machine mail")),
    Field("spam", FieldType.TEXT, _("spam flag of the mail server")),
)


@dataclass(frozen=True)
class Verdict:
    """What the filters decided together, and the names of those that matched."""

    plan: effects.Plan
    names: tuple[str, ...] = ()


def values_of(mail: ParsedMail, recipients: tuple[str, ...], machine: str) -> dict[str, object]:
    """Return the values of `MAIL_FIELDS` for one mail."""
    return {
        "from": mail.from_.address if mail.from_ else "",
        "from_name": mail.from_.name if mail.from_ else "",
        "recipients": list(recipients),
        "subject": mail.subject,
        "body": mail.text[:50_000],
        "attachments": [part.name for part in mail.attachments],
        "machine": machine,
        "spam": " ".join(mail.headers.get("x-spam-flag", ())),
    }


def judge(mail: ParsedMail, recipients: tuple[str, ...], machine: str, *, now: datetime) -> Verdict:
    """Run the active filters in their order; a hit is counted, *stops* ends the run.

    A filter that cannot be read any more (its queue is gone, say) is passed over and logged.
    """
    values = values_of(mail, recipients, machine)
    decided: list[effects.Effect] = []
    hits: list[MailFilter] = []
    for row in MailFilter.objects.filter(is_active=True):
        try:
            condition = conditions.parse(row.condition, MAIL_FIELDS, known=False)
            chosen = effects.parse(row.effects)
        except (ConditionError, effects.EffectError) as error:
            logger.warning("mail filter %s cannot be read: %s", row.pk, error.code)
            continue
        if not condition.matches(values, now):
            continue
        hits.append(row)
        decided += chosen
        if row.stops:
            break
    if hits:
        MailFilter.objects.filter(pk__in=[row.pk for row in hits]).update(hits=F("hits") + 1)
    return Verdict(effects.plan(decided), tuple(row.name for row in hits))
