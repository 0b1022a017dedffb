"""The SMTP server of the mail room. Listens on this machine only."""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from aiosmtpd.controller import Controller
from django.db import Error as DatabaseError
from django.db import connections

from helpdesk import conf

from . import room

logger = logging.getLogger(__name__)

HOST = "127.0.0.1"


class Handler:
    """Takes every mail, one after the other."""

    def __init__(self) -> None:
        # one thread, so one connection to the database
        self._thread = ThreadPoolExecutor(max_workers=1)

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        """Keep a mail and answer only when it is kept (RFC 5321 6.1)."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._take, envelope)

    def _take(self, envelope: Any) -> str:
        sender = envelope.mail_from or ""
        try:
            room.take(
                envelope.original_content or b"",
                sender="" if sender == "<>" else sender,
                recipients=list(envelope.rcpt_tos),
            )
        except ValueError:
            return "553 this is no address"
        except (DatabaseError, OSError) as error:
            logger.warning("a mail could not be kept: %s", type(error).__name__)
            return "451 the mail could not be kept, try again"
        finally:
            connections.close_all()  # of this thread; mails are rare here
        return "250 kept in the mail room"


def controller(port: int) -> Controller:
    """Return the server, to be started and stopped by the caller."""
    return Controller(
        Handler(),
        hostname=HOST,
        port=port,
        enable_SMTPUTF8=True,
        data_size_limit=int(conf.get("MAIL_MAX_BYTES")),
    )
