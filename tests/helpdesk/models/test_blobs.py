from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, connections, transaction

from helpdesk import actions, permissions, storage
from helpdesk.actions import Draft, Upload
from helpdesk.mail import ledger
from helpdesk.models import Attachment, Blob, Channel, InboundMail
from tests import factories as f

CONTENT = b"the same bytes"


def attach(content: bytes = CONTENT) -> Attachment:
    ticket = f.make_ticket(contact="")
    draft = Draft(body="x", channel=Channel.NOTE, files=(Upload("a.txt", content),))
    note = actions.add_note(actor=permissions.SYSTEM, ticket=ticket, draft=draft)
    return note.attachments.get()


def is_stored(sha256: str) -> bool:
    return storage.blob_storage().exists(storage.path_of(sha256))


@pytest.mark.django_db
def test_equal_bytes_are_one_row_and_one_file():
    first, second = Blob.keep(CONTENT), Blob.keep(CONTENT)
    assert first == second
    assert (first.sha256, first.size) == (storage.digest(CONTENT), len(CONTENT))
    assert first.read() == CONTENT


@pytest.mark.django_db
def test_bytes_lost_from_the_storage_come_back_with_the_next_mail_that_has_them():
    blob = Blob.keep(CONTENT)
    storage.delete(blob.sha256)
    with pytest.raises(FileNotFoundError):
        blob.read()
    assert Blob.keep(CONTENT).read() == CONTENT


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_references_are_counted_over_all_tables_and_the_last_one_takes_the_bytes():
    first, second = attach(), attach()
    mail = ledger.accept(CONTENT, source="test", key="1")
    blob = mail.blob
    for left, row in ((3, first), (2, second), (1, mail)):
        assert blob.references() == left
        assert not blob.release()
        row.delete()
    assert is_stored(blob.sha256)
    assert blob.release()
    assert not Blob.objects.exists()
    assert not is_stored(blob.sha256)
    assert not blob.release()


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_a_release_that_is_rolled_back_loses_nothing():
    blob = Blob.keep(CONTENT)
    with transaction.atomic():
        assert blob.release()
        transaction.set_rollback(True)
    assert Blob.objects.get().read() == CONTENT


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_bytes_kept_again_before_the_release_is_committed_stay():
    blob = Blob.keep(CONTENT)
    with transaction.atomic():
        assert blob.release()
        again = Blob.keep(CONTENT)
    assert again.pk != blob.pk
    assert again.read() == CONTENT


def together(works: list) -> list:
    barrier = threading.Barrier(len(works))

    def run(work):
        barrier.wait(timeout=20)
        try:
            return work()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has one writer at a time")
def test_many_keeping_the_same_bytes_make_one_row():
    found = together([lambda: Blob.keep(CONTENT).pk] * 8)
    assert set(found) == {Blob.objects.get().pk}


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has one writer at a time")
def test_keeping_while_the_last_reference_goes_never_leaves_a_row_without_bytes():
    for _round in range(25):
        blob = Blob.keep(CONTENT)
        together([blob.release, lambda: Blob.keep(CONTENT), lambda: Blob.keep(CONTENT)])
        assert {row.read() for row in Blob.objects.all()} <= {CONTENT}
        assert is_stored(blob.sha256) == Blob.objects.exists()
        InboundMail.objects.all().delete()
        Blob.objects.all().delete()
        storage.delete(blob.sha256)
