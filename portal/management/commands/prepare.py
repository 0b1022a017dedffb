"""What `make run` does before it starts: migrations that are pending, and the demo on the first run."""

from __future__ import annotations

from typing import Any

from django.core.management import CommandError, call_command, get_commands
from django.core.management.base import BaseCommand
from django.db import Error as DatabaseError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from portal.models import User


class Command(BaseCommand):
    help = "Migrates the database if needed and loads the demo into an empty one."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            connection.ensure_connection()
        except DatabaseError as error:
            raise CommandError(
                "The database cannot be reached: check DATABASE_URL and that its server runs "
                f"({connection.vendor}, {type(error).__name__})."
            ) from None
        try:
            executor = MigrationExecutor(connection)
            if executor.migration_plan(executor.loader.graph.leaf_nodes()):
                self.stdout.write("Preparing the database …")
                self.stdout.flush()
                call_command("migrate", verbosity=0, interactive=False)
            if "demo" in get_commands() and not User.objects.exists():
                self.stdout.write("Loading the demo …")
                self.stdout.flush()
                call_command("demo", verbosity=0)
        except DatabaseError as error:
            raise CommandError(
                f"The database could not be prepared ({type(error).__name__}). If it belongs to an older "
                "trial, move the folder var/ away and start again."
            ) from error
