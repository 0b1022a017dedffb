"""Mail that answers what is not there any more: a new ticket with a word to the team, whatever names the old one."""

from __future__ import annotations

from datetime import date

import pytest
import time_machine

from helpdesk import actions, addressing
from helpdesk.actions import Draft
from helpdesk.actions.erasing import anonymise, erase
from helpdesk.actions.numbers import draw
from helpdesk.models import Article, Channel, InboundMail, OutboundMail, Ticket, Tombstone
from helpdesk.permissions import SYSTEM
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
    for one in (raw, late):
        row = deliver(one)
        assert row.state in (InboundMail.State.FILED, InboundMail.State.IGNORED)
        assert row.ticket_id != old.pk


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
