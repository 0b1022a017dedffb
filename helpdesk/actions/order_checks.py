"""What an order is checked against: the site's settings, addresses that are taken, the directory."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from enum import StrEnum

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from helpdesk import addressing, conf, persons
from helpdesk.models import (
    Customer,
    OrderSettings,
    Queue,
    QueueAddress,
    QueueOrder,
    confidential_queues,
    is_persons_own,
)
from helpdesk.rules.ordering import AgentRow, Rules, read_lines


class Checked(StrEnum):
    """What the organisation's directory said of a log-in name."""

    KNOWN = "known"
    UNKNOWN = "unknown"
    UNCHECKED = "unchecked"  # it did not answer
    NONE = ""  # there is none


class Taken(StrEnum):
    """By what an address is taken."""

    QUEUE = "queue"
    ORDER = "order"
    PERSON = "person"


#: For administrators, who may know.
TAKEN_WORDS: dict[Taken, Promise] = {
    Taken.QUEUE: _("This address leads into a queue already."),
    Taken.ORDER: _("This address is ordered already, and that order is not decided yet."),
    Taken.PERSON: _("This address belongs to a person."),
}
#: For everybody: whose an address is, is not for strangers.
IN_USE = _("This address is in use or ordered already. Please choose another one.")
NAME_IN_USE = _("There is a queue with this name already. Please choose another one.")
UNKNOWN_LOGIN = _(
    "The directory does not know “%(login)s”. Is it spelled right? If it is new, please ask the administrators."
)


def rules_of(settings: OrderSettings | None = None) -> Rules:
    """Return what the site allows."""
    row = settings or OrderSettings.current()
    return Rules(
        domains=read_lines(row.domains),
        reserved=frozenset(read_lines(row.reserved)),
        login_pattern=row.login_pattern or str(conf.get("LOGIN_NAME_PATTERN")),
        agent_domains=read_lines(row.agent_domains),
    )


def taken_by(
    address: str, *, order: QueueOrder | None = None, customer: Customer | None = None
) -> Taken | None:
    """Return by what a well-formed address is taken, None if it is free. What `order` itself has is its own.

    `customer` is who orders (else that of the order's ticket): they may order the address they write from. A customer
    of whom nobody knows whether they are a person (`is_persons_own`) is in nobody's way.
    """
    normalised = addressing.normalise(address)
    rows = QueueAddress.objects.filter(normalised=normalised)
    orders = QueueOrder.objects.filter(normalised=normalised, state=QueueOrder.State.OPEN)
    if order is not None:
        customer = customer or order.ticket.customer
        orders = orders.exclude(pk=order.pk)
        if order.queue_id is not None:
            rows = rows.exclude(queue=order.queue_id)
    if rows.exists():
        return Taken.QUEUE
    if orders.exists():
        return Taken.ORDER
    return Taken.PERSON if is_persons_own(address, besides=customer) else None


def is_name_in_use(name: str) -> bool:
    """Tell whether a queue of this name is there, for whoever orders: of confidential ones strangers learn nothing."""
    wanted = " ".join(name.split())
    rows = Queue.objects.filter(name__iexact=wanted).exclude(pk__in=confidential_queues())
    return bool(wanted) and rows.exists()


def look_up(rows: Iterable[AgentRow], *, again: bool = False) -> list[AgentRow]:
    """Return the rows with what the directory says of their log-in names.

    Who is known is not asked for again, unless `again`. After the first time that it does not answer nobody waits for
    it any more.
    """
    if not persons.has_directory():
        return [replace(row, check=Checked.NONE) for row in rows]
    found, is_down = [], False
    for row in rows:
        check: str = row.check
        if again or check != Checked.KNOWN:
            check = Checked.UNCHECKED if is_down else ask_directory(row.login_name)
            is_down = is_down or check == Checked.UNCHECKED
        found.append(replace(row, check=check))
    return found


def ask_directory(login_name: str) -> Checked:
    """Return what the directory says of one log-in name."""
    if len(login_name) < persons.MIN_QUERY:
        return Checked.UNCHECKED
    try:
        people = persons.find(login_name)
    except persons.DirectoryDown:
        return Checked.UNCHECKED
    if any(one.login_name.lower() == login_name.lower() for one in people):
        return Checked.KNOWN
    # so many begin like it that the one may not have been among them
    return Checked.UNCHECKED if len(people) >= persons.MAX_FOUND else Checked.UNKNOWN
