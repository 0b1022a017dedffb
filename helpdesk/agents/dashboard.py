"""The help desk on the admin's first page."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from wagtail.admin.ui.components import Component

from helpdesk.permissions import Actor

from . import policy
from .tickets_list import VIEWS, TicketFilters, ordered, tickets_for
from .trouble import unheard, with_words

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
        waiting = tickets_for(self.actor, TicketFilters(view="waiting-for-us"))
        longest = ordered(waiting.select_related("queue", "owner"), "waiting_since").only(
            *("number", "subject", "waiting_since", "queue__name"),
            *("owner__first_name", "owner__last_name", "owner__username"),
        )
        return {
            "counts": counts,
            "longest": list(longest[:LONGEST]),
            "troubled": with_words(self.actor),
            "unheard": unheard(self.actor),
        }


def _count(actor: Actor, slug: str) -> str:
    rows = tickets_for(actor, TicketFilters(view=slug)).order_by()
    found = rows[: COUNT_CAP + 1].count()
    return str(found) if found <= COUNT_CAP else f"{COUNT_CAP}+"
