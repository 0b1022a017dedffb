"""Nights: tickets closed on a day, and the clock put to another."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.conf import settings

from helpdesk import actions, permissions
from helpdesk.models import ErasureRun, Ticket
from helpdesk.privacy import nightly
from helpdesk.states import StateType
from tests import factories as f

HERE = ZoneInfo(settings.TIME_ZONE)
#: The day on which tickets are closed here.
DAY_0 = datetime(2025, 3, 1, 10, tzinfo=HERE)


def at(day: int, hour: int = 10, minute: int = 0) -> datetime:
    """Return a moment so many days after `DAY_0`, as the wall clock of the site has it."""
    found = DAY_0.replace(tzinfo=None) + timedelta(days=day)
    return found.replace(hour=hour, minute=minute, tzinfo=HERE)


def closed(queue: Any = None, *, when: datetime = DAY_0, **options: Any) -> Ticket:
    """Make a ticket that was opened and closed at a moment; without a contact, so that no mail goes out."""
    with time_machine.travel(when, tick=False):
        ticket = f.make_ticket(queue, contact="", **options)
        return close(ticket)


def close(ticket: Ticket) -> Ticket:
    state = f.state(StateType.CLOSED)
    actions.change_state(actor=permissions.SYSTEM, ticket=ticket, state=state)
    ticket.refresh_from_db()
    return ticket


def opened(queue: Any = None, *, when: datetime = DAY_0, **options: Any) -> Ticket:
    with time_machine.travel(when, tick=False):
        return f.make_ticket(queue, contact="", **options)


def night(day: int, hour: int = 2, minute: int = 30) -> ErasureRun | None:
    """Let the worker's job do all it wants to do in the night to a day; return the run of that day."""
    moment = at(day, hour, minute)
    with time_machine.travel(moment, tick=False):
        for _n in range(1000):
            if not nightly.run_night():
                break
        else:
            raise AssertionError("the night does not end")
    return ErasureRun.objects.filter(day=moment.date(), is_dry=False).first()


def exists(*tickets: Ticket) -> list[bool]:
    known = set(
        Ticket.objects.filter(pk__in=[one.pk for one in tickets]).values_list("pk", flat=True)
    )
    return [one.pk in known for one in tickets]


@pytest.fixture(autouse=True)
def _journal_aside(settings: Any, tmp_path: Any) -> None:
    settings.HELPDESK = {**settings.HELPDESK, "ERASURE_JOURNAL": str(tmp_path / "erasures")}


Nights = Callable[[int], ErasureRun | None]
