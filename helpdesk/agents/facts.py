"""The right column of the ticket screen: what is known of a ticket, each changeable in place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Q
from django.utils.translation import get_language_info, pgettext
from django.utils.translation import gettext as _

from helpdesk import permissions
from helpdesk.confidence import Veil
from helpdesk.models import Right, Ticket, TicketLink

from . import assigning
from .change_form import ChangeForm
from .desk import Desk
from .forms import CHANGES

OTHERS = 5


@dataclass(frozen=True)
class Fact:
    """One line: a label, a value (and an address to write or go to), the form that changes it."""

    label: Any
    value: Any
    form: ChangeForm | None = None
    note: str = ""
    url: str = ""
    at: Any = None
    pills: tuple[str, ...] = ()


def form_of(desk: Desk, name: str, bound: Mapping[str, ChangeForm]) -> ChangeForm | None:
    """Return the form of a change (the refused one, if it was sent), None without the right."""
    if name in bound:
        return bound[name]
    form = CHANGES[name]
    return form(desk=desk) if desk.may(form.right) else None


def facts(desk: Desk, bound: Mapping[str, ChangeForm]) -> list[Fact]:
    """Return what can be changed of the ticket, in the order in which agents look for it."""
    ticket = desk.ticket

    def form(name: str) -> ChangeForm | None:
        return form_of(desk, name, bound)

    found = [
        Fact(_("State"), ticket.state.name, form("state"), at=ticket.pending_until),
        Fact(pgettext("of a ticket", "Owner"), assigning.owner_in_words(desk), form("owner")),
        Fact(_("Queue"), ticket.queue.name, form("queue"), note=ticket.queue.purpose),
        Fact(_("Priority"), ticket.priority.name, form("priority")),
        Fact(_("Type"), ticket.type.name if ticket.type else "–", form("type")),
        Fact(_("Responsible"), ticket.responsible or _("Nobody"), form("responsible")),
        Fact(_("Tags"), "–", form("tags"), pills=tuple(tag.name for tag in desk.tags)),
    ]
    if desk.informed:
        names = ", ".join(queue.name for queue in desk.informed)
        found.append(Fact(_("Also sent to"), names, form("end-along")))
    if desk.watchers and not desk.reads_along:
        found.append(Fact(_("Watched by"), ", ".join(str(user) for user in desk.watchers)))
    return found


def customer_facts(desk: Desk, bound: Mapping[str, ChangeForm]) -> list[Fact]:
    """Return who asks."""
    ticket = desk.ticket
    person = ticket.customer
    name = person.name if person else ""
    known = person if person and desk.sees_record else None
    found = [
        Fact(
            _("Customer"),
            name or ticket.contact or "–",
            form_of(desk, "customer", bound),
            note=ticket.contact if name else "",
        )
    ]
    if known is not None and known.phone:
        found.append(Fact(_("Phone"), known.phone))
    if known is not None and known.login_name:
        found.append(Fact(_("Log-in name"), known.login_name))
    found.append(Fact(_("Language"), _language(ticket.language)))
    if known is not None and known.organisation is not None:
        found.append(Fact(_("Organisation"), known.organisation))
    others = [row for row in desk.participants if row.normalised != ticket.contact]
    if others and desk.reads_along:  # for all others they stand on a card of their own
        found.append(Fact(_("Takes part"), ", ".join(row.name or row.address for row in others)))
    return found


def _language(code: str) -> str:
    try:
        return str(get_language_info(code)["name_translated"])
    except KeyError:
        return code


def origin_facts(desk: Desk, page: Any) -> list[Fact]:
    """Return where the ticket came from."""
    ticket = desk.ticket
    found = [
        Fact(_("Came by"), ticket.get_channel_display()),
        Fact(_("Created"), "", at=ticket.created_at),
    ]
    if page is not None:
        found.append(Fact(_("Page"), page.title, url=(page.url or "") if page.live else ""))
    if ticket.imported_at:
        found.append(Fact(_("Imported"), "", at=ticket.imported_at))
    return found


def others_of_customer(desk: Desk) -> list[Ticket]:
    """Return the customer's newest other tickets that the agent may read."""
    if desk.ticket.customer_id is None:
        return []
    found = permissions.visible_tickets(desk.actor).filter(customer=desk.ticket.customer_id)
    found = found.exclude(pk=desk.ticket.pk).select_related("state")
    return Veil().over(_short(found).order_by("-created_at", "-pk")[:OTHERS])


def _short(tickets: Any) -> Any:
    return tickets.only(
        "number",
        "subject",
        "created_at",
        "queue",
        "state__name_de",
        "state__name_en",
        "state__type",
    )


@dataclass(frozen=True)
class Linked:
    """A linked ticket, with the kind of the link as seen from here."""

    ticket: Ticket
    how: Any
    pk: int
    may_remove: bool
    is_open_part: bool = False


def open_parts(desk: Desk) -> list[Ticket]:
    """Return the open tickets that are part of this one, among those that the agent may read."""
    return [one.ticket for one in linked(desk) if one.is_open_part]


def linked(desk: Desk) -> list[Linked]:
    """Return the linked tickets that the agent may read; the others leave no trace."""
    here = desk.ticket.pk
    links = list(TicketLink.objects.filter(Q(source=here) | Q(target=here)).order_by("pk")[:50])
    if not links:
        return []
    ids = {link.target_id if link.source_id == here else link.source_id for link in links}
    visible = permissions.visible_tickets(desk.actor).select_related("state")
    rows = {row.pk: row for row in Veil().over(_short(visible.filter(pk__in=ids)))}
    backwards = {
        TicketLink.Kind.PARENT: _("part of"),
        TicketLink.Kind.DUPLICATE: _("has the duplicate"),
        TicketLink.Kind.FOLLOWS: _("continued in"),
    }
    changeable = desk.actor.queues_with(Right.NOTE)
    may_note = desk.may(Right.NOTE)
    found = []
    for link in links:
        outgoing = link.source_id == here
        other = rows.get(link.target_id if outgoing else link.source_id)
        how = link.get_kind_display() if outgoing else backwards.get(TicketLink.Kind(link.kind))
        if other is not None:
            part = outgoing and link.kind == TicketLink.Kind.PARENT and other.state.is_open
            may_remove = may_note and other.queue_id in changeable
            how = how or link.get_kind_display()
            found.append(Linked(other, how, link.pk, may_remove, part))
    return found
