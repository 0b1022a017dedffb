"""Who is told of what, how, and how often."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from helpdesk import actions, events, permissions
from helpdesk.actions import Draft
from helpdesk.models import (
    Absence,
    AgentSettings,
    Channel,
    EventKind,
    InformedQueue,
    MutedQueue,
    Notice,
    NoticeChoice,
    NoticeKind,
    OutboundMail,
    QueueRight,
    Right,
    UntoldEvent,
)
from helpdesk.notifications import links, mime, outbox, recipients, send_due, telling
from helpdesk.permissions import SYSTEM
from helpdesk.states import StateType
from tests import factories as f

pytestmark = pytest.mark.django_db

K = NoticeKind


@pytest.fixture
def queue():
    return f.QueueAddressFactory(address="support@desk.example", queue__slug="support").queue


@pytest.fixture
def uta(queue):
    return f.make_agent(queue, username="uta", email="uta@staff.example", language="en")


@pytest.fixture
def kai(queue):
    return f.make_agent(queue, username="kai", email="kai@staff.example", language="en")


@pytest.fixture
def ticket(queue, uta, kai):
    """Owned by Uta; all that happened so far is told already."""
    ticket = f.make_ticket(queue, contact="ada@mail.example", body="My secret words")
    actions.assign(actor=SYSTEM, ticket=ticket, owner=uta)
    forget()
    ticket.refresh_from_db()
    return ticket


def forget():
    UntoldEvent.objects.all().delete()


def agent(user):
    return permissions.agent(user)


def customer_writes(ticket, **options):
    return actions.receive_message(
        actor=SYSTEM,
        ticket=ticket,
        draft=Draft(body="More secret words", channel=Channel.EMAIL),
        **options,
    )


def note(ticket, user, body="A secret note"):
    return actions.add_note(
        actor=agent(user), ticket=ticket, draft=Draft(body=body, channel=Channel.NOTE)
    )


def answer(ticket, actor):
    return actions.answer(
        actor=actor, ticket=ticket, draft=Draft(body="Our answer", channel=Channel.EMAIL)
    )


def told() -> set[tuple[str, str]]:
    """Tell, and return who was told what since the test began."""
    telling.tell()
    rows = Notice.objects.values_list("user__username", "kind")
    return {(name, str(kind)) for name, kind in rows}


def away(user, deputy=None):
    now = timezone.now()
    return Absence.objects.create(
        user=user,
        deputy=deputy,
        starts_at=now - timedelta(hours=1),
        ends_at=now + timedelta(days=3),
    )


def mails():
    return OutboundMail.objects.filter(kind="notice")


# --- new tickets -----------------------------------------------------------------------------------


def test_the_team_is_told_of_a_new_ticket_without_asking_for_it(queue, uta, kai):
    f.make_ticket(queue)
    assert told() == {("uta", "new_ticket"), ("kai", "new_ticket")}
    assert set(Notice.objects.values_list("in_admin", "by_mail")) == {(True, "digest")}


def test_neither_other_teams_nor_superusers_nor_who_left_nor_who_muted_it_are_told(queue, uta, kai):
    f.make_agent(f.QueueFactory(), username="other")
    f.UserFactory(username="root", is_superuser=True)
    f.make_agent(queue, username="gone", is_active=False)
    MutedQueue.objects.create(user=kai, queue=queue)
    f.make_ticket(queue)
    assert told() == {("uta", "new_ticket")}


def test_a_team_of_the_queue_above_is_told_too(queue, uta):
    below = f.QueueFactory(parent=queue)
    f.make_ticket(below)
    assert told() == {("uta", "new_ticket")}


def test_of_spam_of_archives_of_tests_and_of_what_is_closed_already_nobody_is_told(queue, uta):
    junk = f.QueueFactory(is_junk=True)
    f.make_agent(junk)
    f.make_ticket(junk)
    f.make_ticket(queue, imported=True)
    f.make_ticket(queue, is_test=True)
    closed = f.make_ticket(queue)
    actions.change_state(actor=SYSTEM, ticket=closed, state=f.state(StateType.CLOSED))
    assert told() == set()


def test_who_opened_it_is_not_told(queue, uta, kai):
    actions.open_ticket(
        actor=agent(uta),
        queue=queue,
        subject="By phone",
        draft=Draft(body="x", channel=Channel.PHONE),
        customer=None,
    )
    assert told() == {("kai", "new_ticket")}


def test_a_move_tells_the_team_into_whose_queue_it_goes_and_nobody_of_a_stop_between(ticket):
    between, last = f.QueueFactory(), f.QueueFactory()
    f.make_agent(between, username="between")
    f.make_agent(last, username="last")
    for queue in (between, last):
        actions.move(actor=SYSTEM, ticket=ticket, queue=queue)
    assert told() == {("last", "new_ticket")}


def test_opened_and_moved_before_anybody_was_told_is_new_once(queue, uta):
    ticket = f.make_ticket(f.QueueFactory())
    actions.move(actor=SYSTEM, ticket=ticket, queue=queue)
    telling.tell()
    assert Notice.objects.filter(user=uta).count() == 1


# --- what happens on a ticket ----------------------------------------------------------------------


def test_a_reply_is_for_owner_responsible_and_watchers(ticket, queue, uta, kai):
    boss = f.make_agent(queue, username="boss")
    actions.set_responsible(actor=SYSTEM, ticket=ticket, responsible=boss)
    actions.watch(actor=agent(kai), ticket=ticket)
    f.make_agent(queue, username="idle")
    forget()
    customer_writes(ticket)
    assert told() == {("uta", "reply"), ("kai", "reply"), ("boss", "reply")}


def test_a_reply_on_what_nobody_owns_is_for_the_team(ticket):
    actions.hand_back(actor=SYSTEM, ticket=ticket)
    forget()
    customer_writes(ticket)
    assert told() == {("uta", "reply"), ("kai", "reply")}
    assert set(Notice.objects.values_list("by_mail", flat=True)) == {"digest"}


def test_a_message_that_nobody_has_checked_is_internal_news_of_the_owner(ticket):
    customer_writes(ticket, visible=False)
    assert told() == {("uta", "note")}


def test_messages_of_an_archive_are_no_news(ticket):
    customer_writes(ticket, silent=True)
    assert told() == set()


def test_an_accepted_sender_and_a_call_of_the_customer_are_replies(ticket, kai):
    article = customer_writes(ticket, visible=False)
    type(article).objects.filter(pk=article.pk).update(verified=False)
    article.refresh_from_db()
    forget()
    actions.accept_sender(actor=agent(kai), ticket=ticket, article=article)
    assert told() == {("uta", "reply")}
    Notice.objects.all().delete()
    actions.log_call(
        actor=agent(kai),
        ticket=ticket,
        draft=Draft(body="She called", channel=Channel.PHONE),
        inbound=True,
    )
    assert told() == {("uta", "reply")}


def test_what_a_colleague_writes_is_a_note_for_owner_and_watchers_but_not_for_the_writer(
    ticket, uta, kai
):
    actions.watch(actor=agent(kai), ticket=ticket)
    note(ticket, kai)
    answer(ticket, agent(kai))
    assert told() == {("uta", "note")}
    assert Notice.objects.count() == 2
    Notice.objects.all().delete()
    note(ticket, uta)
    assert told() == {("kai", "note")}


def test_a_note_on_what_nobody_owns_and_nobody_watches_is_news_to_nobody(ticket, kai):
    actions.hand_back(actor=SYSTEM, ticket=ticket)
    forget()
    note(ticket, kai)
    assert told() == set()


def test_assigned_tells_the_new_owner_and_not_who_claims(ticket, uta, kai):
    actions.assign(actor=agent(uta), ticket=ticket, owner=kai)
    assert told() == {("kai", "assigned")}
    Notice.objects.all().delete()
    actions.claim(actor=agent(uta), ticket=ticket)
    assert told() == set()


def test_assigned_and_given_on_at_once_tells_the_last_one(ticket, queue, uta, kai):
    last = f.make_agent(queue, username="last")
    actions.assign(actor=SYSTEM, ticket=ticket, owner=kai)
    actions.assign(actor=SYSTEM, ticket=ticket, owner=last)
    assert told() == {("last", "assigned")}


def test_who_is_named_responsible_is_told(ticket, kai):
    actions.set_responsible(actor=SYSTEM, ticket=ticket, responsible=kai)
    assert told() == {("kai", "assigned")}


@pytest.mark.parametrize("by", [{"by": "hand_back"}, {}])
def test_what_goes_back_to_the_queue_is_told_to_the_team_and_who_had_it(ticket, uta, kai, by):
    actions.assign(actor=SYSTEM, ticket=ticket, owner=None)
    forget()
    events.record(
        actor=SYSTEM,
        ticket=ticket,
        kind=EventKind.OWNER_CHANGED,
        data={"from": uta.pk, "to": None, **by},
    )
    assert told() == {("uta", "hand_back"), ("kai", "hand_back")}


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        (EventKind.REMINDED, "reminder"),
        (EventKind.CLOCK_WARNING, "warning"),
        (EventKind.CLOCK_BREACHED, "breach"),
    ],
)
def test_reminders_and_deadlines_are_for_the_owner_else_the_team(ticket, event, kind):
    data = {"clock": "solution", "run": 1, "due": "2026-10-01T10:00:00+00:00"}
    events.record(actor=SYSTEM, ticket=ticket, kind=event, data=data)
    assert told() == {("uta", kind)}
    Notice.objects.all().delete()
    actions.hand_back(actor=SYSTEM, ticket=ticket)
    forget()
    events.record(actor=SYSTEM, ticket=ticket, kind=event, data=data)
    assert told() == {("uta", kind), ("kai", kind)}


def failed(ticket, article, kind="answer"):
    events.record(
        actor=SYSTEM,
        ticket=ticket,
        article=article,
        kind=EventKind.MAIL_FAILED,
        data={"mail": 1, "kind": kind, "code": 550, "partly": False},
    )


def test_a_mail_that_failed_is_told_to_its_author(ticket, kai):
    article = answer(ticket, agent(kai))
    forget()
    failed(ticket, article)
    assert told() == {("kai", "delivery")}


def test_of_an_author_who_left_the_owner_hears_and_without_an_owner_who_manages(ticket, queue, kai):
    f.make_agent(queue, username="reader", rights=[Right.READ])
    article = answer(ticket, agent(kai))
    kai.is_active = False
    kai.save()
    forget()
    failed(ticket, article)
    assert told() == {("uta", "delivery")}
    Notice.objects.all().delete()
    actions.assign(actor=SYSTEM, ticket=ticket, owner=None)
    forget()
    failed(ticket, article)
    assert told() == {("uta", "delivery")}  # she has all rights; the reader has not


def test_of_a_notice_that_did_not_arrive_nobody_is_told(ticket):
    failed(ticket, None, kind="notice")
    assert told() == set()


# --- mentions --------------------------------------------------------------------------------------


def test_who_is_mentioned_is_told_once_and_of_the_same_note_nothing_else(ticket, uta, kai):
    note(ticket, kai, "Ask @uta, please, @UTA.")
    assert told() == {("uta", "mentioned")}
    assert Notice.objects.count() == 1


def test_who_may_not_read_and_who_does_not_exist_are_not_mentioned(ticket, kai):
    f.make_agent(f.QueueFactory(), username="eve")
    note(ticket, kai, "@eve @nobody @kai kai@uta @eve.\n> @uta")
    assert not ticket.mentions.exists()
    assert told() == {("uta", "note")}
    found, missed = actions.named(agent(kai), ticket, "@eve @nobody. @uta")
    assert [user.username for user in found] == ["uta"]
    assert missed == ["eve", "nobody"]


def test_answers_to_customers_mention_nobody(ticket, kai):
    actions.answer(actor=agent(kai), ticket=ticket, draft=Draft(body="@uta", channel=Channel.EMAIL))
    assert not ticket.mentions.exists()


# --- absence ---------------------------------------------------------------------------------------


def test_instead_of_who_is_away_the_deputy_is_told_and_the_bell_of_both_rings(ticket, uta, kai):
    away(uta, deputy=kai)
    customer_writes(ticket)
    assert told() == {("uta", "reply"), ("kai", "reply")}
    rows = {row.user_id: row for row in Notice.objects.all()}
    assert (rows[kai.pk].instead_of, rows[uta.pk].instead_of) == (uta, None)
    assert (rows[kai.pk].by_mail, rows[uta.pk].by_mail) == ("now", "no")


def test_no_deputy_is_there_so_the_team_is_told_for_whom(ticket, queue, uta, kai):
    third = f.make_agent(queue, username="third")
    away(uta, deputy=kai)
    away(kai, deputy=uta)
    customer_writes(ticket)
    assert told() == {("uta", "reply"), ("kai", "reply"), ("third", "reply")}
    assert Notice.objects.get(user=third).instead_of == uta


def test_a_deputy_without_the_right_is_passed_over(ticket, queue, uta, kai):
    away(uta, deputy=f.make_agent(f.QueueFactory(), username="stranger"))
    customer_writes(ticket)
    assert told() == {("uta", "reply"), ("kai", "reply")}


def test_a_day_off_counts_for_reminders_only(ticket, uta, kai):
    today = timezone.localtime().weekday()
    AgentSettings.objects.create(user=uta, free_days=[today])
    customer_writes(ticket)
    assert told() == {("uta", "reply")}
    Notice.objects.all().delete()
    events.record(actor=SYSTEM, ticket=ticket, kind=EventKind.REMINDED, data={})
    assert told() == {("uta", "reminder"), ("kai", "reminder")}


def test_an_owner_who_left_is_nobody(ticket, uta):
    uta.is_active = False
    uta.save()
    customer_writes(ticket)
    assert told() == {("kai", "reply")}


# --- rights ----------------------------------------------------------------------------------------


def test_who_lost_the_right_is_not_told(ticket, uta):
    uta.groups.clear()
    customer_writes(ticket)
    assert told() == {("kai", "reply")}


def test_who_reads_along_hears_of_the_conversation_and_not_of_notes(ticket, kai):
    other = f.QueueFactory()
    along = f.make_agent(other, username="along")
    InformedQueue.objects.create(ticket=ticket, queue=other, at=timezone.now())
    actions.watch(actor=agent(along), ticket=ticket)
    forget()
    note(ticket, kai)
    assert told() == {("uta", "note")}
    customer_writes(ticket)
    assert ("along", "reply") in told()


EVENTS = (
    lambda ticket, user: customer_writes(ticket),
    lambda ticket, user: customer_writes(ticket, visible=False),
    lambda ticket, user: note(ticket, user, "@a @b @c @d"),
    lambda ticket, user: answer(ticket, agent(user)),
    lambda ticket, user: actions.hand_back(actor=SYSTEM, ticket=ticket),
    lambda ticket, user: events.record(
        actor=SYSTEM, ticket=ticket, kind=EventKind.REMINDED, data={}
    ),
    lambda ticket, user: failed(ticket, None),
)


@given(data=st.data())
def test_promise_7_nobody_is_told_who_may_not_read_and_never_who_acted(data):
    """However rights, absences, watchers and choices stand: a notice means that its agent may read."""
    Notice.objects.all().delete()
    mails().delete()
    forget()
    queues = [f.QueueFactory(), f.QueueFactory()]
    queues[1].parent = data.draw(st.sampled_from([None, queues[0]]))
    queues[1].save()
    suffix = f.UserFactory().pk
    people = []
    for name in "abcd":
        user = f.UserFactory(username=f"{name}{suffix}", is_active=data.draw(st.booleans()))
        for queue in queues:
            if rights := data.draw(st.sets(st.sampled_from(Right.values), max_size=2)):
                user.groups.add(f.make_team(queue, rights=rights))
        people.append(user)
    writer = f.make_agent(*queues, username=f"writer{suffix}")
    ticket = f.make_ticket(data.draw(st.sampled_from(queues)), contact="ada@mail.example")
    if data.draw(st.booleans()):
        InformedQueue.objects.create(
            ticket=ticket, queue=queues[1 - queues.index(ticket.queue)], at=timezone.now()
        )
    pick = st.sampled_from([None, *people])
    type(ticket).objects.filter(pk=ticket.pk).update(
        owner=data.draw(pick), responsible=data.draw(pick)
    )
    ticket.refresh_from_db()
    for user in people:
        if data.draw(st.booleans()):
            ticket.watchers.create(user=user)
        if data.draw(st.booleans()):
            away(user, deputy=data.draw(pick))
    data.draw(st.sampled_from(EVENTS))(ticket, writer)
    telling.tell()
    assert not UntoldEvent.objects.exists()
    for row in Notice.objects.select_related("ticket__queue", "ticket__state"):
        actor = permissions.agent(type(row.user).objects.get(pk=row.user_id))
        assert row.user.is_active
        assert permissions.can(actor, Right.READ, row.ticket)
        assert row in permissions.visible_notices(actor)
        assert row.event.user_id is None or row.event.user_id != row.user_id
    pairs = list(Notice.objects.values_list("event_id", "user_id"))
    assert len(pairs) == len(set(pairs))
    for mail in mails():
        assert outbox.notices.may_still_go(mail)


# --- how they hear of it ---------------------------------------------------------------------------


def test_choices_override_the_defaults_and_nothing_wanted_is_no_notice(ticket, uta):
    NoticeChoice.objects.create(user=uta, kind=K.REPLY, in_admin=False, by_mail="digest")
    NoticeChoice.objects.create(user=uta, kind=K.NOTE, in_admin=False, by_mail="no")
    customer_writes(ticket)
    note(ticket, f.make_agent(ticket.queue, username="third"))
    telling.tell()
    (row,) = Notice.objects.all()
    assert (row.kind, row.in_admin, row.by_mail, row.mail) == ("reply", False, "digest", None)


def test_a_mail_at_once_says_what_happened_where_and_nothing_that_was_written(ticket, uta, kai):
    note(ticket, kai, "A secret note for @uta")
    telling.tell()
    (row,) = mails()
    assert row.to == [[uta.get_full_name(), "uta@staff.example"]]
    assert row.user == uta
    assert row.subject == f"You were mentioned: The printer is silent ({ticket.number})"
    assert f"{kai.get_full_name()} mentioned you in a note." in row.body
    assert links.ticket_url(ticket) in row.body
    assert links.desk_url("notice_choices") in row.body
    for secret in ("secret", "ada@mail.example", str(ticket.customer)):
        assert secret not in row.body + row.html + row.subject
    assert Notice.objects.get().mail == row
    header = mime.header(row)
    assert header["Auto-Submitted"]
    assert "Reply-To" not in header  # what one answers to a colleague must not reach the customer
    assert "Nobody reads an answer" in row.body


def test_a_mail_of_a_customers_message_can_be_answered_and_says_to_whom_that_goes(ticket):
    customer_writes(ticket)
    telling.tell()
    (row,) = mails()
    assert f"+t{ticket.pk}-" in row.reply_to
    assert "your words go to the customer" in row.body


def test_without_the_right_to_answer_there_is_no_reply_address(ticket, uta):
    QueueRight.objects.filter(right=Right.ANSWER).delete()
    customer_writes(ticket)
    telling.tell()
    (row,) = mails()
    assert row.reply_to == ""


def test_a_mail_names_for_whom_it_is_in_the_language_of_its_reader(ticket, uta, kai):
    away(uta, deputy=kai)
    kai.language = "de"
    kai.save()
    customer_writes(ticket)
    telling.tell()
    (row,) = mails()
    assert (row.to[0][1], row.language) == ("kai@staff.example", "de")
    assert uta.get_full_name() in row.body


@pytest.mark.parametrize(
    ("email", "by_mail"), [("", "no"), ("ada@mail.example", "no"), ("support@desk.example", "no")]
)
def test_no_mail_goes_to_no_address_nor_to_ours_nor_to_the_customers(ticket, uta, email, by_mail):
    uta.email = email
    uta.save()
    customer_writes(ticket)
    assert told() == {("uta", "reply")}
    assert Notice.objects.get().by_mail == by_mail
    assert not mails().exists()


def test_what_is_more_than_the_limit_comes_in_the_digest(ticket, settings):
    settings.HELPDESK = {**settings.HELPDESK, "NOTICE_MAIL_BURST": 2}
    for _number in range(3):
        customer_writes(ticket)
    telling.tell()
    assert mails().count() == 2
    assert Notice.objects.filter(by_mail="digest", mail=None).count() == 1


def test_the_right_is_asked_again_when_the_mail_goes_out(ticket, uta, server):
    customer_writes(ticket)
    telling.tell()
    uta.groups.clear()
    send_due()
    assert mails().get().state == "withdrawn"
    assert server.mails == []


def test_a_mail_of_a_note_goes_to_nobody_who_only_reads_along_by_now(ticket, uta, kai, server):
    NoticeChoice.objects.create(user=uta, kind=K.NOTE, by_mail="now")
    note(ticket, kai)
    telling.tell()
    other = f.QueueFactory()
    InformedQueue.objects.create(ticket=ticket, queue=other, at=timezone.now())
    uta.groups.set([f.make_team(other)])
    send_due()
    assert server.mails == []


# --- once, and whole -------------------------------------------------------------------------------


def test_nobody_is_told_twice(ticket):
    customer_writes(ticket)
    row = UntoldEvent.objects.get()
    assert telling.tell() == 1
    assert telling.tell() == 0
    UntoldEvent.objects.create(event_id=row.event_id)  # as if it had never been deleted
    telling.tell()
    assert Notice.objects.count() == 1
    assert mails().count() == 1


def test_a_bad_event_is_kept_and_stops_no_other(ticket, caplog, monkeypatch):
    customer_writes(ticket)
    bad = UntoldEvent.objects.get().event
    customer_writes(ticket)
    true = recipients.Batch.told_of

    def told_of(self, event):
        if event.pk == bad.pk:
            raise KeyError("a secret")
        return true(self, event)

    monkeypatch.setattr(recipients.Batch, "told_of", told_of)
    assert telling.tell() == 1
    assert Notice.objects.count() == 1
    (left,) = UntoldEvent.objects.all()
    assert left.event == bad
    assert "KeyError" in caplog.text
    assert "a secret" not in caplog.text
    assert telling.tell() == 0  # not at once again
    UntoldEvent.objects.update(not_before=timezone.now())
    monkeypatch.undo()
    assert telling.tell() == 1
    assert Notice.objects.count() == 2


def test_a_fault_of_the_whole_batch_is_found_one_by_one(ticket, monkeypatch):
    customer_writes(ticket)
    bad = UntoldEvent.objects.get().event
    customer_writes(ticket)
    true = telling.give

    def give(rows, teams=None):
        if any(row.event_id == bad.pk for row in rows):
            raise RuntimeError
        return true(rows, teams)

    monkeypatch.setattr(telling, "give", give)
    assert telling.tell() == 1
    assert [row.event for row in UntoldEvent.objects.all()] == [bad]


@pytest.mark.parametrize("mailed", [False, True])
def test_many_events_take_as_many_queries_as_few(queue, uta, kai, mailed, settings):
    settings.HELPDESK = {**settings.HELPDESK, "NOTICE_MAIL_BURST": 100}
    if not mailed:
        NoticeChoice.objects.create(user=uta, kind=K.REPLY, by_mail="no")

    def queries(count: int) -> int:
        tickets = [f.make_ticket(queue, contact=f"c{n}@mail.example") for n in range(count)]
        type(tickets[0]).objects.filter(pk__in=[one.pk for one in tickets]).update(owner=uta)
        forget()
        for ticket in tickets:
            customer_writes(ticket)
        with CaptureQueriesContext(connection) as found:
            assert telling.tell(limit=count) == count
        return len(found)

    few, many = queries(2), queries(60)
    # the limiter counts each mail by two statements; SQLite takes long inserts in parts
    assert many - few <= (2 * 58 + 4 if mailed else 0)


def test_one_is_told_of_what_is_no_event_as_they_chose(uta, server):
    row = telling.tell_one(user=uta, kind=K.RETURN)
    assert "While you were away" in row.mail.subject
    send_due()
    assert [list(mail.recipients) for mail in server.mails] == [["uta@staff.example"]]
    NoticeChoice.objects.create(user=uta, kind=K.RETURN, in_admin=False, by_mail="no")
    assert telling.tell_one(user=uta, kind=K.RETURN) is None


def test_old_notices_are_forgotten(ticket):
    customer_writes(ticket)
    telling.tell()
    assert telling.tidy() == 0
    Notice.objects.update(at=timezone.now() - timedelta(days=91))
    assert telling.tidy() == 1


# --- a queue of which nobody would hear ------------------------------------------------------------


def test_a_queue_is_unheard_when_nobody_of_its_team_is_there_or_wants_to_hear(queue, uta, kai):
    f.UserFactory(is_superuser=True)
    assert recipients.unheard() == []
    MutedQueue.objects.create(user=uta, queue=queue)
    NoticeChoice.objects.create(user=kai, kind=K.NEW_TICKET, in_admin=False, by_mail="no")
    assert recipients.unheard() == [queue]
    MutedQueue.objects.all().delete()
    absence = away(uta)
    assert recipients.unheard([queue.pk]) == [queue]
    absence.deputy = kai
    absence.save()
    assert recipients.unheard() == []
    empty = f.QueueFactory()
    f.QueueFactory(is_junk=True)
    f.QueueFactory(is_active=False)
    assert recipients.unheard() == [empty]
    assert recipients.unheard([queue.pk]) == []
