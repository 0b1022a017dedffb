"""Notices by mail to the people of the team. They never hold what customers or colleagues wrote."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import prefetch_related_objects
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext as _

from helpdesk import addressing, conf, permissions
from helpdesk.confidence import Veil
from helpdesk.models import (
    Notice,
    NoticeKind,
    OutboundMail,
    Queue,
    Right,
    Ticket,
    kept_directory,
)
from helpdesk.permissions import Actor
from helpdesk.rules.unread import nobody_reads
from helpdesk.teams import Teams

from . import compose, limiter, links, sentences, suspension
from .automatic import is_ours

ByMail = Notice.ByMail

#: What an agent answers to these is meant for the customer; to any other for a colleague, or for nobody.
ANSWERABLE = frozenset(
    {
        NoticeKind.NEW_TICKET,
        NoticeKind.REPLY,
        NoticeKind.ASSIGNED,
        NoticeKind.REMINDER,
        NoticeKind.WARNING,
        NoticeKind.BREACH,
        NoticeKind.HAND_BACK,
    }
)


def mails_for(rows: Sequence[Notice], teams: Teams) -> dict[int, OutboundMail | None]:
    """Return the unsaved mails of notices that go out at once, by the `id` of the notice.

    None where no mail may go: the notice says then that it is not mailed, or waits for the digest because the
    limit is reached. Each mail is counted by the limiter.
    """
    if not rows:
        return {}
    suspended = suspension.suspended_among(row.user.email for row in rows)
    # whose address a mail is sent from: a queue's own, or that of one above it
    prefetch_related_objects(list(teams.queues.values()), "addresses")
    found: dict[int, OutboundMail | None] = {}
    veil = Veil(teams.queues)
    with kept_directory():
        for row in rows:
            reason = why_not(row.user, row.ticket, suspended) or _came_back(row)
            limit = None if reason else limiter.take(row.user.email, colleague=True)
            if reason or limit:
                row.by_mail = ByMail.DIGEST if limit else ByMail.NO
            found[id(row)] = None if reason or limit else _mail(row, teams, veil)
    return found


def why_not(user: Any, ticket: Ticket | None, suspended: frozenset[str]) -> str:
    """Return the code of the first reason against a notice by mail to one of the team, or ''. No query."""
    try:
        address = addressing.canonical(user.email)
    except addressing.BadAddress:
        return "bad_address"
    if nobody_reads(address):
        return "nobody_reads"
    if ticket is not None and address == ticket.contact:
        return "customer"
    queue: Queue | None = ticket.queue if ticket is not None else None
    if is_ours(addressing.normalise(address), compose.sender_of(queue)[1]):
        return "own_address"
    return "suspended" if address in suspended else ""


def _came_back(row: Notice) -> bool:
    """Tell whether the agent's own address is the one from which the mail came back."""
    if row.kind != NoticeKind.DELIVERY or row.event is None:
        return False
    bounces = (row.event.content or {}).get("bounces", ())
    return row.user.email.lower() in {str(address).lower() for address, _status, _words in bounces}


def language_of(user: Any) -> str:
    """Return the language in which one of the team is written to."""
    return conf.site_language(getattr(user, "language", "") or "")


def _mail(row: Notice, teams: Teams, veil: Veil) -> OutboundMail:
    with translation.override(language_of(row.user)):
        if row.ticket is None:
            return _without_ticket(row)
        return _of_ticket(row, row.ticket, teams.actor(row.user), veil)


def _of_ticket(row: Notice, ticket: Ticket, actor: Actor, veil: Veil) -> OutboundMail:
    answerable = (
        row.kind in ANSWERABLE
        and bool(ticket.contact)
        and permissions.can(actor, Right.ANSWER, ticket)
    )
    subject = _("%(what)s: %(subject)s (%(number)s)") % {
        "what": sentences.head(row.kind),
        "subject": addressing.clean_subject(veil.subject(ticket)),
        "number": ticket.number,
    }
    text = _text(
        row,
        ticket=ticket,
        subject=veil.subject(ticket),
        url=links.ticket_url(ticket),
        answerable=answerable,
        # whom a mail did not reach, and why, says who the customer is
        lines=sentences.explained(row.event) if row.event and not veil.covers(ticket) else [],
    )
    return compose.team_notice(
        ticket=ticket,
        unique=f"n{row.event_id or secrets.token_hex(8)}-{row.user_id}",
        user=row.user,
        subject=subject,
        text=text,
        language=translation.get_language() or "",
        answerable=answerable,
    )


def _without_ticket(row: Notice) -> OutboundMail:
    return compose.desk_notice(
        unique=f"n{secrets.token_hex(10)}",
        user=row.user,
        subject=f"{sentences.head(row.kind)} · {conf.get('SITE_NAME')}",
        text=_text(row, url=links.desk_url("notices")),
        language=translation.get_language() or "",
    )


def _text(row: Notice, **more: Any) -> str:
    context = {
        "name": row.user.get_full_name(),
        "sentence": sentences.sentence(row),
        "instead": sentences.instead(row),
        "choices_url": links.desk_url("notice_choices"),
        "site_name": conf.get("SITE_NAME"),
        **more,
    }
    return render_to_string("helpdesk/mail/notice.txt", context)


def may_still_go(row: OutboundMail) -> bool:
    """Tell whether a queued notice may be sent: whom it goes to may still read all of which it tells.

    True for every other kind of mail.
    """
    if row.kind != OutboundMail.Kind.NOTICE:
        return True
    users = get_user_model()._default_manager.filter(is_active=True)
    if row.user_id is not None:
        return any(_may_still_know(row, user) for user in users.filter(pk=row.user_id))
    # one that does not say to whom it goes: as those from before it could
    addresses = [address for _name, address in row.to]
    return all(
        any(_may_still_know(row, user) for user in users.filter(email__iexact=address)[:10])
        for address in addresses
    )


def _tells_too_much(row: OutboundMail, tickets: list[Ticket]) -> bool:
    """Tell whether a mail was written with the subject of a ticket that has become confidential since."""
    veil = Veil()
    return any(
        f"{said} ({ticket.number})" in text
        for ticket in tickets
        if veil.covers(ticket)
        for said in {ticket.subject, addressing.clean_subject(ticket.subject)}
        if said != veil.subject(ticket)
        for text in (row.subject, row.body)
    )


def _may_still_know(row: OutboundMail, user: Any) -> bool:
    actor = permissions.agent(user)
    about = {*row.about, *([row.ticket_id] if row.ticket_id else [])}
    readable = permissions.visible_tickets(actor).filter(pk__in=about)
    known = list(readable.only("queue_id", "number", "subject"))
    if len(known) != len(about) or _tells_too_much(row, known):
        return False
    visible = permissions.visible_notices(actor)
    return (
        not Notice.objects.filter(mail=row).exclude(pk__in=visible.order_by().values("pk")).exists()
    )
