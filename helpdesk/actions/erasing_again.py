"""Erasing again, in a database that was put back to an earlier state: single messages, mails of the ledger, and a person's own
requests that others share.

They were erased with a ticket, or as part of a person's traces; here they may belong to another ticket, so of each
nothing is left but that it was there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from datetime import datetime

from django.db import transaction

from helpdesk import search
from helpdesk.errors import HelpdeskError
from helpdesk.models import (
    Article,
    Attachment,
    Blob,
    Hold,
    InboundMail,
    Merge,
    OutboundMail,
    Privacy,
    Ticket,
    delete_rows,
    let_go,
)
from helpdesk.notifications import restored
from helpdesk.permissions import SYSTEM

from . import own_requests
from .erasing_parts import blank
from .erasing_rows import NO_RAW, drop_raw
from .exported import forget_copies, locked_sources
from .merging import unmerge
from .previews import renew_previews

#: Of a mail of the ledger stays that it came, so that it is not taken for new.
_STAYS = ("source", "key", "state", "outcome", "rule")


@transaction.atomic
def empty_articles(*, articles: Collection[int]) -> Counter[str]:
    """Empty messages (ids), with their files, their mails in the outbox and the raw mails they came in; count them.

    The row stays, so that nothing that points to it breaks. What is empty already counts again, and changes nothing.
    """
    copied = locked_sources(Article, articles)
    rows = Article.objects.select_for_update(of=("self",)).filter(pk__in=articles).order_by("pk")
    found = dict(rows.values_list("pk", "ticket_id"))
    if not found:
        return Counter()
    forget_copies(copied)
    files = Attachment.objects.filter(article__in=found).order_by()
    blobs = set(files.values_list("blob_id", flat=True))
    attachments = delete_rows(files)
    mails = InboundMail.objects.filter(article__in=found).order_by()
    done = empty_mails(mails=list(mails.values_list("pk", flat=True)))
    # its Message-ID stays: it tells answers apart, and only one mail may have it
    columns = _without(blank(OutboundMail, Privacy.CONTENT, Privacy.PERSON))
    restored.empty_mails_of(articles=found, columns=columns)
    Article.objects.filter(pk__in=found).update(
        customer=None, **_without(blank(Article, Privacy.CONTENT, Privacy.PERSON))
    )
    _tell_the_tickets(set(found.values()))
    done += Counter(articles=len(found), attachments=attachments)
    done["files"] += Blob.release_all(blobs)
    return +done


@transaction.atomic
def empty_requests(*, tickets: Collection[int], word: str) -> Counter[str]:
    """Leave of requests (ids) in which others have a part that they were there: whose they were asked to be erased.

    Their messages are emptied by themselves (`empty_articles`, before). `word` takes the place of the subject.
    """
    rows = Ticket.objects.select_for_update(no_key=True).filter(pk__in=tickets).order_by("pk")
    found = list(rows)
    own_requests.empty_requests(found, word)
    _tell_the_tickets([row.pk for row in found])
    return Counter(own=len(found))


def _without(columns: dict[str, object], *names: str) -> dict[str, object]:
    return {name: value for name, value in columns.items() if name not in ("message_id", *names)}


def _tell_the_tickets(ids: Iterable[int]) -> None:
    """Bring what tickets and the index say of their messages into line."""
    renew_previews(list(ids))
    search.renew(list(ids))


@transaction.atomic
def empty_mails(*, mails: Collection[int]) -> Counter[str]:
    """Leave of mails of the ledger (ids) that they came, and nothing of what they said; count them."""
    copied = locked_sources(InboundMail, mails)
    rows = InboundMail.objects.select_for_update(of=("self",)).filter(pk__in=mails).order_by("pk")
    found = dict(rows.values_list("pk", "blob_id"))
    if not found:
        return Counter()
    forget_copies(copied)
    let_go({InboundMail: found})
    done = drop_raw(found)
    columns = {
        name: value for name, value in blank(InboundMail, *Privacy).items() if name not in _STAYS
    }
    InboundMail.objects.filter(pk__in=found).update(
        **{**columns, **NO_RAW, "state": InboundMail.State.ERASED, "next_try_at": None}
    )
    done["mails"] = len(found)
    done["files"] += Blob.release_all(blob for blob in found.values() if blob is not None)
    return +done


@transaction.atomic
def lift_holds_again(*, tickets: Collection[int], now: datetime) -> int:
    """Lift the holds of tickets that were erased meanwhile: they had been lifted, or they would not have been."""
    return Hold.objects.filter(ticket__in=tickets, lifted_at=None).update(lifted_at=now)


def part_from(*, tickets: Collection[int], others: Collection[int]) -> list[int]:
    """Take merges back between tickets and others that are not to go with them; return those that stayed merged.

    A ticket that was taken out of a merge since the backup goes alone; where that cannot be done any more, it stays.
    """
    merges = Merge.objects.filter(undone_at=None).order_by("-at", "-pk")
    between = [
        one
        for one in merges.filter(source__in=[*tickets, *others], target__in=[*tickets, *others])
        if (one.source_id in tickets) != (one.target_id in tickets)
    ]
    stayed: list[int] = []
    for one in between:
        try:
            unmerge(actor=SYSTEM, merge=one)
        except HelpdeskError:
            stayed += [pk for pk in (one.source_id, one.target_id) if pk in tickets]
    return stayed
