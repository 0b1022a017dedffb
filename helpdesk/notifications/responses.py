"""Automatic answers: which text, to whom, in which thread; and why none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext as _

from helpdesk import addressing, conf, events
from helpdesk.models import (
    Article,
    AutoResponse,
    CustomerAddress,
    EventKind,
    OutboundMail,
    Queue,
    Ticket,
    directory,
    insert,
    is_kept,
)
from helpdesk.permissions import Actor
from helpdesk.rules import wording

from . import builtin, compose, variables
from .automatic import Withheld, why_not

Kind = AutoResponse.Kind

#: Kind of the outbox row, and what tells one automatic mail about an article from the others.
_ROWS = {
    Kind.RECEIVED: (OutboundMail.Kind.RECEIPT, "r"),
    Kind.APPENDED: (OutboundMail.Kind.APPENDED, "a"),
    Kind.REFUSED: (OutboundMail.Kind.REFUSED, "x"),
    Kind.NEW_TICKET: (OutboundMail.Kind.CONTINUED, "c"),
}


@dataclass(frozen=True)
class Wording:
    """Subject and text of one automatic answer, with their variables. No subject: the ticket's.

    `values` are those of variables that nobody here knows, such as the answers of a form.
    """

    subject: str
    body: str
    values: Mapping[str, str] = field(default_factory=dict)

    def over(self, other: Wording) -> Wording:
        """Return this wording, and `other` where it says nothing."""
        return Wording(self.subject or other.subject, self.body or other.body, self.values)


@dataclass(frozen=True)
class Recipient:
    """Whom an automatic answer goes to. Only the ticket's contact is told how to read it."""

    name: str
    address: str
    is_contact: bool


def send_response(
    *,
    actor: Actor,
    ticket: Ticket,
    article: Article,
    kind: str,
    closed: Ticket | None = None,
    wording: Wording | None = None,
) -> OutboundMail | None:
    """Queue the automatic answer of one kind to a visible `article`, or record why there is none.

    It goes to the ticket's contact; of a message that joined a ticket, to whoever wrote it. `closed` is the
    ticket that a new one continues; `wording` is said instead of the queue's. Where a queue simply has no text of a kind that is off by
    default, nothing is recorded.
    """
    sent = _prepared(ticket, article, Kind(kind), closed, wording)
    if sent is None:
        return None
    receipt = kind == Kind.RECEIVED
    if isinstance(sent, Withheld):
        events.record(
            actor=actor,
            ticket=ticket,
            article=article,
            kind=EventKind.RECEIPT_WITHHELD if receipt else EventKind.RESPONSE_WITHHELD,
            data={"reason": str(sent)} | ({} if receipt else {"kind": str(kind)}),
        )
        return None
    insert(sent)
    events.record(
        actor=actor,
        ticket=ticket,
        article=article,
        kind=EventKind.RECEIPT_QUEUED if receipt else EventKind.RESPONSE_QUEUED,
        data={"mail": sent.pk} | ({} if receipt else {"kind": str(kind)}),
    )
    return sent


def _prepared(
    ticket: Ticket, article: Article, kind: Kind, closed: Ticket | None, own: Wording | None
) -> OutboundMail | Withheld | None:
    """Return the unsaved mail, the reason against it, or None where nobody wants one."""
    found = _wording(ticket, article, kind, own)
    if not isinstance(found, Wording):
        return found
    to = _recipient(ticket, article, kind)
    row_kind, letter = _ROWS[kind]
    row = compose.automatic(ticket=ticket, article=article, kind=row_kind, letter=letter)
    reason = why_not(to.address, sender=row.from_address, customer=ticket.customer)
    if reason is not None:
        return reason
    row.to = [[to.name, to.address]]
    _write(row, ticket, article, kind, found, to, closed.number if closed is not None else "")
    return row


def _wording(
    ticket: Ticket, article: Article, kind: Kind, own: Wording | None
) -> Wording | Withheld | None:
    """Return what is said, the reason why nothing is, or None where nobody wants it."""
    reason = _not_at_all(ticket, article, kind)
    if reason is not None:
        return reason
    found = text_for(ticket.queue, kind, ticket.language)
    return own.over(found) if own is not None and isinstance(found, Wording) else found


def _write(
    row: OutboundMail,
    ticket: Ticket,
    article: Article,
    kind: Kind,
    said: Wording,
    to: Recipient,
    closed: str,
) -> None:
    """Write the text of an automatic mail, whose body is the signature so far."""
    with translation.override(row.language):
        sources = variables.of_ticket(
            ticket,
            kind,
            name=to.name,
            address=row.from_address,
            is_contact=to.is_contact,
            start=article.created_at,
            closed=closed,
        )
        values = {**variables.looked_up(sources, said.subject, said.body), **said.values}
        row.body, row.html = rendered(said.body, values, signature=row.body, title=ticket.number)
    subject = wording.fill_line(said.subject, values)
    if subject:
        row.subject = addressing.tag_subject(subject, ticket.number)[:500]


def receipt_as_read(
    *, ticket: Ticket, article: Article, wording: Wording | None
) -> OutboundMail | Withheld | None:
    """Return the receipt of a ticket as an unsaved mail to nobody, or why there would be none.

    For showing it: nothing is sent, recorded or counted.
    """
    found = _wording(ticket, article, Kind.RECEIVED, wording)
    if not isinstance(found, Wording):
        return found
    row_kind, letter = _ROWS[Kind.RECEIVED]
    row = compose.automatic(ticket=ticket, article=article, kind=row_kind, letter=letter)
    to = _recipient(ticket, article, Kind.RECEIVED)
    _write(row, ticket, article, Kind.RECEIVED, found, to, "")
    return row


def _not_at_all(ticket: Ticket, article: Article, kind: Kind) -> Withheld | None:
    if kind == Kind.RECEIVED and not ticket.queue.sends_receipt:
        return Withheld.QUEUE_OFF
    if article.machine:
        return Withheld.MACHINE
    if ticket.queue.is_junk:
        return Withheld.JUNK  # whoever it says wrote it most often did not
    if kind == Kind.RECEIVED and not ticket.state.is_open:
        return Withheld.CLOSED
    return None


def text_for(queue: Queue, kind: str, language: str) -> Wording | Withheld | None:
    """Return what a queue says in one case: its own text, or the nearest one upwards. One query.

    `TEXT_OFF` where it is switched off; None for a kind that is off unless a queue has it.
    """
    row = nearest(queue, kind)
    if row is None:
        return None if kind == Kind.APPENDED else wording_of(AutoResponse(kind=kind), language)
    if not row.is_active:
        return None if kind == Kind.APPENDED else Withheld.TEXT_OFF
    return wording_of(row, language)


def nearest(queue: Queue, kind: str) -> AutoResponse | None:
    """Return the row that holds for a kind in a queue: its own, or a parent's."""
    lineage = [one.pk for one in queue.lineage()]
    if is_kept():
        known = directory().queues
        found = (row for pk in lineage if pk in known for row in known[pk].auto_responses.all())
        return next((row for row in found if row.kind == kind), None)
    rows = {row.queue_id: row for row in AutoResponse.objects.filter(queue__in=lineage, kind=kind)}
    return next((rows[pk] for pk in lineage if pk in rows), None)


def wording_of(row: AutoResponse, language: str) -> Wording:
    """Return a row's words in `language`; what is empty is built in."""
    english = language.startswith("en")
    body = (row.body_en if english else row.body_de).strip()
    subject = (row.subject_en if english else row.subject_de).strip()
    if not body:
        with translation.override(language):
            body = builtin.text(row.kind)
    return Wording(subject, body)


def _recipient(ticket: Ticket, article: Article, kind: Kind) -> Recipient:
    """Return who is told.

    Of a message on an existing ticket its writer: the contact, if either address of the mail is the contact's;
    else the address it came from. The stored name of the customer is said at an address of theirs alone. A Reply-To that nobody proved would carry what we say to anybody.
    """
    contact = addressing.canonical(ticket.contact) if addressing.is_address(ticket.contact) else ""
    wrote = [
        addressing.canonical(address)
        for address in (article.from_address, article.reply_to)
        if addressing.is_address(address)
    ]
    if kind in (Kind.RECEIVED, Kind.NEW_TICKET) or (contact and contact in wrote):
        return Recipient(ticket.contact_name or article.from_name, ticket.contact, is_contact=True)
    return Recipient(article.from_name, article.from_address, is_contact=False)


def rendered(
    text: str, values: Mapping[str, str], *, signature: str, title: str
) -> tuple[str, str]:
    """Return a mail's text and its HTML, both with the signature, in the active language."""
    context = {
        "paragraphs": wording.fill_html(text, values),
        "signature": signature,
        "title": title,
    }
    html = render_to_string("helpdesk/mail/response.html", context).strip() + "\n"
    return compose.with_signature(wording.fill(text, values), signature), html


def send_refusal(
    *,
    to: tuple[str, str],
    language: str,
    text: str,
    queue: Queue | None,
    in_reply_to: str = "",
    references: Sequence[str] = (),
    subject: str = "",
    machine: str = "",
) -> OutboundMail | Withheld:
    """Queue a refusal of a mail that becomes no ticket, or return why there is none.

    `to` is name and address of its sender, `text` says why (with the variables of
    `variables.REFUSAL`; empty: built-in words), `subject`, `in_reply_to` and `references` are those
    of the refused mail, `machine` is the kind of machine that wrote it, or ''. Its own Message-ID
    says that it is ours (`addressing.is_our_message_id`).
    """
    name, address = to
    if machine:
        return Withheld.MACHINE
    row = compose.notice(queue=queue, language=conf.site_language(language))
    if _blocked(address):
        return Withheld.BLOCKED
    reason = why_not(address, sender=row.from_address, customer=None)
    if reason is not None:
        return reason
    row.to = [[name, address]]
    row.in_reply_to, row.references = compose.thread_of(in_reply_to, references)
    plain = addressing.clean_subject(subject)
    sources = variables.of_person(name, plain) | variables.of_queue(queue, row.from_address)
    with translation.override(row.language):
        row.subject = f"Re: {plain}"[:500] if plain else _("Your message was not accepted")
        words = builtin.refusal(text)
        values = variables.looked_up(sources, words)
        row.body, row.html = rendered(words, values, signature=row.body, title=row.subject)
    row.save(force_insert=True)
    return row


def _blocked(address: str) -> bool:
    if not addressing.is_address(address):
        return False
    known = CustomerAddress.objects.filter(normalised=addressing.canonical(address))
    return known.filter(customer__is_blocked=True).exists()
