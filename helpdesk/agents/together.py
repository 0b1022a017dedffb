"""Who else is here, and what is new: one address that the ticket screen and the lists ask every ten seconds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import Max, Q
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBadRequest, JsonResponse
from django.template.loader import render_to_string
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from helpdesk import permissions
from helpdesk.actions import presence
from helpdesk.actions.presence import Person
from helpdesk.models import Right, SavedDraft, Sender
from helpdesk.permissions import Actor

from . import notices, policy
from .desk import Desk

#: A list shows at most so many rows.
MAX_ROWS = 500


def show_up(desk: Desk) -> None:
    """Note that the agent looks at the ticket on the desk; who reads along is not seen."""
    if not desk.reads_along:
        presence.note_presence(actor=desk.actor, ticket=desk.ticket)
    _ = desk.sight  # before the thread is read: what comes in between is new


def context_of(desk: Desk) -> dict[str, Any]:
    """Return what the ticket screen says of colleagues: who is here, and whose drafts may be taken over."""
    here = presence.present(actor=desk.actor, ticket_ids=[desk.ticket.pk])
    me = desk.actor.user.pk if desk.actor.user is not None else None
    return {
        "people": here.get(desk.ticket.pk, []),
        "shared_drafts": [row for row in desk.drafts if row.user_id != me],
    }


def mark_rows(actor: Actor, rows: Iterable[Any]) -> None:
    """Give the tickets of a list `people` (who is on it) and `has_draft` (of the agent's own). Two queries."""
    tickets = {ticket.pk: ticket for ticket in rows}
    here = presence.present(actor=actor, ticket_ids=tickets)
    mine = SavedDraft.objects.filter(user=actor.user, ticket__in=list(tickets))
    drafted = set(mine.values_list("ticket_id", flat=True))
    for pk, ticket in tickets.items():
        ticket.people = here.get(pk, [])
        ticket.has_draft = pk in drafted and not ticket.reads_along


@never_cache
@require_POST
def poll(request: HttpRequest) -> HttpResponse:
    """Answer who is where and what is new, in JSON; note that the agent is on `ticket`.

    Sent are `ticket` (an id) with `writing`, `article` and `version` (what is shown), or with `leave`; `rows` (the
    ids in a list, divided by commas). What the agent may not see is left out of the answer.
    """
    actor = policy.actor_of(request)
    if not policy.may_enter(actor):
        raise Http404
    try:
        ids = [int(one) for one in request.POST.get("rows", "").split(",") if one]
        pk, article, version = (
            int(request.POST.get(name) or 0) for name in ("ticket", "article", "version")
        )
    except ValueError:
        return HttpResponseBadRequest()
    if any(not 0 <= one < 2**63 for one in (pk, article, version, *ids)):
        return HttpResponseBadRequest()
    if pk and "leave" in request.POST:
        presence.leave(actor=actor, ticket_id=pk)
        return HttpResponse(status=204)
    answer: dict[str, Any] = {}
    if pk:
        answer["news"] = _look_at(actor, pk, article, version, "writing" in request.POST)
    here = presence.present(actor=actor, ticket_ids=[*ids[:MAX_ROWS], pk] if pk else ids[:MAX_ROWS])
    if pk:
        answer["people"] = people_html(here.pop(pk, []))
    answer["rows"] = {key: marks_html(people) for key, people in here.items()}
    answer["unread"] = notices.unread_count(actor)
    return JsonResponse(answer)


def _look_at(actor: Actor, pk: int, article: int, version: int, writing: bool) -> str:
    """Note that the agent is on a ticket; return what to say if it is not as shown any more."""
    others = Q(articles__machine="") & ~Q(articles__sender=Sender.SYSTEM)
    others &= Q(articles__author=None) | ~Q(articles__author=actor.user)
    seen_by_all = Q(articles__visible=True) | Q(queue__in=actor.queues_with(Right.READ))
    tickets = permissions.visible_tickets(actor).filter(pk=pk).only("queue_id", "version")
    ticket = tickets.annotate(newest=Max("articles__pk", filter=others & seen_by_all)).first()
    if ticket is None:
        return render_to_string("helpdesk/agents/parts/news.html", {"is_gone": True})
    along = permissions.reads_along(actor, ticket)
    if not along:
        presence.note_presence(actor=actor, ticket=ticket, writing=writing)
    context = {
        "ticket": ticket,
        "has_message": (ticket.newest or 0) > article,
        "has_change": ticket.version != version and not along,
    }
    return render_to_string("helpdesk/agents/parts/news.html", context).strip()


def people_html(people: list[Person]) -> str:
    """Return who is on a ticket, as its screen says it."""
    return render_to_string("helpdesk/agents/parts/people.html", {"people": people}).strip()


def marks_html(people: list[Person]) -> str:
    """Return who is on a ticket, as a list marks it."""
    return render_to_string("helpdesk/agents/parts/marks.html", {"people": people}).strip()
