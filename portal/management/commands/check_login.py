"""manage.py check_login: try the ways to log in."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.doors import trying

MARKS = {True: "  ok    ", False: "  WRONG ", None: "        "}


class Command(BaseCommand):
    """Asks each directory and provider that is set up; changes nothing and prints no secret."""

    help = "Try the ways to log in: bind to the directory, fetch what the providers tell about themselves."
    # what is half set is told in the list, not instead of it
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "name", nargs="?", default="", help="log-in name of somebody to look up"
        )

    def handle(self, *args: Any, name: str, **options: Any) -> None:
        failed = 0
        for door, lines in trying.everything(name):
            self.stdout.write(f"{door}:")
            for line in lines:
                self.stdout.write(MARKS[line.fine] + line.text)
                failed += line.fine is False
        if failed:
            raise CommandError(f"{failed} of these are wrong (docs/login.md).")
