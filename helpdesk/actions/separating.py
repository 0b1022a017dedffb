"""A message becomes a ticket of its own: it moves there, or a copy of it does."""

from __future__ import annotations

from dataclasses import replace

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from helpdesk import addressing, events, notifications, permissions, search
from helpdesk.errors import InvalidInput, NotFound
from helpdesk.models import (
    Article,
    Attachment,
    Channel,
    EventKind,
    InboundMail,
    Merge,
    Queue,
    Right,
    Sender,
    Ticket,
    TicketLink,
)
from helpdesk.permissions import Actor
from helpdesk.rules.terms import Terms, strictest_in_words

from .base import locked, touch
from .customers import customer_for_address
from .drafts import FORGED, OF_TICKET, Draft
from .ending_confidence import end_by_queue
from .exported import share_exports
from .holds import hold_also
from .objecting import continued_terms, own_terms
from .opening import Opened, open_ticket
from .terms import terms_of


@transaction.atomic
def make_own_ticket(*, actor: Actor, ticket: Ticket, article: Article) -> Opened:
    """Move a message from outside into a new ticket of the same queue (rights *answer*, *create*).

    The new ticket is its sender's, gets a receipt as any new request does, and shows nothing of the
    old one; files and the raw mail move along, and so does a hold. A forged message becomes a ticket of nobody, as it
    would have done by itself. Raises `NotFound` for an article of another ticket or
    one that an agent wrote.
    """
    ticket = locked(actor, ticket, Right.ANSWER)
    rows = Article.objects.select_for_update(of=("self",)).exclude(sender=Sender.AGENT)
    try:
        article = rows.get(pk=article.pk, ticket=ticket)
    except Article.DoesNotExist:
        raise NotFound from None
    files = list(article.attachments.all())
    mails = list(InboundMail.objects.filter(article=article))
    customer, is_forged = None, FORGED in article.extra and not article.verified
    if addressing.is_address(article.from_address) and not is_forged:
        customer = customer_for_address(article.from_address, name=article.from_name)
    opened = open_ticket(
        actor=actor,
        queue=ticket.queue,
        subject=addressing.clean_subject(article.subject) or ticket.subject,
        draft=replace(_draft(article), verified=not is_forged),
        customer=customer,
        visible=not is_forged,
        contact=_contact(article),
        language=ticket.language,
        terms=continued_terms(ticket, customer),
        receipt=not article.machine,
        withheld="forged" if is_forged else "",
    )
    Article.objects.filter(pk=opened.article.pk).update(
        message_id=article.message_id,
        in_reply_to=article.in_reply_to,
        references=article.references,
    )
    for file in files:
        file.article = opened.article
        file.save(update_fields=["article"])
    for mail in mails:
        mail.article, mail.ticket = opened.article, opened.ticket
        mail.save(update_fields=["article", "ticket"])
    for one, other in ((ticket, opened.ticket), (opened.ticket, ticket)):
        data = {"ticket": other.pk, "article": article.pk}
        events.record(actor=actor, ticket=one, kind=EventKind.SEPARATED, data=data)
    share_exports(ticket, opened.ticket)
    hold_also(actor=actor, ticket=opened.ticket, as_on=ticket)
    notifications.detach(article=article)
    article.delete()
    touch(actor, ticket)
    return opened


def _contact(article: Article) -> str:
    for address in (article.reply_to, article.from_address):
        if addressing.is_address(address):
            return address
    return ""


def _draft(article: Article) -> Draft:
    return Draft(
        body=article.body,
        html=article.html,
        channel=Channel(article.channel),
        subject=article.subject,
        from_name=article.from_name,
        from_address=article.from_address,
        reply_to=article.reply_to,
        to=tuple((name, address) for name, address in article.to),
        cc=tuple((name, address) for name, address in article.cc),
        content_hash=article.content_hash,
        machine=article.machine,
        defects=tuple(article.defects),
        extra={
            key: one for key, one in article.extra.items() if key not in (OF_TICKET, "taken_back")
        },
        created_at=article.created_at,
    )


@transaction.atomic
def split(
    *,
    actor: Actor,
    ticket: Ticket,
    article: Article,
    queue: Queue,
    subject: str,
    receipt: bool = False,
    opens: bool = False,
    idempotency_key: str | None = None,
) -> Opened:
    """Open a further ticket in `queue` for what a message also asks (right *note* here, *create* there).

    The message stays; the new ticket begins with a copy of its text and files, as visible as it is, and
    is the same customer's (of a message that a merge brought: that customer's). `ticket` becomes its
    parent. An objection to storage holds there too. `opens` confirms that what is confidential may be read in a
    queue that is not.

    Raises `InvalidInput` for an empty subject and at `opens` without it, `NotFound` for an article of another
    ticket, and what `open_ticket` does.
    """
    ticket = locked(actor, ticket, Right.NOTE)
    subject = " ".join(subject.split())
    if not subject:
        raise InvalidInput(_("Give the ticket a subject."), field="subject")
    try:
        article = Article.objects.get(pk=article.pk, ticket=ticket)
    except Article.DoesNotExist:
        raise NotFound from None
    end_by_queue(actor, ticket, queue, confirmed=opens, did="split_to")
    whose = _whose(ticket, article)
    opened = open_ticket(
        actor=actor,
        queue=queue,
        subject=subject,
        draft=replace(_draft(article), created_at=None, content_hash="", verified=article.verified),
        customer=whose.customer,
        contact=whose.contact,
        language=whose.language,
        sender=Sender(article.sender),
        visible=article.visible or _was_visible(article),
        terms=strictest_in_words(
            terms_of(queue, language=whose.language), _given(whose, ticket), whose.language
        ),
        submission_key=idempotency_key,
        receipt=receipt,
        is_test=ticket.is_test,
    )
    _copy_files(article, opened.article)
    share_exports(ticket, opened.ticket)
    TicketLink.objects.create(source=ticket, target=opened.ticket, kind=TicketLink.Kind.PARENT)
    for one, other in ((ticket, opened.ticket), (opened.ticket, ticket)):
        events.record(
            actor=actor,
            ticket=one,
            kind=EventKind.SPLIT,
            article=article if one is ticket else opened.article,
            data={"ticket": other.pk, "article": article.pk},
        )
    touch(actor, ticket)
    return opened


def _whose(ticket: Ticket, article: Article) -> Ticket:
    """Return the ticket whose customer wrote, or was written, the message."""
    of_ticket = Ticket.objects.filter(pk=article.extra.get(OF_TICKET)).first()
    return of_ticket or ticket


def _given(whose: Ticket, ticket: Ticket) -> Terms:
    """Return what stands for a message: what its customer said of the ticket on which it lies, they said of it as well."""
    given = own_terms(whose)
    if whose.pk == ticket.pk or not permissions.share_customer(whose, ticket):
        return given
    return strictest_in_words(given, own_terms(ticket), whose.language)


def _was_visible(article: Article) -> bool:
    """Tell whether a merge hid the message from the customer of the ticket to which it brought it."""
    journals = Merge.objects.filter(source=article.extra.get(OF_TICKET), undone_at=None)
    hidden = journals.values_list("moved__hidden", flat=True)
    return any(article.pk in ids for ids in hidden)


def _copy_files(article: Article, copy: Article) -> None:
    """Let a copy have the files as well; their bytes are kept once."""
    files = [
        Attachment(
            article=copy,
            blob_id=file.blob_id,
            name=file.name,
            content_type=file.content_type,
            content_id=file.content_id,
            inline=file.inline,
        )
        for file in article.attachments.all()
    ]
    Attachment.objects.bulk_create(files)
    if files:
        search.index_article(copy)
