"""What an export says, as plain data: the keys of data.json are documented in docs/privacy-requests.md and stay.

A customer's own export holds what they may see on the site. The complete one, for whoever answers a request for access,
holds what only the team sees as well, without the mail addresses of other people; of other people's requests it has
what the person wrote or was sent there, and of the rest only the paragraphs that name them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext as _

from helpdesk import actions, uploads
from helpdesk.actions.exported import PORTION
from helpdesk.models import Article, Sender, Ticket
from helpdesk.models.outside import by
from helpdesk.notifications import compose
from helpdesk.rules.answers import told
from helpdesk.rules.terms import kept_sentence
from helpdesk.states import OPEN_TYPES, StateType

from . import export_parts
from .export_parts import answered, paragraphs
from .export_scope import Entry, Scope, moment, without_others

FORMAT = "stelze-personal-data/1"


# --- requests --------------------------------------------------------------------------------------------


def requests(scope: Scope) -> Iterator[dict[str, Any]]:
    """Yield the requests, one at a time; the files that belong to them are noted in the scope."""
    for tickets, part in scope.tickets():
        rows = tickets.select_related("state", "queue", "customer").order_by("created_at", "pk")
        for some in by(list(rows.values_list("pk", flat=True)), PORTION):
            scope.reads_whole(some)
            for pk in some:
                ticket = rows.filter(pk=pk).first()
                data = _request(ticket, part, scope) if ticket is not None else None
                if data is not None:
                    yield data


def _request(ticket: Ticket, part: str, scope: Scope) -> dict[str, Any] | None:
    is_whole = part == "own" or scope.only is not None
    articles = scope.articles(ticket, part).prefetch_related("attachments__blob")
    messages = [
        one
        for article in articles.iterator(chunk_size=50)
        if (one := _message(ticket, article, is_whole, scope)) is not None
    ]
    if not is_whole and not messages and not scope.is_complete:
        return None
    data: dict[str, Any] = {
        "number": ticket.number,
        "part": part,
        "subject": ticket.subject if is_whole or not scope.is_complete else "",
        "queue": ticket.queue.name,
        "state": status_word(ticket),
        "opened": moment(ticket.created_at),
        "changed": moment(ticket.changed_at),
        "closed": moment(ticket.closed_at),
        "messages": messages,
    }
    if is_whole:
        data |= _of_whole(ticket, scope, decides=part == "own")
    if scope.is_complete:
        data |= export_parts.of_ticket(ticket, scope, is_own=is_whole)
    return data


def _of_whole(ticket: Ticket, scope: Scope, *, decides: bool) -> dict[str, Any]:
    """Return what its page shows besides messages. Who takes part, and how long it is kept, is for its customer."""
    entries = ticket.answers if scope.is_complete else told(ticket.answers)
    others = ticket.participants.exclude(normalised__in=scope.person.addresses).order_by("pk")
    known = [one.address for one in others] if decides else []
    objects = decides and ticket.objected_at is not None and actions.joined_from(ticket) is None
    return {
        "answers": list(answered(entries)),
        "taking_part": [] if scope.is_complete else known,
        "taking_part_count": len(known),
        "kept": kept_sentence(ticket, is_own=objects) if decides else "",
        "legal_basis": ticket.legal_basis if decides else "",
        "objected": moment(ticket.objected_at) if objects else "",
        "objection": ticket.objection_wording if objects else "",
    }


def status_word(ticket: Ticket) -> str:
    """Return the state in one word, as customers know it."""
    kind = ticket.state.type
    if kind == StateType.NEW:
        return _("received")
    if kind == StateType.MERGED:
        return _("joined")
    if kind not in OPEN_TYPES:
        return _("closed")
    return _("in progress") if kind == StateType.OPEN else _("on hold")


def _message(
    ticket: Ticket, article: Article, is_whole: bool, scope: Scope
) -> dict[str, Any] | None:
    """Return a message; None where it is not about the person at all."""
    is_own = scope.is_own(article) if scope.is_complete else is_whole
    mine = article.customer_id in scope.person.customers or scope.blanker.is_address(
        article.from_address
    )
    text, subject = article.body, article.subject
    if scope.is_complete and not mine:
        if not is_own and not _is_addressed(article, scope):
            text, subject = paragraphs(text, scope), ""
            if not text:
                return None
        text, subject = without_others(text, scope), without_others(subject, scope)
    return {
        "at": moment(article.created_at),
        "from": _writer(ticket, article, mine, scope),
        "by": "you" if mine else str(article.sender),
        "internal": not article.visible,
        "channel": article.channel,
        "subject": subject,
        "text": text,
        "files": _files(ticket, article, scope) if mine or is_own else [],
    }


def _is_addressed(article: Article, scope: Scope) -> bool:
    texts = [text for one in (*article.to, *article.cc) for text in one if isinstance(text, str)]
    texts.append(article.reply_to)
    return any(scope.blanker.is_address(text) for text in texts)


def _writer(ticket: Ticket, article: Article, mine: bool, scope: Scope) -> str:
    if mine:
        return article.from_name or article.from_address
    if article.sender != Sender.CUSTOMER:
        return compose.writer_name(ticket.queue, article)
    return _("somebody else") if scope.is_complete else article.from_name or _("somebody else")


def _files(ticket: Ticket, article: Article, scope: Scope) -> list[dict[str, Any]]:
    found_files = []
    for row in article.attachments.all():
        name = uploads.clean_name(row.name)
        data: dict[str, Any] = {"name": name, "size": row.blob.size, "path": "", "note": ""}
        if row.blob.is_quarantined:
            data["note"] = _("left out: a virus was found in it")
        else:
            # the id makes it unique, and keeps a name from being a device or a path
            data["path"] = f"files/{ticket.number}/{row.pk}-{name}"
            scope.files.append(Entry(row.blob.sha256, data["path"]))
        found_files.append(data)
    return found_files
