"""The fixed state types, and which change of type is allowed.

A state is a row with a name of its own; what the machine knows is only its type. The table below is
the whole state machine: `actions.lifecycle` asks it, nobody else moves a ticket.
"""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class StateType(models.TextChoices):
    NEW = "new", _("new")
    OPEN = "open", _("open")
    PENDING_REMINDER = "pending_reminder", _("waiting, with a reminder")
    PENDING_AUTO = "pending_auto", _("waiting, closes by itself")
    CLOSED = "closed", _("closed")
    MERGED = "merged", _("merged")
    REMOVED = "removed", _("removed")


#: Types on which somebody still has to do something.
OPEN_TYPES: frozenset[str] = frozenset(
    {StateType.NEW, StateType.OPEN, StateType.PENDING_REMINDER, StateType.PENDING_AUTO}
)
#: Types that carry a date on which the ticket comes back.
PENDING_TYPES: frozenset[str] = frozenset({StateType.PENDING_REMINDER, StateType.PENDING_AUTO})

_WORKING = frozenset(
    {
        StateType.OPEN,
        StateType.PENDING_REMINDER,
        StateType.PENDING_AUTO,
        StateType.CLOSED,
        StateType.MERGED,
        StateType.REMOVED,
    }
)
TRANSITIONS: dict[str, frozenset[str]] = {
    StateType.NEW: _WORKING | {StateType.NEW},
    StateType.OPEN: _WORKING,
    StateType.PENDING_REMINDER: _WORKING,
    StateType.PENDING_AUTO: _WORKING,
    StateType.CLOSED: frozenset(
        {StateType.OPEN, StateType.CLOSED, StateType.MERGED, StateType.REMOVED}
    ),
    StateType.MERGED: frozenset({StateType.MERGED}),
    StateType.REMOVED: frozenset({StateType.OPEN, StateType.REMOVED}),
}


def may_change(before: str, after: str) -> bool:
    """Tell whether a ticket of type `before` may become one of type `after`."""
    return after in TRANSITIONS[before]
