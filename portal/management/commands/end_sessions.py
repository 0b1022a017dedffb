"""Ends all sessions of somebody, for example after a notebook was stolen."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management import CommandError
from django.core.management.base import BaseCommand

from portal import sessions
from portal.models import User


class Command(BaseCommand):
    help = "Ends all sessions of the people with these log-in names; they have to log in again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username", nargs="+")

    def handle(self, *args: Any, **options: Any) -> None:
        for username in options["username"]:
            user = User.objects.filter(username=username).first()
            if user is None:
                raise CommandError(f"Nobody has the log-in name {username}.")
            sessions.end_all(user, reason="command")
            self.stdout.write(f"{username} has to log in again.")
