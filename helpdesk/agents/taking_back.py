"""Taking back on the ticket screen: where it is offered, and how writing goes on afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Any

from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from helpdesk import conf, permissions
from helpdesk.models import Article, EventKind, OutboundMail

from .desk import Desk

_WRITTEN = (OutboundMail.Kind.ANSWER, OutboundMail.Kind.FORWARD)


@dataclass(frozen=True)
class Undo:
    """A mail that can be taken back. `seconds` are left for certain; afterwards it may go any time."""

    mail: OutboundMail
    seconds: int

    @property
    def form_id(self) -> str:
        return f"hd-undo-{self.mail.pk}"


def undo_of(desk: Desk, article: Article, mails: list[OutboundMail]) -> Undo | None:
    """Return how an article can be taken back by who looks at it, or None. Asks the database nothing."""
    for mail in mails:
        if mail.kind in _WRITTEN and _waits(mail):
            allowed = desk.may("answer") and permissions.may_take_back(
                desk.actor, desk.ticket, article
            )
            left = (mail.due_at - timezone.now()).total_seconds()
            return Undo(mail, max(0, ceil(left))) if allowed else None
    return None


def _waits(mail: OutboundMail) -> bool:
    if not conf.get("UNDO_SECONDS"):
        return False
    return mail.state == OutboundMail.State.QUEUED and mail.sending_since is None


def with_undo(desk: Desk, done: str, article: object) -> str | SafeString:
    """Return the message after sending, with a button for the form beside the mail on the screen."""
    if not isinstance(article, Article):
        return done
    undo = undo_of(desk, article, list(article.outbound.all()))
    if undo is None:
        return done
    return format_html(
        '{} <button type="submit" form="{}" class="button button-small button-secondary"'
        " data-hd-undo-button>{}</button>",
        done,
        undo.form_id,
        _("Undo"),
    )


def find(desk: Desk, pk: object) -> Article | None:
    """Return the message of this ticket that was taken back and has this id, or None."""
    if not str(pk or "").isdigit():
        return None
    rows = permissions.visible_articles(desk.actor, desk.ticket).prefetch_related("attachments")
    found = rows.filter(pk=int(str(pk))).first()
    return found if found is not None and found.taken_back else None


def mode_of(article: Article) -> str:
    """Return the name of the form in which a message that was taken back is written again."""
    kinds = article.outbound.values_list("kind", flat=True)
    return "forward" if OutboundMail.Kind.FORWARD in kinds else "reply"


def prefill(article: Article) -> dict[str, Any]:
    """Return the initial values of the form: what was written, and the state that was to follow."""
    event = article.events.filter(kind=EventKind.ANSWER_SENT).first()
    data = event.data if event is not None else {}
    mail = article.outbound.first()
    values: dict[str, Any] = {
        "again": article.pk,
        "body": article.body,
        "to": article.to,
        "cc": article.cc,
        "original": mail.original_id if mail is not None else None,
    }
    if data.get("chosen"):
        values["state"] = data["chosen"]
        if until := data.get("after", {}).get("pending_until"):
            values["pending_until"] = parse_datetime(until)
    return values
