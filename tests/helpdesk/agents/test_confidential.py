"""Confidential queues: only the ticket's own screen shows what it says, and who opened it is written down."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_mailbox.models import Mailbox, Message

from helpdesk import actions, permissions
from helpdesk.actions import Draft
from helpdesk.models import (
    AuditEntry,
    AuditKind,
    Blob,
    Channel,
    InboundMail,
    Notice,
    NoticeKind,
    OutboundMail,
    confidential_queues,
)
from helpdesk.notifications import digest, notices
from helpdesk.notifications.overview import Overview
from helpdesk.notifications.telling import tell
from tests import factories as f

from .conftest import Team, make_team, upload, write_note

pytestmark = pytest.mark.django_db

#: What only the ticket's own screen may show.
SECRETS = ("Zebra-subject", "Zebra-body", "Zebra-person", "zebra@mail.example")


@pytest.fixture
def safe(db) -> Team:
    """A confidential queue whose one ticket holds words that stand nowhere else."""
    team = make_team("Safe", email="safe@staff.example", language="en")
    team.queue.is_confidential = True
    team.queue.save()
    person = f.CustomerFactory(name="Zebra-person")
    f.CustomerAddressFactory(customer=person, address="zebra@mail.example", verified=True)
    team.ticket = f.make_ticket(
        team.queue, subject="Zebra-subject", body="Zebra-body", customer=person
    )
    return team


def reads(ticket: Any = None) -> list[AuditEntry]:
    rows = AuditEntry.objects.filter(kind=AuditKind.CONFIDENTIAL_READ).order_by("pk")
    return list(rows.filter(ticket_number=ticket.number) if ticket else rows)


def text_of(answer: Any) -> str:
    assert answer.status_code == 200
    return answer.content.decode()


def leaks(text: str) -> list[str]:
    return [word for word in SECRETS if word in text]


# --- what a queue is


def test_a_queue_below_a_confidential_one_is_confidential():
    top = f.QueueFactory(is_confidential=True)
    below = f.QueueFactory(parent=f.QueueFactory(parent=top))
    other = f.QueueFactory()
    assert confidential_queues() == {top.pk, below.parent_id, below.pk}
    for queue in (top, below, other):
        assert queue.keeps_confidence is (queue.pk in confidential_queues())


def test_it_is_set_in_the_queue_form(red):
    from .pages import sent

    url = f"/admin/helpdesk/queues/edit/{red.queue.pk}/"
    data = sent(red.client.get(url).content.decode())
    data["is_confidential"] = "on"
    assert red.client.post(url, data).status_code == 302
    red.queue.refresh_from_db()
    assert red.queue.is_confidential


# --- reading is written down


def test_opening_the_ticket_is_written_down_once_a_minute(safe):
    url = f"/admin/helpdesk/tickets/{safe.ticket.pk}/"
    with time_machine.travel(timezone.now(), tick=False) as clock:
        page = text_of(safe.client.get(url))
        safe.client.get(url)
        safe.client.post("/admin/helpdesk/together/", {"ticket": safe.ticket.pk})
        assert "Zebra-subject" in page
        assert "confidential" in page
        assert [(one.user_name, one.queue_id) for one in reads(safe.ticket)] == [
            ("safe", safe.queue.pk)
        ]
        clock.shift(timedelta(seconds=61))
        safe.client.post("/admin/helpdesk/together/", {"ticket": safe.ticket.pk})
        assert len(reads()) == 1
        safe.client.get(url)
        assert len(reads()) == 2


def test_each_reader_and_each_ticket_counts_by_itself(safe, admin):
    other = f.make_ticket(safe.queue, contact="")
    for client in (safe.client, admin):
        for ticket in (safe.ticket, other):
            client.get(f"/admin/helpdesk/tickets/{ticket.pk}/")
    assert len(reads()) == 4


def test_files_raw_mail_and_frames_are_openings_as_well(safe):
    article = write_note(safe, files=(upload("x.txt", b"x", "text/plain"),))
    article.html = "<p>x</p>"
    article.save()
    InboundMail.objects.create(
        source="pipe", key="k", state="filed", article=article, ticket=safe.ticket, blob=Blob.keep(b"x")
    )  # fmt: skip
    base = f"/admin/helpdesk/tickets/{safe.ticket.pk}"
    urls = (
        f"{base}/files/{article.attachments.get().pk}/",
        f"{base}/articles/{article.pk}/source/",
        f"{base}/articles/{article.pk}/html/",
        f"{base}/articles/{article.pk}/split/",
        f"{base}/merge/",
    )
    with time_machine.travel(timezone.now(), tick=False) as clock:
        for number, url in enumerate(urls, 1):
            assert safe.client.get(url).status_code == 200, url
            assert len(reads(safe.ticket)) == number, url
            clock.shift(timedelta(seconds=61))


def test_the_other_side_of_a_comparison_is_opened_too(safe):
    other = f.make_ticket(safe.queue, contact="")
    safe.client.get(f"/admin/helpdesk/tickets/{other.pk}/merge/?other={safe.ticket.number}")
    assert len(reads(safe.ticket)) == len(reads(other)) == 1


def test_a_raw_mail_that_failed_is_opened_by_its_queue(safe):
    mail = InboundMail.objects.create(
        source="pipe", key="k", state="failed", queue=safe.queue, blob=Blob.keep(b"x")
    )
    mail.subject, mail.sender = "Zebra-subject", "zebra@mail.example"
    mail.save()
    assert leaks(text_of(safe.client.get("/admin/helpdesk/failures/"))) == []
    safe.client.get(f"/admin/helpdesk/failures/in/{mail.pk}/source/")
    assert [one.queue_id for one in reads()] == [safe.queue.pk]


def test_what_is_not_confidential_leaves_no_line(red):
    red.client.get(f"/admin/helpdesk/tickets/{red.ticket.pk}/")
    assert reads() == []


def test_who_may_not_read_it_leaves_no_line_and_sees_nothing(safe, red):
    assert red.client.get(f"/admin/helpdesk/tickets/{safe.ticket.pk}/").status_code == 404
    assert reads() == []


# --- what lists tell


LISTS = (
    "/admin/",
    "/admin/helpdesk/tickets/",
    "/admin/helpdesk/tickets/list/all/",
    "/admin/helpdesk/tickets/list/all/?q=zebra",
    "/admin/helpdesk/tickets/list/unassigned/results/",
    "/admin/helpdesk/tickets/find/?q=zebra",
    "/admin/helpdesk/notices/?show=all",
    "/admin/helpdesk/inbound/",
    "/admin/helpdesk/outbound/",
    "/admin/helpdesk/journal/",
)


def mails_about(team: Team) -> list[str]:
    """Make the mails of a ticket's logs; return the addresses of their screens."""
    message = Message.objects.create(
        mailbox=Mailbox.objects.create(name="Box"),
        subject="Zebra-subject",
        from_header="zebra@mail.example",
        to_header="zebra@mail.example",
        message_id="m",
        body="",
    )
    inbound = InboundMail.objects.create(
        source="pipe", key="k", state="filed", ticket=team.ticket, queue=team.queue, message=message,
        sender="zebra@mail.example", subject="Zebra-subject", blob=Blob.keep(b"x"),
    )  # fmt: skip
    outbound = OutboundMail.objects.create(
        ticket=team.ticket, kind="answer", state="sent", message_id="<x@desk.example>",
        from_address="a@desk.example", to=[["Zebra-person", "zebra@mail.example"]],
        subject="Zebra-subject", body="Zebra-body", due_at=timezone.now(),
        delivered=["zebra@mail.example"],
    )  # fmt: skip
    return [
        f"/admin/helpdesk/inbound/inspect/{inbound.pk}/",
        f"/admin/helpdesk/outbound/inspect/{outbound.pk}/",
        f"/admin/helpdesk/journal/inspect/{message.pk}/",
    ]


def test_lists_say_confidential_and_nothing_else(safe):
    Notice.objects.create(
        user=safe.agent, kind=NoticeKind.REPLY, ticket=safe.ticket, at=timezone.now(), in_admin=True
    )
    screens = mails_about(safe)
    for url in (*LISTS, *screens):
        page = text_of(safe.client.get(url)).replace("q=zebra", "").replace('value="zebra"', "")
        assert leaks(page) == [], url
    found = text_of(safe.client.get("/admin/helpdesk/tickets/list/all/?q=zebra"))
    assert safe.ticket.number in found  # it is found, and tells nothing
    assert "confidential" in found
    assert "confidential" in text_of(safe.client.get(screens[0]))


def test_out_of_confidence_all_is_shown_again(safe, red):
    safe.agent.groups.add(*red.agent.groups.all())
    screens = mails_about(safe)
    actions.move(actor=permissions.SYSTEM, ticket=safe.ticket, queue=red.queue)
    for url in (*LISTS[1:4], *LISTS[5:6], *screens):
        assert leaks(text_of(safe.client.get(url))), url
    assert [row.data for row in reads()] == [{"moved_to": "Red"}]
    red.client.get(f"/admin/helpdesk/tickets/{safe.ticket.pk}/")
    assert len(reads()) == 1


def test_into_confidence_all_is_veiled(safe, red):
    ticket = f.make_ticket(red.queue, subject="Zebra-subject", contact="")
    assert "Zebra-subject" in text_of(red.client.get("/admin/helpdesk/tickets/"))
    red.agent.groups.add(*safe.agent.groups.all())
    actions.move(actor=permissions.SYSTEM, ticket=ticket, queue=safe.queue)
    assert "Zebra-subject" not in text_of(red.client.get("/admin/helpdesk/tickets/"))


def test_other_tickets_screens_do_not_quote_it(safe, red):
    safe.agent.groups.add(*red.agent.groups.all())
    other = f.make_ticket(red.queue, customer=safe.ticket.customer, contact="")
    actions.link(actor=permissions.SYSTEM, source=other, target=safe.ticket, kind="related")
    url = f"/admin/helpdesk/tickets/{other.pk}/"
    answer = safe.client.get(url)
    assert "Zebra-subject" not in text_of(answer)
    assert [one.subject for one in answer.context["others"]] == ["confidential"]
    assert [one.ticket.subject for one in answer.context["linked"]] == ["confidential"]
    chosen = safe.client.get(f"{url}merge/")
    assert "Zebra-subject" not in text_of(chosen)
    assert {one.subject for one in chosen.context["offered"]} == {"confidential"}


def test_hints_do_not_quote_it(safe):
    twin = f.make_ticket(
        safe.queue, subject="Zebra-subject", body="Zebra-body", customer=safe.ticket.customer
    )
    hints = safe.client.get(f"/admin/helpdesk/tickets/{twin.pk}/").context["hints"]
    assert [one.ticket.subject for one in hints] == ["confidential"]


def test_the_return_from_an_absence_does_not_quote_it(safe):
    absence = f.make_absence(safe.agent)
    actions.assign(actor=permissions.SYSTEM, ticket=safe.ticket, owner=safe.agent)
    page = text_of(safe.client.get(f"/admin/helpdesk/absences/{absence.pk}/summary/"))
    assert safe.ticket.number in page
    assert leaks(page) == []


def test_a_list_asks_one_question_more_however_long_it_is(safe):
    def queries() -> int:
        with CaptureQueriesContext(connection) as caught:
            text_of(safe.client.get("/admin/helpdesk/tickets/"))
        return len(caught)

    f.make_ticket(safe.queue, contact="")
    few = queries()
    for _number in range(20):
        f.make_ticket(safe.queue, contact="")
    assert queries() == few


# --- mails to the team


def mails_to(agent: Any) -> list[OutboundMail]:
    return list(OutboundMail.objects.filter(user=agent).order_by("pk"))


def test_notices_by_mail_name_the_number_only(safe):
    tell()
    OutboundMail.objects.all().delete()
    actions.assign(actor=permissions.SYSTEM, ticket=safe.ticket, owner=safe.agent)
    while tell():
        pass
    [mail] = mails_to(safe.agent)
    assert leaks(mail.subject + mail.body + mail.html) == []
    assert mail.subject == f"Assigned: confidential ({safe.ticket.number})"
    assert safe.ticket.number in mail.body
    assert notices.may_still_go(mail)


def test_a_notice_written_before_the_move_does_not_go_out(safe, red):
    ticket = f.make_ticket(red.queue, subject="Zebra-subject", contact="")
    red.agent.email = "red@staff.example"
    red.agent.save()
    while tell():
        pass
    OutboundMail.objects.all().delete()
    actions.assign(actor=permissions.SYSTEM, ticket=ticket, owner=red.agent)
    while tell():
        pass
    [mail] = mails_to(red.agent)
    assert "Zebra-subject" in mail.subject
    assert notices.may_still_go(mail)
    red.agent.groups.add(*safe.agent.groups.all())
    actions.move(actor=permissions.SYSTEM, ticket=ticket, queue=safe.queue)
    assert not notices.may_still_go(mail)


def test_the_digest_names_the_number_only(safe):
    actions.assign(actor=permissions.SYSTEM, ticket=safe.ticket, owner=safe.agent)
    Notice.objects.create(
        user=safe.agent, kind=NoticeKind.REPLY, ticket=safe.ticket, at=timezone.now(),
        by_mail=Notice.ByMail.DIGEST,
    )  # fmt: skip
    with time_machine.travel(timezone.now() + timedelta(days=30)):
        sections = Overview().sections(safe.agent)
        lines = [line for section in sections for line in section.lines]
        assert any(safe.ticket.number in line.title for line in lines)
        mail = digest._mail(safe.agent, sections, timezone.localdate())
    assert leaks(str(lines)) == []
    assert leaks(mail.subject + mail.body + mail.html) == []


def test_mails_to_the_customer_stay_as_they_are(safe):
    actions.answer(
        actor=safe.actor,
        ticket=safe.ticket,
        draft=Draft(body="Dear Zebra", channel=Channel.EMAIL, subject="Zebra-subject"),
        to=(("Zebra-person", "zebra@mail.example"),),
    )
    mail = OutboundMail.objects.filter(kind="answer").get()
    assert "Zebra-subject" in mail.subject
    assert mail.to == [["Zebra-person", "zebra@mail.example"]]
