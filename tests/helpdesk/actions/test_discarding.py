"""Taking away what was only tried."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from helpdesk import actions, journal, permissions
from helpdesk.actions import Draft, Upload
from helpdesk.errors import InvalidInput, NotFound, NotPermitted
from helpdesk.models import (
    Article,
    AuditEntry,
    Blob,
    Channel,
    Event,
    Hold,
    InboundMail,
    Right,
    SearchEntry,
    Ticket,
)
from helpdesk.privacy import replaying
from tests import factories as f

pytestmark = pytest.mark.django_db


def trial(**options):
    return f.make_ticket(is_test=True, contact="", **options)


def test_a_manager_deletes_a_test_and_all_of_it():
    ticket, other = trial(), f.make_ticket()
    files = tuple(Upload(f"{n}.txt", text, "text/plain") for n, text in enumerate((b"a", b"b")))
    agent = permissions.agent(f.make_agent(ticket.queue))
    actions.add_note(
        actor=agent, ticket=ticket, draft=Draft(body="x", channel=Channel.NOTE, files=files)
    )
    kept = Draft(body="x", channel=Channel.NOTE, files=files[:1])
    actions.add_note(actor=permissions.SYSTEM, ticket=other, draft=kept)
    manager = permissions.agent(f.make_agent(ticket.queue, rights=[Right.MANAGE]))
    actions.discard_test(actor=manager, ticket=ticket)
    assert list(Ticket.objects.all()) == [other]
    assert not Event.objects.exclude(ticket=other).exists()
    assert not SearchEntry.objects.exclude(ticket=other).exists()
    assert [blob.read() for blob in Blob.objects.all()] == [b"a"]
    line = AuditEntry.objects.get(kind="test.discarded")
    assert (line.user_id, line.ticket_number, line.queue_id) == (
        manager.user.pk,
        ticket.number,
        ticket.queue_id,
    )


@pytest.mark.parametrize("right", sorted(set(Right) - {Right.MANAGE}))
def test_no_other_right_deletes_one(right):
    ticket = trial()
    actor = permissions.agent(f.make_agent(ticket.queue, rights=[right]))
    with pytest.raises(NotPermitted):
        actions.discard_test(actor=actor, ticket=ticket)
    assert Ticket.objects.exists()


def test_whoever_made_it_deletes_it_and_no_other_customer():
    user = f.UserFactory()
    mine = actions.customer_for_user(user)
    ticket = trial(customer=mine)
    stranger = permissions.customer(f.CustomerFactory())
    for actor in (
        stranger,
        permissions.link_bearer(ticket),
        permissions.guest("a@b.example", mine),
    ):
        with pytest.raises(NotPermitted):
            actions.discard_test(actor=actor, ticket=ticket)
    actions.discard_test(actor=permissions.customer(mine), ticket=ticket)
    assert AuditEntry.objects.get(kind="test.discarded").user_id == user.pk
    with pytest.raises(NotFound):
        actions.discard_test(actor=permissions.customer(mine), ticket=ticket)


def test_real_requests_are_never_deleted():
    ticket = f.make_ticket()
    for actor in (permissions.SYSTEM, permissions.customer(ticket.customer)):
        with pytest.raises(InvalidInput):
            actions.discard_test(actor=actor, ticket=ticket)
    assert Ticket.objects.exists()


def test_what_holds_another_request_stays():
    source, target = trial(), trial()
    Ticket.objects.filter(pk=source.pk).update(merged_into=target)
    with pytest.raises(InvalidInput):
        actions.discard_test(actor=permissions.SYSTEM, ticket=target)
    assert Ticket.objects.count() == 2


def test_a_test_waits_for_nobody():
    ticket = f.make_ticket(is_test=True)

    assert (ticket.next_action_at, ticket.next_action) == (None, "")
    assert f.make_ticket().next_action_at is not None


def hold(ticket, days=90):
    day = timezone.localdate() + timedelta(days=days)
    return Hold.objects.create(ticket=ticket, reason="x", until=day, placed_at=timezone.now())


def test_what_a_hold_keeps_stays():
    """A hold on one of several merged tickets holds all of them."""
    target, ticket = f.make_ticket(), trial()
    Ticket.objects.filter(pk=ticket.pk).update(merged_into=target)
    for held in (target, ticket):
        row = hold(held)
        with pytest.raises(InvalidInput, match="hold"):
            actions.discard_test(actor=permissions.SYSTEM, ticket=ticket)
        row.delete()
    assert Ticket.objects.count() == 2
    hold(ticket, days=-1)
    actions.discard_test(actor=permissions.SYSTEM, ticket=ticket)
    assert list(Ticket.objects.all()) == [target]


def test_a_test_does_not_come_back_with_a_backup(settings, tmp_path):
    settings.HELPDESK = {**settings.HELPDESK, "ERASURE_JOURNAL": str(tmp_path)}
    ticket, other = trial(), f.make_ticket()
    article = ticket.articles.get()
    mail = InboundMail.objects.create(source="pipe", key="1", ticket=ticket, article=article)
    actions.discard_test(actor=permissions.SYSTEM, ticket=ticket)
    entries = [entry for _at, rows in journal.read() for entry in rows]
    assert entries == [
        {"kind": journal.TICKET, "pk": ticket.pk, "number": ticket.number},
        {"kind": journal.ARTICLES, "pks": [article.pk]},
        {"kind": journal.INBOUND, "pks": [mail.pk]},
    ]
    ticket.save(force_insert=True)  # as the backup has it
    replaying.replay(journal.read())
    assert list(Ticket.objects.all()) == [other]
    assert list(Article.objects.values_list("ticket", flat=True)) == [other.pk]
