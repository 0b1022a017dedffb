"""What the receipt says of the objection: how to, that it is noted, and where, in plain text and in HTML."""

from __future__ import annotations

import pytest
from django.utils import timezone

from helpdesk import actions, permissions
from helpdesk.actions import Draft, in_words
from helpdesk.models import AutoResponse, Channel, OutboundMail, RetentionSettings
from helpdesk.notifications import links, variables
from helpdesk.rules.terms import Objection, Terms
from tests import factories as f

pytestmark = pytest.mark.django_db


@pytest.fixture
def queue():
    return f.QueueAddressFactory(address="support@desk.example", queue__slug="support").queue


def receipt(queue, language="en", channel=Channel.WEB, **options):
    """Open a ticket and return it with its receipt."""
    address = f.CustomerAddressFactory(verified_at=timezone.now())
    ticket = actions.open_ticket(
        actor=permissions.SYSTEM,
        queue=queue,
        subject="Printer",
        draft=Draft(body="x", channel=channel),
        customer=address.customer,
        contact=address.normalised,
        language=language,
        **options,
    ).ticket
    return ticket, OutboundMail.objects.get(ticket=ticket)


@pytest.mark.parametrize("language", ["de", "en"])
@pytest.mark.parametrize("channel", [Channel.WEB, Channel.EMAIL])
def test_it_leads_to_the_page_at_the_objection_in_both_parts(queue, language, channel):
    ticket, row = receipt(queue, language, channel)
    url = f"{links.status_url(ticket, language)}#storage"
    assert row.body.count(url) == 1
    assert f'<a href="{url}">' in row.html
    assert "14" in row.body
    assert ("/en/" in url) == (language == "en")


@pytest.mark.parametrize("language", ["de", "en"])
def test_it_says_that_the_objection_is_noted_and_where_it_can_be_withdrawn(queue, language):
    objection = Objection(timezone.now(), "I object.", "web", 9)
    terms = in_words(Terms(730, "Statutes", purpose="Proof", objection=objection), language)
    ticket, row = receipt(queue, language, terms=terms)
    assert f"{links.status_url(ticket, language)}#storage" in row.body
    # what holds comes first, what would hold otherwise is a clause; nothing says that it is kept for long
    assert row.body.count(" 9 ") == 1
    assert row.body.index(" 9 ") < row.body.index(" 2 ")
    assert ticket.retention_sentence.partition(".")[0] not in row.body
    assert "Statutes" in row.body
    assert "Proof" in row.body
    if language == "en":
        assert "9 days after it is closed because you objected to the longer storage" in row.body
        assert "without your objection it would be kept for 2 years." in row.body
        assert "Your objection to the longer storage is noted." in row.body


def test_the_days_are_those_of_the_settings(queue):
    RetentionSettings(objection_days=5).save()
    assert "5 days after it is closed" in receipt(queue)[1].body


def test_where_it_changes_nothing_it_is_not_offered(queue):
    _ticket, row = receipt(queue, terms=Terms(7, retention_sentence="Kept for a week."))
    assert "Kept for a week." in row.body
    assert "#storage" not in row.body
    _ticket, row = receipt(queue, terms=Terms(7, at_end="anonymise"))
    assert "#storage" in row.body


@pytest.mark.parametrize("wanted", [True, False])
def test_phone_tickets_offer_it_in_their_receipt_or_on_the_page_only(queue, wanted):
    address = f.CustomerAddressFactory(verified_at=timezone.now())
    opened = actions.open_by_phone(
        actor=permissions.agent(f.make_agent(queue)),
        queue=queue,
        subject="Printer",
        body="x",
        customer=address.customer,
        contact=address.normalised,
        receipt=wanted,
    )
    sent = OutboundMail.objects.filter(ticket=opened.ticket)
    assert [("#storage" in row.body) for row in sent] == [True] * wanted


def test_a_text_of_ones_own_keeps_the_variable_and_its_link(queue):
    AutoResponse.objects.create(
        queue=queue,
        kind=AutoResponse.Kind.RECEIVED,
        body_en="Hello.\n\n{{ objection }}",
        body_de="Hallo.\n\n{{ objection }}",
    )
    ticket, row = receipt(queue)
    assert row.body.startswith("Hello.")
    assert f'<a href="{links.status_url(ticket, "en")}#storage">' in row.html


def test_the_sample_names_an_address(queue):
    values = variables.sample(queue, "received", address="support@desk.example", sentence="Kept.")
    assert "http" in values["objection"]
    assert len(values["objection"]) < 500
