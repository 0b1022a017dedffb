"""From a stored raw mail to an article: one transaction a mail, and none that stops the next."""

from __future__ import annotations

import logging
import traceback
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.db import connection, transaction
from django.utils import timezone, translation
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from helpdesk import addressing, conf, permissions
from helpdesk.actions import (
    STARTS,
    Draft,
    Upload,
    add_note,
    customer_for_address,
    inform_queue,
    open_ticket,
    receive_message,
)
from helpdesk.errors import HelpdeskError
from helpdesk.models import (
    Article,
    Channel,
    Customer,
    InboundMail,
    Priority,
    Queue,
    QueueAddress,
    Right,
    State,
    Ticket,
    TicketType,
)
from helpdesk.permissions import SYSTEM
from helpdesk.rules.effects import Plan
from helpdesk.rules.routing import Route, route

from . import filters, journal, ledger, thread
from .language import guess_language
from .parse import parse
from .parsed import Address, ParsedMail
from .sanitise import clean
from .screen import screen

logger = logging.getLogger(__name__)

MAX_PARTICIPANTS = 20


class NoQueue(HelpdeskError):
    """No recipient of the mail is one of ours, and its mailbox names no queue."""

    code = "no_queue"
    message = _("No queue has one of the addresses this mail went to.")


@dataclass
class _Mail:
    """One mail on its way through the steps."""

    inbound: InboundMail
    mail: ParsedMail
    recipients: tuple[str, ...]
    own: dict[str, int]  # normalised queue address → queue id
    machine: str = ""
    evidence: list[str] = field(default_factory=list)


def process(pk: int) -> InboundMail:
    """File one mail of the ledger and return its row, in whatever state it ended.

    Safe to call again and from several workers: a filed mail is left alone, one that another worker
    holds is skipped. Whatever goes wrong puts this mail into the failure inbox and raises nothing.
    """
    try:
        with transaction.atomic():
            inbound = (
                InboundMail.objects.select_for_update(
                    skip_locked=connection.features.has_select_for_update_skip_locked, of=("self",)
                )
                .select_related("blob", "queue", "mailbox")
                .filter(pk=pk, state__in=[InboundMail.State.RECEIVED, InboundMail.State.FAILED])
                .first()
            )
            if inbound is not None:
                _file(inbound)
    except Exception as error:  # noqa: BLE001  any fault at all belongs to this mail alone
        # type and place only: the message of an error may quote the mail
        where = traceback.extract_tb(error.__traceback__)[-1]
        logger.error(
            "mail %s failed: %s at %s:%s", pk, type(error).__name__, where.name, where.lineno
        )
        ledger.fail(pk, _words(error, f"{where.name}:{where.lineno}"))
        return InboundMail.objects.get(pk=pk)
    if inbound is None:
        return InboundMail.objects.select_related("ticket", "article").get(pk=pk)
    if inbound.mailbox_id is not None and inbound.message_id is None:
        journal.write(inbound)
    return inbound


def _words(error: Exception, place: str) -> str:
    """What to tell an administrator: a refusal of ours in its own words, else type and place."""
    if not isinstance(error, HelpdeskError):
        return f"{place}\n{type(error).__name__}: {error}"
    with translation.override("en"):  # translated where it is shown (`reason_words`)
        return str(error)


def process_pending(limit: int = 500) -> int:
    """File what waits in the ledger and is due, oldest first; return how many mails were tried."""
    due = InboundMail.objects.filter(
        state__in=[InboundMail.State.RECEIVED, InboundMail.State.FAILED],
        next_try_at__lte=timezone.now(),
    )
    keys = list(due.order_by("next_try_at", "pk").values_list("pk", flat=True)[:limit])
    for pk in keys:
        process(pk)
    return len(keys)


def _file(inbound: InboundMail) -> None:
    if inbound.blob is None:
        raise ValueError("the mail was never fetched")
    mail = parse(inbound.blob.read())
    own = dict(QueueAddress.objects.values_list("normalised", "queue_id"))
    step = _Mail(inbound, mail, _recipients(inbound, mail), own)
    machine = screen(mail)
    if machine is not None:
        step.machine = str(machine.kind)
        step.evidence.append(f"machine mail: {machine.evidence}")
    reason = _own_mail(step)
    if reason:
        _ignore(inbound, reason, step.evidence)
        return
    match = thread.find(mail, step.recipients)
    if match is not None and match.article is not None:
        _delivered_again(step, match, match.article)
        return
    verdict = filters.judge(mail, step.recipients, step.machine, now=timezone.now())
    step.evidence += [f"filter: {name}" for name in verdict.names]
    if verdict.plan.ignore is not None:
        _ignore(inbound, verdict.plan.ignore, step.evidence)
    elif verdict.plan.refuse is not None:
        _ignore(inbound, gettext_noop("refused by a filter"), step.evidence)
    elif match is not None:
        _append(step, match)
    else:
        _open(step, verdict.plan)


def _recipients(inbound: InboundMail, mail: ParsedMail) -> tuple[str, ...]:
    """All addresses the mail went to, the header's first, then the envelope's."""
    addresses = [one.address for one in (*mail.to, *mail.cc)]
    addresses += [*mail.delivered_to, *inbound.envelope_to]
    return tuple(dict.fromkeys(address for address in addresses if address))


def _own_mail(step: _Mail) -> str:
    """Return why the mail is one of our own that came back, or ''."""
    mail = step.mail
    if mail.message_id and addressing.read_message_id(mail.message_id, addressing.signing_keys()):
        step.evidence.append(f"our own Message-ID {mail.message_id}")
        return gettext_noop("own mail came back")
    sender = _normalised(mail.from_)
    if sender and sender in step.own:
        step.evidence.append(f"sent from the queue address {sender}")
        return gettext_noop("from an address of our own")
    return ""


def _normalised(address: Address | None) -> str:
    try:
        return addressing.normalise(address.address) if address else ""
    except addressing.BadAddress:
        return ""


def _route(step: _Mail) -> Route:
    fallback = step.inbound.queue_id
    if step.inbound.silent and fallback is not None:
        return Route(fallback)
    return route(step.recipients, step.own, fallback)


def _ignore(inbound: InboundMail, reason: str, evidence: list[str]) -> None:
    inbound.state = InboundMail.State.IGNORED
    inbound.outcome = "ignored"
    inbound.reason = reason[:250]
    _finish(inbound, evidence)


def _finish(inbound: InboundMail, evidence: list[str]) -> None:
    inbound.evidence = evidence
    inbound.error = ""
    inbound.next_try_at = None
    inbound.attempts += 1
    inbound.processed_at = timezone.now()
    inbound.save()


def _filed(inbound: InboundMail, article: Article, outcome: str, step: _Mail) -> None:
    inbound.state = InboundMail.State.FILED
    inbound.outcome = outcome
    inbound.reason = ""  # an earlier attempt may have failed
    inbound.article = article
    inbound.ticket = article.ticket
    _finish(inbound, step.evidence)


def _delivered_again(step: _Mail, match: thread.Match, article: Article) -> None:
    """The same mail once more, through another address or mailbox: noted on the first article."""
    step.evidence.append(f"{match.tier}: {match.evidence}")
    queue_id = _route(step).queue_id
    inform_queue(actor=SYSTEM, ticket=match.ticket, article=article, queue_id=queue_id, again=True)
    step.inbound.ticket = match.ticket
    step.inbound.article = article
    _ignore(step.inbound, gettext_noop("second delivery of the same mail"), step.evidence)


def _append(step: _Mail, match: thread.Match) -> None:
    visible = match.visible and not step.machine
    step.evidence.append(f"{match.tier}: {match.evidence}")
    if not match.verified:
        step.evidence.append("sender takes no part in the ticket: filed internally")
    customer = _customer(step) if match.verified else None
    article = receive_message(
        actor=SYSTEM,
        ticket=match.ticket,
        draft=_draft(step, verified=match.verified or bool(step.machine)),
        customer=customer,
        visible=visible,
        silent=step.inbound.silent,
    )
    if visible:
        _let_take_part(article.ticket, step)
    outcome = "appended" if article.ticket_id == match.ticket.pk else "opened"
    _filed(step.inbound, article, outcome, step)


def _open(step: _Mail, plan: Plan) -> None:
    where = _route(step)
    queue_id = plan.queue or where.queue_id
    queue = Queue.objects.filter(pk=queue_id).first() if queue_id else None
    if queue is None:
        raise NoQueue
    step.evidence.append(f"recipient {where.address}" if where.address else "queue of the mailbox")
    customer = _customer(step)
    language = _language(step) if customer is None else customer.language
    opened = open_ticket(
        actor=SYSTEM,
        queue=queue,
        subject=addressing.clean_subject(step.mail.subject) or "—",
        draft=_draft(step),
        customer=customer,
        contact=_contact(step),
        language=language,
        type_=TicketType.objects.filter(pk=plan.type).first() if plan.type else None,
        priority=Priority.objects.filter(pk=plan.priority).first() if plan.priority else None,
        state=State.objects.filter(pk=plan.state, type__in=STARTS).first() if plan.state else None,
        owner=_owner(plan, queue),
        imported=step.inbound.silent,
    )
    for text in plan.notes:
        add_note(actor=SYSTEM, ticket=opened.ticket, draft=Draft(body=text, channel=Channel.NOTE))
    _let_take_part(opened.ticket, step)
    for other in where.others:
        inform_queue(actor=SYSTEM, ticket=opened.ticket, article=opened.article, queue_id=other)
    _filed(step.inbound, opened.article, "opened", step)


def _owner(plan: Plan, queue: Queue) -> Any | None:
    """Return whom a filter assigns the ticket to; nobody if they may not own tickets there."""
    if plan.owner is None:
        return None
    user = get_user_model()._default_manager.filter(pk=plan.owner).first()
    may = user is not None and permissions.can(permissions.agent(user), Right.OWN, queue)
    return user if may else None


def _customer(step: _Mail) -> Customer | None:
    sender = step.mail.from_
    if sender is None or not addressing.is_address(sender.address):
        return None
    return customer_for_address(sender.address, name=sender.name, language=_language(step))


def _language(step: _Mail) -> str:
    return guess_language(step.mail, default=conf.site_language())


def _contact(step: _Mail) -> str:
    """Where answers go: Reply-To if it is no address of ours, else From; '' if there is none."""
    for one in (*step.mail.reply_to, step.mail.from_):
        if one is None or not addressing.is_address(one.address):
            continue
        if addressing.normalise(one.address) not in step.own:
            return addressing.canonical(one.address)
    return ""


def _let_take_part(ticket: Ticket, step: _Mail) -> None:
    """Who is addressed beside us takes part: their replies belong to the ticket."""
    if step.machine:
        return
    sender = _normalised(step.mail.from_)
    for one in (*step.mail.to, *step.mail.cc)[:MAX_PARTICIPANTS]:
        if not addressing.is_address(one.address):
            continue
        normalised = addressing.canonical(one.address)
        if addressing.normalise(one.address) in step.own or normalised in (sender, ticket.contact):
            continue
        ticket.participants.get_or_create(
            normalised=normalised,
            defaults={"address": one.address[:254], "name": one.name[:200]},
        )


def _draft(step: _Mail, *, verified: bool = True) -> Draft:
    mail = step.mail
    cids = {part.content_id: part.content_id for part in mail.attachments if part.content_id}
    sender = mail.from_
    return Draft(
        body=mail.text,
        html=clean(mail.html, cids) if mail.html else "",
        channel=Channel.EMAIL,
        subject=mail.subject,
        from_name=sender.name if sender else "",
        from_address=sender.address if sender else "",
        reply_to=mail.reply_to[0].address if mail.reply_to else "",
        to=tuple((one.name, one.address) for one in mail.to),
        cc=tuple((one.name, one.address) for one in mail.cc),
        message_id=mail.message_id or "",
        in_reply_to=mail.in_reply_to[0] if mail.in_reply_to else "",
        references=mail.references[-30:],
        content_hash=mail.content_hash,
        machine=step.machine,
        verified=verified,
        defects=mail.defects,
        extra=_extra(mail),
        files=tuple(
            Upload(
                name=part.name,
                content=part.content,
                content_type=part.content_type,
                content_id=part.content_id or "",
                inline=part.inline,
            )
            for part in mail.attachments
        ),
        created_at=_date(step),
    )


def _date(step: _Mail) -> datetime:
    """The article's time: of an archive the mail's own (never in the future), else the receipt."""
    if step.inbound.silent and step.mail.date is not None:
        return min(step.mail.date, step.inbound.received_at)
    return step.inbound.received_at


def _extra(mail: ParsedMail) -> dict[str, object]:
    extra: dict[str, object] = {}
    if mail.events:
        extra["events"] = [
            {
                "summary": one.summary,
                "start": one.start.isoformat() if one.start else None,
                "end": one.end.isoformat() if one.end else None,
                "location": one.location,
                "method": one.method,
                "all_day": one.all_day,
            }
            for one in mail.events
        ]
    if mail.protection:
        extra["protection"] = mail.protection
    if mail.date is not None:
        extra["date"] = mail.date.isoformat()
    return extra
