"""Mail that came back: what the screens show of it, and the addresses that are not written to any more."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST
from django.views.generic import TemplateView
from wagtail.admin import messages
from wagtail.admin.views.generic.base import WagtailAdminTemplateMixin

from helpdesk import conf, notifications
from helpdesk.errors import HelpdeskError, NotFound, NotPermitted
from helpdesk.models import BouncedAddress, OutboundMail, Right, Ticket
from helpdesk.notifications import suspension
from helpdesk.permissions import Actor
from helpdesk.rules import delivery

from . import policy

LIMIT = 100


@dataclass(frozen=True)
class Returned:
    """Why a mail came back from one recipient: for people, and in the server's own words."""

    address: str
    sentence: str
    advice: str
    status: str
    words: str


def returned(mail: OutboundMail) -> list[Returned]:
    """Return why a mail came back, in the active language; no row if it did not. No query."""
    found = []
    for address, status, words in mail.bounces:
        cause = delivery.judge(status, words).cause
        said = delivery.sentence(cause, address)
        # the code stands in most servers' words already
        code = "" if status in words else status
        found.append(Returned(address, said, delivery.advice(cause), code, words))
    return found


def may_go_again(mail: OutboundMail) -> bool:
    """Tell whether to offer sending a mail that came back again: no address is to blame for good."""
    verdicts = [delivery.judge(status, words) for _address, status, words in mail.bounces]
    is_sent = mail.state == OutboundMail.State.SENT and not mail.automatic
    return is_sent and bool(verdicts) and not any(one.counts for one in verdicts)


@dataclass(frozen=True)
class Bounced:
    """An address from which mail came back."""

    address: str
    reason: str
    words: str
    times: int
    is_suspended: bool
    last_at: datetime


def _shown(rows: Iterable[BouncedAddress]) -> list[Bounced]:
    return [
        Bounced(
            row.address,
            suspension.reason(row),
            row.words,
            row.bounces,
            row.suspended_at is not None,
            row.last_at,
        )
        for row in rows
    ]


def addresses_of(ticket: Ticket) -> list[Bounced]:
    """Return the addresses of a ticket from which mail comes back. Three queries."""
    return _shown(suspension.rows_of(ticket))


class ManagersView(WagtailAdminTemplateMixin, TemplateView):
    """A screen for those who manage a queue; what it shows of whose queues is for the view to ask."""

    page_title: Any
    _show_breadcrumbs = True

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        policy.check(policy.may_manage(policy.actor_of(request)))
        return super().dispatch(request, *args, **kwargs)

    def get_breadcrumbs_items(self) -> list[dict[str, str]]:
        return [*self.breadcrumbs_items, {"url": "", "label": str(self.page_title)}]


class BouncedView(ManagersView):
    """The addresses on tickets of the queues that somebody manages; superusers see all."""

    template_name = "helpdesk/agents/bounced.html"
    header_icon = "no-view"
    page_title = gettext_lazy("Addresses that bounce")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        words = self.request.GET.get("q", "").strip()[:254]
        rows = suspension.managed_rows(policy.actor_of(self.request))
        if words:
            rows = rows.filter(address__icontains=words)
        found = list(rows.order_by("-last_at", "-pk")[: LIMIT + 1])
        return super().get_context_data(
            addresses=_shown(found[:LIMIT]),
            is_cut=len(found) > LIMIT,
            words=words,
            limit=int(conf.get("HARD_BOUNCES")),
            **kwargs,
        )


@require_POST
def release(request: HttpRequest) -> HttpResponse:
    """Release an address of the list."""
    actor = policy.actor_of(request)
    policy.check(policy.may_manage(actor))
    _release(request, actor)
    return redirect("helpdesk_agents:bounced")


@require_POST
def release_on_ticket(request: HttpRequest, pk: int) -> HttpResponse:
    """Release an address of a ticket, by whoever may answer there."""
    ticket = policy.find_ticket(request, pk)
    actor = policy.actor_of(request)
    policy.require(actor, Right.ANSWER, ticket)
    _release(request, actor, ticket)
    return redirect(reverse("helpdesk_agents:ticket", args=[ticket.pk]))


@require_POST
def send_again(request: HttpRequest, pk: int, mail: int) -> HttpResponse:
    """Send a mail of a ticket again to those from whom it came back."""
    ticket = policy.find_ticket(request, pk)
    actor = policy.actor_of(request)
    policy.require(actor, Right.ANSWER, ticket)
    found = get_object_or_404(OutboundMail, pk=mail, ticket=ticket, bounced_at__isnull=False)
    try:
        notifications.send_returned_again(actor=actor, mail=found)
    except (NotPermitted, NotFound) as error:
        raise Http404 from error
    except HelpdeskError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("The mail will be sent again."))
    anchor = f"#article-{found.article_id}" if found.article_id else ""
    return redirect(reverse("helpdesk_agents:ticket", args=[ticket.pk]) + anchor)


def _release(request: HttpRequest, actor: Actor, ticket: Ticket | None = None) -> None:
    address = request.POST.get("address", "")
    try:
        with transaction.atomic():
            suspension.release(actor=actor, address=address, ticket=ticket)
    except (NotPermitted, NotFound) as error:
        raise Http404 from error
    message = _("Mail goes to %(address)s again.")
    messages.success(request, message % {"address": address})
