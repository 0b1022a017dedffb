"""Who is away and who is there: the list, the overview of four weeks, and what happened meanwhile."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import BooleanField, Case, Prefetch, Q, QuerySet, Value, When
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import formats, timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST
from django.views.generic import TemplateView
from wagtail.admin import messages
from wagtail.admin.views.generic.base import WagtailAdminTemplateMixin
from wagtail.admin.widgets.button import HeaderButton

from helpdesk import actions, permissions
from helpdesk.confidence import Veil
from helpdesk.errors import NotFound, NotPermitted
from helpdesk.models import Absence, AbsenceDeputy, AgentSettings, Notice, NoticeKind
from helpdesk.notifications import summaries
from helpdesk.permissions import Actor
from helpdesk.substitutes import Substitutes

from . import policy
from .paging import CappedPaginator
from .standing import day_in_words

PER_PAGE = 50
#: Own absences that are over, shown below the list.
OVER = 5
WEEKS = 4


class AgentsView(WagtailAdminTemplateMixin, TemplateView):
    """A screen for every agent, below the list of absences."""

    page_title: Any
    header_icon = "calendar-alt"
    _show_breadcrumbs = True

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        policy.check(policy.may_enter(policy.actor_of(request)))
        return super().dispatch(request, *args, **kwargs)

    @property
    def actor(self) -> Actor:
        return policy.actor_of(self.request)

    def get_breadcrumbs_items(self) -> list[dict[str, str]]:
        list_url = reverse("helpdesk_agents:absences")
        above = [] if self.request.path == list_url else [{"url": list_url, "label": _("Absences")}]
        return [*self.breadcrumbs_items, *above, {"url": "", "label": str(self.get_page_title())}]


def team_of(actor: Actor) -> QuerySet[Any]:
    """Return the people whose absences `actor` sees: those of the same teams, and themselves."""
    users = get_user_model()._default_manager.filter(is_active=True)
    mates = permissions.teammates(actor).order_by().values("pk")
    return users.filter(Q(pk=actor.user.pk) | Q(pk__in=mates))


def own_first(actor: Actor, path: str = "pk") -> Case:
    """Return what to order by so that the agent's own rows come first."""
    return Case(
        When(**{path: actor.user.pk}, then=Value(False)),
        default=Value(True),
        output_field=BooleanField(),
    )


def visible_absences(actor: Actor) -> QuerySet[Absence]:
    """Return the absences of the people in the actor's teams, with their deputies."""
    deputies = AbsenceDeputy.objects.select_related("queue", "deputy").order_by("queue__name")
    rows = Absence.objects.filter(user__in=team_of(actor).values("pk"))
    return rows.select_related("user", "deputy").prefetch_related(Prefetch("deputies", deputies))


@dataclass(frozen=True)
class Row:
    """An absence as colleagues see it."""

    absence: Absence
    start: str
    end: str
    deputies: list[tuple[str, Any, bool]]  # queue ('' for all), who, away too
    is_now: bool
    is_own: bool
    may_change: bool
    reason: str


def _row(actor: Actor, absence: Absence, who: Substitutes, led: set[int]) -> Row:
    known = actor.queue_rights
    is_own = absence.user_id == actor.user.pk
    named = [("", absence.deputy)] if absence.deputy else []
    named += [
        (row.queue.name, row.deputy)
        for row in absence.deputies.all()
        if is_own or row.queue_id in known
    ]
    return Row(
        absence=absence,
        start=day_in_words(absence.starts_at),
        end=day_in_words(absence.ends_at, is_end=True),
        deputies=[(queue, person, who.is_away(person.pk)) for queue, person in named],
        is_now=absence.starts_at <= who.at,
        is_own=is_own,
        may_change=is_own or absence.user_id in led or policy.is_superuser(actor),
        reason=absence.reason if actions.may_read_reason(actor, absence) else "",
    )


class AbsenceListView(AgentsView):
    """Who is away and will be: own absences first, then the team's."""

    template_name = "helpdesk/agents/absences.html"
    page_title = gettext_lazy("Absences")

    @property
    def header_buttons(self) -> list[Any]:
        url = reverse("helpdesk_agents:absence_new")
        return [HeaderButton(_("Enter an absence"), url=url, icon_name="plus")]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        actor = self.actor
        who = Substitutes()
        rows = visible_absences(actor).filter(ends_at__gt=who.at)
        rows = rows.order_by(own_first(actor, "user"), "starts_at", "pk")
        page = CappedPaginator(rows, PER_PAGE).get_page(self.request.GET.get("p"))
        led = set(permissions.looked_after(actor).order_by().values_list("pk", flat=True))
        over = Absence.objects.filter(user=actor.user, ends_at__lte=who.at).order_by("-ends_at")
        return super().get_context_data(
            page=page,
            rows=[_row(actor, absence, who, led) for absence in page],
            over=[
                (
                    absence.pk,
                    day_in_words(absence.starts_at),
                    day_in_words(absence.ends_at, is_end=True),
                )
                for absence in over[:OVER]
            ],
            **kwargs,
        )


@require_POST
def end(request: HttpRequest, pk: int) -> HttpResponse:
    """End an absence now, or delete one that has not begun."""
    absence = find(policy.actor_of(request), pk)
    try:
        left = actions.end_absence(actor=policy.actor_of(request), absence=absence)
    except (NotPermitted, NotFound) as error:
        raise Http404 from error
    messages.success(
        request, _("The absence is deleted.") if left is None else _("The absence has ended.")
    )
    return redirect("helpdesk_agents:absences")


def find(actor: Actor, pk: int) -> Absence:
    """Return an absence that `actor` may change, or raise 404."""
    rows = Absence.objects.select_related("user")
    if not policy.is_superuser(
        actor
    ):  # what is not theirs takes as long to miss as what is not there
        theirs = permissions.looked_after(actor).order_by().values("pk")
        rows = rows.filter(Q(user=actor.user) | Q(user__in=theirs))
    absence = get_object_or_404(rows, pk=pk)
    if not permissions.may_look_after(actor, absence.user):
        raise Http404
    return absence


# --- four weeks ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Day:
    """A day of the overview."""

    day: date
    weekday: str
    number: str
    is_weekend: bool
    is_today: bool


#: How somebody is there on a day: code → words.
PRESENCE = {
    "away": gettext_lazy("away"),
    "part": gettext_lazy("away for a part of the day"),
    "off": gettext_lazy("day off"),
}


class OverviewView(AgentsView):
    """Who is there in the next four weeks, as a table: a row each person, a column each day."""

    template_name = "helpdesk/agents/absence_overview.html"
    page_title = gettext_lazy("Who is there")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        today = timezone.localdate(timezone=timezone.get_default_timezone())
        monday = today - timedelta(days=today.weekday())
        days = [_day(monday + timedelta(days=n), today) for n in range(7 * WEEKS)]
        people = team_of(self.actor).order_by(
            own_first(self.actor), "last_name", "first_name", "pk"
        )
        page = CappedPaginator(people, PER_PAGE).get_page(self.request.GET.get("p"))
        weeks = [formats.date_format(days[7 * n].day, "SHORT_DATE_FORMAT") for n in range(WEEKS)]
        return super().get_context_data(
            page=page,
            days=days,
            weeks=weeks,
            rows=_presence(list(page), [one.day for one in days]),
            legend=list(PRESENCE.items()),
            **kwargs,
        )


def _day(day: date, today: date) -> Day:
    return Day(day, formats.date_format(day, "D"), str(day.day), day.weekday() >= 5, day == today)


def midnight(day: date) -> datetime:
    """Return the beginning of a day in the site's zone."""
    return timezone.make_aware(datetime.combine(day, time()), timezone.get_default_timezone())


def _presence(people: list[Any], days: list[date]) -> list[tuple[Any, list[tuple[str, Any]]]]:
    """Return for each person a code and words for each day. Two queries."""
    edges = [midnight(day) for day in [*days, days[-1] + timedelta(days=1)]]
    spans: dict[int, list[tuple[datetime, datetime]]] = {}
    rows = Absence.objects.filter(user__in=people, starts_at__lt=edges[-1], ends_at__gt=edges[0])
    for user_id, starts_at, ends_at in rows.values_list("user_id", "starts_at", "ends_at"):
        spans.setdefault(user_id, []).append((starts_at, ends_at))
    free = dict(AgentSettings.objects.filter(user__in=people).values_list("user_id", "free_days"))
    found = []
    for person in people:
        cells = []
        for number, day in enumerate(days):
            code = _code(edges[number], edges[number + 1], spans.get(person.pk, ()))
            if not code and day.weekday() in free.get(person.pk, ()):
                code = "off"
            cells.append((code, PRESENCE.get(code, "")))
        found.append((person, cells))
    return found


def _code(start: datetime, stop: datetime, spans: Any) -> str:
    hit = [(left, right) for left, right in spans if left < stop and right > start]
    if not hit:
        return ""
    return "away" if any(left <= start and right >= stop for left, right in hit) else "part"


# --- what happened meanwhile -----------------------------------------------------------------------


class SummaryView(AgentsView):
    """What happened during an own absence: which tickets moved and how, without a word of anybody."""

    template_name = "helpdesk/agents/absence_summary.html"
    page_title = gettext_lazy("What happened while you were away")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        own = Absence.objects.filter(user=self.actor.user, starts_at__lte=timezone.now())
        absence = get_object_or_404(own.select_related("user"), pk=kwargs["pk"])
        summary = summaries.read(absence)
        Veil().over(one.ticket for one in summary.tickets)
        return super().get_context_data(
            absence=absence,
            start=day_in_words(absence.starts_at),
            end=day_in_words(absence.ends_at, is_end=True),
            summary=summary,
            **kwargs,
        )


@require_GET
def returned(request: HttpRequest, pk: int) -> HttpResponse:
    """Lead from a notice about a return to the summary of its absence."""
    own = Notice.objects.filter(user=request.user.pk, kind=NoticeKind.RETURN)
    absence = summaries.absence_of(get_object_or_404(own, pk=pk))
    if absence is None:
        raise Http404
    return redirect("helpdesk_agents:absence_summary", absence.pk)
