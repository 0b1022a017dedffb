"""What texts may name: the variables of automatic answers and signatures, and where values come from.

A value is looked up only when a text names it: what nobody writes costs no query.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from helpdesk import conf
from helpdesk.models import AutoResponse, Calendar, Promise, Queue, Ticket, directory
from helpdesk.rules import wording
from helpdesk.rules.terms import kept_sentence, makes_shorter
from helpdesk.rules.wording import Link, Variable

from . import expected, links

Kind = AutoResponse.Kind
#: Where values come from: by the variable's name.
Sources = dict[str, Callable[[], str]]

_QUEUE = (
    Variable("queue", gettext_lazy("name of the queue")),
    Variable("queue_address", gettext_lazy("mail address of the queue")),
    Variable("opening_hours", gettext_lazy("opening hours of the queue's calendar")),
    Variable("site_name", gettext_lazy("name of this help desk")),
)
_PERSON = (
    Variable("greeting", gettext_lazy("the whole line: “Dear …,”, or “Hello,” without a name")),
    Variable("customer_name", gettext_lazy("name of the customer")),
    Variable("subject", gettext_lazy("subject of the ticket")),
)
_TICKET = (
    *_PERSON,
    Variable("number", gettext_lazy("number of the ticket")),
    *_QUEUE,
    Variable("status_link", gettext_lazy("address at which the customer sees the ticket")),
)
_EXPECTED = Variable(
    "expected_answer", gettext_lazy("a sentence: when an answer can be expected, by the promise")
)
_STORAGE = (
    Variable("retention", gettext_lazy("a sentence: how long the ticket is kept")),
    Variable(
        "objection",
        gettext_lazy(
            "sentences: how to object to the longer storage, or that this is noted; with the address"
        ),
    ),
)
_CLOSED = Variable("closed_number", gettext_lazy("number of the closed ticket"))

#: What the texts of each kind of automatic answer may name.
KNOWN: dict[str, tuple[Variable, ...]] = {
    Kind.RECEIVED: (*_TICKET, _EXPECTED, *_STORAGE),
    Kind.APPENDED: (*_TICKET, _EXPECTED),
    Kind.REFUSED: _TICKET,
    Kind.NEW_TICKET: (*_TICKET, _CLOSED, _EXPECTED, *_STORAGE),
}
#: What the words may name with which a filter refuses a mail.
REFUSAL = (*_PERSON, *_QUEUE)
#: What a signature may name.
SIGNATURE = (
    Variable("agent_name", gettext_lazy("name of the agent; empty in automatic mails")),
    Variable("number", gettext_lazy("number of the ticket")),
    *_QUEUE,
)

_NO_NAME = re.compile(r"[@/<>\\]|www\.", re.IGNORECASE)


def names(known: tuple[Variable, ...]) -> tuple[str, ...]:
    """Return the names of variables, as `wording.check` takes them."""
    return tuple(one.name for one in known)


def looked_up(sources: Sources, *texts: str) -> dict[str, str]:
    """Return the values of those variables that the texts name and that there is a source for."""
    wanted = {name for text in texts for name in wording.names(text)}
    return {name: sources[name]() for name in wanted if name in sources}


def of_queue(queue: Queue | None, address: str) -> Sources:
    """Return the sources of what is known of a queue; `address` is where its mails come from."""
    return {
        "queue": lambda: queue.name if queue is not None else "",
        "queue_address": lambda: address,
        "opening_hours": lambda: opening_hours(queue),
        "site_name": lambda: str(conf.get("SITE_NAME")),
    }


def of_person(name: str, subject: str) -> Sources:
    """Return the sources of what a mail says of its writer. A name that is an address is none."""
    name = "" if _NO_NAME.search(name) else name[:100]
    return {
        "greeting": lambda: _("Dear %(name)s,") % {"name": name} if name.strip() else _("Hello,"),
        "customer_name": lambda: name,
        "subject": lambda: subject,
    }


def of_ticket(
    ticket: Ticket,
    kind: str,
    *,
    name: str,
    address: str,
    is_contact: bool,
    start: datetime,
    closed: str = "",
) -> Sources:
    """Return the sources of what a text of one kind may name, for `name` in the active language.

    `start` is when the message arrived, `closed` the number of the closed ticket it was for. Who is not the ticket's contact is not told how to read it, nor of its storage.
    """
    sources = of_person(name, ticket.subject) | of_queue(ticket.queue, address)
    sources |= {
        "number": lambda: ticket.number,
        "closed_number": lambda: closed,
        "expected_answer": lambda: _expected(ticket, start, further=kind == Kind.APPENDED),
    }
    if is_contact:
        sources |= {
            "status_link": lambda: Link(links.status_url(ticket, ticket.language)),
            "retention": lambda: kept_sentence(ticket),
            "objection": lambda: _objection(ticket),
        }
    return sources


def _expected(ticket: Ticket, start: datetime, *, further: bool) -> str:
    # most often the queue's own promise, which the ticket's terms were just read from
    of_queue = ticket.queue.inherited("promise") if ticket.promise_id else None
    same = isinstance(of_queue, Promise) and of_queue.pk == ticket.promise_id
    promise = of_queue if same and isinstance(of_queue, Promise) else ticket.promise
    inherited = ticket.queue.inherited("calendar") if promise is not None else None
    calendar = expected.calendar_of(promise, inherited)
    return expected.sentence(promise, calendar, start=start, further=further)


def opening_hours(queue: Queue | None) -> str:
    """Return the opening hours of a queue in words, or ''."""
    calendar = queue.inherited("calendar") if queue is not None else None
    return calendar.opening_hours if isinstance(calendar, Calendar) else ""


def offer(url: str, *, days: int) -> str:
    """Return the sentence that offers the objection to storage; `url` is where.

    `days` is how many the request is kept for with one. Opening the address alone changes nothing.
    """
    words = ngettext(
        "You may object to the longer storage; your request is then deleted one day after it is closed. Answer this mail, or do it here: %(url)s",
        "You may object to the longer storage; your request is then deleted %(days)s days after it is closed. Answer this mail, or do it here: %(url)s",
        days,
    )
    return Link(words % {"days": days, "url": url})


def _objection(ticket: Ticket) -> str:
    """Return that sentence for a ticket, or that an objection is noted; '' if one would change nothing.

    What it brings is said by `retention`.
    """
    url = f"{links.status_url(ticket, ticket.language)}#storage"
    if ticket.objected_at is not None:
        words = _(
            "Your objection to the longer storage is noted. You can withdraw it here: %(url)s"
        )
        return Link(words % {"url": url})
    days = directory().retention.days_with_objection()
    return offer(url, days=days) if makes_shorter(ticket, days) else ""


def sample(queue: Queue, kind: str, *, address: str, sentence: str) -> Mapping[str, str]:
    """Return values as a ticket of today might have them, for a preview in the active language.

    `sentence` is the retention sentence in that language.
    """
    name, found = _("Kim Weber"), queue.inherited("promise")
    promise = found if isinstance(found, Promise) else None
    sources = of_person(name, _("The projector in room 2.14 stays dark"))
    sources |= of_queue(queue, address)
    values = {name: source() for name, source in sources.items()}
    return values | {
        "number": "2026031510000427",
        "closed_number": "2026010710000193",
        "status_link": Link(f"{conf.get('SITE_URL')}/…"),
        "expected_answer": expected.sentence(
            promise,
            expected.calendar_of(promise, queue.inherited("calendar")),
            start=timezone.now(),
            further=kind == Kind.APPENDED,
        ),
        "retention": sentence,
        "objection": offer(
            f"{conf.get('SITE_URL')}/…", days=directory().retention.days_with_objection()
        ),
        "agent_name": _("Robin Klein"),
    }
