from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from helpdesk import actions, permissions
from helpdesk.actions import Draft
from helpdesk.errors import InvalidInput, NotPermitted
from helpdesk.models import (
    Channel,
    EventKind,
    InboundMail,
    Merge,
    RetentionSettings,
    Right,
    Ticket,
)
from helpdesk.permissions import SYSTEM
from helpdesk.rules.terms import Objection, Terms
from helpdesk.states import StateType
from tests import factories as f

pytestmark = pytest.mark.django_db

WEB = Channel.WEB
SAID = "said so on the phone"


@pytest.fixture
def queue():
    return f.QueueAddressFactory(queue__name="Print", queue__slug="print").queue


@pytest.fixture
def agent(queue):
    return permissions.agent(f.make_agent(queue))


@pytest.fixture
def pair(queue):
    """Two tickets of one customer."""
    person = f.CustomerAddressFactory(verified_at=timezone.now()).customer
    return tuple(f.make_ticket(queue, subject=f"P {n}", customer=person) for n in (1, 2))


@pytest.fixture
def strangers(queue):
    """Two tickets of two customers: the source and the target."""
    return tuple(f.make_ticket(queue, subject=f"D {n}") for n in (1, 2))


def again(*tickets: Ticket) -> None:
    for ticket in tickets:
        ticket.refresh_from_db()


def asker(ticket: Ticket) -> permissions.Actor:
    return permissions.link_bearer(ticket)


def object_to(ticket: Ticket, *, days: int | None = None) -> None:
    """Let the customer of a ticket object, at a time when so many days are promised."""
    if days is not None:
        RetentionSettings(objection_days=days).save()
    actions.object_to_storage(actor=asker(ticket), ticket=ticket, channel=WEB)


def withdraw(ticket: Ticket) -> None:
    actions.withdraw_objection(actor=asker(ticket), ticket=ticket)


def changes(ticket: Ticket) -> list[Any]:
    found = ticket.events.filter(kind=EventKind.OBJECTION_CHANGED).order_by("pk")
    return [row["objected"] for row in found.values_list("data", flat=True)]


def days_kept(ticket: Ticket) -> int:
    """Return for how many days after its closing a ticket stays, by its date."""
    assert ticket.erase_at is not None
    assert ticket.closed_at is not None
    last = timezone.localtime(ticket.erase_at - timedelta(seconds=1)).date()
    return (last - timezone.localtime(ticket.closed_at).date()).days


def closed(ticket: Ticket) -> Ticket:
    actions.change_state(actor=SYSTEM, ticket=ticket, state=f.state(StateType.CLOSED))
    again(ticket)
    return ticket


# --- noting ------------------------------------------------------------------------------------


def test_an_agent_notes_it_for_a_reason_and_by_the_channel_it_came(agent, queue):
    ticket = f.make_ticket(queue)
    for reason in ("", "  \n "):
        with pytest.raises(InvalidInput) as caught:
            actions.object_to_storage(
                actor=agent, ticket=ticket, channel=Channel.PHONE, reason=reason
            )
        assert caught.value.field == "reason"
    actions.object_to_storage(actor=agent, ticket=ticket, channel=Channel.PHONE, reason=SAID)
    again(ticket)
    assert (ticket.objection_reason, ticket.objection_channel) == (SAID, Channel.PHONE)
    assert ticket.objection_days == 14
    event = ticket.events.get(kind=EventKind.OBJECTION_CHANGED)
    assert event.user == agent.user
    assert event.data == {"objected": True, "channel": "phone", "days": 14}
    assert event.content == {"reason": SAID}


def test_noting_and_withdrawing_ask_for_the_right_to_answer(queue):
    ticket = f.make_ticket(queue)
    for right in sorted(set(Right) - {Right.ANSWER}):
        actor = permissions.agent(f.make_agent(queue, rights=[right]))
        with pytest.raises(NotPermitted):
            actions.object_to_storage(actor=actor, ticket=ticket, channel=WEB, reason=SAID)
        with pytest.raises(NotPermitted):
            actions.withdraw_objection(actor=actor, ticket=ticket, reason=SAID)
    answering = permissions.agent(f.make_agent(queue, rights=[Right.ANSWER]))
    actions.object_to_storage(actor=answering, ticket=ticket, channel=WEB, reason=SAID)
    actions.withdraw_objection(actor=answering, ticket=ticket, reason=SAID)
    assert changes(ticket) == [True, False]


def test_the_days_are_those_of_the_moment_and_stay(queue):
    ticket = f.make_ticket(queue)
    object_to(ticket, days=7)
    RetentionSettings(objection_days=30).save()
    closed(ticket)
    assert ticket.objection_days == 7
    assert "7 " in ticket.objection_wording
    assert days_kept(ticket) == 7


def test_an_objection_to_a_closed_request_moves_its_date_and_withdrawing_moves_it_back(queue):
    ticket = closed(f.make_ticket(queue))
    assert days_kept(ticket) == 730
    object_to(ticket)
    again(ticket)
    assert days_kept(ticket) == 14
    withdraw(ticket)
    again(ticket)
    assert days_kept(ticket) == 730
    assert ticket.objected_at is ticket.objection_days is None
    assert ticket.objection_wording == ticket.objection_channel == ticket.objection_reason == ""


def test_one_to_what_was_closed_long_ago_is_due_at_once_and_can_be_withdrawn_until_it_is_gone(
    queue,
):
    with time_machine.travel(datetime(2026, 1, 1, 12, tzinfo=UTC)):
        ticket = closed(f.make_ticket(queue))
    with time_machine.travel(datetime(2026, 11, 1, 12, tzinfo=UTC)):
        object_to(ticket)
        again(ticket)
        assert ticket.erase_at < timezone.now()
        assert Ticket.objects.filter(storage_step_at__lte=timezone.now()).get() == ticket
        withdraw(ticket)
        again(ticket)
        assert ticket.erase_at > timezone.now()


def test_an_objection_to_a_request_that_is_due_already_makes_it_no_later(queue):
    with time_machine.travel(datetime(2022, 1, 1, 12, tzinfo=UTC)):
        ticket = closed(f.make_ticket(queue, terms=Terms(retention_days=5)))
        before = ticket.erase_at
    object_to(ticket)
    again(ticket)
    assert ticket.erase_at == before


# --- withdrawing -------------------------------------------------------------------------------


def test_withdrawing_what_is_not_there_changes_nothing(queue, agent):
    ticket = f.make_ticket(queue)
    again(ticket)
    version = ticket.version
    withdraw(ticket)
    actions.withdraw_objection(actor=agent, ticket=ticket, reason=SAID)
    again(ticket)
    assert ticket.version == version
    assert changes(ticket) == []


def test_an_agent_withdraws_it_at_the_customers_word(queue, agent):
    ticket = f.make_ticket(queue)
    object_to(ticket)
    with pytest.raises(InvalidInput) as caught:
        actions.withdraw_objection(actor=agent, ticket=ticket)
    assert caught.value.field == "reason"
    actions.withdraw_objection(actor=agent, ticket=ticket, reason=SAID)
    again(ticket)
    assert ticket.objected_at is None
    event = ticket.events.filter(kind=EventKind.OBJECTION_CHANGED).latest("pk")
    assert (event.data, event.content) == ({"objected": False}, {"reason": SAID})


def test_who_only_takes_part_withdraws_nothing(queue):
    ticket = f.make_ticket(queue)
    object_to(ticket)
    person = actions.invite(actor=SYSTEM, ticket=ticket, address="friend@mail.example")
    row = ticket.participants.get()
    assert person is not None
    for actor in (permissions.invited(row), permissions.customer(f.CustomerFactory())):
        with pytest.raises(NotPermitted):
            actions.withdraw_objection(actor=actor, ticket=ticket)
    again(ticket)
    assert ticket.objected_at


def test_who_withdrew_may_object_again(queue):
    ticket = f.make_ticket(queue)
    object_to(ticket)
    withdraw(ticket)
    object_to(ticket)
    object_to(ticket)
    assert changes(ticket) == [True, False, True]


# --- merged, one customer ----------------------------------------------------------------------


@pytest.mark.parametrize("on", [0, 1])
def test_it_survives_a_merge_and_is_withdrawn_on_both(pair, agent, on):
    source, target = pair
    object_to(pair[on])
    actions.merge(actor=agent, source=source, target=target)
    again(source, target)
    assert target.objected_at
    closed(target)
    assert days_kept(target) == 14
    withdraw(source if on else target)  # the old link counts as well as the new one
    again(source, target)
    assert source.objected_at is target.objected_at is None
    assert days_kept(target) == 730


def test_the_fewest_days_hold_after_a_merge(pair, agent):
    source, target = pair
    object_to(target, days=20)
    object_to(source, days=5)
    actions.merge(actor=agent, source=source, target=target)
    closed(target)
    assert target.objection_days == 5
    assert days_kept(target) == 5


def test_taking_a_merge_back_after_the_withdrawal_brings_nothing_back(pair, agent):
    source, target = pair
    object_to(source)
    journal = actions.merge(actor=agent, source=source, target=target)
    again(source, target)
    withdraw(target)
    actions.unmerge(actor=agent, merge=journal)
    again(source, target)
    assert source.objected_at is target.objected_at is None


# --- merged, customers who differ --------------------------------------------------------------


def test_anothers_objection_holds_and_only_they_withdraw_it(strangers, agent):
    source, target = strangers
    object_to(source)
    actions.merge(actor=agent, source=source, target=target, visible=False)
    again(source, target)
    assert target.objected_at == source.objected_at
    assert actions.joined_from(target) == source
    withdraw(target)
    again(source, target)
    assert source.objected_at
    assert target.objected_at
    withdraw(source)
    again(source, target)
    assert source.objected_at is target.objected_at is None
    assert changes(target) == [False]


def test_both_object_and_each_withdraws_only_their_own(strangers, agent):
    source, target = strangers
    actions.merge(actor=agent, source=source, target=target, visible=False)
    again(source, target)
    object_to(source)
    again(source, target)
    assert target.objected_at == source.objected_at
    object_to(target)  # their own, although one stands there already
    again(source, target)
    assert target.objected_at != source.objected_at
    assert actions.joined_from(target) is None
    withdraw(source)
    again(source, target)
    assert source.objected_at is None
    assert target.objected_at
    object_to(source)
    again(source, target)
    withdraw(target)
    again(source, target)
    assert target.objected_at == source.objected_at is not None
    assert actions.joined_from(target) == source
    assert changes(target)[-2:] == [False, True]
    withdraw(source)
    again(target)
    assert target.objected_at is None


def test_ones_own_stays_ones_own_with_the_fewest_days_of_both(strangers, agent):
    source, target = strangers
    object_to(target, days=20)
    object_to(source, days=5)
    again(target)
    own = target.objected_at
    actions.merge(actor=agent, source=source, target=target, visible=False)
    again(source, target)
    assert (target.objected_at, target.objection_days) == (own, 5)
    withdraw(source)
    again(target)
    assert target.objected_at == own


def test_an_agent_who_writes_down_a_withdrawal_lifts_no_others(strangers, agent):
    source, target = strangers
    object_to(source)
    actions.merge(actor=agent, source=source, target=target, visible=False)
    again(target)
    actions.withdraw_objection(actor=agent, ticket=target, reason=SAID)
    again(target)
    assert target.objected_at


def test_of_two_merges_one_is_taken_back_and_the_others_objection_still_holds(queue, agent):
    target, *sources = [f.make_ticket(queue, subject=f"T {n}") for n in range(3)]
    for one in sources:
        object_to(one)
        actions.merge(actor=agent, source=one, target=target, visible=False)
    again(target, *sources)
    assert target.objected_at == sources[0].objected_at
    actions.unmerge(actor=agent, merge=Merge.objects.get(source=sources[0]))
    again(target)
    assert target.objected_at == sources[1].objected_at
    actions.unmerge(actor=agent, merge=Merge.objects.get(source=sources[1]))
    again(target)
    assert target.objected_at is None
    assert target.objection_reason == ""


def test_an_objection_made_after_the_merge_leaves_with_its_ticket(strangers, agent):
    source, target = strangers
    journal = actions.merge(actor=agent, source=source, target=target, visible=False)
    again(source)
    object_to(source)
    actions.unmerge(actor=agent, merge=journal)
    again(source, target)
    assert source.objected_at
    assert target.objected_at is None


def test_the_journal_of_a_merge_holds_no_words(pair, agent):
    source, target = pair
    actions.object_to_storage(actor=agent, ticket=source, channel=WEB, reason="Zimtschnecke")
    journal = actions.merge(actor=agent, source=source, target=target)
    assert "Zimtschnecke" not in str(journal.moved)
    again(target)
    assert target.objection_reason == "Zimtschnecke"
    actions.unmerge(actor=agent, merge=journal)
    again(source, target)
    assert (source.objection_reason, target.objection_reason) == ("Zimtschnecke", "")


@pytest.mark.parametrize("on", [0, 1])
def test_one_made_while_merged_holds_on_both_when_the_merge_is_taken_back(pair, agent, on):
    source, target = pair
    journal = actions.merge(actor=agent, source=source, target=target)
    again(*pair)
    object_to(pair[on], days=9)
    actions.unmerge(actor=agent, merge=journal)
    again(*pair)
    assert [one.objection_days for one in pair] == [9, 9]
    assert source.objected_at == target.objected_at is not None
    assert (changes(source), changes(target)) == ([True], [True])
    assert days_kept(closed(source)) == 9
    withdraw(source)
    again(*pair)
    assert (source.objected_at, target.objected_at is not None) == (None, True)


def test_one_of_before_the_merge_stays_with_its_ticket_when_it_is_taken_back(pair, agent):
    source, target = pair
    object_to(target)
    again(target)
    journal = actions.merge(actor=agent, source=source, target=target)
    actions.unmerge(actor=agent, merge=journal)
    again(*pair)
    assert (source.objected_at, target.objected_at is not None) == (None, True)


def test_one_made_by_another_customer_while_merged_does_not_go_along(strangers, agent):
    source, target = strangers
    journal = actions.merge(actor=agent, source=source, target=target, visible=False)
    again(target)
    object_to(target)
    actions.unmerge(actor=agent, merge=journal)
    again(*strangers)
    assert (source.objected_at, target.objected_at is not None) == (None, True)


# --- split and continued -----------------------------------------------------------------------


def test_what_is_split_off_keeps_the_objection_of_whose_words_they_are(strangers, agent, queue):
    source, target = strangers
    object_to(source)
    theirs = source.articles.get()
    actions.merge(actor=agent, source=source, target=target, visible=False)
    again(target)
    own = target.articles.exclude(pk=theirs.pk).get()
    theirs.refresh_from_db()
    parts = [
        actions.split(actor=agent, ticket=target, article=one, queue=queue, subject="Part").ticket
        for one in (theirs, own)
    ]
    assert [one.objected_at is not None for one in parts] == [True, False]
    closed(parts[0])
    assert days_kept(parts[0]) == 14


def test_what_is_split_off_keeps_what_its_customer_objected_to_where_it_lay(pair, agent, queue):
    """Hidden though both are one customer's: the words are of the source, the objection was made to the target."""
    source, target = pair
    theirs = source.articles.get()
    actions.merge(actor=agent, source=source, target=target, visible=False)
    again(target)
    object_to(target, days=9)
    theirs.refresh_from_db()
    part = actions.split(actor=agent, ticket=target, article=theirs, queue=queue, subject="Part")
    assert days_kept(closed(part.ticket)) == 9


def test_a_message_that_becomes_a_ticket_of_its_own_takes_the_objection_along(queue, agent):
    person = f.CustomerAddressFactory(verified_at=timezone.now())
    ticket = f.make_ticket(queue, customer=person.customer, contact=person.normalised)
    object_to(ticket)
    for sender, is_own in ((person.normalised, True), ("eve@mail.example", False)):
        article = actions.receive_message(
            actor=SYSTEM,
            ticket=ticket,
            draft=Draft(body="Else", channel=Channel.EMAIL, from_address=sender),
        )
        opened = actions.make_own_ticket(actor=agent, ticket=ticket, article=article)
        assert (opened.ticket.objected_at is not None) == is_own
    assert not InboundMail.objects.exists()


@pytest.mark.parametrize("is_other", [False, True])
def test_a_request_that_goes_on_elsewhere_takes_the_objection_along(is_other):
    queue = f.QueueFactory(follow_up="new")
    ticket = closed(f.make_ticket(queue))
    object_to(ticket)
    writer = f.CustomerFactory() if is_other else ticket.customer
    article = actions.receive_message(
        actor=SYSTEM,
        ticket=ticket,
        draft=Draft(body="Still", channel=Channel.EMAIL, from_address="who@mail.example"),
        customer=writer,
    )
    assert article.ticket_id != ticket.pk
    assert (article.ticket.objected_at is None) == is_other


def test_one_made_at_the_opening_is_withdrawn_like_any_other(queue):
    objection = Objection(timezone.now(), "I object.", "web", 14)
    ticket = f.make_ticket(queue, terms=Terms(retention_days=730, objection=objection))
    withdraw(ticket)
    again(ticket)
    assert ticket.objected_at is None
    assert changes(ticket) == [False]
