"""`manage.py replay_erasures --since MOMENT`: after a database was put back by other means than `restore`."""

from __future__ import annotations

from argparse import ArgumentTypeError
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from helpdesk import unfinished
from helpdesk.privacy.backups import checking, restoring
from helpdesk.privacy.backups.layout import BackupError
from helpdesk.privacy.backups.restoring import Restored, Wishes
from helpdesk.unfinished import Unfinished

from .restore import add_choices, summary


def moment(text: str) -> datetime:
    """Read a moment; without a zone it is in the site's."""
    try:
        found = parse_datetime(text)
    except ValueError:
        found = None
    if found is None:
        raise ArgumentTypeError("write it as 2026-11-26T03:15 or 2026-11-26T03:15+01:00")
    return found if timezone.is_aware(found) else timezone.make_aware(found)


class Command(BaseCommand):
    help = (
        "After the database was put back by its own tools (to a point in time): erases again what was erased since, holds "
        "back mails that waited then, stops the mail accounts and logs everybody out, as `restore` does. Stop the web and "
        "worker processes before."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--since", type=moment, required=True, help="of which moment the database is, as 2026-11-26T03:15"
        )  # fmt: skip
        add_choices(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        since: datetime = options["since"]
        if since > timezone.now():
            raise CommandError("This moment is still to come.")
        wishes = Wishes(
            send_queued=options["send_queued"],
            fetch_mail=options["fetch_mail"],
            journals=tuple(options["journal"]),
        )
        done = Restored("", since.isoformat())
        try:
            if unfinished.command() == unfinished.RESTORE:
                unfinished.refuse()
            checking.refuse_at_work()
            restoring.gather_journals(wishes.journals)
        except (BackupError, Unfinished) as error:
            raise CommandError(str(error)) from None
        restoring.put_right(done, wishes, moment=since, say=self.stdout.write)
        for line in summary(done):
            self.stdout.write(line)
