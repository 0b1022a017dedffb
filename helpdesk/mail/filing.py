"""The ends a mail may come to: ignored, joined to a ticket, a ticket of its own. Each inside the mail's transaction."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.contrib.auth import get_user_model
from django.utils import timezone, translation
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _

from helpdesk import addressing, conf, notifications, permissions
from helpdesk.actions import (
    SPAM_TAG,
    STARTS,
    Draft,
    Upload,
    add_note,
    few_tags,
    inform_queue,
    note_spam,
    open_ticket,
    receive_message,
    set_tags,
    tags_of,
)
from helpdesk.actions.erasing_rows import drop_mail
from helpdesk.errors import HelpdeskError
from helpdesk.models import (
    Article,
    Channel,
    InboundMail,
    Queue,
    Right,
    Sender,
    Ticket,
    TicketType,
    directory,
    update,
)
from helpdesk.notifications import suspension
from helpdesk.permissions import SYSTEM
from helpdesk.rules.effects import Plan
from helpdesk.rules.routing import Route, route

from . import agents, bounces, gone, journal, others, spam, thread
from .incoming import Incoming, contact_of, customer_of, draft_of, head_of, language_of

Rule = InboundMail.Rule

#: Rule and words of how a mail was recognised.
TIERS = {
    thread.Tier.TOKEN: (Rule.TOKEN, gettext_noop("went to the signed address %(value)s")),
    thread.Tier.REFERENCES: (Rule.REFERENCES, gettext_noop("refers to our message %(value)s")),
    thread.Tier.NUMBER: (Rule.NUMBER, gettext_noop("names the ticket %(value)s")),
    thread.Tier.REPORT: (Rule.REPORT, gettext_noop("reports on our message %(value)s")),
}


#: What is noted of a mail that our own receiving server says to be somebody else's.
SENT_BY_SOMEBODY_ELSE = gettext_noop(
    "%(value)s says that it is not from this sender (dmarc=fail): it counts as nobody's"
)


class NoQueue(HelpdeskError):
    """No recipient of the mail is one of ours, and its mailbox names no queue."""

    code = "no_queue"
    message = _("No queue has one of the addresses this mail went to.")


def ignore(step: Incoming, reason: str) -> None:
    """End without an article of its own; `reason` is a sentence in the code's language (`gettext_noop`)."""
    step.inbound.state = InboundMail.State.IGNORED
    step.inbound.outcome = InboundMail.Outcome.IGNORED
    step.inbound.reason = reason[:250]
    _finish(step)


def drop(step: Incoming, reason: str) -> None:
    """End without anything left of the mail, not even its bytes: that it came stays known, and the `reason`."""
    ignore(step, reason)
    step.inbound.journal_row = None
    drop_mail(step.inbound)


def refuse(step: Incoming, plan: Plan) -> None:
    """End without a ticket, as a filter or a trusted header decided; who is refused is told why."""
    if plan.refuse is None:
        ignore(step, plan.ignore or gettext_noop("a filter makes no ticket of it"))
        return
    if not step.inbound.silent:
        _tell_refusal(step, plan.refuse)
    ignore(step, gettext_noop("refused by a filter"))


def _tell_refusal(step: Incoming, text: str) -> None:
    sender, taken = step.mail.from_, spam.judge(step.mail)
    if sender is None:
        step.note(gettext_noop("nobody is told: there is no sender"))
        return
    if step.forged:
        step.note(SENT_BY_SOMEBODY_ELSE, step.forged)
        return
    if taken:  # whoever it says wrote it most often did not
        step.note(gettext_noop("nobody is told: taken for spam, for %(value)s"), taken.evidence)
        return
    sent = notifications.send_refusal(
        to=(sender.name, sender.address),
        language=language_of(step),
        text=text,
        queue=directory().queues.get(route_of(step).queue_id or 0),
        in_reply_to=step.mail.message_id or "",
        references=step.mail.references,
        subject=step.mail.subject,
        machine=step.machine,
    )
    if isinstance(sent, notifications.Withheld):
        step.note(gettext_noop("the refusal was withheld (%(value)s)"), str(sent))


def _filed(step: Incoming, article: Article, outcome: str) -> None:
    inbound = step.inbound
    inbound.state = InboundMail.State.FILED
    inbound.outcome = outcome
    inbound.reason = ""  # an earlier attempt may have failed
    inbound.article = article
    inbound.ticket = article.ticket
    _finish(step)
    _learn(step, article)


def _learn(step: Incoming, article: Article) -> None:
    """What a mail says beside itself: that one of ours came back, or that an address is alive."""
    if step.inbound.silent:
        return
    if step.machine:
        bounces.take(step.mail, article.ticket, article)
        return
    sender = thread.sender_of(step.mail)
    if not (sender and article.verified and sender in directory().bounced):
        return
    if spam.judge(step.mail) is None:  # else somebody else wrote it
        suspension.heard_from(sender, ticket=article.ticket, article=article)


def _finish(step: Incoming) -> None:
    inbound = step.inbound
    inbound.sender, inbound.subject = head_of(step.mail).values()
    inbound.rule = step.rule
    inbound.evidence = step.evidence
    inbound.error = ""
    inbound.next_try_at = None
    inbound.processed_at = timezone.now()
    journal.prepare(inbound, step.mail)
    update(
        inbound,
        *("state", "outcome", "reason", "rule", "evidence", "error", "next_try_at"),
        *("processed_at", "ticket", "article", "sender", "subject"),
    )


def route_of(step: Incoming) -> Route:
    """Return where the mail goes by its recipients, else by its mailbox; an archive's by its order alone."""
    fallback = step.inbound.queue_id
    if step.inbound.silent and fallback is not None:
        return Route(fallback)
    return route(step.recipients, step.own, fallback)


def deliver_again(step: Incoming, match: thread.Match, article: Article) -> None:
    """The same mail once more, through another address or mailbox: noted on the first article."""
    step.decided(
        Rule.SECOND_DELIVERY,
        gettext_noop("same id and content as %(value)s"),
        step.mail.message_id or "",
    )
    queue_id = route_of(step).queue_id
    inform_queue(
        actor=SYSTEM,
        ticket=match.ticket,
        article=article,
        queue_id=queue_id,
        again=True,
        reads_along=others.is_meant(step, article, queue_id),
    )
    step.inbound.ticket = match.ticket
    step.inbound.article = article
    ignore(step, gettext_noop("second delivery of the same mail"))


def append(step: Incoming, match: thread.Match, plan: Plan) -> None:
    """Join the mail to the ticket it was recognised for; of a plan only notes and tags matter."""
    step.decided(*TIERS[match.tier], match.evidence)
    if step.forged:
        match = replace(match, visible=False, verified=False, joined=False)
    visible = match.visible and not step.machine
    draft = draft_of(step, verified=match.verified or bool(step.machine))
    by_agent = agents.answer_of(inbound=step.inbound, mail=step.mail, match=match, draft=draft)
    if by_agent is not None:
        _file_agents(step, match, by_agent)
        return
    if not match.verified:
        takes_no_part = gettext_noop("the sender takes no part in the ticket: filed internally")
        step.note(SENT_BY_SOMEBODY_ELSE if step.forged else takes_no_part, step.forged)
        if thread.is_agent(match.ticket, thread.sender_of(step.mail)):
            draft = replace(draft, extra={**draft.extra, "agent_by_mail": "unverified"})
    customer = customer_of(step) if match.verified else None
    article = receive_message(
        actor=SYSTEM,
        ticket=match.ticket,
        draft=draft,
        customer=customer,
        visible=visible,
        silent=step.inbound.silent,
        wakes=match.joined,
    )
    if others.is_from_customer(step, article):
        others.let_take_part(article.ticket, step)
        if not step.inbound.silent:
            others.inform(step, article)
    _add_notes(article.ticket, plan)
    if plan.tags:
        tags = few_tags([*tags_of(article.ticket), *plan.tags])
        set_tags(actor=SYSTEM, ticket=article.ticket, tags=tags)
    joined = article.ticket_id == match.ticket.pk
    outcome = InboundMail.Outcome.APPENDED if joined else InboundMail.Outcome.OPENED
    _filed(step, article, outcome)


def _file_agents(step: Incoming, match: thread.Match, by_agent: agents.AgentMail) -> None:
    """End for a mail that an agent sent to the reply address; its article is written already."""
    for line in by_agent.evidence:
        step.note("%(value)s", line)
    if by_agent.outcome == "again":
        deliver_again(step, match, by_agent.article)
    else:
        _filed(step, by_agent.article, InboundMail.Outcome.APPENDED)


def open_new(step: Incoming, plan: Plan, *, into: int | None = None) -> None:
    """Open a ticket: in the queue `into`, else in the filters', else where the mail went.

    Spam goes to the queue that takes it, unless a filter or a person named a queue. Raises `NoQueue` if
    nothing names one.
    """
    where, known = route_of(step), directory()
    wanted = known.queues.get(into or plan.queue or where.queue_id or 0)
    found = spam.judge(step.mail) if into is None else None
    junk = _junk_queue() if found and not plan.queue else None
    queue = junk or wanted
    if queue is None:
        raise NoQueue
    _note_route(step, where, queue)
    if found:
        step.note(gettext_noop("taken for spam, for %(value)s"), found.evidence)
        step.rule = Rule.SPAM if junk else step.rule
    erased = gone.note(step)
    # nobody's, if it is forged: who is named as the sender knows nothing of it
    customer, contact = None if step.forged else customer_of(step), contact_of(step)
    if step.forged:
        step.note(SENT_BY_SOMEBODY_ELSE, step.forged)
    opened = open_ticket(
        actor=SYSTEM,
        queue=queue,
        subject=addressing.clean_subject(step.mail.subject) or "—",
        draft=draft_of(step, verified=not step.forged),
        customer=customer,
        visible=not step.forged,
        contact=contact,
        language=customer.language
        if customer is not None and customer.has_address(contact)
        else language_of(step),
        type_=TicketType.objects.filter(pk=plan.type).first() if plan.type else None,
        priority=known.priorities.get(plan.priority or 0),
        state=_state(plan),
        owner=_owner(plan, queue),
        tags=(*plan.tags, *((SPAM_TAG,) if found and not junk else ())),
        withheld="spam" if found else "forged" if step.forged else "",
        imported=step.inbound.silent,
    )
    further = () if step.forged else where.others
    if found:
        late = further if junk else ()
        note_spam(actor=SYSTEM, ticket=opened.ticket, queue=wanted or queue, others=late)
    _add_notes(opened.ticket, plan)
    gone.tell(opened.ticket, erased or step.nobodys)
    if not step.forged:
        others.let_take_part(opened.ticket, step)
    for other in () if junk else further:
        inform_queue(actor=SYSTEM, ticket=opened.ticket, article=opened.article, queue_id=other)
    _filed(step, opened.article, InboundMail.Outcome.OPENED)


def _note_route(step: Incoming, where: Route, queue: Queue) -> None:
    """Note how the queue was found, unless something stronger decided."""
    if step.rule:
        return
    if where.address:
        step.decided(Rule.RECIPIENT, gettext_noop("went to %(value)s"), where.address)
    else:
        step.decided(Rule.MAILBOX, gettext_noop("the mailbox belongs to %(value)s"), queue.name)


def _junk_queue() -> Queue | None:
    queues = directory().queues.values()
    return next((queue for queue in queues if queue.is_junk and queue.is_active), None)


def _add_notes(ticket: Ticket, plan: Plan) -> None:
    for text in plan.notes:
        add_note(actor=SYSTEM, ticket=ticket, draft=Draft(body=text, channel=Channel.NOTE))


def open_raw(step: Incoming, raw: bytes, *, into: int) -> None:
    """Open a ticket in the queue `into` with the raw mail as its only file."""
    queue = directory().queues[into]
    with translation.override(conf.site_language()):
        subject = gettext("A mail that could not be read")
        body = gettext("The mail could not be read. It is attached as it came.")
    opened = open_ticket(
        actor=SYSTEM,
        queue=queue,
        subject=subject,
        draft=Draft(
            body=body,
            channel=Channel.EMAIL,
            subject=subject,
            machine="system",  # nobody is answered: who wrote is not known
            files=(Upload("mail.eml", raw, "message/rfc822"),),
            created_at=step.inbound.received_at,
        ),
        customer=None,
        sender=Sender.SYSTEM,
        visible=False,
    )
    _filed(step, opened.article, InboundMail.Outcome.OPENED)


def _state(plan: Plan) -> Any | None:
    state = directory().states.get(plan.state or 0)
    return state if state is not None and state.type in STARTS else None


def _owner(plan: Plan, queue: Queue) -> Any | None:
    """Return whom a filter assigns the ticket to; nobody if they may not own tickets there."""
    if plan.owner is None:
        return None
    user = get_user_model()._default_manager.filter(pk=plan.owner).first()
    may = user is not None and permissions.can(permissions.agent(user), Right.OWN, queue)
    return user if may else None
