"""What a front or the mail engine hands to a verb: an article to be, with its files."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from helpdesk import addressing, search
from helpdesk.errors import AlreadyDone, NotFound, WrongState
from helpdesk.models import (
    Article,
    Attachment,
    Channel,
    Customer,
    Sender,
    Ticket,
    current_batch,
    insert,
)
from helpdesk.permissions import Actor

from . import storing

Addresses = tuple[tuple[str, str], ...]  # (name, address) pairs
#: In an article's `extra`: the id of another customer's ticket from which a merge brought it.
OF_TICKET = "of_ticket"
#: In an article's `extra`: our receiving server, where it says that the mail is not from whom it names.
FORGED = "forged"


@dataclass(frozen=True)
class Upload:
    """A file to be kept with an article."""

    name: str
    content: bytes
    content_type: str = "application/octet-stream"
    content_id: str = ""
    inline: bool = False
    answer_key: str = ""


@dataclass(frozen=True)
class Draft:
    """An article to be. `html` must be sanitised already; ids are raw Message-IDs."""

    body: str
    channel: Channel
    html: str = ""
    subject: str = ""
    from_name: str = ""
    from_address: str = ""
    reply_to: str = ""
    to: Addresses = ()
    cc: Addresses = ()
    message_id: str = ""
    in_reply_to: str = ""
    references: tuple[str, ...] = ()
    content_hash: str = ""
    machine: str = ""
    verified: bool = True
    defects: tuple[str, ...] = ()
    extra: dict[str, Any] = field(default_factory=dict)
    files: tuple[Upload, ...] = ()
    # files of messages of the same ticket that were taken back; they go along by reference
    again: tuple[Attachment, ...] = ()
    created_at: datetime | None = None
    # a front's key of one submission: the same key twice is the same article
    idempotency_key: str | None = None


def write_article(
    *,
    actor: Actor,
    ticket: Ticket,
    draft: Draft,
    sender: Sender,
    visible: bool,
    author_customer: Customer | None = None,
    is_first: bool = False,
) -> Article:
    """Write one article with its files, and index it. Only verbs call this, under the ticket's lock.

    With `is_first` the ticket is new, and comes into the index together with its first article. Raises `AlreadyDone` with the first article if the draft's idempotency key was used before, `NotFound`
    for a file in `draft.again` that is not of a message of this ticket that was taken back, `WrongState`
    for a ticket that was merged into another one: it would be read by nobody.
    """
    if ticket.merged_into_id is not None:
        raise WrongState(_("This ticket was merged into another one. Please write there."))
    if draft.idempotency_key:
        before = Article.objects.filter(idempotency_key=draft.idempotency_key).first()
        if before is not None:
            raise AlreadyDone(before)
    is_agent = sender == Sender.AGENT
    article = Article(
        ticket=ticket,
        channel=draft.channel,
        sender=sender,
        visible=visible,
        author=actor.user if is_agent else None,
        customer=author_customer,
        from_name=(draft.from_name or (actor.name if is_agent else ""))[:250],
        from_address=draft.from_address[:254],
        reply_to=draft.reply_to[:254],
        to=[list(pair) for pair in draft.to],
        cc=[list(pair) for pair in draft.cc],
        subject=draft.subject[:500],
        body=draft.body,
        html=draft.html,
        message_id=addressing.message_id_key(draft.message_id) if draft.message_id else "",
        in_reply_to=addressing.message_id_key(draft.in_reply_to) if draft.in_reply_to else "",
        references=[addressing.message_id_key(one) for one in draft.references],
        content_hash=draft.content_hash,
        machine=draft.machine,
        verified=draft.verified,
        defects=list(draft.defects),
        extra=draft.extra,
        created_at=draft.created_at or timezone.now(),
        idempotency_key=draft.idempotency_key,
    )
    if draft.idempotency_key:
        _insert_once(article)
    else:
        insert(article)
    files = [*_attach_again(article, draft.again), *attach(article, draft.files)]
    names = [file.name for file in files]
    storing.take_steps_again(article, has_files=bool(files))
    search.index_new(article, names, ticket=ticket if is_first else None)
    return article


def _insert_once(article: Article) -> None:
    try:
        with transaction.atomic():
            article.save(force_insert=True)
    except IntegrityError:
        # the same submission, at the same moment, in another process
        raise AlreadyDone(Article.objects.get(idempotency_key=article.idempotency_key)) from None


def attach(article: Article, files: tuple[Upload, ...]) -> list[Attachment]:
    """Keep `files` with `article`. Equal bytes are stored once."""
    rows = [_attachment(article, file) for file in files]
    if current_batch() is not None:
        for row in rows:
            insert(row, with_id=False)
    elif rows:
        Attachment.insert_all(rows)
    return rows


def _attachment(article: Article, file: Upload) -> Attachment:
    row = Attachment(
        article=article,
        name=file.name[:250],
        content_type=file.content_type[:150],
        content_id=file.content_id[:250],
        inline=file.inline,
        answer_key=file.answer_key[:60],
    )
    row.content = file.content
    return row


def _attach_again(article: Article, files: tuple[Attachment, ...]) -> list[Attachment]:
    if not files:
        return []
    for file in files:
        other = file.article
        if other.ticket_id != article.ticket_id or not other.taken_back:
            raise NotFound
    return Attachment.objects.bulk_create(
        Attachment(
            article=article,
            blob_id=file.blob_id,
            name=file.name,
            content_type=file.content_type,
            content_id=file.content_id,
            inline=file.inline,
        )
        for file in files
    )


def preview_of(body: str) -> str:
    """Return the first words of a text, on one line, for lists (at most 200 characters)."""
    return " ".join(body[:600].split())[:200]
