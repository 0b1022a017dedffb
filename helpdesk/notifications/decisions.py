"""What people decide about mails in the outbox: send one again, or take it back."""

from __future__ import annotations

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from helpdesk import events, permissions
from helpdesk.errors import NotFound, NotPermitted, WrongState
from helpdesk.models import Article, EventKind, OutboundMail, Right
from helpdesk.permissions import Actor

from . import compose, suspension

Kind, State = OutboundMail.Kind, OutboundMail.State

#: Mails that an agent wrote.
WRITTEN = (Kind.ANSWER, Kind.FORWARD)


@transaction.atomic
def send_again(*, actor: Actor, mail: OutboundMail) -> OutboundMail:
    """Queue a failed or uncertain mail once more with the same Message-ID (right *answer*).

    Who has it for certain does not get it again; who was refused is tried anew. Raises
    `WrongState` for a mail that is in no such state, `InvalidInput` for a suspended address,
    `NotPermitted`, `NotFound`.
    """
    row = OutboundMail.objects.select_for_update(of=("self",)).filter(pk=mail.pk).first()
    if row is None:
        raise NotFound
    _require(actor, row)
    if row.state not in (State.FAILED, State.UNCERTAIN):
        raise WrongState(_("Only a mail that failed, or is uncertain, can be sent again."))
    suspension.refuse(to=row.to, cc=row.cc, bcc=row.bcc)
    before = row.state
    row.state = State.QUEUED
    row.attempts = 0
    row.refused = []
    row.due_at = timezone.now()
    if row.ticket is not None:  # whoever mended the trouble may have chosen another server
        row.route_id = compose.route_of(row.ticket.queue)
    row.save(update_fields=["state", "attempts", "refused", "due_at", "route"])
    if row.ticket is not None:
        events.record(
            actor=actor,
            ticket=row.ticket,
            article=row.article,
            kind=EventKind.MAIL_RESENT,
            data={"mail": row.pk, "kind": row.kind, "from": str(before)},
        )
    return row


@transaction.atomic
def withdraw(*, article: Article) -> OutboundMail:
    """Take the mail of an agent's article out of the outbox for good.

    Only while no worker has, or ever had, the row: raises `WrongState` otherwise, at once. The verb that
    calls this asks for the right and writes the history.
    """
    # Never waits: a row that is locked is being claimed, and whoever claims it may want the ticket that
    # the caller holds.
    row = (
        OutboundMail.objects.select_for_update(
            skip_locked=connection.features.has_select_for_update_skip_locked, of=("self",)
        )
        .filter(article=article, kind__in=WRITTEN, state=State.QUEUED, sending_since=None)
        .first()
    )
    if row is None:
        raise WrongState(_("The mail is on its way already."))
    row.state = State.WITHDRAWN
    row.save(update_fields=["state"])
    return row


def _require(actor: Actor, row: OutboundMail) -> None:
    if actor.kind == "customer" or (row.ticket is None and actor.kind != "system"):
        raise NotPermitted
    if row.ticket is not None:
        permissions.require(actor, Right.ANSWER, row.ticket)
