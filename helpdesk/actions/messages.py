"""Messages and notes on a ticket."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from helpdesk import events, notifications, permissions
from helpdesk.errors import InvalidInput, NotFound
from helpdesk.models import (
    Article,
    Channel,
    EventKind,
    Participant,
    Right,
    Sender,
    State,
    Ticket,
)
from helpdesk.permissions import Actor
from helpdesk.states import StateType

from .base import address_of, default_state, locked, touch, verb
from .drafts import Addresses, Draft, preview_of, write_article
from .lifecycle import transition
from .taking_back import trace
from .unseen import Sight, require_seen
from .watching import mention


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
    seen: Sight | None = None,
) -> Article:
    """Answer the customer (right *answer*): write a visible article and queue the mail.

    Without `to` it goes to the ticket's contact address; a ticket without one is answered on the
    site only. A new ticket becomes open, one that nobody owns becomes the answering agent's. `state`
    (with `pending_until`) is set afterwards. Raises `InvalidInput` for an empty text, for a
    recipient that is no mail address, and for copies of a mail that has no recipient; `StaleView` if
    something happened on the ticket that was not `seen`.
    """
    ticket = locked(actor, ticket, Right.ANSWER)
    require_seen(actor, ticket, seen, draft=draft, state=state)
    _not_empty(draft)
    if not to and ticket.contact:
        to = ((ticket.contact_name, ticket.contact),)
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
    joined = [row for row in (join(ticket, name, address) for name, address in cc) if row]
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
    ticket.first_response_at = ticket.first_response_at or article.created_at
    ticket.preview = preview_of(draft.body)
    touch(actor, ticket, "preview", "waiting_since", "first_response_at", "owner")
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


def join(ticket: Ticket, name: str, address: str) -> Participant | None:
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
    seen: Sight | None = None,
) -> Article:
    """Write an internal note (right *note*). Customers never see it, clocks do not move.

    Agents whom it names by `@login` and who may read the ticket are told; a note that came by mail names nobody.
    Raises `StaleView` as `answer` does.
    """
    ticket = locked(actor, ticket, Right.NOTE)
    require_seen(actor, ticket, seen, draft=draft, state=state)
    _not_empty(draft)
    article = write_article(
        actor=actor,
        ticket=ticket,
        draft=replace(draft, channel=Channel.NOTE),
        sender=Sender.AGENT,
        visible=False,
    )
    events.record(actor=actor, ticket=ticket, article=article, kind=EventKind.NOTE_ADDED)
    if draft.channel == Channel.NOTE:
        mention(actor=actor, ticket=ticket, article=article)
    touch(actor, ticket)
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
    # somebody of the team and the customer spoke with each other
    ticket.first_response_at = ticket.first_response_at or article.created_at
    ticket.preview = preview_of(draft.body)
    touch(actor, ticket, "preview", "waiting_since", "first_response_at")
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
    seen: Sight | None = None,
) -> Article:
    """Send a message to a third party (right *answer*), with the original's files; internal.

    The third party's reply comes back to the ticket, internal as well. Raises `InvalidInput` without
    a recipient or for one that is no mail address, `NotFound` for an original of another ticket,
    `StaleView` as `answer` does.
    """
    ticket = locked(actor, ticket, Right.ANSWER)
    require_seen(actor, ticket, seen, draft=draft)
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
    touch(actor, ticket)
    return article
