"""Addresses that bounce: after several mails that came back for good nothing is sent there.

Automatic mail is withheld, an agent's is refused in the form, until somebody releases the address: an
agent who may answer, a manager in the list, or the person, by writing to us. Only hard failures that
blame the address itself are counted (`rules.delivery`).
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from helpdesk import addressing, conf, events, permissions
from helpdesk.errors import InvalidInput, NotFound
from helpdesk.models import (
    Article,
    BouncedAddress,
    EventKind,
    OutboundMail,
    Participant,
    Right,
    Ticket,
    confidential_queues,
    directory,
)
from helpdesk.permissions import SYSTEM, Actor
from helpdesk.rules import delivery

logger = logging.getLogger(__name__)

MAX_WORDS = 1000
#: The largest number the column holds; nobody is suspended more than suspended.
_MOST = 32_000


# --- who is it -------------------------------------------------------------------------------------


def suspended(address: str) -> bool:
    """Tell whether no mail is sent to the address; False for what is no address. One query."""
    return bool(_rows([address]).filter(suspended_at__isnull=False).exists())


def suspended_among(addresses: Iterable[str]) -> frozenset[str]:
    """Return those of `addresses`, in canonical form, to which no mail is sent. One query."""
    rows = _rows(addresses).filter(suspended_at__isnull=False)
    return frozenset(rows.values_list("address", flat=True))


def known(addresses: Iterable[str]) -> frozenset[str]:
    """Return those of `addresses`, in canonical form, from which mail came back for good. One query."""
    return frozenset(_rows(addresses).values_list("address", flat=True))


def refuse(**fields: Iterable[Sequence[str]]) -> None:
    """Raise `InvalidInput`, naming the field, if one of its (name, address) pairs is suspended."""
    asked = {field: _keys(address for _name, address in pairs) for field, pairs in fields.items()}
    every = [key for keys in asked.values() for key in keys]
    rows = _rows(every).filter(suspended_at__isnull=False) if every else ()
    found = {row.address: row for row in rows}
    for field, keys in asked.items():
        for key in keys:
            if key in found:
                raise InvalidInput(_refusal(found[key]), field=field)


def _refusal(row: BouncedAddress) -> str:
    message = _(
        "Mail to %(address)s comes back: %(why)s Correct the address, or release it in the list of"
        " addresses that bounce or beside the customer."
    )
    return message % {"address": row.address, "why": reason(row)}


def reason(row: BouncedAddress) -> str:
    """Return in plain words why mail to the address came back last."""
    return delivery.sentence(delivery.judge(row.status, row.words).cause, row.address)


def addresses_of(ticket: Ticket) -> frozenset[str]:
    """Return the canonical addresses that mail of a ticket goes to, or came back from. Two queries."""
    participants = Participant.objects.filter(ticket=ticket).values_list("normalised", flat=True)
    returned = OutboundMail.objects.filter(ticket=ticket, bounced_at__isnull=False)
    bounces = returned.exclude(kind=OutboundMail.Kind.NOTICE).values_list("bounces", flat=True)
    came_back = (address for rows in bounces for address, _status, _words in rows)
    return frozenset(_keys([ticket.contact, *participants, *came_back]))


def rows_of(ticket: Ticket) -> list[BouncedAddress]:
    """Return what is known of the addresses of a ticket from which mail came back. Three queries."""
    return list(_rows(addresses_of(ticket)).order_by("-suspended_at", "address"))


def managed_rows(actor: Actor) -> QuerySet[BouncedAddress]:
    """Return the addresses on tickets of the queues that the actor manages; superusers see all."""
    rows = BouncedAddress.objects.all()
    if _is_superuser(actor):
        return rows
    # those of confidential tickets are released on the ticket itself, which writes down who looked
    queues = actor.queues_with(Right.MANAGE) - confidential_queues()
    asks = Ticket.objects.filter(queue__in=queues).exclude(contact="").values("contact")
    shares = Participant.objects.filter(ticket__queue__in=queues).values("normalised")
    return rows.filter(Q(address__in=asks) | Q(address__in=shares))


# --- counting and releasing ------------------------------------------------------------------------


def count(address: str, status: str, words: str) -> bool:
    """Count a mail that came back for good; tell whether this suspends the address.

    Call once for each mail and address, inside a transaction. Raises `BadAddress`.
    """
    now = timezone.now()
    row, made = BouncedAddress.objects.select_for_update().get_or_create(
        address=addressing.canonical(address),
        defaults={"bounces": 1, "last_at": now, "status": status[:20], "words": words[:MAX_WORDS]},
    )
    if not made:
        row.bounces = min(row.bounces + 1, _MOST)
        row.status, row.words, row.last_at = status[:20], words[:MAX_WORDS], now
    falls = row.suspended_at is None and row.bounces >= int(conf.get("HARD_BOUNCES"))
    if falls:
        row.suspended_at = now
    row.save()
    directory().forget_bounced()
    return falls


def count_refused(refused: Iterable[Sequence[str]]) -> None:
    """Count recipients, [address, words], whom a server refused at once and for good."""
    for address, words in refused:
        if addressing.is_address(address) and delivery.judge("", words).counts:
            count(address, "", words)


def release(*, actor: Actor, address: str, ticket: Ticket | None = None) -> None:
    """Let mail go to the address again, and forget what came back from it.

    With a `ticket` by whoever may answer there, for an address of it (`addresses_of`); without one by
    whoever manages a queue in which it writes. Call inside a transaction. Raises `NotPermitted`,
    `NotFound` for an address that is not known or not theirs.
    """
    if ticket is not None:
        permissions.require(actor, Right.ANSWER, ticket)
        rows = _rows(addresses_of(ticket))
    else:
        rows = managed_rows(actor)
    row = rows.filter(address__in=_keys([address])).select_for_update(of=("self",)).first()
    if row is None:
        raise NotFound
    _release(actor, row, ticket or _ticket_of(actor, row.address), by="agent")


def heard_from(
    address: str, *, ticket: Ticket | None = None, article: Article | None = None
) -> bool:
    """Release an address because a person wrote from it; tell whether it was a known one.

    Written down on `ticket` (default: the newest of this contact). Call inside a transaction, for
    mail from people only: a machine's mail proves nothing.
    """
    row = _rows([address]).select_for_update().first()
    if row is None:
        return False
    _release(SYSTEM, row, ticket or _ticket_of(SYSTEM, row.address), by="mail", article=article)
    return True


def _release(
    actor: Actor,
    row: BouncedAddress,
    ticket: Ticket | None,
    *,
    by: str,
    article: Article | None = None,
) -> None:
    row.delete()
    directory().forget_bounced()
    if ticket is None:
        user = actor.user.pk if actor.user is not None else None
        logger.info("user %s released an address that has no ticket", user)
        return
    events.record(
        actor=actor,
        ticket=ticket,
        article=article,
        kind=EventKind.ADDRESS_RELEASED,
        data={"by": by, "bounces": row.bounces, "suspended": row.suspended_at is not None},
        content={"address": row.address},
    )


def _ticket_of(actor: Actor, address: str) -> Ticket | None:
    """Return the newest ticket of an address, for the history."""
    tickets = Ticket.objects.filter(contact=address)
    if actor.kind == "agent" and not _is_superuser(actor):
        tickets = tickets.filter(queue__in=actor.queues_with(Right.MANAGE))
    return tickets.order_by("-created_at", "-pk").first()


def _is_superuser(actor: Actor) -> bool:
    return bool(actor.user is not None and actor.user.is_active and actor.user.is_superuser)


def _rows(addresses: Iterable[str]) -> QuerySet[BouncedAddress]:
    return BouncedAddress.objects.filter(address__in=_keys(addresses))


def _keys(addresses: Iterable[str]) -> list[str]:
    return [addressing.canonical(one) for one in addresses if addressing.is_address(one)]
