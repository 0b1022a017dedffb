"""Write the register of what is stored where and how long, or compare it."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from helpdesk.privacy import register

DOC = Path("docs") / "privacy.md"


class Command(BaseCommand):
    help = "Writes the tables of docs/privacy.md anew from the models; with --check compares them only."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="write nothing; fail if it is old")
        parser.add_argument("--file", type=Path, help="another document with the same marks")

    def handle(self, *args: Any, **options: Any) -> None:
        base = Path(getattr(settings, "BASE_DIR", "."))
        path = options["file"] or base / DOC
        try:
            before = path.read_text(encoding="utf-8")
            after = register.renewed(before)
        except (OSError, LookupError) as error:
            raise CommandError(str(error)) from None
        if after == before:
            self.stdout.write(f"{path.name} is as the models are.")
        elif options["check"]:
            raise CommandError(
                f"{path.name} is older than the models: run manage.py privacy_register."
            )
        else:
            path.write_text(after, encoding="utf-8")
            self.stdout.write(f"{path.name} is written anew.")
