"""Load the demo, or tell who is in it."""

from __future__ import annotations

import logging
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.demo.load import in_the_way, is_loaded, load
from portal.demo.people import PASSWORD, PEOPLE
from portal.models import User


class Command(BaseCommand):
    help = (
        "Loads the demo into an empty site: a university's ticket service with people, queues, pages "
        "and some forty tickets. A second run changes nothing."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--who", action="store_true", help="only tell who can log in")
        parser.add_argument(
            "--force",
            action="store_true",
            help="also under production settings, where its known pass word opens the site to anybody",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["who"]:
            if is_loaded():
                self.stdout.write(people())
            return
        if settings.PRODUCTION and not options["force"]:
            raise CommandError(
                "This is a production site, and the demo's people have a pass word that everybody "
                "knows: add --force if you really want them here."
            )
        if is_loaded():
            self.say("The demo is loaded already.", options)
            return
        taken = in_the_way()
        if taken:
            raise CommandError(
                f"The demo needs an empty site, and this one has already: {taken}. "
                "Load it into a new database."
            )
        # Wagtail logs every page it saves
        logging.disable(logging.INFO)
        try:
            counts = load()
        finally:
            logging.disable(logging.NOTSET)
        self.say(
            f"The demo is loaded: {counts['pages']} pages, {counts['queues']} queues, "
            f"{counts['people']} people, {counts['tickets']} tickets.\n\n{people()}",
            options,
        )

    def say(self, text: str, options: dict[str, Any]) -> None:
        if options["verbosity"]:
            self.stdout.write(text)


def people() -> str:
    """Return a table of the demo's people who are still here."""
    here = set(User.objects.filter(is_active=True).values_list("username", flat=True))
    rows = [
        (person.username, f"{person.name} ({person.language})", person.may)
        for person in PEOPLE
        if person.username in here
    ]
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)] if rows else [0, 0]
    lines = [f"  {one:<{widths[0]}}  {name:<{widths[1]}}  {may}" for one, name, may in rows]
    return "\n".join([f"Demo people, all with the password {PASSWORD}:", *lines])
