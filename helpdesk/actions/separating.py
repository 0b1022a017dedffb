"""A message that was filed on the wrong ticket becomes a ticket of its own."""

from __future__ import annotations

from django.db import transaction

from helpdesk import addressing, events, notifications
from helpdesk.errors import NotFound
from helpdesk.models import Article, Channel, EventKind, InboundMail, Right, Sender, Ticket
from helpdesk.permissions import Actor

from .base import locked, touch
from .customers import customer_for_address
from .drafts import Draft
from .opening import Opened, open_ticket


@transaction.atomic
def make_own_ticket(*, actor: Actor, ticket: Ticket, article: Article) -> Opened:
    """Move a message from outside into a new ticket of the same queue (rights *answer*, *create*).

    The new ticket is its sender's, gets a receipt as any new request does, and shows nothing of the
    old one; files and the raw mail move along. Raises `NotFound` for an article of another ticket or
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
    known = addressing.is_address(article.from_address)
    opened = open_ticket(
        actor=actor,
        queue=ticket.queue,
        subject=addressing.clean_subject(article.subject) or ticket.subject,
        draft=_draft(article),
        customer=customer_for_address(article.from_address, name=article.from_name)
        if known
        else None,
        contact=_contact(article),
        language=ticket.language,
        receipt=not article.machine,
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
        extra=article.extra,
        created_at=article.created_at,
    )
