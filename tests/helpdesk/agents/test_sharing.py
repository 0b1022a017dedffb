"""Who takes part in a ticket, and its links, on the ticket screen."""

from __future__ import annotations

import pytest
from django.urls import reverse

from helpdesk.models import Customer, Organisation, OutboundMail, Right, Ticket
from tests import factories as f

from .conftest import browser

pytestmark = pytest.mark.django_db

FRIEND = "friend@mail.example"


def do(team, change: str, **data):
    return team.client.post(
        reverse("helpdesk_agents:change", args=[team.ticket.pk, change]), data, follow=True
    )


def screen(team) -> str:
    return team.client.get(reverse("helpdesk_agents:ticket", args=[team.ticket.pk])).text


def test_agent_invites_and_removes(red):
    red.ticket.participants.create(address=FRIEND, normalised=FRIEND, name="Fred")
    assert "copied in by mail" in screen(red)
    page = do(red, "invite", email=FRIEND, full_name="").text
    assert "invited: reads and writes" in page
    assert "copied in by mail" not in page
    row = red.ticket.participants.get()
    assert (row.may_read, row.name) == (True, "Fred")
    assert FRIEND in page
    do(red, "uninvite", participant=row.pk)
    assert not red.ticket.participants.exists()


def test_a_refused_invitation_says_why(red):
    page = do(red, "invite", email="noreply@mail.example")
    assert page.status_code == 422
    assert "nobody reads mail" in page.text
    assert not red.ticket.participants.exists()


def test_agent_shares_with_the_customers_organisation(red):
    assert "Share with" not in screen(red)
    firm = Organisation.objects.create(name="Firm")
    Customer.objects.filter(pk=red.ticket.customer_id).update(organisation=firm)
    assert "Share with Firm" in screen(red)
    page = do(red, "share", share="on").text
    assert "Stop sharing with Firm" in page
    red.ticket.refresh_from_db()
    assert red.ticket.organisation == firm
    do(red, "share")
    red.ticket.refresh_from_db()
    assert red.ticket.organisation is None


def test_agent_withdraws_links_and_sends_a_new_one(red):
    Ticket.objects.filter(pk=red.ticket.pk).update(contact="ada@mail.example")
    before = red.ticket.link_nonce
    do(red, "withdraw-links")
    red.ticket.refresh_from_db()
    assert red.ticket.link_nonce != before
    do(red, "send-link")
    mail = OutboundMail.objects.get()
    assert mail.to[0][1] == "ada@mail.example"
    assert red.ticket.link_nonce in mail.body


def test_without_the_right_to_answer_nothing_is_offered_or_done(red):
    red.ticket.participants.create(address=FRIEND, normalised=FRIEND)
    note = browser(f.make_agent(red.queue, rights=[Right.NOTE]))
    page = note.get(reverse("helpdesk_agents:ticket", args=[red.ticket.pk])).text
    assert "copied in by mail" in page
    assert "Invite somebody" not in page
    for change in ("invite", "uninvite", "share", "withdraw-links", "send-link"):
        url = reverse("helpdesk_agents:change", args=[red.ticket.pk, change])
        assert note.post(url, {"email": "x@mail.example"}).status_code == 404, change
    assert red.ticket.participants.count() == 1


def test_a_blocked_customer_is_shown(red):
    assert "The customer is blocked" not in screen(red)
    Customer.objects.filter(pk=red.ticket.customer_id).update(is_blocked=True)
    assert "The customer is blocked" in screen(red)
