"""Mails that are not to go out any more."""

from __future__ import annotations

from helpdesk.models import OutboundMail, Ticket


def withdraw_automatic(*, ticket: Ticket) -> int:
    """Withdraw the automatic mails of a ticket that still wait; return how many there were.

    One that a worker has claimed already goes out: the claim and this change ask for the same state of
    the row, so exactly one of them gets it.
    """
    waiting = OutboundMail.objects.filter(
        ticket=ticket, automatic=True, state=OutboundMail.State.QUEUED
    )
    return waiting.update(state=OutboundMail.State.WITHDRAWN)
