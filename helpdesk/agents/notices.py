"""The bell: how much an agent has not read yet, and the list of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST
from django.views.generic import TemplateView
from wagtail.admin.menu import MenuItem
from wagtail.admin.ui.sidebar import LinkMenuItem
from wagtail.admin.views.generic.base import WagtailAdminTemplateMixin

from helpdesk import actions, permissions
from helpdesk.confidence import Veil
from helpdesk.models import Notice, NoticeKind
from helpdesk.notifications import sentences
from helpdesk.permissions import Actor

from . import policy
from .paging import CappedPaginator

#: Counting stops here: "99+" says enough.
COUNT_CAP = 99
PER_PAGE = 30

ICONS: dict[str, str] = {
    NoticeKind.NEW_TICKET: "plus-inverse",
    NoticeKind.REPLY: "mail",
    NoticeKind.ASSIGNED: "user",
    NoticeKind.MENTIONED: "comment",
    NoticeKind.NOTE: "edit",
    NoticeKind.REMINDER: "time",
    NoticeKind.WARNING: "time",
    NoticeKind.BREACH: "warning",
    NoticeKind.HAND_BACK: "redirect",
    NoticeKind.DELIVERY: "warning",
    NoticeKind.STORAGE: "bin",
    NoticeKind.RETURN: "calendar",
}


def bell(actor: Actor) -> QuerySet[Notice]:
    """Return what an agent sees under the bell, newest first."""
    return permissions.visible_notices(actor).filter(in_admin=True)


def unread_count(actor: Actor) -> int:
    """Return how many notices an agent has not read, at most one more than `COUNT_CAP`. One cheap query."""
    return bell(actor).filter(read_at__isnull=True).order_by()[: COUNT_CAP + 1].count()


def in_words(count: int) -> str:
    """Return a count as it is shown: '' for none, '99+' for many."""
    return "" if not count else str(count) if count <= COUNT_CAP else f"{COUNT_CAP}+"


@require_GET
def count(request: HttpRequest) -> HttpResponse:
    """Tell how many notices are unread, for the menu that asks now and then."""
    policy.check(policy.may_enter(policy.actor_of(request)))
    return JsonResponse({"unread": in_words(unread_count(policy.actor_of(request)))})


class BellItem(MenuItem):
    """The entry of the main menu, with the count of what is unread behind its name."""

    def is_shown(self, request: HttpRequest) -> bool:
        return policy.may_enter(policy.actor_of(request))

    def render_component(self, request: HttpRequest) -> LinkMenuItem:
        unread = in_words(unread_count(policy.actor_of(request)))
        label = f"{self.label} ({unread})" if unread else str(self.label)
        attrs = {
            "data-hd-bell": reverse("helpdesk_agents:notice_count"),
            "data-hd-bell-count": unread,
        }
        return LinkMenuItem(self.name, label, self.url, icon_name=self.icon_name, attrs=attrs)


def menu_item(order: int) -> MenuItem:
    """Return the bell for Wagtail's main menu. Its name must not begin with that of another."""
    url = reverse("helpdesk_agents:notices")
    return BellItem(gettext_lazy("Notices"), url, name="bell", icon_name="bell", order=order)


@dataclass(frozen=True)
class Shown:
    """One line of the list."""

    row: Notice
    icon: str
    sentence: str
    instead: str


class NoticesView(WagtailAdminTemplateMixin, TemplateView):
    """What an agent was told: the unread, or all, or where colleagues mentioned them."""

    template_name = "helpdesk/agents/notices.html"
    page_title = gettext_lazy("Notices")
    header_icon = "bell"
    _show_breadcrumbs = True

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        policy.check(policy.may_enter(policy.actor_of(request)))
        return super().dispatch(request, *args, **kwargs)

    def get_breadcrumbs_items(self) -> list[dict[str, str]]:
        return [*self.breadcrumbs_items, {"url": "", "label": str(self.page_title)}]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        actor = policy.actor_of(self.request)
        tabs = {"unread": _("Unread"), "all": _("All"), "mentions": _("Mentions me")}
        asked = self.request.GET.get("show", "")
        show = asked if asked in tabs else "unread"
        rows = bell(actor)
        if show == "unread":
            rows = rows.filter(read_at__isnull=True)
        elif show == "mentions":
            rows = rows.filter(kind=NoticeKind.MENTIONED, instead_of__isnull=True)
        rows = rows.select_related("ticket__queue", "event__user", "instead_of")
        paginator = CappedPaginator(rows.defer("ticket__answers", "ticket__preview"), PER_PAGE)
        page = paginator.get_page(self.request.GET.get("p"))
        page.object_list = list(page.object_list)
        Veil().over(row.ticket for row in page.object_list if row.ticket)
        lines = [
            Shown(row, ICONS.get(row.kind, "bell"), sentences.sentence(row), sentences.instead(row))
            for row in page
        ]
        return super().get_context_data(
            lines=lines,
            page_obj=page,
            elided_page_range=paginator.get_elided_page_range(page.number),
            paginator=paginator,
            tabs=[(label, f"?show={key}", key == show) for key, label in tabs.items()],
            show=show,
            unread=in_words(unread_count(actor)),
            **kwargs,
        )


def open_notice(request: HttpRequest, pk: int) -> HttpResponse:
    """Mark one notice as read and go to what it tells of."""
    actor = policy.actor_of(request)
    row = get_object_or_404(permissions.visible_notices(actor).select_related("event"), pk=pk)
    actions.mark_read(actor=actor, notices=[row.pk])
    if row.ticket_id is None:
        return redirect(_summary_of(row))
    article = row.event.article_id if row.event is not None else None
    anchor = f"#article-{article}" if article else ""
    return redirect(reverse("helpdesk_agents:ticket", args=[row.ticket_id]) + anchor)


def _summary_of(row: Notice) -> str:
    """Return where a notice leads that belongs to no ticket: to the summary of an absence, where there is one."""
    if row.kind == NoticeKind.RETURN:
        return reverse("helpdesk_agents:absence_return", args=[row.pk])
    return reverse("helpdesk_agents:notices")


@require_POST
def mark_read(request: HttpRequest) -> HttpResponse:
    """Mark one notice (`notice` in the form), or all, as read."""
    actor = policy.actor_of(request)
    policy.check(policy.may_enter(actor))
    asked = request.POST.get("notice", "")
    if asked:
        row = get_object_or_404(bell(actor), pk=int(asked) if asked.isdecimal() else 0)
        actions.mark_read(actor=actor, notices=[row.pk])
    else:
        actions.mark_read(actor=actor)
    return redirect("helpdesk_agents:notices")
