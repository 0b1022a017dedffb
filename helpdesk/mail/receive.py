"""The receiving server: SMTP or LMTP (RFC 2033) from the mail server in front, straight into the ledger.

A mail is answered with 250 only when its bytes are committed; until then it is the sender's, and a
repeated delivery of equal bytes to equal recipients is the same mail. Meant for a mail server on this
machine or in this network: it knows no TLS, no passwords and no policy against spam.
"""

from __future__ import annotations

import asyncio
import logging
import re
import threading
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP
from django.db import connections

from helpdesk import addressing, conf, unfinished
from helpdesk.models import Queue, QueueAddress

from . import ingest, ledger

logger = logging.getLogger(__name__)

MAX_RECIPIENTS: Final = 100  # RFC 5321 4.5.3.1.8
MAX_SESSIONS: Final = 32
#: Octets of one line. The standard's 1000 would refuse for ever what older programs send.
MAX_LINE: Final = 1024 * 1024
MAX_COMMAND: Final = 2048
#: Seconds without a command, and for one whole mail.
TIMEOUT: Final = 300.0
#: Seconds that a mail under way is given when the server is told to stop.
GRACE: Final = 30.0
#: Mails waiting to be filed here; what is beyond, the worker files.
MAX_WAITING: Final = 200

AGAIN = "451 4.3.0 the mail could not be stored, try again"

#: Enhanced codes (RFC 3463) for answers of aiosmtpd that have none.
_ENHANCED: Final = {
    "221": "2.0.0",
    "250": "2.0.0",
    "500": "5.5.2",
    "501": "5.5.4",
    "502": "5.5.1",
    "503": "5.5.1",
    "552": "5.3.4",
    "555": "5.5.4",
}
_PLAIN = re.compile(r"(\d{3}) (?!\d\.\d{1,3}\.\d{1,3}(?: |$))")


@dataclass(frozen=True)
class Options:
    """How mail is taken: by which protocol, for whom, how large (octets)."""

    lmtp: bool = False
    # where mail goes that no address decides; with it, every recipient is accepted
    queue: Queue | None = None
    trusted: bool = False
    max_bytes: int = 0  # 0: the setting MAIL_MAX_BYTES

    @property
    def limit(self) -> int:
        return self.max_bytes or int(conf.get("MAIL_MAX_BYTES"))

    @property
    def source(self) -> str:
        return "lmtp" if self.lmtp else "smtp"


class Taker:
    """What the protocol asks for and waits: the blocking half, in threads beside the event loop."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self._storing = ThreadPoolExecutor(4, "storing")
        self._filing = ThreadPoolExecutor(1, "filing")  # one: in the order of their arrival
        self._places = threading.BoundedSemaphore(MAX_WAITING)

    async def ask(self, work: Callable[..., str], *args: Any) -> str:
        """Run a blocking piece of work and return its answer; one that failed is a 451."""
        return await asyncio.get_running_loop().run_in_executor(
            self._storing, _guarded, work, *args
        )

    def recipient(self, address: str) -> str:
        """Return the answer to a recipient: 250, or 550 if it belongs to no queue."""
        if not addressing.is_address(address):
            return "553 5.1.3 this is no address"
        if self.options.queue is not None or self._is_ours(address):
            return "250 2.1.5 go on"
        return "550 5.1.1 nobody here has this address"

    def _is_ours(self, address: str) -> bool:
        # a reply address outlives its queue's address: the ticket is known by its token
        if addressing.read_reply_token(address, addressing.signing_keys()) is not None:
            return True
        normalised = addressing.normalise(address)
        return QueueAddress.objects.filter(normalised=normalised).exists()

    def store(self, sender: str, recipients: list[str], content: bytes) -> str:
        """Commit a mail to the ledger and return 250; filing follows in its own thread.

        Raises what database and storage raise, and `Unfinished`: what came now would be lost when it is begun anew.
        """
        unfinished.refuse()
        raw = return_path(sender) + content
        inbound = ledger.accept(
            raw,
            source=self.options.source,
            key=ledger.delivery_key(raw, recipients),
            envelope_to=recipients,
            queue=self.options.queue,
            trusted=self.options.trusted,
        )
        if self._places.acquire(blocking=False):
            self._filing.submit(self._file, inbound.pk).add_done_callback(self._filed)
        return "250 2.0.0 stored"

    def _file(self, pk: int) -> None:
        """File a stored mail. A failure is no longer the sender's: the worker tries again."""
        try:
            ingest.process(pk)
        except Exception as error:  # noqa: BLE001  the mail is stored, and stays due
            logger.warning("mail %s is filed later: %s", pk, type(error).__name__)
        finally:
            connections.close_all()

    def _filed(self, _done: Future[None]) -> None:
        self._places.release()

    def close(self) -> None:
        """Wait for what is under way; what waits to be filed is left to the worker."""
        self._storing.shutdown(wait=True)
        self._filing.shutdown(wait=True, cancel_futures=True)


def _guarded(work: Callable[..., str], *args: Any) -> str:
    try:
        return work(*args)
    except Exception as error:  # noqa: BLE001  whatever it was: not stored, so the sender keeps it
        logger.warning("a mail could not be taken: %s", type(error).__name__)
        return AGAIN
    finally:
        connections.close_all()  # of this thread; a broken one would fail the next mail as well


def return_path(sender: str) -> bytes:
    """Return the line that keeps the envelope's sender (RFC 5321 4.4); '' is the empty path."""
    return b"Return-Path: <%s>\r\n" % sender.encode("utf-8", "surrogateescape")


class Handler:
    """Answers aiosmtpd's questions; `server` is the session's protocol."""

    def __init__(self, taker: Taker) -> None:
        self._taker = taker

    async def handle_EHLO(
        self, _server: Any, session: Any, _envelope: Any, hostname: str, responses: list[str]
    ) -> list[str]:
        """Announce what RFC 2033 asks for as well; commands may come in one go (RFC 2920)."""
        session.host_name = hostname
        responses.pop()  # HELP
        return [*responses, "250-PIPELINING", "250 ENHANCEDSTATUSCODES"]

    async def handle_MAIL(
        self, _server: Any, _session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        if any(ord(char) < 32 or ord(char) == 127 for char in address):
            return "553 5.1.7 this is no address"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 go on"

    async def handle_RCPT(
        self, _server: Any, _session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        if len(envelope.rcpt_tos) >= MAX_RECIPIENTS:
            return "452 4.5.3 too many recipients"
        answer = await self._taker.ask(self._taker.recipient, address)
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
            envelope.rcpt_options.extend(options)
        return answer

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        sender = "" if envelope.mail_from == "<>" else envelope.mail_from
        return await self._taker.ask(
            self._taker.store, sender, list(envelope.rcpt_tos), envelope.original_content
        )


class Session(SMTP):
    """One connection of an SMTP client."""

    line_length_limit = MAX_LINE
    #: Whether each recipient gets an answer to the mail.
    answers_each = False

    def __init__(self, receiver: Receiver, **options: Any) -> None:
        self._receiver = receiver
        self._taking = False  # between DATA and the answer to the mail
        self._answers = 1
        # aiosmtpd keeps these on the class and clears them with every new connection
        self.command_size_limits: defaultdict[str, int] = defaultdict(lambda: MAX_COMMAND)
        self.command_size_limit = MAX_COMMAND
        super().__init__(receiver.handler, **options)

    def connection_made(self, transport: Any) -> None:
        self._receiver.sessions.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._receiver.sessions.discard(self)
        super().connection_lost(error)

    async def _handle_client(self) -> None:
        if len(self._receiver.sessions) > MAX_SESSIONS or self._receiver.stopping:
            await self.say_goodbye("421 4.3.2 too many connections, try later")
            return
        await super()._handle_client()

    async def push(self, status: Any) -> None:
        """Answer, with an enhanced code where aiosmtpd gives none, and as often as there must be."""
        match = _PLAIN.match(status)
        greets = status in (f"250 {self.hostname}", "250 ENHANCEDSTATUSCODES")
        if match and match[1] in _ENHANCED and not greets:
            status = f"{match[1]} {_ENHANCED[match[1]]} {status[4:]}"
        await super().push("\r\n".join([status] * self._answers))
        if status.startswith("354") and self.answers_each:
            self._answers = len(
                self.envelope.rcpt_tos
            )  # what follows answers the mail, good or bad

    async def smtp_DATA(self, arg: str) -> None:
        self._taking = True
        try:
            await super().smtp_DATA(arg)
        finally:
            self._taking = False
            self._answers = 1
        if self._receiver.stopping:
            await self.say_goodbye()

    async def say_goodbye(self, words: str = "421 4.3.2 stopping, try again soon") -> None:
        """Hang up in order, unless a mail is under way: then after its answer."""
        if self.transport is None or self._taking:
            return
        try:
            await self.push(words)
        except ConnectionError:
            return  # gone already
        if self.transport is not None:
            self.transport.close()


class LmtpSession(Session, LMTP):
    """One connection of an LMTP client: the end of a mail is answered once a recipient (RFC 2033 4.2)."""

    answers_each = True


class Receiver:
    """A running server: its sessions and its end."""

    def __init__(self, options: Options) -> None:
        self.taker = Taker(options)
        logging.getLogger("mail.log").setLevel(logging.WARNING)  # aiosmtpd's: it writes addresses
        self.handler = Handler(self.taker)
        self.sessions: set[Session] = set()
        self.stopping = False

    def session(self) -> Session:
        """Return the protocol of a new connection."""
        options = self.taker.options
        return (LmtpSession if options.lmtp else Session)(
            self,
            data_size_limit=options.limit,
            enable_SMTPUTF8=True,
            hostname=conf.mail_domain(),
            ident="Stelze",
            timeout=TIMEOUT,
            loop=asyncio.get_running_loop(),
        )

    async def listen(self, *, host: str, port: int, socket: str = "") -> asyncio.Server:
        """Begin to accept, on a port or the path of a Unix socket. Raises `OSError`."""
        loop = asyncio.get_running_loop()
        if socket:
            return await loop.create_unix_server(self.session, socket)
        return await loop.create_server(self.session, host, port)

    async def stop(self, server: asyncio.Server) -> None:
        """Accept nobody more, let mails under way come to their answer, and hang up."""
        self.stopping = True
        server.close()
        for one in list(self.sessions):
            await one.say_goodbye()
        until = asyncio.get_running_loop().time() + GRACE
        while self.sessions and asyncio.get_running_loop().time() < until:
            await asyncio.sleep(0.05)
        for one in list(self.sessions):
            if one.transport is not None:
                one.transport.abort()
        await asyncio.to_thread(self.taker.close)
