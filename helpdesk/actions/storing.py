"""The one place where it is worked out when a ticket goes; every verb comes by here when it saves its ticket.

What was promised stands on the ticket (its terms); these dates follow from it and from when the ticket was closed.
"""

from __future__ import annotations

from helpdesk import conf
from helpdesk.models import Article, Ticket
from helpdesk.rules import storing as rules
from helpdesk.states import StateType

#: What `settle` may change on a ticket.
FIELDS = ("erase_at", "storage_step_at", "storage_step", "archived_at")
#: When its steps were taken.
STEPS = ("files_erased_at", "persons_erased_at")


def settle(ticket: Ticket) -> None:
    """Bring the dates of storage into line with the ticket; the caller saves `FIELDS`.

    A merged ticket goes with the one it was merged into, and an anonymised one stays: both have no dates.
    """
    if ticket.state.is_open:
        ticket.archived_at = None
    if ticket.state.type == StateType.MERGED or ticket.anonymised_at is not None:
        ticket.erase_at = ticket.storage_step_at = None
        ticket.storage_step = ""
        return
    found = rules.plan(kept_of(ticket))
    ticket.erase_at, ticket.storage_step_at = found.erase_at, found.step_at
    ticket.storage_step = found.step


def take_steps_anew(ticket: Ticket) -> None:
    """Let all steps be taken after the next closing of an open ticket with which something happens.

    What comes while it is open is there again: files, and people. The caller saves `STEPS`.
    """
    if ticket.state.is_open:
        ticket.files_erased_at = ticket.persons_erased_at = None


def take_steps_again(article: Article, *, has_files: bool) -> None:
    """Let a step that was taken be taken again for what comes after it, on a closed ticket as well.

    What was promised to go some days after closing goes with the next nightly run then: files, and who a message is
    from or to, except agents' own names, which every event keeps. The caller saves `STEPS` of the article's ticket.
    """
    ticket = article.ticket
    if has_files:
        ticket.files_erased_at = None
    if article.customer_id is not None or article.from_address or article.to or article.cc:
        ticket.persons_erased_at = None


def kept_of(ticket: Ticket) -> rules.Kept:
    """Return what the dates of a ticket depend on."""
    is_open = ticket.state.is_open
    since = None if is_open else ticket.closed_at
    return rules.Kept(
        is_open=is_open,
        since=since or ticket.changed_at,
        zone=ticket.queue.time_zone(),
        days=ticket.retention_days,
        attachment_days=ticket.attachment_days,
        personal_days=ticket.personal_days,
        objection_days=ticket.objected_days,
        open_days=int(conf.get("OPEN_DAYS")),
        warning_days=int(conf.get("STORAGE_WARNING_DAYS")),
        warned_at=ticket.erase_warned_at,
        files_are_gone=ticket.files_erased_at is not None,
        persons_are_gone=ticket.persons_erased_at is not None,
    )
