"""Finding another ticket, by number or by words, while one types."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from helpdesk import permissions, search
from helpdesk.confidence import Veil
from helpdesk.models import Right, Ticket
from helpdesk.permissions import Actor

from . import erased, policy

FOUND = 8
#: From so many characters on tickets are looked up.
MIN_CHARACTERS = 2


def workable(actor: Actor) -> QuerySet[Ticket]:
    """Return the tickets on which the agent may note something, so may link and merge."""
    tickets = permissions.visible_tickets(actor)
    return tickets.filter(queue__in=actor.queues_with(Right.NOTE))


def by_number(actor: Actor, text: str, *, but: Ticket) -> Ticket | None:
    """Return the other ticket with the number in `text`, if the agent may work on it."""
    number = "".join(character for character in text if character.isdigit())
    return workable(actor).filter(number=number).exclude(pk=but.pk).first() if number else None


class NumberInput(forms.TextInput):
    """A line for the number of a ticket; with script, words find it as well (a combobox with a list).

    `but` is the id of the ticket that is not to be found: the one on the screen.
    """

    template_name = "helpdesk/agents/parts/finder.html"
    but: int = 0

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        context = super().get_context(name, value, {"autocomplete": "off", **(attrs or {})})
        context["finder"] = {"url": reverse_lazy("helpdesk_agents:find_ticket"), "but": self.but}
        return context


class NumberField(forms.CharField):
    """The number of another ticket."""

    widget = NumberInput

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("label", _("Number of the other ticket"))
        super().__init__(max_length=200, **kwargs)


@require_GET
def find(request: HttpRequest) -> HttpResponse:
    """Return the tickets found, newest first, as the options of the list."""
    actor = policy.actor_of(request)
    policy.check(policy.may_enter(actor))
    words = request.GET.get("q", "").strip()[: search.MAX_QUERY]
    found: list[Ticket] = []
    if len(words) >= MIN_CHARACTERS:
        but = request.GET.get("but", "")
        hits = search.find_tickets(actor, words).filter(queue__in=actor.queues_with(Right.NOTE))
        hits = hits.exclude(pk=int(but) if but.isdecimal() and len(but) < 19 else 0)
        rows = hits.select_related("state", "customer").order_by("-changed_at", "-pk")
        found = Veil().over(rows.defer("answers")[:FOUND])
    gone = erased.by_words(actor, words) if not found else None
    context = {"found": found, "words": words, "erased": gone}
    return render(request, "helpdesk/agents/parts/found.html", context)
