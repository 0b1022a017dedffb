"""People who can log in."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils.translation import gettext_lazy as _


class NameFrom(models.TextChoices):
    """Who says that a log-in name is this person's."""

    SELF = "self", _("chosen at sign-up")
    DOOR = "door", _("proved by the organisation's log-in")


class User(AbstractUser):
    """An account. `username` is the log-in name (a university's Unikennung)."""

    language = models.CharField(
        _("language"),
        max_length=10,
        choices=[("de", _("German")), ("en", _("English"))],
        default="de",
    )
    # empty: an administrator entered it
    name_from = models.CharField(max_length=4, choices=NameFrom.choices, blank=True, editable=False)
    # sessions that began before are over
    sessions_ended_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta(AbstractUser.Meta):
        verbose_name = _("user")
        verbose_name_plural = _("users")

    def save(self, *args: Any, **kwargs: Any) -> None:
        # made without one: nobody logs in with a password, and a door may take the account (`portal.doors`)
        if not self.password:
            self.set_unusable_password()
        super().save(*args, **kwargs)

    def __str__(self) -> str:
        return self.get_full_name() or self.username
