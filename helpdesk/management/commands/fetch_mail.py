"""Fetch every mailbox and file what came."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from helpdesk import unfinished
from helpdesk.mail import fetch, ingest


class Command(BaseCommand):
    help = "Fetches the mailboxes (all active ones, or those named) and files their mail."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "mailbox", nargs="*", help="name of a mailbox; without it all active ones"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            unfinished.refuse()
        except unfinished.Unfinished as refusal:
            raise CommandError(str(refusal)) from None
        mailboxes = fetch.HardenedMailbox.objects.filter(active=True)
        if options["mailbox"]:
            mailboxes = fetch.HardenedMailbox.objects.filter(name__in=options["mailbox"])
            missing = set(options["mailbox"]) - {row.name for row in mailboxes}
            if missing:
                raise CommandError(f"There is no mailbox {', '.join(sorted(missing))}.")
        failed = 0
        for mailbox in mailboxes:
            report = fetch.fetch_mailbox(mailbox)
            failed += bool(report.error)
            self.stdout.write(f"{report.mailbox}: {report.error or f'{report.fetched} fetched'}")
        while ingest.process_pending():
            pass
        if failed:
            raise CommandError(f"{failed} of the mailboxes could not be fetched.")
