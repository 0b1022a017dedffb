"""What an agent is told at the return from an absence: which tickets moved, and how. No words of anybody."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from django.db import connection, transaction
from django.db.models import Count, Max, Q, QuerySet
from django.template.loader import render_to_string
from django.utils import formats, timezone, translation
from django.utils.translation import gettext as _

from helpdesk import addressing, conf, permissions
from helpdesk.models import (
    Absence,
    AbsenceTicket,
    Event,
    EventKind,
    Notice,
    NoticeChoice,
    NoticeKind,
    OutboundMail,
    Right,
    Ticket,
    Watcher,
)

from . import compose, links, suspension

#: Tickets listed one by one.
LISTED = 200
#: Summaries made in one run of the job.
AT_ONCE = 50
#: How our own mails fare is no news of a ticket.
_SILENT = (EventKind.MAIL_SENT, EventKind.RECEIPT_QUEUED, EventKind.RESPONSE_QUEUED)


@dataclass(frozen=True)
class Moved:
    """One ticket on which something happened: what, in words, each with how often."""

    ticket: Ticket
    kinds: tuple[tuple[str, int], ...]
    last_at: datetime


@dataclass(frozen=True)
class Summary:
    """What happened during an absence on the tickets the agent owned, owns, answers for or watches."""

    totals: tuple[tuple[str, int], ...] = ()
    tickets: tuple[Moved, ...] = ()
    number: int = 0

    @property
    def is_cut(self) -> bool:
        return self.number > len(self.tickets)


def concerned(absence: Absence) -> QuerySet[Ticket]:
    """Return the tickets that concern the absent agent, of those the agent may read and works on."""
    actor = permissions.agent(absence.user)
    had = AbsenceTicket.objects.filter(absence=absence).values("ticket")
    watched = Watcher.objects.filter(user=absence.user_id).values("ticket")
    mine = Q(owner=absence.user_id) | Q(responsible=absence.user_id)
    found = permissions.visible_tickets(actor).filter(queue__in=actor.queues_with(Right.READ))
    return found.filter(mine | Q(pk__in=had) | Q(pk__in=watched))


def read(absence: Absence) -> Summary:
    """Work out what happened between start and end (or now), without what the agent did. Three queries
    beside those for rights."""
    until = min(absence.ends_at, timezone.now())
    events = (
        Event.objects.filter(
            ticket__in=concerned(absence).order_by().values("pk"),
            at__gte=absence.starts_at,
            at__lt=until,
        )
        .exclude(user=absence.user_id)
        .exclude(kind__in=_SILENT)
    )
    rows = events.order_by().values("ticket", "kind").annotate(times=Count("pk"), last=Max("at"))
    gathered: dict[int, _Gathered] = {}
    totals: Counter[str] = Counter()
    for row in rows:
        one = gathered.setdefault(row["ticket"], _Gathered(row["last"]))
        one.last = max(one.last, row["last"])
        one.kinds[row["kind"]] += row["times"]
        totals[row["kind"]] += row["times"]
    newest = sorted(gathered, key=lambda pk: (gathered[pk].last, pk), reverse=True)[:LISTED]
    related = Ticket.objects.select_related("queue", "state", "owner").only(
        *("number", "subject", "queue__name", "state__type", "state__name_de", "state__name_en"),
        *("owner__first_name", "owner__last_name", "owner__username"),
    )
    tickets = related.in_bulk(newest)
    moved = (
        Moved(tickets[pk], _in_words(gathered[pk].kinds), gathered[pk].last)
        for pk in newest
        if pk in tickets
    )
    return Summary(_in_words(totals), tuple(moved), len(gathered))


@dataclass
class _Gathered:
    last: datetime
    kinds: Counter[str] = field(default_factory=Counter)


def _in_words(kinds: Counter[str]) -> tuple[tuple[str, int], ...]:
    labels = dict(EventKind.choices)
    return tuple((str(labels.get(kind, kind)), times) for kind, times in kinds.most_common())


def sum_up_absences() -> int:
    """Tell those whose absence is over what happened; return how many. A job of the worker.

    Each absence is one transaction that ends with its mark: told once, whatever dies, however many work.
    """
    due = Absence.objects.filter(summed_up_at__isnull=True, ends_at__lte=timezone.now())
    return sum(_sum_up(pk) for pk in due.order_by("ends_at").values_list("pk", flat=True)[:AT_ONCE])


@transaction.atomic
def _sum_up(pk: int) -> bool:
    skip = connection.features.has_select_for_update_skip_locked
    rows = Absence.objects.select_for_update(no_key=True, skip_locked=skip, of=("self",))
    now = timezone.now()
    absence = rows.filter(pk=pk, summed_up_at__isnull=True, ends_at__lte=now).first()
    if absence is None:
        return False
    absence.summed_up_at = now
    absence.save(update_fields=["summed_up_at"])
    if absence.user.is_active and permissions.is_agent(permissions.agent(absence.user)):
        send_return(absence=absence)
    return True


def send_return(*, absence: Absence) -> Notice:
    """Tell an agent who is back of the summary: in the admin, and by mail if the agent chose so.

    The notice is of the moment in which the absence was summed up (`absence.summed_up_at`). Call inside a
    transaction.
    """
    choice = NoticeChoice.objects.filter(user=absence.user_id, kind=NoticeKind.RETURN).first()
    by_mail = choice.by_mail if choice is not None else Notice.ByMail.NO
    notice = Notice(
        user=absence.user,
        kind=NoticeKind.RETURN,
        at=absence.summed_up_at or timezone.now(),
        in_admin=choice.in_admin if choice is not None else True,
        by_mail=by_mail,
    )
    if by_mail == Notice.ByMail.NOW and (mail := _mail(absence)) is not None:
        mail.save(force_insert=True)
        notice.mail = mail
    notice.save(force_insert=True)
    return notice


def _mail(absence: Absence) -> OutboundMail | None:
    """Return the unsaved mail with the counts, or None where no mail can go."""
    user = absence.user
    try:
        address = addressing.canonical(user.email)
    except addressing.BadAddress:
        return None
    if suspension.suspended(address):
        return None
    language = conf.site_language(getattr(user, "language", "") or "")
    with translation.override(language):
        summary = read(absence)
        context = {
            "name": user.get_full_name(),
            "start": _day(absence.starts_at),
            "end": _day(absence.ends_at),
            "totals": summary.totals,
            "number": summary.number,
            "url": links.return_url(absence),
            "site_name": conf.get("SITE_NAME"),
        }
        row = compose.notice(queue=None, language=language)
        row.kind = OutboundMail.Kind.NOTICE
        row.to = [[user.get_full_name(), user.email]]
        row.subject = _("What happened while you were away")
        row.body = render_to_string("helpdesk/mail/return.txt", context).strip() + "\n"
    return row


def _day(at: datetime) -> str:
    local = timezone.localtime(at, timezone.get_default_timezone())
    return formats.date_format(local, "SHORT_DATE_FORMAT")


def absence_of(notice: Notice) -> Absence | None:
    """Return the absence of which a notice of the kind RETURN tells."""
    return Absence.objects.filter(user=notice.user_id, summed_up_at=notice.at).first()
