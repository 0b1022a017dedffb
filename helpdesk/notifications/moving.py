"""Mails whose ticket was merged into another one: they belong there from now on, and go out all the same."""

from __future__ import annotations

from collections.abc import Collection

from helpdesk.models import OutboundMail, Ticket


def move_mails(*, ticket: Ticket, into: Ticket, only: Collection[int] | None = None) -> list[int]:
    """Move the mails of `ticket` (or those of them whose ids are in `only`) to `into`; return their ids.

    What waits, goes out as it is: its reply address and its Message-ID lead on to where the ticket went.
    """
    mails = OutboundMail.objects.filter(ticket=ticket)
    if only is not None:
        mails = mails.filter(pk__in=only)
    ids = list(mails.order_by("pk").values_list("pk", flat=True))
    OutboundMail.objects.filter(pk__in=ids).update(ticket=into)
    return ids
