"""Naming a colleague in a note: whom one may name, offered while typing, and what was missed."""

from __future__ import annotations

from django.contrib.auth import get_user_model
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET

from helpdesk import actions, permissions
from helpdesk.models import Right

from . import policy
from .desk import Desk

#: Names offered at once.
MOST = 8


@require_GET
def suggest(request: HttpRequest, pk: int) -> HttpResponse:
    """Offer the agents of a ticket whose login or name begins with what is typed, to whoever may write notes."""
    ticket = policy.find_ticket(request, pk)
    actor = policy.actor_of(request)
    policy.require(actor, Right.NOTE, ticket)
    if permissions.reads_along(actor, ticket):
        raise Http404
    typed = request.GET.get("q", "").strip()[:150]
    rows = permissions.agents_with(Right.READ, Desk(actor, ticket).queue)
    if typed:
        login = {f"{get_user_model().USERNAME_FIELD}__istartswith": typed}
        names = Q(first_name__istartswith=typed) | Q(last_name__istartswith=typed)
        rows = rows.filter(Q(**login) | names)
    found = [
        {"login": user.get_username(), "name": user.get_full_name() or user.get_username()}
        for user in rows.exclude(pk=actor.user.pk)[:MOST]
    ]
    return JsonResponse({"people": found})


def missed_words(desk: Desk, text: str) -> str:
    """Return a sentence on the names in a note that reached nobody; '' if there is none."""
    _found, missed = actions.named(desk.actor, desk.ticket, text)
    if not missed:
        return ""
    names = ", ".join(f"@{name}" for name in missed)
    return ngettext(
        "%(names)s: nobody of this name may read this ticket, so nobody was told.",
        "%(names)s: nobody of these names may read this ticket, so nobody was told.",
        len(missed),
    ) % {"names": names}


#: By these of its text field's attributes colleagues are offered while one types a note.
ATTRIBUTES = {
    "data-hd-mention-target": "input",
    "data-action": "input->hd-mention#look click->hd-mention#look keydown->hd-mention#key blur->hd-mention#close",
    "aria-describedby": "hd-mention-help",
}
