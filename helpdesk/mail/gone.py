"""Mail that answers what was erased: a ticket that is gone, or one of which nobody knows any more whose it was."""

from __future__ import annotations

from typing import Final

from django.utils import formats, timezone, translation
from django.utils.translation import gettext, gettext_noop

from helpdesk import conf
from helpdesk.actions import Draft, add_note
from helpdesk.models import Channel, EventKind, Ticket, Tombstone
from helpdesk.permissions import SYSTEM

from . import thread
from .incoming import Incoming
from .thread import Match, Tier

#: Why a delivery report makes no ticket: it returns what was erased.
RETURNED: Final = gettext_noop("returns a mail of an erased ticket")
_REPORTS: Final = frozenset(map(str, thread.REPORTS))


def note(step: Incoming) -> Tombstone | None:
    """Return what is left of the ticket that the mail names, if it was erased, and note that on the mail."""
    found = thread.find_erased(step.mail, step.recipients)
    if found is not None:
        step.note(gettext_noop("names the erased ticket %(value)s"), found.number)
    return found


def returns_something(step: Incoming) -> bool:
    """Tell whether a mail is a delivery report on a mail of an erased ticket: most reports bring it back whole."""
    return step.machine in _REPORTS and note(step) is not None


def is_nobodys(step: Incoming, match: Match) -> bool:
    """Tell whether a mail answers a ticket whose people were erased: nobody there could be answered any more.

    Machines, colleagues, whoever was invited since, and third parties who were asked from there still join it.
    """
    ticket = match.ticket
    if (
        ticket.customer_id is not None
        or ticket.contact
        or step.machine
        or match.tier == Tier.REPORT
    ):
        return False
    is_third = match.verified and not match.visible
    if is_third or not ticket.events.filter(kind=EventKind.PERSONS_ERASED).exists():
        return False
    sender = thread.sender_of(step.mail)
    takes_part = ticket.participants.filter(normalised=sender).exists()
    return not takes_part and not thread.is_agent(ticket, sender)


def tell(ticket: Ticket, former: Tombstone | Ticket | None) -> None:
    """Tell the team why there is a new ticket although the mail answers an older one, `former`."""
    if former is None:
        return
    with translation.override(conf.site_language()):
        if isinstance(former, Ticket):
            text = gettext(
                "This mail answers the ticket %(number)s, of which the personal details were erased. So it became a new one."
            ) % {"number": former.number}
        else:
            day = formats.date_format(timezone.localtime(former.erased_at), "DATE_FORMAT")
            text = gettext(
                "This mail answers the ticket %(number)s, which was erased on %(day)s. So it became a new one."
            ) % {"number": former.number, "day": day}
    add_note(actor=SYSTEM, ticket=ticket, draft=Draft(body=text, channel=Channel.NOTE))
