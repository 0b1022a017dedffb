"""The worker's schedule."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from .base import NONE


class PeriodicJob(models.Model):
    """When a job of the schedule runs next, and who runs it now."""

    name = models.CharField(_("name"), max_length=100, unique=True)
    next_run_at = models.DateTimeField(_("next run"))
    lease_until = models.DateTimeField(null=True, blank=True)
    last_run_at = models.DateTimeField(_("last run"), null=True, blank=True)
    last_error = models.TextField(_("error"), blank=True)

    privacy = {"name": NONE, "last_error": NONE}

    class Meta:
        verbose_name = _("periodic job")
        verbose_name_plural = _("periodic jobs")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
