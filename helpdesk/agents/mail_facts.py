"""What a mail carried beside its text, in words: invitations, protection, and what was not right with it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import formats, timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from helpdesk.models import Article

_PROTECTION: dict[str, Promise] = {
    "smime-signed": _("Signed with S/MIME. The signature was not checked here."),
    "smime-encrypted": _("Encrypted with S/MIME. The attached file holds the message."),
    "pgp-signed": _("Signed with PGP. The signature was not checked here."),
    "pgp-encrypted": _("Encrypted with PGP. The attached file holds the message."),
}

_METHODS: dict[str, Promise] = {
    "REQUEST": _("Invitation"),
    "PUBLISH": _("Appointment"),
    "CANCEL": _("Cancelled appointment"),
    "REPLY": _("Answer to an invitation"),
    "COUNTER": _("Another time is proposed"),
}

#: What the parser mended or cut, by its code.
_DEFECTS: dict[str, Promise] = {
    "addresses-cut": _("There were more recipients than are kept."),
    "boundary-missing": _("The parts of the mail were not marked; they were guessed."),
    "boundary-wrong": _("The parts of the mail were marked wrongly; they were guessed."),
    "calendar-zone-unknown": _("The time zone of an appointment is not known."),
    "charset-broken": _("Some characters could not be read."),
    "charset-mislabelled": _("The character set was named wrongly; another one fits."),
    "charset-unknown": _("The character set is not known; it was guessed."),
    "content-type-broken": _("The kind of a part could not be read."),
    "content-type-repeated": _("The kind of a part was named twice."),
    "date-broken": _("The date could not be read."),
    "depth-cut": _("The mail was nested too deeply; the rest is a file."),
    "events-cut": _("There were more appointments than are kept."),
    "fields-cut": _("The mail had more header lines than are kept."),
    "from-missing": _("The mail names no sender."),
    "from-repeated": _("The mail names its sender twice; the first counts."),
    "from-several": _("The mail names several senders; the first counts."),
    "header-cut": _("The header was too long and was cut."),
    "header-line": _("A line in the header could not be read."),
    "header-without-end": _("The header had no end."),
    "message-id-missing": _("The mail has no Message-ID."),
    "multipart-without-end": _("The mail ended in the middle of a part."),
    "multipart-without-parts": _("The mail announces parts and has none."),
    "parts-cut": _("The mail had too many parts; the rest is a file."),
    "references-cut": _("The mail refers to more messages than are kept."),
    "subject-cut": _("The subject was too long and was cut."),
    "text-cut": _("The text was too long and was cut; the source has all of it."),
    "tnef-broken": _("winmail.dat could not be unpacked."),
    "transfer-encoding-unknown": _("A part is encoded in an unknown way."),
    "uuencode-broken": _("A file inside the text could not be read."),
}


@dataclass(frozen=True)
class Invitation:
    """One calendar entry of a mail."""

    title: str
    kind: str
    when: str
    place: str


def invitations_of(article: Article) -> list[Invitation]:
    """Return the calendar entries of a mail, times in the reader's zone."""
    rows = article.extra.get("events") if isinstance(article.extra, dict) else None
    return [_invitation(row) for row in rows or () if isinstance(row, dict)]


def _invitation(row: dict[str, Any]) -> Invitation:
    kind = _METHODS.get(str(row.get("method") or "PUBLISH"), _METHODS["PUBLISH"])
    whole_days = bool(row.get("all_day"))
    start, end = _moment(row.get("start")), _moment(row.get("end"))
    return Invitation(
        title=str(row.get("summary") or "–"),
        kind=str(kind),
        when=_span(start, end, whole_days=whole_days),
        place=str(row.get("location") or ""),
    )


def _moment(text: object) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None


def _span(start: datetime | None, end: datetime | None, *, whole_days: bool) -> str:
    if start is None:
        return ""
    if whole_days:
        return formats.date_format(start, "DATE_FORMAT")
    first = timezone.localtime(start)
    shown = formats.date_format(first, "DATETIME_FORMAT")
    if end is None or end <= start:
        return shown
    last = timezone.localtime(end)
    style = "TIME_FORMAT" if last.date() == first.date() else "DATETIME_FORMAT"
    return f"{shown} – {formats.date_format(last, style)}"


def protection_of(article: Article) -> str:
    """Return what is said about the mail's signature or encryption, '' without one."""
    code = article.extra.get("protection") if isinstance(article.extra, dict) else ""
    return str(_PROTECTION.get(str(code), ""))


def defects_in_words(codes: Iterable[object]) -> list[str]:
    """Return what was not right with a mail, a sentence each; a code without words stays a code."""
    return [str(_DEFECTS.get(str(code), code)) for code in codes]
