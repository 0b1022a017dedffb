"""What the detail screens of the logs say of one mail: labels and words, never a raw value."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import BooleanField, Case, Exists, OuterRef, Q, When
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils import formats, timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django_mailbox.models import Message

from helpdesk.confidence import Veil
from helpdesk.models import InboundMail, OutboundMail, Ticket

from . import bounced


def confidential(model: Any) -> Q:
    """Return the condition for rows of a log that tell of confidential tickets, or came for their queues."""
    queues = Veil().queues
    filed = Q(ticket__queue__in=queues)
    if model is InboundMail:
        return filed | Q(ticket=None, queue__in=queues)
    if model is OutboundMail:
        return filed
    if model is Message:
        mails = InboundMail.objects.filter(confidential(InboundMail), message=OuterRef("pk"))
        return Q(Exists(mails))
    return Q(pk__in=())


def is_confidential(model: Any) -> Case:
    """Return the same as a column."""
    return Case(When(confidential(model), then=True), default=False, output_field=BooleanField())


def _veiled(mail: InboundMail | OutboundMail) -> Callable[..., tuple[object, ...]]:
    """Return what says words of a mail: those of a confidential ticket's mail are one word."""
    if type(mail)._default_manager.filter(confidential(type(mail)), pk=mail.pk).exists():
        return lambda *words: (_("confidential"),) if any(words) else ()
    return lambda *words: words


@dataclass(frozen=True)
class Fact:
    """One line of a detail screen: its values one below the other, the first with an address to go to."""

    label: str
    values: tuple[str, ...]
    url: str = ""
    is_raw: bool = False  # a server's own words, or an id


@dataclass(frozen=True)
class Section:
    title: str
    facts: tuple[Fact, ...]


def _way(source: str) -> str:
    """Return in words by which way a mail came that was fetched from no mailbox."""
    ways = {
        "archive": _("an archive"),
        "lmtp": _("handed in by the mail server (LMTP)"),
        "smtp": _("handed in by the mail server (SMTP)"),
        "pipe": _("piped in by the mail server"),
        "mailroom": _("the mail room"),
    }
    return str(ways.get(source.partition(":")[0], source))


def of_inbound(mail: InboundMail) -> list[Section]:
    """Return how a mail arrived and what became of it."""
    veiled = _veiled(mail)
    said = mail.error if mail.error.strip() != mail.reason.strip() else ""
    error = "".join(str(word) for word in _veiled(mail)(said))
    return _sections(
        (
            _("What became of it"),
            _fact(_("State"), mail.get_state_display()),
            _fact(_("Outcome"), mail.get_outcome_display()),
            _fact(_("Decided by"), mail.get_rule_display()),
            _fact(_("Why"), *mail.evidence_lines()),
            _fact(_("Reason"), mail.reason_words()),
            _ticket(mail.ticket),
            _fact(_("Error"), error, is_raw=True),
        ),
        (
            _("How it arrived"),
            _fact(_("From"), *veiled(mail.sender)),
            _fact(_("Subject"), *veiled(mail.subject)),
            _fact(_("Received"), _moment(mail.received_at)),
            _fact(_("Mail account"), mail.mailbox.name if mail.mailbox else _way(mail.source)),
            _fact(_("Queue of the account"), mail.queue.name if mail.queue else ""),
            _fact(pgettext("of a mail", "Delivered to"), *mail.envelope_to),
            _fact(_("Size"), filesizeformat(mail.size)),
            _fact(_("Attempts"), str(mail.attempts)),
            _fact(_("Processed"), _moment(mail.processed_at)),
            _fact(_("Number of the delivery"), mail.key, is_raw=True),
        ),
    )


def of_outbound(mail: OutboundMail) -> list[Section]:
    """Return what a mail is, how it went, and what came back of it. Never its text."""
    back = [f"{one.sentence} {one.advice}" for one in bounced.returned(mail)]
    veiled = _veiled(mail)
    words = [one.words for one in bounced.returned(mail)]
    refused = [": ".join(str(part) for part in row if part) for row in mail.refused]
    return _sections(
        (
            _("Mail"),
            _fact(_("Subject"), *veiled(mail.subject)),
            _fact(_("Kind"), mail.get_kind_display()),
            _ticket(mail.ticket),
            _fact(_("From"), named(mail.from_name, mail.from_address)),
            _fact(_("To"), *veiled(*_people(mail.to))),
            _fact(_("Cc"), *veiled(*_people(mail.cc))),
            _fact(_("Bcc"), *veiled(*_people(mail.bcc))),
            _fact("Message-ID", mail.message_id, is_raw=True),
        ),
        (
            _("Delivery"),
            _fact(_("State"), mail.get_state_display()),
            _fact(_("Created"), _moment(mail.created_at)),
            _fact(_("Next attempt"), _moment(mail.due_at) if _waits(mail) else ""),
            _fact(_("Sent"), _moment(mail.sent_at)),
            _fact(_("Attempts"), str(mail.attempts)),
            _fact(
                _("Mail server"), mail.route.name if mail.route else _("the one of the settings")
            ),
            _fact(_("Taken by the server for"), *veiled(*mail.delivered)),
            _fact(_("Refused"), *veiled(*refused)),
            _fact(_("The mail server's own words"), *veiled(mail.server_reply), is_raw=True),
        ),
        (
            _("Came back"),
            _fact(_("Came back"), _moment(mail.bounced_at)),
            _fact(_("Reason"), *veiled(*back)),
            _fact(_("The mail server's own words"), *veiled(*words), is_raw=True),
        ),
    )


def named(name: str, address: str) -> str:
    """Return a person for a list of recipients."""
    return f"{name} <{address}>" if name and name != address else address


def _people(rows: Iterable[Any]) -> list[str]:
    return [named(str(name), str(address)) for name, address in rows]


def _waits(mail: OutboundMail) -> bool:
    return mail.state in (OutboundMail.State.QUEUED, OutboundMail.State.SENDING)


def _moment(value: datetime | None) -> str:
    if value is None:
        return ""
    return formats.date_format(timezone.localtime(value), "SHORT_DATETIME_FORMAT")


def _ticket(ticket: Ticket | None) -> Fact | None:
    if ticket is None:
        return None
    url = reverse("helpdesk_agents:ticket", args=[ticket.pk])
    return Fact(_("Ticket"), (ticket.number,), url)


def _fact(label: str, *values: object, is_raw: bool = False) -> Fact | None:
    """Return a line, or None where there is nothing to say."""
    found = tuple(str(one) for one in values if str(one or "").strip())
    return Fact(label, found, is_raw=is_raw) if found else None


def _sections(*parts: tuple[str | Fact | None, ...]) -> list[Section]:
    found = []
    for title, *facts in parts:
        kept = tuple(one for one in facts if isinstance(one, Fact))
        if kept:
            found.append(Section(str(title), kept))
    return found
