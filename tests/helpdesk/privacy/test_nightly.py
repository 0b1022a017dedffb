"""The nightly run: day 730 and day 731, holds, warnings, merges, faults, and what a dry run says before."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.db import connection
from django.utils import timezone

from helpdesk import actions, notifications, permissions
from helpdesk.actions import Draft, Upload, due_storage, erasing, storing
from helpdesk.errors import WrongState
from helpdesk.models import (
    Article,
    AtEnd,
    AuditEntry,
    AuditKind,
    Calendar,
    Channel,
    ErasureRun,
    Event,
    EventKind,
    Hold,
    Merge,
    OutboundMail,
    SearchEntry,
    Ticket,
    Tombstone,
)
from helpdesk.privacy import dry_run, due, nightly, ticket_steps
from tests import factories as f

from .conftest import DAY_0, HERE, at, close, closed, exists, night, opened

pytestmark = pytest.mark.django_db

SYSTEM = permissions.SYSTEM


def test_it_is_kept_through_day_730_and_gone_after_the_night_of_day_731():
    ticket = closed()
    for day in (729, 730):
        night(day)
        assert exists(ticket) == [True]
    night(730, 23, 59)
    assert exists(ticket) == [True]
    run = night(731)
    assert exists(ticket) == [False]
    stone = Tombstone.objects.get(ticket_pk=ticket.pk)
    assert (stone.number, stone.reason) == (ticket.number, Tombstone.Reason.RETENTION)
    assert (run.total, run.counts["tickets"], run.counts["erased"]) == (1, 1, 1)
    assert run.finished_at is not None


def test_before_its_hour_a_night_does_nothing_and_afterwards_once():
    ticket = closed()
    assert night(731, 1, 59) is None
    assert exists(ticket) == [True]
    assert night(731, 2, 0).counts["tickets"] == 1
    late = closed(when=DAY_0 - timedelta(days=5))
    night(731, 14)
    assert exists(late) == [True]
    night(732)
    assert exists(late) == [False]
    assert ErasureRun.objects.count() == 2


def test_a_run_that_was_missed_in_the_night_is_made_up_for_in_the_morning():
    ticket = closed()
    night(731, 9)
    assert exists(ticket) == [False]


@pytest.mark.parametrize(
    ("zone", "gone"), [("Pacific/Auckland", True), ("America/New_York", False)]
)
def test_days_are_those_of_the_queue(zone, gone):
    calendar = Calendar.objects.create(name="There", time_zone=zone)
    ticket = closed(f.QueueFactory(calendar=calendar))
    night(731)  # half past two here, half past eight in the evening of day 730 in New York
    assert exists(ticket) == [not gone]
    night(732)
    assert exists(ticket) == [False]


def test_the_change_to_summer_time_moves_no_day():
    with_change = datetime(2026, 3, 29, 10, tzinfo=HERE)  # 23 hours long
    queue = f.QueueFactory(retention_days=1)
    ticket = closed(queue, when=with_change - timedelta(days=1))
    with time_machine.travel(datetime(2026, 3, 29, 23, 59, tzinfo=HERE), tick=False):
        while nightly.run_night():
            pass
    assert exists(ticket) == [True]
    with time_machine.travel(datetime(2026, 3, 30, 2, 0, tzinfo=HERE), tick=False):
        while nightly.run_night():
            pass
    assert exists(ticket) == [False]


def test_reopened_and_closed_again_it_counts_anew():
    ticket = closed()
    with time_machine.travel(at(700), tick=False):
        draft = Draft(body="Once more", channel=Channel.EMAIL)
        actions.receive_message(actor=SYSTEM, ticket=ticket, draft=draft)
        ticket.refresh_from_db()
        if not ticket.state.is_open:
            actions.change_state(actor=SYSTEM, ticket=ticket, state=f.state("open"))
        close(ticket)
    night(731)
    assert exists(ticket) == [True]
    night(700 + 730)
    assert exists(ticket) == [True]
    night(700 + 731)
    assert exists(ticket) == [False]


# --- objection and open tickets ----------------------------------------------------------------------


def object_to(ticket: Ticket, when: datetime = DAY_0) -> Ticket:
    with time_machine.travel(when, tick=False):
        actions.object_to_storage(actor=SYSTEM, ticket=ticket, channel=Channel.PHONE)
    ticket.refresh_from_db()
    return ticket


def test_with_an_objection_it_goes_fourteen_days_after_closing():
    ticket = object_to(closed())
    night(14)
    assert exists(ticket) == [True]
    night(15)
    assert exists(ticket) == [False]
    assert Tombstone.objects.get().reason == Tombstone.Reason.OBJECTION


def test_an_open_ticket_goes_after_a_warning_only():
    ticket = opened()
    night(731 - 15)
    assert not ticket.events.filter(kind=EventKind.STORAGE_WARNING).exists()
    run = night(731 - 14)
    assert run.counts["warned"] == 1
    event = ticket.events.get(kind=EventKind.STORAGE_WARNING)
    ticket.refresh_from_db()
    assert datetime.fromisoformat(event.data["erase_at"]) == ticket.erase_at
    assert (ticket.erase_warned_at, event.actor_kind) == (at(717, 2, 30), "system")
    assert ticket.changed_at == DAY_0  # a warning is no activity
    night(731)  # the hour of the warning is later than midnight
    night(732)
    assert exists(ticket) == [False]
    assert Tombstone.objects.get().reason == Tombstone.Reason.UNCLOSED


def test_an_open_ticket_that_nobody_was_warned_of_in_time_gets_its_days():
    ticket = opened()
    night(900)
    assert exists(ticket) == [True]
    night(914)
    night(915)
    assert exists(ticket) == [False]


def test_anything_that_happens_after_the_warning_keeps_it():
    ticket = opened()
    night(717)
    with time_machine.travel(at(720), tick=False):
        actions.add_note(
            actor=SYSTEM, ticket=ticket, draft=Draft(body="Still needed", channel=Channel.NOTE)
        )
    night(732)
    assert exists(ticket) == [True]
    ticket.refresh_from_db()
    assert ticket.erase_at.astimezone(HERE) == at(720 + 731, 0)
    night(720 + 717)
    assert ticket.events.filter(kind=EventKind.STORAGE_WARNING).count() == 2


def test_open_with_an_objection_it_goes_after_ninety_days_and_a_warning():
    ticket = object_to(opened())
    night(91 - 14)
    assert ticket.events.filter(kind=EventKind.STORAGE_WARNING).count() == 1
    night(91)
    night(92)
    assert exists(ticket) == [False]
    assert Tombstone.objects.get().reason == Tombstone.Reason.OBJECTION


# --- steps and ends ----------------------------------------------------------------------------------


def test_files_go_first_then_persons_then_the_rest():
    ticket = closed(f.QueueFactory(attachment_days=30, personal_days=60, retention_days=90))
    assert night(31).counts["files_gone"] == 1
    ticket.refresh_from_db()
    assert (ticket.files_erased_at is not None, ticket.persons_erased_at) == (True, None)
    assert night(61).counts["persons_gone"] == 1
    ticket.refresh_from_db()
    assert ticket.persons_erased_at is not None
    night(91)
    assert exists(ticket) == [False]


def test_reopened_it_goes_by_its_steps_once_more():
    ticket = closed(f.QueueFactory(attachment_days=30, personal_days=60, retention_days=90))
    night(61)
    with time_machine.travel(at(70), tick=False):
        actions.change_state(actor=SYSTEM, ticket=ticket, state=f.state("open"))
        file = Upload("plan.pdf", b"new", "application/pdf")
        draft = Draft(body="x", channel=Channel.NOTE, files=(file,))
        actions.add_note(actor=SYSTEM, ticket=ticket, draft=draft)
        ticket.refresh_from_db()
        assert (ticket.files_erased_at, ticket.persons_erased_at) == (None, None)
        close(ticket)
    night(100)
    assert ticket.articles.filter(attachments__isnull=False).exists()
    assert night(101).counts["files_gone"] == 1
    assert not ticket.articles.filter(attachments__isnull=False).exists()
    assert night(131).counts["persons_gone"] == 1


def test_what_comes_to_a_closed_ticket_after_a_step_goes_with_the_next_night():
    ticket = closed(f.QueueFactory(attachment_days=30, personal_days=60, retention_days=90))
    night(61)
    plan = Upload("plan.pdf", b"new", "application/pdf")
    draft = Draft(body="See", channel=Channel.NOTE)
    with time_machine.travel(at(70), tick=False):
        actions.add_note(actor=SYSTEM, ticket=ticket, draft=draft)
        ticket.refresh_from_db()
        assert None not in (ticket.files_erased_at, ticket.persons_erased_at)
        actions.add_note(actor=SYSTEM, ticket=ticket, draft=replace(draft, files=(plan,)))
        ticket.refresh_from_db()
        assert (ticket.storage_step, ticket.files_erased_at) == ("attachments", None)
        assert ticket.persons_erased_at is not None
    assert night(71).counts["files_gone"] == 1
    assert not ticket.articles.filter(attachments__isnull=False).exists()
    assert ticket.articles.filter(body="See").count() == 2
    with time_machine.travel(at(72), tick=False):
        actions.forward(
            actor=SYSTEM, ticket=ticket, draft=draft, original=None, to=[("Ada", "ada@x.example")]
        )
        OutboundMail.objects.update(state=OutboundMail.State.SENT)
    assert night(73).counts["persons_gone"] == 1
    assert "ada@x.example" not in str(list(ticket.articles.values_list("to", flat=True)))
    ticket.refresh_from_db()
    assert (ticket.storage_step, ticket.state.is_open) == ("end", False)
    night(91)
    assert exists(ticket) == [False]


def waiting(ticket: Ticket, state: str) -> OutboundMail:
    return OutboundMail.objects.create(
        ticket=ticket,
        kind=OutboundMail.Kind.ANSWER,
        state=state,
        message_id=f"{state}@desk.example",
        from_address="desk@desk.example",
        to=[["", "someone@example.org"]],
        subject="Words",
        body="Words",
        due_at=DAY_0,
    )


@pytest.mark.parametrize("state", ["queued", "sending"])
def test_a_step_waits_for_the_mails_of_the_ticket_and_of_what_was_merged_into_it(state):
    queue = f.QueueFactory(attachment_days=30, retention_days=900)
    (source, target), free = merged_pair(queue), closed(queue, when=at(100))
    mail = waiting(source, state)
    run = night(131)
    assert (run.counts["files_gone"], run.counts["left"]) == (1, 1)
    free.refresh_from_db()
    target.refresh_from_db()
    assert (free.files_erased_at is not None, target.files_erased_at) == (True, None)
    mail.refresh_from_db()
    assert (mail.state, mail.body) == (state, "Words")
    OutboundMail.objects.filter(pk=mail.pk).update(state=OutboundMail.State.SENT)
    assert night(132).counts["files_gone"] == 1
    mail.refresh_from_db()
    assert (mail.state, mail.body) == ("sent", "")


@pytest.mark.parametrize("state", ["failed", "uncertain"])
def test_what_was_emptied_by_a_step_is_sent_by_nobody_again(state):
    mail = waiting(closed(f.QueueFactory(attachment_days=30)), state)
    night(31)
    mail.refresh_from_db()
    assert (mail.state, mail.body) == ("withdrawn", "")
    with pytest.raises(WrongState):
        notifications.send_again(actor=SYSTEM, mail=mail)


def test_two_steps_that_are_due_are_done_in_one_night():
    ticket = closed(f.QueueFactory(attachment_days=30, personal_days=60, retention_days=90))
    run = night(70)
    ticket.refresh_from_db()
    assert None not in (ticket.files_erased_at, ticket.persons_erased_at)
    assert (run.counts["files_gone"], run.counts["persons_gone"]) == (1, 1)


def test_what_is_due_as_a_whole_does_not_go_by_steps():
    closed(f.QueueFactory(attachment_days=30, personal_days=60, retention_days=90))
    run = night(91)
    assert "files_gone" not in run.counts
    assert run.counts["erased"] == 1


def test_it_is_anonymised_where_that_was_promised_but_never_against_an_objection():
    queue = f.QueueFactory(at_end=AtEnd.ANONYMISE, retention_days=100)
    ticket, objected = closed(queue), object_to(closed(queue))
    night(101)
    assert exists(ticket, objected) == [True, False]
    ticket.refresh_from_db()
    assert ticket.anonymised_at is not None
    assert ticket.storage_step_at is None
    assert night(400).counts == {}


# --- dates that are no longer right ------------------------------------------------------------------


def test_a_ticket_whose_date_lies_later_by_now_stays_and_gets_the_new_date():
    queue = f.QueueFactory()
    ticket = closed(queue)
    before = ticket.erase_at
    queue.calendar = Calendar.objects.create(name="There", time_zone="America/New_York")
    queue.save()
    run = night(731)
    assert exists(ticket) == [True]
    ticket.refresh_from_db()
    assert ticket.erase_at == before.astimezone(UTC) + timedelta(hours=6)
    assert ticket.version == Ticket.objects.get(pk=ticket.pk).version
    assert run.counts == {"postponed": 1}


def test_open_tickets_stay_longer_when_the_setting_is_raised(settings):
    ticket = opened(f.QueueFactory(retention_days=10))
    night(77)
    settings.HELPDESK = {**settings.HELPDESK, "OPEN_DAYS": 200}
    night(93)
    assert exists(ticket) == [True]
    ticket.refresh_from_db()
    assert ticket.erase_at.astimezone(HERE) == at(201, 0)


def test_tickets_without_dates_are_dated_first_and_go_in_the_same_night(monkeypatch):
    monkeypatch.setattr(ticket_steps, "UNDATED", 1)
    old, merged, young = closed(), closed(), closed(when=at(600))
    actions.merge(actor=SYSTEM, source=merged, target=young, visible=False)
    Ticket.objects.update(erase_at=None, storage_step_at=None, storage_step="")
    run = night(731)
    assert exists(old, merged, young) == [False, True, True]
    assert run.counts["dated"] == 2
    young.refresh_from_db()
    assert young.storage_step_at is not None


# --- merges and splits -------------------------------------------------------------------------------


def merged_pair(queue: Any = None) -> tuple[Ticket, Ticket]:
    """A ticket closed on day 0 that was merged into one closed on day 100."""
    source, target = closed(queue), closed(queue, when=at(100))
    with time_machine.travel(at(101), tick=False):
        actions.merge(actor=SYSTEM, source=source, target=target, visible=False)
    target.refresh_from_db()
    source.refresh_from_db()
    return source, target


def test_a_merged_ticket_goes_with_the_other_and_never_alone():
    source, target = merged_pair()
    night(731)
    night(830)
    assert exists(source, target) == [True, True]
    run = night(831)
    assert exists(source, target) == [False, False]
    assert run.counts["tickets"] == 2
    assert set(Tombstone.objects.values_list("number", flat=True)) == {source.number, target.number}


def test_it_goes_by_the_later_closing_whichever_was_merged_into_the_other():
    target, source = closed(), closed(when=at(100))
    with time_machine.travel(at(101), tick=False):
        actions.merge(actor=SYSTEM, source=source, target=target, visible=False)
    night(830)
    assert exists(source, target) == [True, True]
    night(831)
    assert exists(source, target) == [False, False]


def test_the_strictest_promise_holds_for_all_of_them():
    short = f.QueueFactory(retention_days=50)
    source, target = closed(short), closed(when=at(100))
    with time_machine.travel(at(101), tick=False):
        actions.merge(actor=SYSTEM, source=source, target=target, visible=False)
    night(150)
    assert exists(source, target) == [True, True]
    night(151)
    assert exists(source, target) == [False, False]


def test_taking_a_merge_back_brings_the_dates_back():
    source, target = merged_pair()
    with time_machine.travel(at(102), tick=False):
        actions.unmerge(actor=SYSTEM, merge=Merge.objects.get(source=source))
    source.refresh_from_db()
    assert source.storage_step_at is not None
    night(731)
    assert exists(target) == [True]


def test_what_was_split_off_has_its_own_dates_under_the_same_promise():
    ticket = object_to(opened())
    article = ticket.articles.first()
    with time_machine.travel(at(10), tick=False):
        child = actions.split(
            actor=SYSTEM, ticket=ticket, article=article, queue=ticket.queue, subject="Another"
        ).ticket
        close(child)
    assert child.objected_at == ticket.objected_at
    night(24)
    assert exists(ticket, child) == [True, True]
    night(25)
    assert exists(ticket, child) == [True, False]


# --- holds -------------------------------------------------------------------------------------------


def hold(ticket: Ticket, until: date, when: datetime) -> Hold:
    with time_machine.travel(when, tick=False):
        return actions.place_hold(actor=SYSTEM, ticket=ticket, reason="Court", until=until)


def test_a_hold_keeps_what_is_due_and_after_lifting_the_next_night_takes_it():
    ticket = closed()
    hold(ticket, at(800).date(), at(700))
    night(731)
    night(750)
    assert exists(ticket) == [True]
    with time_machine.travel(at(750), tick=False):
        actions.lift_hold(actor=SYSTEM, ticket=ticket)
    night(751)
    assert exists(ticket) == [False]


def test_a_hold_ends_by_itself_after_its_last_day():
    ticket = closed()
    hold(ticket, at(740).date(), at(700))
    night(740)
    assert exists(ticket) == [True]
    run = night(741)
    assert exists(ticket) == [False]
    assert run.counts["holds_ended"] == 1


def test_a_hold_on_a_merged_ticket_holds_the_whole_group():
    source, target = merged_pair()
    further = closed(when=at(120))
    with time_machine.travel(at(121), tick=False):
        actions.merge(actor=SYSTEM, source=target, target=further, visible=False)
    hold(source, at(900).date(), at(700))
    night(851)
    assert exists(source, target, further) == [True, True, True]
    with time_machine.travel(at(860), tick=False):
        actions.lift_hold(actor=SYSTEM, ticket=source)
    night(861)
    assert exists(source, target, further) == [False, False, False]


def test_many_that_are_held_hide_none_behind_them(monkeypatch):
    monkeypatch.setattr(ticket_steps, "BATCH", 2)
    held = [closed(when=DAY_0 - timedelta(days=5)) for _n in range(5)]
    for one in held:
        hold(one, at(900).date(), at(700))
    free = [closed() for _n in range(3)]
    run = night(731)
    assert exists(*held, *free) == [True] * 5 + [False] * 3
    assert "left" not in run.counts


# --- faults, resumption, two at once -----------------------------------------------------------------


def test_a_ticket_that_cannot_be_erased_is_left_and_spoils_no_other(monkeypatch, caplog):
    monkeypatch.setattr(ticket_steps, "BATCH", 2)
    tickets = [closed(subject="Very private") for _n in range(5)]
    bad = tickets[1].pk
    erase = erasing.erase

    def broken(*, tickets: Any, **options: Any) -> Any:
        if bad in tickets:
            raise ValueError("Very private")
        return erase(tickets=tickets, **options)

    monkeypatch.setattr(erasing, "erase", broken)
    run = night(731)
    assert exists(*tickets) == [False, True, False, False, False]
    assert (run.counts["failed"], run.counts["left"], run.counts["erased"]) == (1, 1, 4)
    assert "ValueError" in caplog.text
    assert "Very private" not in caplog.text
    monkeypatch.setattr(erasing, "erase", erase)
    night(732)
    assert exists(*tickets) == [False] * 5


def _badly_settled(monkeypatch: Any, bad: int) -> None:
    """Let the dates of one ticket be such that they cannot be worked out."""
    settle = storing.settle

    def broken(ticket: Ticket) -> None:
        if ticket.pk == bad:
            raise ValueError("Very private")
        settle(ticket)

    monkeypatch.setattr(storing, "settle", broken)


def test_a_ticket_whose_dates_cannot_be_worked_out_spoils_no_other(monkeypatch, caplog):
    tickets = [closed() for _n in range(3)]
    _badly_settled(monkeypatch, tickets[1].pk)
    run = night(731)
    assert exists(*tickets) == [False, True, False]
    assert (run.counts["failed"], run.counts["left"], run.counts["erased"]) == (1, 1, 2)
    assert "troubles" not in run.counts
    assert f"dates of ticket {tickets[1].pk} failed: ValueError" in caplog.text
    assert "Very private" not in caplog.text


def test_nor_does_it_keep_the_others_from_getting_dates(monkeypatch):
    tickets = [closed(when=at(600)) for _n in range(3)]
    Ticket.objects.update(erase_at=None, storage_step_at=None, storage_step="")
    _badly_settled(monkeypatch, tickets[0].pk)
    run = night(731)
    assert (run.counts["dated"], run.counts["failed"]) == (2, 1)
    assert Ticket.objects.filter(storage_step_at=None).get() == tickets[0]


def test_after_too_many_faults_a_night_goes_on_with_its_other_work(monkeypatch):
    monkeypatch.setattr(ticket_steps, "MAX_LEFT", 2)
    monkeypatch.setattr(ticket_steps, "BATCH", 1)

    def broken(**options: Any) -> Any:
        raise ValueError

    monkeypatch.setattr(erasing, "erase", broken)
    tickets = [closed() for _n in range(4)]
    run = night(731)
    assert exists(*tickets) == [True] * 4
    assert run.counts["failed"] == 2
    assert run.finished_at is not None


def test_a_night_that_died_goes_on_where_it_was(monkeypatch):
    monkeypatch.setattr(ticket_steps, "BATCH", 2)
    tickets = [closed() for _n in range(5)]
    with time_machine.travel(at(731, 2, 30), tick=False):
        for _n in range(4):  # holds, dates, and a batch or two of tickets
            assert nightly.run_night()
        before = exists(*tickets).count(False)
        assert 0 < before < 5
        save = ErasureRun.save

        def dies(self: Any, *args: Any, **kwargs: Any) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(ErasureRun, "save", dies)
        with pytest.raises(KeyboardInterrupt):
            nightly.run_night()
        assert exists(*tickets).count(False) == before  # the batch was undone with its count
        monkeypatch.setattr(ErasureRun, "save", save)
    run = night(731, 3)
    assert exists(*tickets) == [False] * 5
    assert (run.counts["tickets"], run.total) == (5, 5)
    assert Tombstone.objects.count() == 5


def test_a_run_that_was_left_yesterday_is_ended_before_tonights_begins():
    ticket = closed()
    with time_machine.travel(at(731, 2, 30), tick=False):
        nightly.run_night()
    night(732)
    assert exists(ticket) == [False]
    night(732, 2, 31)
    days = ErasureRun.objects.order_by("day").values_list("day", "finished_at")
    assert [day for day, _end in days] == [at(731).date(), at(732).date()]
    assert None not in [end for _day, end in days]


def test_a_phase_that_fails_stops_none_of_the_others(monkeypatch, caplog):
    def broken(run: Any, now: Any) -> Any:
        raise ValueError("secret")

    phases = tuple((name, broken if name == "dates" else do) for name, do in nightly.PHASES)
    monkeypatch.setattr(nightly, "PHASES", phases)
    ticket = closed()
    run = night(731)
    assert exists(ticket) == [False]
    assert run.counts["troubles"] == 1
    assert "dates failed: ValueError" in caplog.text


def test_one_line_of_the_audit_log_says_what_a_night_did():
    closed()
    run = night(731)
    line = AuditEntry.objects.get(kind=AuditKind.ERASED, data__run=run.pk)
    assert line.data["tickets"] == 1
    night(732)
    assert AuditEntry.objects.filter(kind=AuditKind.ERASED, data__has_key="run").count() == 1


# --- dry run -----------------------------------------------------------------------------------------


def everything() -> list[Any]:
    return [list(model.objects.order_by("pk").values()) for model in (Ticket, Article, Event, Hold)]


def test_a_dry_run_changes_nothing_and_says_what_the_run_then_does():
    keeps = f.QueueFactory(at_end=AtEnd.ANONYMISE)
    steps = f.QueueFactory(attachment_days=10, personal_days=20)
    plain = f.QueueFactory()
    closed(keeps)
    closed(steps, when=at(700))
    closed(plain)
    object_to(closed(plain, when=at(10)), at(11))
    opened(plain, when=at(730 - 716))
    held = closed(plain)
    hold(held, at(900).date(), at(700))
    source, target = closed(plain), closed(plain)
    actions.merge(actor=SYSTEM, source=source, target=target, visible=False)
    moved = f.QueueFactory()
    closed(moved)
    moved.calendar = Calendar.objects.create(name="There", time_zone="America/New_York")
    moved.save()
    undated = closed(plain)
    Ticket.objects.filter(pk=undated.pk).update(storage_step_at=None, erase_at=None)
    before = everything()
    with time_machine.travel(at(731, 1), tick=False):
        dry = dry_run.ask(user=None)
        while nightly.run_night():  # it may be left to the worker
            pass
    dry.refresh_from_db()
    assert dry.finished_at is not None
    assert everything() == before
    run = night(731)
    codes = ("erased", "anonymised", "files_gone", "persons_gone", "warned", "postponed", "tickets")
    said = {code: dry.counts.get(code, 0) for code in codes}
    assert said == {code: run.counts.get(code, 0) for code in codes}
    assert said["erased"] == 4
    assert said["tickets"] == 5
    assert dry.counts["held"] == 1
    assert dry.counts["queues"][str(plain.pk)] == {
        "retention": 3,
        "objection": 1,
        "warned": 1,
        "held": 1,
    }


def test_a_large_dry_run_is_left_to_the_worker(monkeypatch):
    monkeypatch.setattr(dry_run, "AT_ONCE", 0)
    ticket = closed()
    with time_machine.travel(at(740, 12), tick=False):
        run = dry_run.ask(user=None)
        assert run.finished_at is None
        assert nightly.run_night()
    run.refresh_from_db()
    assert run.counts["erased"] == 1
    assert exists(ticket) == [True]


def test_a_dry_run_that_fails_is_over_and_the_night_goes_on(monkeypatch, caplog):
    def broken(**options: Any) -> Any:
        raise ValueError("Very private")

    ticket = closed()
    monkeypatch.setattr(dry_run, "AT_ONCE", 0)
    with time_machine.travel(at(731, 1), tick=False):
        asked = dry_run.ask(user=None)
    monkeypatch.setattr(dry_run, "dry_run", broken)
    night(731)
    assert exists(ticket) == [False]
    asked.refresh_from_db()
    assert asked.finished_at is not None
    assert asked.counts == {"troubles": 1}
    assert "dry run failed: ValueError" in caplog.text
    assert "Very private" not in caplog.text


def test_the_next_night_is_todays_only_before_its_hour():
    for hour, day in ((0, 5), (1, 5), (2, 6), (15, 6)):
        assert due.next_night(at(5, hour)) == at(day, 2), hour
    assert due.next_night(at(5, 1).astimezone(ZoneInfo("Asia/Tokyo"))) == at(5, 2)


def test_it_can_be_done_at_once_by_hand_as_often_as_one_likes():
    ticket = closed()
    run = nightly.run_now(now=at(731, 1))
    assert exists(ticket) == [False]
    late = closed()
    again = nightly.run_now(now=at(731, 5))
    assert again.pk == run.pk
    assert exists(late) == [False]
    assert again.counts["tickets"] == 2


def test_settling_changes_neither_version_nor_date_of_change():
    ticket = closed()
    Ticket.objects.update(storage_step_at=timezone.now(), erase_at=timezone.now())
    due_storage.settle_storage(tickets=[ticket.pk])
    fresh = Ticket.objects.get()
    assert (fresh.version, fresh.changed_at) == (ticket.version, ticket.changed_at)
    assert fresh.erase_at == ticket.erase_at


@pytest.mark.skipif(
    connection.vendor != "sqlite", reason="PostgreSQL's index has no words of its own"
)
def test_the_night_leaves_no_word_in_the_file_of_the_index():
    ticket = closed(body="Qxzvwort")
    assert exists(ticket) == [True]
    assert _blocks_with("qxzvwort") > 0
    night(731)
    assert _blocks_with("qxzvwort") == 0


@pytest.mark.skipif(
    connection.vendor != "sqlite", reason="PostgreSQL's index has no words of its own"
)
@pytest.mark.parametrize(
    "options",
    [
        {"attachment_days": 10},
        {"personal_days": 10},
        {"at_end": AtEnd.ANONYMISE, "retention_days": 10},
    ],
)
def test_nor_does_a_night_that_only_takes_parts(options):
    with time_machine.travel(DAY_0, tick=False):
        ticket = f.make_ticket(f.QueueFactory(**options), contact="")
        file = Upload("plan.pdf", b"bytes", "application/pdf")
        draft = Draft(body="x", channel=Channel.NOTE, files=(file,))
        actions.add_note(actor=SYSTEM, ticket=ticket, draft=draft)
        close(ticket)
    SearchEntry.objects.filter(ticket=ticket, article=None).update(words="qxzvwort")
    assert _blocks_with("qxzvwort") > 0
    run = night(11)
    assert "tickets" not in run.counts
    assert _blocks_with("qxzvwort") == 0


def _blocks_with(word: str) -> int:
    """Count the blocks of FTS5's own table in which a word stands."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM helpdesk_searchwords_data WHERE instr(block, %s) > 0",
            [word.encode()],
        )
        return int(cursor.fetchone()[0])
