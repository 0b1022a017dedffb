"""After an erasure nothing of a ticket is left: in no table, file, index, cache or log."""

from __future__ import annotations

import logging

import pytest
from django.db import connection
from django.urls import reverse

from helpdesk import actions, permissions, search
from helpdesk.models import (
    Article,
    BlobRemoval,
    DataExport,
    Event,
    InboundMail,
    Ticket,
    Tombstone,
)
from helpdesk.privacy import nightly

from . import markers, planting
from .markers import CONTENT, FILE, PERSON

pytestmark = pytest.mark.django_db(transaction=True)
BY_HAND = Tombstone.Reason.BY_HAND
#: People are there beyond their tickets: they go by themselves, see `helpdesk.privacy`.
OF_PEOPLE = frozenset({"helpdesk_customer", "helpdesk_customeraddress", "helpdesk_automail"})


@pytest.fixture
def world(caplog, settings, tmp_path):
    settings.MEDIA_ROOT = str(tmp_path)  # with nothing of other tests in it
    settings.HELPDESK = {**settings.HELPDESK, "ERASURE_JOURNAL": str(tmp_path / "erasures")}
    caplog.set_level(logging.DEBUG)
    logging.getLogger("factory").setLevel(logging.WARNING)
    return planting.plant()


def left(kind: str = "") -> dict[str, object]:
    """Return where there are markers of a kind, people's own tables left out."""
    found = {
        "tables": markers.in_tables(kind, OF_PEOPLE),
        "files": markers.in_files(kind),
        "caches": markers.in_caches(kind),
    }
    return {name: where for name, where in found.items() if where}


def test_before_an_erasure_every_field_is_found(world):
    """The search that finds nothing afterwards would find it."""
    found = markers.in_tables()
    for model in planting.planted_models():
        for name, kind in planting.columns_of(model):
            field = model._meta.get_field(name)
            assert (model._meta.db_table, field.column) in found, (model, name)
            assert (model._meta.db_table, field.column) in markers.in_tables(kind), (model, name)
    tables = {table for table, _column in found}
    assert {"django_mailbox_message", "django_mailbox_messageattachment"} <= tables
    assert {"helpdesk_outboundmail"} <= tables
    files = markers.in_files()
    stored = [row.blob.sha256 for row in (*InboundMail.objects.all(), *DataExport.objects.all())]
    assert len(stored) == 4
    assert set(stored) <= {name.rpartition("/")[2] for name in files}
    assert markers.is_in(world.formed.preview, PERSON)
    assert any("mailbox" in name for name in files)


def test_after_an_erasure_nothing_is_left(world, caplog, client):
    client.force_login(world.agent)
    page = client.get(reverse("helpdesk_agents:ticket", args=[world.main.pk]))
    assert markers.is_in(page.content)
    main = Ticket.objects.get(pk=world.main.pk)
    tag = f"of {markers.mark(PERSON)}"
    actions.set_tags(actor=permissions.SYSTEM, ticket=main, tags=[tag])
    done = actions.erase(tickets=world.tickets, reason=BY_HAND)
    search.purge()
    assert {name for name, _column in left()["tables"]} == {"helpdesk_tickettag"}
    nightly.run_now()
    assert left() == {}
    assert markers.in_logs(caplog.records) == set()
    assert done["tickets"] == 4
    assert set(Ticket.objects.all()) == {world.other}
    assert Tombstone.objects.count() == 4
    assert not DataExport.objects.exists()
    assert not BlobRemoval.objects.exists()
    assert {row.state for row in InboundMail.objects.all()} == {"erased"}
    shown = client.get(reverse("helpdesk_agents:ticket", args=[world.other.pk]))
    assert shown.status_code == 200


def test_sqlite_overwrites_what_is_erased(world):
    """Deleted rows would otherwise lie in free pages of the file until something else comes there."""
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL cleans up by itself, see docs/operations.md")
    assert markers.in_database_file(CONTENT)
    actions.erase(tickets=world.tickets, reason=BY_HAND)
    search.purge()
    assert not markers.in_database_file(CONTENT)
    assert not markers.in_database_file(FILE)


def test_after_the_step_of_persons_nobody_is_left_and_the_texts_are(world, caplog):
    actions.erase_persons(tickets=world.tickets, reason=BY_HAND)
    search.purge()
    assert left(PERSON) == {}
    assert markers.in_logs(caplog.records) == set()
    ours = Ticket.objects.filter(pk__in=world.tickets)
    assert all(markers.is_in(one.subject, CONTENT) and one.customer is None for one in ours)
    assert all(markers.is_in(one.body, CONTENT) for one in Article.objects.filter(ticket__in=ours))
    found = search.find_tickets(permissions.agent(world.agent), world.main.subject.split()[1])
    assert list(found) == [world.main]
    form = Ticket.objects.get(pk=world.merged.pk).answers
    shown = {one["key"]: one["shown"] for one in form}
    assert (shown["name"], shown["mail"], shown["site"]) == ("", "", "West")
    assert "Seats: 3" in shown["people"]


def test_after_the_step_of_files_none_is_left_and_the_texts_are(world, caplog):
    actions.erase_files(tickets=world.tickets, reason=BY_HAND)
    search.purge()
    assert left(FILE) == {}
    assert markers.in_logs(caplog.records) == set()
    article = Article.objects.filter(ticket=world.main).first()
    assert markers.is_in(article.from_name, PERSON)
    assert all(
        markers.is_in(one.body, CONTENT) for one in Article.objects.filter(ticket=world.main)
    )


def test_an_anonymous_ticket_keeps_what_nobody_is_in(world, caplog):
    actions.anonymise(tickets=world.tickets, reason=BY_HAND)
    search.purge()
    assert left() == {}
    assert markers.in_logs(caplog.records) == set()
    kept = Ticket.objects.get(pk=world.merged.pk)
    shown = {one["key"]: one["shown"] for one in kept.answers}
    assert (shown["site"], shown["day"], shown["why"]) == ("West", "4 May 2026", "")
    assert {row.key for row in kept.answer_rows.all()} == {"site", "day", "people.seats"}
    assert kept.events.exists()
    assert not Event.objects.filter(ticket__in=world.tickets).exclude(user=None).exists()
    agent = permissions.agent(world.agent)
    assert list(permissions.visible_tickets(agent)) == [world.other]
    assert Tombstone.objects.filter(is_anonymised=True).count() == 4
