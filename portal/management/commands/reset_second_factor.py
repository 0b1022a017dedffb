"""Takes somebody's second factors away, for example after a phone was lost with the recovery codes."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management import CommandError
from django.core.management.base import BaseCommand

from portal import second_factor
from portal.models import User


class Command(BaseCommand):
    help = "Removes all second factors and recovery codes of these people and ends their sessions."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username", nargs="+")

    def handle(self, *args: Any, **options: Any) -> None:
        for username in options["username"]:
            user = User.objects.filter(username=username).first()
            if user is None:
                raise CommandError(f"Nobody has the log-in name {username}.")
            count = second_factor.reset(user)
            self.stdout.write(f"{username}: {count} removed.")
