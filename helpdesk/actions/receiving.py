"""Messages that come from outside: what they do to their ticket."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from helpdesk import addressing, events, notifications, permissions
from helpdesk.errors import AlreadyDone, NotFound, WrongState
from helpdesk.models import (
    Article,
    AutoResponse,
    Channel,
    Customer,
    EventKind,
    Right,
    Sender,
    Ticket,
    TicketLink,
)
from helpdesk.permissions import REPLY, Actor
from helpdesk.rules.followup import Decision, decide
from helpdesk.states import StateType

from .base import default_state, locked, locked_at_home, touch, verb
from .customers import customer_for_address, refuse_blocked, take_over
from .drafts import FORGED, OF_TICKET, Draft, preview_of, write_article
from .lifecycle import transition
from .messages import join
from .objecting import continued_terms
from .opening import open_ticket


@verb
def receive_message(
    *,
    actor: Actor,
    ticket: Ticket,
    draft: Draft,
    customer: Customer | None = None,
    visible: bool = True,
    silent: bool = False,
    wakes: bool = False,
) -> Article:
    """File a message that came from outside on `ticket`; return its article.

    A message from a person wakes a waiting ticket and, by the queue's follow-up option, reopens a
    closed one, becomes a new, linked ticket, or is filed while the ticket stays closed (for the web:
    raises `WrongState`, and `Blocked` for somebody who is). Machine mail (`draft.machine`) and messages that are not `visible` (sender
    not verified) never change state, owner or waiting time. `silent` moves in an archive. A message to
    a merged ticket goes to where that went, internally if it is another customer's; such a one `wakes`
    the ticket all the same, for its writer waits. Raises
    `AlreadyDone` for a repeated submission.
    """
    named = ticket
    ticket = _locked(actor, ticket, draft)
    if visible and ticket.pk != named.pk and not _is_theirs(actor, named, ticket):
        visible, wakes = False, True
    moving = (visible or wakes) and not draft.machine
    decision = (
        _decide(ticket, now=draft.created_at or timezone.now()) if moving else Decision.APPEND
    )
    if wakes and decision in (Decision.REFUSE, Decision.NEW_TICKET):
        decision = Decision.OPEN  # the other customer's ticket is nothing to tell the writer of
    if decision == Decision.REFUSE and draft.channel == Channel.WEB:
        raise WrongState(_("This request is closed. Please write a new one."))
    if decision == Decision.NEW_TICKET:
        return _continue_elsewhere(actor, ticket, draft, customer, silent=silent)
    article = write_article(
        actor=actor,
        ticket=ticket,
        draft=draft,
        sender=Sender.SYSTEM if draft.machine else Sender.CUSTOMER,
        visible=visible,
        author_customer=customer,
    )
    events.record(
        actor=actor,
        ticket=ticket,
        article=article,
        kind=EventKind.MACHINE_MAIL if draft.machine else EventKind.ARTICLE_ADDED,
        data={
            "channel": str(draft.channel),
            "visible": visible,
            "machine": draft.machine,
            **({"silent": True} if silent else {}),
        },
    )
    if not moving:
        touch(actor, ticket, at=article.created_at)
        return article
    if decision == Decision.OPEN:
        transition(
            actor=actor, ticket=ticket, state=default_state(StateType.OPEN), at=article.created_at
        )
    if visible:
        ticket.preview = preview_of(article.body)
    if decision != Decision.REFUSE:
        ticket.waiting_since = ticket.waiting_since or article.created_at
    touch(actor, ticket, "preview", "waiting_since", at=article.created_at)
    if visible and not silent:
        _respond(actor, ticket, article, decision)
    return article


def _is_theirs(actor: Actor, named: Ticket, ticket: Ticket) -> bool:
    """Tell whether a message to `named`, merged into `ticket`, may be seen there: by one and the same customer only.

    Who was invited to the one has not been invited to the other.
    """
    return permissions.share_customer(named, ticket) and permissions.can(actor, REPLY, ticket)


def _locked(actor: Actor, ticket: Ticket, draft: Draft) -> Ticket:
    if draft.channel == Channel.WEB:
        refuse_blocked(actor)
    return locked_at_home(actor, ticket, REPLY)


def _respond(actor: Actor, ticket: Ticket, article: Article, decision: Decision) -> None:
    """Tell whoever wrote by mail what became of it; on the site everybody sees it."""
    if article.channel != Channel.EMAIL or ticket.is_test:
        return
    is_refused = decision == Decision.REFUSE
    notifications.send_response(
        actor=actor,
        ticket=ticket,
        article=article,
        kind=AutoResponse.Kind.REFUSED if is_refused else AutoResponse.Kind.APPENDED,
    )


def _decide(ticket: Ticket, *, now: datetime) -> Decision:
    days = ticket.queue.inherited("reopen_days")
    return decide(
        state_type=ticket.state.type,
        policy=str(ticket.queue.inherited("follow_up") or "reopen"),
        closed_at=ticket.closed_at,
        reopen_days=int(str(days)) if days is not None else None,
        now=now,
    )


def _continue_elsewhere(
    actor: Actor, ticket: Ticket, draft: Draft, customer: Customer | None, *, silent: bool
) -> Article:
    """Open a new ticket for a message to a closed one, and link the two.

    It is the writer's: a participant is answered, not the customer of the closed ticket.
    """
    is_other = customer is not None and customer.pk != ticket.customer_id
    contact = ticket.contact
    if is_other:
        contact = draft.from_address if addressing.is_address(draft.from_address) else ""
    opened = open_ticket(
        actor=actor,
        queue=ticket.queue,
        subject=addressing.clean_subject(draft.subject) or ticket.subject,
        draft=draft,
        customer=customer or ticket.customer,
        contact=contact,
        language=ticket.language,
        terms=continued_terms(ticket, customer or ticket.customer),
        type_=ticket.type,
        imported=silent,
        receipt=False,
        is_test=ticket.is_test,
    )
    TicketLink.objects.create(source=opened.ticket, target=ticket, kind=TicketLink.Kind.FOLLOWS)
    for one, other in ((opened.ticket, ticket), (ticket, opened.ticket)):
        events.record(
            actor=actor,
            ticket=one,
            kind=EventKind.LINKED,
            data={"ticket": other.pk, "kind": "follows"},
        )
    if not silent and not ticket.is_test:
        notifications.send_response(
            actor=actor,
            ticket=opened.ticket,
            article=opened.article,
            kind=AutoResponse.Kind.NEW_TICKET,
            closed=ticket,
        )
    return opened.article


@transaction.atomic
def accept_sender(*, actor: Actor, ticket: Ticket, article: Article) -> Article:
    """Accept a message whose sender was not verified (right *answer*): from now on it is visible.

    It then wakes or reopens the ticket as it would have done at its arrival. Who wrote takes part, unless they
    are its customer; a ticket that such a message opened becomes theirs. Raises `AlreadyDone`
    for a verified one, `NotFound` for one of another ticket, `WrongState` for one that names a colleague as
    its sender (it would be shown as the customer's, with whatever it quotes), and for one that a merge
    brought from another customer's ticket.
    """
    ticket = locked(actor, ticket, Right.ANSWER)
    try:
        article = Article.objects.select_for_update(no_key=True).get(pk=article.pk, ticket=ticket)
    except Article.DoesNotExist:
        raise NotFound from None
    if article.verified:
        raise AlreadyDone(article)
    if article.extra.get(OF_TICKET):
        raise WrongState(
            _("This message came with a ticket of another customer. It has to stay internal.")
        )
    if article.extra.get("agent_by_mail"):
        raise WrongState(
            _("This message names a colleague as its sender. Answer the customer yourself.")
        )
    article.verified = article.visible = True
    if addressing.is_address(article.from_address):
        _take_in(actor, ticket, article)
    article.save(update_fields=["verified", "visible", "customer"])
    events.record(actor=actor, ticket=ticket, article=article, kind=EventKind.SENDER_ACCEPTED)
    if _decide(ticket, now=article.created_at) == Decision.OPEN:
        transition(actor=actor, ticket=ticket, state=default_state(StateType.OPEN))
    if ticket.state.is_open:
        ticket.waiting_since = ticket.waiting_since or article.created_at
    touch(actor, ticket, "waiting_since")
    return article


def _take_in(actor: Actor, ticket: Ticket, article: Article) -> None:
    """Let whoever wrote an accepted message be the customer of the ticket that it opened, else take part in it."""
    address = addressing.canonical(article.from_address)
    if FORGED in article.extra and ticket.customer_id is None and _is_first(article):
        customer = customer_for_address(
            article.from_address, name=article.from_name, language=ticket.language
        )
        take_over([ticket], customer, actor=actor, by="accepted")
    person = ticket.customer
    if person is not None and person.addresses.filter(normalised=address).exists():
        article.customer = person
    elif address != ticket.contact:
        join(ticket, article.from_name, article.from_address)


def _is_first(article: Article) -> bool:
    return not Article.objects.filter(ticket=article.ticket_id, pk__lt=article.pk).exists()
