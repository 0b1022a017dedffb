"""IMAP (RFC 3501) with UIDPLUS (RFC 4315) and MOVE (RFC 6851) where the server offers them."""

from __future__ import annotations

import imaplib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

from django.utils.translation import gettext as _

from .base import (
    Item,
    Limits,
    LoginRefused,
    LoginUnavailable,
    MessageGone,
    TooLarge,
    TransportError,
    Unreachable,
)
from .imap_syntax import body, folder_name, numbers, quoted, uid_sets, unmarked
from .wire import Clock, Security, Server, read_block, read_line

PAGE = 500  # messages asked for in one listing command
MAX_LINE = 1_000_000
DELETED = r"(\Deleted)"


class _Client(imaplib.IMAP4):
    """imaplib with a clock on every read and a bound on what a server may push into memory."""

    def __init__(self, limits: Limits, **options: Any) -> None:
        self._limits = limits
        self.clock = Clock(limits)
        super().__init__(timeout=limits.timeout, **options)

    def read(self, size: int) -> bytes:
        if size > self._limits.max_bytes:
            raise TooLarge(
                _("The server sent more than the limit of %(limit)d bytes.")
                % {"limit": self._limits.max_bytes}
            )
        return read_block(self.file, size, self.clock)  # type: ignore[arg-type]

    def readline(self) -> bytes:
        line = read_line(self.file, MAX_LINE, self.clock)  # type: ignore[arg-type]
        if len(line) > MAX_LINE:
            raise self.error("the server sent a line that is too long")
        return line


class _TlsClient(_Client, imaplib.IMAP4_SSL):
    pass


class ImapTransport:
    """One folder of an IMAP account; a key is `UIDVALIDITY:UID`."""

    def __init__(
        self, server: Server, *, folder: str = "INBOX", move_to: str = "", limits: Limits
    ) -> None:
        self._server = server
        self._folder = folder
        self._move_to = move_to
        self._limits = limits
        self._client: _Client | None = None
        self._capabilities: frozenset[str] = frozenset()
        self._forget_folder()

    def _forget_folder(self) -> None:
        self._opened: bool | None = None  # None: no folder, False: read only, True: for writing
        self._validity = 0
        self._view = 0  # counts the openings: message numbers hold within one view only
        self._exists = 0
        self._expunged = 0
        self._sizes: dict[
            int, int
        ] = {}  # of the last page listed, so that fetch need not ask again

    @property
    def source(self) -> str:
        return f"imap://{self._server.user}@{self._server.host}:{self._server.port}/{self._folder}"

    # Connection

    def __enter__(self) -> Self:
        server = self._server
        try:
            if server.security is Security.TLS:
                self._client = _TlsClient(
                    self._limits,
                    host=server.host,
                    port=server.port,
                    ssl_context=server.tls_context(),
                )
            else:
                self._client = _Client(self._limits, host=server.host, port=server.port)
        except (imaplib.IMAP4.error, OSError) as error:
            raise server.unreachable(error, self._limits) from error
        try:
            with self._talk() as client:
                if server.security is Security.STARTTLS:
                    client.starttls(ssl_context=server.tls_context())
            self._login()
            with self._talk() as client:
                known = self._checked(client.capability(), _("asking what the server can do"))
                self._capabilities = frozenset(
                    b" ".join(known).decode("ascii", "replace").upper().split()
                )
        except BaseException:
            self._drop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # CLOSE would expunge what any client has marked; LOGOUT leaves everything as it is.
        client, self._client = self._client, None
        self._forget_folder()
        if client is not None:
            try:
                client.clock.restart()
                client.logout()
            except (imaplib.IMAP4.error, OSError):
                self._shut(client)

    def _login(self) -> None:
        server = self._server
        with self._talk() as client:
            if client.state != "NONAUTH":
                return  # PREAUTH: the server knows us by the connection
            try:
                if server.authenticate is not None:
                    mechanism, answer = server.authenticate()
                    self._authenticate(client, mechanism, answer)
                elif "AUTH=PLAIN" in client.capabilities:
                    self._authenticate(
                        client, "PLAIN", f"\0{server.user}\0{server.secret}".encode()
                    )
                elif "LOGINDISABLED" in client.capabilities:
                    raise LoginRefused(
                        _("%(host)s wants TLS before a login.") % {"host": server.host}
                    )
                else:
                    client.login(quoted(server.user), server.secret)
            except imaplib.IMAP4.abort:
                raise
            except UnicodeEncodeError:
                raise LoginRefused(
                    _("%(host)s accepts names and secrets in plain ASCII only.")
                    % {"host": server.host}
                ) from None
            except imaplib.IMAP4.error as error:
                words = server.redact(error.args[0] if error.args else "")
                values = {"host": server.host, "user": server.user, "words": words}
                if "[UNAVAILABLE]" in words or "[INUSE]" in words:
                    raise LoginUnavailable(
                        _("%(host)s cannot log anybody in at present: %(words)s") % values
                    ) from None
                raise LoginRefused(
                    _("%(host)s refused the login of %(user)s: %(words)s") % values
                ) from None

    @staticmethod
    def _authenticate(client: _Client, mechanism: str, answer: bytes) -> None:
        # A second challenge is the server's error as data; it wants an empty line and then says NO (XOAUTH2).
        answers = iter([answer])
        client.authenticate(mechanism, lambda _challenge: next(answers, b""))

    @contextmanager
    def _talk(self) -> Iterator[_Client]:
        client = self._client
        if client is None:
            raise Unreachable(
                _("There is no connection to %(host)s.") % {"host": self._server.host}
            )
        client.clock.restart()
        try:
            yield client
        except TooLarge:
            self._drop()  # the rest of the message is still on its way
            raise
        except imaplib.IMAP4.readonly:
            self._drop()
            raise TransportError(
                _("The folder %(folder)s is read-only for this account.") % {"folder": self._folder}
            ) from None
        except imaplib.IMAP4.abort as error:
            self._drop()
            raise self._server.unreachable(error, self._limits) from None
        except imaplib.IMAP4.error as error:
            self._drop()
            values = {"host": self._server.host, "words": self._server.redact(error)}
            raise TransportError(_("%(host)s did not understand: %(words)s") % values) from None
        except OSError as error:
            self._drop()
            raise self._server.unreachable(error, self._limits) from error

    def _drop(self) -> None:
        client, self._client = self._client, None
        self._forget_folder()
        if client is not None:
            self._shut(client)

    @staticmethod
    def _shut(client: _Client) -> None:
        try:
            client.shutdown()
        except OSError:
            return  # the other side has closed it already

    def _checked(
        self, answer: tuple[str, list[Any]], doing: str, *, gone_is_fine: bool = False
    ) -> list[Any]:
        """Return the data of an OK; with `gone_is_fine` also of a NO that only says some are gone (RFC 5530)."""
        typ, data = answer
        if typ == "OK":
            return [part for part in data if part is not None]
        words = self._server.redact(b" ".join(part for part in data if isinstance(part, bytes)))
        if gone_is_fine and "[EXPUNGEISSUED]" in words and self._client is not None:
            return [part for part in self._client.response("FETCH")[1] if part is not None]
        values = {"host": self._server.host, "doing": doing, "words": words}
        raise TransportError(_("%(host)s said no to %(doing)s: %(words)s") % values)

    # Folder

    def _open(self, *, writable: bool, again: bool = False) -> None:
        if not again and self._opened is not None and self._opened >= writable:
            return
        with self._talk() as client:
            answer = client.select(folder_name(self._folder), readonly=not writable)
            values = {"folder": self._folder}
            exists = self._checked(answer, _("opening the folder %(folder)s") % values)
            validity = client.response("UIDVALIDITY")[1][0]
            sticky = client.response("UIDNOTSTICKY")[1][0] is None
        if not validity or not sticky:
            raise TransportError(
                _(
                    "The folder %(folder)s gives its messages no lasting numbers; they cannot be fetched safely."
                )
                % values
            )
        self._opened = writable
        self._validity = int(validity)
        self._view += 1
        self._exists = int(exists[0])
        self._expunged = 0
        self._sizes = {}

    def _count_expunged(self, client: _Client) -> None:
        """Note what others removed. Arrivals are left to the next listing, so the count only errs downwards."""
        gone = [number for number in client.response("EXPUNGE")[1] if number is not None]
        client.response("EXISTS")
        self._expunged += len(gone)
        self._exists -= len(gone)

    def listing(self) -> Iterator[Item]:
        self._open(writable=bool(self._opened), again=True)
        view, validity, expunged = self._view, self._validity, self._expunged
        number, last = 1, 0
        while True:
            if self._opened is None:
                self._open(writable=False)
            if view != self._view:  # opened anew meanwhile, by remove: all numbers may have shifted
                last = last if validity == self._validity else 0
                view, validity, expunged, number = self._view, self._validity, 0, 1
            number = max(1, number - (self._expunged - expunged))
            expunged = self._expunged
            if number > self._exists:
                return
            stop = min(number + PAGE - 1, self._exists)
            page = self._page(number, stop)
            number = stop + 1
            for uid, size in sorted(page.items()):
                if uid > last:
                    last = uid
                    yield Item(f"{validity}:{uid}", size)

    def _page(self, first: int, stop: int) -> dict[int, int | None]:
        with self._talk() as client:
            answer = client.fetch(f"{first}:{stop}", "(UID RFC822.SIZE)")
            lines = self._checked(answer, _("listing messages"), gone_is_fine=True)
            self._count_expunged(client)
        # News of other messages may come along (RFC 3501 section 7): only what was asked for counts.
        page: dict[int, int | None] = {}
        for number, uid, size in filter(None, map(numbers, lines)):
            if first <= number <= stop:
                page[uid] = size if size is not None else page.get(uid)
        self._sizes = {uid: size for uid, size in page.items() if size is not None}
        return page

    def fetch(self, key: str) -> bytes:
        self._open(writable=False)
        uid = self._uid(key)
        if uid is None:
            raise MessageGone(
                _("The folder %(folder)s was rebuilt since.") % {"folder": self._folder}
            )
        size = self._sizes.get(uid)
        if size is None:
            size = self._size(uid)
        if size > self._limits.max_bytes:
            values = {"size": size, "limit": self._limits.max_bytes}
            raise TooLarge(_("The message has %(size)d bytes; the limit is %(limit)d.") % values)
        with self._talk() as client:
            answer = client.uid("FETCH", str(uid), "(UID BODY.PEEK[])")
            parts = self._checked(answer, _("reading a message"), gone_is_fine=True)
            self._count_expunged(client)
        raw = body(parts)
        if raw is None:
            raise self._gone(uid)
        return raw

    def _size(self, uid: int) -> int:
        with self._talk() as client:
            answer = client.uid("FETCH", str(uid), "(UID RFC822.SIZE)")
            lines = self._checked(answer, _("asking for the size of a message"), gone_is_fine=True)
            self._count_expunged(client)
        sizes = [
            size or 0 for _number, found, size in filter(None, map(numbers, lines)) if found == uid
        ]
        if not sizes:
            raise self._gone(uid)
        return max(sizes)

    def _gone(self, uid: int) -> MessageGone:
        values = {"uid": uid, "folder": self._folder}
        return MessageGone(_("Message %(uid)d is not in the folder %(folder)s any more.") % values)

    def _uid(self, key: str) -> int | None:
        validity, _colon, uid = key.partition(":")
        if not (uid.isascii() and uid.isdigit()) or validity != str(self._validity):
            return None
        return int(uid)

    # Removal

    def remove(self, keys: Iterable[str]) -> None:
        self._open(writable=True)
        uids = sorted({uid for uid in map(self._uid, keys) if uid is not None})
        if not uids:
            return
        if self._move_to:
            self._move(uids)
        else:
            self._delete(uids)

    def _on_each(self, command: str, uids: list[int], doing: str, *rest: str) -> list[Any]:
        found: list[Any] = []
        for uid_set in uid_sets(uids):
            with self._talk() as client:
                answer = client.uid(command, uid_set, *rest)
                found += self._checked(answer, doing, gone_is_fine=command != "COPY")
                self._count_expunged(client)
        return found

    def _delete(self, uids: list[int]) -> None:
        doing = _("deleting messages")
        self._on_each("STORE", uids, doing, "+FLAGS.SILENT", DELETED)
        if "UIDPLUS" in self._capabilities:
            self._on_each("EXPUNGE", uids, doing)
            return
        # A plain EXPUNGE takes everybody's marked messages along. Only if all of them are ours may we send it;
        # otherwise they stay marked, are listed again and go another day.
        with self._talk() as client:
            found = self._checked(client.uid("SEARCH", "DELETED"), doing)
            marked = {int(uid) for uid in b" ".join(found).split()}
            if marked <= set(uids):
                self._checked(client.expunge(), doing)
            self._count_expunged(client)

    def _move(self, uids: list[int]) -> None:
        doing = _("moving messages to %(folder)s") % {"folder": self._move_to}
        target = folder_name(self._move_to)
        self._make_target(target)
        if "MOVE" in self._capabilities:
            self._on_each("MOVE", uids, doing, target)
            return
        # What is marked already was copied by an earlier run that could not expunge it.
        flags = self._on_each("FETCH", uids, doing, "(UID FLAGS)")
        fresh = [uid for line in flags if (uid := unmarked(line)) is not None]
        if fresh:
            self._on_each("COPY", fresh, doing, target)
        self._delete(uids)

    def _make_target(self, target: str) -> None:
        with self._talk() as client:
            if self._checked(client.list('""', target), _("looking for a folder")):
                return
            self._checked(
                client.create(target), _("making the folder %(folder)s") % {"folder": self._move_to}
            )
