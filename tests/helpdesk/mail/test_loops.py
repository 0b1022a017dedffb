"""Two help desks that answer each other by themselves stop, whatever is lost on the way between them.

Both are the real pipeline on one database: while one works, what belongs to the other is parked, so that
neither finds the other's tickets, messages or addresses.
"""

from __future__ import annotations

import itertools
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import Message

import pytest
import time_machine
from django.db import transaction
from django.db.models import F, Value
from django.db.models.functions import Concat, Substr
from django.test import override_settings
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from helpdesk import actions, permissions
from helpdesk.mail import ingest, ledger
from helpdesk.models import (
    Article,
    AutoResponse,
    OutboundMail,
    Queue,
    QueueAddress,
    Ticket,
)
from helpdesk.notifications import mime
from helpdesk.states import StateType
from tests import factories as f

pytestmark = pytest.mark.django_db

PARKED = "parked:"
#: What tells a machine from a person; a gateway on the way may drop any of it.
MARKS = ("Auto-Submitted", "X-Auto-Response-Suppress", "Precedence", "Return-Path")
#: What leads a mail to its ticket.
THREADS = ("In-Reply-To", "References", "Reply-To")

_counter = itertools.count()


@dataclass
class Desk:
    """One of two help desks: its queue, its only address, its secret."""

    name: str
    queue: Queue

    @property
    def address(self) -> str:
        return f"help@{self.name}.example"

    @contextmanager
    def at_work(self, other: Desk):
        other._move(parked=True)
        with override_settings(SECRET_KEY=f"secret of {self.name}"):
            yield
        other._move(parked=False)

    def _move(self, *, parked: bool) -> None:
        for rows, column in (
            (Article.objects.filter(ticket__queue=self.queue), "message_id"),
            (Ticket.objects.filter(queue=self.queue), "number"),
            (QueueAddress.objects.filter(queue=self.queue), "normalised"),
        ):
            moved = (
                Concat(Value(PARKED), F(column)) if parked else Substr(F(column), len(PARKED) + 1)
            )
            rows.update(**{column: moved})

    def receive(self, raw: bytes) -> list[bytes]:
        """File a mail and return what goes out because of it."""
        before = set(OutboundMail.objects.values_list("pk", flat=True))
        row = ledger.accept(raw, source=self.name, key=str(next(_counter)))
        assert ingest.process(row.pk).state in ("filed", "ignored")
        return [mime.build(one) for one in OutboundMail.objects.exclude(pk__in=before)]


def desk(name: str, follow_up: str) -> Desk:
    """Make a help desk that answers whatever it can answer."""
    queue = f.QueueFactory(name=name, slug=name, follow_up=follow_up)
    f.QueueAddressFactory(queue=queue, address=f"help@{name}.example")
    for kind in AutoResponse.Kind:
        AutoResponse.objects.create(queue=queue, kind=kind)
    return Desk(name, queue)


def carried(raw: bytes, lost: frozenset[str], *, from_person: bool) -> bytes:
    """Return a mail as it arrives: with the envelope's sender, without what was lost."""
    mail: Message = message_from_bytes(raw, policy=policy.compat32)
    mail["Return-Path"] = mail["From"] if from_person else "<>"
    for name in lost:
        del mail[name]
    if "subject" in lost:
        del mail["Subject"]
        mail["Subject"] = "Automatic"
    return mail.as_bytes()


def first(sender: str, to: str) -> bytes:
    return (
        f"From: {sender}\r\nTo: {to}\r\nSubject: Hello\r\nMessage-ID: <{next(_counter)}@x.example>"
        "\r\n\r\nWho is there?\r\n"
    ).encode()


def play(lost: frozenset[str], follow_up: str, gap: int, *, closes: bool = False) -> dict[str, int]:
    """Let two desks answer each other until both are silent; return how many mails each sent."""
    desks = [desk("one", follow_up), desk("two", follow_up)]
    sent = dict.fromkeys(("one", "two"), 0)
    start = timezone.now()
    with time_machine.travel(start, tick=False) as clock:
        waiting = [(0, carried(first(desks[1].address, desks[0].address), lost, from_person=True))]
        while waiting:
            number, raw = waiting.pop(0)
            me, other = desks[number], desks[1 - number]
            with me.at_work(other):
                out = me.receive(raw)
                if closes:
                    close_all(me)
            sent[me.name] += len(out)
            assert sum(sent.values()) < 100
            assert clock is not None
            clock.shift(timedelta(minutes=gap))
            waiting += [
                (1 - number, carried(one, lost, from_person="Return-Path" in lost)) for one in out
            ]
    return sent


def close_all(me: Desk) -> None:
    for ticket in Ticket.objects.filter(queue=me.queue, state__type=StateType.NEW):
        actions.change_state(
            actor=permissions.SYSTEM, ticket=ticket, state=f.state(StateType.CLOSED)
        )


def test_marked_mail_is_answered_by_nobody():
    assert play(frozenset(), "reopen", 1) == {"one": 1, "two": 0}
    for ticket in Ticket.objects.all():
        assert ticket.state.type == StateType.NEW
        assert ticket.owner is None
    assert Ticket.objects.get(queue__name="two").waiting_since is None


@pytest.mark.parametrize("follow_up", ["reopen", "new", "refuse"])
@pytest.mark.parametrize(("gap", "most"), [(0, 3), (1, 4), (6, 10)])
def test_without_any_mark_it_ends_at_the_limit(follow_up, gap, most):
    sent = play(frozenset(MARKS), follow_up, gap, closes=follow_up != "reopen")
    assert 2 < max(sent.values()) <= most


@given(
    lost=st.frozensets(st.sampled_from([*MARKS, *THREADS, "subject"])),
    follow_up=st.sampled_from(["reopen", "new", "refuse"]),
    gap=st.integers(0, 60),
    closes=st.booleans(),
)
def test_whatever_is_lost_it_ends(lost, follow_up, gap, closes):
    """Slower than once in two hours it is no storm any more: ten mails a day may go out."""
    before = transaction.savepoint()
    sent = play(lost, follow_up, gap, closes=closes)
    transaction.savepoint_rollback(before)
    assert max(sent.values()) <= 10
