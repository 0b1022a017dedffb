"""What the journal knows is erased again, and nothing else."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.utils import timezone

from helpdesk import actions, journal, permissions, search
from helpdesk.actions import Draft, Upload
from helpdesk.models import (
    Article,
    Attachment,
    AuditEntry,
    AuditKind,
    Blob,
    Channel,
    Customer,
    Hold,
    InboundMail,
    NumberCounter,
    OutboundMail,
    PersonErasure,
    SearchEntry,
    Ticket,
    Tombstone,
)
from helpdesk.privacy import person_jobs, persons
from helpdesk.privacy.replaying import replay
from tests import factories as f

from . import markers

pytestmark = pytest.mark.django_db


def batch(*entries, hours=0):
    """One batch of the journal, written so many hours ago."""
    return (timezone.now() - timedelta(hours=hours)).isoformat(), list(entries)


def of(ticket, kind=journal.TICKET, **more):
    return {"kind": kind, "pk": ticket.pk, "number": ticket.number, **more}


def note(ticket, body="A note", content=b""):
    files = (Upload("plan.pdf", content),) if content else ()
    draft = Draft(body=body, channel=Channel.NOTE, files=files)
    return actions.add_note(actor=permissions.SYSTEM, ticket=ticket, draft=draft)


def of_one_customer():
    customer = f.CustomerAddressFactory(verified=True).customer
    return tuple(f.make_ticket(subject=one, customer=customer) for one in ("First", "Second"))


def merge(source, target):
    agent = permissions.agent(f.make_agent(source.queue, target.queue))
    actions.merge(actor=agent, source=source, target=target)


def test_a_ticket_goes_if_id_and_number_are_its_own():
    one, other, third = f.make_ticket(), f.make_ticket(), f.make_ticket()
    entries = [
        batch(
            of(one, reason="objection"),
            {"kind": "ticket", "pk": other.pk, "number": third.number},
            {"kind": "ticket", "pk": 10**9, "number": "2026010110000017"},
        )
    ]
    done = replay(entries)
    assert (done["tickets"], done["left"]) == (1, 0)
    assert set(Ticket.objects.all()) == {other, third}
    stone = Tombstone.objects.get()
    assert (stone.number, stone.reason) == (one.number, "objection")
    assert stone.erased_at.isoformat() == entries[0][0]  # when it really was
    assert replay(entries) == {}


def test_a_hold_that_was_lifted_since_the_backup_keeps_nothing():
    ticket = f.make_ticket()
    Hold.objects.create(
        ticket=ticket,
        reason="a case in court",
        until=timezone.localdate() + timedelta(days=90),
        placed_at=timezone.now(),
    )
    assert replay([batch(of(ticket))])["tickets"] == 1
    assert not Ticket.objects.exists()


@pytest.mark.parametrize(("hours", "stays"), [(1, False), (3, True)])
def test_files_go_again_only_if_the_backup_is_older(hours, stays):
    """Two hours old: what was erased before that was erased in it, and files that it has came afterwards."""
    ticket = f.make_ticket()
    note(ticket, content=b"a plan")
    since = timezone.now() - timedelta(hours=2)
    replay([batch(of(ticket, journal.FILES), hours=hours)], since=since)
    assert Attachment.objects.exists() is stays
    assert Blob.objects.exists() is stays
    assert Ticket.objects.get().articles.count() == 2


@pytest.mark.parametrize(("hours", "stays"), [(1, False), (3, True)])
def test_what_a_later_backup_has_was_not_erased(hours, stays):
    """The journal comes before the commit: a batch that failed stands there, and its ticket may have been reopened."""
    ticket = f.make_ticket()
    since = timezone.now() - timedelta(hours=2)
    done = replay([batch(of(ticket), hours=hours)], since=since)
    assert Ticket.objects.exists() is stays
    assert done["tickets"] == (0 if stays else 1)


def test_nor_does_it_go_along_with_one_that_was():
    first, second = of_one_customer()
    merge(first, second)
    since = timezone.now() - timedelta(hours=2)
    done = replay([batch(of(second), hours=3), batch(of(first), hours=1)], since=since)
    assert done["tickets"] == 1
    assert list(Ticket.objects.all()) == [second]


def test_people_go_again_and_a_ticket_becomes_anonymous_again():
    first, second = f.make_ticket(), f.make_ticket()
    replay([batch(of(first, journal.PERSONS), of(second, journal.ANONYMISED))])
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.customer, first.contact) == (None, "")
    assert first.persons_erased_at is not None
    assert second.anonymised_at is not None
    assert Tombstone.objects.get().is_anonymised


def test_single_messages_and_mails_become_shells():
    ticket = f.make_ticket(body="The public part")
    gone, kept = note(ticket, "Of somebody else", b"theirs"), note(ticket, "Mine", b"mine")
    mail = InboundMail.objects.create(
        source="pipe",
        key="7",
        blob=Blob.keep(b"raw"),
        sender="ina@mail.example",
        subject="Of Ina",
        article=gone,
        state=InboundMail.State.FILED,
    )
    sent = OutboundMail.objects.create(
        ticket=ticket,
        article=gone,
        kind=OutboundMail.Kind.ANSWER,
        message_id="<a@desk.example>",
        from_address="desk@desk.example",
        to=[["Ina", "ina@mail.example"]],
        subject="Of Ina",
        body="Of somebody else",
        due_at=timezone.now(),
    )
    other = InboundMail.objects.create(source="pipe", key="8", sender="x@y.example", subject="X")
    done = replay(
        [
            batch(
                {"kind": journal.ARTICLES, "pks": [gone.pk, 10**9]},
                {"kind": journal.INBOUND, "pks": [other.pk]},
            )
        ]
    )
    assert (done["articles"], done["attachments"], done["mails"]) == (1, 1, 2)
    gone.refresh_from_db()
    kept.refresh_from_db()
    assert (gone.body, kept.body) == ("", "Mine")
    assert [one.read() for one in Blob.objects.all()] == [b"mine"]
    for row in (mail, other):
        row.refresh_from_db()
        assert (row.state, row.sender, row.subject, row.blob) == ("erased", "", "", None)
    assert (mail.source, mail.key) == ("pipe", "7")
    sent.refresh_from_db()
    assert (sent.state, sent.to, sent.subject, sent.body) == ("withdrawn", [], "", "")
    assert not SearchEntry.objects.filter(words__icontains="somebody").exists()


def test_what_a_ticket_was_only_merged_with_stays():
    """In the backup one is merged into the other; that was taken back afterwards, and the first was erased."""
    first, second = of_one_customer()
    own = note(first, "Of the first")
    merge(first, second)
    done = replay([batch(of(first), {"kind": journal.ARTICLES, "pks": [own.pk]})])
    assert (done["tickets"], done["left"]) == (1, 0)
    assert [one.subject for one in Ticket.objects.all()] == ["Second"]
    assert second.articles.count() == 1


def test_where_they_cannot_be_taken_apart_any_more_the_messages_go(time_machine):
    first, second = of_one_customer()
    own = note(first, "Of the first")
    merge(first, second)
    time_machine.move_to(timezone.now() + timedelta(days=400))
    done = replay([batch(of(first), {"kind": journal.ARTICLES, "pks": [own.pk]})])
    assert (done["tickets"], done["left"]) == (0, 1)
    assert Ticket.objects.count() == 2
    assert Article.objects.get(pk=own.pk).body == ""


STEPS = [journal.FILES, journal.PERSONS, journal.ANONYMISED]


@pytest.mark.parametrize("kind", STEPS)
def test_a_step_takes_nothing_of_what_a_ticket_was_only_merged_with(kind):
    """In the backup one is merged into the other; that was taken back afterwards, and the first took a step."""
    first, second = of_one_customer()
    note(second, "Mine", b"mine")
    merge(first, second)
    Hold.objects.create(
        ticket=second,
        reason="a case in court",
        until=timezone.localdate() + timedelta(days=90),
        placed_at=timezone.now() - timedelta(days=1),
    )
    done = replay([batch(of(first, kind))])
    assert done["left"] == 0
    first.refresh_from_db()
    second.refresh_from_db()
    assert (second.anonymised_at, second.files_erased_at, second.persons_erased_at) == (None,) * 3
    assert second.subject == "Second"
    assert second.customer is not None
    assert second.contact
    assert second.holds.get().lifted_at is None
    assert [one.read() for one in Blob.objects.all()] == [b"mine"]
    took = (first.files_erased_at, first.persons_erased_at, first.anonymised_at)
    assert took[STEPS.index(kind)] is not None
    assert first.merged_into is None


@pytest.mark.parametrize("kind", STEPS)
def test_a_step_is_left_out_where_they_cannot_be_taken_apart_any_more(kind, time_machine):
    first, second = of_one_customer()
    merge(first, second)
    time_machine.move_to(timezone.now() + timedelta(days=400))
    assert replay([batch(of(first, kind))]) == {"left": 1}
    second.refresh_from_db()
    assert (second.customer is not None, second.anonymised_at) == (True, None)


@pytest.mark.parametrize("kind", STEPS)
def test_a_step_of_a_whole_group_is_taken_of_it_whole(kind):
    first, second = of_one_customer()
    merge(first, second)
    assert replay([batch(of(first, kind), of(second, kind))])["left"] == 0
    first.refresh_from_db()
    assert first.merged_into == second
    rows = Ticket.objects.values_list("files_erased_at", "persons_erased_at", "anonymised_at")
    assert all(row[STEPS.index(kind)] is not None for row in rows)


def test_a_group_that_was_erased_whole_goes_whole():
    first, second = of_one_customer()
    merge(first, second)
    assert replay([batch(of(first), of(second))])["tickets"] == 2
    assert Tombstone.objects.count() == 2


def test_a_person_is_forgotten_again_and_others_stay():
    address = f.CustomerAddressFactory(address="ina@mail.example", customer__name="Ina Gone")
    ticket = f.make_ticket()
    note(ticket, "Ask ina@mail.example about it")
    assert (
        replay([batch({"kind": journal.CUSTOMERS, "pks": [address.customer_id]})])["customers"] == 1
    )
    assert not Customer.objects.filter(pk=address.customer_id).exists()
    assert "ina@mail.example" not in "".join(Article.objects.values_list("body", flat=True))
    assert Ticket.objects.get().customer is not None


def shared_request():
    """A request of Ina Gone's with answers, in which somebody else has a part."""
    address = f.CustomerAddressFactory(address="ina@mail.example", customer__name="Ina Gone")
    queue = f.QueueAddressFactory().queue
    ticket = f.make_ticket(
        queue,
        subject=markers.mark(markers.CONTENT),
        body=f"It says {markers.mark(markers.CONTENT)}",
        customer=address.customer,
        contact=address.normalised,
        receipt=True,
        origin=actions.Origin(
            answers=(
                {
                    "key": "why",
                    "type": "long_text",
                    "label": "Why",
                    "value": markers.mark(markers.CONTENT),
                    "shown": markers.mark(markers.CONTENT),
                },
            )
        ),
    )
    agent = permissions.agent(f.make_agent(queue))
    actions.rename(actor=agent, ticket=ticket, subject=f"Again {markers.mark(markers.CONTENT)}")
    actions.receive_message(
        actor=permissions.SYSTEM,
        ticket=ticket,
        customer=f.CustomerAddressFactory(address="bo@mail.example").customer,
        draft=Draft(body="Of Bo", channel=Channel.EMAIL, from_address="bo@mail.example"),
    )
    return address.customer, Ticket.objects.get(pk=ticket.pk)


def test_what_an_erased_person_asked_goes_again_where_others_have_a_part(settings, tmp_path):
    settings.HELPDESK = {**settings.HELPDESK, "ERASURE_JOURNAL": str(tmp_path / "journal")}
    person, ticket = shared_request()
    since = timezone.now() - timedelta(minutes=1)
    backup = transaction.savepoint()
    person_jobs.ask(
        actor=permissions.agent(f.UserFactory(is_superuser=True)),
        person=persons.person_of(customers=[person.pk]),
        kind=PersonErasure.Kind.ERASE,
        ground=PersonErasure.Ground.DUTY,
    )
    while person_jobs.work():
        pass
    subject = Ticket.objects.get().subject
    transaction.savepoint_rollback(backup)
    assert markers.in_tables(markers.CONTENT)
    nonce = ticket.link_nonce
    done = replay(journal.read(), since=since)
    assert done["own"] == 1
    ticket.refresh_from_db()
    assert (ticket.subject, ticket.answers, ticket.customer) == (subject, [], None)
    assert (ticket.contact, ticket.preview) == ("", "Of Bo")
    assert ticket.link_nonce != nonce
    search.purge()  # as restoring does
    assert not markers.in_tables(markers.CONTENT)
    assert Article.objects.get(body="Of Bo").customer is not None
    assert replay(journal.read(), since=since)["own"] == 1  # as often as one likes


def test_another_ticket_with_that_id_is_not_the_persons():
    one, other = f.make_ticket(subject="Mine"), f.make_ticket()
    entry = {"kind": journal.OWN, "pk": one.pk, "number": other.number}
    assert replay([batch(entry)]) == {}
    one.refresh_from_db()
    assert one.subject == "Mine"


def test_numbers_that_the_journal_knows_are_not_drawn_again():
    ticket = f.make_ticket()
    day = NumberCounter.objects.get().day
    later = f"{ticket.number[:10]}00041"
    from stdnum.iso7064 import mod_11_10

    later += mod_11_10.calc_check_digit(later)
    assert actions.numbers.skip_drawn([later, "no number"], day=day) == 1
    assert int(f.make_ticket().number[10:-1]) == 42
    assert actions.numbers.skip_drawn([later], gap=100, day=day) == 1
    assert int(f.make_ticket().number[10:-1]) == 143


def test_after_going_back_by_other_means_a_command_does_the_same(settings, tmp_path):
    settings.HELPDESK = {**settings.HELPDESK, "ERASURE_JOURNAL": str(tmp_path / "journal")}
    ticket, other = f.make_ticket(body=f"It says {markers.mark(markers.CONTENT)}"), f.make_ticket()
    journal.write([of(ticket)])
    out = StringIO()
    yesterday = timezone.localtime() - timedelta(days=1)
    call_command("replay_erasures", "--since", f"{yesterday:%Y-%m-%dT%H:%M}", stdout=out)
    assert "1 tickets" in out.getvalue()
    assert list(Ticket.objects.all()) == [other]
    assert not markers.in_tables(markers.CONTENT)  # in the index neither
    assert AuditEntry.objects.get(kind=AuditKind.RESTORED).data["erased_again"]["tickets"] == 1
    for wrong in ("soon", "2026-99-01T00:00"):
        with pytest.raises(CommandError, match="write it as"):
            call_command("replay_erasures", "--since", wrong)
    with pytest.raises(CommandError, match="still to come"):
        call_command("replay_erasures", "--since", "2999-01-01T00:00")
