"""One person's traces go everywhere, and nothing else does."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone, translation

from helpdesk import actions, journal, permissions, search
from helpdesk.actions import Origin
from helpdesk.actions.persons import tickets_alone
from helpdesk.customers import access
from helpdesk.errors import InvalidInput, NotFound, NotPermitted
from helpdesk.models import (
    AddressClaim,
    Article,
    AuditEntry,
    AuditKind,
    Customer,
    CustomerAddress,
    DataExport,
    ErasureRun,
    ExportedTicket,
    Hold,
    InboundMail,
    OutboundMail,
    Participant,
    PersonErasure,
    SearchEntry,
    Ticket,
    Tombstone,
)
from helpdesk.privacy import expired_rows, found, person_jobs, persons
from helpdesk.rules.blanking import Person
from tests import factories as f

from . import world as w
from .markers import contents_with, places_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(settings, tmp_path) -> w.World:
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.HELPDESK = {**settings.HELPDESK, "ERASURE_JOURNAL": str(tmp_path / "journal")}
    return w.make_world()


@pytest.fixture(autouse=True)
def _the_word(monkeypatch) -> None:
    """What stands in place of a name follows the site's language."""
    monkeypatch.setattr(person_jobs, "word", lambda: "[erased]")


@pytest.fixture
def boss(db) -> permissions.Actor:
    return permissions.agent(f.UserFactory(username="boss", is_superuser=True))


def person(world: w.World) -> Person:
    return persons.person_of(customers=[world.customer.pk])


def erase(world: w.World, boss: Any, kind: str = "erase") -> PersonErasure:
    row = person_jobs.ask(
        actor=boss, person=person(world), kind=kind, ground="consent", reference="DS-7"
    )
    while person_jobs.work():
        pass
    row.refresh_from_db()
    assert row.state == "done", row.fault
    return row


def facts(model: Any, **which: Any) -> list[dict[str, Any]]:
    return list(model.objects.filter(**which).order_by("pk").values())


# --- who it is --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words", [w.ADDRESS, "QUORK@mail.example", w.OLD_ADDRESS, w.LAST, w.LOGIN, "zq@uni"]
)
def test_found_by_anything_they_are_known_by(world, words):
    keys = [one.key for one in persons.find(words)]
    got = persons.by_key(keys[0])
    assert got is not None
    assert got == person(world) or world.merged.pk in got.customers
    assert world.customer.pk in got.customers


def test_the_whole_person(world):
    got = person(world)
    assert got.customers == (world.customer.pk, world.merged.pk)
    assert got.users == (world.user.pk,)
    assert got.addresses == {"quork@mail.example", "zq@uni.example", "old.zq@mail.example"}
    assert got.logins == {w.LOGIN}
    assert got.phones == {w.PHONE}


def test_a_mere_claim_leads_to_nobody_elses_data(world):
    AddressClaim.objects.create(
        customer=world.customer,
        address="other@mail.example",
        normalised="other@mail.example",
        asked_at=timezone.now(),
    )
    assert "other@mail.example" not in person(world).addresses


def test_an_address_that_only_stands_somewhere_is_somebody_too(world):
    Participant.objects.create(
        ticket=world.control, address="guest@x.example", normalised="guest@x.example", name="Gus T"
    )
    (one,) = persons.find("guest@x.example")
    assert "guest" not in one.key
    got = persons.by_key(one.key)
    assert got is not None
    assert got.names == {"Gus T"}
    assert not got.customers


@pytest.mark.parametrize(
    "key", ["customer-999999", "account-999999", "address-x", "x", "customer-x"]
)
def test_a_key_that_leads_nowhere(world, key):
    assert persons.by_key(key) is None


def test_everything_is_found(world, boss):
    counts = {one.code: one.count for one in found.everything(boss, person(world))}
    assert counts["own"] == 2
    assert counts["participant"] == counts["writer"] == counts["recipient"] == 1
    assert counts["answers"] == counts["orders"] == 1
    assert counts["mentioned"] >= 2
    assert counts["inbound"] >= 1
    assert counts["outbound"] >= 1
    assert {"claims", "bounced", "blocks", "merged", "exports"} <= counts.keys()
    assert world.control.number not in str(found.everything(boss, person(world)))


def test_content_only_for_who_may_read_it(world):
    stranger = permissions.agent(f.make_agent(f.QueueFactory(), username="elsewhere"))
    rows = [row for one in found.everything(stranger, person(world)) for row in one.rows]
    texts = " ".join(row.text for row in rows)
    assert world.alone.number in texts
    assert world.alone.subject not in texts
    assert not [row for row in rows if row.ticket]
    world.queue.is_confidential = True
    world.queue.save()
    texts = str(found.everything(world.actor, person(world)))
    assert world.alone.number in texts
    assert world.alone.subject not in texts


def test_two_and_two_hundred_take_the_same_queries(world, boss):
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as log:
            found.everything(boss, person(world))
            person_jobs.preview(person(world))
        return len(log)

    before = queries()
    for _n in range(200):
        f.make_ticket(world.queue, customer=world.customer, contact="quork@mail.example")
    assert queries() == before
    sections = {one.code: one for one in found.everything(boss, person(world))}
    assert sections["own"].count == 202
    assert len(sections["own"].rows) == found.SHOWN


# --- erasing ------------------------------------------------------------------------------------------------


def test_nothing_of_the_person_is_left(world, boss, django_capture_on_commit_callbacks):
    last_line = AuditEntry.objects.latest("pk").pk if AuditEntry.objects.exists() else 0
    assert places_of(w.MARKS)
    assert contents_with(["zq31415"])
    with django_capture_on_commit_callbacks(execute=True):
        row = erase(world, boss)
    left = places_of((*w.MARKS, w.WORDS, "marker-of-the-file"), besides=["helpdesk_auditentry"])
    assert not left, left
    assert contents_with(["zq31415", "Quork", "marker-of"]) == []
    new = AuditEntry.objects.filter(pk__gt=last_line)
    told = " ".join(f"{one.data} {one.user_name} {one.subject_name}" for one in new)
    assert not [one for one in (*w.MARKS, w.FIRST) if one.casefold() in told.casefold()]
    assert row.person == {}
    assert row.counts["tickets"] == 1
    done = new.filter(kind=AuditKind.PERSON_ERASED).latest("pk")
    assert done.data["reference"] == "DS-7"
    assert done.data["ground"] == "consent"
    assert done.data["tickets"] == 1


def test_others_parts_stay(world, boss):
    article = world.shared.articles.get(body__contains="own words")
    asked = world.theirs.articles.get(body="Olga asks.")
    untouched = {
        Ticket: facts(Ticket, pk=world.control.pk),
        Article: facts(Article, ticket=world.control),
        InboundMail: facts(InboundMail, ticket=world.control),
        SearchEntry: facts(SearchEntry, ticket=world.control),
        Customer: facts(Customer, pk=world.other.pk),
    }
    before = facts(Article, pk=asked.pk)
    erase(world, boss)
    assert facts(Article, pk=asked.pk) == before
    assert {model: facts(model, pk__in=[row["id"] for row in rows]) for model, rows in untouched.items()} == untouched  # fmt: skip
    article.refresh_from_db()
    assert article.body == "I know [erased], write to [erased].\n\nOlga's own words."
    assert article.from_name == "Olga Other"
    assert article.customer == world.other


def namesake(world: w.World, **facts: Any) -> tuple[Ticket, Article, InboundMail]:
    """A request of somebody else who has the person's name, and its raw mail."""
    customer = f.CustomerAddressFactory(
        address="zacharias@else.example", customer__name=w.NAME, verified=True
    ).customer
    ticket = f.make_ticket(world.queue, subject=f"Of {w.NAME}", customer=customer)
    article = w.message(ticket, customer, f"Yours, {w.NAME}")
    Article.objects.filter(pk=article.pk).update(
        to=[[w.NAME, "zacharias@else.example"], ["", "desk@desk.example"]], **facts
    )
    raw = w.raw(article, f"From: {w.NAME} <zacharias@else.example>\n\nYours")
    return ticket, article, raw


def test_whoever_has_the_same_name_loses_nothing(world, boss):
    ticket, article, raw = namesake(world)
    before = [facts(Ticket, pk=ticket.pk), facts(Article, ticket=ticket), facts(InboundMail, pk=raw.pk)]  # fmt: skip
    assert person(world).common == {w.NAME}
    assert ticket.number not in str(found.everything(boss, person(world)))
    erase(world, boss)
    assert before == [facts(Ticket, pk=ticket.pk), facts(Article, ticket=ticket), facts(InboundMail, pk=raw.pk)]  # fmt: skip
    raw.refresh_from_db()
    assert raw.blob is not None
    assert raw.message is not None
    assert not places_of((w.ADDRESS, w.LOGIN, w.PHONE), besides=["helpdesk_auditentry"])


def test_nor_does_who_is_known_by_an_address_alone(world, boss):
    ticket, article, raw = namesake(world, customer=None)
    Customer.objects.filter(pk=ticket.customer_id).update(name="")
    assert not person(world).common
    erase(world, boss)
    article.refresh_from_db()
    raw.refresh_from_db()
    assert (article.from_name, article.from_address) == (w.NAME, "zacharias@else.example")
    assert article.to[0] == [w.NAME, "zacharias@else.example"]
    assert article.body == "Yours, [erased]"  # here it may be either
    assert raw.blob is not None


def test_an_account_of_the_same_name_counts_too(world):
    f.UserFactory(username="namesake", first_name=w.FIRST.lower(), last_name=w.LAST)
    assert person(world).common == {w.NAME}


def test_two_of_whom_nothing_but_one_name_is_known_are_two(world, boss):
    both = [f.CustomerFactory(name="Al One") for _n in range(2)]
    rows = {
        person_jobs.ask(
            actor=boss,
            person=persons.person_of(customers=[one.pk]),
            kind="erase",
            ground="duty",
        ).pk
        for one in both
    }
    assert len(rows) == 2


def test_headers_html_and_raw_mails(world, boss):
    article = world.theirs.articles.get(body__contains="in copy")
    raw = InboundMail.objects.get(article=article)
    erase(world, boss)
    article.refresh_from_db()
    raw.refresh_from_db()
    assert article.to == [["Desk", "desk@desk.example"]]
    assert article.cc == []
    assert article.reply_to == ""
    assert article.body == "With [erased] in copy."
    assert article.html == '<p>With <a href="mailto:[erased]">[erased]</a> in copy.</p>'
    assert raw.state == "filed"
    assert raw.blob is None
    assert raw.message is None
    ignored = InboundMail.objects.get(key="ignored")
    assert (ignored.state, ignored.sender, ignored.blob) == ("erased", "", None)


def test_own_messages_in_requests_of_others_are_emptied(world, boss):
    own = world.theirs.articles.get(body=w.WORDS)
    erase(world, boss)
    own.refresh_from_db()
    assert (own.body, own.subject, own.from_name, own.from_address) == (
        "[erased]",
        "",
        "[erased]",
        "",
    )
    assert not own.attachments.exists()
    assert own.created_at is not None
    assert not world.theirs.participants.exists()


def test_own_request_with_parts_of_others_belongs_to_nobody(world, boss):
    nonce = world.shared.link_nonce
    changed = world.shared.changed_at
    world.shared.refresh_from_db()
    changed = world.shared.changed_at
    erase(world, boss)
    world.shared.refresh_from_db()
    assert world.shared.customer is None
    assert world.shared.contact == ""
    assert world.shared.answers == []
    assert world.shared.subject == "[erased]"
    assert world.shared.link_nonce != nonce
    assert world.shared.changed_at == changed  # how long it is kept is another matter
    assert world.shared.participants.get().name == "Olga"


def test_what_they_wrote_begins_no_request_of_others_in_lists(world, boss):
    last = w.message(world.theirs, world.customer, f"{w.WORDS} at last")
    world.theirs.refresh_from_db()
    assert w.WORDS in world.theirs.preview
    erase(world, boss)
    world.theirs.refresh_from_db()
    last.refresh_from_db()
    assert (last.body, world.theirs.preview) == ("[erased]", "[erased]")


def test_history_and_automatic_mails_of_an_own_request_say_nothing_any_more(world, boss):
    f.QueueAddressFactory(queue=world.queue)
    actions.rename(actor=world.actor, ticket=world.shared, subject=f"{w.WORDS} renamed")
    actions.rename(actor=world.actor, ticket=world.shared, subject=f"{w.WORDS} again")
    due = {"from_address": "desk@desk.example", "due_at": timezone.now(), "state": "sent"}
    answer = OutboundMail.objects.filter(kind="answer", ticket=world.shared).first()
    mine = world.theirs.articles.get(body=w.WORDS)
    for number, about in enumerate(
        ({"ticket": world.shared}, {"article": mine}, {"about": [world.shared.pk]})
    ):
        OutboundMail.objects.create(
            kind="receipt" if number == 0 else "notice",
            message_id=f"<{number}@desk.example>",
            to=[["", "someone@desk.example"]],
            subject=w.WORDS,
            body=w.WORDS,
            **due,
            **about,
        )
    assert places_of([w.WORDS])
    erase(world, boss)
    assert not places_of([w.WORDS])
    if answer is not None:
        answer.refresh_from_db()
        assert "we look" in answer.body


def test_who_is_anonymised_leaves_no_personal_answers(world, boss):
    said = [
        {"key": "tel", "type": "text", "label": "Tel", "value": "T-1", "shown": "T-1", "private": True},
        {"key": "plan", "type": "files", "label": "Plan", "value": [], "shown": "secret.pdf"},
        {"key": "why", "type": "text", "label": "Why", "value": "open", "shown": "open"},
    ]  # fmt: skip
    ticket = f.make_ticket(
        world.queue,
        customer=world.customer,
        body="Tel: T-1\n\nPlan: secret.pdf\n\nWhy: open",
        origin=Origin(answers=tuple(said)),
    )
    copy = actions.split(
        actor=world.actor,
        ticket=ticket,
        article=ticket.articles.get(),
        queue=world.queue,
        subject="Part",
    ).article
    erase(world, boss, "anonymise")
    ticket.refresh_from_db()
    copy.refresh_from_db()
    assert copy.body.strip() == "Why: open"
    assert [one["shown"] for one in ticket.answers] == ["", "", "open"]
    assert not places_of(["secret.pdf"])
    assert list(ticket.answer_rows.values_list("text", flat=True)) == ["open"]
    assert ticket.articles.get().body.strip() == ticket.preview == "Why: open"
    assert not SearchEntry.objects.filter(ticket=ticket, words__contains="T-1").exists()


def test_lists_of_people_keep_the_others(world, boss):
    erase(world, boss)
    world.form.refresh_from_db()
    rows = world.form.answers[0]["rows"]
    assert [row[0]["value"] for row in rows] == ["someone@mail.example", "[erased]"]
    order = world.form.queue_order
    order.refresh_from_db()
    assert order.agents[1]["login_name"] == "oo1"
    assert w.LOGIN not in str(order.agents)


def test_what_was_alone_leaves_a_tombstone_and_the_journal_knows(world, boss):
    number = world.alone.number
    erase(world, boss)
    stone = Tombstone.objects.get(number=number)
    assert stone.reason == Tombstone.Reason.PERSON
    entries = [one for _at, rows in journal.read() for one in rows]
    kinds = {one["kind"] for one in entries}
    assert {journal.TICKET, journal.ARTICLES, journal.CUSTOMERS} <= kinds
    assert w.LOGIN not in str(entries)


def test_sessions_end_but_not_those_of_others(world, boss):
    assert Session.objects.count() == 3
    erase(world, boss)
    (left,) = Session.objects.all()
    assert left.get_decoded()["_auth_user_id"] == str(world.agent.pk)


def test_what_is_emptied_is_found_no_more_and_the_rest_is(world, boss):
    erase(world, boss)
    assert not search.find_tickets(boss, f'"{w.LAST}"').exists()
    assert list(search.find_tickets(boss, '"own words"')) == [world.shared]


def test_held_tickets_are_left_with_their_customer(world, boss):
    Hold.objects.create(
        ticket=world.alone,
        reason="A lawsuit",
        until=timezone.localdate() + timedelta(days=9),
        placed_at=timezone.now(),
    )
    before = facts(Article, ticket=world.alone)
    row = erase(world, boss)
    assert facts(Article, ticket=world.alone) == before
    world.alone.refresh_from_db()
    assert world.alone.customer == world.customer
    assert row.counts["held"] == 1
    assert not Customer.objects.filter(pk=world.merged.pk).exists()
    assert w.WORDS not in str(facts(Article, ticket=world.theirs))


def test_merged_groups_go_only_if_all_of_them_is_theirs(world, boss):
    joined = f.make_ticket(world.queue, customer=world.customer, contact="quork@mail.example")
    actions.merge(actor=world.actor, source=joined, target=world.alone)
    assert set(_alone(world)) == {world.alone.pk, joined.pk}
    of_other = f.make_ticket(world.queue, customer=world.other)
    actions.merge(actor=world.actor, source=of_other, target=world.alone, visible=False)
    assert _alone(world) == []


def _alone(world: w.World) -> list[int]:
    return tickets_alone(person(world))


def test_it_goes_on_where_it_stopped(world, boss, monkeypatch):
    monkeypatch.setattr("helpdesk.actions.persons.BATCH", 1)
    row = person_jobs.ask(actor=boss, person=person(world), kind="erase", ground="duty")
    steps = set()
    while person_jobs.work():
        row.refresh_from_db()
        steps.add(row.step)
    assert len(steps) > 5
    left = places_of(w.MARKS, besides=["helpdesk_auditentry"])
    assert not left, left


def given_up(world: w.World, boss: Any, monkeypatch: Any) -> PersonErasure:
    """Have the erasure of the person fail until it is given up."""
    row = person_jobs.ask(actor=boss, person=person(world), kind="erase", ground="duty")

    def broken(**_options: Any) -> Any:
        raise ValueError(w.NAME)

    monkeypatch.setattr(person_jobs, "erase", broken)
    for _n in range(4):  # never at once again
        assert not person_jobs.work()
    row.refresh_from_db()
    assert row.state == "waiting"
    person_jobs.work()
    row.refresh_from_db()
    assert (row.state, row.fault) == ("failed", "ValueError")
    return row


def test_a_batch_that_fails_is_tried_again_and_given_up(world, boss, monkeypatch, caplog):
    assert given_up(world, boss, monkeypatch).person
    assert w.LAST not in caplog.text


def test_what_failed_can_be_tried_again(world, boss, monkeypatch):
    with monkeypatch.context() as patch:
        row = given_up(world, boss, patch)
    with pytest.raises(NotPermitted):
        person_jobs.try_again(actor=world.actor, pk=row.pk)
    person_jobs.try_again(actor=boss, pk=row.pk)
    while person_jobs.work():
        pass
    row.refresh_from_db()
    assert (row.state, row.fault, row.person) == ("done", "", {})
    with pytest.raises(NotFound):
        person_jobs.try_again(actor=boss, pk=row.pk)


def test_asking_anew_is_done_with_what_failed(world, boss, monkeypatch):
    with monkeypatch.context() as patch:
        row = given_up(world, boss, patch)
    erase(world, boss)
    row.refresh_from_db()
    assert (row.state, row.person) == ("failed", {})
    assert row.finished_at is not None


def test_whom_a_failed_one_was_about_is_forgotten_after_some_days(world, boss, monkeypatch):
    row = given_up(world, boss, monkeypatch)
    for days, left in ((13, True), (15, False)):
        expired_rows.row_batch(ErasureRun(), timezone.now() + timedelta(days=days))
        row.refresh_from_db()
        assert (bool(row.person), row.finished_at is None) == (left, left)


def test_tries_are_counted_only_one_after_the_other(world, boss, monkeypatch):
    row = person_jobs.ask(actor=boss, person=person(world), kind="erase", ground="duty")
    row.counts = {"faults": 4}
    row.save()
    assert person_jobs.work()
    row.refresh_from_db()
    assert "faults" not in row.counts

    def away(*_args: Any, **_options: Any) -> Any:
        raise OperationalError("away")

    monkeypatch.setattr(person_jobs, "_go_on", away)
    with pytest.raises(OperationalError):
        person_jobs.work()
    row.refresh_from_db()
    assert row.fault == ""


@pytest.mark.parametrize("batches", [0, 3])
def test_erasing_outdoes_anonymising(world, boss, batches):
    asked = {"actor": boss, "person": person(world), "ground": "duty"}
    row = person_jobs.ask(kind="anonymise", reference="DS-1", **asked)
    for _n in range(batches):
        person_jobs.work()
    assert person_jobs.ask(kind="erase", reference="DS-2", **asked) == row
    assert person_jobs.ask(kind="anonymise", **asked) == row
    row.refresh_from_db()
    assert (row.kind, row.reference, row.step) == ("erase", "DS-2", "")
    while person_jobs.work():
        pass
    row.refresh_from_db()
    assert row.state == "done"
    assert Ticket.objects.filter(pk=world.alone.pk).exists() is bool(batches)
    assert not places_of(w.MARKS, besides=["helpdesk_auditentry"])


def test_erasing_that_is_asked_for_during_the_last_batch_is_done(world, boss, monkeypatch):
    asked = {"actor": boss, "person": person(world), "ground": "duty"}
    row = person_jobs.ask(kind="anonymise", **asked)
    purge = search.purge

    def at_the_end() -> None:
        person_jobs.ask(kind="erase", **asked)
        purge()

    with monkeypatch.context() as patch:
        patch.setattr(search, "purge", at_the_end)
        while PersonErasure.objects.get().kind == "anonymise":
            person_jobs.work()
    row.refresh_from_db()
    assert (row.state, row.kind, row.step, bool(row.person)) == ("waiting", "erase", "", True)
    while person_jobs.work():
        pass
    row.refresh_from_db()
    assert (row.state, row.kind) == ("done", "erase")


@pytest.mark.parametrize("kind", ["anonymise", "erase"])
def test_archives_with_what_they_wrote_or_others_wrote_of_them_go(world, boss, kind):
    now = timezone.now()
    facts_of = {"customer": world.other, "state": "ready", "asked_at": now, "expires_at": now + timedelta(days=1), "is_noted": True}  # fmt: skip
    theirs, named, own, control = (
        DataExport.objects.create(is_complete=one != 2, **facts_of) for one in range(4)
    )
    for row, ticket in ((theirs, world.alone), (named, world.shared), (own, world.shared), (control, world.control)):  # fmt: skip
        ExportedTicket.objects.create(export=row, ticket_pk=ticket.pk)
    erase(world, boss, kind)
    assert list(DataExport.objects.all()) == [control]


def test_anonymising_leaves_the_words(world, boss):
    erase(world, boss, "anonymise")
    left = places_of(w.MARKS, besides=["helpdesk_auditentry"])
    assert not left, left
    world.alone.refresh_from_db()
    assert world.alone.customer is None
    own = world.theirs.articles.get(body=w.WORDS)
    assert own.from_name == "[erased]"
    assert not own.attachments.exists()  # whose it is stands in the file itself


def test_asking_twice_is_asking_once(world, boss):
    rows = {
        person_jobs.ask(actor=boss, person=person(world), kind="erase", ground="duty").pk
        for _n in range(2)
    }
    assert len(rows) == 1


def test_nobody_with_rights_is_erased(world, boss):
    agent = persons.person_of(users=[world.agent.pk])
    assert persons.is_staff(agent)
    with pytest.raises(InvalidInput, match="rights"):
        person_jobs.ask(actor=boss, person=agent, kind="erase", ground="duty")


def test_only_who_may(world):
    with pytest.raises(NotPermitted):
        person_jobs.ask(actor=world.actor, person=person(world), kind="erase", ground="duty")
    with pytest.raises(NotPermitted):
        actions.correct_person(actor=world.actor, customer=world.customer, name="x")


# --- correcting -----------------------------------------------------------------------------------------------


def test_correcting(world, boss):
    row = world.customer.addresses.get(normalised="quork@mail.example")
    fields = actions.correct_person(
        actor=boss,
        customer=world.customer,
        name="Zoe Quirk",
        phone=w.PHONE,
        login_name=w.LOGIN,
        addresses={row.pk: "zoe@mail.example"},
        everywhere=True,
        reference="DS-8",
    )
    assert fields == ["name", "addresses"]
    row.refresh_from_db()
    assert (row.normalised, row.verified_at) == ("zoe@mail.example", None)
    world.alone.refresh_from_db()
    assert world.alone.contact == "zoe@mail.example"
    assert world.theirs.articles.get(body=w.WORDS).from_name == "Zoe Quirk"
    assert world.alone in search.find_tickets(boss, '"Zoe Quirk"')
    line = AuditEntry.objects.get(kind=AuditKind.PERSON_CORRECTED)
    assert "Quirk" not in str(line.data)
    assert line.data["reference"] == "DS-8"


def test_an_address_of_somebody_else_is_refused(world, boss):
    row = world.customer.addresses.first()
    with pytest.raises(Exception, match="in use"):
        actions.correct_person(
            actor=boss,
            customer=world.customer,
            name=w.NAME,
            addresses={row.pk: "other@mail.example"},
        )
    f.CustomerFactory(login_name="taken")
    with pytest.raises(InvalidInput):
        actions.correct_person(actor=boss, customer=world.customer, name="x", login_name="taken")


def correct(boss: permissions.Actor, customer: Customer, old: str, new: str) -> None:
    row = customer.addresses.get(normalised=old)
    actions.correct_person(
        actor=boss, customer=customer, name=customer.name, addresses={row.pk: new}
    )


def test_links_that_went_to_a_wrong_address_open_nothing(world, boss, client):
    with translation.override("en"):
        url = reverse(
            "helpdesk_customers:status_detail", kwargs={"token": access.status_token(world.alone)}
        )
    assert world.alone.subject in client.get(url, follow=True).content.decode()
    client.cookies.clear()
    correct(boss, world.customer, "quork@mail.example", "Quork@Mail.Example")  # the same, spelled
    world.alone.refresh_from_db()
    nonce = world.alone.link_nonce
    correct(boss, world.customer, "quork@mail.example", "zoe@mail.example")
    world.alone.refresh_from_db()
    assert world.alone.link_nonce != nonce
    assert world.alone.contact == "zoe@mail.example"
    assert world.alone.subject not in client.get(url, follow=True).content.decode()


def test_the_right_address_takes_part_and_the_wrong_one_no_longer(world, boss):
    before = world.theirs.participants.get()
    correct(boss, world.customer, "quork@mail.example", "Zoe@Mail.Example")
    after = world.theirs.participants.get()
    assert (after.address, after.normalised) == ("Zoe@Mail.Example", "zoe@mail.example")
    assert after.link_nonce != before.link_nonce
    mine = CustomerAddress.objects.get(normalised="zoe@mail.example").customer
    reads = permissions.visible_tickets(permissions.guest("zoe@mail.example", mine))
    assert reads.filter(pk=world.theirs.pk).exists()
    stranger = permissions.visible_tickets(permissions.guest("quork@mail.example", None))
    assert not stranger.filter(pk=world.theirs.pk).exists()


def test_an_address_that_took_part_already_does_so_once(world, boss):
    Participant.objects.create(
        ticket=world.theirs, address="zoe@mail.example", normalised="zoe@mail.example"
    )
    correct(boss, world.customer, "quork@mail.example", "zoe@mail.example")
    assert world.theirs.participants.get().may_read
