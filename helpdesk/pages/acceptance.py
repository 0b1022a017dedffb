"""When a form is open: from when, until when, for how many requests, and what is shown outside."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Count
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from wagtail.fields import RichTextField
from wagtail.models import Page

from helpdesk import limits, permissions
from helpdesk.states import StateType

from .base import PagePart, form_key_of

_PLAIN = ["bold", "italic", "link", "document-link", "ol", "ul", "h3"]
#: A form that was shown before it closed is taken for so long afterwards.
GRACE = timedelta(minutes=15)


class Phase(StrEnum):
    OPEN = "open"
    BEFORE = "before"
    AFTER = "after"
    FULL = "full"


class NotAccepted(Exception):
    """A form is not open. `words` tell whoever filled it in."""

    def __init__(self, words: str) -> None:
        super().__init__(words)
        self.words = words


@dataclass(frozen=True)
class Window:
    """When a form is open: from the second of `opens_at` to the one before `closes_at` (aware; None: no end)."""

    opens_at: datetime | None = None
    closes_at: datetime | None = None

    def phase(self, now: datetime) -> Phase:
        """Return how it stands at an aware time."""
        if self.opens_at is not None and now < self.opens_at:
            return Phase.BEFORE
        if self.closes_at is not None and now >= self.closes_at:
            return Phase.AFTER
        return Phase.OPEN

    def takes(self, now: datetime, shown_at: datetime | None) -> bool:
        """Tell whether a form that was shown at `shown_at` is taken: it may be sent a little late."""
        phase = self.phase(now)
        if phase is not Phase.AFTER or self.closes_at is None or shown_at is None:
            return phase is Phase.OPEN
        return shown_at < self.closes_at and now < self.closes_at + GRACE


class AcceptanceMixin(PagePart):
    """A form that is open for a time, or for a number of requests."""

    opens_at = models.DateTimeField(
        _("opens at"), null=True, blank=True, help_text=_("Empty: at once.")
    )
    closes_at = models.DateTimeField(
        _("closes at"),
        null=True,
        blank=True,
        help_text=_("Empty: never. Who has the form open by then has 15 minutes more."),
    )
    submission_limit = models.PositiveIntegerField(
        _("so many requests at most"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_(
            "Of all languages together, without tests and removed ones. Empty: any number."
        ),
    )
    text_before = RichTextField(
        _("shown before it opens"),
        blank=True,
        features=_PLAIN,
        help_text=_("Empty: a sentence with the date."),
    )
    text_after = RichTextField(
        _("shown after it closed"),
        blank=True,
        features=_PLAIN,
        help_text=_("Empty: a sentence with the date."),
    )
    text_full = RichTextField(
        _("shown when the number is reached"),
        blank=True,
        features=_PLAIN,
        help_text=_("Empty: a sentence that says so."),
    )

    class Meta:
        abstract = True

    @property
    def window(self) -> Window:
        return Window(self.opens_at, self.closes_at)

    def phase(self) -> Phase:
        """Return how the form stands now. One query if the number of requests is limited."""
        phase = self.window.phase(timezone.now())
        return Phase.FULL if phase is Phase.OPEN and self.is_full() else phase

    def is_full(self) -> bool:
        """Tell whether as many requests as may were made by it, in all languages."""
        if self.submission_limit is None:
            return False
        return submissions([form_key_of(self)]).get(form_key_of(self), 0) >= int(
            self.submission_limit
        )

    def check_open(self, stamped: str) -> None:
        """Raise `NotAccepted` unless a form with this note of when it was shown may be sent now."""
        if not self.window.takes(timezone.now(), limits.moment_of(stamped)):
            raise NotAccepted(refusal(self, self.window.phase(timezone.now())))
        if self.is_full():
            raise NotAccepted(refusal(self, Phase.FULL))

    def lock_places(self) -> None:
        """Let one at a time take the last place. Call in the transaction that opens the ticket."""
        if self.submission_limit is not None:
            pages = Page.objects.filter(translation_key=form_key_of(self)).order_by("pk")
            list(pages.select_for_update(no_key=True).values_list("pk", flat=True))

    def text_outside(self, phase: Phase) -> Any:
        """Return what the editor wrote for those who come outside; '' if nothing."""
        return {
            Phase.BEFORE: self.text_before,
            Phase.AFTER: self.text_after,
            Phase.FULL: self.text_full,
        }.get(phase, "")


def submissions(form_keys: Iterable[UUID]) -> dict[UUID, int]:
    """Return how many requests were made by each of some forms. One query.

    Without tests, removed ones, what is junk, and what was merged into another request: thirty advertisements
    must not close an enrolment.
    """
    rows = permissions.visible_tickets(permissions.SYSTEM).filter(
        form_key__in=list(form_keys), is_test=False, merged_into=None, queue__is_junk=False
    )
    rows = rows.exclude(state__type=StateType.REMOVED).order_by()
    return dict(rows.values_list("form_key").annotate(n=Count("pk")))


# --- in words -----------------------------------------------------------------------------------


def moment(value: datetime) -> str:
    """Return date and time in the site's time zone, in the active language."""
    local = timezone.localtime(value, timezone.get_default_timezone())
    said = {"day": date_format(local, "DATE_FORMAT"), "time": date_format(local, "TIME_FORMAT")}
    return _("%(day)s, %(time)s") % said


def sentence(page: AcceptanceMixin, phase: Phase) -> str:
    """Return what whoever comes outside reads, where the editor wrote nothing."""
    if phase is Phase.BEFORE and page.opens_at is not None:
        return _now("This form opens on %(date)s.") % {"date": moment(page.opens_at)}
    if phase is Phase.AFTER and page.closes_at is not None:
        return _now("This form closed on %(date)s.") % {"date": moment(page.closes_at)}
    return _now("This form has taken as many requests as it can. No more can be sent.")


def refusal(page: AcceptanceMixin, phase: Phase) -> str:
    """Return what whoever filled the form in meanwhile reads: nothing of it is lost."""
    kept = _now("It was not sent. What you wrote is still here: you can copy it.")
    return f"{sentence(page, phase)} {kept}"


def note(page: AcceptanceMixin, phase: Phase) -> str:
    """Return a few words for a button that leads to the form; '' while it is open."""
    if phase is Phase.BEFORE and page.opens_at is not None:
        return _now("opens on %(date)s") % {"date": moment(page.opens_at)}
    if phase is Phase.AFTER:
        return _now("closed")
    return _now("full") if phase is Phase.FULL else ""


def mark(forms: Iterable[Any]) -> None:
    """Give each form `closed_note`, for the buttons that lead to it. One query at most."""
    pages = list(forms)
    limited = [form_key_of(page) for page in pages if page.submission_limit is not None]
    counts = submissions(limited) if limited else {}
    now = timezone.now()
    for page in pages:
        phase, limit = page.window.phase(now), page.submission_limit
        if phase is Phase.OPEN and limit and counts.get(form_key_of(page), 0) >= limit:
            phase = Phase.FULL
        page.closed_note = note(page, phase)


def state_in_words(page: AcceptanceMixin) -> list[str]:
    """Return how the form stands, for its editor: sentences with dates in the site's time zone."""
    phase = page.phase()
    if not page.live:
        words = [_now("The page is not published: nobody can use the form yet.")]
    elif phase is Phase.OPEN:
        words = [_now("The form is open.")]
        if page.closes_at is not None:
            words.append(_now("It closes on %(date)s.") % {"date": moment(page.closes_at)})
    else:
        words = [sentence(page, phase)]
    if page.submission_limit is not None:
        done = submissions([form_key_of(page)]).get(form_key_of(page), 0)
        words.append(
            ngettext(
                "%(done)d of %(limit)d request was made.",
                "%(done)d of %(limit)d requests were made.",
                page.submission_limit,
            )
            % {"done": done, "limit": page.submission_limit}
        )
    return words
