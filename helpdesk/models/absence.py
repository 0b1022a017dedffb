"""Who is away, and who stands in."""

from __future__ import annotations

import secrets

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .base import NONE, PERSON
from .queues import Queue
from .tickets import Ticket


class Handover(models.TextChoices):
    """What becomes of an open ticket while its owner is away."""

    KEEP = "keep", _("stays with its owner")
    DEPUTY = "deputy", _("goes to the deputy")
    QUEUE = "queue", _("goes back to the queue")


class Absence(models.Model):
    """An agent is away from `starts_at` until just before `ends_at`.

    The reason is for the agent and whoever entered it; colleagues see the dates and the deputy.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        verbose_name=_("agent"),
        related_name="absences",
        db_index=False,
    )
    starts_at = models.DateTimeField(_("from"))
    ends_at = models.DateTimeField(_("until"))
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    deputy = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        verbose_name=_("deputy"),
        null=True,
        blank=True,
        related_name="+",
    )
    handover = models.CharField(
        _("open tickets"), max_length=10, choices=Handover.choices, default=Handover.KEEP
    )
    entered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    entered_at = models.DateTimeField(auto_now_add=True)
    # who last said what shall be: what becomes of the tickets reaches no further than their rights
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    changed_at = models.DateTimeField(default=timezone.now)
    # when what was to become of the open tickets was done, and the summary at the return was written
    handed_over_at = models.DateTimeField(null=True, blank=True)
    summed_up_at = models.DateTimeField(null=True, blank=True)

    privacy = {"reason": PERSON, "handover": NONE}

    class Meta:
        verbose_name = _("absence")
        verbose_name_plural = _("absences")
        ordering = ["-starts_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_at__gt=F("starts_at")),
                name="helpdesk_absence_in_order",
                violation_error_message=_("The absence ends before it begins."),
            )
        ]
        indexes = [
            models.Index(fields=["user", "ends_at"], name="helpdesk_absence_user"),
            models.Index(fields=["ends_at"], name="helpdesk_absence_end"),
            models.Index(
                fields=["starts_at"],
                name="helpdesk_absence_begin",
                condition=Q(handed_over_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} {self.starts_at:%Y-%m-%d} – {self.ends_at:%Y-%m-%d}"

    def clean(self) -> None:
        if self.deputy_id is not None and self.deputy_id == self.user_id:
            raise ValidationError({"deputy": _("Nobody stands in for themselves.")})


class AbsenceDeputy(models.Model):
    """Another deputy for one queue and those below it."""

    absence = models.ForeignKey(Absence, models.CASCADE, related_name="deputies")
    queue = models.ForeignKey(Queue, models.CASCADE, verbose_name=_("queue"), related_name="+")
    deputy = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, verbose_name=_("deputy"), related_name="+"
    )

    privacy: dict[str, str] = {}

    class Meta:
        verbose_name = _("deputy for a queue")
        verbose_name_plural = _("deputies for queues")
        constraints = [
            models.UniqueConstraint(fields=["absence", "queue"], name="helpdesk_deputy_once")
        ]

    def __str__(self) -> str:
        return f"{self.queue}: {self.deputy}"


class AbsenceTicket(models.Model):
    """What becomes of one open ticket, where somebody chose; else what became of it at the start."""

    absence = models.ForeignKey(Absence, models.CASCADE, related_name="tickets")
    ticket = models.ForeignKey(Ticket, models.CASCADE, related_name="+")
    handover = models.CharField(max_length=10, choices=Handover.choices)
    is_chosen = models.BooleanField(default=True)

    privacy = {"handover": NONE}

    class Meta:
        verbose_name = _("ticket during an absence")
        verbose_name_plural = _("tickets during an absence")
        constraints = [
            models.UniqueConstraint(
                fields=["absence", "ticket"], name="helpdesk_absence_ticket_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.absence_id} {self.ticket_id}"


def _key() -> str:
    return secrets.token_urlsafe(24)


class AgentSettings(models.Model):
    """What an agent chose for the work with tickets. A missing row means the defaults."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="helpdesk_settings"
    )
    # weekdays off (0 is Monday): an absence for reminders and for giving out tickets
    free_days = models.JSONField(_("days off in the week"), default=list, blank=True)
    digest = models.BooleanField(_("daily digest by mail"), default=True)
    digest_sent_on = models.DateField(null=True, blank=True)
    # part of the address of the feed of absences; a new one makes the old address worthless
    feed_key = models.CharField(max_length=40, unique=True, default=_key)

    privacy = {"free_days": PERSON, "feed_key": NONE}

    class Meta:
        verbose_name = _("agent's settings")
        verbose_name_plural = _("agents' settings")

    def __str__(self) -> str:
        return str(self.user_id)
