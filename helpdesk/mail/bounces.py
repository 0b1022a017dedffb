"""Delivery reports: which mail of ours they speak of, and what they say of its recipients.

A report is believed only if it knows the signed Message-ID of the mail (or a ticket's signed reply
address together with a recipient's name): whoever has neither cannot suspend anybody.
"""

from __future__ import annotations

import re
from typing import Final

from helpdesk import addressing, notifications
from helpdesk.models import Article, OutboundMail, Ticket
from helpdesk.notifications.bounces import Failure

from .parsed import Delivery, ParsedMail
from .screen import MachineKind, screen

#: Bytes of a returned mail in which its Message-ID is looked for.
LIMIT_HEADER: Final = 64 * 1024
LIMIT_IDS: Final = 60
LIMIT_FAILURES: Final = 100
LIMIT_TEXT: Final = 20_000
LIMIT_WORDS: Final = 500

_OWN_ID = re.compile(r"<t[1-9][0-9]{0,17}\.[a-z0-9-]{1,64}\.[a-z2-7]{16}@[^@<>\s]{1,255}>", re.I)
_ADDRESS = re.compile(r"[^\s<>()\[\]\",;:]{1,64}@[^\s<>()\[\]\",;:]{1,255}")
# below this the report quotes the mail it speaks of
_QUOTE = re.compile(
    r"^[ \t>]*(?:-{2,}.*(?:original|copy|returned|below this line|kopie|ursprüngliche|nachricht)"
    r"|original message (?:follows|headers)|(?:this|here) is a copy of|(?:message-id|received|return-path|dkim-signature"
    r"|mime-version)[ \t]*:|hier (?:ist|folgt) (?:eine kopie|die ursprüngliche)|ursprüngliche nachricht)",
    re.IGNORECASE | re.MULTILINE,
)  # fmt: skip
_FINE: Final = frozenset({"delivered", "relayed", "expanded", "delayed"})


def take(mail: ParsedMail, ticket: Ticket, article: Article) -> OutboundMail | None:
    """Note what a delivery failure, filed as `article` on `ticket`, says of the mail that came back.

    Returns the marked row; None for every other mail, for a report on no mail of this ticket, and
    for one that says nothing new. Call in the transaction that files the report.
    """
    machine = screen(mail)
    if machine is None or machine.kind != MachineKind.DELIVERY_FAILURE:
        return None
    said = failures(mail)
    row = original(mail)
    if row is None:
        row = _by_token(mail, ticket, said)
    if row is None or not _belongs(row, ticket):
        return None
    return notifications.note_bounce(mail=row, ticket=ticket, report=article, failures=said)


def original(mail: ParsedMail) -> OutboundMail | None:
    """Return the mail of ours that a report (or any mail) speaks of by its signed Message-ID.

    Looked for in the returned mail, In-Reply-To, References and in what the text quotes. One query.
    """
    keys = addressing.signing_keys()
    ids = [one for one in ids_of(mail) if addressing.read_message_id(one, keys) is not None]
    if not ids:
        return None
    found = OutboundMail.objects.filter(message_id__in=ids).select_related("ticket", "article")
    by_id = {row.message_id: row for row in found.defer("body", "html")}
    return next((by_id[one] for one in ids if one in by_id), None)


def ids_of(mail: ParsedMail) -> list[str]:
    """Return the ids that a report names, the most telling first."""
    told = mail.report.original_message_id if mail.report else None
    found = [told] if told else []
    found += [*mail.in_reply_to, *reversed(mail.references)]
    found += _OWN_ID.findall(mail.text[:LIMIT_TEXT])
    for part in mail.attachments:
        if part.content_type in ("message/rfc822", "text/rfc822-headers", "message/global"):
            found += _OWN_ID.findall(part.content[:LIMIT_HEADER].decode("ascii", "replace"))
    return list(dict.fromkeys(found))[:LIMIT_IDS]


def _by_token(mail: ParsedMail, ticket: Ticket, said: tuple[Failure, ...]) -> OutboundMail | None:
    """Return the newest mail of the ticket to whom the report names, if it came to its reply address."""
    keys = addressing.signing_keys()
    arrived = [*(one.address for one in (*mail.to, *mail.cc)), *mail.delivered_to]
    if ticket.pk not in {addressing.read_reply_token(one, keys) for one in arrived}:
        return None
    names = {name for failure in said for name in failure.names}
    wanted = {addressing.canonical(name) for name in names if addressing.is_address(name)}
    rows = OutboundMail.objects.filter(ticket=ticket).select_related("ticket", "article")
    for row in rows.exclude(delivered=[]).defer("body", "html").order_by("-pk")[:LIMIT_IDS]:
        if any(addressing.canonical(one) in wanted for one in row.delivered):
            return row
    return None


def _belongs(row: OutboundMail, ticket: Ticket) -> bool:
    """Tell whether the mail was written on the ticket, or on one that was merged into it."""
    homes = [row.ticket, row.article.ticket if row.article is not None else None]
    for home in homes:
        for _hop in range(50):
            if home is None:
                break
            if home.pk == ticket.pk:
                return True
            home = home.merged_into
    return False


# --- what it says ----------------------------------------------------------------------------------


def failures(mail: ParsedMail) -> tuple[Failure, ...]:
    """Return what a report says of each recipient that got no mail; at least one row.

    Where it has no machine-readable part, the addresses are those that its text names.
    """
    text = _own_words(mail.text)
    rows = mail.report.deliveries[:LIMIT_FAILURES] if mail.report else ()
    told = [row for row in rows if row.action not in _FINE]
    if told:
        alone = len(told) == 1
        return tuple(_failure(row, text, alone=alone) for row in told)
    named = list(dict.fromkeys(one.strip(".'`") for one in _ADDRESS.findall(text)))[:LIMIT_FAILURES]
    if not named:
        return (Failure((), words=_short(text or mail.subject)),)
    alone = len(named) == 1
    return tuple(
        Failure((name,), words=_short(text) if alone else _near(text, name)) for name in named
    )


def _failure(row: Delivery, text: str, *, alone: bool) -> Failure:
    names = tuple(dict.fromkeys(name for name in (row.original, row.recipient) if name))
    words = row.diagnostic or (_short(text) if alone else _near(text, *names))
    return Failure(names, row.status, words)


def _own_words(text: str) -> str:
    """Return the report's text without the mail that it quotes."""
    text = text[:LIMIT_TEXT]
    quote = _QUOTE.search(text)
    return (text[: quote.start()] if quote else text).strip()


def _near(text: str, *names: str) -> str:
    """Return what stands behind the first of `names` in the text."""
    low = text.lower()
    places = (low.find(name.lower()) for name in names)
    start = next((place for place in places if place >= 0), None)
    return "" if start is None else _short(text[start:])


def _short(text: str) -> str:
    return " ".join(text.split())[:LIMIT_WORDS]
