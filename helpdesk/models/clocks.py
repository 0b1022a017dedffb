"""The clocks of a ticket: how long is left of what was promised, and whether it was kept."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from .base import NONE
from .queues import Queue
from .sorting import Priority, TicketType
from .tickets import Ticket
from .time import Promise, Reckoning


class PromiseOverride(models.Model):
    """Another promise for tickets of one type or priority, in a queue and those below it, or everywhere."""

    queue = models.ForeignKey(
        Queue,
        models.CASCADE,
        verbose_name=_("queue"),
        null=True,
        blank=True,
        related_name="promise_overrides",
        help_text=_("Holds in the queues below as well. Empty: in all queues."),
    )
    type = models.ForeignKey(
        TicketType, models.CASCADE, verbose_name=_("type"), null=True, blank=True, related_name="+"
    )
    priority = models.ForeignKey(
        Priority,
        models.CASCADE,
        verbose_name=_("priority"),
        null=True,
        blank=True,
        related_name="+",
    )
    promise = models.ForeignKey(
        Promise,
        models.CASCADE,
        verbose_name=_("promise"),
        null=True,
        blank=True,
        related_name="overrides",
        help_text=_("Empty: nothing is promised for them."),
    )

    privacy: dict[str, str] = {}

    class Meta:
        verbose_name = _("promise by type or priority")
        verbose_name_plural = _("promises by type or priority")
        ordering = ["queue", "type", "priority"]
        constraints = [
            models.UniqueConstraint(
                Coalesce("queue", 0),
                Coalesce("type", 0),
                Coalesce("priority", 0),
                name="helpdesk_override_once",
                violation_error_message=_("There is such a promise already."),
            )
        ]

    def __str__(self) -> str:
        parts = (self.queue, self.type, self.priority)
        return " · ".join(str(part) for part in parts if part is not None)

    def clean(self) -> None:
        if self.type_id is None and self.priority_id is None:
            raise ValidationError(_("Choose a type or a priority."))

    def save(self, *args: object, **kwargs: object) -> None:
        super().save(*args, **kwargs)  # type: ignore[arg-type]
        Reckoning.ask()

    def delete(self, *args: object, **kwargs: object) -> tuple[int, dict[str, int]]:
        deleted = super().delete(*args, **kwargs)  # type: ignore[arg-type]
        Reckoning.ask()
        return deleted


class Clock(models.Model):
    """One run of one clock of a ticket. Written by `helpdesk.actions.clocks` only.

    It has run in `stretches` (pairs of moments, ISO 8601 in UTC) and runs since `running_since`, if it does
    not stand still. `due_at` is when the promised time is used up: known while it runs, and kept when it
    has ended.
    """

    class Kind(models.TextChoices):
        FIRST_RESPONSE = "first_response", _("first response")
        UPDATE = "update", _("next answer")
        SOLUTION = "solution", _("solution")

    class End(models.TextChoices):
        DONE = "done", _("done")
        CLOSED = "closed", _("the ticket was closed")
        DROPPED = "dropped", _("nothing is promised any more")

    ticket = models.ForeignKey(Ticket, models.CASCADE, related_name="clocks", db_index=False)
    kind = models.CharField(_("clock"), max_length=20, choices=Kind.choices)
    run = models.PositiveSmallIntegerField(_("run"), default=1)
    # promised working time
    minutes = models.PositiveIntegerField()
    started_at = models.DateTimeField(_("started"))
    running_since = models.DateTimeField(null=True, blank=True)
    stretches = models.JSONField(default=list, blank=True)
    warn_at = models.DateTimeField(null=True, blank=True)
    due_at = models.DateTimeField(_("due"), null=True, blank=True)
    # the warning or the breach that is to be raised next
    next_at = models.DateTimeField(null=True, blank=True)
    warned_at = models.DateTimeField(_("warned"), null=True, blank=True)
    breached_at = models.DateTimeField(_("breached"), null=True, blank=True)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    end = models.CharField(_("end"), max_length=10, choices=End.choices, blank=True)

    privacy = {"kind": NONE, "stretches": NONE, "end": NONE}

    class Meta:
        verbose_name = _("clock")
        verbose_name_plural = _("clocks")
        ordering = ["ticket", "kind", "run"]
        constraints = [
            models.UniqueConstraint(
                fields=["ticket", "kind", "run"], name="helpdesk_clock_run_once"
            ),
            models.UniqueConstraint(
                fields=["ticket", "kind"],
                condition=Q(ended_at__isnull=True),
                name="helpdesk_clock_one_alive",
            ),
        ]
        indexes = [
            models.Index(
                fields=["next_at"],
                name="helpdesk_clock_next",
                condition=Q(next_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.ticket_id} {self.kind} {self.run}"

    @property
    def stands_still(self) -> bool:
        """Whether it has not ended and does not run."""
        return self.ended_at is None and self.running_since is None
