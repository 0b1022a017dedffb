"""Somebody writes while a batch is erased: on PostgreSQL, where they really meet."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from helpdesk import actions, addressing
from helpdesk.actions import erasing
from helpdesk.mail import ingest, ledger
from helpdesk.models import Article, Blob, InboundMail, Ticket, Tombstone
from tests import factories as f

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has one writer at a time"),
]


def due(queue):
    ticket = f.make_ticket(queue)
    ago = timezone.now() - timedelta(days=900)
    Ticket.objects.filter(pk=ticket.pk).update(
        state=f.state("closed"), closed_at=ago, changed_at=ago, erase_at=ago
    )
    return ticket


def answer_to(ticket):
    to = addressing.reply_address("support@desk.example", ticket.pk, addressing.signing_keys())
    return (
        f"From: {ticket.contact}\r\nTo: {to}\r\nSubject: Again\r\n"
        "Message-ID: <again@mail.example>\r\n\r\nOne more thing.\r\n"
    ).encode()


def in_thread(work, errors):
    def run():
        try:
            work()
        except Exception as error:  # noqa: BLE001  told to the test
            errors.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


@pytest.fixture
def support():
    return f.QueueAddressFactory(address="support@desk.example", queue__slug="support").queue


def test_a_reply_that_comes_while_a_batch_is_erased_becomes_a_ticket_of_its_own(
    support, monkeypatch
):
    """The batch holds the row: the mail waits, and then finds the ticket gone."""
    ticket = due(support)
    mail = ledger.accept(answer_to(ticket), source="test", key="1")
    locked, errors = threading.Event(), []
    before = erasing._forget_copies

    def slowly(rows):
        locked.set()
        time.sleep(1)
        before(rows)

    monkeypatch.setattr(erasing, "_forget_copies", slowly)
    batch = in_thread(lambda: actions.erase(tickets=[ticket.pk]), errors)
    assert locked.wait(30)
    ingest.process(mail.pk)
    batch.join()
    assert errors == []
    ingest.process_pending()
    mail.refresh_from_db()
    assert Tombstone.objects.get().ticket_pk == ticket.pk
    assert mail.state in {InboundMail.State.FILED, InboundMail.State.FAILED}, mail.error
    assert mail.state == InboundMail.State.FILED, mail.error
    assert mail.ticket is not None
    assert mail.ticket.pk != ticket.pk
    # beside it a note for the team says that the ticket it answered was erased
    assert "One more thing." in mail.ticket.articles.get(visible=True).body


def test_a_reply_that_is_filed_first_keeps_the_ticket(support, monkeypatch):
    ticket = due(support)
    mail = ledger.accept(answer_to(ticket), source="test", key="1")
    ingest.process(mail.pk)
    assert actions.erase(tickets=[ticket.pk]) == {"skipped": 1}
    assert Ticket.objects.get().articles.count() == 2


def test_many_replies_and_batches_at_once_lose_nothing(support):
    """Each reply is somewhere afterwards: with its ticket that stayed, or in one of its own."""
    tickets = [due(support) for _number in range(8)]
    mails = [
        ledger.accept(
            answer_to(one).replace(b"again@", f"again{one.pk}@".encode()),
            source="test",
            key=str(one.pk),
        )
        for one in tickets
    ]
    errors: list[Exception] = []
    threads = [
        in_thread(lambda: actions.erase(tickets=[one.pk for one in tickets[:4]]), errors),
        in_thread(lambda: actions.erase(tickets=[one.pk for one in tickets[2:]]), errors),
        in_thread(lambda: [ingest.process(one.pk) for one in mails], errors),
    ]
    for thread in threads:
        thread.join()
    assert errors == []
    while ingest.process_pending():
        pass
    gone = set(Tombstone.objects.values_list("ticket_pk", flat=True))
    for mail in InboundMail.objects.filter(pk__in=[one.pk for one in mails]):
        assert mail.state == InboundMail.State.FILED, mail.error
        assert mail.ticket_id not in gone
        assert mail.article is not None
        assert mail.article.ticket_id == mail.ticket_id
    assert not Article.objects.filter(ticket__in=gone).exists()


def test_equal_bytes_that_somebody_keeps_at_this_moment_stay(support):
    content = b"the same bytes"
    errors: list[Exception] = []
    kept = [b"more", content, b"others"]
    for _round in range(10):
        blobs = [Blob.keep(content), Blob.keep(b"others"), Blob.keep(b"more")]
        ids = [one.pk for one in blobs]
        threads = [
            in_thread(lambda ids=ids: Blob.release_all(ids), errors),
            in_thread(lambda: [Blob.keep(one) for one in kept], errors),
            in_thread(lambda: [Blob.keep(one) for one in reversed(kept)], errors),
        ]
        for thread in threads:
            thread.join()
        assert errors == []
        assert all(one.read() for one in Blob.objects.all())
