"""What somebody said about a translation."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class TranslationCheck(models.Model):
    """Somebody compared a translation with its source and found it up to date. One row a page, the last word."""

    page = models.OneToOneField("wagtailcore.Page", models.CASCADE, related_name="+")
    checked_at = models.DateTimeField(_("checked at"))
    checked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )

    class Meta:
        verbose_name = _("check of a translation")
        verbose_name_plural = _("checks of translations")

    def __str__(self) -> str:
        return f"{self.page_id}: {self.checked_at}"
