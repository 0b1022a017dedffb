"""The ways out: by which server a mail goes, how many a minute, and what became known of each."""

from __future__ import annotations

import smtplib
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

from django.utils import timezone
from django.utils.translation import gettext as _

from helpdesk import oauth, storage
from helpdesk.errors import HelpdeskError, WrongState
from helpdesk.models import MailRoute, OAuthAccess, OutboundMail

from .smtp import Route, Server, Unreachable, is_silence

MINUTE = timedelta(minutes=1)
#: Seconds for each step of a test that somebody waits for.
PATIENCE = 10.0


@dataclass(frozen=True)
class Report:
    """What a test of a server came to, for people: a sentence, and the server's own words if any."""

    works: bool
    sentence: str
    words: str = ""


def with_due_mail() -> list[MailRoute | None]:
    """Return the routes by which mail is due now; None stands for the server of the settings.

    Those that made trouble last come last, so that nobody waits for their time-outs.
    """
    due = OutboundMail.objects.filter(
        state=OutboundMail.State.QUEUED, due_at__lte=timezone.now()
    ).order_by()
    ids = set(due.values_list("route", flat=True).distinct())
    known = ids - {None}
    rows = MailRoute.objects.select_related("oauth").filter(pk__in=known) if known else ()
    found: list[MailRoute | None] = [*rows]
    if None in ids:
        found.append(None)
    return sorted(found, key=_rank)


def _rank(row: MailRoute | None) -> tuple[int, int]:
    if row is None:
        return 1, 0  # of the settings' server nothing is written down
    return (2 if row.last_error else 0), row.pk


def way(row: MailRoute | None) -> Route:
    """Return how to reach the server of a row; None: as Django's EMAIL_ settings say."""
    if row is None:
        return Route.from_settings()
    route = Route(
        host=row.host,
        port=row.port,
        user=row.user,
        starttls=row.security == MailRoute.Security.STARTTLS,
        tls=row.security == MailRoute.Security.TLS,
        timeout=Route.from_settings().timeout,
    )
    if row.oauth is not None:
        return replace(route, authenticator=_by_token(row.oauth, row.user))
    try:
        return replace(route, secret=storage.decrypt(row.secret))
    except storage.SecretLost:
        return replace(route, authenticator=_secret_lost)


def _by_token(access: OAuthAccess, user: str) -> Callable[[], tuple[str, bytes]]:
    def prove() -> tuple[str, bytes]:
        return oauth.authenticator(access, user)()

    return prove


def _secret_lost() -> tuple[str, bytes]:
    raise WrongState(_("The stored password cannot be read any more. Please enter it again."))


def has_room(row: MailRoute | None) -> bool:
    """Tell whether one more mail may be handed over now.

    Asked before each mail, so several workers exceed the limit by at most one mail each.
    """
    if row is None or row.per_minute is None:
        return True
    lately = OutboundMail.objects.filter(route=row, sent_at__gt=timezone.now() - MINUTE)
    return lately.count() < row.per_minute


def note_success(row: MailRoute | None) -> None:
    """Write down that the server took mail; an earlier error is over."""
    if row is not None:
        MailRoute.objects.filter(pk=row.pk).update(last_success_at=timezone.now(), last_error="")


def note_error(row: MailRoute | None, words: str) -> None:
    """Write down why the server could not be reached."""
    if row is not None:
        now = timezone.now()
        MailRoute.objects.filter(pk=row.pk).update(last_error_at=now, last_error=words)


def check(row: MailRoute) -> Report:
    """Connect, secure and log in as a mail would, without one; say in words what happened.

    What came of it is written down like any other success or error. Takes at most a few time-outs.
    """
    try:
        with Server(replace(way(row), timeout=PATIENCE)) as server:
            server.open()
    except Unreachable as error:
        note_error(row, str(error))
        return Report(works=False, sentence=explain(error.__cause__, row.host), words=str(error))
    note_success(row)
    if row.user:
        return Report(works=True, sentence=_("The server answers, and the log-in succeeded."))
    return Report(works=True, sentence=_("The server answers. It was asked for no log-in."))


def explain(error: BaseException | None, host: str) -> str:
    """Return in plain words what a failed connection to `host` means, and what to look at."""
    if isinstance(error, HelpdeskError):
        return str(error)
    if is_silence(error):
        return _("“%(host)s” did not answer in time. Is the port right?") % {"host": host}
    for kinds, sentence in _meanings():
        if isinstance(error, kinds):
            return sentence % {"host": host}
    return _("The connection failed.")


def _meanings() -> tuple[tuple[type[BaseException] | tuple[type[BaseException], ...], str], ...]:
    """The kinds of error, special ones before general ones."""
    return (
        (socket.gaierror, _("There is no server with the name “%(host)s”.")),
        (ConnectionRefusedError, _("“%(host)s” takes no connection at this port.")),
        (
            ssl.SSLCertVerificationError,
            _("The certificate of “%(host)s” is not valid, so nothing was sent to it."),
        ),
        (
            ssl.SSLError,
            _("No encryption came about. Do the port and the kind of encryption fit together?"),
        ),
        (smtplib.SMTPAuthenticationError, _("The server refused the user or the password.")),
        (
            smtplib.SMTPNotSupportedError,
            _("The server does not offer what is set here: this encryption, or a log-in."),
        ),
        (UnicodeError, _("User and password may hold letters without accents only.")),
        (
            (smtplib.SMTPServerDisconnected, ConnectionError),
            _("The server hung up. Do the port and the kind of encryption fit together?"),
        ),
    )
