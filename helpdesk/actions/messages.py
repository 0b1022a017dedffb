"""Messages and notes on a ticket."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from helpdesk import addressing, events, notifications, permissions
from helpdesk.errors import AlreadyDone, InvalidInput, NotFound, WrongState
from helpdesk.models import (
    Article,
    AutoResponse,
    Channel,
    Customer,
    EventKind,
    InformedQueue,
    Participant,
    Right,
    Sender,
    State,
    Ticket,
    TicketLink,
)
from helpdesk.permissions import REPLY, Actor
from helpdesk.rules.followup import Decision, decide
from helpdesk.states import StateType

from .base import address_of, default_state, locked, touch, verb
from .drafts import Addresses, Draft, preview_of, write_article
from .lifecycle import transition
from .opening import open_ticket
from .taking_back import trace


@verb
def receive_message(
    *,
    actor: Actor,
    ticket: Ticket,
    draft: Draft,
    customer: Customer | None = None,
    visible: bool = True,
    silent: bool = False,
) -> Article:
    """File a message that came from outside on `ticket`; return its article.

    A message from a person wakes a waiting ticket and, by the queue's follow-up option, reopens a
    closed one, becomes a new, linked ticket, or is filed while the ticket stays closed (for the web:
    raises `WrongState`). Machine mail (`draft.machine`) and messages that are not `visible` (sender
    not verified) never change state, owner or waiting time. `silent` moves in an archive. Raises
    `AlreadyDone` for a repeated submission.
    """
    ticket = locked(actor, ticket, REPLY)
    moving = visible and not draft.machine
    decision = (
        _decide(ticket, now=draft.created_at or timezone.now()) if moving else Decision.APPEND
    )
    if decision == Decision.REFUSE and draft.channel == Channel.WEB:
        raise WrongState(_("This request is closed. Please write a new one."))
    if decision == Decision.NEW_TICKET:
        return _continue_elsewhere(actor, ticket, draft, customer, silent=silent)
    article = write_article(
        actor=actor,
        ticket=ticket,
        draft=draft,
        sender=Sender.SYSTEM if draft.machine else Sender.CUSTOMER,
        visible=visible,
        author_customer=customer,
    )
    events.record(
        actor=actor,
        ticket=ticket,
        article=article,
        kind=EventKind.MACHINE_MAIL if draft.machine else EventKind.ARTICLE_ADDED,
        data={"channel": str(draft.channel), "visible": visible, "machine": draft.machine},
    )
    if not moving:
        touch(ticket, at=article.created_at)
        return article
    if decision == Decision.OPEN:
        transition(
            actor=actor, ticket=ticket, state=default_state(StateType.OPEN), at=article.created_at
        )
    ticket.preview = preview_of(article.body)
    if decision != Decision.REFUSE:
        ticket.waiting_since = ticket.waiting_since or article.created_at
    touch(ticket, "preview", "waiting_since", at=article.created_at)
    if not silent:
        _respond(actor, ticket, article, decision)
    return article


def _respond(actor: Actor, ticket: Ticket, article: Article, decision: Decision) -> None:
    """Tell whoever wrote by mail what became of it; on the site everybody sees it."""
    if article.channel != Channel.EMAIL or ticket.is_test:
        return
    is_refused = decision == Decision.REFUSE
    notifications.send_response(
        actor=actor,
        ticket=ticket,
        article=article,
        kind=AutoResponse.Kind.REFUSED if is_refused else AutoResponse.Kind.APPENDED,
    )


def _decide(ticket: Ticket, *, now: datetime) -> Decision:
    days = ticket.queue.inherited("reopen_days")
    return decide(
        state_type=ticket.state.type,
        policy=str(ticket.queue.inherited("follow_up") or "reopen"),
        closed_at=ticket.closed_at,
        reopen_days=int(str(days)) if days is not None else None,
        now=now,
    )


def _continue_elsewhere(
    actor: Actor, ticket: Ticket, draft: Draft, customer: Customer | None, *, silent: bool
) -> Article:
    """Open a new ticket for a message to a closed one, and link the two.

    It is the writer's: a participant is answered, not the customer of the closed ticket.
    """
    is_other = customer is not None and customer.pk != ticket.customer_id
    contact = ticket.contact
    if is_other:
        contact = draft.from_address if addressing.is_address(draft.from_address) else ""
    opened = open_ticket(
        actor=actor,
        queue=ticket.queue,
        subject=addressing.clean_subject(draft.subject) or ticket.subject,
        draft=draft,
        customer=customer or ticket.customer,
        contact=contact,
        language=ticket.language,
        type_=ticket.type,
        imported=silent,
        receipt=False,
        is_test=ticket.is_test,
    )
    TicketLink.objects.create(source=opened.ticket, target=ticket, kind=TicketLink.Kind.FOLLOWS)
    for one, other in ((opened.ticket, ticket), (ticket, opened.ticket)):
        events.record(
            actor=actor,
            ticket=one,
            kind=EventKind.LINKED,
            data={"ticket": other.pk, "kind": "follows"},
        )
    if not silent and not ticket.is_test:
        notifications.send_response(
            actor=actor,
            ticket=opened.ticket,
            article=opened.article,
            kind=AutoResponse.Kind.NEW_TICKET,
            closed=ticket,
        )
    return opened.article


@transaction.atomic
def answer(
    *,
    actor: Actor,
    ticket: Ticket,
    draft: Draft,
    state: State | None = None,
    pending_until: datetime | None = None,
    to: Addresses = (),
    cc: Addresses = (),
    bcc: Addresses = (),
) -> Article:
    """Answer the customer (right *answer*): write a visible article and queue the mail.

    Without `to` it goes to the ticket's contact address; a ticket without one is answered on the
    site only. A new ticket becomes open, one that nobody owns becomes the answering agent's. `state`
    (with `pending_until`) is set afterwards. Raises `InvalidInput` for an empty text, for a
    recipient that is no mail address, and for copies of a mail that has no recipient.
    """
    ticket = locked(actor, ticket, Right.ANSWER)
    _not_empty(draft)
    if not to and ticket.contact:
        to = ((str(ticket.customer) if ticket.customer else "", ticket.contact),)
    if (cc or bcc) and not to:
        raise InvalidInput(_("Give at least one recipient."), field="to")
    _all_addresses(to=to, cc=cc, bcc=bcc)
    article = write_article(
        actor=actor,
        ticket=ticket,
        draft=replace(draft, to=to, cc=cc),
        sender=Sender.AGENT,
        visible=True,
    )
    chosen = state
    if state is None and ticket.state.type == StateType.NEW:
        state = default_state(StateType.OPEN)
    owner_id = _owner_after_answer(actor, ticket)
    joined = [row for row in (_join(ticket, name, address) for name, address in cc) if row]
    events.record(
        actor=actor,
        ticket=ticket,
        article=article,
        kind=EventKind.ANSWER_SENT,
        data={
            "recipients": len(to) + len(cc) + len(bcc),
            "chosen": chosen.pk if chosen is not None else None,
            **trace(
                ticket, owner_id=owner_id, state=state, pending_until=pending_until, joined=joined
            ),
        },
    )
    if to:
        notifications.send_answer(
            actor=actor, ticket=ticket, article=article, to=to, cc=cc, bcc=bcc
        )
    if ticket.owner_id != owner_id:
        _own(actor, ticket)
    ticket.waiting_since = None
    ticket.preview = preview_of(draft.body)
    touch(ticket, "preview", "waiting_since", "owner")
    if state is not None:
        transition(actor=actor, ticket=ticket, state=state, pending_until=pending_until)
    return article


def _owner_after_answer(actor: Actor, ticket: Ticket) -> int | None:
    if ticket.owner_id is None and actor.kind == "agent" and actor.user is not None:
        return actor.user.pk if permissions.can(actor, Right.OWN, ticket) else None
    return ticket.owner_id


def _own(actor: Actor, ticket: Ticket) -> None:
    ticket.owner = actor.user
    events.record(
        actor=actor,
        ticket=ticket,
        kind=EventKind.OWNER_CHANGED,
        data={"from": None, "to": actor.user.pk if actor.user else None, "by": "answer"},
    )


def _join(ticket: Ticket, name: str, address: str) -> Participant | None:
    """Let somebody take part; return the row if it is new."""
    from_now = {"address": address, "name": name[:200]}
    normalised = address_of(address, "cc")
    row, is_new = Participant.objects.get_or_create(
        ticket=ticket, normalised=normalised, defaults=from_now
    )
    return row if is_new else None


def _all_addresses(**fields: Addresses) -> None:
    for field, pairs in fields.items():
        for _name, address in pairs:
            if not address_of(address, field):
                raise InvalidInput(_("Give at least one recipient."), field=field)


def _not_empty(draft: Draft) -> None:
    if not draft.body.strip() and not draft.files and not draft.again:
        raise InvalidInput(_("Write something first."), field="body")


@verb
def add_note(
    *,
    actor: Actor,
    ticket: Ticket,
    draft: Draft,
    state: State | None = None,
    pending_until: datetime | None = None,
) -> Article:
    """Write an internal note (right *note*). Customers never see it, clocks do not move."""
    ticket = locked(actor, ticket, Right.NOTE)
    _not_empty(draft)
    article = write_article(
        actor=actor,
        ticket=ticket,
        draft=replace(draft, channel=Channel.NOTE),
        sender=Sender.AGENT,
        visible=False,
    )
    events.record(actor=actor, ticket=ticket, article=article, kind=EventKind.NOTE_ADDED)
    touch(ticket)
    if state is not None:
        transition(actor=actor, ticket=ticket, state=state, pending_until=pending_until)
    return article


@transaction.atomic
def log_call(*, actor: Actor, ticket: Ticket, draft: Draft, inbound: bool) -> Article:
    """Write down a call on an existing ticket (right *note*); the customer sees the summary.

    An outgoing call counts as an answer.
    """
    ticket = locked(actor, ticket, Right.NOTE)
    _not_empty(draft)
    article = write_article(
        actor=actor,
        ticket=ticket,
        draft=replace(draft, channel=Channel.PHONE),
        sender=Sender.CUSTOMER if inbound else Sender.AGENT,
        visible=True,
        author_customer=ticket.customer if inbound else None,
    )
    events.record(
        actor=actor,
        ticket=ticket,
        article=article,
        kind=EventKind.CALL_LOGGED,
        data={"inbound": inbound},
    )
    if not inbound:
        ticket.waiting_since = None
    elif ticket.state.is_open:  # nobody waits on a closed ticket; who answers the phone opens it
        ticket.waiting_since = ticket.waiting_since or article.created_at
    ticket.preview = preview_of(draft.body)
    touch(ticket, "preview", "waiting_since")
    return article


@transaction.atomic
def forward(
    *,
    actor: Actor,
    ticket: Ticket,
    draft: Draft,
    original: Article | None,
    to: Addresses,
    cc: Addresses = (),
) -> Article:
    """Send a message to a third party (right *answer*), with the original's files; internal.

    The third party's reply comes back to the ticket, internal as well. Raises `InvalidInput` without
    a recipient or for one that is no mail address, `NotFound` for an original of another ticket.
    """
    ticket = locked(actor, ticket, Right.ANSWER)
    if not to:
        raise InvalidInput(_("Give at least one recipient."), field="to")
    _all_addresses(to=to, cc=cc)
    if original is not None and original.ticket_id != ticket.pk:
        raise NotFound
    article = write_article(
        actor=actor,
        ticket=ticket,
        draft=replace(draft, channel=Channel.EMAIL, to=to, cc=cc),
        sender=Sender.AGENT,
        visible=False,
    )
    events.record(
        actor=actor,
        ticket=ticket,
        article=article,
        kind=EventKind.FORWARDED,
        data={"article": original.pk if original else None},
    )
    notifications.send_forward(
        actor=actor, ticket=ticket, article=article, original=original, to=to, cc=cc
    )
    touch(ticket)
    return article


@transaction.atomic
def accept_sender(*, actor: Actor, ticket: Ticket, article: Article) -> Article:
    """Accept a message whose sender was not verified (right *answer*): from now on it is visible.

    It then wakes or reopens the ticket as it would have done at its arrival. Raises `AlreadyDone`
    for a verified one, `NotFound` for one of another ticket.
    """
    ticket = locked(actor, ticket, Right.ANSWER)
    try:
        article = Article.objects.select_for_update().get(pk=article.pk, ticket=ticket)
    except Article.DoesNotExist:
        raise NotFound from None
    if article.verified:
        raise AlreadyDone(article)
    article.verified = article.visible = True
    article.save(update_fields=["verified", "visible"])
    if addressing.is_address(article.from_address):
        _join(ticket, article.from_name, article.from_address)
    events.record(actor=actor, ticket=ticket, article=article, kind=EventKind.SENDER_ACCEPTED)
    if _decide(ticket, now=article.created_at) == Decision.OPEN:
        transition(actor=actor, ticket=ticket, state=default_state(StateType.OPEN))
    if ticket.state.is_open:
        ticket.waiting_since = ticket.waiting_since or article.created_at
    touch(ticket, "waiting_since")
    return article


@verb
def inform_queue(
    *, actor: Actor, ticket: Ticket, article: Article, queue_id: int | None, again: bool = False
) -> None:
    """Note that a mail also went to another queue (or, with `again`, was delivered once more).

    Another queue than the ticket's own reads along from now on (`permissions.reads_along`). Changes
    nothing else: no second ticket, no second article. The machine's verb.
    """
    ticket = locked(actor, ticket, Right.MANAGE)
    if queue_id is not None and queue_id != ticket.queue_id:
        InformedQueue.objects.get_or_create(
            ticket=ticket, queue_id=queue_id, defaults={"at": timezone.now()}
        )
    events.record(
        actor=actor,
        ticket=ticket,
        article=article,
        kind=EventKind.SECOND_DELIVERY if again else EventKind.QUEUE_INFORMED,
        data={"queue": queue_id},
    )
