"""What else expires in a night: raw mails, lines of the audit log, customers, addresses, exports, fields, bytes."""

from __future__ import annotations

import os
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core.files.base import ContentFile
from django.utils import timezone
from django_mailbox.models import Mailbox, Message, MessageAttachment
from django_tasks_db.models import DBTaskResult
from wagtail.models import ModelLogEntry, Page

from helpdesk import actions, journal, permissions, storage
from helpdesk.actions import Upload, saved_drafts
from helpdesk.models import (
    AddressClaim,
    Article,
    AskedField,
    AuditEntry,
    AuditKind,
    Blob,
    BlobRemoval,
    BouncedAddress,
    Channel,
    Customer,
    CustomerAddress,
    DataExport,
    ErasureRun,
    HeldFile,
    Holder,
    InboundMail,
    Notice,
    Organisation,
    Participant,
    RetentionSettings,
    Right,
    SavedDraft,
    Ticket,
    TicketTag,
    ToHold,
    Tombstone,
)
from helpdesk.privacy import expired_people, expired_rows, leftovers, replaying
from tests import factories as f

from .conftest import at, closed, night, opened

pytestmark = pytest.mark.django_db

State = InboundMail.State


def mail(key: str, state: str, age: int, **facts: Any) -> InboundMail:
    """Make a mail that came so many days before day 0."""
    row = InboundMail.objects.create(
        source="mailbox:1",
        key=key,
        state=state,
        sender="eve@mail.example",
        subject="A private matter",
        envelope_to=["desk@desk.example"],
        evidence=[["%(value)s", "eve"]],
        reason="because",
        blob=Blob.keep(f"Subject: {key}\n\nprivate".encode()),
        **facts,
    )
    InboundMail.objects.filter(pk=row.pk).update(received_at=at(0) - timedelta(days=age))
    row.refresh_from_db()
    return row


def test_ignored_mails_become_shells_after_ninety_days():
    box = Mailbox.objects.create(name="Box")
    message = Message.objects.create(
        mailbox=box, subject="A private matter", message_id="m", from_header="eve", body="private"
    )
    part = MessageAttachment.objects.create(message=message, headers="")
    part.document.save("private.txt", ContentFile(b"private"))
    path = Path(part.document.path)
    old = mail("old", State.IGNORED, 91, message=message)
    young = mail("young", State.IGNORED, 89)
    filed = mail("filed", State.FILED, 400, ticket=opened())
    digest = old.blob.sha256
    assert path.exists()
    run = night(0)
    for row in (old, young, filed):
        row.refresh_from_db()
    assert [old.state, young.state, filed.state] == [State.ERASED, State.IGNORED, State.FILED]
    assert (old.source, old.key, old.blob, old.message) == ("mailbox:1", "old", None, None)
    assert "private" not in str(old.__dict__).lower()
    assert "eve" not in str(old.__dict__).replace("received", "")
    assert not Blob.objects.filter(sha256=digest).exists()
    assert not Message.objects.exists()
    assert not MessageAttachment.objects.exists()
    assert not path.exists()
    assert run.counts["ignored_mails"] == 1
    entries = [entry for _at, rows in journal.read() for entry in rows]
    assert entries == [{"kind": journal.INBOUND, "pks": [old.pk]}]


def test_failed_mails_stay_as_long_as_the_site_keeps_tickets():
    RetentionSettings(retention_days=100).save()
    old, young = mail("old", State.FAILED, 101), mail("young", State.FAILED, 99)
    night(0)
    old.refresh_from_db()
    young.refresh_from_db()
    assert [old.state, young.state] == [State.ERASED, State.FAILED]


def line(age: int) -> AuditEntry:
    stamp = timezone.now() - timedelta(days=age)
    return AuditEntry.objects.create(at=stamp, kind=AuditKind.LOGIN, user_name="amsel")


def test_lines_of_the_audit_log_go_after_a_year_and_a_line_says_how_many(settings):
    old, young = line(367), line(360)
    settings.HELPDESK = {**settings.HELPDESK, "AUDIT_DAYS": 30}  # the database keeps them a year
    run = ErasureRun.objects.create(day=timezone.localdate(), started_at=timezone.now())
    counts, more = expired_rows.audit_batch(run, timezone.now())
    assert (counts["audit_lines"], more) == (1, False)
    assert not AuditEntry.objects.filter(pk=old.pk).exists()
    assert AuditEntry.objects.filter(pk=young.pk).exists()
    settings.HELPDESK = {**settings.HELPDESK, "AUDIT_DAYS": 1000}
    line(900)
    assert expired_rows.audit_batch(run, timezone.now())[0]["audit_lines"] == 0


def test_nobody_else_deletes_lines_of_the_audit_log():
    line(900)
    with pytest.raises(TypeError):
        AuditEntry.objects.all().delete()


# --- customers ---------------------------------------------------------------------------------------


def test_a_customer_goes_with_the_last_ticket():
    ticket = closed()
    person = ticket.customer
    Customer.objects.update(created_at=at(0))
    AddressClaim.objects.create(customer=person, address="new@mail.example", asked_at=at(0))
    ModelLogEntry.objects.log_action(person, "wagtail.edit")
    night(730)
    assert Customer.objects.filter(pk=person.pk).exists()
    run = night(731)
    assert run.counts["customers"] == 1
    assert not Customer.objects.exists()
    assert not CustomerAddress.objects.exists()
    assert not AddressClaim.objects.exists()
    assert not ModelLogEntry.objects.filter(object_id=str(person.pk)).exists()
    # a backup that still has the row may have tickets of theirs, too: they are not forgotten for ever
    entries = [entry for _at, rows in journal.read() for entry in rows]
    assert not [one for one in entries if one["kind"] == journal.CUSTOMERS]


@pytest.mark.parametrize("login_name", [None, "zq31415"])
def test_after_an_objection_nobody_stays_as_a_customer(login_name):
    ticket = closed()
    Customer.objects.update(created_at=at(0), login_name=login_name)
    own = permissions.customer(ticket.customer)
    actions.object_to_storage(actor=own, ticket=ticket, channel=Channel.WEB)
    night(15)
    assert not Ticket.objects.exists()
    assert Customer.objects.exists()  # they may be just about to write again
    night(31)
    assert not Customer.objects.exists()


def test_a_row_that_became_another_customer_takes_nobody_along_when_a_backup_is_restored():
    living = f.CustomerAddressFactory(address="ina@mail.example", customer__name="Ina").customer
    living.user = f.UserFactory()
    living.save()
    ticket = f.make_ticket(customer=living)
    row = f.CustomerFactory(merged_into=living)
    Customer.objects.filter(pk=row.pk).update(created_at=timezone.now() - timedelta(days=100))
    run = ErasureRun(day=timezone.localdate())
    assert expired_people.people_batch(run, timezone.now())[0]["customers"] == 1
    row.save(force_insert=True)  # as the backup has it
    replaying.replay(journal.read(), since=timezone.now() - timedelta(days=1))
    living.refresh_from_db()
    assert (living.name, living.user.is_active, living.addresses.count()) == ("Ina", True, 1)
    assert Ticket.objects.get().customer == ticket.customer == living


def test_nobody_goes_who_is_still_known_by_something():
    kept = {
        "account": f.CustomerFactory(user=f.UserFactory()),
        "organisation": f.CustomerFactory(organisation=Organisation.objects.create(name="Firm")),
        "block": f.CustomerFactory(is_blocked=True),
        "ticket": f.make_ticket(contact="").customer,
        "merged from": f.CustomerFactory(),
    }
    f.CustomerFactory(
        merged_into=kept["merged from"], organisation=kept["organisation"].organisation
    )
    wrote = f.CustomerFactory()
    Article.objects.filter(ticket__customer=kept["ticket"]).update(customer=wrote)
    f.CustomerAddressFactory(address="Copied.In@mail.example")
    Participant.objects.create(
        ticket=Ticket.objects.get(),
        address="Copied.In@mail.example",
        normalised="copied.in@mail.example",
    )
    gone = f.CustomerFactory()
    Customer.objects.update(created_at=timezone.now() - timedelta(days=100))
    new = f.CustomerFactory()
    found = set(expired_people.without_trace(timezone.now()).values_list("pk", flat=True))
    assert found == {gone.pk}
    assert new.pk not in found


# --- small things ------------------------------------------------------------------------------------


def test_addresses_that_bounced_long_ago_are_forgotten():
    for name, age in (("old", 731), ("young", 729)):
        BouncedAddress.objects.create(
            address=f"{name}@mail.example", last_at=at(0) - timedelta(days=age), suspended_at=at(0)
        )
    run = night(0)
    assert BouncedAddress.objects.get().address == "young@mail.example"
    assert run.counts["bounced"] == 1


def test_fields_of_forms_are_known_as_long_as_a_page_or_a_ticket_has_them():
    ticket, gone = opened(), uuid.uuid4()
    Ticket.objects.filter(pk=ticket.pk).update(form_key=uuid.uuid4())
    ticket.refresh_from_db()
    page = _page_key()
    for key in (ticket.form_key, page, gone):
        AskedField.objects.create(form_key=key, language="de", key="name", type="text", label="x")
    night(0)
    assert set(AskedField.objects.values_list("form_key", flat=True)) == {ticket.form_key, page}


def test_a_tag_goes_with_the_last_ticket_that_has_it():
    first, second = opened(), opened()
    for ticket, tags in ((first, ["Miller", "both"]), (second, ["both"])):
        actions.set_tags(actor=permissions.SYSTEM, ticket=ticket, tags=tags)
    night(0)
    assert set(TicketTag.objects.values_list("name", flat=True)) == {"Miller", "both"}
    actions.erase(tickets=[first.pk], reason=Tombstone.Reason.BY_HAND)
    run = night(1)
    assert TicketTag.objects.get().name == "both"
    assert run.counts["tags"] == 1


def _page_key() -> Any:
    return Page.objects.order_by("pk").first().translation_key


def test_old_runs_are_forgotten_and_arguments_of_finished_tasks_emptied():
    for day, dry in ((-3 * 365 - 1, False), (-3 * 365 + 2, False), (-31, True), (-1, True)):
        ErasureRun.objects.create(
            day=at(day).date(), is_dry=dry, started_at=at(day), finished_at=at(day)
        )
    facts = {
        "task_path": "a.b",
        "args_kwargs": {"args": ["secret"], "kwargs": {}},
        "queue_name": "q",
        "backend_name": "default",
        "run_after": at(-9),
        "priority": 0,
    }
    done = DBTaskResult.objects.create(status="SUCCESSFUL", finished_at=at(-2), **facts)
    fresh = DBTaskResult.objects.create(status="SUCCESSFUL", finished_at=at(0), **facts)
    waiting = DBTaskResult.objects.create(status="READY", **facts)
    night(0)
    kept = ErasureRun.objects.exclude(day=at(0).date()).values_list("day", flat=True)
    assert set(kept) == {at(-3 * 365 + 2).date(), at(-1).date()}
    for row, args in ((done, []), (fresh, ["secret"]), (waiting, ["secret"])):
        row.refresh_from_db()
        assert row.args_kwargs["args"] == args


# --- bytes -------------------------------------------------------------------------------------------


@pytest.fixture
def store(settings: Any, tmp_path: Any) -> Any:
    settings.MEDIA_ROOT = str(tmp_path / "media")
    return storage.blob_storage()


def age(store: Any, name: str, days: float) -> None:
    stamp = (timezone.now() - timedelta(days=days)).timestamp()
    os.utime(store.path(name), (stamp, stamp))


def sweep() -> int:
    return sum(leftovers.sweep(f"{one:02x}", timezone.now()) for one in range(256))


def test_bytes_without_a_row_go_when_they_are_older_than_a_day(store):
    known = Blob.keep(b"known").sha256
    lost, young = storage.put(b"lost"), storage.put(b"young")
    half = storage.path_of(lost).rsplit("/", 1)[0] + "/half-written"
    store.save(half, ContentFile(b"half"))
    for digest in (known, lost):
        age(store, storage.path_of(digest), 2)
    age(store, half, 2)
    assert sweep() == 2
    assert set(BlobRemoval.objects.values_list("sha256", flat=True)) == {lost}
    run = ErasureRun(day=timezone.localdate())
    leftovers.removal_batch(run, timezone.now())
    there = [store.exists(storage.path_of(one)) for one in (known, lost, young)]
    assert there == [True, False, True]
    assert not store.exists(half)
    assert not BlobRemoval.objects.exists()


def test_the_storage_is_looked_through_once_a_week_folder_by_folder(store):
    lost = storage.put(b"lost")
    with time_machine.travel(timezone.now() + timedelta(days=30), tick=False):
        sunday = timezone.localdate() + timedelta(days=6 - timezone.localdate().weekday())
        other = ErasureRun(day=sunday - timedelta(days=1))
        assert leftovers.orphan_batch(other, timezone.now()) == ({}, False)
        run, calls, found = ErasureRun(day=sunday), 0, 0
        more = True
        while more:
            counts, more = leftovers.orphan_batch(run, timezone.now())
            calls, found = calls + 1, found + counts["orphans"]
    assert (calls, found) == (256, 1)
    assert BlobRemoval.objects.get().sha256 == lost


def test_rows_of_files_that_nothing_needs_go_once_a_week(store, monkeypatch):
    """An export that was stored, and then its process died, leaves one."""
    monkeypatch.setattr(leftovers, "ROWS", 2)
    needed = [Blob.keep(f"mail {n}".encode()) for n in range(3)]
    for n, blob in enumerate(needed):
        InboundMail.objects.create(source="pipe", key=str(n), blob=blob)
    lost = [Blob.keep_file(ContentFile(f"export {n}".encode())) for n in range(3)]
    Blob.objects.update(stored_at=timezone.now() - timedelta(days=2))
    young = Blob.keep(b"is about to be needed")
    sunday = timezone.localdate() + timedelta(days=6 - timezone.localdate().weekday())
    other = ErasureRun(day=sunday - timedelta(days=1))
    assert leftovers.needless_batch(other, timezone.now()) == ({}, False)
    run, calls, found, more = ErasureRun(day=sunday), 0, 0, True
    while more:
        counts, more = leftovers.needless_batch(run, timezone.now())
        calls, found = calls + 1, found + counts["orphans"]
    assert (calls, found) == (4, 3)
    assert set(Blob.objects.all()) == {*needed, young}
    leftovers.removal_batch(run, timezone.now())
    assert [store.exists(storage.path_of(one.sha256)) for one in (*needed, *lost)] == [
        *[True] * 3,
        *[False] * 3,
    ]


def test_an_export_of_a_dead_process_goes_with_a_sunday_night():
    blob = Blob.keep_file(ContentFile(b"everything about somebody"))
    sunday = 6 - at(0).weekday()
    Blob.objects.update(stored_at=at(sunday) - timedelta(days=2))
    night(sunday)
    assert not Blob.objects.filter(pk=blob.pk).exists()


# --- reminders ---------------------------------------------------------------------------------------


def test_a_hold_that_ends_soon_is_told_to_who_placed_it_and_to_managers_once():
    ticket = closed(when=at(0))
    placed = f.make_agent(ticket.queue, rights=[Right.MANAGE])
    manager = f.make_agent(ticket.queue, rights=[Right.MANAGE])
    f.make_agent(ticket.queue, rights=[Right.READ, Right.ANSWER])
    with time_machine.travel(at(10), tick=False):
        actions.place_hold(
            actor=permissions.agent(placed), ticket=ticket, reason="x", until=at(100).date()
        )
    night(85)
    assert not Notice.objects.exists()
    night(86)
    rows = list(Notice.objects.order_by("user"))
    assert [row.user_id for row in rows] == [placed.pk, manager.pk]
    assert {(row.kind, row.ticket_id) for row in rows} == {("storage", ticket.pk)}
    night(87)
    assert Notice.objects.count() == 2


def test_files_in_drafts_on_tickets_without_files_go_in_a_night():
    ticket = closed(f.QueueFactory(attachment_days=30, retention_days=900))
    night(31)
    agent = permissions.agent(f.make_agent(ticket.queue))
    with time_machine.travel(at(32), tick=False):
        saved_drafts.save_draft(
            actor=agent,
            ticket=ticket,
            mode="note",
            fields={"body": "Dear"},
            files=[Upload("plan.pdf", b"plan", "application/pdf")],
        )
    run = night(32)
    assert run.counts["files"] == 1
    assert SavedDraft.objects.get().fields == {"body": "Dear", "files_gone": 1}
    assert not Blob.objects.exists()


def test_with_an_account_go_the_bytes_of_what_was_made_for_it(
    store, django_capture_on_commit_callbacks
):
    ticket = f.make_ticket()
    agent = f.make_agent(ticket.queue)
    file = Upload("plan.pdf", b"of the draft", "application/pdf")
    saved_drafts.save_draft(
        actor=permissions.agent(agent), ticket=ticket, mode="note", fields={}, files=[file]
    )
    for user, content in ((agent, b"chosen in a form"), (f.UserFactory(), b"of somebody else")):
        holder = Holder(form_key=uuid.uuid4(), visitor="digest", user_id=user.pk)
        HeldFile.hold(holder, [ToHold("plan", "plan.pdf", "application/pdf", content)])
    now = timezone.now()
    DataExport.objects.create(
        asked_by=agent, asked_at=now, expires_at=now, blob=Blob.keep_file(ContentFile(b"archive"))
    )
    DataExport.objects.create(asked_by=agent, asked_at=now, expires_at=now)
    digests = set(Blob.objects.values_list("sha256", flat=True))
    assert len(digests) == 4
    with django_capture_on_commit_callbacks(execute=True):
        agent.delete()
    left = Blob.objects.get()
    assert left.read() == b"of somebody else"
    assert {one for one in digests if store.exists(storage.path_of(one))} == {left.sha256}
