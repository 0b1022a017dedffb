"""Mails that are not to go out any more."""

from __future__ import annotations

from helpdesk.models import Article, OutboundMail, Ticket


def withdraw_automatic(*, ticket: Ticket) -> int:
    """Withdraw the automatic mails of a ticket that still wait; return how many there were.

    One that a worker has claimed already goes out: the claim and this change ask for the same state of
    the row, so exactly one of them gets it.
    """
    waiting = OutboundMail.objects.filter(
        ticket=ticket, automatic=True, state=OutboundMail.State.QUEUED
    )
    return waiting.update(state=OutboundMail.State.WITHDRAWN)


def detach(*, article: Article) -> None:
    """Let the automatic mails about an article that is about to go outlive it.

    Those that still wait are withdrawn; what went out stays in the log and on its ticket.
    """
    mails = OutboundMail.objects.filter(article=article)
    waiting = mails.filter(automatic=True, state=OutboundMail.State.QUEUED)
    waiting.update(state=OutboundMail.State.WITHDRAWN)
    mails.update(article=None)
