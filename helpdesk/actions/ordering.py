"""Orders of queues: placing one with its ticket, changing what is wanted, refusing it. Approving: `approving`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from django.contrib.auth.models import Group
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from helpdesk import events, permissions
from helpdesk.errors import AddressTaken, Conflict, InvalidInput, NotFound, NotPermitted, WrongState
from helpdesk.models import Channel, EventKind, OrderSettings, QueueOrder, Right, Ticket
from helpdesk.permissions import Actor
from helpdesk.rules.ordering import AgentRow, Refused, check_address, check_agents
from helpdesk.states import StateType

from . import order_words
from .base import default_state, locked, touch, verb
from .drafts import Draft
from .lifecycle import transition
from .messages import answer
from .order_checks import IN_USE, rules_of, taken_by
from .order_team import carried_name, choosable_teams, free_team_name

#: What can be changed of an order until it is approved.
CHANGEABLE = frozenset(
    {
        *("address", "name", "purpose", "department", "hours", "agents"),
        *("group_name", "chosen_team", "parent", "calendar", "promise", "page"),
    }
)


@dataclass(frozen=True)
class Wanted:
    """What somebody orders. `name` empty: what stands before the @; `agents` as `order_checks.look_up` returned them."""

    address: str
    name: str = ""
    purpose: str = ""
    department: str = ""
    hours: str = ""
    agents: tuple[AgentRow, ...] = ()


@verb
def place_order(*, actor: Actor, ticket: Ticket, wanted: Wanted) -> QueueOrder:
    """Make what `ticket` asks for an order (right *note*; the customer whose form it was may, too).

    A ticket has one order: the one that is there is returned as it is. Raises `InvalidInput` for what cannot be
    ordered, `AddressTaken` for an address that is not free, `WrongState` for a test of a form.
    """
    ticket = locked(actor, ticket, permissions.REPLY if actor.kind == "customer" else Right.NOTE)
    if ticket.is_test:
        raise WrongState(_("This is a test of a form: nothing can be ordered with it."))
    before = QueueOrder.objects.filter(ticket=ticket).first()
    if before is not None:
        return before
    settings = OrderSettings.current()
    name = " ".join(wanted.name.split())[:100] or wanted.address.partition("@")[0].strip()[:100]
    order = QueueOrder(
        ticket=ticket,
        address=wanted.address.strip(),
        name=name,
        purpose=wanted.purpose,
        department=wanted.department[:200],
        hours=wanted.hours[:250],
        agents=[asdict(row) for row in wanted.agents],
        group_name=free_team_name(name),
        parent=settings.parent,
        page=settings.page,
    )
    _check(order)
    _save(order)
    events.record(
        actor=actor, ticket=ticket, kind=EventKind.ORDER_PLACED, data={"agents": len(order.agents)}
    )
    touch(actor, ticket)
    return order


def rows_of(order: QueueOrder) -> list[AgentRow]:
    """Return the agents of an order."""
    return [AgentRow(**row) for row in order.agents]


def _check(order: QueueOrder) -> None:
    """Check an order and bring its columns into shape. Raises as `place_order`."""
    rules = rules_of()
    try:
        order.address = check_address(order.address, rules)
    except Refused as refusal:
        raise InvalidInput(refusal.message, field="address") from refusal
    try:
        rows, faults = check_agents(rows_of(order), rules, queue_address=order.address)
    except Refused as refusal:
        raise InvalidInput(refusal.message, field="agents") from refusal
    for place, wrong in faults.items():
        said = {"row": place + 1, "fault": next(iter(wrong.values())).message}
        raise InvalidInput(_("Person %(row)s: %(fault)s") % said, field="agents")
    order.agents = [asdict(row) for row in rows]
    if taken_by(order.address, order=order) is not None:
        raise AddressTaken(IN_USE)


def _save(order: QueueOrder) -> None:
    try:
        with transaction.atomic():
            order.save()
    except IntegrityError:  # the same address, at the same moment, in another process
        raise AddressTaken(IN_USE) from None


def locked_order(ticket: Ticket, version: int | None = None) -> QueueOrder:
    """Return the order of a locked ticket, as it is now.

    Raises `NotFound` if there is none, `Conflict` if it is not the `version` any more that was seen.
    """
    order = (
        QueueOrder.objects.filter(ticket=ticket)
        .select_related("parent", "queue", "chosen_team")
        .first()
    )
    if order is None:
        raise NotFound
    if version is not None and order.version != version:
        raise Conflict(_("Somebody changed this order in the meantime. Please look again."))
    return order


@verb
def change_order(
    *, actor: Actor, ticket: Ticket, values: Mapping[str, Any], version: int | None = None
) -> QueueOrder:
    """Change what is wanted (right *note*); `values` by the names in `CHANGEABLE`, agents as rows.

    An order that was refused is taken up again with it. The name of the team goes along with that of the queue while
    both are the same; a team that is there takes on the queue only as `chosen_team`. Raises `WrongState` for one that is approved, `Conflict`,
    `InvalidInput` and `AddressTaken` as `place_order`.
    """
    ticket = locked(actor, ticket, Right.NOTE)
    order = locked_order(ticket, version)
    if order.state == QueueOrder.State.APPROVED:
        raise WrongState(_("This order is approved already."))
    unknown = set(values) - CHANGEABLE
    if unknown:
        raise InvalidInput(field=min(unknown))
    _require_team(actor, order, values.get("chosen_team"))
    values = {**values, **carried_name(order, values)}
    for name, value in values.items():
        setattr(order, name, [asdict(row) for row in value] if name == "agents" else value)
    was_refused = order.state == QueueOrder.State.REFUSED
    order.state, order.version = QueueOrder.State.OPEN, order.version + 1
    order.decided_by = order.decided_at = None
    order.reason = ""
    _check(order)
    _save(order)
    events.record(
        actor=actor,
        ticket=ticket,
        kind=EventKind.ORDER_CHANGED,
        data={"fields": sorted(values)},
    )
    touch(actor, ticket)
    if was_refused and not ticket.state.is_open:  # somebody has to decide again
        transition(actor=actor, ticket=ticket, state=default_state(StateType.OPEN))
    return order


def _require_team(actor: Actor, order: QueueOrder, team: Group | None) -> None:
    """Raise `InvalidInput` for a team that the actor may not give a queue, unless it is chosen already."""
    if team is None or team == order.chosen_team:
        return
    if not choosable_teams(actor).filter(pk=team.pk).exists():
        raise InvalidInput(_("This team cannot take on the queue."), field="chosen_team")


@verb
def refuse_order(
    *, actor: Actor, ticket: Ticket, reason: str, version: int | None = None
) -> QueueOrder:
    """Refuse an order, tell the orderer why, and close the ticket (right *answer*; and whoever may approve it).

    The address is free again. Raises `InvalidInput` without a reason, `WrongState` for an order that is decided,
    `Conflict` as `change_order`.
    """
    ticket = locked(actor, ticket, Right.ANSWER)
    order = locked_order(ticket, version)
    require_decider(actor, order)
    if not order.is_open:
        raise WrongState(_("This order is decided already."))
    reason = reason.strip()
    if not reason:
        raise InvalidInput(
            _("Please say why: the answer to the orderer needs a reason."), field="reason"
        )
    decide(actor, order, QueueOrder.State.REFUSED, reason=reason)
    events.record(actor=actor, ticket=ticket, kind=EventKind.ORDER_REFUSED)
    answer(
        actor=actor,
        ticket=ticket,
        draft=answer_draft(ticket, order_words.refusal(order, ticket)),
        state=default_state(StateType.CLOSED),
    )
    return order


def require_decider(actor: Actor, order: QueueOrder) -> None:
    """Raise `NotPermitted` unless the actor may make the queue where the order puts it."""
    if not permissions.may_make_queue(actor, order.parent):
        raise NotPermitted


def decide(actor: Actor, order: QueueOrder, state: QueueOrder.State, *, reason: str = "") -> None:
    """Write down what was decided, and by whom."""
    order.state, order.reason = state, reason
    order.decided_by, order.decided_at = actor.user, timezone.now()
    order.version += 1
    order.save()


def answer_draft(ticket: Ticket, text: str) -> Draft:
    """Return the answer to the orderer: a mail, if the ticket has an address."""
    return Draft(body=text, channel=Channel.EMAIL if ticket.contact else Channel.WEB)
