"""The worker: schedule, tasks and reaper in one process."""

from __future__ import annotations

import signal
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from helpdesk.unfinished import Unfinished
from helpdesk.worker import LaneDied, Worker


class Command(BaseCommand):
    help = "Runs the schedule and the tasks until it is stopped. Several may run at once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="run every job that is due and end")
        parser.add_argument("--all", action="store_true", help="with --once: due or not")

    def handle(self, *args: Any, **options: Any) -> None:
        worker = Worker()
        if options["once"]:
            try:
                self.stdout.write(f"{worker.run_once(everything=options['all'])} jobs run")
            except Unfinished as refusal:
                raise CommandError(str(refusal)) from None
            return
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: worker.stopping.set())
        try:
            worker.run_for_ever()
        except LaneDied as fault:
            raise CommandError(f"The worker broke down ({fault}); start it again.") from None
        except Unfinished as refusal:
            raise CommandError(str(refusal)) from None
