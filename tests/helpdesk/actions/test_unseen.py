"""No answer goes out over the head of a colleague or a customer who was faster."""

from __future__ import annotations

import threading

import pytest
from django.db import connection, transaction

from helpdesk import actions, permissions
from helpdesk.actions import Draft
from helpdesk.actions.unseen import Sight, sight_of
from helpdesk.errors import AlreadyDone, StaleField, StaleView
from helpdesk.models import Article, Channel, OutboundMail, Priority, Ticket, TicketType
from helpdesk.states import StateType
from tests import factories as f

pytestmark = pytest.mark.django_db


@pytest.fixture
def ticket():
    return f.make_ticket(f.QueueAddressFactory().queue)


@pytest.fixture
def fink(ticket):
    return permissions.agent(f.make_agent(ticket.queue, first_name="Fink"))


@pytest.fixture
def amsel(ticket):
    return permissions.agent(f.make_agent(ticket.queue, first_name="Amsel"))


def words(text="Hello", **options):
    return Draft(body=text, channel=Channel.EMAIL, **options)


def answer(actor, ticket, seen=None, text="Hello", **options):
    return actions.answer(actor=actor, ticket=ticket, draft=words(text), seen=seen, **options)


def note(actor, ticket, seen=None, text="Aside"):
    return actions.add_note(actor=actor, ticket=ticket, draft=words(text), seen=seen)


def forward(actor, ticket, seen=None):
    to = (("", "firm@vendor.example"),)
    return actions.forward(
        actor=actor, ticket=ticket, draft=words(), original=None, to=to, seen=seen
    )


def from_customer(ticket, text="One more thing", **options):
    draft = Draft(body=text, channel=Channel.WEB, **options)
    return actions.receive_message(actor=permissions.SYSTEM, ticket=ticket, draft=draft)


def stopped(verb, actor, ticket, seen, **options):
    """Return what the verb names as new; it must write nothing."""
    before = Article.objects.count(), OutboundMail.objects.count()
    with pytest.raises(StaleView) as caught:
        verb(actor, ticket, seen, **options)
    assert (Article.objects.count(), OutboundMail.objects.count()) == before
    return caught.value


@pytest.mark.parametrize("verb", [answer, note, forward])
@pytest.mark.parametrize("other", [answer, note, from_customer])
def test_newer_words_of_others_stop_a_message_once(verb, other, ticket, fink, amsel):
    seen = sight_of(ticket)
    newer = from_customer(ticket) if other is from_customer else other(fink, ticket)
    error = stopped(verb, amsel, ticket, seen)
    assert error.articles == (newer,)
    assert verb(amsel, ticket, error.sight).pk  # read now, and sent again


@pytest.mark.parametrize("verb", [answer, note, forward])
def test_own_words_stop_nothing(verb, ticket, amsel):
    seen = sight_of(ticket)
    note(amsel, ticket)
    answer(amsel, ticket)
    assert verb(amsel, ticket, seen).pk


def test_machine_mail_stops_nothing(ticket, amsel):
    seen = sight_of(ticket)
    from_customer(ticket, machine="auto_reply")
    assert answer(amsel, ticket, seen).pk


def test_what_was_taken_back_stops_nothing(ticket, fink, amsel):
    seen = sight_of(ticket)
    article = answer(fink, ticket)
    actions.take_back(actor=fink, ticket=ticket, article=article)
    assert answer(amsel, ticket, seen).pk


def test_without_sight_nothing_is_asked(ticket, fink, amsel):
    answer(fink, ticket)
    assert answer(amsel, ticket).pk


def test_a_repeated_submission_is_done_already_whatever_came_since(ticket, fink, amsel):
    seen = sight_of(ticket)
    draft = words(idempotency_key="once")
    actions.answer(actor=amsel, ticket=ticket, draft=draft, seen=seen)
    answer(fink, ticket)
    with pytest.raises(AlreadyDone):
        actions.answer(actor=amsel, ticket=ticket, draft=draft, seen=seen)


@pytest.mark.parametrize("how", ["closed", "moved", "assigned"])
def test_a_ticket_that_is_elsewhere_by_now_stops_an_answer(how, ticket, fink, amsel):
    seen = sight_of(ticket)
    other = f.QueueFactory()
    for group in (*fink.user.groups.all(), *amsel.user.groups.all()):
        for right in ("read", "note", "answer", "own", "move_into"):
            group.queue_rights.get_or_create(queue=other, right=right)
    fink, amsel = permissions.agent(fink.user), permissions.agent(amsel.user)
    if how == "closed":
        actions.change_state(actor=fink, ticket=ticket, state=f.state(StateType.CLOSED))
    elif how == "moved":
        actions.move(actor=fink, ticket=ticket, queue=other)
    else:
        actions.claim(actor=fink, ticket=ticket)
    error = stopped(answer, amsel, ticket, seen)
    assert [event.user for event in error.changes] == [fink.user]
    assert answer(amsel, ticket, error.sight).pk


@pytest.mark.parametrize("how", ["opened", "to me", "given back", "there and back", "priority"])
def test_changes_that_matter_to_no_answer_stop_none(how, ticket, fink, amsel):
    if how == "given back":
        actions.claim(actor=fink, ticket=ticket)
    seen = sight_of(ticket)
    if how == "opened":
        actions.change_state(actor=fink, ticket=ticket, state=f.state(StateType.OPEN))
    elif how == "to me":
        actions.assign(actor=fink, ticket=ticket, owner=amsel.user)
    elif how == "given back":
        actions.hand_back(actor=fink, ticket=ticket)
    elif how == "there and back":
        actions.change_state(actor=fink, ticket=ticket, state=f.state(StateType.CLOSED))
        actions.change_state(actor=fink, ticket=ticket, state=f.state(StateType.OPEN))
    else:
        high = Priority.objects.get(slug="high")
        actions.set_priority(actor=fink, ticket=ticket, priority=high)
    assert answer(amsel, ticket, seen).pk


def test_who_sets_a_state_is_told_that_it_is_another_by_now(ticket, fink, amsel):
    seen = sight_of(ticket)
    actions.change_state(actor=fink, ticket=ticket, state=f.state(StateType.OPEN))
    closed = f.state(StateType.CLOSED)
    assert stopped(answer, amsel, ticket, seen, state=closed).changes


def test_only_articles_are_compared_where_no_event_is_known(ticket, fink, amsel):
    seen = Sight(sight_of(ticket).article)
    actions.claim(actor=fink, ticket=ticket)
    assert answer(amsel, ticket, seen).pk


# --- one fact ------------------------------------------------------------------------------------


def set_priority(actor, ticket, slug, expected):
    row = Priority.objects.get(slug=slug)
    return actions.set_priority(
        actor=actor, ticket=ticket, priority=row, expected={"priority_id": expected}
    )


def test_a_fact_that_changed_meanwhile_is_not_overwritten(ticket, fink, amsel):
    shown = ticket.priority_id
    set_priority(fink, ticket, "high", shown)
    with pytest.raises(StaleField):
        set_priority(amsel, ticket, "urgent", shown)
    ticket.refresh_from_db()
    assert ticket.priority.slug == "high"
    set_priority(amsel, ticket, "urgent", ticket.priority_id)  # all the same


def test_two_who_want_the_same_do_not_quarrel(ticket, fink, amsel):
    shown = ticket.priority_id
    set_priority(fink, ticket, "high", shown)
    set_priority(amsel, ticket, "high", shown)


def test_a_change_of_another_fact_is_no_conflict(ticket, fink, amsel):
    shown = ticket.priority_id
    actions.rename(actor=fink, ticket=ticket, subject="Other", expected={"subject": ticket.subject})
    set_priority(amsel, ticket, "high", shown)


def test_tags_are_compared_whatever_their_capitals(ticket, fink, amsel):
    actions.set_tags(actor=fink, ticket=ticket, tags=["Lift"], expected=[])
    with pytest.raises(StaleField):
        actions.set_tags(actor=amsel, ticket=ticket, tags=["door"], expected=[])
    actions.set_tags(actor=amsel, ticket=ticket, tags=["lift"], expected=[])
    actions.set_tags(actor=amsel, ticket=ticket, tags=["lift", "door"], expected=["LIFT"])
    assert set(actions.tags_of(ticket)) == {"door", "Lift"}


@pytest.mark.parametrize(
    ("columns", "change"),
    [
        (["owner_id"], lambda who, _t: (actions.claim, {})),
        (["owner_id"], lambda who, _t: (actions.assign, {"owner": who.user})),
        (["responsible_id"], lambda who, _t: (actions.set_responsible, {"responsible": who.user})),
        (["type_id"], lambda _w, _t: (actions.set_type, {"type_": TicketType.objects.first()})),
        (["subject"], lambda _w, _t: (actions.rename, {"subject": "Other"})),
        (["queue_id"], lambda _w, ticket: (actions.move, {"queue": ticket.queue})),
        (
            ["state_id", "pending_until"],
            lambda _w, _t: (actions.change_state, {"state": f.state(StateType.CLOSED)}),
        ),
        (
            ["customer_id", "contact"],
            lambda _w, _t: (actions.set_customer, {"customer": f.CustomerFactory()}),
        ),
    ],
)  # fmt: skip
def test_every_fact_has_its_check(ticket, fink, columns, change):
    if columns == ["queue_id"]:
        elsewhere = f.QueueFactory()
        actions.move(actor=permissions.SYSTEM, ticket=ticket, queue=elsewhere)
        for group in fink.user.groups.all():
            group.queue_rights.create(queue=elsewhere, right="note")
        verb, arguments = change(
            fink, f.make_ticket(fink.user.groups.get().queue_rights.first().queue)
        )
    else:
        verb, arguments = change(fink, ticket)
    wrong = dict.fromkeys(columns, "something else")
    with pytest.raises(StaleField):
        verb(actor=permissions.agent(fink.user), ticket=ticket, expected=wrong, **arguments)


# --- at the same moment --------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_two_agents_who_send_at_one_moment_do_not_both_slip_through():
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer at a time")
    ticket = f.make_ticket(f.QueueAddressFactory().queue)
    people = [permissions.agent(f.make_agent(ticket.queue)) for _ in range(2)]
    seen = sight_of(ticket)
    sent, held, go_on = [], threading.Event(), threading.Event()

    def first() -> None:
        try:
            with transaction.atomic():
                sent.append(answer(people[0], ticket, seen).pk)
                held.set()
                go_on.wait(20)
        finally:
            held.set()
            connection.close()

    outcome: list[object] = []

    def second() -> None:
        try:
            outcome.append(answer(people[1], Ticket.objects.get(pk=ticket.pk), seen))
        except StaleView as error:
            outcome.append([article.pk for article in error.articles])
        finally:
            connection.close()

    threads = [threading.Thread(target=first), threading.Thread(target=second)]
    threads[0].start()
    assert held.wait(20)
    threads[1].start()
    threads[1].join(1)
    assert threads[1].is_alive()  # it waits for the ticket
    go_on.set()
    for one in threads:
        one.join(20)
    assert outcome == [sent]
    assert Article.objects.filter(sender="agent").count() == 1
