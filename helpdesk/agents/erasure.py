"""Erasure in the admin: what is due, what the nightly runs did, dry runs, and what was erased.

For those who read the audit log: superusers see all queues, others those that they administer.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.core.paginator import Paginator
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST
from django.views.generic import TemplateView
from wagtail.admin import messages
from wagtail.admin.views.generic.base import WagtailAdminTemplateMixin

from helpdesk import permissions
from helpdesk.models import ErasureRun, Queue, StorageStep, Tombstone
from helpdesk.permissions import Actor
from helpdesk.privacy import dry_run, due

from . import policy, run_words
from .holds import visible_holds

#: Nightly runs shown.
RUNS = 14
PAGE = 50


@dataclass(frozen=True)
class Due:
    """How many tickets of a queue come to a step: tonight, in a week, in thirty days; each with those before."""

    queue: str
    step: str
    tonight: int
    week: int
    month: int


def in_sight(actor: Actor, path: str = "queue") -> Q:
    """Return a filter on rows whose `path` leads to a queue that the actor administers; superusers see all."""
    if policy.is_superuser(actor):
        return Q()
    return Q(**{f"{path}__in": permissions.administered(actor)})


def forecast(actor: Actor, now: datetime) -> list[Due]:
    """Return what comes due in thirty days by queue and step, in the order of the queues' names. One query."""
    night = due.next_night(now)
    rows = due.all_due(night + timedelta(days=30)).filter(in_sight(actor))
    grouped = rows.order_by().values("queue__name", "storage_step")
    counted = grouped.annotate(
        tonight=Count("pk", filter=Q(storage_step_at__lte=night)),
        week=Count("pk", filter=Q(storage_step_at__lte=night + timedelta(days=7))),
        month=Count("pk"),
    )
    labels = dict(StorageStep.choices)
    return [
        Due(
            row["queue__name"],
            str(labels.get(row["storage_step"], row["storage_step"])),
            row["tonight"],
            row["week"],
            row["month"],
        )
        for row in counted.order_by("queue__name", "storage_step")
    ]


def in_words(run: Any) -> Any:
    """Give a run what the screen tells of it."""
    run.told = run_words.counted(run.counts)
    run.lasted = run_words.lasted(run)
    run.has_trouble = run_words.has_trouble(run)
    return run


@dataclass(frozen=True)
class Would:
    """What a dry run says of a queue."""

    queue: str
    reason: str
    number: int


def would_be(run: ErasureRun, actor: Actor) -> list[Would]:
    """Return what a dry run counted in the queues that the actor sees, by the queues' names. One query."""
    counted = run.counts.get("queues", {})
    rows = Queue.objects.filter(in_sight(actor, "pk"), pk__in=[int(pk) for pk in counted])
    return [
        Would(name, run_words.reason(code), number)
        for pk, name in rows.order_by("name").values_list("pk", "name")
        for code, number in sorted(counted[str(pk)].items())
    ]


class AuditorsView(WagtailAdminTemplateMixin, TemplateView):
    """A screen for those who read the audit log."""

    page_title: Any
    header_icon = "bin"
    _show_breadcrumbs = True

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        policy.check(policy.may_audit(policy.actor_of(request)))
        return super().dispatch(request, *args, **kwargs)

    def get_breadcrumbs_items(self) -> list[dict[str, str]]:
        return [*self.breadcrumbs_items, {"url": "", "label": str(self.page_title)}]


class ErasureView(AuditorsView):
    """What is due, what is under way, and what the last nights did. A fixed number of queries."""

    template_name = "helpdesk/agents/erasure.html"
    page_title = gettext_lazy("Erasure")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        actor, now = policy.actor_of(self.request), timezone.now()
        nightly = ErasureRun.objects.filter(is_dry=False).order_by("-started_at", "-pk")
        runs: list[Any] = [in_words(run) for run in nightly[:RUNS]]
        dry = ErasureRun.objects.filter(is_dry=True).order_by("-started_at", "-pk").first()
        rows = forecast(actor, now)
        return super().get_context_data(
            night=due.next_night(now),
            rows=rows,
            sums={
                name: sum(getattr(row, name) for row in rows)
                for name in ("tonight", "week", "month")
            },
            holds=visible_holds(actor).count() if policy.may_manage(actor) else None,
            under_way=[with_progress(run) for run in runs if run.finished_at is None],
            runs=[run for run in runs if run.finished_at is not None],
            dry=in_words(dry) if dry is not None else None,
            would=would_be(dry, actor) if dry is not None and dry.finished_at else [],
            **kwargs,
        )


def with_progress(run: Any) -> Any:
    """Give a run that is under way how many tickets it dealt with, of how many."""
    codes = (due.ERASED, due.ANONYMISED, due.FILES, due.PERSONS, due.WARNED, "postponed", "left")
    run.done = min(sum(run.counts.get(code, 0) for code in codes), run.total)
    return run


@require_POST
def start_dry_run(request: HttpRequest) -> HttpResponse:
    """Count what the next night would do; nothing is changed by it."""
    policy.check(policy.may_audit(policy.actor_of(request)))
    if ErasureRun.objects.filter(is_dry=True, finished_at__isnull=True).exists():
        messages.warning(request, _("A dry run is under way already."))
    elif dry_run.ask(user=request.user).finished_at is None:
        messages.success(request, _("The worker counts. Look again in a few minutes."))
    else:
        messages.success(request, _("The dry run is done. Nothing was changed."))
    return redirect("helpdesk_agents:erasure")


def visible_tombstones(actor: Actor) -> QuerySet[Tombstone]:
    """Return what was erased of the queues that the actor administers; superusers see all."""
    return Tombstone.objects.filter(in_sight(actor))


class ErasedView(AuditorsView):
    """The numbers of erased tickets, newest first, found by their beginning."""

    template_name = "helpdesk/agents/erased.html"
    page_title = gettext_lazy("Erased tickets")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        words = self.request.GET.get("q", "").strip()[:30]
        rows = visible_tombstones(policy.actor_of(self.request)).select_related("queue")
        if words:
            rows = rows.filter(number__startswith=words.lstrip("#"))
        page = Paginator(rows, PAGE).get_page(self.request.GET.get("p"))
        return super().get_context_data(words=words, page=page, **kwargs)
