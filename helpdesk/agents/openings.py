"""Forms by which something confidential could come where it is not: they ask once such a queue is chosen."""

from __future__ import annotations

from collections.abc import Mapping

from django import forms
from django.utils.translation import gettext_lazy as _

from helpdesk.models import Queue, Ticket


def field() -> forms.BooleanField:
    """Return the box that confirms it, for a form with a field `queue` (ids)."""
    return forms.BooleanField(
        label=_("I know that everybody who may read that queue can read it then."), required=False
    )


def ask(form: forms.Form, ticket: Ticket, queues: Mapping[int, Queue]) -> None:
    """Leave the box (`opens`) where the queue that was sent is not confidential and the ticket is; else take it out.

    So it is there from the refusal on, which says who would read the ticket; what was chosen stays chosen.
    """
    chosen = str(form.data.get("queue", ""))
    queue = queues.get(int(chosen)) if chosen.isdecimal() and len(chosen) < 19 else None
    here = queues.get(ticket.queue_id, ticket.queue)
    if queue is None or not here.keeps_confidence or queue.keeps_confidence:
        del form.fields["opens"]


def by_spam(ticket: Ticket, queues: Mapping[int, Queue]) -> bool:
    """Tell whether a ticket that is marked as spam would be confidential no more. No query."""
    junk = next((queue for queue in queues.values() if queue.is_junk and queue.is_active), None)
    here = queues.get(ticket.queue_id, ticket.queue)
    return junk is not None and here.keeps_confidence and not junk.keeps_confidence
