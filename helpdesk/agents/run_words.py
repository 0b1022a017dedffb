"""What a nightly run counted, in words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.utils.translation import gettext_lazy, ngettext, ngettext_lazy

from helpdesk.models import ErasureRun, Tombstone
from helpdesk.privacy import due

#: By code, in the order in which they are told. What is not here is nothing that people look for.
COUNTS: Mapping[str, Any] = {
    "tickets": ngettext_lazy("%(n)d ticket erased", "%(n)d tickets erased", "n"),
    due.ANONYMISED: ngettext_lazy("%(n)d ticket anonymised", "%(n)d tickets anonymised", "n"),
    due.FILES: ngettext_lazy("files of %(n)d ticket erased", "files of %(n)d tickets erased", "n"),
    due.PERSONS: ngettext_lazy(
        "personal details of %(n)d ticket erased", "personal details of %(n)d tickets erased", "n"
    ),
    due.WARNED: ngettext_lazy("warned of %(n)d open ticket", "warned of %(n)d open tickets", "n"),
    "held": ngettext_lazy("%(n)d ticket held", "%(n)d tickets held", "n"),
    "postponed": ngettext_lazy(
        "%(n)d ticket stays longer than reckoned", "%(n)d tickets stay longer than reckoned", "n"
    ),
    "failed": ngettext_lazy("%(n)d ticket failed", "%(n)d tickets failed", "n"),
    "left": ngettext_lazy(
        "%(n)d ticket left for the next night", "%(n)d tickets left for the next night", "n"
    ),
    "troubles": ngettext_lazy("%(n)d part failed", "%(n)d parts failed", "n"),
    "articles": ngettext_lazy("%(n)d message", "%(n)d messages", "n"),
    "attachments": ngettext_lazy("%(n)d attachment", "%(n)d attachments", "n"),
    "mails": ngettext_lazy("%(n)d raw mail", "%(n)d raw mails", "n"),
    "files": ngettext_lazy("%(n)d stored file", "%(n)d stored files", "n"),
    "ignored_mails": ngettext_lazy(
        "%(n)d mail without a ticket", "%(n)d mails without a ticket", "n"
    ),
    "customers": ngettext_lazy("%(n)d customer", "%(n)d customers", "n"),
    "audit_lines": ngettext_lazy(
        "%(n)d line of the audit log", "%(n)d lines of the audit log", "n"
    ),
    "exports": ngettext_lazy("%(n)d export of data", "%(n)d exports of data", "n"),
    "bounced": ngettext_lazy("%(n)d address that bounced", "%(n)d addresses that bounced", "n"),
    "asked_fields": ngettext_lazy(
        "%(n)d field of a form that is gone", "%(n)d fields of forms that are gone", "n"
    ),
    "tags": ngettext_lazy("%(n)d tag without a ticket", "%(n)d tags without a ticket", "n"),
    "orphans": ngettext_lazy(
        "%(n)d file that belonged to nothing", "%(n)d files that belonged to nothing", "n"
    ),
    "holds_ended": ngettext_lazy("%(n)d hold ended", "%(n)d holds ended", "n"),
}
#: Codes that say that something went wrong.
TROUBLES = ("failed", "left", "troubles")

#: What becomes of tickets in a dry run, by code: a reason, or what happens.
REASONS: Mapping[str, Any] = {
    Tombstone.Reason.RETENTION: gettext_lazy("erased: their time is over"),
    Tombstone.Reason.OBJECTION: gettext_lazy("erased: the customer objects to storage"),
    Tombstone.Reason.UNCLOSED: gettext_lazy("erased: open, and nothing happened"),
    due.ANONYMISED: gettext_lazy("anonymised"),
    due.FILES: gettext_lazy("only the files are erased"),
    due.PERSONS: gettext_lazy("only the personal details are erased"),
    due.WARNED: gettext_lazy("open: the team is warned"),
    "held": gettext_lazy("held: nothing happens"),
}


def counted(counts: Mapping[str, Any]) -> list[str]:
    """Return what was counted, a phrase each; nothing for what was not."""
    return [str(words % {"n": counts[code]}) for code, words in COUNTS.items() if counts.get(code)]


def has_trouble(run: ErasureRun) -> bool:
    return any(run.counts.get(code) for code in TROUBLES)


def lasted(run: ErasureRun) -> str:
    """Return how long a run took, in words; '' for one that is under way."""
    if run.finished_at is None:
        return ""
    seconds = max(round((run.finished_at - run.started_at) / timedelta(seconds=1)), 1)
    if seconds < 60:
        return ngettext("%(n)d second", "%(n)d seconds", seconds) % {"n": seconds}
    minutes = round(seconds / 60)
    return ngettext("%(n)d minute", "%(n)d minutes", minutes) % {"n": minutes}


def reason(code: str) -> str:
    """Return what becomes of tickets, by its code in a dry run."""
    return str(REASONS.get(code, code))
