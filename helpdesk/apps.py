from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class HelpdeskConfig(AppConfig):
    name = "helpdesk"
    verbose_name = _("Help desk")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from django.db.models.signals import post_delete

        from . import checks  # noqa: F401  (registers itself)
        from .agents import audited
        from .mail import fetch  # noqa: F401  (a proxy model lives there)
        from .models import DataExport, DraftFile, HeldFile, blobs

        audited.connect()
        for model in (DataExport, DraftFile, HeldFile):  # they go with an account
            post_delete.connect(blobs.release_with_row, sender=model)
