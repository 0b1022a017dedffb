"""Calendars and promises, and the order to work deadlines out anew."""

from __future__ import annotations

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from helpdesk.errors import InvalidInput
from helpdesk.rules import worktime
from helpdesk.rules.hours import WEEKDAYS

from .base import NONE, OfDepartment


class Reckoning(models.Model):
    """An order to work out all deadlines anew, and how far that is: something they depend on has changed.

    Asked for wherever that is saved, so that no change is forgotten; the worker carries it out in batches and
    goes on behind the last ticket, whatever happened in between.
    """

    asked_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    # the last ticket that is done
    cursor = models.PositiveBigIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)

    privacy: dict[str, str] = {}

    class Meta:
        verbose_name = _("working out of deadlines")
        verbose_name_plural = _("workings out of deadlines")
        ordering = ["-asked_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["cursor"],
                condition=Q(started_at__isnull=True),
                name="helpdesk_reckoning_one_waits",
            )
        ]

    def __str__(self) -> str:
        return f"{self.done}/{self.total}"

    @classmethod
    def ask(cls) -> None:
        """Order it, unless one waits to be started already: that one will see this change, too."""
        if not Reckoning.objects.filter(started_at__isnull=True).exists():
            Reckoning.objects.bulk_create(
                [Reckoning(asked_at=timezone.now())], ignore_conflicts=True
            )


def default_hours() -> dict[str, list[list[str]]]:
    """Monday to Friday, 8 to 17: what a calendar has until somebody says otherwise."""
    return {day: [["08:00", "17:00"]] for day in WEEKDAYS[:5]}


def usual_work_time() -> worktime.WorkTime:
    """Return the working time where there is no calendar: the usual hours in the site's time zone."""
    return worktime.loaded(
        time_zone=settings.TIME_ZONE, hours=default_hours(), own_days=[], country="", subdivision=""
    )


class Calendar(OfDepartment):
    """Working hours of a team.

    `hours` has the opening times by weekday (`{"mon": [["08:00", "12:00"], …], …}`, a missing day is closed),
    `own_days` what differs on single days; `helpdesk.rules.hours` reads and writes both.
    """

    name = models.CharField(_("name"), max_length=100, unique=True)
    time_zone = models.CharField(_("time zone"), max_length=60, default="Europe/Berlin")
    opening_hours = models.CharField(
        _("opening hours"),
        max_length=250,
        blank=True,
        help_text=_("In words, as customers read them."),
    )
    hours = models.JSONField(_("opening times"), default=default_hours, blank=True)
    country = models.CharField(_("country"), max_length=2, default="DE", blank=True)
    subdivision = models.CharField(_("federal state"), max_length=40, default="NW", blank=True)
    own_days = models.JSONField(_("own days"), default=list, blank=True)

    privacy = {
        "name": NONE,
        "time_zone": NONE,
        "opening_hours": NONE,
        "hours": NONE,
        "country": NONE,
        "subdivision": NONE,
        "own_days": NONE,
    }

    class Meta:
        verbose_name = _("calendar")
        verbose_name_plural = _("calendars")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: object, **kwargs: object) -> None:
        is_new = self._state.adding
        super().save(*args, **kwargs)  # type: ignore[arg-type]
        if not is_new:
            Reckoning.ask()

    def clean(self) -> None:
        try:
            self.work_time()
        except InvalidInput as error:
            raise ValidationError(str(error)) from error

    def work_time(self) -> worktime.WorkTime:
        """Return the calendar ready to reckon with, as its columns stand now.

        Compiled once for each content and process. Raises `InvalidInput` for columns that are no calendar.
        """
        return worktime.loaded(
            time_zone=self.time_zone,
            hours=self.hours,
            own_days=self.own_days,
            country=self.country,
            subdivision=self.subdivision,
        )


class Promise(OfDepartment):
    """What a queue promises: times in minutes of working time; empty means no promise."""

    name = models.CharField(_("name"), max_length=100, unique=True)
    calendar = models.ForeignKey(
        Calendar, models.PROTECT, verbose_name=_("calendar"), null=True, blank=True
    )
    first_response = models.PositiveIntegerField(
        _("first response (working minutes)"), null=True, blank=True
    )
    update = models.PositiveIntegerField(_("next answer (working minutes)"), null=True, blank=True)
    solution = models.PositiveIntegerField(_("solution (working minutes)"), null=True, blank=True)
    warning_percent = models.PositiveSmallIntegerField(
        _("warn when so much of the time is used up (%)"),
        null=True,
        blank=True,
        default=80,
        validators=[MinValueValidator(1), MaxValueValidator(99)],
        help_text=_("Empty: no warning."),
    )

    privacy = {"name": NONE}

    class Meta:
        verbose_name = _("promise")
        verbose_name_plural = _("promises")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: object, **kwargs: object) -> None:
        is_new = self._state.adding
        super().save(*args, **kwargs)  # type: ignore[arg-type]
        if not is_new:
            Reckoning.ask()
