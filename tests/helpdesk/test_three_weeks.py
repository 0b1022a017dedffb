"""One ticket through three weeks: holidays, an absence, a deputy who is away too, and the change to summer time."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine

from helpdesk import actions, permissions
from helpdesk.actions import Draft, escalation
from helpdesk.actions.absence import AbsencePlan, begin_absences, enter_absence
from helpdesk.models import Calendar, Channel, Clock, Event, EventKind, Notice, Promise, Ticket
from helpdesk.notifications import summaries
from helpdesk.notifications.telling import tell
from helpdesk.permissions import SYSTEM
from helpdesk.states import StateType
from tests import factories as f

pytestmark = pytest.mark.django_db

BERLIN = ZoneInfo("Europe/Berlin")
HOUR = 60


def at(month: int, day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=BERLIN)


class Weeks:
    """A queue with its team, and a worker that looks every quarter of an hour."""

    def __init__(self, clock: Any) -> None:
        self.clock = clock
        promise = Promise.objects.create(
            name="Office", first_response=4 * HOUR, update=8 * HOUR, solution=40 * HOUR
        )
        calendar = Calendar.objects.create(name="Office", country="DE", subdivision="NW")
        self.queue = f.QueueFactory(promise=promise, calendar=calendar, hand_back_minutes=16 * HOUR)
        team = f.make_team(self.queue)
        self.people = {}
        for name in ("amsel", "fink", "meise"):
            user = f.UserFactory(username=name)
            user.groups.add(team)
            self.people[name] = user

    def until(self, moment: datetime) -> None:
        """Let the worker work until `moment`."""
        while (now := datetime.now(tz=BERLIN)) < moment:
            self.clock.move_to(min(moment, now + timedelta(minutes=15)))
            self.work()

    def work(self) -> None:
        begin_absences()
        for job in (
            escalation.raise_clocks,
            escalation.remind,
            escalation.close_pending,
            escalation.hand_back_idle,
            summaries.sum_up_absences,
        ):
            while job():
                pass
        while tell():
            pass

    def away(self, name: str, start: datetime, end: datetime, deputy: str) -> None:
        user = self.people[name]
        plan = AbsencePlan(starts_at=start, ends_at=end, deputy=self.people[deputy])
        enter_absence(actor=permissions.agent(user), user=user, plan=plan)

    def actor(self, name: str) -> permissions.Actor:
        return permissions.agent(self.people[name])

    def told(self, since: int) -> Counter[tuple[str, str]]:
        rows = Notice.objects.filter(pk__gt=since).select_related("user")
        return Counter((row.user.username, row.kind) for row in rows)


@pytest.fixture
def weeks() -> Any:
    with time_machine.travel(at(3, 27, 16, 30), tick=False) as clock:
        yield Weeks(clock)


def message(text: str) -> Draft:
    return Draft(body=text, channel=Channel.EMAIL)


def alive(ticket: Ticket) -> dict[str, datetime | None]:
    rows = Clock.objects.filter(ticket=ticket, ended_at=None)
    return {row.kind: row.due_at and row.due_at.astimezone(BERLIN) for row in rows}


def raised(ticket: Ticket) -> list[tuple[str, str, int]]:
    kinds = (EventKind.CLOCK_WARNING, EventKind.CLOCK_BREACHED)
    rows = Event.objects.filter(ticket=ticket, kind__in=kinds).order_by("pk")
    return [(row.kind, row.data["clock"], row.data["run"]) for row in rows]


def last_notice() -> int:
    return Notice.objects.order_by("-pk").values_list("pk", flat=True).first() or 0


def test_one_ticket_through_three_weeks(weeks: Weeks) -> None:  # noqa: PLR0915  one story
    # Friday before the change to summer time: half an hour of Friday, the rest on Monday
    ticket = f.make_ticket(weeks.queue)
    weeks.work()
    assert weeks.told(0) == {(name, "new_ticket"): 1 for name in weeks.people}
    assert alive(ticket)["first_response"] == at(3, 30, 11, 30)
    assert alive(ticket)["update"] == at(3, 30, 15, 30)

    # nobody owns it: the warning goes to the team
    mark = last_notice()
    weeks.until(at(3, 30, 11))
    assert raised(ticket) == [("clock.warning", "first_response", 1)]
    assert weeks.told(mark) == {(name, "warning"): 1 for name in weeks.people}

    # Amsel asks back, and goes on holiday; Fink stands in, and is away from Wednesday on; then it is Meise
    weeks.clock.move_to(at(3, 30, 11, 15))
    amsel = weeks.actor("amsel")
    actions.claim(actor=amsel, ticket=ticket)
    actions.answer(
        actor=amsel,
        ticket=ticket,
        draft=message("Which printer?"),
        state=f.state(StateType.PENDING_REMINDER),
        pending_until=at(4, 2, 9),
    )
    assert set(alive(ticket)) == {"solution"}
    assert alive(ticket)["solution"] is None
    weeks.away("amsel", at(3, 31, 0), at(4, 11, 0), "fink")
    weeks.away("fink", at(4, 1, 0), at(4, 8, 0), "meise")

    # the reminder reaches who is there, and waits for Amsel
    mark = last_notice()
    weeks.until(at(4, 2, 13))
    assert weeks.told(mark) == {("meise", "reminder"): 1, ("amsel", "reminder"): 1}
    assert Notice.objects.get(pk__gt=mark, user=weeks.people["meise"]).instead_of == amsel.user

    # the customer answers on Maundy Thursday; Good Friday and Easter Monday are no working days
    weeks.clock.move_to(at(4, 2, 14))
    mark = last_notice()
    actions.receive_message(actor=SYSTEM, ticket=ticket, draft=message("The one upstairs."))
    weeks.work()
    assert weeks.told(mark) == {("meise", "reply"): 1, ("amsel", "reply"): 1}
    assert alive(ticket)["update"] == at(4, 7, 13)
    # of the forty hours half an hour of Friday and three and a quarter of Monday were used before
    assert alive(ticket)["solution"] == at(4, 10, 14, 15)
    fresh = Ticket.objects.get(pk=ticket.pk)
    assert fresh.owner == amsel.user
    assert fresh.hand_back_at == at(4, 8, 12)

    # nobody acts: a warning and a breach on Tuesday, once each
    mark = last_notice()
    weeks.until(at(4, 7, 17))
    assert raised(ticket)[1:] == [("clock.warning", "update", 2), ("clock.breached", "update", 2)]
    assert weeks.told(mark) == {
        (name, kind): 1 for name in ("meise", "amsel") for kind in ("warning", "breach")
    }

    # on Wednesday at noon Amsel loses it to the queue, and the team is told
    mark = last_notice()
    weeks.until(at(4, 8, 12, 15))
    fresh.refresh_from_db()
    assert fresh.owner is None
    assert weeks.told(mark)[("fink", "hand_back")] == 1
    assert weeks.told(mark)[("meise", "hand_back")] == 1

    # Fink is back, takes it and solves it: too late for the update, in time for the solution
    weeks.clock.move_to(at(4, 8, 13))
    fink = weeks.actor("fink")
    actions.claim(actor=fink, ticket=ticket)
    actions.answer(
        actor=fink,
        ticket=ticket,
        draft=message("It works again."),
        state=f.state(StateType.CLOSED),
    )
    assert alive(ticket) == {}
    ended = {(row.kind, row.run): row for row in Clock.objects.filter(ticket=ticket)}
    assert {key for key, row in ended.items() if row.breached_at} == {("update", 2)}
    assert len(raised(ticket)) == 3

    # Amsel comes back and reads what happened
    mark = last_notice()
    weeks.until(at(4, 13, 9))
    assert weeks.told(mark)[("amsel", "return")] == 1

    # the customer writes once more: all begins anew from here, for Fink
    mark = last_notice()
    actions.receive_message(actor=SYSTEM, ticket=ticket, draft=message("Upstairs it is out again."))
    weeks.work()
    assert alive(ticket) == {"update": at(4, 13, 17), "solution": at(4, 17, 13)}
    assert weeks.told(mark) == {("fink", "reply"): 1}
