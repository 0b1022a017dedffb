"""What an export says, as plain data: the keys of data.json are documented in docs/privacy-requests.md and stay.

A customer's own export holds what they may see on the site. The complete one, for whoever answers a request for access,
holds what only the team sees as well, without the mail addresses of other people; of other people's requests it has
what the person wrote or was sent there, and of the rest only the paragraphs that name them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from helpdesk import actions, permissions, uploads
from helpdesk.actions.drafts import OF_TICKET
from helpdesk.actions.exported import PORTION
from helpdesk.actions.persons import groups_of, own_by, written_by
from helpdesk.models import (
    Article,
    AuditEntry,
    BouncedAddress,
    Customer,
    CustomerAddress,
    InboundMail,
    OutboundMail,
    Participant,
    QueueAddress,
    Sender,
    Ticket,
)
from helpdesk.models.outside import by
from helpdesk.notifications import compose
from helpdesk.permissions import Actor
from helpdesk.rules.answers import told
from helpdesk.rules.blanking import Blanker, Person
from helpdesk.rules.terms import kept_sentence
from helpdesk.states import OPEN_TYPES, StateType

from . import found

FORMAT = "stelze-personal-data/1"
_ADDRESS = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_PARAGRAPHS = re.compile(r"\n\s*\n")


@dataclass
class Entry:
    """A file that goes along: where it lies, and under which path in the archive."""

    sha256: str
    path: str


@dataclass
class Scope:
    """Whose data, and how much of it. `actor`: who may see it on the site; None: everything.

    `only`: this one request.
    """

    person: Person
    actor: Actor | None = None
    only: Ticket | None = None
    files: list[Entry] = field(default_factory=list)
    #: Is told of tickets (ids) before anything of them is read; None for what is not stored.
    note: Callable[[Collection[int]], None] | None = None
    _noted: set[int] = field(default_factory=set)

    def reads(self, tickets: Iterable[int]) -> None:
        """Say that something of tickets is going to be read. Raises what `note` does."""
        new = set(tickets) - self._noted
        if new and self.note is not None:
            self.note(new)
        self._noted |= new

    def reads_whole(self, tickets: Collection[int]) -> None:
        """The same of tickets with what was merged into them; who merges more from now on notes that, too."""
        self.reads(tickets)
        if self.note is not None:
            self.reads(groups_of(tickets))

    @property
    def is_complete(self) -> bool:
        return self.actor is None

    @cached_property
    def blanker(self) -> Blanker:
        """Finds the person in texts."""
        return Blanker(self.person.marks, "\x00")

    @cached_property
    def ours(self) -> frozenset[str]:
        """The addresses that are nobody's secret: those of the queues."""
        return frozenset(QueueAddress.objects.values_list("normalised", flat=True))

    @cached_property
    def own(self) -> frozenset[int]:
        """The tickets that are the person's own requests."""
        rows = Ticket.objects.filter(own_by(self.person)).order_by()
        return frozenset(rows.values_list("pk", flat=True))

    def is_own(self, article: Article) -> bool:
        """Tell whether a message is of a request of the person's own: one merged in may be somebody else's."""
        return article.extra.get(OF_TICKET, article.ticket_id) in self.own

    def tickets(self) -> list[tuple[QuerySet[Ticket], str]]:
        """Return the tickets by the part that the person has in them."""
        if self.only is not None:
            decides = self.actor is None or permissions.may_decide(self.actor, self.only)
            return [(Ticket.objects.filter(pk=self.only.pk), "own" if decides else "part")]
        if self.actor is not None:
            seen = permissions.visible_tickets(self.actor)
            own = seen.filter(permissions.own_tickets(self.actor))
            rest = seen.exclude(pk__in=own.order_by().values("pk"))
            return [(own, "own"), (rest.filter(pk__in=self._wrote()), "writer")]
        own = Ticket.objects.filter(own_by(self.person))
        rest = Ticket.objects.exclude(pk__in=own.order_by().values("pk"))
        part = Participant.objects.filter(normalised__in=self.person.addresses)
        return [
            (own, "own"),
            (
                rest.filter(
                    Q(pk__in=self._wrote())
                    | Q(pk__in=part.values("ticket"))
                    | Q(pk__in=self._addressed())
                    | Q(pk__in=found.mentioning(self.person).values("ticket"))
                ),
                "part",
            ),
        ]

    def _wrote(self) -> QuerySet[Any]:
        return Article.objects.filter(written_by(self.person)).order_by().values("ticket")

    def _addressed(self) -> QuerySet[Any]:
        which = found.receives(Article, self.person, "to", "cc")
        return Article.objects.filter(which).order_by().values("ticket")

    def articles(self, ticket: Ticket, part: str) -> QuerySet[Article]:
        """Return the messages of a ticket that go into the export."""
        if self.actor is not None:
            rows = permissions.visible_articles(self.actor, ticket)
            is_whole = part == "own" or self.only is not None
            return rows if is_whole else rows.filter(written_by(self.person))
        return Article.objects.filter(ticket=ticket)


# --- the person ------------------------------------------------------------------------------------------


def person_data(scope: Scope) -> dict[str, Any]:
    """Return what is stored of the person themselves."""
    person = scope.person
    rows = Customer.objects.filter(pk__in=person.customers).select_related("organisation")
    customers = [
        {
            "name": row.name,
            "log_in_name": row.login_name or "",
            "phone": row.phone,
            "language": row.language,
            "organisation": row.organisation.name if row.organisation else "",
            "since": _moment(row.created_at),
        }
        for row in rows
    ]
    addresses = CustomerAddress.objects.filter(customer__in=person.customers).order_by("pk")
    if scope.actor is not None and scope.actor.address:  # a guest is known by this one alone
        addresses = addresses.filter(normalised=scope.actor.address)
        customers = [{"name": row["name"], "language": row["language"]} for row in customers]
    data: dict[str, Any] = {
        "customers": customers,
        "addresses": [
            {
                "address": row.address,
                "confirmed": _moment(row.verified_at),
                "confirmed_by": str(row.get_verified_by_display()) if row.verified_by else "",
            }
            for row in addresses
        ],
        "accounts": [] if scope.actor is not None and scope.actor.address else _accounts(person),
    }
    return {**data, **(_only_team(scope) if scope.is_complete else {})}


def _accounts(person: Person) -> list[dict[str, Any]]:
    return [
        {
            "log_in_name": one.get_username(),
            "name": one.get_full_name(),
            "address": one.email,
            "since": _moment(one.date_joined),
            "last_log_in": _moment(one.last_login),
        }
        for one in get_user_model()._default_manager.filter(pk__in=person.users)
    ]


def _only_team(scope: Scope) -> dict[str, Any]:
    """Return what there is besides requests, and only the team sees."""
    person = scope.person
    known = person.addresses | person.spelled
    lines = AuditEntry.objects.filter(Q(user_id__in=person.users) | Q(subject_id__in=person.users))
    came = InboundMail.objects.filter(sender__in=known).order_by("pk")
    went = OutboundMail.objects.filter(found.receives(OutboundMail, person, "to", "cc", "bcc"))
    return {
        "bounces": [
            {"address": row.address, "count": row.bounces, "last": _moment(row.last_at)}
            for row in BouncedAddress.objects.filter(address__in=known)
        ],
        "mails_received": [
            {"at": _moment(at), "subject": subject}
            for at, subject in _mails(scope, came, "received_at")
        ],
        "mails_sent": [
            {"at": _moment(at), "subject": subject}
            for at, subject in _mails(scope, went.order_by("pk"), "created_at")
        ],
        "audit_log": [
            {"at": _moment(row.at), "what": row.kind, "from": row.ip or ""}
            for row in lines.order_by("pk").only("at", "kind", "ip").iterator()
        ],
    }


def _mails(scope: Scope, rows: QuerySet[Any], at: str) -> Iterator[tuple[datetime, str]]:
    """Yield moments and subjects of mails, but not of tickets to which none of them belonged when it was asked."""
    of = ("ticket_id", "article__ticket_id")
    tickets = {pk for pair in rows.values_list(*of) for pk in pair if pk is not None}
    scope.reads(tickets)
    for moment, subject, *pair in rows.values_list(at, "subject", *of):
        if tickets.issuperset(pk for pk in pair if pk is not None):
            yield moment, subject


# --- requests --------------------------------------------------------------------------------------------


def requests(scope: Scope) -> Iterator[dict[str, Any]]:
    """Yield the requests, one at a time; the files that belong to them are noted in the scope."""
    for tickets, part in scope.tickets():
        rows = tickets.select_related("state", "queue", "customer").order_by("created_at", "pk")
        for some in by(list(rows.values_list("pk", flat=True)), PORTION):
            scope.reads_whole(some)
            for pk in some:
                ticket = rows.filter(pk=pk).first()
                data = _request(ticket, part, scope) if ticket is not None else None
                if data is not None:
                    yield data


def _request(ticket: Ticket, part: str, scope: Scope) -> dict[str, Any] | None:
    is_whole = part == "own" or scope.only is not None
    articles = scope.articles(ticket, part).prefetch_related("attachments__blob")
    messages = [
        one
        for article in articles.iterator(chunk_size=50)
        if (one := _message(ticket, article, is_whole, scope)) is not None
    ]
    if not is_whole and not messages and not scope.is_complete:
        return None
    data: dict[str, Any] = {
        "number": ticket.number,
        "part": part,
        "subject": ticket.subject if is_whole or not scope.is_complete else "",
        "queue": ticket.queue.name,
        "state": status_word(ticket),
        "opened": _moment(ticket.created_at),
        "changed": _moment(ticket.changed_at),
        "closed": _moment(ticket.closed_at),
        "messages": messages,
    }
    return {**data, **_of_whole(ticket, scope, decides=part == "own")} if is_whole else data


def _of_whole(ticket: Ticket, scope: Scope, *, decides: bool) -> dict[str, Any]:
    """Return what its page shows besides messages. Who takes part, and how long it is kept, is for its customer."""
    entries = ticket.answers if scope.is_complete else told(ticket.answers)
    others = ticket.participants.exclude(normalised__in=scope.person.addresses).order_by("pk")
    known = [one.address for one in others] if decides else []
    objects = decides and ticket.objected_at is not None and actions.joined_from(ticket) is None
    return {
        "answers": list(answered(entries)),
        "taking_part": [] if scope.is_complete else known,
        "taking_part_count": len(known),
        "kept": kept_sentence(ticket, is_own=objects) if decides else "",
        "legal_basis": ticket.legal_basis if decides else "",
        "objected": _moment(ticket.objected_at) if objects else "",
        "objection": ticket.objection_wording if objects else "",
    }


def answered(entries: Any, before: str = "") -> Iterator[dict[str, str]]:
    """Yield question and answer of a snapshot, those of a list of rows with the number of the row."""
    for entry in entries if isinstance(entries, list) else ():
        if not isinstance(entry, dict):
            continue
        label = f"{before}{entry.get('label') or entry.get('key') or ''}"
        if isinstance(entry.get("rows"), list):
            for number, row in enumerate(entry["rows"], 1):
                yield from answered(row, f"{label} {number}: ")
        else:
            yield {"question": label, "answer": str(entry.get("shown") or "")}


def status_word(ticket: Ticket) -> str:
    """Return the state in one word, as customers know it."""
    kind = ticket.state.type
    if kind == StateType.NEW:
        return _("received")
    if kind == StateType.MERGED:
        return _("joined")
    if kind not in OPEN_TYPES:
        return _("closed")
    return _("in progress") if kind == StateType.OPEN else _("on hold")


def _message(
    ticket: Ticket, article: Article, is_whole: bool, scope: Scope
) -> dict[str, Any] | None:
    """Return a message; None where it is not about the person at all."""
    is_own = scope.is_own(article) if scope.is_complete else is_whole
    mine = article.customer_id in scope.person.customers or scope.blanker.is_address(
        article.from_address
    )
    text, subject = article.body, article.subject
    if scope.is_complete and not mine:
        if not is_own and not _is_addressed(article, scope):
            text, subject = _paragraphs(text, scope), ""
            if not text:
                return None
        text, subject = without_others(text, scope), without_others(subject, scope)
    return {
        "at": _moment(article.created_at),
        "from": _writer(ticket, article, mine, scope),
        "by": "you" if mine else str(article.sender),
        "internal": not article.visible,
        "channel": article.channel,
        "subject": subject,
        "text": text,
        "files": _files(ticket, article, scope) if mine or is_own else [],
    }


def _is_addressed(article: Article, scope: Scope) -> bool:
    texts = [text for one in (*article.to, *article.cc) for text in one if isinstance(text, str)]
    return any(scope.blanker.is_address(text) for text in texts)


def _paragraphs(text: str, scope: Scope) -> str:
    """Return the paragraphs that name the person."""
    kept = [one for one in _PARAGRAPHS.split(text) if scope.blanker.text(one) != one]
    return "\n\n[…]\n\n".join(kept)


def without_others(text: str, scope: Scope) -> str:
    """Return a text without mail addresses of people other than the person."""

    def put(match: re.Match[str]) -> str:
        one = match[0]
        known = scope.blanker.is_address(one) or one.casefold() in scope.ours
        return one if known else _("[somebody else's address]")

    return _ADDRESS.sub(put, text)


def _writer(ticket: Ticket, article: Article, mine: bool, scope: Scope) -> str:
    if mine:
        return article.from_name or article.from_address
    if article.sender != Sender.CUSTOMER:
        return compose.writer_name(ticket.queue, article)
    return _("somebody else") if scope.is_complete else article.from_name or _("somebody else")


def _files(ticket: Ticket, article: Article, scope: Scope) -> list[dict[str, Any]]:
    found_files = []
    for row in article.attachments.all():
        name = uploads.clean_name(row.name)
        data: dict[str, Any] = {"name": name, "size": row.blob.size, "path": "", "note": ""}
        if row.blob.is_quarantined:
            data["note"] = _("left out: a virus was found in it")
        else:
            # the id makes it unique, and keeps a name from being a device or a path
            data["path"] = f"files/{ticket.number}/{row.pk}-{name}"
            scope.files.append(Entry(row.blob.sha256, data["path"]))
        found_files.append(data)
    return found_files


def _moment(at: datetime | None) -> str:
    return at.isoformat(timespec="seconds") if at is not None else ""
