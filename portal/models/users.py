"""People who can log in."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils.translation import gettext_lazy as _


class User(AbstractUser):
    """An account. `username` is the log-in name (a university's Unikennung)."""

    language = models.CharField(
        _("language"),
        max_length=10,
        choices=[("de", _("German")), ("en", _("English"))],
        default="de",
    )
    # sessions that began before are over
    sessions_ended_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta(AbstractUser.Meta):
        verbose_name = _("user")
        verbose_name_plural = _("users")

    def __str__(self) -> str:
        return self.get_full_name() or self.username
