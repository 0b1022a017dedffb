"""Entering, changing and ending absences, and what becomes of the open tickets."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection, connections
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from helpdesk import actions, permissions
from helpdesk.actions import AbsencePlan
from helpdesk.errors import InvalidInput, NotFound, NotPermitted
from helpdesk.models import (
    Absence,
    AbsenceDeputy,
    AbsenceTicket,
    Event,
    EventKind,
    Handover,
    QueueRight,
    Right,
    Ticket,
)
from helpdesk.states import StateType
from tests import factories as f

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
WORKERS = [right for right in Right.values if right != Right.MANAGE]


@pytest.fixture
def queue():
    return f.QueueFactory(name="Lost and found")


@pytest.fixture
def amsel(queue):
    return f.make_agent(queue, rights=WORKERS, first_name="Amsel")


@pytest.fixture
def fink(queue):
    return f.make_agent(queue, rights=WORKERS, first_name="Fink")


@pytest.fixture
def lead(queue):
    return f.make_agent(queue, first_name="Lead")


def plan(start=-timedelta(minutes=1), end=7 * DAY, **options) -> AbsencePlan:
    now = timezone.now()
    return AbsencePlan(starts_at=now + start, ends_at=now + end, **options)


def enter(user, by=None, **options) -> Absence:
    actor = permissions.agent(by or user)
    return actions.enter_absence(actor=actor, user=user, plan=plan(**options))


def owned(user, queue, **options) -> Ticket:
    ticket = f.make_ticket(queue, contact="", **options)
    return actions.assign(actor=permissions.SYSTEM, ticket=ticket, owner=user)


def owner_of(ticket):
    return Ticket.objects.get(pk=ticket.pk).owner


# --- who may -----------------------------------------------------------------------------------------


def test_agent_enters_an_own_absence(amsel, fink, queue):
    made = enter(amsel, reason=" Spa ", deputy=fink, deputies={queue.pk: fink})
    assert (made.user, made.entered_by, made.reason, made.deputy) == (amsel, amsel, "Spa", fink)
    assert AbsenceDeputy.objects.get().queue == queue


def test_team_lead_and_superuser_enter_for_others(amsel, lead):
    boss = f.UserFactory(is_superuser=True)
    assert enter(amsel, by=lead).entered_by == lead
    assert enter(amsel, by=boss, start=20 * DAY, end=21 * DAY).entered_by == boss


def test_lead_of_a_queue_below_leads_the_team_from_above(amsel, queue):
    below = f.QueueFactory(parent=queue)
    assert enter(amsel, by=f.make_agent(below, rights=[Right.MANAGE]))


def test_colleagues_strangers_and_customers_enter_nothing(amsel, fink, queue):
    stranger = f.make_agent(f.QueueFactory())
    nobody = f.make_agent(rights=[])
    for by, user in ((fink, amsel), (stranger, amsel), (nobody, nobody)):
        with pytest.raises(NotPermitted):
            enter(user, by=by)
    with pytest.raises(NotPermitted):
        actions.enter_absence(
            actor=permissions.customer(f.CustomerFactory()), user=amsel, plan=plan()
        )
    assert not Absence.objects.exists()


def test_colleagues_neither_change_nor_end(amsel, fink):
    made = enter(amsel)
    actor = permissions.agent(fink)
    with pytest.raises(NotPermitted):
        actions.change_absence(actor=actor, absence=made, plan=plan(end=9 * DAY))
    with pytest.raises(NotPermitted):
        actions.end_absence(actor=actor, absence=made)
    assert Absence.objects.get().ends_at == made.ends_at


def test_absence_of_an_inactive_user_is_not_found(amsel, lead):
    type(amsel).objects.filter(pk=amsel.pk).update(is_active=False)
    amsel.refresh_from_db()
    with pytest.raises(NotFound):
        enter(amsel, by=lead)


def test_reason_is_for_the_agent_and_whoever_entered_it(amsel, fink, lead):
    made = enter(amsel, by=lead, reason="ill")
    assert actions.may_read_reason(permissions.agent(amsel), made)
    assert actions.may_read_reason(permissions.agent(lead), made)
    assert not actions.may_read_reason(permissions.agent(fink), made)
    assert not actions.may_read_reason(permissions.SYSTEM, made)


def test_lead_who_changes_an_agents_own_absence_neither_reads_nor_changes_the_reason(amsel, lead):
    made = enter(amsel, reason="private")
    actor = permissions.agent(lead)
    made = actions.change_absence(actor=actor, absence=made, plan=plan(end=9 * DAY, reason="x"))
    assert made.reason == "private"
    assert not actions.may_read_reason(actor, made)
    assert made.changed_by == lead


# --- what is refused -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"start": DAY, "end": DAY}, "ends_at"),
        ({"start": 2 * DAY, "end": DAY}, "ends_at"),
        ({"start": -2 * DAY, "end": -DAY}, "ends_at"),
        ({"start": DAY, "end": 4000 * DAY}, "ends_at"),
        ({"handover": Handover.DEPUTY}, "deputy"),
    ],
)
def test_impossible_absence_is_refused_at_its_field(amsel, options, field):
    with pytest.raises(InvalidInput) as refused:
        enter(amsel, **options)
    assert refused.value.field == field
    assert not Absence.objects.exists()


def test_nobody_is_their_own_deputy(amsel, queue):
    for options in ({"deputy": amsel}, {"deputies": {queue.pk: amsel}}):
        with pytest.raises(InvalidInput, match="themselves"):
            enter(amsel, **options)


def test_somebody_who_left_is_no_deputy(amsel):
    with pytest.raises(InvalidInput, match="cannot stand in"):
        enter(amsel, deputy=f.UserFactory(is_active=False))


@pytest.mark.parametrize(("start", "end"), [(-1, 9), (1, 2), (-9, 1), (6, 8)])
def test_overlapping_absences_of_one_agent_are_refused_with_the_dates(amsel, start, end):
    enter(amsel, start=timedelta(), end=7 * DAY)
    with pytest.raises(InvalidInput, match="already") as refused:
        enter(amsel, start=start * DAY, end=end * DAY)
    assert refused.value.field == "starts_at"
    assert Absence.objects.count() == 1


def test_absences_that_follow_each_other_or_are_of_others_do_not_overlap(amsel, fink):
    first = enter(amsel, start=DAY, end=2 * DAY)
    later = AbsencePlan(starts_at=first.ends_at, ends_at=first.ends_at + DAY)
    actions.enter_absence(actor=permissions.agent(amsel), user=amsel, plan=later)
    enter(fink, start=DAY, end=2 * DAY)
    assert Absence.objects.count() == 3


def test_change_into_another_absence_is_refused_but_not_into_itself(amsel):
    first = enter(amsel, start=DAY, end=2 * DAY)
    enter(amsel, start=5 * DAY, end=6 * DAY)
    actor = permissions.agent(amsel)
    actions.change_absence(actor=actor, absence=first, plan=plan(start=DAY, end=3 * DAY))
    with pytest.raises(InvalidInput, match="already"):
        actions.change_absence(actor=actor, absence=first, plan=plan(start=DAY, end=6 * DAY))


def test_absence_that_is_over_is_not_changed(amsel):
    made = f.make_absence(amsel, start=-2 * DAY, end=-DAY)
    with pytest.raises(InvalidInput, match="over"):
        actions.change_absence(actor=permissions.agent(amsel), absence=made, plan=plan())


# --- ending --------------------------------------------------------------------------------------------


def test_early_return_ends_an_absence_now(amsel):
    made = enter(amsel)
    left = actions.end_absence(actor=permissions.agent(amsel), absence=made)
    assert left.ends_at <= timezone.now()
    again = actions.end_absence(actor=permissions.agent(amsel), absence=made)
    assert again.ends_at == left.ends_at


def test_absence_that_has_not_begun_is_deleted(amsel, lead):
    made = enter(amsel, start=DAY)
    assert actions.end_absence(actor=permissions.agent(lead), absence=made) is None
    with pytest.raises(NotFound):
        actions.end_absence(actor=permissions.agent(lead), absence=made)


# --- handing over --------------------------------------------------------------------------------------


@pytest.mark.parametrize("handover", Handover.values)
def test_open_tickets_are_handed_over_at_once_when_it_starts_now(amsel, fink, queue, handover):
    ticket = owned(amsel, queue)
    made = enter(amsel, deputy=fink, handover=Handover(handover))
    assert owner_of(ticket) == {"keep": amsel, "deputy": fink, "queue": None}[handover]
    assert made.handed_over_at is not None
    told = Event.objects.filter(ticket=ticket, kind=EventKind.OWNER_CHANGED, data__by="absence")
    assert told.count() == (handover != "keep")
    if handover != "keep":
        to = fink.pk if handover == "deputy" else None
        assert told.get().data == {"from": amsel.pk, "to": to, "by": "absence"}


def test_choice_for_one_ticket_goes_before_the_one_for_all(amsel, fink, queue):
    kept, given, back = (owned(amsel, queue) for _number in range(3))
    others = owned(fink, queue)
    enter(
        amsel,
        deputy=fink,
        handover=Handover.DEPUTY,
        tickets={kept.pk: Handover.KEEP, back.pk: Handover.QUEUE, others.pk: Handover.QUEUE},
    )
    assert [owner_of(one) for one in (kept, given, back, others)] == [amsel, fink, None, fink]


def test_closed_tickets_and_those_of_others_stay(amsel, fink, queue):
    closed, others = owned(amsel, queue), owned(fink, queue)
    actions.change_state(actor=permissions.SYSTEM, ticket=closed, state=f.state(StateType.CLOSED))
    enter(amsel, handover=Handover.QUEUE)
    assert owner_of(closed) == amsel
    assert owner_of(others) == fink


def test_a_deputy_who_may_not_own_there_gets_nothing_there(amsel, queue):
    helper = f.make_agent(queue, rights=[Right.ANSWER])
    ticket = owned(amsel, queue)
    enter(amsel, deputy=helper, handover=Handover.DEPUTY)
    assert owner_of(ticket) is None


def test_a_deputy_who_is_away_hands_on_to_their_deputy(amsel, fink, lead, queue):
    f.make_absence(fink, deputy=lead)
    ticket = owned(amsel, queue)
    enter(amsel, deputy=fink, handover=Handover.DEPUTY)
    assert owner_of(ticket) == lead


def test_both_away_leaves_the_tickets_to_the_queue(amsel, fink, queue):
    f.make_absence(fink, deputy=amsel)
    ticket = owned(amsel, queue)
    enter(amsel, deputy=fink, handover=Handover.DEPUTY)
    assert owner_of(ticket) is None


def test_deputy_of_the_queue_goes_before_the_one_for_all(amsel, fink, lead, queue):
    other = f.QueueFactory()
    for person in (amsel, fink, lead):
        person.groups.add(f.make_team(other, rights=WORKERS))
    here, there = owned(amsel, queue), owned(amsel, other)
    enter(amsel, deputy=fink, deputies={other.pk: lead}, handover=Handover.DEPUTY)
    assert (owner_of(here), owner_of(there)) == (fink, lead)


def test_a_leads_word_reaches_no_further_than_the_queues_they_manage(amsel, lead, queue):
    other = f.QueueFactory()
    amsel.groups.add(f.make_team(other, rights=WORKERS))
    here, there = owned(amsel, queue), owned(amsel, other)
    enter(amsel, by=lead, handover=Handover.QUEUE, tickets={there.pk: Handover.QUEUE})
    assert owner_of(here) is None
    assert owner_of(there) == amsel
    assert not AbsenceTicket.objects.filter(ticket=there, is_chosen=True).exists()


def test_nothing_is_handed_over_before_the_start_and_once_after_it(amsel, queue):
    ticket = owned(amsel, queue)
    made = enter(amsel, start=DAY, end=2 * DAY, handover=Handover.QUEUE)
    assert actions.begin_absences() == 0
    assert owner_of(ticket) == amsel
    Absence.objects.filter(pk=made.pk).update(starts_at=timezone.now() - timedelta(seconds=1))
    assert actions.begin_absences() == 1
    assert owner_of(ticket) is None
    # who takes a ticket during the absence keeps it, whatever runs again
    actions.claim(actor=permissions.agent(amsel), ticket=ticket)
    assert actions.begin_absences() == 0
    assert owner_of(ticket) == amsel


def test_a_process_that_dies_leaves_everything_to_the_next(amsel, queue, monkeypatch):
    tickets = [owned(amsel, queue) for _number in range(3)]
    made = enter(amsel, start=DAY, end=2 * DAY, handover=Handover.QUEUE)
    Absence.objects.filter(pk=made.pk).update(starts_at=timezone.now() - timedelta(seconds=1))
    calls = []

    def die_at_the_second(**options):
        calls.append(options)
        if len(calls) == 2:
            raise SystemExit
        return actions.assign(**options)

    with monkeypatch.context() as patch:
        patch.setattr("helpdesk.actions.absence.assign", die_at_the_second)
        with pytest.raises(SystemExit):
            actions.begin_absences()
    assert [owner_of(one) for one in tickets] == [amsel] * 3
    assert actions.begin_absences() == 1
    assert [owner_of(one) for one in tickets] == [None] * 3
    told = Event.objects.filter(kind=EventKind.OWNER_CHANGED, data__by="absence")
    assert told.count() == 3


def test_an_absence_that_passed_while_no_worker_ran_hands_nothing_over(amsel, queue):
    ticket = owned(amsel, queue)
    made = f.make_absence(
        amsel, start=-2 * DAY, end=-DAY, handover=Handover.QUEUE, handed_over_at=None
    )
    assert actions.begin_absences() == 1
    assert owner_of(ticket) == amsel
    made.refresh_from_db()
    assert made.handed_over_at is not None


def test_what_is_said_anew_during_an_absence_holds_at_once(amsel, fink, queue):
    ticket = owned(amsel, queue)
    made = enter(amsel)
    actor = permissions.agent(amsel)
    actions.change_absence(actor=actor, absence=made, plan=plan(end=9 * DAY))
    assert owner_of(ticket) == amsel
    new = plan(end=9 * DAY, deputy=fink, handover=Handover.DEPUTY)
    actions.change_absence(actor=actor, absence=made, plan=new)
    assert owner_of(ticket) == fink
    actions.claim(actor=actor, ticket=ticket)
    longer = plan(end=12 * DAY, deputy=fink, handover=Handover.DEPUTY)
    actions.change_absence(actor=actor, absence=made, plan=longer)
    assert owner_of(ticket) == amsel


def test_what_was_the_agents_at_the_start_is_remembered(amsel, fink, queue):
    first, second = owned(amsel, queue), owned(amsel, queue)
    made = enter(amsel, handover=Handover.QUEUE, tickets={second.pk: Handover.KEEP})
    rows = AbsenceTicket.objects.filter(absence=made).order_by("ticket")
    assert [(row.ticket, row.handover, row.is_chosen) for row in rows] == [
        (first, "queue", False),
        (second, "keep", True),
    ]


def test_rights_lost_before_the_start_count(amsel, fink, queue):
    ticket = owned(amsel, queue)
    made = enter(amsel, start=DAY, end=2 * DAY, deputy=fink, handover=Handover.DEPUTY)
    QueueRight.objects.filter(group__user=fink).delete()
    Absence.objects.filter(pk=made.pk).update(starts_at=timezone.now() - timedelta(seconds=1))
    actions.begin_absences()
    assert owner_of(ticket) is None


@given(
    st.lists(st.integers(0, 3), min_size=4, max_size=4),
    st.frozensets(st.integers(1, 3)),
    st.frozensets(st.integers(1, 3)),
)
def test_a_ticket_never_goes_to_somebody_who_is_away_or_may_not_own_it(deputies, away, without):
    """Whatever the chains and rings: its new owner is there and may own it, or it waits in the queue."""
    Absence.objects.all().delete()
    queue = f.QueueFactory()
    people = [
        f.make_agent(queue, rights=[Right.READ] if number in without else WORKERS)
        for number in range(4)
    ]
    for number in away:
        deputy = people[deputies[number]]
        f.make_absence(people[number], deputy=None if deputy == people[number] else deputy)
    ticket = owned(people[0], queue)
    deputy = people[deputies[0] or 1]
    enter(people[0], deputy=deputy, handover=Handover.DEPUTY)
    allowed = {people[number] for number in {1, 2, 3} - away - without}
    assert owner_of(ticket) in {None, *allowed}
    if deputy in allowed:
        assert owner_of(ticket) == deputy


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_many_workers_hand_over_once(amsel, queue):
    if connection.vendor == "sqlite":
        pytest.skip("SQLite has one writer at a time")
    tickets = [owned(amsel, queue) for _number in range(6)]
    made = enter(amsel, start=DAY, end=2 * DAY, handover=Handover.QUEUE)
    Absence.objects.filter(pk=made.pk).update(starts_at=timezone.now() - timedelta(seconds=1))
    begun: list[int] = []
    start = threading.Barrier(4)

    def work() -> None:
        try:
            start.wait()
            begun.append(actions.begin_absences())
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work) for _number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(begun) == [0, 0, 0, 1]
    told = Event.objects.filter(kind=EventKind.OWNER_CHANGED, data__by="absence")
    assert sorted(told.values_list("ticket", flat=True)) == [one.pk for one in tickets]


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_two_who_enter_at_the_same_moment_make_one_absence(amsel, lead):
    if connection.vendor == "sqlite":
        pytest.skip("SQLite has one writer at a time")
    start = threading.Barrier(2)
    refused: list[str] = []

    def work(by) -> None:
        try:
            start.wait()
            enter(amsel, by=by)
        except InvalidInput as error:
            refused.append(str(error.field))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work, args=(by,)) for by in (amsel, lead)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert refused == ["starts_at"]
    assert Absence.objects.count() == 1
