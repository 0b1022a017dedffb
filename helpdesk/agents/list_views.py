"""The fixed views of the list of tickets: its tabs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.db.models import QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy, pgettext_lazy

from helpdesk.models import Ticket
from helpdesk.permissions import Actor
from helpdesk.rules.fields import Field, FieldSet, FieldType
from helpdesk.states import OPEN_TYPES, StateType

from . import standing

#: What a list of tickets can be filtered by.
TICKET_FIELDS = FieldSet(
    Field("queue", FieldType.CHOICE, gettext_lazy("queue"), "queue"),
    Field("state", FieldType.CHOICE, gettext_lazy("state"), "state"),
    Field("state_type", FieldType.CHOICE, gettext_lazy("state"), "state__type", codes=True),
    Field("owner", FieldType.CHOICE, pgettext_lazy("of a ticket", "owner"), "owner"),
    Field("priority", FieldType.CHOICE, gettext_lazy("priority"), "priority"),
    Field("waiting_since", FieldType.DATETIME, gettext_lazy("waiting since"), "waiting_since"),
    Field("next_action_at", FieldType.DATETIME, gettext_lazy("next date"), "next_action_at"),
)

_OPEN: dict[str, object] = {"field": "state_type", "op": "in", "value": sorted(OPEN_TYPES)}


@dataclass(frozen=True)
class ListView:
    """A fixed view: a tab of the list, with the ordering it opens in."""

    slug: str
    label: str | Promise
    conditions: tuple[dict[str, object], ...]
    ordering: str = "-changed_at"
    mine: bool = False
    watched: bool = False
    # what there is to do for the agent's own teams: without spam, and without what they read along
    is_work: bool = False
    has_spam: bool = False
    # holds closed tickets, so of those in the archive it is said where they are
    has_closed: bool = False
    # what no condition on the ticket itself can say; such a tab shows only while somebody is away
    narrow: Callable[[QuerySet[Ticket], Actor], QuerySet[Ticket]] | None = None


VIEWS = {
    view.slug: view
    for view in (
        ListView("mine", gettext_lazy("Mine"), (_OPEN,), "waiting_since", mine=True),
        ListView(
            "in-place-of-others",
            gettext_lazy("I stand in"),
            (_OPEN,),
            "waiting_since",
            narrow=standing.in_place_of_others,
        ),
        ListView(
            "unassigned",
            gettext_lazy("Unassigned"),
            (_OPEN, {"field": "owner", "op": "empty"}),
            "waiting_since",
            is_work=True,
        ),
        ListView("due", gettext_lazy("Due"), (_OPEN,), "next_action_at", is_work=True),
        ListView(
            "absent-owners",
            gettext_lazy("Of absent owners"),
            (_OPEN,),
            "waiting_since",
            is_work=True,
            narrow=standing.of_absent_owners,
        ),
        ListView("open", gettext_lazy("All open"), (_OPEN,)),
        ListView(
            "waiting-for-us",
            gettext_lazy("Waiting for us"),
            (_OPEN, {"field": "waiting_since", "op": "not_empty"}),
            "waiting_since",
            is_work=True,
        ),
        ListView(
            "waiting-for-customer",
            gettext_lazy("Waiting for customer"),
            (_OPEN, {"field": "waiting_since", "op": "empty"}),
        ),
        ListView(
            "watched", gettext_lazy("Watched"), (), watched=True, has_spam=True, has_closed=True
        ),
        ListView(
            "closed",
            gettext_lazy("Closed"),
            ({"field": "state_type", "op": "is", "value": str(StateType.CLOSED)},),
            has_spam=True,
            has_closed=True,
        ),
        ListView("all", gettext_lazy("All"), (), has_spam=True, has_closed=True),
    )
}
