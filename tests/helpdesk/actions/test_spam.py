from __future__ import annotations

import pytest
from django.utils import timezone

from helpdesk import actions, permissions
from helpdesk.actions import Draft
from helpdesk.errors import InvalidInput, NotPermitted, WrongState
from helpdesk.models import Channel, EventKind, OutboundMail, Queue, Right, SenderBlock, Ticket
from helpdesk.permissions import SYSTEM, visible_tickets
from helpdesk.states import StateType
from tests import factories as f

pytestmark = pytest.mark.django_db


@pytest.fixture
def junk() -> Queue:
    return f.QueueFactory(name="Spam", is_junk=True)


@pytest.fixture
def ticket() -> Ticket:
    return mailed("eve@evil.example")


@pytest.fixture
def agent(ticket):
    """Somebody who may write notes in the ticket's queue, and nothing anywhere else."""
    return permissions.agent(f.make_agent(ticket.queue, rights=[Right.NOTE]))


def mailed(sender: str, queue: Queue | None = None, **options) -> Ticket:
    return actions.open_ticket(
        actor=SYSTEM,
        queue=queue or f.QueueFactory(),
        subject="You won",
        draft=Draft(body="Click here", channel=Channel.EMAIL, from_address=sender),
        customer=None,
        contact="reply@elsewhere.example",
        **options,
    ).ticket


def fresh(ticket: Ticket) -> Ticket:
    return Ticket.objects.select_related("queue", "state").get(pk=ticket.pk)


def test_spam_is_closed_and_goes_to_the_junk_queue_whatever_the_rights_there(ticket, junk, agent):
    actions.mark_spam(actor=agent, ticket=ticket)
    ticket = fresh(ticket)
    assert (ticket.queue, ticket.state.type) == (junk, StateType.CLOSED)
    assert not visible_tickets(agent).exists()
    assert not SenderBlock.objects.exists()


def test_without_a_junk_queue_it_stays_and_is_tagged(ticket, agent):
    where = ticket.queue
    actions.mark_spam(actor=agent, ticket=ticket)
    ticket = fresh(ticket)
    assert (ticket.queue, ticket.state.type) == (where, StateType.CLOSED)
    assert [tag.name for tag in ticket.tags.all()] == ["spam"]
    actions.not_spam(actor=agent, ticket=ticket)
    ticket = fresh(ticket)
    assert ticket.state.type == StateType.OPEN
    assert not ticket.tags.exists()


def test_an_inactive_junk_queue_takes_nothing(ticket, junk, agent):
    Queue.objects.filter(pk=junk.pk).update(is_active=False)
    actions.mark_spam(actor=agent, ticket=ticket)
    assert fresh(ticket).queue == ticket.queue


def outgoing(ticket: Ticket, name: str, state: str, automatic: bool) -> OutboundMail:
    return OutboundMail.objects.create(
        ticket=ticket,
        kind="receipt" if automatic else "answer",
        automatic=automatic,
        state=state,
        message_id=f"<{name}@desk.example>",
        from_address="a@desk.example",
        subject="x",
        body="x",
        due_at=timezone.now(),
    )


def test_automatic_mails_that_wait_are_withdrawn_and_no_others(ticket, junk, agent):
    OutboundMail.objects.all().delete()
    kept = [
        outgoing(ticket, "answer", "queued", False),
        outgoing(ticket, "claimed", "sending", True),
        outgoing(ticket, "gone", "sent", True),
        outgoing(f.make_ticket(), "other", "queued", True),
    ]
    waiting = outgoing(ticket, "waiting", "queued", True)
    before = [row.state for row in kept]
    actions.mark_spam(actor=agent, ticket=ticket)
    waiting.refresh_from_db()
    assert waiting.state == "withdrawn"
    for row in kept:
        row.refresh_from_db()
    assert [row.state for row in kept] == before


def test_not_spam_brings_it_back_as_it_was(ticket, junk, agent):
    owner = f.make_agent(ticket.queue)
    actions.assign(actor=SYSTEM, ticket=ticket, owner=owner)
    before = fresh(ticket)
    actions.mark_spam(actor=agent, ticket=ticket, block=True)
    assert fresh(ticket).owner is None
    keeper = permissions.agent(f.make_agent(junk, rights=[Right.NOTE]))
    actions.not_spam(actor=keeper, ticket=ticket)
    ticket = fresh(ticket)
    assert (ticket.queue, ticket.owner, ticket.state.type) == (before.queue, owner, StateType.OPEN)
    assert ticket.waiting_since == before.waiting_since
    assert not SenderBlock.objects.exists()
    assert ticket.events.filter(kind=EventKind.NOT_SPAM, user=keeper.user).count() == 1


def test_a_ticket_that_was_closed_before_stays_closed(ticket, junk, agent):
    actions.change_state(actor=SYSTEM, ticket=ticket, state=f.state(StateType.CLOSED))
    closed_at = fresh(ticket).closed_at
    actions.mark_spam(actor=agent, ticket=ticket)
    actions.not_spam(actor=SYSTEM, ticket=ticket)
    ticket = fresh(ticket)
    assert (ticket.state.type, ticket.closed_at) == (StateType.CLOSED, closed_at)


def test_block_names_who_the_mail_is_from_and_who_blocked(ticket, junk, agent):
    actions.mark_spam(actor=agent, ticket=ticket, block=True)
    row = SenderBlock.objects.get()
    assert (row.pattern, row.created_by) == ("eve@evil.example", agent.user)


def test_a_block_that_stood_before_stays_afterwards(ticket, junk, agent):
    SenderBlock.objects.create(pattern="eve@evil.example", reason="before")
    actions.mark_spam(actor=agent, ticket=ticket, block=True)
    actions.not_spam(actor=SYSTEM, ticket=ticket)
    assert SenderBlock.objects.get().reason == "before"


@pytest.mark.parametrize("sender", ["it@desk.example", "uta@staff.example"])
def test_our_own_are_not_blocked_and_the_ticket_stays_as_it_is(junk, sender):
    queue = f.QueueAddressFactory(address="it@desk.example").queue
    agent = permissions.agent(f.make_agent(queue, email="uta@staff.example"))
    ticket = mailed(sender, queue)
    events = ticket.events.count()
    with pytest.raises(InvalidInput) as refused:
        actions.mark_spam(actor=agent, ticket=ticket, block=True)
    assert refused.value.field == "block"
    assert (fresh(ticket).queue, fresh(ticket).state.type) == (queue, StateType.NEW)
    assert ticket.events.count() == events


def test_nobody_to_block_is_an_error_at_the_field(junk):
    ticket = f.make_ticket(contact="")
    with pytest.raises(InvalidInput) as refused:
        actions.mark_spam(actor=SYSTEM, ticket=ticket, block=True)
    assert refused.value.field == "block"


def test_sender_is_the_first_message_from_outside_else_the_contact(ticket):
    assert actions.sender_of(ticket) == "eve@evil.example"
    assert actions.sender_of(f.make_ticket(contact="Asker@Mail.example")) == "asker@mail.example"
    assert actions.sender_of(f.make_ticket(contact="")) == ""


@pytest.mark.parametrize("verb", [actions.mark_spam, actions.not_spam])
def test_once_is_enough(ticket, junk, verb):
    if verb is actions.mark_spam:
        verb(actor=SYSTEM, ticket=ticket)
    with pytest.raises(WrongState):
        verb(actor=SYSTEM, ticket=ticket)


@pytest.mark.parametrize("type_", [StateType.REMOVED, StateType.MERGED])
def test_what_is_removed_or_merged_is_not_spam(ticket, junk, type_):
    Ticket.objects.filter(pk=ticket.pk).update(state=f.state(type_))
    with pytest.raises(WrongState):
        actions.mark_spam(actor=SYSTEM, ticket=ticket)
    assert fresh(ticket).queue == ticket.queue


def test_not_spam_asks_for_note_in_the_junk_queue(ticket, junk, agent):
    actions.mark_spam(actor=agent, ticket=ticket)
    with pytest.raises(NotPermitted):
        actions.not_spam(actor=agent, ticket=ticket)
    assert fresh(ticket).queue == junk


# --- spam by mail ------------------------------------------------------------------------------------


def test_mail_taken_for_spam_gets_no_receipt_and_goes_back_where_it_was_addressed(junk):
    home = f.QueueFactory()
    ticket = mailed("eve@evil.example", junk, withheld="spam")
    actions.note_spam(actor=SYSTEM, ticket=ticket, queue=home)
    assert not OutboundMail.objects.exists()
    assert ticket.events.get(kind=EventKind.RECEIPT_WITHHELD).data == {"reason": "spam"}
    assert fresh(ticket).state.type == StateType.NEW
    actions.not_spam(actor=SYSTEM, ticket=ticket)
    assert (fresh(ticket).queue, fresh(ticket).state.type) == (home, StateType.NEW)


def test_it_may_be_confirmed_and_still_goes_back(junk):
    home = f.QueueFactory()
    ticket = mailed("eve@evil.example", junk, withheld="spam")
    actions.note_spam(actor=SYSTEM, ticket=ticket, queue=home)
    actions.mark_spam(actor=SYSTEM, ticket=ticket, block=True)
    assert (fresh(ticket).queue, fresh(ticket).state.type) == (junk, StateType.CLOSED)
    actions.not_spam(actor=SYSTEM, ticket=ticket)
    assert (fresh(ticket).queue, fresh(ticket).state.type) == (home, StateType.OPEN)
    assert not SenderBlock.objects.exists()


def test_nothing_in_the_junk_queue_is_ever_answered_automatically(junk):
    ticket = mailed("eve@evil.example", junk)
    assert not OutboundMail.objects.exists()
    assert ticket.events.get(kind=EventKind.RECEIPT_WITHHELD).data == {"reason": "junk"}


def test_a_ticket_moved_there_by_hand_goes_back_whence_it_was_moved(ticket, junk):
    actions.move(actor=SYSTEM, ticket=ticket, queue=junk)
    actions.not_spam(actor=SYSTEM, ticket=ticket)
    assert fresh(ticket).queue == ticket.queue


def test_one_of_which_nobody_knows_more_has_to_be_moved(junk):
    ticket = mailed("eve@evil.example", junk)
    with pytest.raises(WrongState):
        actions.not_spam(actor=SYSTEM, ticket=ticket)
    assert fresh(ticket).queue == junk
