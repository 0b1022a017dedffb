"""`manage.py restore SOURCE`: put a backup in the place of what is here; what was erased since stays erased."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error as DatabaseError

from helpdesk.privacy.backups import checking, restoring, secrets
from helpdesk.privacy.backups.layout import BackupError, Manifest
from helpdesk.privacy.backups.restoring import Restored, Wishes

from .rotate_secrets import encrypted_columns


class Command(BaseCommand):
    help = (
        "Restores a backup: SOURCE is the folder of one, or the folder in which several lie (then the newest). Stop the "
        "web and worker processes before. What was erased since is erased again, mails that waited are held back, mail "
        "accounts are stopped until `manage.py start_mail`."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("source", type=Path, help="folder of a backup, or of several")
        parser.add_argument(
            "--check", action="store_true",
            help="only read the whole backup and say whether it could be restored here",
        )  # fmt: skip
        parser.add_argument(
            "--force", action="store_true", help="replace what is here, if anything is"
        )
        add_choices(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        wishes = Wishes(
            force=options["force"],
            send_queued=options["send_queued"],
            fetch_mail=options["fetch_mail"],
            journals=tuple(options["journal"]),
        )
        try:
            folder = checking.find(options["source"])
            manifest = Manifest.read(folder)
            self._announce(folder, manifest)
            if options["check"]:
                restoring.check(folder, say=self.stdout.write)
                self.stdout.write("The backup is whole and could be restored here.")
                return
            done = restoring.restore(folder, wishes, say=self.stdout.write)
            lost = secrets.unreadable(encrypted_columns())
        except BackupError as error:
            raise CommandError(str(error)) from None
        except (DatabaseError, OSError) as error:  # their words may quote rows
            raise CommandError(
                f"The restoring was not finished ({type(error).__name__}). Start it again, with --force."
            ) from None
        self._sum_up(done, lost)

    def _announce(self, folder: Path, manifest: Manifest) -> None:
        self.stdout.write(
            f"{folder}: made {manifest.made_at}, version {manifest.application}, {manifest.engine} {manifest.server}, "
            f"{sum(manifest.rows.values())} rows, {manifest.contents} files ({manifest.content_bytes} bytes)"
        )
        for line in checking.warnings(folder, manifest):
            self.stdout.write(self.style.WARNING(f"Note: {line}"))

    def _sum_up(self, done: Restored, lost: list[str]) -> None:
        self.stdout.write(
            f"Restored: {done.rows} rows, {done.files} files ({done.files_put} of them put back)."
        )
        for line in summary(done):
            self.stdout.write(line)
        if lost:
            self.stdout.write(f"Enter anew, the keys do not fit: {', '.join(lost)}.")


def add_choices(parser: CommandParser) -> None:
    """Add what can be chosen wherever a database was put back."""
    parser.add_argument(
        "--journal", type=Path, action="append", default=[], metavar="FOLDER",
        help="a journal of erasures saved elsewhere (may be given more than once)",
    )  # fmt: skip
    parser.add_argument(
        "--send-queued", action="store_true",
        help="send mails that waited at that time: only if none went out since",
    )  # fmt: skip
    parser.add_argument("--fetch-mail", action="store_true", help="do not stop the mail accounts")


def summary(done: Restored) -> Iterator[str]:
    """Give the lines that tell what was done so that nothing comes back or goes out twice."""
    counts = sorted(one for one in done.erased_again.items() if one[0] != "left")
    yield f"Erased again: {', '.join(f'{count} {code}' for code, count in counts) or 'nothing'}."
    if left := done.erased_again["left"]:
        yield (
            f"{left} tickets that had been erased could not be taken apart from those they were merged with: their "
            "messages are empty, erase the rest by hand."
        )
    yield "Everybody is logged out, the caches are empty."
    if done.held_back:
        yield (
            f"Held back: {done.held_back} mails that may have gone out since. They are in the outbox as uncertain."
        )
    if done.mailboxes:
        yield f"Stopped: {len(done.mailboxes)} mail accounts. Start them with: manage.py start_mail"
    if done.left_over:
        yield f"{done.left_over} stored files are of no request any more; the nightly erasure removes them."
