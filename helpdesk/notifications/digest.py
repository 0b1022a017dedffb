"""The daily digest: one mail on every working day to each agent for whom there is something to say."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import date
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from helpdesk import conf
from helpdesk.errors import InvalidInput
from helpdesk.models import AgentSettings, Calendar, Notice, OutboundMail, Queue
from helpdesk.substitutes import Substitutes

from . import compose, links, notices, suspension
from .overview import Overview, Section

logger = logging.getLogger(__name__)

#: Monday to Friday: where a queue has no calendar.
_WEEK = range(5)


def send_digests() -> int:
    """Queue the digests that are due; return how many.

    From the hour that the settings name, on days on which one of the agent's queues works (by its calendar; Monday
    to Friday without one), once a day, to whoever is not away and did not switch it off. Safe in several workers
    at once. An agent's fault is logged by type and stops no other; it is tried again at the next call.
    """
    now = timezone.localtime()
    if now.hour < int(conf.get("DIGEST_HOUR")):
        return 0
    today = now.date()
    overview = Overview()
    settled = AgentSettings.objects.filter(Q(digest=False) | Q(digest_sent_on__gte=today))
    done = frozenset(settled.values_list("user_id", flat=True))
    waiting = [user for pk, user in overview.teams.users.items() if pk not in done]
    if not waiting:
        return 0
    away = Substitutes(part_time=True)
    working = _queues_at_work(overview.teams.queues.values(), today)
    sent = 0
    for user in waiting:
        at_work = any(user.pk in overview.teams.team(pk) for pk in working)
        if at_work and not away.is_away(user.pk):
            sent += _sent_safely(overview, user, today)
    return sent


def _queues_at_work(queues: Iterable[Queue], today: date) -> list[int]:
    """Return the ids of the queues that work on a day. One query."""
    found = Calendar.objects.in_bulk()
    usual = today.weekday() in _WEEK
    open_on = {pk: _is_open(row, today, usual) for pk, row in found.items()}
    return [
        queue.pk for queue in queues if queue.is_active and open_on.get(_calendar_of(queue), usual)
    ]


def _is_open(calendar: Calendar, today: date, usual: bool) -> bool:
    try:
        return not calendar.work_time().day(today).is_closed
    except InvalidInput:  # a calendar that cannot be read must not silence everybody
        return usual


def _calendar_of(queue: Queue) -> int:
    found = queue.inherited("calendar_id")
    return found if isinstance(found, int) else 0


def _sent_safely(overview: Overview, user: Any, today: date) -> bool:
    try:
        return _send(overview, user, today)
    except Exception as fault:  # noqa: BLE001  any fault at all belongs to this agent alone
        logger.error("digest of user %s failed: %s", user.pk, type(fault).__name__)
        return False


@transaction.atomic
def _send(overview: Overview, user: Any, today: date) -> bool:
    """Queue one agent's digest, and note that; tell whether there was something to say."""
    AgentSettings.objects.get_or_create(user=user)
    before = Q(digest_sent_on__isnull=True) | Q(digest_sent_on__lt=today)
    mine = AgentSettings.objects.filter(before, user=user, digest=True)
    if not mine.update(digest_sent_on=today):
        return False  # another worker has it
    collected = overview.collected(overview.teams.actor(user)).order_by()
    suspended = suspension.suspended_among([user.email])
    with translation.override(notices.language_of(user)):
        sections = [] if notices.why_not(user, None, suspended) else overview.sections(user)
        if not sections:
            collected.update(by_mail=Notice.ByMail.NO)  # read already, or nowhere to send it
            return False
        row = _mail(user, sections, today)
    row.save(force_insert=True)
    collected.update(mail=row)
    return True


def _mail(user: Any, sections: list[Section], today: date) -> OutboundMail:
    day = date_format(today, "DATE_FORMAT")
    subject = _("Your tickets on %(date)s") % {"date": day}
    context = {
        "name": user.get_full_name(),
        "sections": sections,
        "subject": subject,
        "site_name": conf.get("SITE_NAME"),
        "choices_url": links.desk_url("notice_choices"),
    }
    return compose.desk_notice(
        unique=f"d{user.pk}-{today:%Y%m%d}",
        user=user,
        subject=f"{subject} · {conf.get('SITE_NAME')}",
        text=render_to_string("helpdesk/mail/digest.txt", context),
        html=render_to_string("helpdesk/mail/digest.html", context).strip() + "\n",
        language=translation.get_language() or "",
        about=(line.ticket for section in sections for line in section.lines if line.ticket),
    )
