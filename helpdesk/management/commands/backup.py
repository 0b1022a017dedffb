"""`manage.py backup TARGET`: database, files and the journal of erasures, while the site runs."""

from __future__ import annotations

import json
from argparse import ArgumentTypeError
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error as DatabaseError

from helpdesk.privacy.backups import making
from helpdesk.privacy.backups.layout import BackupError
from helpdesk.privacy.backups.making import Made

#: Exit codes: nothing was backed up; a backup was made, but files were lost or damaged before.
FAILED, INCOMPLETE = 1, 2


def positive(text: str) -> int:
    """Read a number of backups."""
    if not text.isdecimal() or not int(text):
        raise ArgumentTypeError("give a number from 1 on")
    return int(text)


class Command(BaseCommand):
    help = (
        "Makes a backup in a new folder below TARGET, while the site runs: the database by its own tools, attachments, "
        "raw mail, pictures and documents (each content once for all backups in TARGET), and what was erased. The "
        "keys are not in it. Exit codes: 0 all is well, 1 no backup was made, 2 a backup was made but files are lost."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("target", type=Path, help="folder in which the backups lie")
        parser.add_argument(
            "--keep", type=positive, default=0,
            help="remove all but the newest so many backups afterwards. What was erased lives on until then",
        )  # fmt: skip
        parser.add_argument(
            "--keys", type=Path, metavar="FILE",
            help="write the keys to this file, readable for its owner alone; never inside TARGET",
        )  # fmt: skip
        parser.add_argument("--json", action="store_true", help="one line for monitoring")

    def handle(self, *args: Any, **options: Any) -> None:
        quiet = options["json"] or options["verbosity"] < 1
        say = (lambda line: None) if quiet else self.stdout.write
        try:
            made = making.make(
                options["target"].absolute(),
                keep=options["keep"],
                key_file=options["keys"],
                say=say,
            )
        except (BackupError, DatabaseError) as error:
            # the words of a database may quote rows
            words = str(error) if isinstance(error, BackupError) else type(error).__name__
            self._note_failure(type(error).__name__)
            if options["json"]:
                self.stdout.write(json.dumps({"ok": False, "error": words}))
            raise CommandError(f"No backup was made: {words}", returncode=FAILED) from None
        self._tell(made, as_json=options["json"])
        if lost := made.manifest.lost:
            raise CommandError(
                f"The backup was made, but {len(lost)} files are missing or damaged in the storage: "
                f"{', '.join(lost[:3])}{' …' if len(lost) > 3 else ''}",
                returncode=INCOMPLETE,
            )

    def _tell(self, made: Made, *, as_json: bool) -> None:
        manifest = made.manifest
        facts = {
            "ok": not manifest.lost,
            "backup": str(made.folder),
            "made_at": manifest.made_at,
            "seconds": manifest.seconds,
            "rows": sum(manifest.rows.values()),
            "database_bytes": manifest.parts[manifest.database]["size"],
            "files": manifest.contents,
            "file_bytes": manifest.content_bytes,
            "new_bytes": manifest.new_bytes,
            "erased_meanwhile": manifest.erased,
            "lost": len(manifest.lost),
            "removed": made.removed,
        }
        if as_json:
            self.stdout.write(json.dumps(facts))
            return
        self.stdout.write(
            "{backup}: {rows} rows, {files} files ({file_bytes} bytes, {new_bytes} of them new) in {seconds} s".format(
                **facts
            )
        )
        if made.removed:
            self.stdout.write(f"Removed: {', '.join(made.removed)}")

    def _note_failure(self, kind: str) -> None:
        try:
            making.note_failure(kind)
        except DatabaseError:
            return  # it is what failed
