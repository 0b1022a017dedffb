"""From a stored raw mail to an article: some mails in one transaction, and none that stops the next."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import islice

from django.db import Error as DatabaseError
from django.db import IntegrityError, connection
from django.db.models import Q
from django.utils import timezone, translation
from django.utils.translation import gettext_noop

from helpdesk import addressing, notifications
from helpdesk.actions import one_transaction, read_ahead_customers
from helpdesk.errors import HelpdeskError, NotFound
from helpdesk.models import (
    InboundMail,
    Queue,
    current_batch,
    directory,
    kept_directory,
    open_batch,
)
from helpdesk.rules.effects import Plan

from . import agents, authenticity, blocks, filing, filters, gone, journal, ledger, thread, trusted
from .filing import NoQueue
from .incoming import Incoming, head_of, normalised, recipients_of
from .orders import kept_orders, orders
from .parse import parse
from .screen import screen

__all__ = ["NoQueue", "file_by_hand", "process", "process_all", "process_pending"]

logger = logging.getLogger(__name__)

#: For so many mails what hardly ever changes (queues, addresses, filters) is read once.
BATCH = 100
#: So many mails, or bytes, are filed in one transaction: what it locks is free again soon.
TOGETHER = 25
TOGETHER_BYTES = 8 * 1024 * 1024
#: Whoever else wants its locks comes first: sooner than PostgreSQL would look for a deadlock and end one of the two.
PATIENCE = "700ms"

Rule = InboundMail.Rule
_State = InboundMail.State

_WAITING = Q(state__in=[_State.RECEIVED, _State.FAILED])
_UNFILED = Q(state__in=[_State.FAILED, _State.IGNORED], article=None)


class _Spoiled(Exception):
    """The mail `pk` cannot be filed together with others."""

    def __init__(self, pk: int) -> None:
        super().__init__(pk)
        self.pk = pk


def process(pk: int) -> InboundMail:
    """File one mail of the ledger and return its row, in whatever state it ended.

    Safe to call again and from several workers: a filed mail is left alone, one that another worker
    holds is skipped. Whatever goes wrong puts this mail into the failure inbox and raises nothing.
    """
    ledger.start([pk])
    row = _process(pk)
    journal.write([row])
    return row


def _process(pk: int) -> InboundMail:
    try:
        inbound = _attempt(pk, _WAITING, lambda row: _file(_read(row)))
    except Exception as error:  # noqa: BLE001  any fault at all belongs to this mail alone
        # type and place only: the message of an error may quote the mail
        where = traceback.extract_tb(error.__traceback__)[-1]
        logger.error(
            "mail %s failed: %s at %s:%s", pk, type(error).__name__, where.name, where.lineno
        )
        head, ticket = _known(pk)
        ledger.fail(pk, _words(error, f"{where.name}:{where.lineno}"), ticket=ticket, **head)
        return InboundMail.objects.get(pk=pk)
    if inbound is None:
        return InboundMail.objects.select_related("ticket", "article").get(pk=pk)
    return inbound


def _known(pk: int) -> tuple[dict[str, str], int | None]:
    """Return what the failure inbox shows of a mail, and the ticket (id) it answers; nothing that cannot be read."""
    head: dict[str, str] = {}
    try:
        row = InboundMail.objects.select_related("blob").get(pk=pk)
        mail = parse(_raw(row))
        head = head_of(mail)
        match = thread.find(mail, recipients_of(row, mail))
    except Exception as error:  # noqa: BLE001  it has failed already
        logger.error("mail %s shows nothing: %s", pk, type(error).__name__)
        return head, None
    return head, match.ticket.pk if match is not None else None


def file_by_hand(pk: int, *, queue: Queue, by: str) -> InboundMail:
    """Open a ticket in `queue` from a mail that failed or was ignored, as `by` (a name) decided; return its row.

    What cannot be read even so becomes a ticket with the raw mail as its file. A mail that has an
    article is left alone. Raises `FileNotFoundError` if the raw mail is gone.
    """
    ways = (partial(_by_hand, queue=queue, by=by), partial(_as_file, queue=queue, by=by))
    for way in ways:
        try:
            inbound = _attempt(pk, _UNFILED, way)
        except FileNotFoundError:
            raise
        except Exception as error:
            if way is ways[-1]:
                raise
            logger.error("mail %s by hand: %s", pk, type(error).__name__)
        else:
            if inbound is not None:
                journal.write([inbound])
            break
    return InboundMail.objects.select_related("ticket", "article").get(pk=pk)


def process_all(keys: list[int]) -> list[InboundMail]:
    """File several mails, in order, and return their rows: as `process` for each, but many together."""
    rows: list[InboundMail] = []
    waiting = iter(keys)
    while batch := list(islice(waiting, BATCH)):
        with kept_directory(), kept_orders(), _relaxed():
            ledger.start(batch)
            for portion in _portions(batch):
                filed = _file_all(portion)
                journal.write(filed)
                rows += filed
    return rows


def _portions(keys: list[int]) -> Iterator[list[int]]:
    """Yield the mails some at a time: few enough to lie in memory and to be filed soon."""
    sizes = dict(InboundMail.objects.filter(pk__in=keys).values_list("pk", "size"))
    portion: list[int] = []
    left = TOGETHER_BYTES
    for pk in dict.fromkeys(keys):
        left -= sizes.get(pk, 0)
        if portion and (left < 0 or len(portion) == TOGETHER):
            yield portion
            portion, left = [], TOGETHER_BYTES - sizes.get(pk, 0)
        portion.append(pk)
    if portion:
        yield portion


def _file_all(keys: list[int]) -> list[InboundMail]:
    """File mails in one transaction; one that cannot go along by itself, those before and behind it together."""
    if len(keys) < 2:
        return [_process(pk) for pk in keys]
    try:
        return _file_together(keys)
    except _Spoiled as fault:
        at = keys.index(fault.pk)
        return [*_file_all(keys[:at]), _process(fault.pk), *_file_all(keys[at + 1 :])]
    except Exception as error:  # noqa: BLE001  whoever is at fault will show
        logger.info("%s mails one by one: %s", len(keys), type(error).__name__)
        return [_process(pk) for pk in keys]


def _file_together(keys: list[int]) -> list[InboundMail]:
    with one_transaction(), open_batch(len(keys)) as batch:
        _give_way()
        taken = _taken(keys, _WAITING)
        batch.hold(taken.values())
        steps = {}
        for pk, inbound in taken.items():
            with _blaming(pk):
                steps[pk] = _read(inbound)
        for pk in agents.may_wait(steps):
            raise _Spoiled(pk)
        _read_ahead(list(steps.values()))
        for pk, step in steps.items():
            with _blaming(pk):
                _file(step)
                batch.check()
    others = InboundMail.objects.select_related("ticket", "article")
    return [taken.get(pk) or others.get(pk=pk) for pk in keys]


@contextmanager
def _blaming(pk: int) -> Iterator[None]:
    """Whatever goes wrong inside is this mail's."""
    try:
        yield
    except Exception as error:
        raise _Spoiled(pk) from error


def _read_ahead(steps: list[Incoming]) -> None:
    """Read with one statement each what filing these mails will ask for one by one."""
    senders = {thread.sender_of(step.mail) for step in steps}
    read_ahead_customers(senders - {""})
    answered = {normalised(one) for step in steps for one in (step.mail.from_, *step.mail.reply_to)}
    notifications.read_ahead_limits(answered - {""})
    thread.read_ahead([(step.mail, step.recipients) for step in steps])


@contextmanager
def _relaxed() -> Iterator[None]:
    """Let PostgreSQL answer a commit before it is on disk; SQLite's settings are the site's.

    A power cut may then undo what was filed last, and the ledger, which is on disk, has it filed again.
    Whatever leaves this machine (the outbox's claim of a row) commits in full and takes all before along.
    """
    if connection.vendor != "postgresql" or connection.in_atomic_block:
        yield
        return
    _set_commit("off")
    try:
        yield
    finally:
        _set_commit("DEFAULT")


def _set_commit(how: str) -> None:
    try:
        with connection.cursor() as cursor:
            cursor.execute(f"SET synchronous_commit = {how}")
    except DatabaseError:
        connection.close()  # a new one has the server's own setting


def _give_way() -> None:
    """Let this transaction rather fail than keep others waiting who wait for each other."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = %s", [PATIENCE])


def process_pending(limit: int = 500) -> int:
    """File what waits in the ledger and is due, oldest first; return how many mails were tried.

    Those that were tried before come last and one by one: a mail that kills its process must not
    take others along, nor be tried for ever.
    """
    due = InboundMail.objects.filter(_WAITING, next_try_at__lte=timezone.now())
    rows = list(due.order_by("attempts", "next_try_at", "pk").values_list("pk", "attempts")[:limit])
    process_all([pk for pk, attempts in rows if not attempts])
    for pk, attempts in rows:
        if attempts > len(ledger.RETRY_AFTER):
            ledger.give_up(pk)
        elif attempts:
            process_all([pk])
    return len(rows)


def _attempt(pk: int, which: Q, work: Callable[[InboundMail], object]) -> InboundMail | None:
    """Do `work` on a mail of the ledger in one transaction; None if another worker has it or it is done."""
    try:
        return _once(pk, which, work)
    except (IntegrityError, NoQueue, NotFound):
        # somebody made the same row in the same moment, changed what we knew, or erased the ticket: look again
        with kept_directory(anew=True):
            return _once(pk, which, work)


def _once(pk: int, which: Q, work: Callable[[InboundMail], object]) -> InboundMail | None:
    with kept_directory(), one_transaction():
        inbound = _taken([pk], which).get(pk)
        if inbound is not None:
            work(inbound)
    return inbound


def _taken(keys: list[int], which: Q) -> dict[int, InboundMail]:
    """Lock the rows of those mails that are to be filed and that no other worker has; return them in order."""
    locked = InboundMail.objects.select_for_update(
        skip_locked=connection.features.has_select_for_update_skip_locked, of=("self",)
    )
    rows = locked.select_related("blob").filter(which, pk__in=keys).order_by().in_bulk()
    return {pk: rows[pk] for pk in keys if pk in rows}


def _words(error: Exception, place: str) -> str:
    """What to tell an administrator: a refusal of ours in its own words, else type and place."""
    if not isinstance(error, HelpdeskError):
        return f"{place}\n{type(error).__name__}: {error}"
    with translation.override("en"):  # translated where it is shown (`reason_words`)
        return str(error)


def _raw(inbound: InboundMail) -> bytes:
    if inbound.blob is None:
        raise ValueError("the mail was never fetched")
    return inbound.blob.read()


def _read(inbound: InboundMail) -> Incoming:
    raw = _raw(inbound)
    mail = parse(raw)
    step = Incoming(inbound, mail, recipients_of(inbound, mail), directory().own_addresses)
    step.forged = authenticity.denied_by(inbound, raw, mail)
    machine = screen(mail)
    if machine is not None:
        step.machine = str(machine.kind)
        step.note(gettext_noop("machine mail, for %(value)s"), machine.evidence)
    return step


def _file(step: Incoming) -> None:
    reason = _own_mail(step) or _blocked(step)
    if reason:
        filing.ignore(step, reason)
        return
    match = thread.find(step.mail, step.recipients)
    if match is not None and match.article is not None:
        filing.deliver_again(step, match, match.article)
        return
    if match is None and gone.returns_something(step):
        if current_batch() is not None:
            raise _Spoiled(step.inbound.pk)  # the batch would write its row once more
        filing.drop(step, gone.RETURNED)
        return
    if match is not None and gone.is_nobodys(step, match):
        step.nobodys, match = match.ticket, None
    plan = _plan(step, joins=match is not None)
    if not plan.makes_ticket:
        step.inbound.ticket = match.ticket if match is not None else None  # it goes with it
        filing.refuse(step, plan)
    elif match is not None:
        filing.append(step, match, plan)
    else:
        filing.open_new(step, plan)


def _blocked(step: Incoming) -> str:
    """Return why the sender is not let in, or ''."""
    sender = step.mail.from_
    block = blocks.find(orders().blocks, sender.address) if sender is not None else None
    if block is None:
        return ""
    blocks.count(block)
    step.decided(Rule.BLOCKED, gettext_noop("%(value)s is blocked"), block.pattern)
    return gettext_noop("sender is blocked")


def _plan(step: Incoming, *, joins: bool) -> Plan:
    """Return what the headers of a trusted way and the filters decide; the filters win."""
    said = trusted.plan_of(step.mail) if step.inbound.trusted else trusted.Said()
    for line in said.evidence:
        step.note(gettext_noop("header of a trusted way: %(value)s"), line)
    verdict = filters.judge(
        step.mail,
        step.recipients,
        step.machine,
        now=timezone.now(),
        compiled=orders().filters,
        context=filters.Context(
            is_followup=joins, account=step.inbound.mailbox_id, size=step.inbound.size
        ),
        headers=said.effects,
    )
    for name in verdict.names:
        step.note(gettext_noop("the mail filter “%(value)s” matched"), name)
    plan = verdict.plan
    if plan.queue or not plan.makes_ticket:
        step.rule = Rule.FILTER if verdict.names else Rule.HEADER
    return plan


def _by_hand(inbound: InboundMail, *, queue: Queue, by: str) -> None:
    step = _read(inbound)
    step.decided(Rule.BY_HAND, gettext_noop("filed by %(value)s"), by)
    filing.open_new(step, Plan(), into=queue.pk)


def _as_file(inbound: InboundMail, *, queue: Queue, by: str) -> None:
    raw = _raw(inbound)
    step = Incoming(inbound, parse(b""), tuple(inbound.envelope_to), directory().own_addresses)
    step.decided(Rule.BY_HAND, gettext_noop("filed by %(value)s, although it cannot be read"), by)
    filing.open_raw(step, raw, into=queue.pk)


def _own_mail(step: Incoming) -> str:
    """Return why the mail is one of our own that came back, or ''."""
    mail = step.mail
    keys = addressing.signing_keys()
    if mail.message_id and addressing.is_our_message_id(mail.message_id, keys):
        step.decided(Rule.OWN_MAIL, gettext_noop("carries our own id %(value)s"), mail.message_id)
        return gettext_noop("own mail came back")
    if step.sender and step.sender in step.own:
        step.decided(Rule.OWN_MAIL, gettext_noop("came from our address %(value)s"), step.sender)
        return gettext_noop("from an address of our own")
    return ""
