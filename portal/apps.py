from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PortalConfig(AppConfig):
    name = "portal"
    verbose_name = _("Portal")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from allauth.account.signals import email_confirmed

        from helpdesk.agents import audited_settings
        from helpdesk.privacy import register as stored

        from . import accounts, checks, keys, register, widgets  # noqa: F401  (checks register themselves)
        from .doors import wiring
        from .models import DepartmentLook, SiteSettings

        stored.declare(register.STATEMENTS)
        audited_settings.connect(DepartmentLook, SiteSettings)
        widgets.give_scripts_a_nonce()
        email_confirmed.connect(accounts.join_requests, dispatch_uid="portal.join_requests")
        wiring.connect()
        keys.connect()
