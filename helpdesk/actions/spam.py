"""Spam: tickets that are none, and senders who are not let in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from helpdesk import addressing, events, notifications, permissions
from helpdesk.errors import InvalidInput, WrongState
from helpdesk.models import (
    EventKind,
    Queue,
    Right,
    Sender,
    SenderBlock,
    State,
    TaggedTicket,
    Ticket,
)
from helpdesk.permissions import Actor
from helpdesk.states import OPEN_TYPES, StateType

from .assignment import relocate
from .base import default_state, locked, touch
from .ending_confidence import end_by_queue
from .informing import inform_queue
from .lifecycle import transition
from .tags import key_of, put_tags, tags_of

#: The tag of spam where no queue takes it.
SPAM_TAG = "spam"


def junk_queue() -> Queue | None:
    """Return the queue that takes spam, or None if there is none in use."""
    return Queue.objects.filter(is_junk=True, is_active=True).first()


def is_spam(ticket: Ticket) -> bool:
    """Tell whether the ticket counts as spam: by its queue, or where none takes spam, by its tag."""
    tagged = TaggedTicket.objects.filter(content_object=ticket, tag__slug=key_of(SPAM_TAG))
    return ticket.queue.is_junk or tagged.exists()


def sender_of(ticket: Ticket) -> str:
    """Return the canonical address that the request came from, '' if there is none."""
    rows = ticket.articles.exclude(sender=Sender.AGENT).exclude(from_address="").order_by("pk")
    for address in (*rows.values_list("from_address", flat=True)[:1], ticket.contact):
        if addressing.is_address(address):
            return addressing.canonical(address)
    return ""


@transaction.atomic
def mark_spam(*, actor: Actor, ticket: Ticket, block: bool = False) -> Ticket:
    """Say that the ticket is spam (right *note*): it is closed and goes to the junk queue.

    Nobody needs the right to move into that queue; without one the ticket stays and is tagged.
    Automatic mails that still wait are withdrawn. With `block` its sender is blocked: raises
    `InvalidInput` where there is none, or one of our own. `WrongState` for a ticket that was merged,
    removed, or dealt with as spam before.
    """
    ticket = locked(actor, ticket, Right.NOTE)
    if is_spam(ticket) and not ticket.state.is_open:
        raise WrongState(_("This ticket is marked as spam already."))
    made = _block(actor, sender_of(ticket)) if block else None
    since = ticket.waiting_since
    events.record(
        actor=actor,
        ticket=ticket,
        kind=EventKind.MARKED_SPAM,
        data={
            "queue": ticket.queue_id,
            "state": ticket.state_id,
            "owner": ticket.owner_id,
            "waiting_since": since.isoformat() if since else None,
            "block": made.pk if made else None,
        },
    )
    if ticket.state.type != StateType.CLOSED:
        transition(actor=actor, ticket=ticket, state=default_state(StateType.CLOSED))
    notifications.withdraw_automatic(ticket=ticket)
    junk = junk_queue()
    if junk is not None:
        # it is thrown away, not shown to somebody: no question, but a line
        end_by_queue(actor, ticket, junk, confirmed=True)
        relocate(actor=actor, ticket=ticket, queue=junk)
    else:
        put_tags(actor=actor, ticket=ticket, names=[*tags_of(ticket), SPAM_TAG])
    return ticket


def _block(actor: Actor, address: str) -> SenderBlock | None:
    """Block an address; return the row if it is new."""
    if not address:
        raise InvalidInput(_("This ticket has no sender who could be blocked."), field="block")
    row = SenderBlock(pattern=address, reason="spam", created_by=actor.user)
    try:
        row.clean()
    except ValidationError as error:
        raise InvalidInput(" ".join(error.messages), field="block") from None
    row, made = SenderBlock.objects.get_or_create(
        pattern=row.pattern, defaults={"reason": row.reason, "created_by": row.created_by}
    )
    return row if made else None


@transaction.atomic
def note_spam(*, actor: Actor, ticket: Ticket, queue: Queue, others: Sequence[int] = ()) -> None:
    """Note that a ticket just opened was taken for spam, and would have gone to `queue` otherwise.

    There it goes when somebody says that it is none, and the queues `others` (ids) are informed then.
    The machine's verb.
    """
    ticket = locked(actor, ticket, Right.MANAGE)
    events.record(
        actor=actor,
        ticket=ticket,
        kind=EventKind.MARKED_SPAM,
        data={"queue": queue.pk, "state": ticket.state_id, "others": list(others)},
    )


@transaction.atomic
def not_spam(*, actor: Actor, ticket: Ticket) -> Ticket:
    """Take *this is spam* back (right *note*): the ticket is open again where it was before.

    Nobody needs a right there. A block that was set with the mark goes too; an owner who still may
    own the ticket has it again. Raises `WrongState` for a ticket that is no spam, or of which nobody
    knows where it was.
    """
    ticket = locked(actor, ticket, Right.NOTE)
    if not is_spam(ticket):
        raise WrongState(_("This ticket is not marked as spam."))
    rows = ticket.events.filter(kind=EventKind.MARKED_SPAM).order_by("-pk")
    marks: list[dict[str, Any]] = list(rows.values_list("data", flat=True))
    home = _home(ticket, marks)
    mark = marks[0] if marks else {}
    events.record(
        actor=actor,
        ticket=ticket,
        kind=EventKind.NOT_SPAM,
        data={"queue": home.pk, "block": mark.get("block")},
    )
    if mark.get("block"):
        SenderBlock.objects.filter(pk=mark["block"]).delete()
    relocate(actor=actor, ticket=ticket, queue=home)
    names = [name for name in tags_of(ticket) if key_of(name) != key_of(SPAM_TAG)]
    put_tags(actor=actor, ticket=ticket, names=names)
    _reopen(actor, ticket, mark)
    _give_back(actor, ticket, mark.get("owner"))
    _inform(ticket, marks)
    return ticket


def _home(ticket: Ticket, marks: list[dict[str, Any]]) -> Queue:
    """Return the queue in which the ticket belongs: whence it was moved, else what its mark names."""
    if not ticket.queue.is_junk:
        return ticket.queue
    rows = ticket.events.filter(kind=EventKind.QUEUE_CHANGED, data__to=ticket.queue_id)
    moves: list[dict[str, Any]] = list(rows.order_by("-pk").values_list("data", flat=True))
    origins = [move.get("from") for move in moves] + [mark.get("queue") for mark in marks]
    for origin in filter(None, origins):
        home = Queue.objects.filter(pk=int(origin), is_junk=False).first()
        if home is not None:
            return home
    raise WrongState(_("Nobody knows where this ticket was before. Please move it."))


def _reopen(actor: Actor, ticket: Ticket, mark: dict[str, Any]) -> None:
    """Open a ticket that the mark closed. One that was closed before stays so."""
    was_open = State.objects.filter(pk__in=[mark.get("state")], type__in=OPEN_TYPES).exists()
    if ticket.state.is_open or not (was_open or not mark):
        return
    transition(actor=actor, ticket=ticket, state=default_state(StateType.OPEN))
    since = mark.get("waiting_since")
    ticket.waiting_since = datetime.fromisoformat(since) if since else None
    touch(actor, ticket, "waiting_since")


def _inform(ticket: Ticket, marks: list[dict[str, Any]]) -> None:
    """Inform the queues to which the mail went as well, as would have been done at its arrival."""
    others = {pk for mark in marks for pk in mark.get("others", ())}
    article = ticket.articles.order_by("pk").first()
    if article is None or not others:
        return
    for queue in Queue.objects.filter(pk__in=others):
        inform_queue(actor=permissions.SYSTEM, ticket=ticket, article=article, queue_id=queue.pk)


def _give_back(actor: Actor, ticket: Ticket, owner_id: int | None) -> None:
    user = get_user_model()._default_manager.filter(pk=owner_id).first() if owner_id else None
    if user is None or ticket.owner_id is not None:
        return
    if permissions.can(permissions.agent(user), Right.OWN, ticket):
        ticket.owner = user
        touch(actor, ticket, "owner")
        events.record(
            actor=actor,
            ticket=ticket,
            kind=EventKind.OWNER_CHANGED,
            data={"from": None, "to": user.pk, "by": "not_spam"},
        )
