"""The mail servers by which queues send."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from .access import OAuthAccess
from .base import NONE, OfDepartment


class MailRoute(OfDepartment):
    """A mail server for outgoing mail. Queues that name none use the one of the settings."""

    class Security(models.TextChoices):
        NONE = "none", _("not encrypted")
        STARTTLS = "starttls", _("STARTTLS")
        TLS = "tls", _("TLS")

    name = models.CharField(_("name"), max_length=100, unique=True)
    host = models.CharField(_("server"), max_length=250)
    port = models.PositiveIntegerField(_("port"), default=587)
    security = models.CharField(
        _("encryption"), max_length=10, choices=Security.choices, default=Security.STARTTLS
    )
    user = models.CharField(_("user"), max_length=250, blank=True)
    # encrypted with a key made from SECRET_KEY; never shown again
    secret = models.TextField(_("password"), blank=True)
    oauth = models.ForeignKey(
        OAuthAccess,
        models.PROTECT,
        verbose_name=_("OAuth2 access"),
        null=True,
        blank=True,
        related_name="mail_routes",
        help_text=_("Instead of a password."),
    )
    per_minute = models.PositiveIntegerField(
        _("mails a minute"),
        null=True,
        blank=True,
        help_text=_("At most so many are handed over. Empty: as many as there are."),
    )
    last_success_at = models.DateTimeField(_("last success"), null=True, blank=True, editable=False)
    last_error_at = models.DateTimeField(_("last error"), null=True, blank=True, editable=False)
    last_error = models.TextField(_("error"), blank=True, editable=False)

    privacy = {
        "name": NONE,
        "host": NONE,
        "security": NONE,
        "user": NONE,
        "secret": NONE,
        "last_error": NONE,
    }

    # columns that `rotate_secrets` encrypts anew
    encrypted = ("secret",)

    class Meta:
        verbose_name = _("outgoing mail server")
        verbose_name_plural = _("outgoing mail servers")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
