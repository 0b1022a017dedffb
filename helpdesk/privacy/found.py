"""Everything that is stored about a person, by kind: how much there is, and the newest of it with links.

A constant number of queries, whatever there is. Rows are looked up by id, by canonical address or by the search index;
only recipients of messages and mails (JSON columns) and senders of raw mails are read through, in one pass each: an
index over them would cost every arriving mail more than the few requests of data subjects are worth.

Whoever deals with data subjects sees that a ticket exists, in any queue. What it is about is shown only of tickets that
they may read, and of confidential ones never: for that the ticket has to be opened, and is written down as opened.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import reduce
from operator import or_
from typing import Any

from django.apps import apps
from django.db.models import Model, Q, QuerySet
from django.utils.translation import gettext as _

from helpdesk import permissions
from helpdesk.actions.persons import own_by, written_by
from helpdesk.confidence import Veil
from helpdesk.models import (
    Absence,
    AddressClaim,
    Answer,
    Article,
    AuditEntry,
    BouncedAddress,
    Customer,
    DataExport,
    InboundMail,
    Mention,
    Notice,
    OutboundMail,
    Participant,
    QueueOrder,
    SavedDraft,
    SearchEntry,
    SenderBlock,
    Ticket,
    Watcher,
)
from helpdesk.permissions import Actor
from helpdesk.rules import answers
from helpdesk.rules.blanking import Person
from helpdesk.search import read_query

#: Rows shown of each kind.
SHOWN = 20


@dataclass(frozen=True)
class Row:
    """One thing that was found. `ticket` leads there for whoever may read it; None: it may not be opened."""

    text: str
    at: Any = None
    ticket: int | None = None


@dataclass(frozen=True)
class Section:
    """One kind of what was found."""

    code: str
    label: str
    count: int
    rows: list[Row] = field(default_factory=list)

    @property
    def more(self) -> int:
        """How many are not shown."""
        return max(0, self.count - len(self.rows))


def everything(actor: Actor, person: Person) -> list[Section]:
    """Return what is stored about a person, empty kinds left out. For who deals with data subjects only."""
    found = [
        *_tickets(actor, person),
        *_mails(person),
        *_lists(person),
        *_as_agent(person),
        *_elsewhere(person),
    ]
    return [one for one in found if one.count]


def mentioning(person: Person) -> QuerySet[SearchEntry]:
    """Return the entries of the search index whose texts hold an address, the full name or a log-in name.

    The index compares words without case and accents and knows no signs between them: it finds a little more than the
    literal text, never less (of texts up to 100,000 characters).
    """
    texts = {*person.addresses, *person.spelled, *person.logins}
    texts |= {name for name in person.marks.names if len(name.split()) > 1}
    terms = [term for text in sorted(texts) for term in read_query(f'"{text}"')]
    if not terms:
        return SearchEntry.objects.none()
    return SearchEntry.objects.filter(reduce(or_, (Q(words__has=one) for one in terms)))


def receives(model: type[Model], person: Person, *columns: str) -> Q:
    """The condition for rows of a table among whose recipients the person is."""
    found = Q(pk__in=())
    for address in sorted(person.addresses | person.spelled):
        for column in columns:
            found |= Q(**{f"{column}__icontains": f'"{address}"'})
    return found


# --- tickets -------------------------------------------------------------------------------------------


def _tickets(actor: Actor, person: Person) -> list[Section]:
    """Their own requests, and the parts they have in those of others."""
    own = Ticket.objects.filter(own_by(person))
    others = Ticket.objects.exclude(pk__in=own.order_by().values("pk"))
    taking_part = Participant.objects.filter(normalised__in=person.addresses)
    addressed = Article.objects.filter(
        receives(Article, person, "to", "cc") | Q(reply_to__in=person.addresses | person.spelled)
    )
    written = Article.objects.filter(written_by(person))
    mentioned = mentioning(person)
    texts = {answers.folded(one) for one in (*person.addresses, *person.spelled, *person.logins)}
    answered = Answer.objects.filter(text__in=texts, ticket__in=mentioned.values("ticket"))
    orders = QueueOrder.objects.filter(_in_order(person))
    kinds: list[tuple[str, str, QuerySet[Ticket]]] = [
        ("own", _("Own requests"), own),
        ("participant", _("Takes part in"), _of(others, taking_part)),
        ("writer", _("Wrote in requests of others"), _of(others, written)),
        ("recipient", _("Is a recipient in requests of others"), _of(others, addressed)),
        ("answers", _("Stands in forms of others"), _of(others, answered)),
        ("orders", _("Stands in orders of queues"), Ticket.objects.filter(queue_order__in=orders)),
        ("mentioned", _("Is mentioned in requests of others"), _of(others, mentioned)),
    ]
    return _ticket_sections(actor, kinds)


def _of(tickets: QuerySet[Ticket], rows: QuerySet[Any]) -> QuerySet[Ticket]:
    return tickets.filter(pk__in=rows.order_by().values("ticket"))


def _in_order(person: Person) -> Q:
    found = Q(pk__in=())
    for text in sorted(person.addresses | person.spelled | person.logins):
        found |= Q(agents__icontains=f'"{text}"')
    return found


def _ticket_sections(
    actor: Actor, kinds: Iterable[tuple[str, str, QuerySet[Ticket]]]
) -> list[Section]:
    found = []
    for code, label, tickets in kinds:
        count = tickets.count()
        rows = list(tickets.select_related("queue").order_by("-created_at", "-pk")[:SHOWN])
        found.append((code, label, count, rows))
    pks = {ticket.pk for _code, _label, _count, rows in found for ticket in rows}
    readable = set(
        permissions.visible_tickets(actor)
        .filter(pk__in=pks)
        .order_by()
        .values_list("pk", flat=True)
    )
    veil = Veil()
    return [
        Section(code, label, count, [_ticket_row(one, readable, veil) for one in rows])
        for code, label, count, rows in found
    ]


def _ticket_row(ticket: Ticket, readable: set[int], veil: Veil) -> Row:
    may_read = ticket.pk in readable
    words = [ticket.number, ticket.queue.name]
    if may_read:
        words.append(veil.subject(ticket))
    return Row(" · ".join(words), ticket.created_at, ticket.pk if may_read else None)


# --- mails and lists ---------------------------------------------------------------------------------------


def _section(
    code: str, label: str, rows: QuerySet[Any], *columns: str, order: str = "-pk"
) -> Section:
    """Count rows and show the newest: the texts of `columns`, of which the first is a moment; codes in words."""
    count = rows.count()
    if not count:
        return Section(code, label, 0)
    shown = rows.order_by(order).values_list(*columns)[:SHOWN]
    fields = [rows.model._meta.get_field(name) for name in columns[1:]]
    words: list[dict[Any, Any]] = [dict(getattr(field, "flatchoices", ())) for field in fields]
    return Section(code, label, count, [Row(_texts(texts, words), at) for at, *texts in shown])


def _texts(texts: Iterable[Any], words: Iterable[dict[Any, Any]]) -> str:
    """Return what stands in some columns, codes as the words that they stand for."""
    return " · ".join(
        str(known.get(one, one)) for one, known in zip(texts, words, strict=True) if one
    )


def _mails(person: Person) -> list[Section]:
    own = Article.objects.filter(written_by(person))
    came = InboundMail.objects.filter(
        Q(article__in=own.order_by().values("pk")) | Q(sender__in=person.addresses | person.spelled)
    )
    went = OutboundMail.objects.filter(receives(OutboundMail, person, "to", "cc", "bcc"))
    return [
        _section("inbound", _("Mails received"), came, "received_at", "state"),
        _section("outbound", _("Mails sent"), went, "created_at", "kind"),
    ]


def _lists(person: Person) -> list[Section]:
    known = person.addresses | person.spelled
    domains = {f"@{one.rpartition('@')[2]}" for one in person.addresses}
    claims = AddressClaim.objects.filter(
        Q(customer__in=person.customers) | Q(normalised__in=person.addresses)
    )
    merged = Customer.objects.filter(pk__in=person.customers, merged_into__isnull=False)
    return [
        _section("claims", _("Addresses to be confirmed"), claims, "asked_at", "address"),
        _section(
            "bounced",
            _("Addresses that bounce"),
            BouncedAddress.objects.filter(address__in=known),
            *("last_at", "address"),
        ),
        _section(
            "blocks",
            _("Blocked senders"),
            SenderBlock.objects.filter(pattern__in=known | domains),
            *("created_at", "pattern"),
        ),
        _section("merged", _("Customers merged into this one"), merged, "created_at", "name"),
        _section(
            "exports",
            _("Exports of their data"),
            DataExport.objects.filter(customer__in=person.customers),
            *("asked_at", "state"),
        ),
    ]


# --- as an agent, and elsewhere ----------------------------------------------------------------------------


def _as_agent(person: Person) -> list[Section]:
    """What there is of somebody who works here."""
    if not person.users:
        return []
    kinds: tuple[tuple[str, str, Any, str], ...] = (
        ("notices", _("Notices"), Notice, "at"),
        ("watched", _("Watched tickets"), Watcher, "at"),
        ("named", _("Mentions in notes"), Mention, "at"),
        ("drafts", _("Drafts"), SavedDraft, "saved_at"),
        ("absences", _("Absences"), Absence, "starts_at"),
    )
    return [
        _section(code, label, model.objects.filter(user__in=person.users), column)
        for code, label, model, column in kinds
    ] + [
        _section(
            "authored",
            _("Messages written as an agent"),
            Article.objects.filter(author__in=person.users),
            "created_at",
        )
    ]


def _elsewhere(person: Person) -> list[Section]:
    """The audit log, the admin's own logs, and sessions."""
    if not person.users:
        return []
    lines = AuditEntry.objects.filter(Q(user_id__in=person.users) | Q(subject_id__in=person.users))
    found = [_section("audit", _("Lines of the audit log"), lines, "at", "kind", order="-at")]
    for code, label, app, name, column, at in (
        ("pages", _("Changes of pages"), "wagtailcore", "PageLogEntry", "user_id__in", "timestamp"),
        ("rows", _("Changes in the admin"), "wagtailcore", "ModelLogEntry", "user_id__in", "timestamp"),
        ("sessions", _("Sessions"), "usersessions", "UserSession", "user__in", "created_at"),
    ):  # fmt: skip
        if _has(app, name):
            model: Any = apps.get_model(app, name)
            rows = model._default_manager.filter(**{column: person.users})
            found.append(_section(code, label, rows, at))
    return found


def _has(app: str, name: str) -> bool:
    try:
        apps.get_model(app, name)
    except LookupError:
        return False
    return True
