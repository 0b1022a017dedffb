"""What became of the form since a ticket was asked for by it: for the ticket's own screen."""

from __future__ import annotations

import json
from typing import Any

from django.template.loader import render_to_string
from django.urls import NoReverseMatch, reverse
from django.utils.safestring import SafeString

from helpdesk.models import Ticket

from .base import source_of
from .comparing import changes_of

#: So many changes are told; more stand in Wagtail's comparison.
TOLD = 8


def since(ticket: Ticket, user: Any) -> SafeString | None:
    """Return as HTML from which version of its form a ticket is, and what the form says otherwise today.

    None for a ticket without answers, or whose form or version is gone. Who may edit the page gets a link to the
    comparison. A constant number of queries.
    """
    if not ticket.answers or ticket.page is None or ticket.revision is None:
        return None
    page: Any = ticket.page.specific
    if not hasattr(page, "intake_panels"):
        return None
    changes = _changes(ticket.revision, page)
    context = {
        "at": ticket.revision.created_at,
        "page": page,
        "changes": changes[:TOLD],
        "more": max(0, len(changes) - TOLD),
        "url": _url(ticket.revision, page, user) if changes else "",
    }
    return render_to_string("helpdesk/pages/form_version.html", context)


def _changes(revision: Any, page: Any) -> list[str]:
    if revision.pk == page.live_revision_id:
        return []
    stored = revision.content.get("fields") or "[]"
    block = page.fields.stream_block
    before = block.to_python(json.loads(stored) if isinstance(stored, str) else stored)
    return changes_of(block, before, page.fields)


def _url(revision: Any, page: Any, user: Any) -> str:
    source = source_of(page)  # an alias has no versions of its own
    if str(source.pk) != revision.object_id:
        return ""
    if not source.permissions_for_user(user).can_edit():
        return ""
    try:
        return reverse(
            "wagtailadmin_pages:revisions_compare", args=[source.pk, revision.pk, "live"]
        )
    except NoReverseMatch:
        return ""
