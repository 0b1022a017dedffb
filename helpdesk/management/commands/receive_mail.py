"""The receiving server for the mail server in front: SMTP or LMTP into the desk."""

from __future__ import annotations

import asyncio
import ipaddress
import signal
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from helpdesk.mail.receive import Options, Receiver
from helpdesk.models import Queue

PORT = 8024


class Command(BaseCommand):
    help = (
        "Takes mail by SMTP, or with --lmtp by LMTP, from the mail server in front (for Postfix: "
        "mailbox_transport or a transport map, lmtp:inet:127.0.0.1:8024). A mail is accepted once it is "
        "stored. Not for the open internet: there is no TLS, no password and no defence against spam."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--lmtp", action="store_true", help="LMTP (RFC 2033) instead of SMTP")
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
        where = parser.add_mutually_exclusive_group()
        where.add_argument("--port", type=int, default=PORT, help=f"port to listen on ({PORT})")
        where.add_argument("--socket", default="", help="path of a Unix socket, instead of a port")
        parser.add_argument(
            "--queue", help="short name of a queue for all mail whose address is no queue's"
        )
        parser.add_argument(
            "--trusted",
            action="store_true",
            help="X-Stelze- headers set attributes: only if nobody else's mail comes this way",
        )
        parser.add_argument(
            "--max-bytes", type=int, default=0, help="largest mail (setting MAIL_MAX_BYTES)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        queue = None
        if options["queue"]:
            queue = Queue.objects.filter(slug=options["queue"]).first()
            if queue is None:
                raise CommandError(f"There is no queue {options['queue']}.")
        if options["max_bytes"] < 0:
            raise CommandError("--max-bytes is a number of bytes, 0 for the setting.")
        how = Options(options["lmtp"], queue, options["trusted"], options["max_bytes"])
        where = options["socket"] or f"{options['host']}:{options['port']}"
        if not options["socket"] and not _is_loopback(options["host"]):
            self.stderr.write(
                "Others than this machine can reach it: let a firewall admit your mail server only."
            )
        asyncio.run(self._serve(Receiver(how), where, options))

    async def _serve(self, receiver: Receiver, where: str, options: dict[str, Any]) -> None:
        stopping = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stopping.set)
        try:
            server = await receiver.listen(
                host=options["host"], port=options["port"], socket=options["socket"]
            )
            if options["socket"]:
                # the mail server is another user; who reaches the folder may deliver, as on a port
                Path(options["socket"]).chmod(0o666)
        except OSError as error:
            raise CommandError(f"Cannot listen on {where}: {error.strerror or error}") from None
        self.stdout.write(f"{receiver.taker.options.source.upper()} on {where}")
        self.stdout.flush()
        await stopping.wait()
        await receiver.stop(server)
        if options["socket"]:
            Path(options["socket"]).unlink(missing_ok=True)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
