"""`manage.py start_mail`: fetch mail again with the accounts that were stopped when a backup was restored."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from helpdesk.mail import stopping
from helpdesk.models import AuditEntry, AuditKind


class Command(BaseCommand):
    help = "Takes the mail accounts into use again that were stopped when a backup was restored."

    def handle(self, *args: Any, **options: Any) -> None:
        last = AuditEntry.objects.filter(kind=AuditKind.RESTORED).order_by("-at", "-pk").first()
        if last is None:
            raise CommandError("No backup was restored here: there is nothing to start.")
        with transaction.atomic():
            names = stopping.start_fetching(last.data.get("mailboxes", []))
        self.stdout.write(f"In use again: {', '.join(names) or 'none, all were already'}")
