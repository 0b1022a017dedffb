"""The kinds of what is stored about a person: where their rows are, and what of them an archive holds.

The sheet of a person counts them (`found`), and the archive holds them (`export_person`, `export_data`), both by these
lists: what is found is given out, or named with the reason for which it is not.

Rows are looked up by id, by canonical address or by the search index; only recipients of messages and mails (JSON
columns), senders of raw mails and drafts are read through, in one pass each: an index over them would cost every
arriving mail more than the few requests of data subjects are worth.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import reduce
from operator import or_
from typing import Any, Final

from django.apps import apps
from django.db.models import Model, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from helpdesk.actions.person_rows import exports_of
from helpdesk.actions.persons import mentions, own_by, written_by
from helpdesk.models import (
    Absence,
    AddressClaim,
    Answer,
    Article,
    AuditEntry,
    BouncedAddress,
    Customer,
    DataExport,
    Event,
    Hold,
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
from helpdesk.rules import answers
from helpdesk.rules.blanking import Blanker, Person
from helpdesk.search import read_query

#: A person's rows of one kind; None where there is no such table on this site.
Rows = Callable[[Person], QuerySet[Any] | None]
#: Where the archive has what stands beside a request.
REQUESTS: Final = "requests"


@dataclass(frozen=True)
class TicketKind:
    """A part that a person has in tickets. Each ticket stands in the archive, with as much as is theirs."""

    code: str
    label: Any
    tickets: Callable[[Person], QuerySet[Ticket]]


@dataclass(frozen=True)
class Kind:
    """Rows of one table: the sheet shows the moment `at` and the columns `shown`.

    The archive has them under `key`, each with `at` and `columns` (by the name that they have there); under
    `REQUESTS` with the request they belong to. Without a key, `why_not` says why they are left out.
    """

    code: str
    label: Any
    rows: Rows
    at: str
    shown: tuple[str, ...] = ()
    key: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)
    why_not: Any = ""
    order: str = "-pk"


# --- in texts and lists --------------------------------------------------------------------------------


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


def own_tickets(person: Person) -> QuerySet[Ticket]:
    """Return the person's own requests."""
    return Ticket.objects.filter(own_by(person))


def _of_others(person: Person) -> QuerySet[Ticket]:
    return Ticket.objects.exclude(pk__in=own_tickets(person).order_by().values("pk"))


def _with(person: Person, rows: QuerySet[Any]) -> QuerySet[Ticket]:
    """Return those requests of others to which some rows belong."""
    return _of_others(person).filter(pk__in=rows.order_by().values("ticket"))


def _taking_part(person: Person) -> QuerySet[Ticket]:
    return _with(person, Participant.objects.filter(normalised__in=person.addresses))


def _written(person: Person) -> QuerySet[Ticket]:
    return _with(person, Article.objects.filter(written_by(person)))


def _addressed(person: Person) -> QuerySet[Ticket]:
    which = receives(Article, person, "to", "cc")
    which |= Q(reply_to__in=person.addresses | person.spelled)
    return _with(person, Article.objects.filter(which))


def _answered(person: Person) -> QuerySet[Ticket]:
    texts = {answers.folded(one) for one in (*person.addresses, *person.spelled, *person.logins)}
    rows = Answer.objects.filter(text__in=texts, ticket__in=mentioning(person).values("ticket"))
    return _with(person, rows)


def _ordered(person: Person) -> QuerySet[Ticket]:
    found = Q(pk__in=())
    for text in sorted(person.addresses | person.spelled | person.logins):
        found |= Q(agents__icontains=f'"{text}"')
    return Ticket.objects.filter(queue_order__in=QueueOrder.objects.filter(found))


def _mentioned(person: Person) -> QuerySet[Ticket]:
    return _with(person, mentioning(person))


TICKETS: Final = (
    TicketKind("own", _("Own requests"), own_tickets),
    TicketKind("participant", _("Takes part in"), _taking_part),
    TicketKind("writer", _("Wrote in requests of others"), _written),
    TicketKind("recipient", _("Is a recipient in requests of others"), _addressed),
    TicketKind("answers", _("Stands in forms of others"), _answered),
    TicketKind("orders", _("Stands in orders of queues"), _ordered),
    TicketKind("mentioned", _("Is mentioned in requests of others"), _mentioned),
)


# --- what stands beside tickets ------------------------------------------------------------------------


def drafts_about(person: Person) -> QuerySet[SavedDraft]:
    """Return the drafts on the person's own requests, and those elsewhere that name them."""
    own = Q(ticket__in=own_tickets(person).order_by().values("pk"))
    return SavedDraft.objects.filter(own | mentions(SavedDraft, Blanker(person.marks, "").terms()))


def _history(person: Person) -> QuerySet[Event]:
    return Event.objects.filter(ticket__in=own_tickets(person).order_by().values("pk"))


def _holds(person: Person) -> QuerySet[Hold]:
    return Hold.objects.filter(ticket__in=own_tickets(person).order_by().values("pk"))


# --- mails and lists -----------------------------------------------------------------------------------


def _came(person: Person) -> QuerySet[InboundMail]:
    own = Article.objects.filter(written_by(person))
    which = Q(article__in=own.order_by().values("pk"))
    return InboundMail.objects.filter(which | Q(sender__in=person.addresses | person.spelled))


def _went(person: Person) -> QuerySet[OutboundMail]:
    return OutboundMail.objects.filter(receives(OutboundMail, person, "to", "cc", "bcc"))


def _claims(person: Person) -> QuerySet[AddressClaim]:
    which = Q(customer__in=person.customers) | Q(normalised__in=person.addresses)
    return AddressClaim.objects.filter(which)


def _bounced(person: Person) -> QuerySet[BouncedAddress]:
    return BouncedAddress.objects.filter(address__in=person.addresses | person.spelled)


def _blocks(person: Person) -> QuerySet[SenderBlock]:
    domains = {f"@{one.rpartition('@')[2]}" for one in person.addresses}
    return SenderBlock.objects.filter(pattern__in=person.addresses | person.spelled | domains)


def _merged(person: Person) -> QuerySet[Customer]:
    return Customer.objects.filter(pk__in=person.customers, merged_into__isnull=False)


def _exports(person: Person) -> QuerySet[DataExport]:
    return DataExport.objects.filter(pk__in=exports_of(person))


# --- as an agent, and elsewhere ------------------------------------------------------------------------


def _by_user(model: type[Model], column: str = "user") -> Rows:
    def rows(person: Person) -> QuerySet[Any] | None:
        if not person.users:
            return None
        return model._default_manager.filter(**{f"{column}__in": person.users})

    return rows


def _of_app(app: str, name: str, column: str) -> Rows:
    """Return the rows of a table of another app, which not every site has."""

    def rows(person: Person) -> QuerySet[Any] | None:
        try:
            model: Any = apps.get_model(app, name)
        except LookupError:
            return None
        return _by_user(model, column)(person)

    return rows


def _log(person: Person) -> QuerySet[AuditEntry] | None:
    if not person.users:
        return None
    return AuditEntry.objects.filter(Q(user_id__in=person.users) | Q(subject_id__in=person.users))


LISTS: Final = (
    Kind("inbound", _("Mails received"), _came, "received_at", ("state",), "mails_received", {"subject": "subject"}),
    Kind("outbound", _("Mails sent"), _went, "created_at", ("kind",), "mails_sent", {"subject": "subject"}),
    Kind("history", _("History of their requests"), _history, "at", ("kind",), REQUESTS),
    Kind("holds", _("Holds on their requests"), _holds, "placed_at", (), REQUESTS),
    Kind("drafts_about", _("Drafts about them"), drafts_about, "saved_at", (), REQUESTS),
    Kind("claims", _("Addresses to be confirmed"), _claims, "asked_at", ("address",), "claims", {"address": "address"}),
    Kind("bounced", _("Addresses that bounce"), _bounced, "last_at", ("address",), "bounces", {"address": "address", "count": "bounces", "last": "last_at"}),
    Kind("blocks", _("Blocked senders"), _blocks, "created_at", ("pattern",), "blocks", {"pattern": "pattern", "reason": "reason"}),
    Kind("merged", _("Customers merged into this one"), _merged, "created_at", ("name",), "merged", {"name": "name"}),
    Kind("exports", _("Exports of their data"), _exports, "asked_at", ("state",), "exports", {"state": "state"}),
    Kind("notices", _("Notices"), _by_user(Notice), "at", (), "notices", {"what": "kind"}),
    Kind("watched", _("Watched tickets"), _by_user(Watcher), "at", (), "watched"),
    Kind("named", _("Mentions in notes"), _by_user(Mention), "at", (), "named"),
    Kind("drafts", _("Drafts"), _by_user(SavedDraft), "saved_at", (), "drafts", {"what": "mode"}),
    Kind("absences", _("Absences"), _by_user(Absence), "starts_at", (), "absences", {"until": "ends_at", "reason": "reason"}),
    Kind(
        "authored",
        _("Messages written as an agent"),
        _by_user(Article, "author"),
        "created_at",
        why_not=_("They are the organisation's answers to other people, and about these (Art. 15 (4) GDPR)."),
    ),
    Kind("audit", _("Lines of the audit log"), _log, "at", ("kind",), "audit_log", {"what": "kind", "from": "ip"}, order="-at"),
    Kind("pages", _("Changes of pages"), _of_app("wagtailcore", "PageLogEntry", "user_id"), "timestamp", (), "page_log", {"what": "action"}),
    Kind("rows", _("Changes in the admin"), _of_app("wagtailcore", "ModelLogEntry", "user_id"), "timestamp", (), "admin_log", {"what": "action"}),
    Kind("sessions", _("Sessions"), _of_app("usersessions", "UserSession", "user"), "created_at", (), "sessions", {"from": "ip", "device": "user_agent"}),
)  # fmt: skip
