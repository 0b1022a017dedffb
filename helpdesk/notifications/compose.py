"""The wording of mails: sender, subject, thread and text of an outbox row."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime
from email.utils import parseaddr
from typing import Any

from django.utils import formats, timezone, translation
from django.utils.html import linebreaks
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from helpdesk import addressing, conf
from helpdesk.errors import InvalidInput
from helpdesk.models import Article, Channel, OutboundMail, Queue, Sender, Ticket
from helpdesk.rules import wording

from . import variables

Addresses = tuple[tuple[str, str], ...]

#: How many ids of a thread a mail names: the first and the newest.
MAX_REFERENCES = 20

_MESSAGE_ID = re.compile(r"<[!-;=?-~]{1,200}>")  # printable ASCII without blanks and brackets


def answer(
    *, ticket: Ticket, article: Article, to: Addresses, cc: Addresses, bcc: Addresses
) -> OutboundMail:
    """Return the unsaved row of an answer. Raises `InvalidInput` for a bad recipient."""
    row = _row(ticket, article, OutboundMail.Kind.ANSWER, str(article.pk))
    row.to, row.cc, row.bcc = _recipients(to=to, cc=cc, bcc=bcc)
    row.in_reply_to, row.references = _thread(ticket, article)
    signature = _signature(ticket, article, row.language)
    row.body = with_signature(article.body, signature)
    if article.html:
        row.html = _html(article.html, signature)
    return row


def forward(
    *,
    ticket: Ticket,
    article: Article,
    original: Article | None,
    to: Addresses,
    cc: Addresses,
) -> OutboundMail:
    """Return the unsaved row of a message to a third party. Raises `InvalidInput` as `answer`."""
    row = _row(ticket, article, OutboundMail.Kind.FORWARD, str(article.pk))
    row.to, row.cc, row.bcc = _recipients(to=to, cc=cc, bcc=())
    row.original = original
    body = article.body
    if original is not None:
        name = writer_name(ticket.queue, original)
        body = f"{body.rstrip()}\n\n{_quoted(original, name, row.language)}"
        # no answer to it, so no In-Reply-To; but the two belong together (RFC 5322 3.6.4)
        row.references = _ids([*original.references, original.message_id])
    # below the quote: what stands under a signature's mark is hidden by many programs
    row.body = with_signature(body, _signature(ticket, article, row.language))
    return row


def automatic(
    *, ticket: Ticket, article: Article, kind: OutboundMail.Kind, letter: str
) -> OutboundMail:
    """Return the unsaved row of an automatic answer to an article, without recipient and text.

    Its body is the signature. `letter` tells several automatic mails about one article apart.
    """
    row = _row(ticket, article, kind, f"{letter}{article.pk}")
    row.automatic = True
    if article.channel == Channel.EMAIL:
        row.in_reply_to, row.references = thread_of(article.message_id, article.references)
    row.body = signature_of(ticket.queue, row.language, number=ticket.number)
    return row


def letter(*, ticket: Ticket) -> OutboundMail:
    """Return the unsaved row of a mail that brings a link to a request, without recipient and text.

    Its body is the signature. It carries no reply address of the ticket: that is for its customer.
    """
    row = _row(ticket, None, OutboundMail.Kind.LINK, f"l{secrets.token_hex(10)}")
    row.automatic = True
    row.reply_to = ""
    row.body = signature_of(ticket.queue, row.language, number=ticket.number)
    return row


def team_notice(
    *,
    ticket: Ticket,
    unique: str,
    user: Any,
    subject: str,
    text: str,
    language: str,
    answerable: bool = False,
) -> OutboundMail:
    """Return the unsaved row of a notice of a ticket to one of the team.

    It has the ticket's reply address only if it is `answerable`: what a colleague answers then goes to the
    customer, and the text must say so.
    """
    row = _row(ticket, None, OutboundMail.Kind.NOTICE, unique)
    if not answerable:
        row.reply_to = ""
    return _to_colleague(row, user, subject, text, language)


def desk_notice(
    *,
    unique: str,
    user: Any,
    subject: str,
    text: str,
    language: str,
    html: str = "",
    about: Iterable[int] = (),
) -> OutboundMail:
    """Return the unsaved row of a notice to one of the team that belongs to no ticket.

    `about` are the ids of the tickets of which it tells: it goes out only if all may still be read then.
    """
    row = notice(queue=None, language=language)
    keys = addressing.signing_keys()
    row.message_id = addressing.make_notice_id(unique, conf.mail_domain(), keys)
    row.kind = OutboundMail.Kind.NOTICE
    row.html = html
    row.about = sorted(set(about))
    return _to_colleague(row, user, subject, text, language)


def _to_colleague(
    row: OutboundMail, user: Any, subject: str, text: str, language: str
) -> OutboundMail:
    row.automatic = True
    row.user = user
    row.to = [[user.get_full_name(), user.email]]
    row.subject = subject[:500]
    row.body = re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"
    row.language = language
    return row


def notice(*, queue: Queue | None, language: str) -> OutboundMail:
    """Return the unsaved row of an automatic mail that belongs to no ticket, without its text.

    Its body is the signature of the queue, if there is one.
    """
    name, address = sender_of(queue)
    return OutboundMail(
        kind=OutboundMail.Kind.REFUSED,
        automatic=True,
        route_id=route_of(queue) if queue is not None else None,
        message_id=addressing.make_notice_id(
            secrets.token_hex(10), conf.mail_domain(), addressing.signing_keys()
        ),
        from_name=name[:250],
        from_address=address,
        body=signature_of(queue, language) if queue is not None else "",
        language=language,
        due_at=timezone.now(),
    )


def _row(
    ticket: Ticket, article: Article | None, kind: OutboundMail.Kind, unique: str
) -> OutboundMail:
    name, address = sender_of(ticket.queue)
    keys = addressing.signing_keys()
    subject = (article.subject if article is not None else "") or ticket.subject
    return OutboundMail(
        ticket=ticket,
        article=article,
        route_id=route_of(ticket.queue),
        kind=kind,
        message_id=addressing.make_message_id(ticket.pk, unique, conf.mail_domain(), keys),
        from_name=name[:250],
        from_address=address,
        reply_to=addressing.reply_address(address, ticket.pk, keys),
        subject=addressing.tag_subject(subject, ticket.number)[:500],
        language=ticket.language,
        due_at=timezone.now(),
    )


def sender_of(queue: Queue | None) -> tuple[str, str]:
    """Return name and address from which a queue's mails are sent, or the site's."""
    name = str((queue and queue.inherited("sender_name")) or conf.get("SITE_NAME"))
    address = queue.main_address() if queue is not None else str(conf.get("DEFAULT_FROM"))
    # the site's default may be written with a name: "Help <help@example.org>"
    return name, parseaddr(address)[1] or address


def route_of(queue: Queue) -> int | None:
    """Return the id of the mail server by which a queue sends; None: the one of the settings."""
    found = queue.inherited("route_id")
    return found if isinstance(found, int) else None


def signature_of(queue: Queue, language: str, *, agent_name: str = "", number: str = "") -> str:
    """Return the queue's signature in `language`, with its variables filled in.

    One in the other language is better than none.
    """
    fields = ("signature_en", "signature_de")
    if not language.startswith("en"):
        fields = fields[::-1]
    found = (str(queue.inherited(field) or "").strip() for field in fields)
    text = next((text for text in found if text), "")
    if not wording.names(text):
        return text
    sources = variables.of_queue(queue, sender_of(queue)[1])
    sources |= {"agent_name": lambda: agent_name, "number": lambda: number}
    with translation.override(language):
        return wording.fill(text, variables.looked_up(sources, text))


def writer_name(queue: Queue, article: Article) -> str:
    """Return the name under which people outside the team read a message.

    That of an agent only if the queue says so; else the name from which its mails are sent.
    """
    if article.sender != Sender.AGENT or queue.names_agents:
        return article.from_name
    return sender_of(queue)[0]


def _signature(ticket: Ticket, article: Article, language: str) -> str:
    agent_name = writer_name(ticket.queue, article)
    return signature_of(ticket.queue, language, agent_name=agent_name, number=ticket.number)


def with_signature(body: str, signature: str) -> str:
    """Return a text with its signature behind the usual mark (RFC 3676 4.3)."""
    body = body.rstrip() + "\n"
    return f"{body}\n-- \n{signature}\n" if signature else body


def _html(html: str, signature: str) -> str:
    if not signature:
        return html
    # escaped by the function, which only forgets to say so
    return html + "<div>-- </div>" + linebreaks(signature, autoescape=True)


def _recipients(**rows: Iterable[tuple[str, str]]) -> list[list[list[str]]]:
    """Return the rows of recipients, each address once; raises `InvalidInput` naming the row."""
    seen: set[str] = set()
    result: list[list[list[str]]] = []
    for field, pairs in rows.items():
        result.append([])
        for name, address in pairs:
            try:
                key = addressing.canonical(address)
            except addressing.BadAddress:
                message = gettext_lazy("%(address)s is not a mail address.")
                raise InvalidInput(message % {"address": address}, field=field) from None
            if key not in seen:
                seen.add(key)
                # the local part as it was written: only its owner knows whether case matters
                local = address.strip().strip("<>").strip().rpartition("@")[0]
                result[-1].append([name, f"{local}@{key.rpartition('@')[2]}"])
    if not seen:
        raise InvalidInput(gettext_lazy("Give at least one recipient."), field="to")
    return result


def _thread(ticket: Ticket, article: Article) -> tuple[str, list[str]]:
    """Return In-Reply-To and References: the customer's last mail, else our own last one."""
    mails = (
        Article.objects.filter(ticket=ticket, channel=Channel.EMAIL, visible=True)
        .exclude(message_id="")
        .exclude(message_id__startswith="sha256:")  # stands for an id that cannot be written
        .only("message_id", "references", "sender", "created_at")
        .order_by("-created_at", "-pk")[:50]
    )
    rows = [row for row in mails if row.pk != article.pk or row.sender == Sender.CUSTOMER]
    last = next((row for row in rows if row.sender == Sender.CUSTOMER), rows[0] if rows else None)
    if last is not None:
        return thread_of(last.message_id, last.references)
    sent = OutboundMail.objects.filter(ticket=ticket, kind=OutboundMail.Kind.RECEIPT)
    ids = list(sent.order_by("pk").values_list("message_id", flat=True)[:1])
    return (ids[0] if ids else ""), ids


def thread_of(message_id: str, references: Sequence[str]) -> tuple[str, list[str]]:
    """Return In-Reply-To and References of an answer to one mail (RFC 5322 3.6.4)."""
    ids = _ids([*references, message_id])
    return (message_id if message_id in ids else ""), ids


def _ids(ids: Sequence[str]) -> list[str]:
    """Return the ids that can stand in a header, each once, a long thread shortened in its middle."""
    good = list(dict.fromkeys(one for one in ids if _MESSAGE_ID.fullmatch(one)))
    return good if len(good) <= MAX_REFERENCES else [good[0], *good[1 - MAX_REFERENCES :]]


def _quoted(original: Article, name: str, language: str) -> str:
    """Return the original's text behind its head, written by `name`, each line marked as quoted."""
    with translation.override(language):
        head = [
            _("Forwarded message"),
            _("From: %(sender)s") % {"sender": _shown([[name, original.from_address]])},
            _("Date: %(date)s") % {"date": _date(original.created_at)},
            _("Subject: %(subject)s") % {"subject": original.subject},
            _("To: %(recipients)s") % {"recipients": _shown(original.to)},
        ]
    lines = [*head, "", *original.body.rstrip().splitlines()]
    return "\n".join(f"> {line}".rstrip() for line in lines) + "\n"


def _date(at: datetime) -> str:
    return formats.date_format(timezone.localtime(at), "DATETIME_FORMAT")


def _shown(pairs: Iterable[Sequence[str]]) -> str:
    return ", ".join(
        f"{name} <{address}>" if name and address else name or address for name, address in pairs
    )
