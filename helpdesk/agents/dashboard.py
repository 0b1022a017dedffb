"""The help desk on the admin's first page."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from wagtail.admin.ui.components import Component

from helpdesk.confidence import Veil
from helpdesk.models import Ticket
from helpdesk.permissions import Actor

from . import policy, promises
from .list_views import VIEWS
from .tickets_list import TicketFilters, ordered, tickets_for
from .trouble import scanner_words, unheard, with_words

LONGEST = 5
#: Counts stop here: "99+" says enough.
COUNT_CAP = 99


class DeskPanel(Component):
    """How many wait, and who waits longest."""

    name = "helpdesk"
    template_name = "helpdesk/agents/dashboard.html"
    order = 50

    def __init__(self, request: HttpRequest) -> None:
        self.actor = policy.actor_of(request)

    def get_context_data(self, parent_context: Any = None) -> dict[str, Any]:
        counts = [
            (VIEWS[slug], _count(self.actor, slug))
            for slug in ("mine", "unassigned", "waiting-for-us")
        ]
        for slug in ("in-place-of-others", "absent-owners"):
            if (count := _count(self.actor, slug)) != "0":
                counts.append((VIEWS[slug], count))
        overdue = _capped(_overdue(self.actor))
        waiting = tickets_for(self.actor, TicketFilters(view="waiting-for-us"))
        waiting = waiting.filter(is_test=False)
        longest = ordered(waiting.select_related("queue", "owner"), "waiting_since").only(
            *("number", "subject", "waiting_since", "queue__name"),
            *("owner__first_name", "owner__last_name", "owner__username"),
        )
        return {
            "counts": counts,
            "overdue": overdue if overdue != "0" else "",
            "due_view": VIEWS["due"],
            "reckoning": promises.progress() if policy.may_manage(self.actor) else None,
            "longest": Veil().over(longest[:LONGEST]),
            "troubled": with_words(self.actor),
            "unheard": unheard(self.actor),
            "scanner": scanner_words(self.actor),
        }


def _count(actor: Actor, slug: str) -> str:
    return _capped(tickets_for(actor, TicketFilters(view=slug)).filter(is_test=False))


def _overdue(actor: Actor) -> QuerySet[Ticket]:
    due = tickets_for(actor, TicketFilters(view="due"))
    return due.filter(next_action_at__lte=timezone.now(), is_test=False)


def _capped(rows: QuerySet[Ticket]) -> str:
    found = rows.order_by()[: COUNT_CAP + 1].count()
    return str(found) if found <= COUNT_CAP else f"{COUNT_CAP}+"
