"""The daily digest: to whom, when, with what, and once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from helpdesk import actions, events, permissions
from helpdesk.actions import Draft
from helpdesk.models import (
    Absence,
    AgentSettings,
    Calendar,
    Channel,
    EventKind,
    Notice,
    NoticeKind,
    OutboundMail,
    Right,
    SavedDraft,
    Ticket,
    UntoldEvent,
)
from helpdesk.notifications import digest, links, outbox, overview, telling
from helpdesk.permissions import SYSTEM
from tests import factories as f

pytestmark = pytest.mark.django_db

#: A Tuesday in Berlin, at a quarter past seven.
MORNING = datetime(2026, 6, 9, 5, 15, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(MORNING, tick=False) as traveller:
        yield traveller


@pytest.fixture
def queue():
    return f.QueueAddressFactory(
        address="support@desk.example", queue__slug="support", queue__name="Support"
    ).queue


@pytest.fixture
def uta(queue):
    """She works there and manages nothing."""
    rights = set(Right.values) - {Right.MANAGE}
    return f.make_agent(queue, rights=rights, username="uta", last_name="Berg", language="en")


def make(queue, subject="A ticket", owner=None, due=None, age=HOUR, **columns):
    """Make a ticket as old as `age`, whose next date is `due` from now."""
    ticket = f.make_ticket(queue, subject=subject, contact="ada@mail.example", body="Secret words")
    now = timezone.now()
    columns.setdefault("waiting_since", None)
    Ticket.objects.filter(pk=ticket.pk).update(
        owner=owner,
        created_at=now - age,
        next_action_at=now + due if due is not None else None,
        next_action="update",
        **columns,
    )
    ticket.events.update(at=now - age)
    UntoldEvent.objects.all().delete()
    ticket.refresh_from_db()
    return ticket


def away(user, deputy=None):
    now = timezone.now()
    return Absence.objects.create(
        user=user, deputy=deputy, starts_at=now - HOUR, ends_at=now + timedelta(days=3)
    )


def mails():
    return {row.user.username: row for row in OutboundMail.objects.filter(kind="notice")}


def body_of(user) -> str:
    digest.send_digests()
    return mails()[user.username].body


def section(body: str, title: str) -> str:
    """Return what stands below a heading."""
    return body.partition(title)[2].partition("\n\n")[0]


def test_says_what_is_overdue_and_due_today(queue, uta):
    make(queue, "Long ago", uta, due=-HOUR)
    make(queue, "Today", uta, due=3 * HOUR)
    make(queue, "Tomorrow", uta, due=24 * HOUR)
    make(queue, "Of somebody else", f.make_agent(queue, username="kai"), due=HOUR)
    body = body_of(uta)
    assert "Long ago" in section(body, "Overdue")
    assert "Today (" in section(body, "Due today")
    assert "Tomorrow" not in body
    assert "Of somebody else" not in body
    assert "Secret words" not in body
    assert links.ticket_url(Ticket.objects.get(subject="Today")) in body


def test_is_a_mail_in_text_and_html_that_no_machine_answers(queue, uta):
    make(queue, "Tom & <Jerry>", uta, due=-HOUR)
    body_of(uta)
    row = mails()["uta"]
    assert row.subject.startswith("Your tickets on ")
    assert row.automatic
    assert (row.ticket, row.reply_to, row.language) == (None, "", "en")
    assert row.to == [[uta.get_full_name(), uta.email]]
    assert "Tom &amp; &lt;Jerry&gt;" in row.html
    assert '<html lang="en">' in row.html
    assert "Tom & <Jerry>" in row.body


def test_says_what_nobody_has_owned_for_hours_since_it_was_given_back(queue, uta):
    make(queue, "Forgotten", age=5 * HOUR)
    make(queue, "New", age=HOUR)
    back = make(queue, "Just given back", age=9 * HOUR)
    events.record(
        actor=SYSTEM, ticket=back, kind=EventKind.OWNER_CHANGED, data={"from": uta.pk, "to": None}
    )
    make(f.QueueFactory(), "Of another team", age=9 * HOUR)
    found = section(body_of(uta), "Nobody has owned these for more than 4 hours")
    assert "Forgotten" in found
    assert found.count("*") == 1


def test_says_who_waits_longest(queue, uta):
    now = timezone.now()
    for days in range(1, 8):
        make(queue, f"Waits {days}", waiting_since=now - timedelta(days=days))
    found = section(body_of(uta), "Waiting longest for an answer")
    assert [f"Waits {days}" in found for days in (7, 3, 2)] == [True, True, False]
    assert "and 2 more" in found


def test_numbers_are_capped_with_a_way_to_the_rest(queue, uta):
    for number in range(13):
        make(queue, f"Due {number}", uta, due=-HOUR)
    found = section(body_of(uta), "Overdue")
    assert found.count("* Due") == 10
    assert "and 3 more" in found
    assert links.desk_url("tickets_view", "due") in found


def test_collected_notices_and_drafts_stand_in_it_once(queue, uta):
    ticket = make(queue, "Told")
    kai = f.make_agent(queue, username="kai", last_name="Kern")
    actions.watch(actor=permissions.agent(uta), ticket=ticket)
    actions.add_note(
        actor=permissions.agent(kai), ticket=ticket, draft=Draft(body="Pst", channel=Channel.NOTE)
    )
    telling.tell()
    SavedDraft.objects.create(
        ticket=ticket, user=uta, mode="reply", fields={"body": "Pst"}, saved_at=MORNING - 2 * HOUR
    )
    body = body_of(uta)
    assert "Kern wrote a note." in section(body, "What happened")
    assert ticket.number in section(body, "Drafts that you have not sent")
    assert "Pst" not in body
    assert Notice.objects.get(user=uta).mail == mails()["uta"]


def test_what_was_read_already_is_not_said_again(queue, uta):
    ticket = make(queue)
    Notice.objects.create(
        user=uta,
        kind=NoticeKind.NOTE,
        ticket=ticket,
        at=MORNING,
        by_mail="digest",
        read_at=MORNING,
    )
    digest.send_digests()
    assert mails() == {}
    assert Notice.objects.get().by_mail == "no"


def test_nothing_to_say_is_no_mail(queue, uta):
    assert digest.send_digests() == 0
    assert mails() == {}
    assert AgentSettings.objects.get(user=uta).digest_sent_on == MORNING.date()


def test_goes_out_once_a_day_and_again_on_the_next(queue, uta, clock):
    make(queue, "Due", uta, due=-HOUR)
    assert [digest.send_digests() for _ in range(2)] == [1, 0]
    clock.shift(24 * HOUR)
    assert digest.send_digests() == 1
    assert OutboundMail.objects.filter(kind="notice").count() == 2


def test_another_worker_that_was_first_leaves_nothing_to_do(queue, uta):
    make(queue, "Due", uta, due=-HOUR)
    one, other = overview.Overview(), overview.Overview()
    assert digest._send(one, uta, MORNING.date())
    assert not digest._send(other, uta, MORNING.date())


def test_not_before_the_hour_that_is_set(queue, uta, clock, settings):
    make(queue, "Due", uta, due=-HOUR)
    settings.HELPDESK = {**settings.HELPDESK, "DIGEST_HOUR": 8}
    assert digest.send_digests() == 0
    clock.shift(HOUR)
    assert digest.send_digests() == 1


@pytest.mark.parametrize(("days", "sent"), [(3, 1), (4, 0), (5, 0), (6, 1)])
def test_not_at_weekends(queue, uta, clock, days, sent):
    make(queue, "Due", uta, due=-HOUR)
    clock.shift(timedelta(days=days))
    assert digest.send_digests() == sent


def test_the_queues_calendar_says_which_days_are_worked(queue, uta, clock):
    queue.calendar = Calendar.objects.create(name="Market", hours={"sat": [["08:00", "12:00"]]})
    queue.save()
    make(queue, "Due", uta, due=-HOUR)
    assert digest.send_digests() == 0
    clock.shift(timedelta(days=4))
    assert digest.send_digests() == 1


@pytest.mark.parametrize("how", ["off", "absent", "free", "gone", "no_team", "no_address"])
def test_who_does_not_want_it_or_is_not_there_gets_none(queue, uta, how):
    make(queue, "Due", uta, due=-HOUR)
    if how == "off":
        AgentSettings.objects.create(user=uta, digest=False)
    elif how == "absent":
        away(uta)
    elif how == "free":
        AgentSettings.objects.create(user=uta, free_days=[1])
    elif how == "no_team":
        uta.groups.clear()
        uta.is_superuser = True
    elif how == "no_address":
        uta.email = ""
    else:
        uta.is_active = False
    uta.save()
    assert digest.send_digests() == 0
    assert mails() == {}


def test_the_deputy_reads_for_whom_a_ticket_is(queue, uta):
    kai = f.make_agent(queue, username="kai", first_name="Kai", last_name="Kern")
    away(kai, deputy=uta)
    make(queue, "Of Kai", kai, due=-HOUR)
    found = section(body_of(uta), "Overdue")
    assert "Of Kai" in found
    assert "for Kai Kern" in found
    assert "kai" not in mails()


def test_who_manages_the_queue_reads_numbers_and_what_nobody_would_think_of(queue, uta):
    boss = f.make_agent(queue, username="boss", language="en")
    gone = f.make_agent(queue, username="gone", last_name="Weg")
    away(gone)
    make(queue, "No date, nobody")
    make(queue, "No date, owner away", gone)
    make(queue, "No date, but owned", uta)
    make(queue, "A date", due=48 * HOUR)
    make(queue, "Due, owner away", gone, due=HOUR)
    make(queue, "Overdue", uta, due=-HOUR)
    make(f.QueueFactory(), "Not hers")
    body = body_of(boss)
    lost = section(body, "Nobody would think of these")
    assert [one in lost for one in ("No date, nobody", "No date, owner away")] == [True, True]
    assert lost.count("*") == 2
    assert "Due, owner away" in section(body, "Due, and the owner is away")
    assert "Support: 1 overdue, 1 due today" in section(body, "In the queues that you manage")
    assert "Nobody would think of these" not in mails()["uta"].body
    assert Ticket.objects.get(subject="No date, nobody").next_action_at is None  # nothing repaired


def test_is_withdrawn_if_one_of_its_tickets_may_not_be_read_any_more(queue, uta):
    first, _second = (make(queue, name, uta, due=-HOUR) for name in ("One", "Two"))
    body_of(uta)
    row = mails()["uta"]
    assert outbox.notices.may_still_go(row)
    Ticket.objects.filter(pk=first.pk).update(queue=f.QueueFactory())
    assert not outbox.notices.may_still_go(row)


def test_a_fault_with_one_agent_stops_no_other(queue, uta, monkeypatch, caplog):
    kai = f.make_agent(queue, username="kai")
    for user in (uta, kai):
        make(queue, "Due", user, due=-HOUR)
    true = overview.Overview.sections

    def sections(self, user):
        if user == uta:
            raise KeyError("a secret")
        return true(self, user)

    monkeypatch.setattr(overview.Overview, "sections", sections)
    assert digest.send_digests() == 1
    assert "KeyError" in caplog.text
    assert "a secret" not in caplog.text
    monkeypatch.undo()
    assert digest.send_digests() == 1


def test_many_tickets_take_as_many_queries_as_few(queue):
    boss = f.make_agent(queue, username="boss")

    def queries(count: int) -> int:
        AgentSettings.objects.update(digest_sent_on=None)
        OutboundMail.objects.all().delete()
        for number in range(count):
            make(queue, f"Due {number}", boss, due=-HOUR, waiting_since=MORNING)
            make(queue, f"Unowned {number}", age=9 * HOUR)
        with CaptureQueriesContext(connection) as found:
            assert digest.send_digests() == 1
        return len(found)

    # where there are more than fit a count is asked for, of five sections
    few, many = queries(2), queries(30)
    assert many - few <= 6
