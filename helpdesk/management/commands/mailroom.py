"""The mail server of the mail room."""

from __future__ import annotations

import logging
import signal
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from helpdesk import conf
from helpdesk.mailroom import server


class Command(BaseCommand):
    help = (
        "Development only: takes every mail the site sends and shows it on the page /mailroom/; mail "
        "to the address of a queue arrives in the desk. Ctrl-C ends it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--port", type=int, help="port to listen on (setting MAILROOM_SMTP_PORT)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not conf.get("MAILROOM"):
            raise CommandError("There is no mail room under these settings.")
        port = options["port"] or int(conf.get("MAILROOM_SMTP_PORT"))
        logging.getLogger("mail.log").setLevel(logging.WARNING)  # it writes addresses
        controller = server.controller(port)
        # before the server's thread begins: it inherits this and leaves the signals to us
        signals = {signal.SIGINT, signal.SIGTERM}
        signal.pthread_sigmask(signal.SIG_BLOCK, signals)
        try:
            controller.start()
        except OSError as error:
            raise CommandError(
                f"Port {port} is taken. Set MAIL_PORT to a free one and start again."
            ) from error
        self.stdout.write(
            f"Mail room: SMTP on {server.HOST}:{port}, mails in {conf.mailroom_dir()}."
        )
        self.stdout.flush()
        signal.sigwait(signals)
        controller.stop()
