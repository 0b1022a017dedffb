"""Mails of the outbox that say what is being erased: copies of what was written, and digests that tell of a ticket."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from django.db.models import Q

from helpdesk.models import OutboundMail


def empty_mails(*, tickets: Collection[int], also: Mapping[str, Any] | None = None) -> None:
    """Empty the mails of some tickets: nobody takes anything out of them but that they went, and when.

    What still waits does not go out. `also` are further columns with what they are set to.
    """
    of_them = Q(ticket__in=tickets) | Q(article__ticket__in=tickets)
    mails = OutboundMail.objects.filter(of_them).order_by()
    _empty(list(mails.values_list("pk", flat=True)), also or {})


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
    rows.filter(state=OutboundMail.State.QUEUED).update(state=OutboundMail.State.WITHDRAWN)
    rows.update(body="", html="", **also)
