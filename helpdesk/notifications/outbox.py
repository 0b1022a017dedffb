"""The outbox: rows go out one by one, and after a crash no mail goes out twice by itself.

A row is claimed (committed), its mail is built, the server is asked; right before the first byte of
the content a second mark is committed. A row that is found claimed later than `LEASE` was left
by a process that died: without the second mark it is tried again, with it nobody knows
whether the mail went out, so it becomes *uncertain* and people decide (`decisions.send_again`).
"""

from __future__ import annotations

import logging
from datetime import timedelta
from time import monotonic

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from helpdesk import events
from helpdesk.errors import WrongState
from helpdesk.models import EventKind, MailRoute, OutboundMail
from helpdesk.permissions import SYSTEM

from . import mime, notices, routes, suspension
from .smtp import Envelope, Outcome, Result, Server, Unreachable, without

logger = logging.getLogger(__name__)

State = OutboundMail.State

#: Waiting times before the next attempt; after the last one the mail has failed.
RETRY_AFTER = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
)
#: Longer than any conversation takes: a claim older than this was left by a dead process.
LEASE = timedelta(minutes=20)

#: Seconds after which the other routes have their turn.
SHARE = 20.0

SMTP_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
#: Through these no mail leaves the machine.
KEEPING_BACKENDS = frozenset(
    f"django.core.mail.backends.{name}.EmailBackend"
    for name in ("console", "dummy", "filebased", "locmem")
)


def send_due(*, limit: int = 100) -> int:
    """Send what is due, route by route, oldest first; return how many mails were tried.

    At most `limit` mails go by one route, and none has more than its share of the time: what is left
    comes with the next call. A route that cannot be reached holds up its own mails only. Safe in
    several workers at once. Must not be called inside a transaction: every step is committed before
    the next. Raises nothing for a mail or a server that makes trouble.
    """
    settle_abandoned()
    return sum(_send_by(route, limit) for route in routes.with_due_mail())


def _due(route: MailRoute | None) -> QuerySet[OutboundMail]:
    return OutboundMail.objects.filter(
        state=State.QUEUED, due_at__lte=timezone.now(), route=route
    ).order_by("due_at", "pk")


def _send_by(route: MailRoute | None, limit: int) -> int:
    """Send what is due by one route through one connection; return how many mails were tried."""
    tried, until, taken = 0, monotonic() + SHARE, False
    trouble = ""
    with Server(routes.way(route)) as server:
        for pk in list(_due(route).values_list("pk", flat=True)[:limit]):
            if trouble or monotonic() > until or not routes.has_room(route):
                break
            row = _claim(pk)
            if row is None:
                continue  # another worker has it, or it was taken back
            tried += 1
            try:
                result = _send(row, server)
            except Unreachable as error:  # no fault of this mail
                result = Result(Outcome.RETRY, words=str(error))
                trouble = str(error)
            _settle(row, result)
            taken = taken or result.outcome in (Outcome.SENT, Outcome.PARTLY)
            if server.fell_silent:
                trouble = result.words
    if taken:
        routes.note_success(route)
    if trouble:
        routes.note_error(route, trouble)
        # the next mails would fare no better now, and each attempt may take a whole time-out
        _due(route).update(due_at=timezone.now() + RETRY_AFTER[0])
    return tried


def _claim(pk: int) -> OutboundMail | None:
    """Take a due row for this process, committed, and return it; None if it is not to be had."""
    now = timezone.now()
    with transaction.atomic(durable=True):
        row = (
            OutboundMail.objects.select_for_update(
                skip_locked=connection.features.has_select_for_update_skip_locked, of=("self",)
            )
            .filter(pk=pk, state=State.QUEUED, due_at__lte=now)
            .first()
        )
        if row is None:
            return None
        if not notices.may_still_go(row):
            row.state = State.WITHDRAWN
            row.save(update_fields=["state"])
            return None
        row.state = State.SENDING
        row.sending_since = now
        row.content_since = None
        row.attempts += 1
        row.save(update_fields=["state", "sending_since", "content_since", "attempts"])
    return row


def _send(row: OutboundMail, server: Server) -> Result:
    """Build the mail and hand it over. Raises `Unreachable`."""
    try:
        files = mime.files_of(row)
        raw = mime.build(row, files)
        envelope = _envelope(row)
    except OSError as error:  # the storage may be back later
        return Result(Outcome.RETRY, words=type(error).__name__)
    except Exception as error:  # noqa: BLE001  any fault at all belongs to this mail alone
        logger.error("mail %s cannot be built: %s", row.pk, type(error).__name__)
        return Result(Outcome.REFUSED, words=type(error).__name__)
    if not envelope.recipients:
        return Result(Outcome.SENT, words=row.server_reply)  # everybody is served already
    if _goes_by_smtp(row):
        return server.deliver(envelope, raw, lambda: _mark_content(row))
    return _by_backend(row, envelope, files)


def _goes_by_smtp(row: OutboundMail) -> bool:
    """Tell whether we speak to a mail server ourselves.

    A row with a route does, unless the site keeps all mail on the machine, as a copy for trials should.
    """
    backend = settings.EMAIL_BACKEND
    return backend == SMTP_BACKEND or (row.route_id is not None and backend not in KEEPING_BACKENDS)


def _envelope(row: OutboundMail) -> Envelope:
    recipients = [mime.wire_address(address) for _name, address in [*row.to, *row.cc, *row.bcc]]
    done = [*row.delivered, *(address for address, _words in row.refused)]
    sender = "" if row.automatic else mime.wire_address(row.from_address)
    return Envelope(sender, without(recipients, *done))


def _mark_content(row: OutboundMail) -> bool:
    """Commit that the content goes out now; False if the row is not ours any more."""
    now = timezone.now()
    with transaction.atomic(durable=True):
        marked = OutboundMail.objects.filter(
            pk=row.pk, state=State.SENDING, sending_since=row.sending_since, content_since=None
        ).update(content_since=now)
    return bool(marked)


def _by_backend(row: OutboundMail, envelope: Envelope, files: list[mime.File]) -> Result:
    """Send by another of Django's mail backends: console, memory, files, a provider's."""
    pairs = {"to": row.to, "cc": row.cc, "bcc": row.bcc}
    addresses = {
        field: [address for _name, address in rows if address in envelope.recipients]
        for field, rows in pairs.items()
    }
    message = EmailMultiAlternatives(
        subject=mime.one_line(row.subject),
        body=row.body,
        from_email=" ".join(mime.mailboxes([[row.from_name, row.from_address]])),
        headers=mime.header(row),
        **addresses,
    )
    if row.html:
        message.attach_alternative(row.html, "text/html")
    for file in files:
        message.attach(mime.one_line(file.name), file.content, file.content_type)
    if not _mark_content(row):
        return Result(Outcome.WITHDRAWN)
    try:
        message.send()
    except OSError as error:
        return Result(Outcome.UNCERTAIN, words=type(error).__name__)
    return Result(Outcome.SENT, delivered=envelope.recipients)


# --- what became of it ---------------------------------------------------------------------------


@transaction.atomic(durable=True)
def _settle(row: OutboundMail, result: Result) -> None:
    """Write down what became of a claimed row, and tell its ticket's history.

    Holds for whoever sent it even if the row was thought abandoned meanwhile: knowing is better.
    """
    fresh = (
        OutboundMail.objects.select_for_update(of=("self",))
        .filter(pk=row.pk, sending_since=row.sending_since)
        .exclude(state__in=[State.SENT, State.FAILED, State.WITHDRAWN])
        .first()
    )
    if fresh is None or result.outcome == Outcome.WITHDRAWN:
        return
    if fresh.state == State.QUEUED and result.outcome not in (Outcome.SENT, Outcome.PARTLY):
        return  # somebody has decided already that it goes once more
    _note(fresh, result)
    logger.info("mail %s: %s %s", fresh.pk, result.outcome, result.code or "")


@transaction.atomic
def note_result(*, mail: OutboundMail, result: Result) -> OutboundMail:
    """Write down what became of a queued mail that somebody else delivered, and tell its ticket.

    For mail that never passes through `send_due`: it will not be sent from here any more unless
    `result` asks for another attempt. Raises `WrongState` for a mail that is not queued.
    """
    row = OutboundMail.objects.select_for_update(of=("self",)).get(pk=mail.pk)
    if row.state != State.QUEUED:
        raise WrongState
    row.attempts += 1
    _note(row, result)
    return row


def _note(row: OutboundMail, result: Result) -> None:
    """Put the result into a locked row, and tell its ticket's history."""
    row.delivered = [*row.delivered, *result.delivered]
    row.refused = [*row.refused, *(list(pair) for pair in result.refused)]
    suspension.count_refused(result.refused)
    row.server_reply = f"{result.code} {result.words}".strip() if result.code else result.words
    if result.outcome == Outcome.SENT:
        _sent(row, result)
    elif result.outcome == Outcome.UNCERTAIN:
        _uncertain(row)
    elif result.outcome == Outcome.REFUSED or row.attempts > len(RETRY_AFTER):
        _failed(row, result.code)
    else:
        row.state = State.QUEUED
        row.due_at = timezone.now() + RETRY_AFTER[max(row.attempts, 1) - 1]
    row.save()


def _sent(row: OutboundMail, result: Result) -> None:
    row.state = State.SENT if row.delivered or not row.refused else State.FAILED
    row.sent_at = timezone.now()
    _tell(row, EventKind.MAIL_SENT, recipients=len(row.delivered))
    if row.refused:
        _tell_refusal(row, result.code, partly=True)


def _failed(row: OutboundMail, code: int) -> None:
    row.state = State.FAILED
    _tell_refusal(row, code, partly=bool(row.delivered))


def _uncertain(row: OutboundMail) -> None:
    row.state = State.UNCERTAIN
    _tell(row, EventKind.MAIL_UNCERTAIN)


def _tell(row: OutboundMail, kind: EventKind, **data: object) -> None:
    if row.ticket is not None:
        events.record(
            actor=SYSTEM,
            ticket=row.ticket,
            article=row.article,
            kind=kind,
            data={"mail": row.pk, "kind": row.kind, **data},
        )


def _tell_refusal(row: OutboundMail, code: int, *, partly: bool) -> None:
    if row.ticket is not None:
        events.record(
            actor=SYSTEM,
            ticket=row.ticket,
            article=row.article,
            kind=EventKind.MAIL_FAILED,
            data={"mail": row.pk, "kind": row.kind, "code": code, "partly": partly},
            content={"server": row.server_reply, "refused": row.refused},
        )


def settle_abandoned() -> int:
    """Decide over rows that a dead process left in *sending*; return how many there were."""
    late = OutboundMail.objects.filter(
        state=State.SENDING, sending_since__lte=timezone.now() - LEASE
    ).values_list("pk", flat=True)
    return sum(_settle_abandoned(pk) for pk in list(late))


@transaction.atomic(durable=True)
def _settle_abandoned(pk: int) -> bool:
    row = (
        OutboundMail.objects.select_for_update(
            skip_locked=connection.features.has_select_for_update_skip_locked, of=("self",)
        )
        .filter(pk=pk, state=State.SENDING, sending_since__lte=timezone.now() - LEASE)
        .first()
    )
    if row is None:
        return False
    if row.content_since is not None:
        _uncertain(row)
    elif row.attempts > len(RETRY_AFTER):
        _failed(row, 0)  # a mail on which the process dies every time
    else:
        row.state = State.QUEUED
    row.save()
    return True
