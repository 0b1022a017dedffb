"""django-mailbox's command for pipes, run by our ledger: bytes, not text; 75 if not stored."""

from __future__ import annotations

import hashlib
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import Error as DatabaseError
from django_mailbox.models import Mailbox

from helpdesk import unfinished
from helpdesk.mail import ingest, ledger
from helpdesk.models import MailAccount

from .deliver_mail import EX_TEMPFAIL


class Command(BaseCommand):
    help = "Takes one raw mail on standard input for a mailbox, which is made if need be."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("mailbox_name", nargs="?", default="pipe")

    def handle(self, *args: Any, **options: Any) -> None:
        raw = sys.stdin.buffer.read()
        try:
            unfinished.refuse()
            mailbox, _made = Mailbox.objects.get_or_create(name=options["mailbox_name"])
            account = MailAccount.objects.filter(mailbox=mailbox).select_related("queue").first()
            inbound = ledger.accept(
                raw,
                source=f"pipe:{mailbox.pk}",
                key=hashlib.sha256(raw).hexdigest(),
                mailbox=mailbox,
                queue=account.queue if account else None,
                trusted=account is not None and account.trusted,
            )
        except (DatabaseError, OSError, unfinished.Unfinished) as error:
            self.stderr.write(f"The mail could not be stored ({type(error).__name__}).")
            sys.exit(EX_TEMPFAIL)
        # stored: from here on the worker files it if we cannot, and the mail server may forget it
        try:
            ingest.process(inbound.pk)
        except (DatabaseError, OSError) as error:
            self.stderr.write(f"The mail is stored, and filed later ({type(error).__name__}).")
