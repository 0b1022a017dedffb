"""Exports know which tickets they hold: these and no others go when something of a ticket is erased."""

from __future__ import annotations

import io
import threading
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, connections, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from helpdesk import actions, permissions, storage
from helpdesk.actions import Draft, erasing_again, exported, person_rows, persons
from helpdesk.models import (
    Article,
    Blob,
    BlobRemoval,
    Channel,
    DataExport,
    ExportedTicket,
    InboundMail,
    OutboundMail,
    Participant,
    Sender,
    Ticket,
    Tombstone,
)
from helpdesk.privacy import archive, export, export_data
from helpdesk.privacy.persons import person_of
from tests import factories as f

BY_HAND = Tombstone.Reason.BY_HAND
ON_POSTGRESQL = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="SQLite has one writer at a time"
)


@pytest.fixture(autouse=True)
def _aside(settings, tmp_path):
    settings.MEDIA_ROOT = str(tmp_path / "media")
    settings.HELPDESK = {**settings.HELPDESK, "ERASURE_JOURNAL": str(tmp_path / "erasures")}


def asked(customer: Any = None, *, complete: bool = True, **facts: Any) -> DataExport:
    now = timezone.now()
    facts = {"asked_at": now, "expires_at": now + timedelta(days=7), **facts}
    return DataExport.objects.create(
        customer=customer or f.CustomerFactory(), is_complete=complete, **facts
    )


def made(customer: Any, *, complete: bool = True) -> DataExport:
    row = asked(customer, complete=complete)
    assert export.make.call(row.pk) == "made"
    row.refresh_from_db()
    return row


def holding(*tickets: Ticket) -> DataExport:
    """Make an export that holds something of tickets, and nothing else."""
    row = asked(state="ready", is_noted=True, blob=Blob.keep(f"{tickets}".encode()))
    ExportedTicket.objects.bulk_create(
        ExportedTicket(export=row, ticket_pk=one.pk) for one in tickets
    )
    return row


def noted(row: DataExport) -> set[int]:
    return set(row.tickets.values_list("ticket_pk", flat=True))


def text_of(row: DataExport) -> str:
    content = zipfile.ZipFile(io.BytesIO(row.blob.read()))
    return "".join(content.read(name).decode() for name in ("index.html", "data.json"))


# --- what it holds -----------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize("complete", [True, False])
def test_one_notes_all_of_which_it_holds_something(complete):
    own = f.make_ticket()
    merged = f.make_ticket(own.queue, customer=own.customer, contact=own.contact)
    actions.merge(actor=permissions.SYSTEM, source=merged, target=own)
    f.make_ticket()
    row = made(own.customer, complete=complete)
    assert row.is_noted
    assert {own.pk, merged.pk} == noted(row)


@pytest.mark.django_db
def test_tickets_of_mails_are_noted_as_well():
    """Of these it has the subjects."""
    ticket, other, unknown = f.make_ticket(), f.make_ticket(), f.make_ticket()
    address = ticket.customer.all_addresses()[0].normalised
    facts = {"from_address": "desk@x.example", "body": "", "due_at": timezone.now()}
    OutboundMail.objects.create(ticket=other, kind="answer", state="sent", to=[["", address]], subject="Roof", message_id="<1@x>", **facts)  # fmt: skip
    InboundMail.objects.create(source="t", key="1", article=unknown.articles.first(), sender=address, subject="Door")  # fmt: skip
    InboundMail.objects.create(source="t", key="2", sender=address, subject="Window")
    row = made(ticket.customer)
    assert {ticket.pk, other.pk, unknown.pk} <= noted(row)
    assert all(word in text_of(row) for word in ("Roof", "Door", "Window"))


@pytest.mark.django_db
def test_thousands_are_noted_in_few_statements():
    first = f.make_ticket()
    rows = Ticket.objects.bulk_create(
        Ticket(
            number=f"n{n}",
            subject="x",
            queue=first.queue,
            state=first.state,
            priority=first.priority,
            channel="web",
            created_at=first.created_at,
            changed_at=first.created_at,
            retention_days=730,
        )
        for n in range(5000)
    )
    row = asked()
    exported.begin_noting(row.pk)
    with CaptureQueriesContext(connection) as asked_for:
        exported.note_tickets(row.pk, [one.pk for one in rows])
    said = [one["sql"] for one in asked_for if not one["sql"].startswith(("SAVEPOINT", "RELEASE"))]
    assert len(said) <= 5000 / exported.PORTION * (3 if connection.vendor == "postgresql" else 4)
    assert row.tickets.count() == 5000
    with CaptureQueriesContext(connection) as asked_for:
        exported.forget_exports([first.pk])
    assert len(asked_for) == 1
    assert exported.forget_exports([rows[77].pk]) == 1
    assert not ExportedTicket.objects.exists()


@pytest.mark.django_db
def test_an_archive_of_one_request_notes_nothing():
    ticket = f.make_ticket()
    export.of_request(actor=permissions.customer(ticket.customer), ticket=ticket).close()
    assert not ExportedTicket.objects.exists()


# --- which go ----------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_of_which_nobody_knows_what_they_hold_go():
    ticket = f.make_ticket()
    old, waiting, failed = asked(state="ready"), asked(), asked(state="failed")
    actions.erase_files(tickets=[ticket.pk], reason=BY_HAND)
    assert set(DataExport.objects.all()) == {waiting, failed}
    assert old not in DataExport.objects.all()


@pytest.mark.django_db
def test_after_messages_moved_both_are_held():
    one, other, apart = f.make_ticket(), f.make_ticket(), f.make_ticket()
    row, control = holding(one), holding(apart)
    journal = actions.merge(actor=permissions.SYSTEM, source=other, target=one, visible=False)
    assert noted(row) == {one.pk, other.pk}
    actions.unmerge(actor=permissions.SYSTEM, merge=journal)
    article = actions.add_note(
        actor=permissions.SYSTEM, ticket=one, draft=Draft(body="x", channel=Channel.NOTE)
    )
    split = actions.split(
        actor=permissions.SYSTEM, ticket=one, article=article, queue=one.queue, subject="More"
    )
    assert split.ticket.pk in noted(row)
    Article.objects.filter(pk=article.pk).update(sender=Sender.CUSTOMER)
    moved = actions.make_own_ticket(actor=permissions.SYSTEM, ticket=one, article=article)
    assert moved.ticket.pk in noted(row)
    assert noted(control) == {apart.pk}
    actions.erase(tickets=[moved.ticket.pk], reason=BY_HAND)
    assert list(DataExport.objects.all()) == [control]


@pytest.fixture
def wrote(db) -> Iterator[tuple[Any, Ticket, DataExport, DataExport]]:
    """Somebody who wrote in another's request, an export that holds that, and one that holds something else."""
    person, ticket, elsewhere = f.CustomerFactory(), f.make_ticket(), f.make_ticket()
    article = ticket.articles.first()
    Article.objects.filter(pk=article.pk).update(customer=person, from_name="Quork")
    return person, ticket, holding(ticket), holding(elsewhere)


@pytest.mark.parametrize("own_goes", [True, False])
def test_whose_part_in_a_request_goes_takes_the_exports_that_hold_it(wrote, own_goes):
    customer, ticket, row, control = wrote
    person = person_of(customers=[customer.pk])
    blanker = persons.Blanker(person.marks, "[erased]")
    facts = {"person": person, "blanker": blanker, "own_goes": own_goes, "after": 0}
    persons.blank(model=Article, held=[ticket.pk], **facts)
    assert set(DataExport.objects.all()) == {row, control}  # it is held: nothing was changed
    persons.blank(model=Article, held=(), **facts)
    person_rows.forget_person(person=person)
    assert list(DataExport.objects.all()) == [control]


def test_who_takes_part_no_more_takes_those_that_name_them(wrote):
    _customer, ticket, row, control = wrote
    address = "q@x.example"
    Participant.objects.create(ticket=ticket, address=address, normalised=address)
    person = person_of(addresses=[address])
    persons.drop_participants(person=person, held=[ticket.pk])
    assert row in DataExport.objects.all()
    persons.drop_participants(person=person, held=())
    assert list(DataExport.objects.all()) == [control]


@pytest.mark.usefixtures("wrote")
def test_a_mail_without_a_ticket_takes_the_complete_ones_of_its_people():
    DataExport.objects.all().delete()
    facts = {"state": "ready", "is_noted": True}
    own = asked(complete=False, addresses=["q@x.example"], **facts)
    others = asked(addresses=["other@x.example"], **facts)
    asked(addresses=["q@x.example", "quork"], **facts)
    InboundMail.objects.create(source="t", key="9", sender="Q@X.example", subject="x")
    person = person_of(addresses=["q@x.example"])
    blanker = persons.Blanker(person.marks, "[erased]")
    persons.blank(
        model=InboundMail, person=person, blanker=blanker, after=0, held=(), own_goes=True
    )
    assert set(DataExport.objects.all()) == {own, others}


def test_so_do_messages_and_mails_that_are_emptied_after_a_restore(wrote):
    _customer, ticket, _row, control = wrote
    erasing_again.empty_articles(articles=[ticket.articles.first().pk])
    assert list(DataExport.objects.all()) == [control]
    elsewhere = Ticket.objects.get(pk=control.tickets.get().ticket_pk)
    mail = InboundMail.objects.create(source="t", key="9", ticket=elsewhere, sender="a@x.example")
    erasing_again.empty_mails(mails=[mail.pk])
    assert not DataExport.objects.exists()


# --- at the same moment ------------------------------------------------------------------------------

TOGETHER = pytest.mark.django_db(transaction=True, serialized_rollback=True)
WORD = "qzxvk"


def with_word(customer: Any = None) -> Ticket:
    options = {"customer": customer, "contact": ""} if customer else {}
    ticket = f.make_ticket(**options)
    ticket.articles.update(body=WORD, subject=WORD)
    Ticket.objects.filter(pk=ticket.pk).update(subject=WORD)
    return ticket


def nothing_is_left() -> bool:
    stored = [one.sha256 for one in Blob.objects.all()]
    return not (
        DataExport.objects.exists()
        or ExportedTicket.objects.exists()
        or BlobRemoval.objects.exists()
        or stored
    )


@TOGETHER
@pytest.mark.parametrize("verb", ["erase", "erase_files", "erase_persons", "anonymise"])
def test_what_is_erased_after_it_was_read_takes_the_export_that_is_being_made(monkeypatch, verb):
    ticket = with_word()
    row = asked(ticket.customer)
    read = export_data._request
    seen: list[Any] = []

    def and_then_erased(*arguments: Any) -> Any:
        found = read(*arguments)
        seen.append(found)
        getattr(actions, verb)(tickets=[ticket.pk], reason=BY_HAND)
        return found

    monkeypatch.setattr(export_data, "_request", and_then_erased)
    assert export.make.call(row.pk) == "nothing"
    assert WORD in str(seen)
    assert nothing_is_left()


@TOGETHER
def test_what_is_erased_after_its_bytes_are_stored_takes_them(monkeypatch):
    ticket = with_word()
    row = asked(ticket.customer)
    keep = Blob.keep_file
    kept: list[str] = []

    def and_then_erased(content: Any) -> Blob:
        blob = keep(content)
        kept.append(blob.sha256)
        actions.erase(tickets=[ticket.pk], reason=BY_HAND)
        return blob

    monkeypatch.setattr(Blob, "keep_file", and_then_erased)
    assert export.make.call(row.pk) == "nothing"
    assert nothing_is_left()
    with pytest.raises(FileNotFoundError):
        storage.read(kept[0])


@TOGETHER
def test_what_is_erased_between_being_found_and_noted_does_not_get_in(monkeypatch):
    ticket = with_word()
    stays = f.make_ticket(ticket.queue, customer=ticket.customer, contact=ticket.contact)
    row = asked(ticket.customer)
    note = exported.note_tickets

    def after_erasing(pk: int, tickets: Any) -> None:
        if ticket.pk in tickets:
            actions.erase(tickets=[ticket.pk], reason=BY_HAND)
        note(pk, tickets)

    monkeypatch.setattr(exported, "note_tickets", after_erasing)
    assert export.make.call(row.pk) == "made"
    row.refresh_from_db()
    assert noted(row) == {stays.pk}
    assert WORD not in text_of(row)


@TOGETHER
def test_one_that_was_dropped_before_it_began_noting_is_not_made(monkeypatch):
    row = asked(with_word().customer)
    write = archive.write

    def after_dropping(*arguments: Any, **options: Any) -> Any:
        exported.drop_exports([row.pk])
        return write(*arguments, **options)

    monkeypatch.setattr(archive, "write", after_dropping)
    assert export.make.call(row.pk) == "nothing"
    assert nothing_is_left()


@ON_POSTGRESQL
@TOGETHER
@pytest.mark.parametrize("verb", ["erase", "blank"])
def test_while_an_erasure_is_under_way_its_ticket_is_not_read(verb):
    """It asked for exports before this one noted anything, and is not committed yet."""
    ticket = with_word()
    stays = f.make_ticket(ticket.queue, customer=ticket.customer, contact=ticket.contact)
    row = asked(ticket.customer)
    began, results = threading.Event(), []

    def make() -> None:
        began.set()
        try:
            results.append(export.make.call(row.pk))
        finally:
            connections.close_all()

    worker = threading.Thread(target=make)
    with transaction.atomic():
        if verb == "erase":
            actions.erase(tickets=[ticket.pk], reason=BY_HAND)
        else:
            exported_person(ticket)
        worker.start()
        began.wait()
        worker.join(timeout=2)
        assert worker.is_alive()  # it waits
        waiting = ExportedTicket.objects.filter(export=row).values_list("ticket_pk", flat=True)
        assert ticket.pk not in waiting
    worker.join(timeout=30)
    assert results == ["made"]
    row.refresh_from_db()
    assert stays.pk in noted(row)
    assert WORD not in text_of(row)


def exported_person(ticket: Ticket) -> None:
    """Take somebody's part out of a ticket: what they wrote there is the word."""
    writer = f.CustomerFactory()
    ticket.articles.update(customer=writer, subject="")
    Ticket.objects.filter(pk=ticket.pk).update(subject="x")
    person = person_of(customers=[writer.pk])
    blanker = persons.Blanker(person.marks, "[erased]")
    persons.blank(model=Article, person=person, blanker=blanker, after=0, held=(), own_goes=True)


@ON_POSTGRESQL
@TOGETHER
def test_a_merge_and_an_erasure_at_one_moment_leave_no_note_without_an_export():
    one, other, third = f.make_ticket(), f.make_ticket(), f.make_ticket()
    holding(one, third)
    faults: list[Exception] = []

    def merge() -> None:
        try:
            actions.merge(actor=permissions.SYSTEM, source=other, target=one, visible=False)
        except Exception as fault:  # noqa: BLE001  told by the test
            faults.append(fault)
        finally:
            connections.close_all()

    worker = threading.Thread(target=merge)
    with transaction.atomic():
        actions.erase(tickets=[third.pk], reason=BY_HAND)
        worker.start()
        worker.join(timeout=1)
    worker.join(timeout=30)
    assert not faults
    assert not ExportedTicket.objects.exists()
