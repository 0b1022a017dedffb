"""What a customer reads about a request: the machine's states in a customer's words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import F, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce, Greatest
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from helpdesk import addressing
from helpdesk.mail import folding
from helpdesk.models import Article, Attachment, Sender, Ticket
from helpdesk.notifications import compose
from helpdesk.permissions import Actor
from helpdesk.rules.followup import Decision, decide
from helpdesk.states import OPEN_TYPES, StateType


@dataclass(frozen=True)
class Status:
    """A state for the customer: a word, a sentence, and the tone of the badge."""

    word: str
    sentence: str
    tone: str  # "new", "open", "waiting", "closed"


def status_of(ticket: Ticket) -> Status:
    """Return the state of `ticket` (with `state` at hand) in a customer's words."""
    kind = ticket.state.type
    if kind == StateType.NEW:
        return Status(_("received"), _("Your request has been received."), "new")
    if kind == StateType.OPEN:
        return Status(_("in progress"), _("Your request is being worked on."), "open")
    if kind == StateType.MERGED:
        return Status(
            _("joined"), _("Your request is dealt with together with another one."), "closed"
        )
    if kind not in OPEN_TYPES:
        return Status(_("closed"), _("Your request is closed."), "closed")
    return _waiting(ticket)


def _waiting(ticket: Ticket) -> Status:
    """Some states wait for the customer, unless the customer had the last word; others just wait."""
    day = date_format(timezone.localtime(ticket.pending_until)) if ticket.pending_until else ""
    for_customer = ticket.state.waits_for_customer
    if for_customer and ticket.state.type == StateType.PENDING_AUTO:
        sentence = _("Your answer is awaited.")
        if day:
            sentence = _("Your answer is awaited. Without one the request closes on %(day)s.") % {
                "day": day
            }
        return Status(_("waiting for you"), sentence, "waiting")
    if for_customer and ticket.waiting_since is None:
        return Status(_("waiting for you"), _("Your answer is awaited."), "waiting")
    if not day:
        return Status(_("on hold"), _("Your request is on hold."), "waiting")
    word = _("on hold until %(day)s") % {"day": day}
    return Status(
        word, _("Your request is on hold. It comes back on %(day)s.") % {"day": day}, "waiting"
    )


@dataclass(frozen=True)
class Summary:
    """A request as a line of the list."""

    number: str
    subject: str
    status: Status
    created_at: datetime
    changed_at: datetime
    is_open: bool
    #: Whose it is, if it was shared with the reader.
    shared_by: str = ""


def with_last_change(tickets: QuerySet[Ticket]) -> Any:
    """Give requests `told_at`: when a message came last that their customers see, or they were closed.

    A note of the team changes a ticket too, and is nobody else's business.
    """
    shown = Article.objects.filter(ticket=OuterRef("pk"), visible=True).order_by("-created_at")
    last = Coalesce(Subquery(shown.values("created_at")[:1]), F("created_at"))
    return tickets.annotate(told_at=Greatest(last, Coalesce(F("closed_at"), F("created_at"))))


def last_change(ticket: Ticket, articles: QuerySet[Article]) -> datetime:
    """Return the same of one request; `articles` are those that its reader sees. One query."""
    last = articles.order_by("-created_at").values_list("created_at", flat=True).first()
    return max(filter(None, (ticket.created_at, ticket.closed_at, last)))


def summary_of(ticket: Any, reader: Actor) -> Summary:
    """Return the line of a request (its customer and `told_at` at hand) as `reader` sees it."""
    is_shared = reader.customer is None or ticket.customer_id != reader.customer.pk
    return Summary(
        ticket.number,
        ticket.subject or _("(no subject)"),
        status_of(ticket),
        ticket.created_at,
        ticket.told_at,
        ticket.state.is_open,
        owner_of(ticket) if is_shared else "",
    )


def owner_of(ticket: Ticket) -> str:
    """Return how the customer of a request is called before others who see it."""
    return ticket.contact_name or ticket.contact or _("somebody else")


@dataclass(frozen=True)
class Part:
    """A piece of a message: own words, or something to fold away, with the words to fold it under."""

    text: str
    label: str = ""

    @property
    def is_own(self) -> bool:
        """Whether it is what the writer says here and now."""
        return not self.label


@dataclass(frozen=True)
class Message:
    """A visible article: who says so, when, in which parts, with which files."""

    anchor: str
    kind: str  # "customer", "agent", "system"
    role: str
    name: str
    at: datetime
    parts: tuple[Part, ...]
    files: tuple[Attachment, ...]


def messages_of(
    ticket: Ticket, articles: Iterable[Article], reader: Actor | None = None
) -> list[Message]:
    """Return `articles`, their files at hand, as the customer reads them, or a `reader` who takes part."""
    messages = []
    for article in articles:
        role, name = _role(ticket, article, reader)
        messages.append(
            Message(
                anchor=f"message-{article.pk}",
                kind=article.sender,
                role=role,
                name=name,
                at=article.created_at,
                parts=_parts(article.body),
                files=tuple(article.attachments.all()),
            )
        )
    return messages


def _role(ticket: Ticket, article: Article, reader: Actor | None) -> tuple[str, str]:
    """Return what a message is to whoever reads it, and whom to name: not the readers themselves, they know."""
    if article.sender != Sender.CUSTOMER:
        is_answer = article.sender == Sender.AGENT
        role = _("Answer") if is_answer else _("Automatic message")
        return role, compose.writer_name(ticket.queue, article)
    is_customers = article.customer_id == ticket.customer_id
    if is_customers if reader is None else _wrote(reader, article):
        return _("Your message"), ""
    if is_customers:
        return _("Message of the person who asked"), article.from_name or owner_of(ticket)
    return _("Message of somebody taking part"), article.from_name or article.from_address


def _wrote(reader: Actor, article: Article) -> bool:
    """Tell whether somebody who takes part wrote the message."""
    if reader.customer is not None:
        return article.customer_id == reader.customer.pk
    found = article.from_address
    return addressing.is_address(found) and addressing.canonical(found) == reader.address


def _parts(body: str) -> tuple[Part, ...]:
    labels = {"text": "", "quote": _("Quoted text"), "signature": _("Signature")}
    parts = (Part(one.text.strip("\r\n"), labels[one.kind]) for one in folding.fold(body.strip()))
    return tuple(part for part in parts if part.text.strip())


def thread(articles: QuerySet[Article]) -> QuerySet[Article]:
    """Read no more of the articles than is shown; files with their sizes in one query more."""
    shown = articles.only(
        "ticket", "sender", "customer", "from_name", "from_address", "body", "created_at"
    )
    return shown.prefetch_related("attachments__blob")


@dataclass(frozen=True)
class ReplyNotice:
    """Whether a message can be written now, and what it does."""

    is_possible: bool
    sentence: str = ""


def reply_notice(ticket: Ticket) -> ReplyNotice:
    """Tell what a message does to `ticket`, by the follow-up option of its queue."""
    if ticket.state.type == StateType.MERGED:
        return ReplyNotice(
            True,
            _(
                "Your request is dealt with together with another one. What you write here reaches those "
                "who work on it."
            ),
        )
    if ticket.state.is_open:
        return ReplyNotice(True)
    days = ticket.queue.inherited("reopen_days")
    decision = decide(
        state_type=ticket.state.type,
        policy=str(ticket.queue.inherited("follow_up") or "reopen"),
        closed_at=ticket.closed_at,
        reopen_days=int(str(days)) if days is not None else None,
        now=timezone.now(),
    )
    if decision == Decision.REFUSE:
        return ReplyNotice(False, _("This request is closed. Please write a new one."))
    if decision == Decision.NEW_TICKET:
        return ReplyNotice(
            True, _("This request is closed. Your message becomes a new one, linked to it.")
        )
    return ReplyNotice(True, _("This request is closed. Your message opens it again."))
