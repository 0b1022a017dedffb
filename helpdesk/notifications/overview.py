"""What stands in an agent's daily digest: looked up, put into sections, nothing changed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import cached_property
from typing import Any

from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from helpdesk import conf, permissions
from helpdesk.confidence import Veil
from helpdesk.models import NOT_ARCHIVED, Event, EventKind, Notice, Right, SavedDraft, Ticket
from helpdesk.permissions import Actor
from helpdesk.states import OPEN_TYPES
from helpdesk.teams import Teams

from . import links, sentences
from .recipients import Batch

#: Lines of one section; the rest is a number and a link.
CAP = 10
WAITING = 5


@dataclass(frozen=True)
class Line:
    """One thing: what it is about, words beside it, and the address of it."""

    title: str
    words: str
    url: str
    ticket: int | None = None


@dataclass(frozen=True)
class Section:
    """A heading with some lines; `more` are those that there is no room for, to be seen at `url`."""

    title: str
    lines: tuple[Line, ...]
    more: int = 0
    url: str = ""


class Overview:
    """Looks up what agents should know of one day. Rights and absences are read once for all of them."""

    def __init__(self, teams: Teams | None = None) -> None:
        self.teams = teams or Teams()
        self.veil = Veil(self.teams.queues)
        self.batch = Batch((), self.teams)
        self.now = self.batch.at
        tomorrow = timezone.localtime(self.now).date() + timedelta(days=1)
        self.end_of_day = timezone.make_aware(datetime.combine(tomorrow, time()))

    @cached_property
    def _away(self) -> frozenset[int]:
        """Who is on leave. A day off in the week makes no ticket homeless."""
        return frozenset(self.batch.substitutes("").absences)

    @cached_property
    def _stood_for(self) -> dict[int, dict[int, list[int]]]:
        """For whom an agent stands in, and in which queues: {agent: {who is away: [queue, …]}}."""
        found: dict[int, dict[int, list[int]]] = {}
        for absent in self._away:
            for pk, queue in self.teams.queues.items():
                stands = self.batch.standing(absent, queue, Right.OWN, "").person
                if stands is not None:
                    found.setdefault(stands, {}).setdefault(absent, []).append(pk)
        return found

    def sections(self, user: Any) -> list[Section]:
        """Return what to tell an agent today, without empty sections, in the active language."""
        actor = self.teams.actor(user)
        queues = [pk for pk in self.teams.queues if user.pk in self.teams.team(pk)]
        managed = [pk for pk in queues if user.pk in self.teams.team(pk, Right.MANAGE)]
        mine = self._open(actor, queues)
        found = [
            *self._due(mine, user),
            self._unowned(mine),
            self._waiting(mine, user),
            self._notices(actor),
            self._drafts(actor),
            *(self._lead(self._open(actor, managed)) if managed else ()),
        ]
        return [section for section in found if section.lines]

    def _open(self, actor: Actor, queues: Iterable[int]) -> QuerySet[Ticket]:
        rows = permissions.visible_tickets(actor).filter(
            NOT_ARCHIVED,
            queue__in=list(queues),
            queue__is_junk=False,
            state__type__in=OPEN_TYPES,
            is_test=False,
        )
        return rows.select_related("queue", "owner").only(
            *("number", "subject", "next_action_at", "next_action", "waiting_since", "created_at"),
            *("queue__name", "owner__first_name", "owner__last_name", "owner__username"),
        )

    # --- for everybody ---

    def _due(self, tickets: QuerySet[Ticket], user: Any) -> list[Section]:
        whose = Q(owner=user)
        for absent, queues in self._stood_for.get(user.pk, {}).items():
            whose |= Q(owner=absent, queue__in=queues)
        rows = tickets.filter(whose).order_by("next_action_at", "pk")
        url = links.desk_url("tickets_view", "due")

        def words(ticket: Ticket) -> str:
            said = [ticket.get_next_action_display(), self._when(ticket.next_action_at)]
            if ticket.owner is not None and ticket.owner_id != user.pk:
                said.append(_("for %(name)s") % {"name": _name(ticket.owner)})
            return ", ".join(one for one in said if one)

        overdue = rows.filter(next_action_at__lt=self.now)
        today = rows.filter(next_action_at__gte=self.now, next_action_at__lt=self.end_of_day)
        return [
            self._section(_("Overdue"), overdue, words, url),
            self._section(_("Due today"), today, words, url),
        ]

    def _unowned(self, tickets: QuerySet[Ticket]) -> Section:
        hours = int(conf.get("UNOWNED_HOURS"))
        changes = Event.objects.filter(ticket=OuterRef("pk"), kind=EventKind.OWNER_CHANGED)
        since = Coalesce(Subquery(changes.order_by("-pk").values("at")[:1]), F("created_at"))
        rows = tickets.filter(owner__isnull=True, created_at__lt=self.now - timedelta(hours=hours))
        rows = rows.annotate(since=since).filter(since__lt=self.now - timedelta(hours=hours))
        title = ngettext(
            "Nobody has owned these for more than %(n)d hour",
            "Nobody has owned these for more than %(n)d hours",
            hours,
        )
        return self._section(
            title % {"n": hours},
            rows.order_by("since", "pk"),
            lambda ticket: f"{ticket.queue.name}, {_since(ticket.since)}",
            links.desk_url("tickets_view", "unassigned"),
        )

    def _waiting(self, tickets: QuerySet[Ticket], user: Any) -> Section:
        rows = tickets.filter(Q(owner=user) | Q(owner__isnull=True), waiting_since__isnull=False)
        return self._section(
            _("Waiting longest for an answer"),
            rows.order_by("waiting_since", "pk"),
            lambda ticket: f"{ticket.queue.name}, {_since(ticket.waiting_since)}",
            links.desk_url("tickets_view", "waiting-for-us"),
            most=WAITING,
        )

    def collected(self, actor: Actor) -> QuerySet[Notice]:
        """Return the notices that wait for the digest of an agent, read or not."""
        rows = permissions.visible_notices(actor)
        return rows.filter(by_mail=Notice.ByMail.DIGEST, mail__isnull=True)

    def _notices(self, actor: Actor) -> Section:
        rows = self.collected(actor).filter(read_at__isnull=True)
        rows = rows.select_related("ticket__queue", "event__user", "instead_of")
        found = list(rows.defer("ticket__answers", "ticket__preview")[:CAP])
        lines = tuple(
            Line(
                self._title(row.ticket) if row.ticket else sentences.head(row.kind),
                " ".join(filter(None, (sentences.sentence(row), sentences.instead(row)))),
                links.ticket_url(row.ticket) if row.ticket else links.desk_url("notices"),
                row.ticket_id,
            )
            for row in found
        )
        more = max(rows.count() - CAP, 0) if len(found) == CAP else 0
        return Section(_("What happened"), lines, more, links.desk_url("notices"))

    def _drafts(self, actor: Actor) -> Section:
        rows = SavedDraft.objects.filter(
            user=actor.user,
            saved_at__lt=self.now - timedelta(hours=1),
            ticket__in=permissions.visible_tickets(actor),
        )
        found = list(
            rows.select_related("ticket")
            .defer("fields", "ticket__answers")
            .order_by("saved_at")[:CAP]
        )
        lines = tuple(
            Line(
                self._title(row.ticket),
                self._when(row.saved_at),
                links.ticket_url(row.ticket),
                row.ticket_id,
            )
            for row in found
        )
        more = max(rows.count() - CAP, 0) if len(found) == CAP else 0
        return Section(_("Drafts that you have not sent"), lines, more, links.desk_url("tickets"))

    # --- for those who manage a queue ---

    def _lead(self, tickets: QuerySet[Ticket]) -> list[Section]:
        url = links.desk_url("tickets")
        due = tickets.filter(next_action_at__lt=self.end_of_day)
        away = due.filter(owner__in=self._away).order_by("next_action_at", "pk")
        return [
            self._numbers(due),
            self._section(
                _("Nobody would think of these: no next date, and nobody who is there owns them"),
                self.forgotten(tickets).order_by("created_at", "pk"),
                lambda ticket: f"{ticket.queue.name}, {_owner(ticket)}",
                url,
            ),
            self._section(
                _("Due, and the owner is away"),
                away,
                lambda ticket: f"{_owner(ticket)}, {self._when(ticket.next_action_at)}",
                url,
            ),
        ]

    def forgotten(self, tickets: QuerySet[Ticket]) -> QuerySet[Ticket]:
        """Return those of open tickets that have neither a next date nor an owner who is there (promise 6)."""
        nobody = Q(owner__isnull=True) | Q(owner__in=self._away) | Q(owner__is_active=False)
        return tickets.filter(nobody, next_action_at__isnull=True)

    def _numbers(self, due: QuerySet[Ticket]) -> Section:
        counts = (
            due.order_by()
            .values("queue_id", "queue__name")
            .annotate(
                overdue=Count("pk", filter=Q(next_action_at__lt=self.now)),
                today=Count("pk", filter=Q(next_action_at__gte=self.now)),
            )
        )
        lines = tuple(
            Line(
                row["queue__name"],
                _("%(overdue)d overdue, %(today)d due today")
                % {"overdue": row["overdue"], "today": row["today"]},
                f"{links.desk_url('tickets')}?queue={row['queue_id']}",
            )
            for row in counts.order_by("queue__name")
        )
        return Section(_("In the queues that you manage"), lines)

    def _when(self, at: datetime | None) -> str:
        if at is None:
            return ""
        local = timezone.localtime(at)
        same = local.date() == timezone.localtime(self.now).date()
        return date_format(local, "TIME_FORMAT" if same else "SHORT_DATETIME_FORMAT")

    def _section(
        self, title: str, rows: QuerySet[Ticket], words: Any, url: str, most: int = CAP
    ) -> Section:
        found = list(rows[:most])
        more = max(rows.count() - most, 0) if len(found) == most else 0
        lines = (
            Line(self._title(ticket), words(ticket), links.ticket_url(ticket), ticket.pk)
            for ticket in found
        )
        return Section(title, tuple(lines), more, url)

    def _title(self, ticket: Ticket) -> str:
        return f"{self.veil.subject(ticket)} ({ticket.number})"


def _name(user: Any) -> str:
    return str(user.get_full_name() or user.get_username())


def _owner(ticket: Ticket) -> str:
    return _name(ticket.owner) if ticket.owner is not None else _("nobody owns it")


def _since(at: datetime) -> str:
    local = date_format(timezone.localtime(at), "SHORT_DATETIME_FORMAT")
    return _("since %(date)s") % {"date": local}
