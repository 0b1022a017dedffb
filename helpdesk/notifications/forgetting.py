"""Mails of the outbox that say what is being erased: copies of what was written, and digests that tell of a ticket."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from django.db.models import Q

from helpdesk.models import OutboundMail

State = OutboundMail.State
#: What waits, or could be sent (again).
_UNSENT = (State.QUEUED, State.FAILED, State.UNCERTAIN)

#: What somebody wrote, and no machine.
_BY_AGENTS = (OutboundMail.Kind.ANSWER, OutboundMail.Kind.FORWARD)


def empty_mails(*, tickets: Collection[int], also: Mapping[str, Any] | None = None) -> None:
    """Empty the mails of some tickets: nobody takes anything out of them but that they went, and when.

    What still waits does not go out, and what failed or may have gone out is sent by nobody again. `also` are further columns with what they are set to.
    """
    of_them = Q(ticket__in=tickets) | Q(article__ticket__in=tickets)
    mails = OutboundMail.objects.filter(of_them).order_by()
    _empty(list(mails.values_list("pk", flat=True)), also or {})


def empty_automatic(
    *,
    tickets: Collection[int] = (),
    articles: Collection[int] = (),
    also: Mapping[str, Any] | None = None,
) -> None:
    """Empty the mails that the machine wrote about some tickets or messages (ids): they quote them.

    What agents wrote stays. What still waits does not go out. `also` as in `empty_mails`.
    """
    which = Q(ticket__in=tickets) | Q(article__ticket__in=tickets) | Q(article__in=articles)
    mails = OutboundMail.objects.filter(which).exclude(kind__in=_BY_AGENTS).order_by()
    _empty(list(mails.values_list("pk", flat=True)), {**(also or {}), "subject": ""})


def waited_for(tickets: Collection[int]) -> set[int]:
    """Return those of some tickets of which a mail is on its way out: it waits for its server, or a worker has it."""
    of_them = Q(ticket__in=tickets) | Q(article__ticket__in=tickets)
    mails = OutboundMail.objects.filter(of_them, state__in=(State.QUEUED, State.SENDING))
    pairs = mails.order_by().values_list("ticket_id", "article__ticket_id")
    return {pk for pair in pairs for pk in pair if pk is not None}


def forget_digests(tickets: Collection[int]) -> None:
    """Empty the digests and other mails to the team that name one of these tickets and belong to none."""
    gone = set(tickets)
    mails = OutboundMail.objects.filter(ticket=None, kind=OutboundMail.Kind.NOTICE).order_by()
    about = mails.exclude(about=[]).values_list("pk", "about")
    named = [pk for pk, ids in about.iterator() if not gone.isdisjoint(ids)]
    if named:
        _empty(named, {"subject": "", "about": []})


def _empty(pks: list[int], also: Mapping[str, Any]) -> None:
    rows = OutboundMail.objects.filter(pk__in=pks)
    # one that a worker has, and of which nothing went out yet, is no more its to send
    unsent = Q(state__in=_UNSENT) | Q(state=State.SENDING, content_since=None)
    rows.filter(unsent).update(state=State.WITHDRAWN)
    rows.update(body="", html="", **also)
