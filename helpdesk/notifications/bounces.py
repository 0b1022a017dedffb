"""Mail that came back: the outbox row is marked, the address counted; the history tells who is told (`telling`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from helpdesk import addressing, events, permissions
from helpdesk.errors import NotFound, WrongState
from helpdesk.models import Article, EventKind, OutboundMail, Right, Ticket
from helpdesk.permissions import SYSTEM, Actor
from helpdesk.rules.delivery import code, judge

from . import suspension

#: Rows kept of one mail: no mail has more recipients that matter.
MAX_BOUNCES = 100
MAX_WORDS = 1000


@dataclass(frozen=True, slots=True)
class Failure:
    """What a report says of one recipient: by which names it calls them, its code and its words."""

    names: tuple[str, ...]
    status: str = ""
    words: str = ""


@transaction.atomic
def note_bounce(
    *, mail: OutboundMail, ticket: Ticket, report: Article, failures: Sequence[Failure]
) -> OutboundMail | None:
    """Mark `mail` with what a delivery report (filed as `report` on `ticket`) says of its recipients.

    Only recipients the mail really went to are believed; a report that names none of them speaks
    of the only one, if there was one only. What is known already changes nothing, so the same
    report twice, or two reports of one failure, count once. Returns the row, or None if nothing
    is new. The caller has made sure that the report knows the mail's signed Message-ID.
    """
    row = OutboundMail.objects.select_for_update(of=("self",)).filter(pk=mail.pk).first()
    if row is None:
        return None
    new = _news(row, failures)
    if not new:
        return None
    falls = 0
    for address, status, words in new:
        if judge(status, words).counts:
            falls += suspension.count(address, status, words)
    row.bounces = [*_without(row.bounces, new), *new]
    row.bounced_at = timezone.now()
    row.save(update_fields=["bounces", "bounced_at"])
    events.record(
        actor=SYSTEM,
        ticket=ticket,
        article=row.article,
        kind=EventKind.MAIL_BOUNCED,
        data={
            "mail": row.pk,
            "kind": row.kind,
            "report": report.pk,
            "codes": [status for _address, status, _words in new],
            "causes": [str(judge(status, words).cause) for _address, status, words in new],
            "suspended": falls,
        },
        content={"bounces": new},
    )
    return row


@transaction.atomic
def send_returned_again(*, actor: Actor, mail: OutboundMail) -> OutboundMail:
    """Queue a mail that came back once more, for those from whom it did (right *answer*).

    It keeps its Message-ID. Raises `WrongState` for a mail that did not come back, or is no person's
    words; `InvalidInput` for a suspended address, `NotPermitted`, `NotFound`.
    """
    row = OutboundMail.objects.select_for_update(of=("self",)).filter(pk=mail.pk).first()
    if row is None or row.ticket is None:
        raise NotFound
    permissions.require(actor, Right.ANSWER, row.ticket)
    if row.state != OutboundMail.State.SENT or not row.bounces or row.automatic:
        raise WrongState(_("Only a mail that came back can be sent again."))
    suspension.refuse(to=tuple(("", address) for address, _status, _words in row.bounces))
    returned = {_key(address) for address, _status, _words in row.bounces}
    row.delivered = [address for address in row.delivered if _key(address) not in returned]
    row.bounces, row.bounced_at = [], None
    row.state, row.attempts, row.due_at = OutboundMail.State.QUEUED, 0, timezone.now()
    row.save(
        update_fields=["delivered", "bounces", "bounced_at", "state", "attempts", "due_at"],
    )
    events.record(
        actor=actor,
        ticket=row.ticket,
        article=row.article,
        kind=EventKind.MAIL_RESENT,
        data={"mail": row.pk, "kind": row.kind, "from": "returned"},
    )
    return row


def _news(row: OutboundMail, failures: Sequence[Failure]) -> list[list[str]]:
    """Return the rows [address, status, words] that say more than is known."""
    reached = _reached(row)
    named: dict[str, Failure] = {}
    for failure in failures:
        keys = (_key(name) for name in failure.names)
        key = next((one for one in keys if one in reached), None)
        if key is not None:
            named.setdefault(key, failure)
    if not named and failures and len(reached) == 1:
        named = {next(iter(reached)): failures[0]}
    known = {_key(address): judge(status, words) for address, status, words in row.bounces}
    return [
        [reached[key], code(failure.status), failure.words[:MAX_WORDS]]
        for key, failure in list(named.items())[: MAX_BOUNCES - len(row.bounces)]
        if key not in known
        or (judge(failure.status, failure.words).counts and not known[key].counts)
    ]


def _reached(row: OutboundMail) -> dict[str, str]:
    """Return the recipients that a server took the mail for, or may have, by canonical address."""
    addresses: list[str] = list(row.delivered)
    if not addresses and row.content_since is not None:
        refused = {_key(address) for address, _words in row.refused}
        everybody = [address for _name, address in [*row.to, *row.cc, *row.bcc]]
        addresses = [address for address in everybody if _key(address) not in refused]
    return {_key(address): address for address in addresses if _key(address)}


def _without(bounces: Sequence[list[str]], new: Sequence[list[str]]) -> list[list[str]]:
    keys = {_key(address) for address, _status, _words in new}
    return [one for one in bounces if _key(one[0]) not in keys]


def _key(address: str) -> str:
    try:
        return addressing.canonical(address)
    except addressing.BadAddress:
        return ""
