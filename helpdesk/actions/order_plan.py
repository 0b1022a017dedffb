"""The plan of an order: what will be made, what is there already, and what is in the way, in words.

It is made for whoever looks at it: nobody is offered what they may not give. Approving asks the same functions.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from helpdesk import permissions
from helpdesk.models import OrderSettings, Queue, QueueOrder, Ticket
from helpdesk.permissions import Actor
from helpdesk.rules.ordering import Refused, check_address

from .customers import find_customer
from .order_checks import TAKEN_WORDS, rules_of, taken_by
from .order_people import people_steps
from .order_team import department_of, team_of, team_steps
from .plan_steps import Standing, Step
from .site_side import site_side


def plan_of(order: QueueOrder, actor: Actor) -> tuple[Step, ...]:
    """Return what approving by `actor` would do, in order, in the active language."""
    return (
        _queue(order, actor),
        *_hours(order, actor),
        _address(order),
        *_account(order),
        *team_steps(order, actor),
        *people_steps(order, actor, team_of(order)),
        *_pages(order, actor),
        Step("texts", Standing.THERE, _("Receipt and other automatic answers: as the queue above says, else the usual texts.")),
    )  # fmt: skip


def in_the_way(plan: tuple[Step, ...]) -> list[Step]:
    """Return the steps that have to be put right before the order can be approved."""
    return [step for step in plan if step.standing == Standing.STOPS]


def _queue(order: QueueOrder, actor: Actor) -> Step:
    place = " › ".join(one.name for one in reversed(order.parent.lineage())) if order.parent else ""
    said = {"queue": order.name, "place": place}
    if order.queue is not None:
        return Step("queue", Standing.THERE, _("The queue “%(queue)s”") % {"queue": order.queue})
    if not permissions.may_make_queue(actor, order.parent):
        words = _(
            "You may make queues only below those that you administer: choose another parent queue."
        )
        return Step("queue", Standing.STOPS, words)
    if Queue.objects.filter(name__iexact=order.name).exists():
        words = _("There is a queue “%(queue)s” already: choose another name.") % said
        return Step("queue", Standing.STOPS, words)
    words = _("The queue “%(queue)s” at the top") % said
    if place:
        words = _("The queue “%(queue)s” below %(place)s") % said
    note = (
        ""
        if order.purpose.strip()
        else _("Its purpose is empty: agents see it when they move tickets.")
    )
    return Step("queue", Standing.MAKE, words, note)


def _hours(order: QueueOrder, actor: Actor) -> Iterator[Step]:
    done = Standing.THERE if order.queue is not None else Standing.MAKE
    there = order.parent
    for name, row in (("calendar", order.calendar), ("promise", order.promise)):
        own = row or (there.inherited(name) if there else None)
        label = _("Calendar") if name == "calendar" else _("Promise")
        lends = row is None or permissions.usable(row.department, there or Queue())
        if not lends:
            words = _("%(what)s “%(name)s” belongs to a department and cannot be used here.")
            yield Step(name, Standing.STOPS, words % {"what": label, "name": row})
            continue
        note = ""
        if name == "calendar" and order.hours:
            note = _("Wanted: %(hours)s") % {"hours": order.hours}
        if own is None:  # nothing is made
            yield Step(name, Standing.THERE, _("%(what)s: none") % {"what": label}, note)
        else:
            yield Step(name, done, f"{label}: {own}", note)


def _address(order: QueueOrder) -> Step:
    if order.queue is not None and order.queue.addresses.filter(normalised=order.normalised):
        return Step(
            "address", Standing.THERE, _("Its address %(address)s") % {"address": order.address}
        )
    try:
        check_address(order.address, rules_of())
    except Refused as refusal:
        return Step("address", Standing.STOPS, f"{order.address}: {refusal.message}")
    taken = taken_by(order.address, order=order)
    if taken is not None:
        return Step("address", Standing.STOPS, f"{order.address}: {TAKEN_WORDS[taken]}")
    words = _("Its address %(address)s") % {"address": order.address}
    return Step("address", Standing.MAKE, words, _written_before(order))


def _written_before(order: QueueOrder) -> str:
    """Say what has come from the address so far: a shared mailbox wrote as a customer before it became a queue."""
    customer = find_customer(order.address)
    if customer is None:
        return ""
    number = Ticket.objects.filter(customer=customer).count()
    words = ngettext(
        "This address has written to us as a customer: %(n)s request stays theirs.",
        "This address has written to us as a customer: %(n)s requests stay theirs.",
        number,
    )
    return words % {"n": number}


def _account(order: QueueOrder) -> Iterator[Step]:
    if order.account is not None:
        said = {"address": order.address}
        if order.waits_for_account:
            words = _(
                "The mail account of %(address)s waits for its password, and to be set in use."
            )
            yield Step("account", Standing.LEFT, words % said)
        else:
            yield Step("account", Standing.THERE, _("The mail account of %(address)s") % said)
        return
    server = OrderSettings.current().mail_server
    if server and order.state != QueueOrder.State.APPROVED:
        words = _("A mail account on %(server)s, out of use until somebody enters its password")
        yield Step("account", Standing.MAKE, words % {"server": server})
    elif not server:
        words = _("No mail account: your mail server hands over the mail to %(address)s.")
        yield Step("account", Standing.THERE, words % {"address": order.address})


# --- pages ---------------------------------------------------------------------------------------


def page_above(order: QueueOrder) -> Any:
    """Return the page below which the pages of an order come: the chosen one, else the department's, None."""
    department = department_of(order)
    return order.page or (department.page if department is not None else None)


def _pages(order: QueueOrder, actor: Actor) -> Iterator[Step]:
    above, side = page_above(order), site_side()
    if above is None:
        yield Step("page", Standing.THERE, _("No pages: nothing is chosen below which they come."))
        return
    refusal = side.refuses(order, above) or _page_stop(order, above, actor)
    if refusal:
        yield Step("page", Standing.STOPS, refusal)
        return
    for page in side.planned(order, above):
        said = {"what": page.what, "title": page.title, "above": above.title}
        if page.edit_url:
            words = _("%(what)s: “%(title)s”") % said
            yield Step("page", Standing.THERE, words, url=page.edit_url)
        else:
            words = _("A draft below “%(above)s”: %(what)s “%(title)s”") % said
            yield Step("page", Standing.MAKE, words)


def _page_stop(order: QueueOrder, above: Any, actor: Actor) -> str:
    """An administrator of a department puts pages below its own page only."""
    if actor.kind == "system" or permissions.is_superuser(actor):
        return ""
    tops = [
        row.page.path
        for row in permissions.administered_departments(actor).select_related("page")
        if row.page is not None
    ]
    if above.path.startswith(tuple(tops)):
        return ""
    return _("Pages can only come below the page of your department: choose another one, or none.")
