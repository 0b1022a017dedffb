"""One raw mail on standard input: what a mail server pipes into."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import Error as DatabaseError

from helpdesk import unfinished
from helpdesk.mail import ingest, ledger
from helpdesk.models import Queue

EX_USAGE = 64  # sysexits.h
EX_TEMPFAIL = 75  # the mail server keeps the mail and tries again


class Command(BaseCommand):
    help = (
        "Takes one raw mail on standard input. Exits with 0 once it is stored, with 75 if it could "
        "not be stored and the mail server must keep it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--queue", help="short name of the queue, if no address decides")
        parser.add_argument(
            "--to", action="append", default=[], help="recipient of the envelope; may be repeated"
        )
        parser.add_argument(
            "--trusted",
            action="store_true",
            help="X-Stelze- headers set attributes: only if nobody else's mail comes this way",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        raw = sys.stdin.buffer.read()
        try:
            unfinished.refuse()
            queue = None
            if options["queue"]:
                queue = Queue.objects.filter(slug=options["queue"]).first()
                if queue is None:
                    self.stderr.write(f"There is no queue {options['queue']}.")
                    sys.exit(EX_USAGE)
            inbound = ledger.accept(
                raw,
                source="pipe",
                key=ledger.delivery_key(raw, options["to"]),
                envelope_to=options["to"],
                queue=queue,
                trusted=options["trusted"],
            )
        except (DatabaseError, OSError, unfinished.Unfinished) as error:
            self.stderr.write(f"The mail could not be stored ({type(error).__name__}).")
            sys.exit(EX_TEMPFAIL)
        # stored: from here on the worker files it if we cannot, and the mail server may forget it
        try:
            ingest.process(inbound.pk)
        except (DatabaseError, OSError) as error:
            self.stderr.write(f"The mail is stored, and filed later ({type(error).__name__}).")
