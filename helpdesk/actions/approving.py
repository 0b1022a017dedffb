"""Approving the order of a queue: everything it needs is found or made, in one transaction."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.db import IntegrityError
from django.utils.text import slugify

from helpdesk import audit, events, permissions
from helpdesk.errors import Conflict, InvalidInput, WrongState
from helpdesk.models import (
    AuditKind,
    EventKind,
    MailAccount,
    OrderSettings,
    Queue,
    QueueAddress,
    QueueOrder,
    Right,
    Team,
    Ticket,
)
from helpdesk.permissions import Actor

from . import order_words
from .base import locked, touch, verb
from .granting import change_rights
from .messages import answer
from .order_people import accounts_named, adds_people
from .order_plan import in_the_way, page_above, plan_of
from .order_team import TEAM_RIGHTS, department_of, team_of
from .ordering import answer_draft, decide, locked_order, require_decider, rows_of
from .site_side import PlannedPage, site_side


def approve_order(*, actor: Actor, ticket: Ticket, version: int | None = None) -> QueueOrder:
    """Make the queue that `ticket` orders, and all that belongs to it; tell the orderer (rights: `require_decider`, *answer*).

    What is there already is left as it is. Approving once more makes what is missing since (who was taken out of the team stays
    out), tells nobody again, and asks for no `version`; two at once make one. Raises `InvalidInput` for what is in the way (`order_plan`),
    `WrongState` for an order that was refused, `NotPermitted`, `Conflict` if it changed meanwhile.
    """
    try:
        return _approve(actor=actor, ticket=ticket, version=version)
    except IntegrityError:  # another order made a queue or team of this name at the same moment
        raise Conflict from None


@verb
def _approve(*, actor: Actor, ticket: Ticket, version: int | None) -> QueueOrder:
    ticket = locked(actor, ticket, Right.ANSWER)
    order = locked_order(ticket)
    require_decider(actor, order)
    is_first = order.is_open
    if order.state == QueueOrder.State.REFUSED:
        raise WrongState
    if is_first:
        order = locked_order(ticket, version)
    stops = in_the_way(plan_of(order, actor))
    if stops:
        raise InvalidInput(stops[0].words)
    pages = _make(actor, order)
    if not is_first:
        order.save()
        return order
    decide(actor, order, QueueOrder.State.APPROVED)
    _record(actor, ticket, order)
    text = order_words.approval(order, ticket, rows_of(order), pages)
    answer(actor=actor, ticket=ticket, draft=answer_draft(ticket, text))
    return order


def _make(actor: Actor, order: QueueOrder) -> list[PlannedPage]:
    """Find or make each part, noting on the order which one it is."""
    order.queue = queue = _queue(order)
    _address(order, queue)
    order.account = _account(order)
    joins = adds_people(order, team_of(order))
    order.group = _team(order)
    # what was made a moment ago is no part of the rights that the actor knows
    fresh = permissions.agent(actor.user) if actor.kind == "agent" else actor
    grants = [(order.group, order.queue, str(right)) for right in TEAM_RIGHTS]
    change_rights(actor=fresh, give=grants)
    for row in rows_of(order) if joins else ():
        _member(order.group, row.login_name, row.first_name, row.last_name, row.email)
    above = page_above(order)
    return list(site_side().make(order, above)) if above is not None else []


def _queue(order: QueueOrder) -> Queue:
    if order.queue is not None:
        return order.queue
    return Queue.objects.create(
        name=order.name,
        slug=_free_slug(order),
        purpose=order.purpose.strip() or order.name,
        parent=order.parent,
        calendar=order.calendar,
        promise=order.promise,
        sender_name=order.name,
        signature_de=order.name,
        signature_en=order.name,
    )


def _free_slug(order: QueueOrder) -> str:
    wanted = slugify(order.name)[:50] or slugify(order.address.partition("@")[0])[:50] or "queue"
    slug, number = wanted, 2
    while Queue.objects.filter(slug=slug).exists():
        slug, number = f"{wanted}-{number}", number + 1
    return slug


def _address(order: QueueOrder, queue: Queue) -> None:
    rows = QueueAddress.objects.filter(queue=queue)
    if not rows.filter(normalised=order.normalised).exists():
        is_sender = not rows.filter(is_sender=True).exists()
        QueueAddress.objects.create(queue=queue, address=order.address, is_sender=is_sender)


def _account(order: QueueOrder) -> MailAccount | None:
    server = OrderSettings.current().mail_server
    if order.account is not None or not server or not order.is_open or order.queue is None:
        return order.account
    return MailAccount.prepare(order.queue, order.address, server)


def _team(order: QueueOrder) -> Group:
    found = team_of(order)
    if found is not None:
        return found
    department = department_of(order)
    group = Group.objects.create(name=order.group_name)
    strict = Team.objects.filter(department=department, requires_second_factor=True)
    Team.objects.create(
        group=group,
        department=department,
        requires_second_factor=department is not None and strict.exists(),
    )
    app, codename = permissions.ENTER_ADMIN
    group.permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
    return group


def _member(group: Group, login_name: str, first: str, last: str, email: str) -> None:
    """Let the account with a log-in name belong to a team. A new one has no password: whoever comes in with this name
    through the organisation's log-in gets it."""
    found = accounts_named([login_name]).get(login_name.lower(), [])
    if found:
        user = found[0]
    else:
        model: Any = get_user_model()
        user = model(first_name=first, last_name=last, email=email)
        setattr(user, model.USERNAME_FIELD, login_name)
        user.set_unusable_password()
        user.save()
    group.user_set.add(user)  # type: ignore[attr-defined]


def _record(actor: Actor, ticket: Ticket, order: QueueOrder) -> None:
    made = {"queue": order.queue_id, "group": order.group_id}
    events.record(actor=actor, ticket=ticket, kind=EventKind.ORDER_APPROVED, data=made)
    audit.record(
        AuditKind.ORDER_APPROVED,
        user=actor.user,
        ticket=ticket,
        queue=order.queue,
        data={"address": order.address, **made},
    )
    touch(actor, ticket)
