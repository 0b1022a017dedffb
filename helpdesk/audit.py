"""The only writer of the audit log."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.utils import timezone

from . import origin
from .models import AuditEntry, AuditKind, Queue, Ticket

_cause: ContextVar[str] = ContextVar("helpdesk_audit_cause", default="")


@contextmanager
def caused_by(name: str) -> Iterator[None]:
    """Let lines that Django's signals write meanwhile say what brought the change about ('ldap', 'oidc')."""
    token = _cause.set(name)
    try:
        yield
    finally:
        _cause.reset(token)


def cause() -> dict[str, str]:
    """Return what `caused_by` says now, as data of a line."""
    name = _cause.get()
    return {"by": name} if name else {}


def record(
    kind: AuditKind,
    *,
    user: Any = None,
    subject: Any = None,
    ticket: Ticket | None = None,
    queue: Queue | None = None,
    data: Mapping[str, Any] | None = None,
    user_name: str = "",
) -> AuditEntry:
    """Append one line and return it.

    `user` did it (None: the system, or nobody who is known: then `user_name` may say what they called
    themselves), to `subject` (another user). `data` takes ids, codes and names of things, never what people
    wrote. Call inside the transaction of what it tells of; for what failed, outside one that rolls back.
    """
    queue_id = queue.pk if queue is not None else (ticket.queue_id if ticket is not None else None)
    return AuditEntry.objects.create(
        at=timezone.now(),
        kind=kind,
        user_id=getattr(user, "pk", None),
        user_name=(_name(user) or user_name)[:200],
        ip=origin.current() or None,
        subject_id=getattr(subject, "pk", None),
        subject_name=_name(subject)[:200],
        queue_id=queue_id,
        ticket_number=ticket.number if ticket is not None else "",
        data=dict(data or {}),
    )


def _name(user: Any) -> str:
    return user.get_username() if user is not None and user.pk is not None else ""
