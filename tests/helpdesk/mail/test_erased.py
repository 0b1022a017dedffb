"""Mail that answers what is not there any more: a new ticket with a word to the team, whatever names the old one."""

from __future__ import annotations

from datetime import date

import pytest
import time_machine

from helpdesk import actions, addressing, journal
from helpdesk.actions import Draft
from helpdesk.actions.erasing import anonymise, erase, erase_files, erase_persons
from helpdesk.actions.numbers import draw
from helpdesk.mail import filing, gone, ingest, ledger
from helpdesk.models import (
    Article,
    Attachment,
    Channel,
    InboundMail,
    MailFilter,
    OutboundMail,
    Ticket,
    Tombstone,
)
from helpdesk.permissions import SYSTEM
from helpdesk.states import StateType
from tests import factories as f

from .test_bounces import report
from .test_pipeline import deliver, mail, reply_address

pytestmark = pytest.mark.django_db

INA = "Ina <ina@mail.example>"
REASON = Tombstone.Reason.RETENTION


@pytest.fixture(autouse=True)
def support():
    return f.QueueAddressFactory(address="support@desk.example", queue__slug="support").queue


@pytest.fixture
def old():
    """A ticket that came by mail and was answered."""
    ticket = deliver(mail("First", sender=INA, Message_ID="<1@mail.example>")).ticket
    draft = Draft(body="An answer", channel=Channel.EMAIL)
    actions.answer(actor=SYSTEM, ticket=ticket, draft=draft, to=[("Ina", "ina@mail.example")])
    return ticket


def ways(ticket):
    """Return mails that name a ticket: by each of the signs by which it would have been found."""
    answer = OutboundMail.objects.get(ticket=ticket, kind="answer").message_id
    receipt = OutboundMail.objects.get(ticket=ticket, kind="receipt").message_id
    number = f"Re: [Ticket#{ticket.number}] Printer"
    return {
        "token": mail("Again", sender=INA, to=reply_address(ticket)),
        "number": mail("Again", sender=INA, subject=number),
        "answer": mail("Again", sender=INA, In_Reply_To=answer),
        "receipt": mail("Again", sender=INA, References=f"<x@y.example> {receipt}"),
    }


@pytest.mark.parametrize("go", [erase, anonymise])
@pytest.mark.parametrize("way", ["token", "number", "answer", "receipt"])
def test_an_answer_to_an_erased_ticket_is_a_new_one_and_the_team_is_told(old, way, go):
    raw = ways(old)[way]
    go(tickets=[old.pk], reason=REASON)
    row = deliver(raw)
    assert (row.state, row.outcome) == (InboundMail.State.FILED, InboundMail.Outcome.OPENED)
    assert row.ticket.pk != old.pk
    assert row.ticket.number != old.number
    assert any(old.number in line for line in row.evidence_lines())
    note = row.ticket.articles.get(channel=Channel.NOTE)
    assert old.number in note.body
    assert not note.visible
    assert not Article.objects.filter(ticket=old.pk).exists()


def test_what_names_no_erased_ticket_says_nothing_of_one(old):
    erase(tickets=[old.pk], reason=REASON)
    forged = mail("x", sender=INA, to=f"support+t{old.pk}-{'a' * 16}@desk.example")
    for raw in (mail("New", sender=INA), mail("Own", sender=INA, In_Reply_To="<1@mail.example>")):
        assert not deliver(raw).ticket.articles.filter(channel=Channel.NOTE).exists()
    assert not any(old.number in line for line in deliver(forged).evidence_lines())


def test_a_live_ticket_goes_before_an_erased_one(old):
    other = deliver(mail("Else", sender=INA)).ticket
    erase(tickets=[old.pk], reason=REASON)
    subject = f"Re: [Ticket#{old.number}] [Ticket#{other.number}] Printer"
    row = deliver(mail("Both", sender=INA, subject=subject))
    assert (row.outcome, row.ticket) == (InboundMail.Outcome.APPENDED, other)


def test_the_very_same_mail_again_and_a_late_report_stop_nothing(old):
    raw = mail("First", sender=INA, Message_ID="<1@mail.example>")
    sent = OutboundMail.objects.get(ticket=old, kind="answer")
    late = report(sent.message_id)
    erase(tickets=[old.pk], reason=REASON)
    assert deliver(raw).state == InboundMail.State.FILED
    row = deliver(late)
    assert (row.state, row.ticket, row.reason) == (InboundMail.State.ERASED, None, gone.RETURNED)


@pytest.mark.parametrize("together", [False, True])
def test_a_late_report_brings_nothing_back_of_what_was_erased(old, settings, tmp_path, together):
    """Most reports return the mail whole: it would be a new ticket, with all of it as a file."""
    settings.HELPDESK = {**settings.HELPDESK, "ERASURE_JOURNAL": str(tmp_path / "journal")}
    sent = OutboundMail.objects.get(ticket=old, kind="answer")
    late = report(sent.message_id).replace(b"text/rfc822-headers", b"message/rfc822")
    late = late.replace(b"Subject: Printer\r\n\r\n", b"Subject: Lamp\r\n\r\nRETURNED\r\n")
    assert b"RETURNED" in late
    erase(tickets=[old.pk], reason=Tombstone.Reason.OBJECTION)
    if together:
        others = [mail("Else", sender=INA), late, mail("Other", sender=INA)]
        rows = [ledger.accept(raw, source="pipe", key=str(at)) for at, raw in enumerate(others)]
        row = ingest.process_all([one.pk for one in rows])[1]
        assert Ticket.objects.count() == 2
    else:
        row = deliver(late)
        assert not Ticket.objects.exists()
    row.refresh_from_db()
    assert (row.state, row.outcome) == (InboundMail.State.ERASED, InboundMail.Outcome.IGNORED)
    assert (row.blob, row.subject, row.sender, row.evidence) == (None, "", "", [])
    assert not Attachment.objects.exists()
    entries = [entry for _at, batch in journal.read() for entry in batch]
    assert {"kind": journal.INBOUND, "pks": [row.pk]} in entries


# --- of which nobody knows any more whose it was ---------------------------------------------------------


@pytest.mark.parametrize("way", ["token", "number", "answer", "receipt"])
def test_who_answers_a_ticket_without_its_people_gets_a_new_one(old, way):
    """There they could be neither answered nor read what is written to them."""
    raw = ways(old)[way]
    actions.change_state(actor=SYSTEM, ticket=old, state=f.state(StateType.CLOSED))
    erase_persons(tickets=[old.pk], reason=REASON)
    row = deliver(raw)
    assert (row.state, row.outcome) == (InboundMail.State.FILED, InboundMail.Outcome.OPENED)
    assert row.ticket.pk != old.pk
    assert row.ticket.contact == "ina@mail.example"
    assert old.number in row.ticket.articles.get(channel=Channel.NOTE).body
    draft = Draft(body="An answer again", channel=Channel.EMAIL)
    actions.answer(actor=SYSTEM, ticket=row.ticket, draft=draft)
    (sent,) = OutboundMail.objects.filter(ticket=row.ticket, kind="answer")
    assert [address for _name, address in sent.to] == ["ina@mail.example"]
    old.refresh_from_db()
    assert not old.state.is_open


def test_machines_and_whoever_was_invited_since_still_join_it(old):
    actions.change_state(actor=SYSTEM, ticket=old, state=f.state(StateType.CLOSED))
    erase_persons(tickets=[old.pk], reason=REASON)
    row = deliver(mail("Away", sender=INA, to=reply_address(old), Auto_Submitted="auto-replied"))
    assert row.ticket == old
    actions.invite(actor=SYSTEM, ticket=old, address="guest@mail.example")
    row = deliver(mail("Hello", sender="Gus <guest@mail.example>", to=reply_address(old)))
    assert row.ticket == old


# --- that never became a message -------------------------------------------------------------------------


def failed_for_good(raw, monkeypatch):
    """A mail of which filing failed until nobody tries any more."""
    with monkeypatch.context() as patch:
        patch.setattr(ledger, "RETRY_AFTER", ())
        patch.setattr(filing, "append", lambda *args: 1 / 0)
        return deliver(raw)


@pytest.mark.parametrize("go", [erase, erase_persons, erase_files])
def test_a_mail_that_could_not_be_filed_goes_with_the_ticket_it_answers(old, monkeypatch, go):
    row = failed_for_good(mail("Again", sender=INA, to=reply_address(old)), monkeypatch)
    assert (row.state, row.ticket) == (InboundMail.State.FAILED, old)
    go(tickets=[old.pk], reason=REASON)
    row.refresh_from_db()
    assert (row.state, row.blob) == (InboundMail.State.ERASED, None)


def test_while_it_is_tried_again_it_is_no_tickets_and_not_lost(old, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(filing, "append", lambda *args: 1 / 0)
        row = deliver(mail("Again", sender=INA, to=reply_address(old)))
    assert (row.state, row.ticket) == (InboundMail.State.FAILED, None)
    erase(tickets=[old.pk], reason=REASON)
    assert ingest.process(row.pk).outcome == InboundMail.Outcome.OPENED


def test_a_mail_that_a_filter_ignored_goes_with_the_ticket_it_answers(old):
    MailFilter.objects.create(
        name="Away",
        condition={"all": [{"field": "subject", "op": "contains", "value": "holidays"}]},
        effects=[{"do": "ignore", "reason": "Away"}],
    )
    row = deliver(mail("x", sender=INA, to=reply_address(old), subject="On holidays"))
    assert (row.state, row.ticket) == (InboundMail.State.IGNORED, old)
    erase(tickets=[old.pk], reason=REASON)
    row.refresh_from_db()
    assert (row.state, row.blob) == (InboundMail.State.ERASED, None)


def test_of_merged_tickets_each_number_is_known_as_erased(old):
    other = deliver(mail("Else", sender=INA)).ticket
    actions.merge(actor=SYSTEM, source=old, target=other)
    erase(tickets=[other.pk], reason=REASON)
    for one in (old, other):
        subject = f"Re: [Ticket#{one.number}] Printer"
        row = deliver(mail("Again", sender=INA, subject=subject))
        assert any(one.number in line for line in row.evidence_lines())


def test_no_number_is_drawn_twice_over_erasing_and_over_days():
    drawn = []
    for moment in ("2026-03-01 10:00", "2026-03-02 10:00"):
        with time_machine.travel(f"{moment}+00:00"):
            for _round in range(3):
                ticket = f.make_ticket()
                drawn.append(ticket.number)
                erase(tickets=[ticket.pk], reason=REASON)
    assert not Ticket.objects.exists()
    drawn += [draw(date(2026, 3, 1)), draw(date(2026, 3, 2))]
    assert len(set(drawn)) == len(drawn) == 8
    assert set(Tombstone.objects.values_list("number", flat=True)) == set(drawn[:6])
    assert all(addressing.is_number(one) for one in drawn)
