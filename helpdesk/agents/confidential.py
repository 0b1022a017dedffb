"""Who opens what is confidential is written down."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from django.utils import timezone
from django.utils.translation import gettext as _

from helpdesk import audit
from helpdesk.confidence import Veil
from helpdesk.models import AuditEntry, AuditKind, InboundMail, Ticket
from helpdesk.permissions import Actor

#: A page, its pictures and its files are one opening.
ONCE_IN = timedelta(minutes=1)


def opened(actor: Actor, ticket: Ticket) -> bool:
    """Write down that somebody opened a ticket, if it is confidential; tell whether it is.

    Call wherever its content is given out. The same person opening the same ticket again within a minute makes
    no second line.
    """
    if not Veil().covers(ticket):
        return False
    lately = AuditEntry.objects.filter(
        user_id=actor.user.pk,
        at__gt=timezone.now() - ONCE_IN,
        kind=AuditKind.CONFIDENTIAL_READ,
        ticket_number=ticket.number,
        queue_id=ticket.queue_id,
    )
    if not lately.exists():
        audit.record(AuditKind.CONFIDENTIAL_READ, user=actor.user, ticket=ticket)
    return True


def veiled(mails: Iterable[InboundMail]) -> list[InboundMail]:
    """Take from mails that are only shown, and never saved, who wrote what to a confidential queue."""
    rows, veil = list(mails), Veil()
    for mail in rows:
        if mail.queue_id is not None and mail.queue_id in veil.queues:
            mail.subject, mail.sender, mail.error = _("confidential"), "", ""
    return rows


def opened_mail(actor: Actor, mail: InboundMail) -> None:
    """Do the same for a raw mail that became no ticket yet, by the queue it came for."""
    if mail.queue is not None and mail.queue_id in Veil().queues:
        data = {"mail": mail.pk}
        audit.record(AuditKind.CONFIDENTIAL_READ, user=actor.user, queue=mail.queue, data=data)
