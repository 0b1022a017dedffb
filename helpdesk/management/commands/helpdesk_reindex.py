"""Make the index of tickets' texts anew."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from tqdm import tqdm

from helpdesk import search
from helpdesk.models import Ticket


class Command(BaseCommand):
    help = "Makes the search index of the tickets anew. The site may go on meanwhile."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--batch", type=int, default=500, help="tickets a transaction")

    def handle(self, *args: Any, **options: Any) -> None:
        done = 0
        quiet = options["verbosity"] == 0
        with tqdm(total=Ticket.objects.count(), unit="tickets", disable=quiet or None) as bar:
            for done in search.reindex(batch=max(1, options["batch"])):
                bar.update(done - bar.n)
        search.purge()
        if not quiet:
            self.stdout.write(f"{done} tickets indexed.")
