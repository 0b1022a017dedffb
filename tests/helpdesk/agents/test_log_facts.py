"""The detail screens of the logs: words for people, no raw value, and nobody else's mail."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone, translation

from helpdesk.agents import log_facts
from helpdesk.models import Blob, InboundMail, OutboundMail

pytestmark = pytest.mark.django_db


def shown(sections: list[log_facts.Section]) -> dict[str, tuple[str, ...]]:
    return {fact.label: fact.values for section in sections for fact in section.facts}


def outgoing(ticket: Any, **more: Any) -> OutboundMail:
    return OutboundMail.objects.create(
        ticket=ticket,
        kind=OutboundMail.Kind.ANSWER,
        message_id="<1@desk.example>",
        from_name="Red",
        from_address="red@desk.example",
        to=[["Ada Beispiel", "ada@mail.example"], ["", "bo@mail.example"]],
        subject="Late",
        body="secret words",
        due_at=timezone.now(),
        **more,
    )


def test_recipients_and_bounces_are_lines(red: Any) -> None:
    mail = outgoing(
        red.ticket,
        state=OutboundMail.State.SENT,
        delivered=["ada@mail.example"],
        refused=[["bo@mail.example", "550 no"]],
        bounces=[["ada@mail.example", "5.1.1", "550 User unknown"]],
        bounced_at=timezone.now(),
    )
    with translation.override("en"):
        facts = shown(log_facts.of_outbound(mail))
    assert facts["To"] == ("Ada Beispiel <ada@mail.example>", "bo@mail.example")
    assert facts["From"] == ("Red <red@desk.example>",)
    assert facts["Refused"] == ("bo@mail.example: 550 no",)
    assert "does not exist" in facts["Reason"][0]
    assert "Next attempt" not in facts


def test_a_waiting_mail_says_when_it_goes(red: Any) -> None:
    with translation.override("en"):
        facts = shown(log_facts.of_outbound(outgoing(red.ticket)))
    assert "Next attempt" in facts
    assert "Came back" not in facts


def test_what_spoke_for_a_decision_is_said_in_the_readers_language(red: Any) -> None:
    mail = InboundMail.objects.create(
        source="pipe",
        key="1",
        state=InboundMail.State.FILED,
        ticket=red.ticket,
        evidence=[["went to %(value)s", "red@desk.example"], ["%(value)s", "authentic: by mx"]],
    )
    with translation.override("en"):
        facts = shown(log_facts.of_inbound(mail))
    assert facts["Why"] == ("went to red@desk.example", "authentic: by mx")
    assert facts["Ticket"] == (red.ticket.number,)


def test_an_error_that_repeats_the_reason_is_said_once(red: Any) -> None:
    words = "No queue has one of the addresses this mail went to."
    mail = InboundMail(source="pipe", key="1", state="failed", reason=words, error=words)
    with translation.override("en"):
        facts = shown(log_facts.of_inbound(mail))
    assert facts["Reason"] == (words,)
    assert "Error" not in facts


def test_detail_screens_show_no_text_and_are_for_managers(red: Any, blue: Any) -> None:
    mail = outgoing(red.ticket)
    ignored = InboundMail.objects.create(
        source="pipe",
        key="1",
        state="ignored",
        queue=red.queue,
        blob=Blob.keep(b"Subject: x\r\n\r\n"),
    )
    addresses = [
        reverse("helpdesk_outbound_modeladmin_inspect", args=[mail.pk]),
        reverse("helpdesk_inbound_modeladmin_inspect", args=[ignored.pk]),
    ]
    pages = [red.client.get(address) for address in addresses]
    assert [page.status_code for page in pages] == [200, 200]
    assert "bo@mail.example" in pages[0].content.decode()
    assert "secret words" not in pages[0].content.decode()
    assert "[[&#x27;" not in pages[0].content.decode()
    assert reverse("helpdesk_agents:failure_file", args=[ignored.pk]) in pages[1].content.decode()
    assert 200 not in [blue.client.get(address).status_code for address in addresses]
