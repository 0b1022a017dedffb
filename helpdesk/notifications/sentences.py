"""What a notice says, in one sentence and in the active language: in the admin, in mails, in the digest.

Names of colleagues and queues stand in it, words of customers or colleagues never.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from helpdesk.models import Clock, Event, EventKind, Notice, NoticeKind
from helpdesk.rules import delivery

#: The first words of a mail's subject; the ticket's subject and number follow.
HEADS: Mapping[str, Any] = {
    NoticeKind.NEW_TICKET: gettext_lazy("New ticket"),
    NoticeKind.REPLY: gettext_lazy("New message"),
    NoticeKind.ASSIGNED: gettext_lazy("Assigned"),
    NoticeKind.MENTIONED: gettext_lazy("You were mentioned"),
    NoticeKind.NOTE: gettext_lazy("News from colleagues"),
    NoticeKind.REMINDER: gettext_lazy("Reminder"),
    NoticeKind.WARNING: gettext_lazy("Deadline comes near"),
    NoticeKind.BREACH: gettext_lazy("Deadline has passed"),
    NoticeKind.HAND_BACK: gettext_lazy("Back in the queue"),
    NoticeKind.DELIVERY: gettext_lazy("A mail did not arrive"),
    NoticeKind.STORAGE: gettext_lazy("Erased soon"),
    NoticeKind.RETURN: gettext_lazy("While you were away"),
}


def head(kind: str) -> str:
    """Return what a kind of notice is called in a few words."""
    return str(HEADS.get(kind, ""))


def sentence(notice: Notice) -> str:
    """Return what happened. Reads the notice's ticket with its queue, its event with its user, `instead_of`."""
    event: Event | None = notice.event
    words = _SENTENCES.get(notice.kind)
    if notice.kind == NoticeKind.STORAGE and event is None:
        return _("The hold on this ticket ends soon. Look whether it is still needed.")
    if words is None or event is None:
        return (
            _("What happened during your absence.") if not notice.ticket_id else head(notice.kind)
        )
    names = {
        "who": who(event),
        "queue": notice.ticket.queue.name if notice.ticket else "",
        "name": _name(notice.instead_of) if notice.instead_of else "",
    }
    return words(notice, event) % names


def instead(notice: Notice) -> str:
    """Return for whom somebody is told who stands in; '' for nobody."""
    if notice.instead_of is None:
        return ""
    return _("Instead of %(name)s, who is away.") % {"name": _name(notice.instead_of)}


def _name(user: Any) -> str:
    return str(user.get_full_name() or user.get_username())


def who(event: Event) -> str:
    """Return who did it: the name of a colleague, and no other name."""
    if event.user is not None:
        return _name(event.user)
    return _("The customer") if event.actor_kind == "customer" else _("The help desk")


def _new_ticket(_notice: Notice, event: Event) -> str:
    if event.kind == EventKind.QUEUE_CHANGED:
        return _("%(who)s moved a ticket into the queue %(queue)s.")
    return _("A new ticket has come into the queue %(queue)s.")


def _assigned(notice: Notice, event: Event) -> str:
    if notice.instead_of_id is not None:
        return _("%(who)s assigned the ticket to %(name)s.")
    if event.kind == EventKind.RESPONSIBLE_CHANGED:
        return _("%(who)s named you as responsible for this ticket.")
    if event.user_id is None:
        return _("The ticket was assigned to you.")
    return _("%(who)s assigned the ticket to you.")


def _mentioned(notice: Notice, _event: Event) -> str:
    if notice.instead_of_id is not None:
        return _("%(who)s mentioned %(name)s in a note.")
    return _("%(who)s mentioned you in a note.")


def _note(_notice: Notice, event: Event) -> str:
    if event.kind == EventKind.ANSWER_SENT:
        return _("%(who)s answered the customer.")
    if event.kind == EventKind.CALL_LOGGED:
        return _("%(who)s logged a call.")
    if event.kind == EventKind.ARTICLE_ADDED:
        return _("An internal message has arrived.")
    return _("%(who)s wrote a note.")


def _deadline(template: Any) -> Callable[[Notice, Event], str]:
    def deadline(_notice: Notice, event: Event) -> str:
        clock = str(event.data.get("clock", ""))
        name = str(dict(Clock.Kind.choices).get(clock, clock))
        said = str(template) % {"clock": name, "date": _date(event.data.get("due"))}
        return said.replace("%", "%%")

    return deadline


def _date(text: object, how: str = "SHORT_DATETIME_FORMAT") -> str:
    try:
        at: datetime | None = parse_datetime(str(text or ""))
    except ValueError:
        at = None
    return date_format(timezone.localtime(at), how) if at else "–"


def _day(text: object) -> str:
    return _date(text, "SHORT_DATE_FORMAT")


def _storage(_notice: Notice, event: Event) -> str:
    said = _("This open ticket will be erased on %(date)s unless something happens on it.")
    return (said % {"date": _day(event.data.get("erase_at"))}).replace("%", "%%")


def _delivery(_notice: Notice, event: Event) -> str:
    if event.kind == EventKind.MAIL_BOUNCED:
        return _("A mail of this ticket came back.")
    if event.kind == EventKind.MAIL_UNCERTAIN:
        return _("It is uncertain whether a mail of this ticket went out.")
    return _("A mail of this ticket could not be sent.")


def _always(text: Any) -> Callable[[Notice, Event], str]:
    return lambda _notice, _event: str(text)


_SENTENCES: Mapping[str, Callable[[Notice, Event], str]] = {
    NoticeKind.NEW_TICKET: _new_ticket,
    NoticeKind.REPLY: _always(gettext_lazy("A message from the customer has arrived.")),
    NoticeKind.ASSIGNED: _assigned,
    NoticeKind.MENTIONED: _mentioned,
    NoticeKind.NOTE: _note,
    NoticeKind.REMINDER: _always(gettext_lazy("The reminder of this ticket is due.")),
    NoticeKind.WARNING: _deadline(gettext_lazy("A deadline comes near: %(date)s (%(clock)s).")),
    NoticeKind.BREACH: _deadline(gettext_lazy("A deadline has passed: %(date)s (%(clock)s).")),
    NoticeKind.HAND_BACK: _always(
        gettext_lazy("The ticket is back in the queue %(queue)s, and nobody owns it.")
    ),
    NoticeKind.DELIVERY: _delivery,
    NoticeKind.STORAGE: _storage,
}


def explained(event: Event) -> list[str]:
    """Return why a mail came back, a paragraph for each recipient, with what to do; none for other events.

    The words of the server stay on the ticket.
    """
    if event.kind != EventKind.MAIL_BOUNCED:
        return []
    found = []
    for address, status, words in (event.content or {}).get("bounces", ()):
        cause = delivery.judge(status, words).cause
        found.append(f"{delivery.sentence(cause, address)} {delivery.advice(cause)}")
    return found
