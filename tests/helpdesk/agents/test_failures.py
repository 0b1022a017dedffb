from __future__ import annotations

import pytest
from django.urls import reverse
from django.utils import timezone, translation

from helpdesk.models import Blob, InboundMail, OutboundMail, Right, Ticket
from tests import factories as f

from .conftest import browser

pytestmark = pytest.mark.django_db

RAW = b"From: a@mail.example\r\nTo: red@desk.example\r\nSubject: Late\r\nMessage-ID: <1@x>\r\n\r\nHi\r\n"


@pytest.fixture
def failed(red) -> InboundMail:
    f.QueueAddressFactory(queue=red.queue, address="red@desk.example")
    return InboundMail.objects.create(
        source="pipe",
        key="1",
        state="failed",
        queue=red.queue,
        reason="database was away",
        error="_file:1\ndatabase was away",
        blob=Blob.keep(RAW),
    )


def test_failure_inbox_shows_reason_and_what_can_be_done(red, failed):
    OutboundMail.objects.create(
        ticket=red.ticket,
        kind="answer",
        state="uncertain",
        message_id="<o@x>",
        from_address="a@desk.example",
        to=[["", "c@mail.example"]],
        subject="x",
        body="x",
        due_at=timezone.now(),
        server_reply="connection lost",
    )
    page = red.client.get(reverse("helpdesk_agents:failures")).content.decode()
    for shown in ("database was away", "connection lost", "c@mail.example", red.ticket.number):
        assert shown in page


def test_retry_files_the_mail(red, failed):
    answer = red.client.post(reverse("helpdesk_agents:failure_retry", args=[failed.pk]))
    assert answer.status_code == 302
    failed.refresh_from_db()
    assert failed.state == InboundMail.State.FILED
    assert Ticket.objects.get(subject="Late").queue == red.queue
    assert "Late" not in red.client.get(reverse("helpdesk_agents:failures")).content.decode()


def test_source_of_a_failed_mail_is_downloaded(red, failed):
    answer = red.client.get(reverse("helpdesk_agents:failure_source", args=[failed.pk]))
    assert answer.content == RAW
    assert answer["Content-Disposition"].startswith("attachment")


def test_other_managers_see_nothing_and_others_are_sent_away(red, blue, failed):
    url = reverse("helpdesk_agents:failures")
    assert "database was away" not in blue.client.get(url).content.decode()
    retry = reverse("helpdesk_agents:failure_retry", args=[failed.pk])
    assert blue.client.post(retry).status_code == 404
    reader = browser(f.make_agent(red.queue, rights=[Right.READ]))
    assert reader.get(url).status_code == 302
    assert reader.post(retry).status_code == 302


def test_mail_without_a_queue_is_for_superusers(red, admin, failed):
    InboundMail.objects.update(queue=None)
    url = reverse("helpdesk_agents:failures")
    assert "database was away" not in red.client.get(url).content.decode()
    assert "database was away" in admin.get(url).content.decode()


def test_a_failed_mail_becomes_a_ticket_by_hand(red, failed):
    page = red.client.get(reverse("helpdesk_agents:failures")).content.decode()
    address = reverse("helpdesk_agents:failure_file", args=[failed.pk])
    assert address in page
    answer = red.client.post(address, {"queue": red.queue.pk})
    ticket = Ticket.objects.get(subject="Late")
    assert answer["Location"] == reverse("helpdesk_agents:ticket", args=[ticket.pk])
    failed.refresh_from_db()
    with translation.override("en"):  # the page before was German
        assert failed.evidence_lines() == ["filed by Red Agent"]
    for name in ("failure_file", "failure_retry"):  # a second press
        again = reverse(f"helpdesk_agents:{name}", args=[failed.pk])
        assert red.client.post(again, {"queue": red.queue.pk})["Location"] == answer["Location"]
    assert Ticket.objects.filter(subject="Late").count() == 1


def test_by_hand_only_into_queues_of_ones_own_and_only_own_mails(red, blue, failed):
    address = reverse("helpdesk_agents:failure_file", args=[failed.pk])
    red.client.post(address, {"queue": blue.queue.pk})
    red.client.post(address, {"queue": "nonsense"})
    assert blue.client.post(address, {"queue": blue.queue.pk}).status_code == 404
    failed.refresh_from_db()
    assert failed.state == "failed"


def test_an_ignored_mail_can_be_made_a_ticket_from_the_log(admin, red, failed):
    InboundMail.objects.filter(pk=failed.pk).update(
        state="ignored",
        reason="refused by a filter",
        evidence=[["the mail filter “%(value)s” matched", "Ads"]],
    )
    page = admin.get(f"/admin/helpdesk/inbound/inspect/{failed.pk}/").content.decode()
    assert "the mail filter “Ads” matched" in page
    assert reverse("helpdesk_agents:failure_file", args=[failed.pk]) in page
    assert admin.post(
        reverse("helpdesk_agents:failure_file", args=[failed.pk]), {"queue": red.queue.pk}
    )["Location"].startswith("/admin/helpdesk/tickets/")
