"""The moment in which an answer can be taken back, and how the ticket looks afterwards."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
import time_machine
from django.core import mail
from django.db import connection, transaction
from django.utils import timezone

from helpdesk import actions, notifications, permissions
from helpdesk.actions import Draft, Upload
from helpdesk.errors import AlreadyDone, NotFound, NotPermitted, WrongState
from helpdesk.models import Article, Attachment, Channel, EventKind, OutboundMail, Right, Ticket
from helpdesk.notifications import outbox
from helpdesk.states import StateType
from tests import factories as f

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def window(settings):
    settings.HELPDESK = {**settings.HELPDESK, "UNDO_SECONDS": 10}


@pytest.fixture
def ticket():
    return f.make_ticket(f.QueueAddressFactory().queue)


@pytest.fixture
def agent(ticket):
    return permissions.agent(f.make_agent(ticket.queue))


def draft(body="Switch it on.", **options):
    return Draft(body=body, channel=Channel.EMAIL, **options)


def answer(actor, ticket, **options):
    return actions.answer(
        actor=actor, ticket=ticket, draft=options.pop("draft", draft()), **options
    )


def take_back(actor, ticket, article):
    return actions.take_back(actor=actor, ticket=ticket, article=article)


FACTS = (
    *("state_id", "owner_id", "pending_until", "next_action", "closed_at", "waiting_since"),
    *("preview", "first_response_at", "promise_id"),
)


def facts(ticket):
    return {name: getattr(Ticket.objects.get(pk=ticket.pk), name) for name in FACTS}


def state_of(article):
    return OutboundMail.objects.get(article=article).state


# --- the window ----------------------------------------------------------------------------------


def test_mail_waits_for_the_window_and_goes_out_behind_it(ticket, agent):
    with time_machine.travel(timezone.now(), tick=False) as clock:
        answer(agent, ticket)
        for seconds, sent in ((0, 0), (9, 0), (2, 1)):
            clock.shift(seconds)
            assert notifications.send_due() == sent
    assert len(mail.outbox) == 1


def test_forwarded_messages_wait_and_receipts_do_not(ticket, agent):
    to = (("", "help@maker.example"),)
    actions.forward(actor=agent, ticket=ticket, draft=draft(), original=None, to=to)
    f.make_ticket(ticket.queue, receipt=True)
    assert notifications.send_due() == 1
    assert OutboundMail.objects.get(state="sent").kind == "receipt"


def test_without_a_window_the_mail_goes_at_once(ticket, agent, settings):
    settings.HELPDESK = {**settings.HELPDESK, "UNDO_SECONDS": 0}
    answer(agent, ticket)
    assert notifications.send_due() == 1


# --- taking back ---------------------------------------------------------------------------------


def test_mail_taken_back_never_goes_out_and_customers_do_not_see_it(ticket, agent):
    article = answer(agent, ticket)
    customer = permissions.customer(ticket.customer)
    assert article in permissions.visible_articles(customer, ticket)
    taken = take_back(agent, ticket, article)
    assert taken.taken_back
    assert article not in permissions.visible_articles(customer, ticket)
    with time_machine.travel(timezone.now() + timedelta(days=1)):
        assert notifications.send_due() == 0
    assert state_of(article) == "withdrawn"
    assert mail.outbox == []
    (event,) = ticket.events.filter(kind=EventKind.ANSWER_TAKEN_BACK)
    assert (event.user, event.article) == (agent.user, article)


@pytest.mark.parametrize("way", ["plain", "closed", "pending", "owned", "copied"])
def test_ticket_is_as_before(ticket, agent, way):
    options = {}
    if way == "closed":
        options["state"] = f.state(StateType.CLOSED)
    elif way == "pending":
        options["state"] = f.state(StateType.PENDING_REMINDER)
        options["pending_until"] = timezone.now() + timedelta(days=3)
    elif way == "owned":
        actions.assign(actor=agent, ticket=ticket, owner=agent.user)
    elif way == "copied":
        options["cc"] = (("Bo", "bo@mail.example"),)
    before = facts(ticket)
    assert before["waiting_since"]
    article = answer(agent, ticket, **options)
    changed = facts(ticket)
    assert changed["waiting_since"] is None
    assert changed["preview"] == "Switch it on."
    take_back(agent, ticket, article)
    assert facts(ticket) == before
    assert not ticket.participants.exists()


def test_waiting_ticket_goes_back_to_its_date(ticket, agent):
    until = timezone.now() + timedelta(days=2)
    reminder = f.state(StateType.PENDING_REMINDER)
    actions.change_state(actor=agent, ticket=ticket, state=reminder, pending_until=until)
    before = facts(ticket)
    article = answer(
        agent, ticket, state=reminder, pending_until=timezone.now() + timedelta(days=9)
    )
    take_back(agent, ticket, article)
    assert facts(ticket) == before
    ticket.refresh_from_db()
    assert ticket.next_action_at == ticket.remind_at == until


def test_closed_ticket_that_an_answer_opened_closes_again(ticket, agent):
    actions.change_state(actor=agent, ticket=ticket, state=f.state(StateType.CLOSED))
    before = facts(ticket)
    take_back(agent, ticket, answer(agent, ticket, state=f.state(StateType.OPEN)))
    assert facts(ticket) == before
    assert before["closed_at"]


def test_what_changed_since_stays(ticket, agent):
    boss = permissions.agent(f.make_agent(ticket.queue))
    article = answer(agent, ticket, cc=(("Bo", "bo@mail.example"),))
    actions.assign(actor=boss, ticket=ticket, owner=boss.user)
    closed = f.state(StateType.CLOSED)
    actions.change_state(actor=boss, ticket=ticket, state=closed)
    actions.receive_message(
        actor=permissions.SYSTEM,
        ticket=ticket,
        draft=draft("Thanks", from_address="bo@mail.example"),
    )
    after = facts(ticket)
    take_back(agent, ticket, article)
    now = facts(ticket)
    assert now["owner_id"] == boss.user.pk
    assert now["state_id"] == after["state_id"]
    assert now["preview"] == "Thanks"
    assert ticket.participants.count() == 1


def test_customer_who_wrote_meanwhile_has_been_waiting_all_along(ticket, agent):
    since = facts(ticket)["waiting_since"]
    article = answer(agent, ticket)
    actions.receive_message(actor=permissions.SYSTEM, ticket=ticket, draft=draft("And?"))
    assert facts(ticket)["waiting_since"] > since
    take_back(agent, ticket, article)
    assert facts(ticket)["waiting_since"] == since


def test_nobody_waits_if_somebody_else_answered_meanwhile(ticket, agent):
    article = answer(agent, ticket)
    answer(permissions.agent(f.make_agent(ticket.queue)), ticket)
    take_back(agent, ticket, article)
    assert facts(ticket)["waiting_since"] is None


def test_history_tells_what_was_put_back(ticket, agent):
    article = answer(agent, ticket, state=f.state(StateType.CLOSED))
    take_back(agent, ticket, article)
    closing, back = ticket.events.filter(kind=EventKind.STATE_CHANGED)
    assert (back.data["from"], back.data["to"]) == (closing.data["to"], closing.data["from"])
    assert back.data["by"] == "take_back"
    owner = ticket.events.filter(kind=EventKind.OWNER_CHANGED).last()
    assert owner.data["to"] is None


def test_history_keeps_ids_and_codes_only(ticket, agent):
    article = answer(agent, ticket, cc=(("Bo Secret", "bo@mail.example"),))
    take_back(agent, ticket, article)
    data = str(list(ticket.events.values_list("data", flat=True)))
    for words in ("Bo", "bo@mail", "Switch", ticket.contact):
        assert words not in data


def test_answers_from_before_this_existed_are_taken_back_without_restoring(ticket, agent):
    article = answer(agent, ticket)
    article.events.update(data={"recipients": 1})
    after = facts(ticket)
    take_back(agent, ticket, article)
    assert facts(ticket) == after


def test_forwarded_message_is_taken_back_and_changes_nothing(ticket, agent):
    before = facts(ticket)
    to = (("", "help@maker.example"),)
    article = actions.forward(actor=agent, ticket=ticket, draft=draft(), original=None, to=to)
    assert take_back(agent, ticket, article).taken_back
    assert facts(ticket) == before
    assert state_of(article) == "withdrawn"


# --- who and when --------------------------------------------------------------------------------


def test_author_and_managers_take_back_and_nobody_else(ticket, agent):
    colleague = permissions.agent(f.make_agent(ticket.queue, rights=[Right.ANSWER, Right.OWN]))
    manager = permissions.agent(f.make_agent(ticket.queue))
    stranger = permissions.agent(f.make_agent(f.QueueFactory()))
    article = answer(agent, ticket)
    for actor in (colleague, stranger, permissions.customer(ticket.customer),
                  permissions.link_bearer(ticket)):  # fmt: skip
        with pytest.raises(NotPermitted):
            take_back(actor, ticket, article)
    assert state_of(article) == "queued"
    assert take_back(manager, ticket, article).taken_back
    mine = answer(colleague, ticket)
    assert take_back(colleague, ticket, mine).taken_back


def test_author_without_the_right_to_answer_any_more_is_refused(ticket, agent):
    article = answer(agent, ticket)
    agent.user.groups.clear()
    with pytest.raises(NotPermitted):
        take_back(
            permissions.agent(type(agent.user).objects.get(pk=agent.user.pk)), ticket, article
        )


@pytest.mark.parametrize("state", ["sending", "sent", "failed", "uncertain"])
def test_mail_on_its_way_is_not_taken_back(ticket, agent, state):
    article = answer(agent, ticket)
    OutboundMail.objects.update(state=state, sending_since=timezone.now())
    before = facts(ticket)
    with pytest.raises(WrongState, match="on its way already"):
        take_back(agent, ticket, article)
    article.refresh_from_db()
    assert article.visible
    assert facts(ticket) == before


def test_mail_that_was_tried_once_is_not_taken_back(ticket, agent):
    article = answer(agent, ticket)
    OutboundMail.objects.update(due_at=timezone.now())
    outbox._claim(OutboundMail.objects.get().pk)
    OutboundMail.objects.update(state="failed")
    notifications.send_again(actor=agent, mail=OutboundMail.objects.get())
    with pytest.raises(WrongState):
        take_back(agent, ticket, article)


def test_answer_on_the_site_is_not_taken_back(agent, ticket):
    Ticket.objects.update(contact="")
    with pytest.raises(WrongState):
        take_back(agent, ticket, answer(agent, ticket))


def test_nothing_is_taken_back_twice_or_from_another_ticket(ticket, agent):
    article = answer(agent, ticket)
    with pytest.raises(NotFound):
        take_back(agent, f.make_ticket(ticket.queue), article)
    take_back(agent, ticket, article)
    with pytest.raises(AlreadyDone):
        take_back(agent, ticket, article)


def test_mail_taken_back_is_final(ticket, agent):
    article = answer(agent, ticket)
    take_back(agent, ticket, article)
    row = OutboundMail.objects.get(article=article)
    with pytest.raises(WrongState):
        notifications.send_again(actor=agent, mail=row)
    assert outbox._claim(row.pk) is None
    assert outbox.settle_abandoned() == 0


# --- writing again -------------------------------------------------------------------------------


def test_files_go_along_again_without_being_stored_anew(ticket, agent):
    article = answer(agent, ticket, draft=draft(files=(Upload("a.txt", b"one"),)))
    taken = take_back(agent, ticket, article)
    again = answer(agent, ticket, draft=draft("", again=tuple(taken.attachments.all())))
    (file,) = again.attachments.all()
    (first,) = taken.attachments.all()
    assert (file.name, file.blob_id) == (first.name, first.blob_id)
    with time_machine.travel(timezone.now() + timedelta(minutes=1)):
        notifications.send_due()
    assert [one.filename for one in mail.outbox[0].attachments] == ["a.txt"]


@pytest.mark.parametrize("where", ["other ticket", "message that stands"])
def test_files_of_anything_else_do_not_go_along(ticket, agent, where):
    other = f.make_ticket(ticket.queue) if where == "other ticket" else ticket
    article = answer(agent, other, draft=draft(files=(Upload("a.txt", b"one"),)))
    if where == "other ticket":
        take_back(agent, other, article)
    files = tuple(Attachment.objects.filter(article=article))
    count = Article.objects.count()
    with pytest.raises(NotFound):
        answer(agent, ticket, draft=draft(again=files))
    assert Article.objects.count() == count


# --- at the same moment --------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("first", ["worker", "agent"])
def test_only_one_of_worker_and_agent_gets_the_mail(first):
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer at a time")
    ticket = f.make_ticket(f.QueueAddressFactory().queue)
    agent = permissions.agent(f.make_agent(ticket.queue))
    article = answer(agent, ticket)
    OutboundMail.objects.update(due_at=timezone.now())
    row = OutboundMail.objects.get()
    held, go_on, results = threading.Event(), threading.Event(), []

    def hold():
        """Stand between the decision and its commit."""
        try:
            with transaction.atomic():
                if first == "worker":
                    OutboundMail.objects.select_for_update().filter(pk=row.pk).update(
                        state="sending", sending_since=timezone.now()
                    )
                else:
                    take_back(agent, ticket, article)
                held.set()
                go_on.wait(20)
        finally:
            held.set()
            connection.close()

    thread = threading.Thread(target=hold)
    thread.start()
    try:
        assert held.wait(20)
        if first == "worker":
            # not behind the ticket's lock, nor behind the row's: at once
            with pytest.raises(WrongState):
                take_back(agent, ticket, article)
        else:
            results.append(outbox._claim(row.pk))
    finally:
        go_on.set()
        thread.join()
    article.refresh_from_db()
    row.refresh_from_db()
    if first == "worker":
        assert (row.state, article.taken_back) == ("sending", False)
    else:
        assert results == [None]
        assert (row.state, article.taken_back) == ("withdrawn", True)
        assert outbox._claim(row.pk) is None
