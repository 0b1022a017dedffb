"""Access to mail servers without a password."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from .base import NONE, OfDepartment


class OAuthAccess(OfDepartment):
    """How we log in at a mail server with OAuth2 (RFC 6749) instead of a password.

    What is secret is encrypted with a key made from SECRET_KEY, and never shown again.
    """

    class Provider(models.TextChoices):
        MICROSOFT = "microsoft", _("Microsoft 365")
        GOOGLE = "google", _("Google")
        OTHER = "other", _("another server")

    class Flow(models.TextChoices):
        CODE = "code", _("somebody signs in once")
        CLIENT = "client", _("the application signs in by itself")

    name = models.CharField(_("name"), max_length=100, unique=True)
    provider = models.CharField(_("provider"), max_length=10, choices=Provider.choices)
    flow = models.CharField(
        _("way to sign in"), max_length=10, choices=Flow.choices, default=Flow.CODE
    )
    tenant = models.CharField(
        _("tenant"), max_length=100, blank=True, help_text=_("Microsoft 365 only.")
    )
    client_id = models.CharField(_("client id"), max_length=250)
    client_secret = models.TextField(_("client secret"), blank=True)  # encrypted
    authorize_url = models.URLField(_("authorisation address"), blank=True)
    token_url = models.URLField(_("token address"), blank=True)
    scope = models.CharField(_("scope"), max_length=500, blank=True)
    refresh_token = models.TextField(blank=True, editable=False)  # encrypted
    access_token = models.TextField(blank=True, editable=False)  # encrypted
    access_expires_at = models.DateTimeField(null=True, blank=True, editable=False)
    connected_at = models.DateTimeField(_("connected"), null=True, blank=True, editable=False)
    last_error = models.TextField(_("error"), blank=True, editable=False)

    privacy = {
        "name": NONE,
        "provider": NONE,
        "flow": NONE,
        "tenant": NONE,
        "client_id": NONE,
        "client_secret": NONE,
        "authorize_url": NONE,
        "token_url": NONE,
        "scope": NONE,
        "refresh_token": NONE,
        "access_token": NONE,
        "last_error": NONE,
    }

    # columns that `rotate_secrets` encrypts anew
    encrypted = ("client_secret", "refresh_token", "access_token")

    class Meta:
        verbose_name = _("OAuth2 access")
        verbose_name_plural = _("OAuth2 accesses")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
