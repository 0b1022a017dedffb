"""Opening tickets, by mail, form or phone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from helpdesk import addressing, conf, events, notifications, permissions
from helpdesk.errors import AlreadyDone, InvalidInput, WrongState
from helpdesk.models import (
    Article,
    Channel,
    Customer,
    EventKind,
    Priority,
    Queue,
    Right,
    Sender,
    State,
    Ticket,
    TicketType,
    insert,
)
from helpdesk.permissions import Actor
from helpdesk.rules.terms import Terms
from helpdesk.states import StateType

from . import clocks, storing
from .answers import write_answers
from .base import default_priority, default_state, verb
from .customers import refuse_blocked
from .drafts import Draft, preview_of, write_article
from .numbers import draw
from .objecting import objection_now, record_change
from .private_words import private_words
from .tags import few_tags, put_tags
from .terms import put_terms, terms_of

#: Types a ticket may start on; a pending one would need a date.
STARTS = frozenset({StateType.NEW, StateType.OPEN, StateType.CLOSED})


@dataclass(frozen=True)
class Origin:
    """Where a ticket came from: the page, the revision the customer saw, and the answers given there.

    `page_id` and `revision_id` are Wagtail's; `answers` is the frozen, typed snapshot; `receipt` is what the page
    says in its receipt instead of the queue.
    """

    page_id: int | None = None
    revision_id: int | None = None
    form_key: UUID | None = None
    answers: tuple[dict[str, Any], ...] = ()
    receipt: notifications.Wording | None = None


@dataclass(frozen=True)
class Opened:
    """What `open_ticket` made."""

    ticket: Ticket
    article: Article


@verb
def open_ticket(
    *,
    actor: Actor,
    queue: Queue,
    subject: str,
    draft: Draft,
    customer: Customer | None,
    contact: str = "",
    language: str = "",
    sender: Sender = Sender.CUSTOMER,
    visible: bool = True,
    terms: Terms | None = None,
    origin: Origin | None = None,
    type_: TicketType | None = None,
    priority: Priority | None = None,
    state: State | None = None,
    owner: Any | None = None,
    submission_key: str | None = None,
    imported: bool = False,
    receipt: bool = True,
    withheld: str = "",
    is_test: bool = False,
    tags: Iterable[str] = (),
) -> Opened:
    """Open a ticket in `queue` with its first article, and queue the receipt.

    Agents need the right *create* in the queue; customers and the machine may always ask.
    `terms` default to the queue's, `language` to the site's. `contact` is the address answers go to. With `imported` the
    ticket carries the draft's own date and nobody is told; `withheld` is the code of a reason why
    there is no receipt ("spam", "forged"), for the history. `tags` are cut to what a ticket can have. It may
    start new, open or closed. Raises `AlreadyDone` with the first ticket if `submission_key` was used before, `NotPermitted`,
    `WrongState` for another start, `Blocked` for a form of a customer who is, and `InvalidInput` for an owner without the right to own tickets
    there.
    """
    if actor.kind == "agent":
        permissions.require(actor, Right.CREATE, queue)
    if draft.channel == Channel.WEB:
        refuse_blocked(actor, customer)
    if submission_key:
        before = Ticket.objects.filter(submission_key=submission_key).first()
        if before is not None:
            raise AlreadyDone(before)
    language = conf.site_language(language)
    state = state or default_state(StateType.NEW)
    if state.type not in STARTS:
        raise WrongState
    now = timezone.now()
    origin = origin or Origin()
    created_at = now
    if imported:
        created_at = min(draft.created_at or now, now)
        draft = replace(draft, created_at=created_at)
    if origin.answers:
        draft = replace(draft, extra={**draft.extra, **private_words(origin.answers)})
    ticket = Ticket(
        number=draw(),
        subject=" ".join(subject.split())[:250],
        preview=preview_of(draft.body),
        queue=queue,
        state=state,
        priority=priority or default_priority(),
        type=type_,
        owner=owner,
        customer=customer,
        contact=_contact(contact),
        channel=draft.channel,
        language=language,
        created_at=created_at,
        changed_at=created_at,
        imported_at=now if imported else None,
        closed_at=None if state.is_open else created_at,
        waiting_since=_waiting_since(sender, draft, created_at) if state.is_open else None,
        page_id=origin.page_id,
        revision_id=origin.revision_id,
        form_key=origin.form_key,
        answers=list(origin.answers),
        submission_key=submission_key,
        is_test=is_test,
        first_response_at=created_at if sender == Sender.AGENT and visible else None,
        owner_acted_at=now if owner is not None else None,
    )
    if owner is not None and not permissions.can(permissions.agent(owner), Right.OWN, queue):
        raise InvalidInput(_("This person may not own tickets in this queue."), field="owner")
    _freeze(ticket, terms or terms_of(queue, language=language))
    storing.settle(ticket)
    plan = clocks.prepare(ticket, at=now)
    _insert(ticket)
    write_answers(ticket)
    clocks.write(actor, ticket, plan, at=now)
    article = write_article(
        actor=actor,
        ticket=ticket,
        draft=draft,
        sender=sender,
        visible=visible,
        author_customer=customer if sender == Sender.CUSTOMER else None,
        is_first=True,
    )
    events.record(
        actor=actor,
        ticket=ticket,
        article=article,
        kind=EventKind.TICKET_IMPORTED if imported else EventKind.TICKET_OPENED,
        data={"queue": queue.pk, "channel": str(draft.channel), "page": origin.page_id},
    )
    put_tags(actor=actor, ticket=ticket, names=few_tags(tags), born=True)
    opened = Opened(ticket, article)
    if receipt and (visible or withheld) and not imported and not is_test:
        _confirm(actor, opened, withheld, origin.receipt)
    return opened


def _confirm(
    actor: Actor, opened: Opened, withheld: str, wording: notifications.Wording | None
) -> None:
    if not withheld:
        notifications.send_receipt(
            actor=actor, ticket=opened.ticket, article=opened.article, wording=wording
        )
        return
    events.record(
        actor=actor,
        ticket=opened.ticket,
        article=opened.article,
        kind=EventKind.RECEIPT_WITHHELD,
        data={"reason": withheld},
    )


def _contact(text: str) -> str:
    """Return the contact as it is compared; no request is lost because its address is none."""
    return addressing.canonical(text) if addressing.is_address(text) else text[:254]


def _waiting_since(sender: Sender, draft: Draft, at: datetime) -> datetime | None:
    waits = sender == Sender.CUSTOMER and not draft.machine
    return at if waits else None


def _freeze(ticket: Ticket, terms: Terms) -> None:
    ticket.page_promise_id = terms.promise_id
    put_terms(ticket, terms)
    if terms.objection is not None:
        ticket.objected_at = terms.objection.at
        ticket.objection_wording = terms.objection.wording
        ticket.objection_channel = terms.objection.channel
        ticket.objection_days = terms.objection.days
        ticket.objection_reason = terms.objection.reason


def _insert(ticket: Ticket) -> None:
    if not ticket.submission_key:
        insert(ticket)
        return
    try:
        with transaction.atomic():
            ticket.save(force_insert=True)
    except IntegrityError:
        # the same submission, at the same moment, in another process
        first = Ticket.objects.get(submission_key=ticket.submission_key)
        raise AlreadyDone(first) from None


@transaction.atomic
def open_by_phone(
    *,
    actor: Actor,
    queue: Queue,
    subject: str,
    body: str,
    customer: Customer | None,
    contact: str = "",
    language: str = "",
    receipt: bool = False,
    owner: Any | None = None,
    priority: Priority | None = None,
    type_: TicketType | None = None,
    idempotency_key: str | None = None,
    objection: str = "",
) -> Opened:
    """Open a ticket for a customer on the phone (right *create*): the words are the customer's.

    `objection` tells how the customer objected to the longer storage; '' if they did not.
    """
    draft = Draft(body=body, channel=Channel.PHONE, subject=subject)
    language, terms = conf.site_language(language), None
    if objection:
        made = objection_now(channel=Channel.PHONE, language=language, reason=objection)
        terms = terms_of(queue, language=language, objection=made)
    opened = open_ticket(
        actor=actor,
        queue=queue,
        subject=subject,
        draft=draft,
        customer=customer,
        contact=contact,
        language=language,
        receipt=receipt and bool(contact),
        owner=owner,
        priority=priority,
        type_=type_,
        terms=terms,
        submission_key=idempotency_key,
    )
    if terms is not None:  # who noted it stands in the history
        record_change(actor, opened.ticket, objected=True, channel=Channel.PHONE, reason=objection)
    return opened
