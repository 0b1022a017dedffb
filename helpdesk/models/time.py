"""Calendars and promises."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from .base import NONE


class Calendar(models.Model):
    """Working hours of a team."""

    name = models.CharField(_("name"), max_length=100, unique=True)
    time_zone = models.CharField(_("time zone"), max_length=60, default="Europe/Berlin")
    opening_hours = models.CharField(
        _("opening hours"),
        max_length=250,
        blank=True,
        help_text=_("In words, as customers read them."),
    )

    privacy = {"name": NONE, "time_zone": NONE, "opening_hours": NONE}

    class Meta:
        verbose_name = _("calendar")
        verbose_name_plural = _("calendars")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


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
