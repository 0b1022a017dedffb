"""What a mail that came back does: the address is suspended, the owner told, nobody else."""

from __future__ import annotations

import pytest
from django.utils import timezone

from helpdesk import actions, permissions
from helpdesk.actions import Draft
from helpdesk.errors import InvalidInput, NotFound, NotPermitted, WrongState
from helpdesk.models import (
    AutoMail,
    BouncedAddress,
    Channel,
    EventKind,
    OutboundMail,
    Participant,
    QueueRight,
    Right,
)
from helpdesk.notifications import (
    links,
    mime,
    note_bounce,
    outbox,
    send_due,
    smtp,
    suspension,
    telling,
)
from helpdesk.notifications.bounces import Failure, send_returned_again
from helpdesk.states import StateType
from tests import factories as f

pytestmark = pytest.mark.django_db

ADA = "ada@mail.example"


@pytest.fixture
def queue():
    return f.QueueAddressFactory(address="support@desk.example", queue__slug="support").queue


@pytest.fixture
def owner(queue):
    return f.make_agent(queue, email="uta@staff.example", language="en")


@pytest.fixture
def ticket(queue, owner):
    ticket = f.make_ticket(queue, contact=ADA, channel=Channel.EMAIL, body="My secret words")
    actions.assign(actor=permissions.SYSTEM, ticket=ticket, owner=owner)
    ticket.refresh_from_db()
    return ticket


def sent(ticket, actor=permissions.SYSTEM, **options):
    """Answer and let a server take the mail; return its row."""
    article = actions.answer(
        actor=actor,
        ticket=ticket,
        draft=Draft(body="Our answer", channel=Channel.EMAIL),
        **options,
    )
    row = OutboundMail.objects.get(article=article)
    addresses = [address for _name, address in [*row.to, *row.cc]]
    outbox.note_result(mail=row, result=smtp.Result(smtp.Outcome.SENT, delivered=addresses))
    return OutboundMail.objects.get(pk=row.pk)


def came_back(row, status="5.1.1", words="550 user unknown", name=ADA):
    """Note a bounce of a mail; return the history's row."""
    ticket = row.ticket
    report = actions.receive_message(
        actor=permissions.SYSTEM,
        ticket=ticket,
        draft=Draft(body="x", channel=Channel.EMAIL, machine="delivery_failure"),
        visible=False,
    )
    note_bounce(mail=row, ticket=ticket, report=report, failures=[Failure((name,), status, words)])
    return ticket.events.filter(kind=EventKind.MAIL_BOUNCED).order_by("-pk").first()


def suspend(address=ADA, bounces=3):
    return BouncedAddress.objects.create(
        address=address,
        bounces=bounces,
        status="5.1.1",
        words="550 user unknown",
        last_at=timezone.now(),
        suspended_at=timezone.now() if bounces >= 3 else None,
    )


# --- the owner is told -----------------------------------------------------------------------------


def notices():
    """Tell, and return the mails of it."""
    telling.tell()
    return OutboundMail.objects.filter(
        kind="notice", body__contains="A mail of this ticket came back"
    )


def test_owner_is_told_why_in_plain_words(ticket, owner):
    came_back(sent(ticket))
    (row,) = notices()
    assert row.to == [[owner.get_full_name(), "uta@staff.example"]]
    assert (row.cc, row.bcc) == ([], [])
    assert "The address ada@mail.example does not exist at mail.example." in row.body
    assert ticket.number in row.body
    assert ticket.number in row.subject
    assert links.ticket_url(ticket) in row.body
    assert links.ticket_url(ticket).endswith(f"/admin/helpdesk/tickets/{ticket.pk}/")
    for content in ("My secret words", "Our answer"):
        assert content not in row.body + row.html
    assert row.article is None


def test_notice_is_machine_mail_with_a_null_return_path_and_no_way_back_to_the_customer(ticket):
    came_back(sent(ticket))
    (row,) = notices()
    header = mime.header(row)
    assert header["Auto-Submitted"]
    assert header["Precedence"] == "bulk"
    assert "Reply-To" not in header
    assert outbox._envelope(row).sender == ""


def test_who_wrote_the_message_is_told_and_not_the_owner(ticket, queue):
    author = f.make_agent(queue, email="kai@staff.example", language="en")
    came_back(sent(ticket, actor=permissions.agent(author)))
    (row,) = notices()
    assert row.user == author


def test_nobody_owns_it_so_who_manages_the_queue_is_told(ticket, queue, owner):
    f.make_agent(queue, rights=[Right.READ, Right.ANSWER])
    row = sent(ticket)
    actions.hand_back(actor=permissions.SYSTEM, ticket=ticket)
    came_back(OutboundMail.objects.get(pk=row.pk))
    assert [row.user for row in notices()] == [owner]


def test_owner_without_the_right_learns_nothing(ticket, owner):
    row = sent(ticket)
    QueueRight.objects.all().delete()
    came_back(row)
    assert not notices().exists()


def test_right_is_asked_again_when_the_notice_goes_out(ticket, owner, server):
    came_back(sent(ticket))
    (row,) = notices()
    OutboundMail.objects.filter(kind="notice").exclude(pk=row.pk).delete()
    owner.groups.clear()
    send_due()
    row.refresh_from_db()
    assert row.state == "withdrawn"
    assert server.mails == []


def test_notice_goes_out_to_whom_may_read(ticket, server):
    came_back(sent(ticket))
    (row,) = notices()
    send_due()
    row.refresh_from_db()
    assert row.state == "sent"
    assert ("", ("uta@staff.example",)) in {
        (mail.sender, tuple(mail.recipients)) for mail in server.mails
    }


def test_removed_ticket_is_told_to_nobody(ticket):
    came_back(sent(ticket))
    type(ticket).objects.filter(pk=ticket.pk).update(state=f.state(StateType.REMOVED))
    assert not notices().exists()


def test_notice_of_a_ticket_that_was_removed_since_stays_here(ticket):
    came_back(sent(ticket))
    (row,) = notices()
    type(ticket).objects.filter(pk=ticket.pk).update(state=f.state(StateType.REMOVED))
    assert not outbox.notices.may_still_go(row)


@pytest.mark.parametrize("email", ["", "support@desk.example", ADA])
def test_notice_goes_to_no_address_of_ours_or_the_customers(ticket, owner, email):
    owner.email = email
    owner.save()
    came_back(sent(ticket))
    assert not notices().exists()


def test_of_a_notice_that_came_back_nobody_is_told(ticket):
    came_back(sent(ticket))
    (notice,) = notices()
    result = smtp.Result(smtp.Outcome.SENT, delivered=["uta@staff.example"])
    outbox.note_result(mail=notice, result=result)
    notice.refresh_from_db()
    came_back(notice, name="uta@staff.example")
    assert notices().count() == 1


def test_limiter_holds_for_notices_too(ticket, settings):
    settings.HELPDESK = {**settings.HELPDESK, "NOTICE_MAIL_BURST": 2, "HARD_BOUNCES": 99}
    telling.tell()
    OutboundMail.objects.filter(kind="notice").delete()
    AutoMail.objects.all().delete()
    for _number in range(3):
        came_back(sent(ticket))
    assert notices().count() == 2


# --- sending again ---------------------------------------------------------------------------------


def test_mail_goes_again_to_whom_it_came_back_from_and_to_nobody_else(ticket, owner, server):
    row = sent(ticket, cc=(("Bob", "bob@mail.example"),))
    came_back(row, "5.2.2", "mailbox full")
    row.refresh_from_db()
    send_returned_again(actor=permissions.agent(owner), mail=row)
    send_due()
    row.refresh_from_db()
    (mail,) = server.mails
    assert tuple(mail.recipients) == (ADA,)
    assert mail.message["Message-ID"] == row.message_id
    assert (row.state, row.bounces, row.bounced_at) == ("sent", [], None)
    assert sorted(row.delivered) == [ADA, "bob@mail.example"]
    assert ticket.events.get(kind=EventKind.MAIL_RESENT).user == owner
    # and it may come back once more
    assert came_back(row, "5.2.2", "mailbox full") is not None
    row.refresh_from_db()
    assert row.bounces


def test_sending_again_needs_a_mail_that_came_back_the_right_and_a_living_address(ticket, queue):
    row = sent(ticket)
    agent = permissions.agent(f.make_agent(queue))
    with pytest.raises(WrongState):
        send_returned_again(actor=agent, mail=row)
    came_back(row, "5.2.2", "mailbox full")
    reader = permissions.agent(f.make_agent(queue, rights=[Right.READ]))
    with pytest.raises(NotPermitted):
        send_returned_again(actor=reader, mail=row)
    suspend()
    with pytest.raises(InvalidInput):
        send_returned_again(actor=agent, mail=row)
    row.refresh_from_db()
    assert row.bounces


# --- suspension ------------------------------------------------------------------------------------


def test_address_is_suspended_after_several_mails_that_came_back_for_good(ticket):
    for number in (1, 2, 3):
        assert not suspension.suspended(ADA)
        event = came_back(sent(ticket))
        assert event.data["suspended"] == (number == 3)
    assert suspension.suspended("Ada@MAIL.example")
    assert not suspension.suspended("ada+x@mail.example")
    assert suspension.known([ADA, "bob@mail.example", "nonsense"]) == {ADA}


def test_a_full_mailbox_never_suspends(ticket):
    for _number in range(5):
        came_back(sent(ticket), "5.2.2", "mailbox full")
    assert not BouncedAddress.objects.exists()


@pytest.mark.parametrize(
    ("answer", "counted"),
    [("550 5.1.1 user unknown", 1), ("550 5.7.1 refused as spam", 0), ("450 try later", 0)],
)
def test_refusal_at_the_door_counts_like_a_mail_that_came_back(ticket, server, answer, counted):
    server.at_rcpt["*"] = answer
    actions.answer(
        actor=permissions.SYSTEM, ticket=ticket, draft=Draft(body="x", channel=Channel.EMAIL)
    )
    send_due()
    assert BouncedAddress.objects.filter(address=ADA, bounces=1).count() == counted


@pytest.mark.parametrize("field", ["to", "cc", "bcc"])
def test_answer_to_a_suspended_address_is_refused_at_its_field(ticket, field):
    suspend("bob@mail.example")
    with pytest.raises(InvalidInput) as refused:
        sent(ticket, **{"to": (("", ADA),), field: (("Bob", "BOB@mail.example"),)})
    assert refused.value.field == field
    assert "does not exist" in str(refused.value)
    assert ticket.articles.count() == 1
    assert not OutboundMail.objects.exists()


def test_forwarding_to_a_suspended_address_is_refused(ticket):
    suspend("bob@mail.example")
    with pytest.raises(InvalidInput):
        actions.forward(
            actor=permissions.SYSTEM,
            ticket=ticket,
            draft=Draft(body="x", channel=Channel.EMAIL),
            original=None,
            to=(("", "bob@mail.example"),),
        )


def test_counted_but_not_suspended_is_written_to(ticket):
    suspend(bounces=2)
    assert sent(ticket).state == "sent"


def test_automatic_mail_is_withheld(queue):
    suspend()
    ticket = f.make_ticket(queue, contact=ADA, receipt=True)
    event = ticket.events.get(kind=EventKind.RECEIPT_WITHHELD)
    assert event.data == {"reason": "suspended"}
    assert not OutboundMail.objects.exists()


# --- release ---------------------------------------------------------------------------------------


def released(ticket):
    return ticket.events.get(kind=EventKind.ADDRESS_RELEASED)


def test_agent_who_may_answer_releases(ticket, owner):
    suspend()
    suspension.release(actor=permissions.agent(owner), address="ADA@mail.example", ticket=ticket)
    assert not suspension.suspended(ADA)
    event = released(ticket)
    assert event.user == owner
    assert event.data == {"by": "agent", "bounces": 3, "suspended": True}
    assert event.content == {"address": ADA}
    assert sent(ticket).state == "sent"


def test_who_may_not_answer_may_not_release(ticket, queue):
    suspend()
    reader = permissions.agent(f.make_agent(queue, rights=[Right.READ, Right.NOTE]))
    with pytest.raises(NotPermitted):
        suspension.release(actor=reader, address=ADA, ticket=ticket)
    assert suspension.suspended(ADA)


def test_address_of_somebody_else_is_not_found_by_way_of_a_ticket(ticket, owner):
    suspend("eve@mail.example")
    with pytest.raises(NotFound):
        suspension.release(
            actor=permissions.agent(owner), address="eve@mail.example", ticket=ticket
        )


def test_participants_and_third_parties_of_the_ticket_are_released_there(ticket, owner):
    Participant.objects.create(ticket=ticket, address="bob@x.example", normalised="bob@x.example")
    suspend("bob@x.example")
    OutboundMail.objects.filter(pk=sent(ticket).pk).update(
        bounces=[["third@x.example", "5.1.1", ""]], bounced_at=timezone.now()
    )
    suspend("third@x.example")
    actor = permissions.agent(owner)
    assert {row.address for row in suspension.rows_of(ticket)} == {
        "bob@x.example",
        "third@x.example",
    }
    for address in ("bob@x.example", "third@x.example"):
        suspension.release(actor=actor, address=address, ticket=ticket)
    assert not BouncedAddress.objects.exists()


def test_manager_releases_whom_the_own_queues_know(ticket, owner):
    suspend()
    suspension.release(actor=permissions.agent(owner), address=ADA)
    assert released(ticket).user == owner


@pytest.mark.parametrize("rights", [[Right.READ, Right.ANSWER], list(Right)])
def test_others_do_not_find_it_in_the_list(ticket, queue, rights):
    suspend()
    where = queue if len(rights) == 2 else f.QueueFactory()
    actor = permissions.agent(f.make_agent(where, rights=rights))
    assert not suspension.managed_rows(actor).exists()
    with pytest.raises(NotFound):
        suspension.release(actor=actor, address=ADA)


def test_superuser_releases_an_address_without_a_ticket(db):
    suspend("third@x.example")
    root = permissions.agent(f.UserFactory(is_superuser=True))
    suspension.release(actor=root, address="third@x.example")
    assert not BouncedAddress.objects.exists()


def test_a_person_who_writes_is_released(ticket):
    suspend()
    assert suspension.heard_from("Ada@mail.example", ticket=ticket)
    assert not suspension.suspended(ADA)
    event = released(ticket)
    assert (event.actor_kind, event.data["by"]) == ("system", "mail")
    assert not suspension.heard_from(ADA)


def test_without_a_ticket_it_is_written_on_the_newest_of_the_contact(ticket):
    suspend(bounces=1)
    assert suspension.heard_from(ADA)
    assert released(ticket).data == {"by": "mail", "bounces": 1, "suspended": False}


@pytest.mark.parametrize("address", ["", "nonsense", "@"])
def test_what_is_no_address_is_nobodys(db, address):
    assert not suspension.suspended(address)
    assert not suspension.heard_from(address)
