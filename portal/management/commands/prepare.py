"""What `make run` does before it starts: migrations that are pending, and the demo on the first run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management import CommandError, call_command, get_commands
from django.core.management.base import BaseCommand
from django.db import Error as DatabaseError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from portal.models import User


class Command(BaseCommand):
    help = (
        "Migrates the database if needed, loads the demo into an empty one, tells who can log in."
    )
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        self.reach()
        try:
            executor = MigrationExecutor(connection)
            if executor.migration_plan(executor.loader.graph.leaf_nodes()):
                self.say("Preparing the database (once; half a minute) …")
                call_command("migrate", verbosity=0, interactive=False)
            if "demo" in get_commands():
                # it comes whole or not at all: an interrupted one left nobody
                if not User.objects.exists():
                    self.say("Loading the demo (once; half a minute) …")
                    call_command("demo", verbosity=0)
                self.say("")
                call_command("demo", who=True)
        except DatabaseError as error:
            raise CommandError(
                f"The database could not be prepared ({type(error).__name__}). If it belongs to an older "
                "trial, move the folder var/ away and start again."
            ) from error

    def reach(self) -> None:
        if connection.vendor == "sqlite":
            Path(connection.settings_dict["NAME"]).parent.mkdir(parents=True, exist_ok=True)
        try:
            connection.ensure_connection()
        except DatabaseError as error:
            raise CommandError(
                "The database cannot be reached: check DATABASE_URL and that its server runs "
                f"({connection.vendor}, {type(error).__name__})."
            ) from None

    def say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()
