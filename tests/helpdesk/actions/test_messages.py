from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from helpdesk import actions, permissions
from helpdesk.actions import Draft, Upload
from helpdesk.errors import AlreadyDone, InvalidInput, NotFound, WrongState
from helpdesk.models import Channel, EventKind, OutboundMail, Sender, Ticket
from helpdesk.states import StateType
from tests import factories as f

pytestmark = pytest.mark.django_db

SYSTEM = permissions.SYSTEM


def draft(body: str = "Words.", channel: Channel = Channel.EMAIL, **options: object) -> Draft:
    return Draft(body=body, channel=channel, **options)


@pytest.fixture
def ticket():
    """A ticket nobody can be mailed about."""
    return f.make_ticket(contact="")


@pytest.fixture
def agent(ticket):
    return permissions.agent(f.make_agent(ticket.queue))


def close(ticket):
    return actions.change_state(actor=SYSTEM, ticket=ticket, state=f.state(StateType.CLOSED))


def stranger_writes(ticket, **options):
    options.setdefault("from_address", "Eve@evil.example")
    message = draft("Let me in.", verified=False, **options)
    return actions.receive_message(actor=SYSTEM, ticket=ticket, draft=message, visible=False)


# --- answers -------------------------------------------------------------------------------------


def test_answer_without_contact_is_read_on_the_site_and_mails_nobody(ticket, agent):
    article = actions.answer(actor=agent, ticket=ticket, draft=draft())
    assert (article.visible, article.sender, article.author) == (True, Sender.AGENT, agent.user)
    assert not OutboundMail.objects.exists()
    ticket.refresh_from_db()
    assert (ticket.state.type, ticket.owner) == (StateType.OPEN, agent.user)
    assert (ticket.waiting_since, ticket.preview) == (None, "Words.")


def test_answer_goes_to_the_contact_and_copied_people_take_part(agent, ticket):
    ticket = f.make_ticket(ticket.queue)
    article = actions.answer(
        actor=agent, ticket=ticket, draft=draft(), cc=(("Bo", "Bo@Mail.Example"),)
    )
    row = OutboundMail.objects.get(article=article)
    assert row.to == [[str(ticket.customer), ticket.contact]]
    assert row.cc[0][0] == "Bo"
    assert ticket.participants.get().normalised == "bo@mail.example"


def test_answer_leaves_an_owned_ticket_to_its_owner(ticket, agent):
    owner = f.make_agent(ticket.queue)
    actions.assign(actor=SYSTEM, ticket=ticket, owner=owner)
    actions.answer(actor=agent, ticket=ticket, draft=draft())
    ticket.refresh_from_db()
    assert ticket.owner == owner


def test_answer_by_somebody_who_may_not_own_leaves_it_unowned(ticket):
    agent = permissions.agent(f.make_agent(ticket.queue, rights=["answer"]))
    actions.answer(actor=agent, ticket=ticket, draft=draft())
    ticket.refresh_from_db()
    assert ticket.owner is None


def test_answer_sets_the_state_with_its_date(ticket, agent):
    date = timezone.now() + timedelta(days=1)
    actions.answer(
        actor=agent,
        ticket=ticket,
        draft=draft(),
        state=f.state(StateType.PENDING_AUTO),
        pending_until=date,
    )
    ticket.refresh_from_db()
    assert (ticket.state.type, ticket.pending_until) == (StateType.PENDING_AUTO, date)


def test_answer_with_an_impossible_state_is_not_written_at_all(ticket, agent):
    with pytest.raises(InvalidInput):
        actions.answer(
            actor=agent, ticket=ticket, draft=draft(), state=f.state(StateType.PENDING_AUTO)
        )
    assert ticket.articles.count() == 1
    assert ticket.events.count() == 1


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"cc": (("", "bo@mail.example"),)}, "to"),
        ({"bcc": (("", "bo@mail.example"),)}, "to"),
        ({"to": (("", "nobody"),)}, "to"),
        ({"to": (("", ""),)}, "to"),
        ({"to": (("", "a@b.example"),), "cc": (("", "two words@b.example"),)}, "cc"),
        ({"to": (("", "a@b.example"),), "bcc": (("", "@"),)}, "bcc"),
    ],
)
def test_answer_with_impossible_recipients_is_refused_at_their_field(ticket, agent, options, field):
    with pytest.raises(InvalidInput) as refusal:
        actions.answer(actor=agent, ticket=ticket, draft=draft(), **options)
    assert refusal.value.field == field
    assert ticket.articles.count() == 1
    assert not ticket.participants.exists()


@pytest.mark.parametrize("verb", [actions.answer, actions.add_note])
def test_something_must_be_written(ticket, agent, verb):
    with pytest.raises(InvalidInput) as refusal:
        verb(actor=agent, ticket=ticket, draft=draft(" \n"))
    assert refusal.value.field == "body"
    verb(actor=agent, ticket=ticket, draft=draft("", files=(Upload("a.txt", b"a"),)))
    assert ticket.articles.count() == 2


@pytest.mark.parametrize(
    "verb",
    [
        actions.answer,
        actions.add_note,
        actions.receive_message,
        lambda **options: actions.log_call(**options, inbound=True),
    ],
)
def test_one_submission_is_one_article(ticket, agent, verb):
    once = draft(idempotency_key="once")
    first = verb(actor=agent, ticket=ticket, draft=once)
    ticket.refresh_from_db()
    version, events = ticket.version, ticket.events.count()
    with pytest.raises(AlreadyDone) as done:
        verb(actor=agent, ticket=ticket, draft=once)
    assert done.value.existing == first
    ticket.refresh_from_db()
    assert (ticket.version, ticket.events.count()) == (version, events)


# --- notes and calls -----------------------------------------------------------------------------


def test_note_is_internal_and_moves_no_clock(ticket, agent):
    before = (ticket.state, ticket.waiting_since, ticket.preview, ticket.owner)
    note = actions.add_note(actor=agent, ticket=ticket, draft=draft("Secret."))
    ticket.refresh_from_db()
    assert (note.visible, note.channel) == (False, Channel.NOTE)
    assert (ticket.state, ticket.waiting_since, ticket.preview, ticket.owner) == before
    person = permissions.customer(ticket.customer)
    assert note not in permissions.visible_articles(person, ticket)
    assert note in permissions.visible_articles(agent, ticket)


@pytest.mark.parametrize(
    ("inbound", "sender", "waits"), [(True, Sender.CUSTOMER, True), (False, Sender.AGENT, False)]
)
def test_a_call_is_a_message_of_who_called(ticket, agent, inbound, sender, waits):
    article = actions.log_call(actor=agent, ticket=ticket, draft=draft(), inbound=inbound)
    ticket.refresh_from_db()
    assert (article.sender, article.visible, article.channel) == (sender, True, Channel.PHONE)
    assert (ticket.waiting_since is not None) == waits
    assert ticket.events.get(kind=EventKind.CALL_LOGGED).data == {"inbound": inbound}


def test_a_call_on_a_closed_ticket_leaves_nobody_waiting(ticket, agent):
    close(ticket)
    actions.log_call(actor=agent, ticket=ticket, draft=draft(), inbound=True)
    ticket.refresh_from_db()
    assert (ticket.state.type, ticket.waiting_since) == (StateType.CLOSED, None)


# --- forwards ------------------------------------------------------------------------------------


def test_forward_is_internal(ticket, agent):
    original = ticket.articles.get()
    article = actions.forward(
        actor=agent,
        ticket=ticket,
        draft=draft("Can you help?"),
        original=original,
        to=(("Firm", "firm@vendor.example"),),
    )
    assert not article.visible
    assert ticket.events.get(kind=EventKind.FORWARDED).data == {"article": original.pk}
    assert OutboundMail.objects.get().kind == OutboundMail.Kind.FORWARD
    ticket.refresh_from_db()
    assert ticket.waiting_since is not None
    assert not ticket.participants.exists()


@pytest.mark.parametrize("to", [(), (("Firm", "nobody"),)])
def test_forward_needs_a_recipient(ticket, agent, to):
    with pytest.raises(InvalidInput) as refusal:
        actions.forward(actor=agent, ticket=ticket, draft=draft(), original=None, to=to)
    assert refusal.value.field == "to"


def test_forward_takes_nothing_from_another_ticket(ticket, agent):
    secret = f.make_ticket(body="Not yours.").articles.get()
    with pytest.raises(NotFound):
        actions.forward(
            actor=agent,
            ticket=ticket,
            draft=draft(),
            original=secret,
            to=(("Firm", "firm@vendor.example"),),
        )
    assert not OutboundMail.objects.exists()


# --- messages from outside -----------------------------------------------------------------------


def test_waiting_since_stays_at_the_first_unanswered_message(ticket, agent):
    first = ticket.waiting_since
    actions.receive_message(actor=SYSTEM, ticket=ticket, draft=draft("Well?"))
    ticket.refresh_from_db()
    assert ticket.waiting_since == first
    actions.answer(actor=agent, ticket=ticket, draft=draft())
    article = actions.receive_message(actor=SYSTEM, ticket=ticket, draft=draft("Thanks, but"))
    ticket.refresh_from_db()
    assert (ticket.waiting_since, ticket.preview) == (article.created_at, "Thanks, but")


@pytest.mark.parametrize("type_", [StateType.PENDING_REMINDER, StateType.PENDING_AUTO])
def test_a_message_wakes_a_waiting_ticket(ticket, type_):
    date = timezone.now() + timedelta(days=1)
    actions.change_state(actor=SYSTEM, ticket=ticket, state=f.state(type_), pending_until=date)
    actions.receive_message(actor=SYSTEM, ticket=ticket, draft=draft())
    ticket.refresh_from_db()
    assert (ticket.state.type, ticket.pending_until) == (StateType.OPEN, None)


@pytest.mark.parametrize("options", [{"machine": "auto_reply"}, {"verified": False}])
def test_machines_and_strangers_move_nothing(ticket, agent, options):
    actions.claim(actor=agent, ticket=ticket)
    close(ticket)
    ticket.refresh_from_db()
    before = (ticket.state, ticket.owner, ticket.waiting_since, ticket.preview, ticket.closed_at)
    actions.receive_message(
        actor=SYSTEM, ticket=ticket, draft=draft(**options), visible="machine" in options
    )
    ticket.refresh_from_db()
    after = (ticket.state, ticket.owner, ticket.waiting_since, ticket.preview, ticket.closed_at)
    assert after == before


def test_a_message_on_the_web_to_a_closed_ticket_that_refuses_is_told(ticket):
    ticket.queue.follow_up = "refuse"
    ticket.queue.save()
    close(ticket)
    with pytest.raises(WrongState):
        actions.receive_message(actor=SYSTEM, ticket=ticket, draft=draft(channel=Channel.WEB))
    assert ticket.articles.count() == 1
    article = actions.receive_message(actor=SYSTEM, ticket=ticket, draft=draft())
    ticket.refresh_from_db()
    assert (article.ticket, ticket.waiting_since) == (ticket, None)


@pytest.fixture
def continued(ticket):
    ticket.queue.follow_up = "new"
    ticket.queue.save()
    return close(f.make_ticket(ticket.queue, contact="ina@mail.example", channel=Channel.EMAIL))


def test_a_new_ticket_continues_a_closed_one_once(continued):
    message = draft(
        subject=f"AW: [Ticket#{continued.number}] Printer again", idempotency_key="once"
    )
    article = actions.receive_message(
        actor=SYSTEM, ticket=continued, draft=message, customer=continued.customer
    )
    new = article.ticket
    assert (new.subject, new.contact, new.customer) == (
        "Printer again",
        "ina@mail.example",
        continued.customer,
    )
    assert continued.links_in.get().source == new
    with pytest.raises(AlreadyDone) as done:
        actions.receive_message(actor=SYSTEM, ticket=continued, draft=message)
    assert done.value.existing == article
    assert Ticket.objects.filter(links_out__target=continued).count() == 1


def test_a_participants_new_ticket_is_the_participants(continued):
    bo = f.CustomerAddressFactory(address="bo@mail.example").customer
    article = actions.receive_message(
        actor=SYSTEM, ticket=continued, draft=draft(from_address="Bo@mail.example"), customer=bo
    )
    assert (article.ticket.customer, article.ticket.contact) == (bo, "bo@mail.example")


# --- strangers -----------------------------------------------------------------------------------


def test_an_accepted_sender_is_visible_waits_and_takes_part(ticket, agent):
    actions.answer(actor=agent, ticket=ticket, draft=draft())
    article = stranger_writes(ticket)
    accepted = actions.accept_sender(actor=agent, ticket=ticket, article=article)
    ticket.refresh_from_db()
    assert (accepted.visible, accepted.verified) == (True, True)
    assert ticket.waiting_since == article.created_at
    assert ticket.participants.get().normalised == "eve@evil.example"
    with pytest.raises(AlreadyDone):
        actions.accept_sender(actor=agent, ticket=ticket, article=article)


def test_accepting_reopens_a_closed_ticket(ticket, agent):
    article = stranger_writes(close(ticket))
    actions.accept_sender(actor=agent, ticket=ticket, article=article)
    ticket.refresh_from_db()
    assert (ticket.state.type, ticket.waiting_since) == (StateType.OPEN, article.created_at)


def test_accepting_on_a_ticket_that_stays_closed_leaves_nobody_waiting(ticket, agent):
    ticket.queue.follow_up = "refuse"
    ticket.queue.save()
    article = stranger_writes(close(ticket))
    actions.accept_sender(actor=agent, ticket=ticket, article=article)
    ticket.refresh_from_db()
    assert (ticket.state.type, ticket.waiting_since) == (StateType.CLOSED, None)


@pytest.mark.parametrize("address", ["", "no address", "x" * 300 + "@mail.example"])
def test_accepting_a_sender_without_address_adds_nobody(ticket, agent, address):
    article = stranger_writes(ticket, from_address=address)
    actions.accept_sender(actor=agent, ticket=ticket, article=article)
    assert not ticket.participants.exists()


def test_a_message_of_another_ticket_cannot_be_accepted_here(ticket, agent):
    article = stranger_writes(f.make_ticket())
    with pytest.raises(NotFound):
        actions.accept_sender(actor=agent, ticket=ticket, article=article)
    article.refresh_from_db()
    assert not article.visible
