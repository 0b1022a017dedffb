"""What agents see of mail that came back, and how they release an address."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from helpdesk.models import (
    BouncedAddress,
    EventKind,
    OutboundMail,
    Participant,
    Right,
    Ticket,
)
from tests import factories as f

from .conftest import browser, write_note

pytestmark = pytest.mark.django_db

ADA = "ada@mail.example"
LIST = "helpdesk_agents:bounced"


def screen(ticket):
    return reverse("helpdesk_agents:ticket", args=[ticket.pk])


def page(client, url):
    answer = client.get(url)
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.fixture
def ticket(red):
    """A ticket whose contact is Ada."""
    Ticket.objects.filter(pk=red.ticket.pk).update(contact=ADA)
    red.ticket.refresh_from_db()
    return red.ticket


def outgoing(ticket, *bounces, kind="answer", **row):
    article = row.pop("article", None)
    return OutboundMail.objects.create(
        ticket=ticket,
        article=article,
        kind=kind,
        state="sent",
        message_id=f"<{OutboundMail.objects.count()}@desk.example>",
        from_address="a@desk.example",
        to=[["Ada", ADA]],
        subject="x",
        body="x",
        due_at=timezone.now(),
        bounces=[list(one) for one in bounces],
        bounced_at=row.pop("bounced_at", timezone.now()) if bounces else None,
        **row,
    )


def suspend(address=ADA, bounces=3):
    return BouncedAddress.objects.create(
        address=address,
        bounces=bounces,
        status="5.1.1",
        words="550 no such user <here>",
        last_at=timezone.now(),
        suspended_at=timezone.now() if bounces >= 3 else None,
    )


# --- the thread ------------------------------------------------------------------------------------


def test_outgoing_message_says_why_it_came_back_and_what_to_do(red, ticket):
    article = write_note(red)
    outgoing(ticket, (ADA, "5.1.1", "550 no such user <here>"), article=article)
    shown = page(red.client, screen(ticket))
    assert "This mail came back." in shown
    assert "The address ada@mail.example does not exist at mail.example." in shown
    assert "Check the address for a typing error" in shown
    assert "5.1.1 550 no such user &lt;here&gt;" in shown


def test_a_receipt_that_came_back_is_called_one(red, ticket):
    article = ticket.articles.first()
    outgoing(ticket, (ADA, "5.2.2", "full"), kind="receipt", article=article)
    shown = page(red.client, screen(ticket))
    assert "An automatic mail came back: receipt." in shown
    assert "is full" in shown


def test_full_mailbox_is_tried_again_with_one_click_a_wrong_address_is_not(red, blue, ticket):
    full = outgoing(ticket, (ADA, "5.2.2", "full"), article=write_note(red), delivered=[ADA])
    wrong = outgoing(ticket, (ADA, "5.1.1", "no"), article=write_note(red), delivered=[ADA])
    name = "helpdesk_agents:send_returned_again"
    again, never = (reverse(name, args=[ticket.pk, row.pk]) for row in (full, wrong))
    shown = page(red.client, screen(ticket))
    assert again in shown
    assert never not in shown
    assert blue.client.post(again).status_code == 404
    reader = browser(f.make_agent(red.queue, rights=[Right.READ, Right.NOTE]))
    assert again not in page(reader, screen(ticket))
    assert reader.post(again).status_code == 404
    assert red.client.post(again).status_code == 302
    full.refresh_from_db()
    assert (full.state, full.bounces, full.delivered) == ("queued", [], [])
    assert red.client.post(again).status_code == 404


def test_screen_needs_as_many_queries_for_many_mails_that_came_back(red, ticket):
    def count():
        with CaptureQueriesContext(connection) as queries:
            page(red.client, screen(ticket))
        return len(queries)

    outgoing(ticket, (ADA, "5.1.1", "no"), article=write_note(red))
    suspend()
    count()
    few = count()
    for number in range(30):
        bounce = (f"{number}@mail.example", "5.1.1", "no")
        outgoing(ticket, bounce, article=write_note(red, f"note {number}"))
        suspend(f"{number}@mail.example")
    assert count() == few


# --- the customer's card ---------------------------------------------------------------------------


def release(ticket):
    return reverse("helpdesk_agents:release_address", args=[ticket.pk])


def test_card_tells_and_releases(red, ticket):
    suspend()
    shown = page(red.client, screen(ticket))
    assert "Mail to this address comes back" in shown
    assert "It happened 3 times." in shown
    assert release(ticket) in shown
    answer = red.client.post(release(ticket), {"address": ADA}, follow=True)
    assert "Mail goes to ada@mail.example again." in answer.content.decode()
    assert "Mail to this address comes back" not in page(red.client, screen(ticket))
    assert ticket.events.get(kind=EventKind.ADDRESS_RELEASED).user == red.agent
    assert "released an address for mail</" not in answer.content.decode()
    assert "released an address for mail: ada@mail.example" in answer.content.decode()


def test_what_is_counted_only_is_told_without_a_button(red, ticket):
    suspend(bounces=1)
    shown = page(red.client, screen(ticket))
    assert "It happened once." in shown
    assert release(ticket) not in shown


def test_who_may_not_answer_sees_it_and_cannot_release(red, ticket):
    suspend()
    reader = browser(f.make_agent(red.queue, rights=[Right.READ, Right.NOTE]))
    shown = page(reader, screen(ticket))
    assert "Mail to this address comes back" in shown
    assert release(ticket) not in shown
    assert reader.post(release(ticket), {"address": ADA}).status_code == 404
    assert BouncedAddress.objects.exists()


def test_other_teams_and_other_addresses_are_not_found(red, blue, ticket):
    suspend()
    suspend("eve@mail.example")
    assert blue.client.post(release(ticket), {"address": ADA}).status_code == 404
    for address in ("eve@mail.example", "", "nonsense"):
        assert red.client.post(release(ticket), {"address": address}).status_code == 404
    assert red.client.get(release(ticket)).status_code == 405
    assert BouncedAddress.objects.count() == 2


def test_composer_refuses_at_the_recipient_and_keeps_what_was_typed(red, ticket):
    suspend()
    change = reverse("helpdesk_agents:change", args=[ticket.pk, "reply"])
    data = {"to": ADA, "body": "Typed words", "idempotency_key": "k", "last_article": 10**9}
    answer = red.client.post(change, data)
    assert answer.status_code == 422
    shown = answer.content.decode()
    assert "Typed words" in shown
    where = shown[shown.index('hd-field--to"') :]
    assert (
        "Mail to ada@mail.example comes back: The address" in where[: where.index("hd-field--cc")]
    )
    assert not OutboundMail.objects.exists()
    red.client.post(release(ticket), {"address": ADA})
    assert red.client.post(change, data).status_code == 302
    assert OutboundMail.objects.get().to[0][1] == ADA


# --- lists -----------------------------------------------------------------------------------------


def test_ticket_list_marks_whose_newest_mail_came_back(red, ticket):
    url = reverse("helpdesk_agents:tickets")
    assert "Mail came back" not in page(red.client, url)
    outgoing(ticket, (ADA, "5.1.1", "no"))
    assert "Mail came back" in page(red.client, url)
    outgoing(ticket, kind="notice")
    assert "Mail came back" in page(red.client, url)
    outgoing(ticket)
    assert "Mail came back" not in page(red.client, url)


def test_failure_inbox_shows_what_came_back_lately(red, blue, ticket):
    outgoing(ticket, (ADA, "5.2.2", "mailbox full"))
    old = timezone.now() - timedelta(days=15)
    outgoing(ticket, ("old@mail.example", "5.1.1", "no"), bounced_at=old)
    outgoing(ticket, ("uta@staff.example", "5.1.1", "no"), kind="notice")
    url = reverse("helpdesk_agents:failures")
    shown = page(red.client, url)
    assert "The mailbox ada@mail.example is full." in shown
    assert "old@mail.example" not in shown
    assert "uta@staff.example" not in shown
    assert ADA not in page(blue.client, url)


def test_list_of_addresses_is_for_those_who_manage_their_tickets(red, blue, admin, ticket):
    suspend()
    suspend("bob@mail.example", bounces=1)
    suspend("third@mail.example")
    Participant.objects.create(
        ticket=ticket, address="bob@mail.example", normalised="bob@mail.example"
    )
    url = reverse(LIST)
    shown = page(red.client, url)
    assert ADA in shown
    assert "bob@mail.example" in shown
    assert "third@mail.example" not in shown
    assert "third@mail.example" in page(admin, url)
    assert ADA not in page(blue.client, url)
    found = page(red.client, url + "?q=BOB")
    assert "bob@mail.example" in found
    assert ADA not in found


def test_list_releases(red, blue, ticket):
    suspend()
    url = reverse("helpdesk_agents:bounced_release")
    assert blue.client.post(url, {"address": ADA}).status_code == 404
    assert BouncedAddress.objects.exists()
    assert red.client.post(url, {"address": ADA}).status_code == 302
    assert not BouncedAddress.objects.exists()


def test_list_is_not_for_who_manages_nothing(red, ticket):
    suspend()
    agent = browser(f.make_agent(red.queue, rights=[Right.READ, Right.ANSWER]))
    assert agent.get(reverse(LIST)).status_code == 302
    answer = agent.post(reverse("helpdesk_agents:bounced_release"), {"address": ADA})
    assert answer.status_code == 302
    assert BouncedAddress.objects.exists()
    assert "Addresses that bounce" not in page(agent, reverse("helpdesk_agents:tickets"))


def test_list_needs_as_many_queries_for_many_addresses(admin):
    def count():
        with CaptureQueriesContext(connection) as queries:
            page(admin, reverse(LIST))
        return len(queries)

    for number in range(2):
        suspend(f"{number}@mail.example")
    count()
    few = count()
    for number in range(2, 200):
        suspend(f"{number}@mail.example")
    assert count() == few
    assert "Search for the others" in page(admin, reverse(LIST))
