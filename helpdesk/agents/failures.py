"""The failure inbox: mail that could not be filed, and mail that could not be sent."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST
from wagtail.admin import messages

from helpdesk import permissions
from helpdesk.mail import ingest
from helpdesk.models import (
    InboundMail,
    OutboundMail,
    Queue,
    RetentionSettings,
    Right,
    Ticket,
)
from helpdesk.permissions import Actor

from . import bounced, confidential, log_facts, orders, policy
from .actions_views import send_again
from .files import bytes_of, download
from .ticket import TROUBLED
from .tickets_list import queue_choices
from .trouble import with_words

LIMIT = 100
#: How long a mail that came back stays in the list.
CAME_BACK_DAYS = 14


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


def came_back(actor: Actor) -> QuerySet[OutboundMail]:
    """Return the mails that came back lately; notices to the team are nobody's trouble."""
    since = timezone.now() - timedelta(days=CAME_BACK_DAYS)
    rows = visible_outbound(actor).filter(bounced_at__isnull=False, bounced_at__gte=since)
    return rows.exclude(kind=OutboundMail.Kind.NOTICE)


class FailureView(bounced.ManagersView):
    """What somebody has to look at, with the reason and what can be done."""

    template_name = "helpdesk/agents/failures.html"
    header_icon = "warning"
    page_title = gettext_lazy("Failure inbox")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        actor = policy.actor_of(self.request)
        inbound = failed_inbound(actor).select_related("queue", "mailbox").defer("evidence")
        outbound = failed_outbound(actor).select_related("ticket").defer("body", "html")
        returned: list[Any] = list(
            came_back(actor)
            .select_related("ticket")
            .defer("body", "html")
            .annotate(is_veiled=log_facts.is_confidential(OutboundMail))
            .order_by("-bounced_at", "-pk")[:LIMIT]
        )
        for mail in returned:
            mail.returned = bounced.returned(mail)
        return super().get_context_data(
            queues=queue_choices(actor.queues_with(Right.CREATE)),
            returned=returned,
            days=CAME_BACK_DAYS,
            inbound=confidential.veiled(inbound.order_by("-received_at", "-pk")[:LIMIT]),
            outbound=outbound.annotate(is_veiled=log_facts.is_confidential(OutboundMail)).order_by(
                "-created_at", "-pk"
            )[:LIMIT],
            troubled=with_words(actor),
            incomplete=orders.incomplete_accounts(actor),
            limit=LIMIT,
            kept_days=RetentionSettings.current().days(),
            **kwargs,
        )


def _failed(request: HttpRequest, pk: int) -> InboundMail:
    actor = policy.actor_of(request)
    policy.check(policy.may_manage(actor))
    return get_object_or_404(failed_inbound(actor).select_related("blob"), pk=pk)


def unfiled(actor: Actor) -> QuerySet[InboundMail]:
    """Return the mails that became nobody's work: failed, or ignored without an article."""
    states = [InboundMail.State.FAILED, InboundMail.State.IGNORED]
    return visible_inbound(actor).filter(state__in=states, article=None)


def _unfiled(request: HttpRequest, pk: int) -> InboundMail:
    actor = policy.actor_of(request)
    policy.check(policy.may_manage(actor))
    return get_object_or_404(unfiled(actor).select_related("blob"), pk=pk)


def _filed_before(request: HttpRequest, pk: int) -> HttpResponse | None:
    """Return the way to the ticket of a mail that is filed: a second press of a button finds it so."""
    actor = policy.actor_of(request)
    policy.check(policy.may_manage(actor))
    filed = visible_inbound(actor).filter(pk=pk, state=InboundMail.State.FILED)
    row = filed.select_related("ticket").first()
    if row is None:
        return None
    return _to_ticket(request, row.ticket) if row.ticket else redirect("helpdesk_agents:failures")


def _to_ticket(request: HttpRequest, ticket: Ticket) -> HttpResponse:
    number = {"number": ticket.number}
    messages.success(request, _("The mail is the ticket %(number)s now.") % number)
    visible = permissions.visible_tickets(policy.actor_of(request)).filter(pk=ticket.pk)
    if not visible.exists():
        return redirect("helpdesk_agents:failures")
    return redirect("helpdesk_agents:ticket", ticket.pk)


@require_GET
def source(request: HttpRequest, pk: int) -> HttpResponse:
    """Give out the raw mail that was not filed."""
    row = _unfiled(request, pk)
    if row.blob is None:
        raise Http404
    confidential.opened_mail(policy.actor_of(request), row)
    return download(bytes_of(row.blob), f"mail-{row.pk}.eml", "message/rfc822")


@require_POST
def retry(request: HttpRequest, pk: int) -> HttpResponse:
    """Try to file a mail once more, now."""
    if (before := _filed_before(request, pk)) is not None:
        return before
    row = ingest.process(_failed(request, pk).pk)
    if row.state == InboundMail.State.FAILED:
        reason = {"reason": row.reason_words()}
        messages.error(request, _("The mail failed again: %(reason)s") % reason)
    else:
        messages.success(request, _("The mail is filed."))
    return redirect("helpdesk_agents:failures")


@require_POST
def by_hand(request: HttpRequest, pk: int) -> HttpResponse:
    """Open a ticket from a mail that failed or was ignored, in the chosen queue."""
    if (before := _filed_before(request, pk)) is not None:
        return before
    row = _unfiled(request, pk)
    actor = policy.actor_of(request)
    wanted = request.POST.get("queue", "")
    allowed = actor.queues_with(Right.CREATE)
    if not wanted.isdigit() or int(wanted) not in allowed:
        messages.error(request, _("Choose the queue in which the ticket is opened."))
        return redirect("helpdesk_agents:failures")
    queue = Queue.objects.get(pk=int(wanted))
    confidential.opened_mail(actor, row)
    try:
        row = ingest.file_by_hand(row.pk, queue=queue, by=actor.name)
    except (FileNotFoundError, ValueError):
        messages.error(request, _("The raw mail is gone; no ticket can be opened from it."))
        return redirect("helpdesk_agents:failures")
    if row.ticket is None:
        messages.error(request, _("Another worker has this mail in hand. Look again."))
        return redirect("helpdesk_agents:failures")
    return _to_ticket(request, row.ticket)


@require_POST
def again(request: HttpRequest, pk: int) -> HttpResponse:
    """Send a failed or uncertain mail again."""
    actor = policy.actor_of(request)
    policy.check(policy.may_manage(actor))
    send_again(request, get_object_or_404(failed_outbound(actor), pk=pk))
    return redirect("helpdesk_agents:failures")
