"""Likely duplicates on the ticket screen: what looks like this ticket, and what can be done about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views import View
from wagtail.admin import messages

from helpdesk import actions, duplicates
from helpdesk.confidence import Veil
from helpdesk.errors import HelpdeskError, NotFound, NotPermitted
from helpdesk.models import Right, Ticket, TicketLink
from helpdesk.rules.likeness import Reason

from . import policy
from .desk import Desk

#: From this score on we call it very likely.
VERY = 85
REASONS: dict[Reason, Any] = {
    Reason.MAIL: gettext_lazy("the same mail"),
    Reason.SENDER: gettext_lazy("the same sender"),
    Reason.SUBJECT: gettext_lazy("a similar subject"),
    Reason.TEXT: gettext_lazy("a similar text"),
}


@dataclass(frozen=True)
class Hint:
    """A ticket that may be the same, in words."""

    ticket: Ticket
    how_sure: str
    why: str
    may_change: bool


def hints(desk: Desk) -> list[Hint]:
    """Return what an open ticket looks like, for those who may do something about it."""
    if desk.reads_along or not desk.ticket.state.is_open or not desk.may(Right.NOTE):
        return []
    changeable = desk.actor.queues_with(Right.NOTE)
    found = duplicates.likely(desk.actor, desk.ticket)
    Veil().over(one.ticket for one in found)
    return [
        Hint(
            one.ticket,
            _("very likely") if one.likeness.score >= VERY else _("likely"),
            ", ".join(str(REASONS[reason]) for reason in one.likeness.reasons),
            one.ticket.queue_id in changeable,
        )
        for one in found
    ]


class HintView(View):
    """Link the two as duplicates, or say that they are not the same."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, pk: int, other: int) -> HttpResponse:
        actor = policy.actor_of(request)
        ticket, like = policy.find_ticket(request, pk), policy.find_ticket(request, other)
        policy.require(actor, Right.NOTE, ticket)
        try:
            if request.POST.get("do") == "link":
                # the younger one repeats the older
                source, target = sorted((ticket, like), key=lambda one: one.created_at)[::-1]
                kind = TicketLink.Kind.DUPLICATE
                actions.link(actor=actor, source=source, target=target, kind=kind)
                said = _("The tickets are linked.")
            else:
                actions.dismiss_hint(actor=actor, ticket=ticket, other=like)
                said = _("The hint will not come back.")
        except (NotPermitted, NotFound) as error:
            raise Http404 from error
        except HelpdeskError as error:
            messages.error(request, str(error))
        else:
            messages.success(request, said)
        return redirect("helpdesk_agents:ticket", ticket.pk)
