"""`manage.py erase_due`: what the worker does every night, at once."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import datetime, time
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from helpdesk import unfinished
from helpdesk.agents import run_words
from helpdesk.models import Queue
from helpdesk.privacy import dry_run, nightly


class Command(BaseCommand):
    help = (
        "Erases what is due, as the worker does every night: for sites without a worker, or to go on at once. "
        "May be stopped and started again at any time."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--dry-run",
            action="store_true",
            help="only count what would happen, and change nothing",
        )
        parser.add_argument(
            "--now",
            metavar="DATE",
            help="as if it were this day or moment (2027-03-01, 2027-03-01T02:00); never later than now "
            "without --dry-run",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            unfinished.refuse()
        except unfinished.Unfinished as refusal:
            raise CommandError(str(refusal)) from None
        now = _moment(options["now"])
        if options["dry_run"]:
            self._tell(dry_run.dry_run(now=now))
            return
        if now > timezone.now():
            raise CommandError("What is not due yet is not erased. A later day needs --dry-run.")
        self._tell(nightly.run_now(now=now).counts)

    def _tell(self, counts: dict[str, Any]) -> None:
        lines = run_words.counted(counts) or ["nothing to do"]
        names = dict(Queue.objects.values_list("pk", "name"))
        for pk, found in sorted(counts.get("queues", {}).items()):
            told = (f"{run_words.reason(code)}: {number}" for code, number in sorted(found.items()))
            lines.append(f"{names.get(int(pk), pk)}: {', '.join(told)}")
        for line in lines:
            self.stdout.write(line)


def _moment(text: str | None) -> datetime:
    if not text:
        return timezone.now()
    try:
        day, found = parse_date(text), parse_datetime(text)
    except ValueError:
        day = found = None
    if found is None and day is not None:
        found = datetime.combine(day, time.max)
    if found is None:
        raise CommandError(f"{text} is no date.")
    return timezone.make_aware(found) if timezone.is_naive(found) else found
