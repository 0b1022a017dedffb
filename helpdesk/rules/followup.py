"""What a customer's message to a ticket does to it. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from helpdesk.states import PENDING_TYPES, StateType


class Decision(StrEnum):
    """What becomes of the message."""

    APPEND = "append"  # filed, the state stays
    OPEN = "open"  # filed, the ticket is open (again)
    NEW_TICKET = "new"  # becomes a ticket of its own, linked
    REFUSE = "refuse"  # filed on the closed ticket, which stays closed; the sender is told


def decide(
    *,
    state_type: str,
    policy: str,
    closed_at: datetime | None,
    reopen_days: int | None,
    now: datetime,
) -> Decision:
    """Return what a message from a person does to a ticket of `state_type`.

    `policy` is the queue's follow-up option ("reopen", "new", "refuse"); `reopen_days` limits
    reopening, counted from `closed_at`.
    """
    if state_type in (StateType.NEW, StateType.OPEN):
        return Decision.APPEND
    if state_type in PENDING_TYPES:
        return Decision.OPEN
    if state_type == StateType.REMOVED:
        return Decision.NEW_TICKET
    if policy == "refuse":
        return Decision.REFUSE
    if policy == "new":
        return Decision.NEW_TICKET
    too_late = (
        reopen_days is not None
        and closed_at is not None
        and now > closed_at + timedelta(days=reopen_days)
    )
    return Decision.NEW_TICKET if too_late else Decision.OPEN
