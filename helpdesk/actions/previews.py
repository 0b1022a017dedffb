"""The beginning of the newest message, as lists of tickets show it: written anew after messages were emptied."""

from __future__ import annotations

from collections.abc import Collection

from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Left

from helpdesk.models import Article, Ticket

from .drafts import preview_of


def renew_previews(tickets: Collection[int]) -> None:
    """Write the previews of locked tickets (ids), and of what was merged into them, anew from their messages.

    A merged ticket has none: its messages are elsewhere. Before any message that a customer sees it is the first one.
    """
    own = Article.objects.filter(ticket=OuterRef("pk"))
    newest = own.filter(visible=True, machine="").order_by("-created_at", "-pk")
    which = Q(pk__in=tickets) | Q(merged_into__in=tickets)
    rows = Ticket.objects.filter(which).order_by("pk").only("pk", "preview")
    found = list(rows.annotate(said=_beginning(newest), first=_beginning(own.order_by("pk"))))
    changed = []
    for one in found:
        said = one.said if one.said is not None else one.first
        preview = preview_of(said or "")
        if preview != one.preview:
            one.preview = preview
            changed.append(one)
    Ticket.objects.bulk_update(changed, ["preview"], batch_size=200)


def _beginning(rows: QuerySet[Article]) -> Subquery:
    return Subquery(rows.annotate(beginning=Left("body", 600)).values("beginning")[:1])
