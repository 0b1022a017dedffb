"""Taking away what was only tried."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext_lazy as _

from helpdesk import audit, journal, permissions
from helpdesk.errors import InvalidInput, NotPermitted
from helpdesk.models import Article, AuditKind, Hold, Right, Ticket
from helpdesk.permissions import SYSTEM, Actor

from .base import locked, verb
from .erasing_rows import Rows
from .persons import groups_of


@verb
def discard_test(*, actor: Actor, ticket: Ticket) -> None:
    """Delete a test ticket with all that belongs to it, its files too, and note it in the audit log and the journal.

    For whoever made it (as its customer), and for agents with the right *manage* there. Raises `NotPermitted`,
    `InvalidInput` for a real request, and for one that a hold keeps.
    """
    fresh = locked(SYSTEM, ticket, Right.MANAGE)
    if not (_made_it(actor, fresh) or permissions.can(actor, Right.MANAGE, fresh)):
        raise NotPermitted
    if not fresh.is_test:
        raise InvalidInput(_("This is a real request. Only test requests can be deleted."))
    if fresh.merged_from.exists():
        raise InvalidInput(
            _("Other requests were merged into this one. Take the merge back first.")
        )
    if Hold.objects.active().filter(ticket__in=groups_of([fresh.pk])).exists():
        raise InvalidInput(_("A hold keeps this request. Lift the hold first."))
    audit.record(AuditKind.TEST_DISCARDED, user=actor.user or _account(actor), ticket=fresh)
    found = Rows([fresh.pk])
    found.delete()
    journal.write(_journal(fresh, found))


def _journal(ticket: Ticket, found: Rows) -> Iterator[dict[str, Any]]:
    yield {"kind": journal.TICKET, "pk": ticket.pk, "number": ticket.number}
    if found.ids[Article]:
        yield {"kind": journal.ARTICLES, "pks": found.ids[Article]}
    if found.mails:
        yield {"kind": journal.INBOUND, "pks": found.mails}


def _made_it(actor: Actor, ticket: Ticket) -> bool:
    if actor.kind != "customer" or actor.customer is None or actor.ticket_id or actor.address:
        return False
    return ticket.customer_id == actor.customer.pk


def _account(actor: Actor) -> object:
    return actor.customer.user if actor.customer is not None else None
