"""A site's own tables: what of them goes with a ticket, what is cut off, and that nothing of it stays behind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.contrib.contenttypes.models import ContentType
from django.core.files.base import ContentFile
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import IntegrityError, connection, models, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from wagtail.models import Revision

from helpdesk import actions, checks, permissions
from helpdesk.actions import Draft, Upload, erasing_again, person_rows, persons
from helpdesk.models import (
    Article,
    Attachment,
    Blob,
    Channel,
    Customer,
    CustomerAddress,
    FileRemoval,
    InboundMail,
    Ticket,
    Tombstone,
    delete_rows,
    let_go,
    refusals,
    remove_left_files,
)
from helpdesk.models.outside import links_to
from helpdesk.privacy import nightly
from helpdesk.privacy.persons import person_of
from tests import factories as f
from tests.helpdesk.privacy import markers
from tests.inspections.installed import installed

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)
BY_HAND = Tombstone.Reason.BY_HAND


@pytest.fixture(autouse=True)
def _aside(settings, tmp_path):
    settings.MEDIA_ROOT = str(tmp_path / "media")
    settings.HELPDESK = {
        **settings.HELPDESK,
        "ERASURE_JOURNAL": str(tmp_path / "erasures"),
        "ERASE_HOUR": 0,
    }


@pytest.fixture
def site(_aside, transactional_db):
    """The tables of the site, by name."""
    with installed() as tables:
        yield type("Site", (), {one.__name__: one for one in tables})


def a_file(name: str = "hall.txt", mark: str = markers.FILE) -> ContentFile[bytes]:
    return ContentFile(markers.mark(mark).encode(), name=name)


def visited(site: Any, ticket: Ticket) -> Any:
    """Give a ticket rows of every table of the site, with a marker wherever one can stand."""
    word = markers.mark
    visit = site.Visit.objects.create(
        ticket=ticket,
        words=word(markers.CONTENT),
        picture=a_file(),
        scan=Blob.keep(word(markers.FILE).encode()),
    )
    later = site.Visit.objects.create(ticket=f.make_ticket(), earlier=visit, words="later")
    finding = site.Finding.objects.create(visit=later, words=word(markers.CONTENT))
    site.BadFinding.objects.create(
        visit=visit, words=word(markers.CONTENT), how_bad=word(markers.CONTENT)
    )
    Revision.objects.create(
        content_type=ContentType.objects.get_for_model(site.Visit),
        base_content_type=ContentType.objects.get_for_model(site.Visit),
        object_id=str(visit.pk),
        object_str="visit",
        created_at=timezone.now(),
        content={"words": word(markers.CONTENT)},
    )
    street = site.Street.objects.create(
        name="Mill Lane", last=ticket, by_number=ticket, first=finding, usual=visit
    )
    street.tickets.add(ticket, later.ticket)
    site.Remark.objects.create(
        article=ticket.articles.first(), words=word(markers.CONTENT), picture=a_file("note.txt")
    )
    return street


def left(settings: Any) -> tuple[set[Any], set[str]]:
    people = frozenset({"helpdesk_customer", "helpdesk_customeraddress"})
    return markers.in_tables("", people), markers.in_files()


@pytest.mark.parametrize("verb", ["erase", "anonymise"])
def test_what_points_to_a_ticket_goes_as_its_keys_say(site, settings, verb):
    ticket, other = f.make_ticket(), f.make_ticket()
    street, kept = visited(site, ticket), visited(site, other)
    assert len(markers.in_files()) == 4 + 2  # pictures and scans of both; notes
    done = getattr(actions, verb)(tickets=[ticket.pk], reason=BY_HAND)
    # two visits, two findings, the upper half of the bad one with it, a remark, a revision, a pair
    assert done["rows"] >= 8
    street.refresh_from_db()
    assert (street.last, street.by_number, street.first, street.usual) == (None, None, None, None)
    assert street.tickets.count() == 1
    assert site.Visit.objects.count() == site.Finding.objects.count() == 2
    assert site.BadFinding.objects.count() == Revision.objects.count() == 1
    kept.refresh_from_db()
    assert (kept.last, kept.by_number) == (other, other)
    actions.erase(tickets=[other.pk], reason=BY_HAND)
    assert left(settings) == (set(), set())
    assert not FileRemoval.objects.exists()
    assert not Blob.objects.exists()
    assert site.Street.objects.count() == 2


def test_without_tables_of_a_site_not_one_statement_more(django_assert_num_queries):
    """What the benchmark counts: nobody is asked who cannot answer."""
    assert not [link for model in (Ticket, Article) for link in links_to(model)]
    ticket = f.make_ticket()
    with django_assert_num_queries(0):
        assert not let_go({Ticket: [ticket.pk], Article: [1, 2]})
    with django_assert_num_queries(1):
        delete_rows(Attachment.objects.filter(article__ticket=ticket))


def test_the_number_of_statements_does_not_grow(site):
    tickets = [f.make_ticket() for _number in range(9)]
    for one in tickets:
        visited(site, one)
    with CaptureQueriesContext(connection) as few:
        actions.erase(tickets=[tickets[0].pk], reason=BY_HAND)
    with CaptureQueriesContext(connection) as more:
        actions.erase(tickets=[one.pk for one in tickets[1:]], reason=BY_HAND)
    # the bytes of our own storage follow one by one, after the commit
    assert len(more) <= len(few)
    read = [one["sql"] for one in more.captured_queries if one["sql"].startswith("SELECT")]
    assert not [sql for sql in read if '"words"' in sql]


# --- files ---------------------------------------------------------------------------------------


def pictures() -> list[str]:
    from tests.inspections.models import PLACES

    root = Path(PLACES.location)
    return sorted(path.name for path in root.rglob("*") if path.suffix == ".txt")


def test_files_go_when_it_is_certain_and_not_before(site):
    ticket = f.make_ticket()
    visited(site, ticket)
    with transaction.atomic():
        actions.erase(tickets=[ticket.pk], reason=BY_HAND)
        transaction.set_rollback(True)
    assert pictures() == ["hall.txt", "note.txt"]
    assert not FileRemoval.objects.exists()
    actions.erase(tickets=[ticket.pk], reason=BY_HAND)
    assert pictures() == []


def test_a_file_that_another_row_names_stays(site):
    ticket = f.make_ticket()
    visit = site.Visit.objects.create(ticket=ticket, words="x", picture=a_file())
    site.Visit.objects.create(ticket=f.make_ticket(), words="x", picture=visit.picture.name)
    actions.erase(tickets=[ticket.pk], reason=BY_HAND)
    assert pictures() == ["hall.txt"]
    assert not FileRemoval.objects.exists()


def test_what_the_storage_refuses_is_done_in_the_night(site, monkeypatch, caplog):
    from tests.inspections.models import PLACES

    ticket = f.make_ticket()
    visited(site, ticket)
    monkeypatch.setattr(PLACES, "is_away", True)
    actions.erase(tickets=[ticket.pk], reason=BY_HAND)
    assert pictures() == ["hall.txt", "note.txt"]
    assert "hall" not in caplog.text
    assert "ConnectionError" in caplog.text
    assert remove_left_files(10) == 0
    monkeypatch.setattr(PLACES, "is_away", False)
    nightly.run_now()
    assert pictures() == []
    assert not FileRemoval.objects.exists()


def test_of_an_app_that_is_gone_nothing_breaks(site):
    FileRemoval.objects.create(table="gone.Visit", column="picture", name="x")
    assert remove_left_files(10) == 0


def test_bytes_of_ours_stay_as_long_as_a_row_of_a_site_needs_them(site):
    blob = Blob.keep(b"scan")
    visit = site.Visit.objects.create(ticket=f.make_ticket(), words="x", scan=blob)
    assert blob.references() == 1
    assert not blob.release()
    delete_rows(site.Visit.objects.filter(pk=visit.pk))
    assert not Blob.objects.exists()


# --- parts of tickets, and people ------------------------------------------------------------------


def remarked(site: Any) -> tuple[Ticket, Article, Attachment, InboundMail]:
    """Make a ticket with a file and a raw mail, and a remark on each."""
    ticket = f.make_ticket()
    file = Upload("plan.pdf", b"bytes", "application/pdf")
    article = actions.add_note(
        actor=permissions.SYSTEM,
        ticket=ticket,
        draft=Draft(body="x", channel=Channel.NOTE, files=(file,)),
    )
    mail = InboundMail.objects.create(
        source="test", key="1", ticket=ticket, article=article, state="filed", sender="a@x.example"
    )
    attachment = article.attachments.get()
    for facts in ({"attachment": attachment}, {"article": article}, {"mail": mail}):
        name = f"{next(iter(facts))}.txt"
        site.Remark.objects.create(words="x", picture=a_file(name), **facts)
    return ticket, article, attachment, mail


def test_the_steps_before_take_what_points_to_a_part(site):
    ticket, *_parts = remarked(site)
    actions.erase_files(tickets=[ticket.pk], reason=BY_HAND)
    assert pictures() == ["article.txt", "mail.txt"]
    actions.erase_persons(tickets=[ticket.pk], reason=BY_HAND)
    assert pictures() == ["article.txt", "mail.txt"]
    actions.erase(tickets=[ticket.pk], reason=BY_HAND)
    assert pictures() == []


def test_after_a_restore_what_points_to_emptied_parts_goes(site):
    _ticket, article, _attachment, _mail = remarked(site)
    erasing_again.empty_articles(articles=[article.pk])
    assert pictures() == ["article.txt"]  # the message is there, and empty


def test_a_persons_erasure_takes_what_points_to_their_files_and_to_them(site):
    ticket, article, _attachment, mail = remarked(site)
    customer = ticket.customer
    Article.objects.filter(pk=article.pk).update(customer=customer, sender="customer")
    site.Card.objects.create(customer=customer, picture=a_file("card.txt"))
    site.Card.objects.create(address=customer.addresses.get(), picture=a_file("address.txt"))
    person = person_of(customers=[customer.pk])
    blanker = persons.Blanker(person.marks, "[erased]")
    facts = {"person": person, "blanker": blanker, "held": (), "own_goes": True}
    for model in persons.tables():
        persons.blank(model=model, after=0, **facts)
    assert pictures() == ["address.txt", "article.txt", "card.txt"]
    person_rows.forget_person(person=person)
    assert pictures() == ["article.txt"]
    assert not Customer.objects.filter(pk=customer.pk).exists()
    assert not site.Card.objects.exists()
    assert InboundMail.objects.get(pk=mail.pk).state == "erased"


def test_merged_tickets_keep_their_own_rows_and_go_together(site):
    target = f.make_ticket()
    source = f.make_ticket(target.queue, customer=target.customer, contact=target.contact)
    visit = site.Visit.objects.create(ticket=source, words="x", picture=a_file())
    actions.merge(actor=permissions.SYSTEM, source=source, target=target)
    visit.refresh_from_db()
    assert visit.ticket == source
    actions.erase(tickets=[target.pk], reason=BY_HAND)
    assert not site.Visit.objects.exists()
    assert pictures() == []


# --- what would stop a night -----------------------------------------------------------------------


@pytest.fixture
def told(site):
    """Change what a foreign key says, and tell what is reported then."""
    changed: list[tuple[Any, Any]] = []

    def tell(model: Any, name: str, on_delete: Any) -> list[tuple[str, str]]:
        relation = model._meta.get_field(name).remote_field
        changed.append((relation, relation.on_delete))
        relation.on_delete = on_delete
        roots = [Ticket, Article, Customer, CustomerAddress]
        return [(link.field.name, why) for link, why in refusals(roots)]

    yield tell
    for relation, before in changed:
        relation.on_delete = before


def test_the_site_does_not_start_with_one(site, told):
    assert checks.check_tables() == []
    told(site.Card, "customer", models.PROTECT)
    (said,) = checks.check_tables()
    assert (said.id, said.obj) == ("helpdesk.E050", site.Card._meta.get_field("customer"))
    assert said.msg.startswith("inspections.Card.customer keeps a row of helpdesk.Customer")
    with pytest.raises(SystemCheckError, match="E050"):
        call_command("check")


def test_a_number_that_nobody_watches_may_point_to_nothing(site, told, monkeypatch):
    field = site.Visit._meta.get_field("ticket")
    monkeypatch.setattr(field, "db_constraint", False)
    assert told(site.Visit, "ticket", models.DO_NOTHING) == []


@pytest.mark.parametrize("on_delete", [models.PROTECT, models.RESTRICT, models.DO_NOTHING])
def test_keys_that_keep_a_ticket_are_told(site, told, on_delete):
    assert told(site.Visit, "ticket", on_delete) == [("ticket", "refuses")]


def test_so_are_those_behind_them(site, told):
    assert told(site.Finding, "visit", models.PROTECT) == [("visit", "refuses")]
    found = told(site.Card, "customer", models.RESTRICT)
    assert sorted(found) == [("customer", "refuses"), ("visit", "refuses")]


def test_all_others_are_not(site, told):
    assert told(site.Visit, "ticket", models.CASCADE) == []


def test_a_key_of_the_lower_half_of_a_row_is_told(site):
    class Half(site.Finding):
        ticket = models.ForeignKey(Ticket, models.CASCADE)

        class Meta:
            app_label = "inspections"

    try:
        assert [one.id for one in checks.check_tables()] == ["helpdesk.E051"]
    finally:
        from django.apps import apps

        del apps.all_models["inspections"]["half"]
        apps.clear_cache()


def test_and_the_database_would_refuse_indeed(site, told):
    """Why there is a check at all."""
    ticket = f.make_ticket()
    site.Visit.objects.create(ticket=ticket, words="x")
    told(site.Visit, "ticket", models.PROTECT)
    with pytest.raises(IntegrityError):
        actions.erase(tickets=[ticket.pk], reason=BY_HAND)
    assert Ticket.objects.filter(pk=ticket.pk).exists()
