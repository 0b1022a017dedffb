"""The failure inbox: mail that could not be filed, and mail that could not be sent."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST
from django.views.generic import TemplateView
from wagtail.admin import messages
from wagtail.admin.views.generic.base import WagtailAdminTemplateMixin

from helpdesk.mail import ingest
from helpdesk.models import InboundMail, OutboundMail
from helpdesk.permissions import Actor

from . import policy
from .actions_views import send_again
from .files import bytes_of, download
from .ticket import TROUBLED
from .trouble import with_words

LIMIT = 100


def visible_inbound(actor: Actor) -> QuerySet[InboundMail]:
    """Return the arrived mails of the queues that the actor manages; superusers see all."""
    filed = policy.in_managed_queues(actor, "ticket__queue")
    if policy.is_superuser(actor):
        return InboundMail.objects.all()
    return InboundMail.objects.filter(
        filed | (Q(ticket__isnull=True) & policy.in_managed_queues(actor, "queue"))
    )


def visible_outbound(actor: Actor) -> QuerySet[OutboundMail]:
    """Return the outgoing mails of the queues that the actor manages; superusers see all."""
    return OutboundMail.objects.filter(policy.in_managed_queues(actor, "ticket__queue"))


def failed_inbound(actor: Actor) -> QuerySet[InboundMail]:
    return visible_inbound(actor).filter(state=InboundMail.State.FAILED)


def failed_outbound(actor: Actor) -> QuerySet[OutboundMail]:
    return visible_outbound(actor).filter(state__in=TROUBLED)


class FailureView(WagtailAdminTemplateMixin, TemplateView):
    """What somebody has to look at, with the reason and what can be done."""

    template_name = "helpdesk/agents/failures.html"
    header_icon = "warning"
    page_title = gettext_lazy("Failure inbox")
    _show_breadcrumbs = True

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        policy.check(policy.may_manage(policy.actor_of(request)))
        return super().dispatch(request, *args, **kwargs)

    def get_breadcrumbs_items(self) -> list[dict[str, str]]:
        return [*self.breadcrumbs_items, {"url": "", "label": str(self.page_title)}]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        actor = policy.actor_of(self.request)
        inbound = failed_inbound(actor).select_related("queue", "mailbox").defer("evidence")
        outbound = failed_outbound(actor).select_related("ticket").defer("body", "html")
        return super().get_context_data(
            inbound=inbound.order_by("-received_at", "-pk")[:LIMIT],
            outbound=outbound.order_by("-created_at", "-pk")[:LIMIT],
            troubled=with_words(actor),
            limit=LIMIT,
            **kwargs,
        )


def _failed(request: HttpRequest, pk: int) -> InboundMail:
    actor = policy.actor_of(request)
    policy.check(policy.may_manage(actor))
    return get_object_or_404(failed_inbound(actor).select_related("blob"), pk=pk)


@require_GET
def source(request: HttpRequest, pk: int) -> HttpResponse:
    """Give out the raw mail that could not be filed."""
    row = _failed(request, pk)
    if row.blob is None:
        raise Http404
    return download(bytes_of(row.blob), f"mail-{row.pk}.eml", "message/rfc822")


@require_POST
def retry(request: HttpRequest, pk: int) -> HttpResponse:
    """Try to file a mail once more, now."""
    row = ingest.process(_failed(request, pk).pk)
    if row.state == InboundMail.State.FAILED:
        reason = {"reason": row.reason_words()}
        messages.error(request, _("The mail failed again: %(reason)s") % reason)
    else:
        messages.success(request, _("The mail is filed."))
    return redirect("helpdesk_agents:failures")


@require_POST
def again(request: HttpRequest, pk: int) -> HttpResponse:
    """Send a failed or uncertain mail again."""
    actor = policy.actor_of(request)
    policy.check(policy.may_manage(actor))
    send_again(request, get_object_or_404(failed_outbound(actor), pk=pk))
    return redirect("helpdesk_agents:failures")
