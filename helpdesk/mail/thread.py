"""Which ticket a mail belongs to, and how sure that is.

Tiers, strongest first: a second delivery of the same mail; a signed reply address; In-Reply-To and
References, or a number in the subject. The last two are strong only for somebody who takes part in the ticket:
a number that was seen or guessed lets nobody in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from django.contrib.auth import get_user_model
from django.db.models import Q, QuerySet

from helpdesk import addressing, permissions
from helpdesk.actions import hold_tickets
from helpdesk.models import Article, EventKind, Right, Sender, Ticket, Tombstone, held
from helpdesk.states import StateType

from . import bounces
from .parsed import ParsedMail
from .references import KnownArticles, hints_of, known_articles, read_ahead_articles
from .screen import MachineKind, screen

#: Machine mail that tells of a mail of ours.
REPORTS = (MachineKind.DELIVERY_FAILURE, MachineKind.DELIVERY_DELAY)
#: Merged tickets lead on to the ticket they were merged into; a chain longer than this is an error.
MAX_HOPS = 50


class Tier(StrEnum):
    """How a mail was recognised."""

    SECOND_DELIVERY = "second delivery"
    TOKEN = "reply token"  # noqa: S105 (a name)
    REFERENCES = "references"
    NUMBER = "number in the subject"
    REPORT = "delivery report"


@dataclass(frozen=True)
class Match:
    """The ticket of a mail. `visible` tells whether the customer may see it at once.

    `verified` is False where the sender takes no part in the ticket: an agent has to accept it.
    """

    ticket: Ticket
    tier: Tier
    evidence: str
    visible: bool = True
    verified: bool = True
    article: Article | None = None  # of a second delivery
    # from somebody whose own request was merged into this one of another customer
    joined: bool = False
    # the reply address is that of such a request
    of_joined: bool = False


def find(mail: ParsedMail, recipients: tuple[str, ...]) -> Match | None:
    """Return the ticket that `mail` continues, or None for a new request."""
    articles = known_articles(mail)
    return (
        _second_delivery(mail, articles)
        or _by_report(mail)
        or _by_token(mail, recipients)
        or _by_hint(mail, articles)
    )


def find_erased(mail: ParsedMail, recipients: Sequence[str]) -> Tombstone | None:
    """Return what is left of the ticket that `mail` would continue if it had not been erased; None for any other.

    By our own signed ids and addresses, and by numbers: other messages of it are not known any more. Of a delivery
    report also by the ids in what it returns.
    """
    machine = screen(mail)
    is_report = machine is not None and machine.kind in REPORTS
    keys = addressing.signing_keys()
    ids = [addressing.read_reply_token(address, keys) for address in recipients]
    raw_ids = bounces.ids_of(mail) if is_report else hints_of(mail)
    ids += [addressing.read_message_id(raw_id, keys) for raw_id in raw_ids]
    named, numbers = {pk for pk in ids if pk is not None}, _numbers(mail)
    if not named and not numbers:
        return None
    which = Q(ticket_pk__in=named) | Q(number__in=numbers)
    return Tombstone.objects.filter(which).order_by("-erased_at", "-pk").first()


def read_ahead(mails: Sequence[tuple[ParsedMail, Sequence[str]]]) -> None:
    """Read for the open batch what `find` will ask about some mails (each with its recipients).

    The tickets they may continue are locked.
    """
    read_ahead_articles([mail for mail, _recipients in mails])
    keys = addressing.signing_keys()
    ids: set[int | None] = set()
    numbers: set[str] = set()
    for mail, recipients in mails:
        articles = known_articles(mail)
        ids |= {_ticket_id(raw_id, articles) for raw_id in hints_of(mail)}
        ids |= {addressing.read_reply_token(address, keys) for address in recipients}
        numbers |= set(_numbers(mail))
    ids.discard(None)
    if ids or numbers:
        hold_tickets(Q(pk__in=ids) | Q(number__in=numbers))


def _numbers(mail: ParsedMail) -> Sequence[str]:
    return addressing.find_numbers(mail.subject)[:10]


def _second_delivery(mail: ParsedMail, articles: KnownArticles) -> Match | None:
    """Recognise the very same mail: id and content. The id alone proves nothing."""
    if not mail.message_id:
        return None
    for one in reversed(articles.get(addressing.message_id_key(mail.message_id), [])):
        if one.content_hash and one.content_hash == mail.content_hash:
            rows = Article.objects.select_related("ticket__state").defer("body", "html")
            article = rows.get(pk=one.pk)
            ticket = _resolve(article.ticket)
            return Match(ticket, Tier.SECOND_DELIVERY, mail.message_id, article=article)
    return None


def _by_report(mail: ParsedMail) -> Match | None:
    """A delivery report that knows the signed Message-ID of a mail of ours, a receipt's included."""
    machine = screen(mail)
    if machine is None or machine.kind not in REPORTS:
        return None
    row = bounces.original(mail)
    if row is None:
        return None
    ticket = row.article.ticket if row.article is not None else row.ticket
    if ticket is None:
        return None
    # its sender is a server: nobody to be known as a customer
    return Match(_resolve(ticket), Tier.REPORT, row.message_id, visible=False, verified=False)


def _by_token(mail: ParsedMail, recipients: tuple[str, ...]) -> Match | None:
    keys = addressing.signing_keys()
    for address in recipients:
        ticket_id = addressing.read_reply_token(address, keys)
        named = _named(pk=ticket_id) if ticket_id is not None else None
        if named is None:
            continue
        ticket, sender = _resolve(named), sender_of(mail)
        foreign = ticket.pk != named.pk and not permissions.share_customer(named, ticket)
        visible, verified = _standing_with_token(ticket, sender, foreign=foreign)
        joined = not visible and _has_joined(ticket, sender)
        return Match(
            ticket, Tier.TOKEN, address, visible, verified, joined=joined, of_joined=foreign
        )
    return None


def _by_hint(mail: ParsedMail, articles: KnownArticles) -> Match | None:
    """References and numbers: the first ticket in which the sender takes part, else the first found."""
    weak: Match | None = None
    for ticket, tier, evidence in _hinted(mail, articles):
        visible, verified = _standing(ticket, sender_of(mail))
        joined = verified and not visible and _has_joined(ticket, sender_of(mail))
        match = Match(ticket, tier, evidence, visible, verified, joined=joined)
        if verified:
            return match
        weak = weak or match
    return weak


def _hinted(mail: ParsedMail, articles: KnownArticles) -> list[tuple[Ticket, Tier, str]]:
    found: dict[int, tuple[Ticket, Tier, str]] = {}
    report_id = mail.report.original_message_id if mail.report else None
    named = [(raw_id, _ticket_id(raw_id, articles)) for raw_id in hints_of(mail)]
    rows = _tickets({pk for _raw_id, pk in named if pk is not None})
    for raw_id, pk in named:
        if pk in rows:
            ticket = _resolve(rows[pk])
            tier = Tier.REPORT if raw_id == report_id else Tier.REFERENCES
            found.setdefault(ticket.pk, (ticket, tier, raw_id))
    for number in _numbers(mail):
        by_number = _ticket(number=number)
        if by_number is not None:
            found.setdefault(by_number.pk, (by_number, Tier.NUMBER, number))
    return list(found.values())


def _ticket_id(raw_id: str, articles: KnownArticles) -> int | None:
    """Return the ticket of the article with this id, else the one that our automatic mail names in it."""
    found = articles.get(addressing.message_id_key(raw_id))
    if found:
        return found[0].ticket_id
    return addressing.read_message_id(raw_id, addressing.signing_keys())


def _tickets(ids: set[int]) -> dict[int, Ticket]:
    found = {pk: ticket for pk in ids if (ticket := held(Ticket, pk=pk)) is not None}
    missing = ids - found.keys()
    if missing:
        found |= _there().in_bulk(missing)
    return {pk: ticket for pk, ticket in found.items() if ticket.anonymised_at is None}


def _ticket(**lookup: object) -> Ticket | None:
    ticket = _named(**lookup)
    return _resolve(ticket) if ticket is not None else None


def _named(**lookup: object) -> Ticket | None:
    found = held(Ticket, **lookup) or _there().filter(**lookup).first()
    # the open batch may hold one, too, that was made anonymous
    return found if found is not None and found.anonymised_at is None else None


def _there() -> QuerySet[Ticket]:
    """The tickets that a mail can join: one that was made anonymous is nobody's any more."""
    return Ticket.objects.filter(anonymised_at__isnull=True).select_related("state")


def _resolve(ticket: Ticket) -> Ticket:
    """Follow a merged ticket to where it went."""
    for _hop in range(MAX_HOPS):
        if ticket.state.type != StateType.MERGED or ticket.merged_into is None:
            break
        ticket = ticket.merged_into
    return ticket


def sender_of(mail: ParsedMail) -> str:
    """Return the From address as people's addresses are compared, '' if there is none."""
    if mail.from_ is None:
        return ""
    try:
        return addressing.canonical(mail.from_.address)
    except addressing.BadAddress:
        return ""


def is_customer(ticket: Ticket, sender: str) -> bool:
    """Tell whether an address (canonical) is the ticket's contact or one of its customer's."""
    if not sender:
        return False
    if sender == ticket.contact:
        return True
    person = ticket.customer
    return person is not None and person.has_address(sender)


def _takes_part(ticket: Ticket, sender: str) -> bool:
    """Tell whether the sender is on the customer's side; an agent who was copied in is not."""
    if not sender:
        return False
    if is_customer(ticket, sender):
        return True
    takes_part = ticket.participants.filter(normalised=sender).exists()
    return takes_part and not is_agent(ticket, sender)


def _standing(ticket: Ticket, sender: str) -> tuple[bool, bool]:
    """Return (visible, verified) for a sender who knows no secret of the ticket."""
    if _takes_part(ticket, sender):
        return True, True
    if _was_asked(ticket, sender) or _has_joined(ticket, sender):
        return False, True  # a third party answers our question: internal, but nothing to verify
    return False, False


def _has_joined(ticket: Ticket, sender: str) -> bool:
    """Tell whether a request of the sender was merged into this one, which is another customer's."""
    if not sender or _takes_part(ticket, sender):
        return False
    joined = Ticket.objects.filter(merged_into=ticket).select_related("customer")
    return any(
        is_customer(one, sender) or one.participants.filter(normalised=sender).exists()
        for one in joined
    )


def _standing_with_token(
    ticket: Ticket, sender: str, *, foreign: bool = False
) -> tuple[bool, bool]:
    """Return (visible, verified) for a sender who holds the ticket's reply address.

    The token alone is enough unless third parties were written to from this ticket, or somebody takes part no more:
    then somebody unknown may be them or have it from them, and is filed internally. So is whoever holds the address of a request
    of another customer that was merged into this one (`foreign`).
    """
    visible, verified = _standing(ticket, sender)
    if verified:
        return visible, True
    if foreign or is_agent(ticket, sender):
        return False, False  # an agent's answer by mail never speaks for the customer
    others_have_it = _asked_others(ticket) or _removed_somebody(ticket)
    return (False, False) if others_have_it else (True, True)


def _asked_others(ticket: Ticket) -> bool:
    rows = Article.objects.filter(ticket=ticket, sender=Sender.AGENT, visible=False)
    return rows.filter(channel="email").exists()


def _removed_somebody(ticket: Ticket) -> bool:
    return ticket.events.filter(kind=EventKind.PARTICIPANT_REMOVED).exists()


def _was_asked(ticket: Ticket, sender: str) -> bool:
    rows = Article.objects.filter(
        ticket=ticket, sender=Sender.AGENT, visible=False, channel="email"
    )
    asked = {
        address.lower() for row in rows.only("to", "cc") for _name, address in [*row.to, *row.cc]
    }
    return sender in asked


def is_agent(ticket: Ticket, sender: str) -> bool:
    """Tell whether an address (canonical) is that of a user who may read the ticket."""
    if not sender:
        return False
    users = get_user_model()._default_manager.filter(is_active=True, email__iexact=sender)
    return any(permissions.can(permissions.agent(user), Right.READ, ticket) for user in users)
