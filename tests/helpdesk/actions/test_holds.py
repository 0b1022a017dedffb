"""Holds: who places them, how long they hold, and what is written down."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
import time_machine
from django.utils import timezone

from helpdesk import actions, permissions
from helpdesk.errors import InvalidInput, NotFound, NotPermitted
from helpdesk.models import AuditEntry, AuditKind, Event, EventKind, Hold, Right
from tests import factories as f

pytestmark = pytest.mark.django_db

TODAY = date(2027, 3, 10)


@pytest.fixture(autouse=True)
def _today():
    with time_machine.travel("2027-03-10T12:00:00+01:00", tick=False):
        yield


def days(number: int) -> date:
    return TODAY + timedelta(days=number)


@pytest.fixture
def ticket():
    return f.make_ticket(contact="")


@pytest.fixture
def manager(ticket):
    return permissions.agent(f.make_agent(ticket.queue, rights=[Right.MANAGE]))


def test_a_hold_is_placed_with_its_reason_and_leaves_the_dates_alone(ticket, manager):
    before = (ticket.erase_at, ticket.storage_step_at, ticket.changed_at, ticket.version)
    hold = actions.place_hold(actor=manager, ticket=ticket, reason=" A lawsuit. ", until=days(30))
    ticket.refresh_from_db()
    assert (hold.reason, hold.until, hold.placed_by) == ("A lawsuit.", days(30), manager.user)
    assert (ticket.erase_at, ticket.storage_step_at, ticket.changed_at, ticket.version) == before
    event = ticket.events.get(kind=EventKind.HOLD_PLACED)
    assert event.data == {"until": "2027-04-09"}
    assert event.content == {"reason": "A lawsuit."}
    line = AuditEntry.objects.get(kind=AuditKind.HOLD_PLACED)
    assert (line.user_id, line.ticket_number) == (manager.user.pk, ticket.number)
    assert "lawsuit" not in str(line.data)


@pytest.mark.parametrize(
    ("reason", "until", "field"),
    [
        ("", 30, "reason"),
        ("  ", 30, "reason"),
        ("x", 0, "until"),
        ("x", -1, "until"),
        ("x", 731, "until"),
    ],
)
def test_without_reason_or_with_a_day_that_is_none_it_is_refused(
    ticket, manager, reason, until, field
):
    with pytest.raises(InvalidInput) as refused:
        actions.place_hold(actor=manager, ticket=ticket, reason=reason, until=days(until))
    assert refused.value.field == field
    assert not Hold.objects.exists()


def test_two_years_are_the_most_and_tomorrow_the_least(ticket, manager):
    assert actions.place_hold(actor=manager, ticket=ticket, reason="x", until=days(730)).pk
    actions.lift_hold(actor=manager, ticket=ticket)
    assert actions.place_hold(actor=manager, ticket=ticket, reason="x", until=days(1)).pk


def test_there_is_one_at_a_time(ticket, manager):
    actions.place_hold(actor=manager, ticket=ticket, reason="x", until=days(2))
    with pytest.raises(InvalidInput):
        actions.place_hold(actor=manager, ticket=ticket, reason="y", until=days(2))
    with time_machine.travel("2027-03-13T00:30:00+01:00", tick=False):  # its last day is over
        actions.place_hold(actor=manager, ticket=ticket, reason="y", until=days(9))
    assert list(Hold.objects.filter(lifted_at=None).values_list("reason", flat=True)) == ["y"]


def test_it_is_extended_reviewed_and_lifted(ticket, manager):
    hold = actions.place_hold(actor=manager, ticket=ticket, reason="x", until=days(10))
    Hold.objects.update(reminded_at=timezone.now())
    hold = actions.extend_hold(actor=manager, ticket=ticket, until=days(10))
    assert (hold.reviewed_by, hold.reminded_at) == (manager.user, timezone.now())
    hold = actions.extend_hold(actor=manager, ticket=ticket, until=days(50), reason="Appeal")
    assert (hold.until, hold.reason, hold.reminded_at) == (days(50), "Appeal", None)
    hold = actions.lift_hold(actor=manager, ticket=ticket)
    assert (hold.lifted_at, hold.lifted_by) == (timezone.now(), manager.user)
    kinds = Event.objects.filter(kind__startswith="hold.").order_by("pk")
    assert list(kinds.values_list("kind", flat=True)) == [
        EventKind.HOLD_PLACED,
        EventKind.HOLD_CHANGED,
        EventKind.HOLD_CHANGED,
        EventKind.HOLD_LIFTED,
    ]
    for verb in (actions.lift_hold, actions.extend_hold):
        with pytest.raises(NotFound):
            verb(
                actor=manager,
                ticket=ticket,
                **({"until": days(3)} if verb is actions.extend_hold else {}),
            )


def test_extending_into_the_past_is_refused(ticket, manager):
    actions.place_hold(actor=manager, ticket=ticket, reason="x", until=days(10))
    for until in (days(0), days(-3), days(731)):
        with pytest.raises(InvalidInput):
            actions.extend_hold(actor=manager, ticket=ticket, until=until)


def test_only_who_manages_the_queue_may(ticket, manager):
    others = [right for right in Right if right != Right.MANAGE]
    agent = permissions.agent(f.make_agent(ticket.queue, rights=others))
    with pytest.raises(NotPermitted):
        actions.place_hold(actor=agent, ticket=ticket, reason="x", until=days(3))
    actions.place_hold(actor=manager, ticket=ticket, reason="x", until=days(3))
    with pytest.raises(NotPermitted):
        actions.extend_hold(actor=agent, ticket=ticket, until=days(4))
    with pytest.raises(NotPermitted):
        actions.lift_hold(actor=agent, ticket=ticket)
    assert Hold.objects.get().lifted_at is None


# --- merged tickets -------------------------------------------------------------------------------


@pytest.fixture
def pair(ticket, manager):
    """Two tickets of nobody, and who may do all with them."""
    other = f.make_ticket(ticket.queue, contact="")
    return ticket, other, permissions.agent(f.make_agent(ticket.queue))


def held() -> dict[int, tuple[str, date]]:
    rows = Hold.objects.active().select_related("ticket")
    return {row.ticket_id: (row.reason, row.until) for row in rows}


@pytest.mark.parametrize("on", [0, 1])
def test_one_placed_while_merged_holds_both_when_the_merge_is_taken_back(pair, manager, on):
    source, target, agent = pair
    merge = actions.merge(actor=agent, source=source, target=target, visible=False)
    hold = actions.place_hold(actor=manager, ticket=pair[on], reason="Court", until=days(30))
    actions.unmerge(actor=agent, merge=merge)
    assert held() == {one.pk: ("Court", days(30)) for one in (source, target)}
    copy = Hold.objects.exclude(pk=hold.pk).get()
    assert (copy.placed_by, copy.placed_at) == (manager.user, hold.placed_at)
    for one in (source, target):
        assert one.events.get(kind=EventKind.HOLD_PLACED).content == {"reason": "Court"}
    assert AuditEntry.objects.filter(kind=AuditKind.HOLD_PLACED).count() == 2


def test_one_of_before_the_merge_stays_with_its_ticket_when_it_is_taken_back(pair, manager):
    source, target, agent = pair
    actions.place_hold(actor=manager, ticket=target, reason="Court", until=days(30))
    with time_machine.travel("2027-03-10T13:00:00+01:00", tick=False):
        merge = actions.merge(actor=agent, source=source, target=target, visible=False)
        actions.unmerge(actor=agent, merge=merge)
    assert list(held()) == [target.pk]


def test_of_two_that_are_held_each_keeps_its_own(pair, manager):
    source, target, agent = pair
    merge = actions.merge(actor=agent, source=source, target=target, visible=False)
    actions.place_hold(actor=manager, ticket=source, reason="Court", until=days(30))
    actions.place_hold(actor=manager, ticket=target, reason="Audit", until=days(9))
    actions.unmerge(actor=agent, merge=merge)
    assert held() == {source.pk: ("Court", days(30)), target.pk: ("Audit", days(9))}


def test_one_that_ended_meanwhile_holds_nothing_more(pair, manager):
    source, target, agent = pair
    merge = actions.merge(actor=agent, source=source, target=target, visible=False)
    actions.place_hold(actor=manager, ticket=target, reason="Court", until=days(2))
    with time_machine.travel("2027-03-13T12:00:00+01:00", tick=False):
        actions.unmerge(actor=agent, merge=merge)
    assert not Hold.objects.filter(ticket=source).exists()


@pytest.mark.parametrize("by_merge", [False, True])
def test_a_message_that_becomes_a_ticket_of_its_own_is_held_on(pair, manager, by_merge):
    ticket, other, agent = pair
    if by_merge:  # the hold is on what was merged into it
        actions.place_hold(actor=manager, ticket=other, reason="Court", until=days(30))
        actions.merge(actor=agent, source=other, target=ticket, visible=False)
    else:
        actions.place_hold(actor=manager, ticket=ticket, reason="Court", until=days(30))
    article = actions.receive_message(
        actor=permissions.SYSTEM,
        ticket=ticket,
        draft=actions.Draft(body="Proof", channel="email", from_address="eve@mail.example"),
    )
    opened = actions.make_own_ticket(actor=agent, ticket=ticket, article=article)
    assert held()[opened.ticket.pk] == ("Court", days(30))


def test_it_ends_by_itself_after_its_last_day(ticket, manager):
    actions.place_hold(actor=manager, ticket=ticket, reason="x", until=days(2))
    assert actions.end_holds(today=days(2)) == 0
    assert actions.end_holds(today=days(3)) == 1
    hold = Hold.objects.get()
    assert (hold.lifted_at, hold.lifted_by) == (timezone.now(), None)
    assert ticket.events.get(kind=EventKind.HOLD_LIFTED).actor_kind == "system"
    assert actions.end_holds(today=days(3)) == 0
