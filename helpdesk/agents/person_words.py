"""What erasing a person would do and what it did, in words: on its screens, and in the audit log."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.dateparse import parse_date
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, ngettext_lazy

from helpdesk.models import AuditKind, PersonErasure
from helpdesk.privacy import export

from .run_words import COUNTS

#: What erasing would do, by the codes of `person_jobs.preview`. The number stands before it.
PREVIEW: Mapping[str, Any] = {
    "tickets": ngettext_lazy(
        "request that is theirs alone: erased completely",
        "requests that are theirs alone: erased completely",
    ),
    "own": ngettext_lazy(
        "request with parts of others: what is theirs goes, the rest stays",
        "requests with parts of others: what is theirs goes, the rest stays",
    ),
    "articles": ngettext_lazy(
        "message of theirs in requests that stay", "messages of theirs in requests that stay"
    ),
    "mentions": ngettext_lazy(
        "request of others that names them: name and addresses are replaced",
        "requests of others that name them: name and addresses are replaced",
    ),
    "participants": ngettext_lazy(
        "request of others in which they take part", "requests of others in which they take part"
    ),
    "mails": ngettext_lazy("raw mail", "raw mails"),
    "outbound": ngettext_lazy("mail that was sent to them", "mails that were sent to them"),
    "customers": ngettext_lazy("customer record", "customer records"),
    "addresses": ngettext_lazy("mail address", "mail addresses"),
    "accounts": ngettext_lazy("account to log in", "accounts to log in"),
}
#: What was done, by the codes of `PersonErasure.counts`.
DONE: Mapping[str, Any] = {
    "tickets": COUNTS["tickets"],
    "own": ngettext_lazy(
        "%(n)d ticket emptied of the person", "%(n)d tickets emptied of the person", "n"
    ),
    "articles": COUNTS["articles"],
    "mentions": ngettext_lazy("%(n)d place that named them", "%(n)d places that named them", "n"),
    "mails": COUNTS["mails"],
    "customers": COUNTS["customers"],
    "held": ngettext_lazy("%(n)d ticket kept by a hold", "%(n)d tickets kept by a hold", "n"),
}
#: Keys of lines about persons, exports and holds.
_KEYS: Mapping[str, Any] = {
    "customer": gettext_lazy("customer %(value)s"),
    "export": gettext_lazy("archive %(value)s"),
    "request": gettext_lazy("erasure %(value)s"),
    "reference": gettext_lazy("file number %(value)s"),
    "whom": gettext_lazy("person %(value)s"),
}
_WHAT: Mapping[str, Any] = {
    export.WHAT: gettext_lazy("personal data"),
    "audit log": gettext_lazy("audit log"),
    "submissions": gettext_lazy("submissions of a form"),
    "list": gettext_lazy("a list of the admin"),
}


def would(counts: Mapping[str, int]) -> list[tuple[int, str]]:
    """Return what erasing would do: how many of what."""
    return [(n, str(words % n)) for code, words in PREVIEW.items() if (n := counts.get(code, 0))]


def did(counts: Mapping[str, int]) -> str:
    """Return the counts of an erasure that people understand, in one line."""
    return ", ".join(_counted(counts))


def held(count: int) -> str:
    """Return how many tickets a hold keeps, as a sentence."""
    return ngettext(
        "%(n)d ticket is kept by a hold: it is left as it is, and so is the customer.",
        "%(n)d tickets are kept by holds: they are left as they are, and so is the customer.",
        count,
    ) % {"n": count}


def taken(kind: str, data: dict[str, Any]) -> list[str]:
    """Take out of the data of a line of the audit log what is told in words here, and return the words."""
    found: list[str] = []
    if kind == AuditKind.EXPORTED and str(data.get("what")) in _WHAT:
        found.append(str(_WHAT[str(data.pop("what"))]))
        if "complete" in data:
            found.append(_("everything") if data.pop("complete") else _("their own download"))
    if kind == AuditKind.PERSON_ERASED:
        found += _of_erasure(data)
    if "until" in data and (day := parse_date(str(data["until"]))):
        del data["until"]
        found.append(_("until %(day)s") % {"day": date_format(day, "SHORT_DATE_FORMAT")})
    found += [
        str(words) % {"value": data.pop(key)} for key, words in _KEYS.items() if data.get(key)
    ]
    if not data.get("reference", "-"):
        del data["reference"]
    if kind == AuditKind.PERSON_CORRECTED and (touched := data.pop("messages", 0)):
        found.append(str(COUNTS["articles"] % {"n": touched}))
    return found


def _of_erasure(data: dict[str, Any]) -> list[str]:
    """Return how, why and how much was erased."""
    found = [
        str(dict(choices.choices).get(code, code))
        for choices, code in (
            (PersonErasure.Kind, data.pop("how", "")),
            (PersonErasure.Ground, data.pop("ground", "")),
        )
        if code
    ]
    found += _counted(data)
    for code in [code for code, n in data.items() if isinstance(n, int) and code not in _KEYS]:
        del data[code]  # what else was counted: the export of the log has it
    return found


def _counted(counts: Mapping[str, int]) -> list[str]:
    return [str(words % {"n": counts[code]}) for code, words in DONE.items() if counts.get(code)]
