"""Calendars and promises."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from helpdesk.errors import InvalidInput
from helpdesk.rules import worktime
from helpdesk.rules.hours import WEEKDAYS

from .base import NONE


def default_hours() -> dict[str, list[list[str]]]:
    """Monday to Friday, 8 to 17: what a calendar has until somebody says otherwise."""
    return {day: [["08:00", "17:00"]] for day in WEEKDAYS[:5]}


class Calendar(models.Model):
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
    subdivision = models.CharField(_("state"), max_length=40, default="NW", blank=True)
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


class Promise(models.Model):
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

    privacy = {"name": NONE}

    class Meta:
        verbose_name = _("promise")
        verbose_name_plural = _("promises")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
