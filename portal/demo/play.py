"""Plays the demo's stories in the order of time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone

from helpdesk import actions, permissions
from helpdesk.actions import escalation
from helpdesk.models import OutboundMail, Right, Ticket
from helpdesk.notifications import telling
from helpdesk.notifications.outbox import note_result
from helpdesk.notifications.smtp import Outcome, Result

from . import clock
from .acts import Act, Stage

#: A mail to this address comes back: one failed mail is part of the demo.
NO_SUCH_USER = "sven.storch@verein.example"
#: What the customer wrote within this time has been read by nobody unless its story says so.
UNREAD = timedelta(hours=30)


@dataclass(frozen=True)
class Story:
    """One request from its first word on. `name` tells it from the others."""

    name: str
    acts: tuple[Act, ...]


def story(name: str, *acts: Act) -> Story:
    return Story(name, acts)


def play(stage: Stage, stories: Iterable[Story]) -> None:
    """Let everything happen at its time, and deliver what is written to customers."""
    happenings = [(clock.moment(act.when), one.name, act) for one in stories for act in one.acts]
    for moment, name, act in sorted(happenings, key=lambda happening: happening[0]):
        stage.story = name
        with clock.at(moment):
            act.play(stage)
        with clock.at(moment + timedelta(seconds=20)):
            _work()
            _post(stage)
    _read(stage)


def _work() -> None:
    """Do what the worker would have done meanwhile: raise what is due, tell whom it concerns."""
    for job in (
        escalation.raise_clocks,
        escalation.remind,
        escalation.close_pending,
        escalation.hand_back_idle,
        telling.tell,
    ):
        while job():
            pass


def _post(stage: Stage) -> None:
    """Settle what waits in the outbox: the demo's past mail never leaves for any server."""
    queued = OutboundMail.objects.filter(state=OutboundMail.State.QUEUED)
    for mail in queued.filter(ticket__in=stage.tickets.values()):
        addresses = tuple(address for _name, address in [*mail.to, *mail.cc, *mail.bcc])
        if mail.kind == OutboundMail.Kind.ANSWER and NO_SUCH_USER in addresses:
            words = "5.1.1 Recipient address rejected: User unknown"
            refused = tuple((address, f"550 {words}") for address in addresses)
            result = Result(Outcome.REFUSED, code=550, words=words, refused=refused)
        else:
            words = "2.0.0 Ok: queued (demo, never sent)"
            result = Result(Outcome.SENT, code=250, words=words, delivered=addresses)
        note_result(mail=mail, result=result)


def _read(stage: Stage) -> None:
    """Let the teams have read what is older; the newest messages stay unread."""
    now = timezone.now()
    waiting = Ticket.objects.filter(waiting_since__gt=now - UNREAD)
    unread = set(waiting.values_list("pk", flat=True))
    for ticket in stage.tickets.values():
        row = Ticket.objects.select_related("queue", "state").get(pk=ticket.pk)
        if row.pk in unread:
            continue
        for user in permissions.agents_with(Right.READ, row.queue):
            actions.mark_seen(actor=permissions.agent(user), ticket=row)
