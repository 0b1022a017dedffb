"""Erasing tickets: whole groups, step by step, and nothing of what was held or is needed by others."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import IntegrityError, connection
from django.db.models import CASCADE
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from helpdesk import actions, journal, permissions
from helpdesk.actions import Draft, Upload, draft_files, erasing, erasing_rows, saved_drafts
from helpdesk.models import (
    Article,
    Attachment,
    Blob,
    Calendar,
    Channel,
    DataExport,
    DraftFile,
    Event,
    EventKind,
    ExportedTicket,
    HeldFile,
    Hold,
    InboundMail,
    LikelyDuplicate,
    Merge,
    OutboundMail,
    Participant,
    Privacy,
    QueueOrder,
    SearchEntry,
    Ticket,
    Tombstone,
)
from helpdesk.states import StateType
from tests import factories as f

pytestmark = pytest.mark.django_db
BY_HAND = Tombstone.Reason.BY_HAND
VERBS = (
    erasing.erase,
    erasing.erase_files,
    erasing.erase_persons,
    erasing.anonymise,
)


def closed(days=800, **options):
    ticket = f.make_ticket(**options)
    at = timezone.now() - timedelta(days=days)
    actions.change_state(actor=permissions.SYSTEM, ticket=ticket, state=f.state(StateType.CLOSED))
    Ticket.objects.filter(pk=ticket.pk).update(closed_at=at, changed_at=at)
    ticket.refresh_from_db()
    actions.storing.settle(ticket)
    ticket.save()
    return ticket


def with_file(ticket, content=b"bytes", name="plan.pdf"):
    agent = permissions.agent(f.make_agent(ticket.queue))
    file = Upload(name, content, "application/pdf")
    return actions.add_note(
        actor=agent, ticket=ticket, draft=Draft(body="x", channel=Channel.NOTE, files=(file,))
    )


def test_a_due_ticket_goes_with_all_of_it_and_leaves_a_tombstone(
    django_capture_on_commit_callbacks,
):
    ticket, other = closed(), f.make_ticket()
    with_file(ticket, b"mine")
    with_file(other, b"theirs")
    ticket.refresh_from_db()
    assert ticket.erase_at < timezone.now()
    with django_capture_on_commit_callbacks(execute=True):
        done = actions.erase(tickets=[ticket.pk, other.pk])
    assert done["tickets"] == 1
    assert (done["articles"], done["attachments"], done["files"]) == (2, 1, 1)
    assert list(Ticket.objects.all()) == [other]
    assert not Article.objects.exclude(ticket=other).exists()
    assert [one.read() for one in Blob.objects.all()] == [b"theirs"]
    stone = Tombstone.objects.get()
    assert (stone.ticket_pk, stone.number) == (ticket.pk, ticket.number)
    assert (stone.reason, stone.is_anonymised) == ("retention", False)
    assert not actions.erase(tickets=[ticket.pk])


@pytest.mark.parametrize("name", ["erase_files", "erase_persons", "anonymise"])
def test_every_step_runs_and_a_second_time_finds_nothing(name):
    ticket = closed()
    with_file(ticket)
    step = getattr(actions, name)
    assert step(tickets=[ticket.pk], reason=BY_HAND)
    before = Event.objects.count()
    assert not +step(tickets=[ticket.pk], reason=BY_HAND)
    assert Event.objects.count() == before


# --- the plan ------------------------------------------------------------------------------------


def relations_to(model):
    """Yield what points to a table, hidden relations too: table, column, and what becomes of it."""
    for relation in model._meta.get_fields(include_hidden=True):
        if relation.auto_created and relation.is_relation and not relation.concrete:
            yield relation.related_model, relation.field.name, relation.on_delete


@pytest.mark.parametrize(
    "model",
    [Ticket, *(model for model, _columns in erasing_rows.GONE)],
    ids=lambda one: one.__name__,
)
def test_the_plan_knows_everything_that_leads_to_a_ticket(model):
    """A new table with a way to a ticket has to be thought of: here it is missed."""
    gone = {(one, column) for one, columns in erasing_rows.GONE for column in columns}
    by_itself = {
        (Ticket, "merged_into"),  # the whole group goes
        (InboundMail, "ticket"),  # its shell stays
        (InboundMail, "article"),
    }
    for table, column, on_delete in relations_to(model):
        if (table, column) in by_itself:
            continue
        known = gone if on_delete is CASCADE else gone | set(erasing_rows.CUT)
        if (table, column) == (LikelyDuplicate, "other"):
            known = known | set(erasing_rows.CUT)  # the ticket itself was looked at
        assert (table, column) in known, f"{table.__name__}.{column} leads to {model.__name__}"


def test_files_are_only_kept_by_what_lets_them_go():
    """Whoever keeps bytes of a ticket is asked for them when it goes."""
    keepers = {table for table, _column, _on_delete in relations_to(Blob)}
    assert keepers == {Attachment, DraftFile, InboundMail, HeldFile, DataExport}


def test_what_stays_of_a_mail_says_nothing():
    shell = {**erasing_rows.SHELL, **erasing_rows.NO_RAW}
    telling = {name for name, kind in InboundMail.privacy.items() if kind != Privacy.NONE}
    pointing = {"ticket", "article", "blob", "message"}
    assert telling | pointing <= set(shell)


def test_every_person_in_a_row_that_stays_is_emptied():
    """The step of persons knows each table with a column that says who somebody is."""
    tables = {Ticket, InboundMail, *(model for model, _columns in erasing_rows.GONE)}
    named = {one for one in tables if Privacy.PERSON in one.privacy.values()}
    assert named == {Ticket, InboundMail, Article, OutboundMail, QueueOrder, Participant}


@pytest.mark.parametrize("verb", VERBS)
def test_exports_that_hold_something_of_it_go_whoever_they_are_about(verb):
    now = timezone.now()
    facts = {
        "customer": f.CustomerFactory(),
        "asked_at": now,
        "expires_at": now + timedelta(days=7),
        "state": "ready",
        "is_noted": True,
        "is_complete": True,
    }
    complete = DataExport.objects.create(blob=Blob.keep(b"x"), **facts)
    other = DataExport.objects.create(**facts)
    ticket = closed()
    ExportedTicket.objects.create(export=complete, ticket_pk=ticket.pk)
    ExportedTicket.objects.create(export=other, ticket_pk=closed().pk)
    actions.place_hold(actor=permissions.SYSTEM, ticket=ticket, reason="x", until=(now + timedelta(days=9)).date())  # fmt: skip
    verb(tickets=[ticket.pk], reason=BY_HAND)
    assert DataExport.objects.count() == 2  # nothing was erased
    Hold.objects.all().delete()
    verb(tickets=[ticket.pk], reason=BY_HAND)
    assert list(DataExport.objects.all()) == [other]
    assert ExportedTicket.objects.get().export == other
    assert not Blob.objects.filter(pk=complete.blob_id).exists()


# --- which ---------------------------------------------------------------------------------------


def test_what_was_merged_goes_along_each_with_a_tombstone():
    root, one, two = closed(), closed(), closed()
    customer = root.customer
    Ticket.objects.filter(pk__in=[one.pk, two.pk]).update(customer=customer, contact=root.contact)
    actions.merge(actor=permissions.SYSTEM, source=two, target=one)
    actions.merge(actor=permissions.SYSTEM, source=one, target=root)
    assert actions.erase(tickets=[two.pk], reason=BY_HAND)["tickets"] == 3
    assert not Ticket.objects.exists()
    assert not Merge.objects.exists()
    assert set(Tombstone.objects.values_list("number", flat=True)) == {
        one.number,
        two.number,
        root.number,
    }


def test_a_hold_on_any_of_a_group_keeps_the_group():
    root, part = closed(), closed()
    Ticket.objects.filter(pk=part.pk).update(customer=root.customer, contact=root.contact)
    actions.merge(actor=permissions.SYSTEM, source=part, target=root)
    today = timezone.localdate()
    hold = Hold.objects.create(ticket=part, reason="x", until=today, placed_at=timezone.now())
    for step in (actions.erase, actions.erase_files, actions.erase_persons, actions.anonymise):
        assert step(tickets=[root.pk], reason=BY_HAND) == {"skipped": 1}
    hold.until = today - timedelta(days=1)
    hold.save()
    assert actions.erase(tickets=[root.pk], reason=BY_HAND)["tickets"] == 2


def test_without_a_reason_only_what_is_due_goes():
    due, reopened, young = closed(), closed(), closed(days=10)
    actions.change_state(actor=permissions.SYSTEM, ticket=reopened, state=f.state(StateType.OPEN))
    ids = [due.pk, reopened.pk, young.pk]
    done = actions.erase(tickets=ids)
    assert (done["tickets"], done["skipped"]) == (1, 2)
    assert set(Ticket.objects.all()) == {reopened, young}


def test_the_steps_are_taken_when_they_are_next():
    ticket = closed(days=40)
    Ticket.objects.filter(pk=ticket.pk).update(attachment_days=30, personal_days=35)
    ticket.refresh_from_db()
    actions.storing.settle(ticket)
    ticket.save()
    assert actions.erase_persons(tickets=[ticket.pk]) == {"skipped": 1}
    assert actions.erase_files(tickets=[ticket.pk]) is not None
    ticket.refresh_from_db()
    assert (ticket.storage_step, ticket.files_erased_at is None) == ("personal", False)
    actions.erase_persons(tickets=[ticket.pk])
    ticket.refresh_from_db()
    assert (ticket.storage_step, ticket.persons_erased_at is None) == ("end", False)
    kinds = set(ticket.events.values_list("kind", flat=True))
    assert {EventKind.FILES_ERASED, EventKind.PERSONS_ERASED} <= kinds


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, "retention"),
        ({"objected_at": datetime(2024, 1, 1, tzinfo=UTC)}, "objection"),
        ({"closed_at": None}, "unclosed"),
    ],
)
def test_the_tombstone_tells_why_and_when_in_the_zone_of_the_queue(changes, reason):
    calendar = Calendar.objects.create(name="Far", time_zone="Pacific/Auckland")
    ticket = closed(queue=f.QueueFactory(calendar=calendar))
    opened = datetime(2024, 3, 1, 20, 0, tzinfo=UTC)
    changes = {"created_at": opened, "closed_at": opened, "erase_at": opened, **changes}
    if changes["closed_at"] is None:
        changes["state"] = f.state(StateType.OPEN)
    Ticket.objects.filter(pk=ticket.pk).update(**changes)
    actions.erase(tickets=[ticket.pk])
    stone = Tombstone.objects.get()
    assert (stone.reason, stone.opened_on) == (reason, date(2024, 3, 2))
    assert stone.closed_on == (None if reason == "unclosed" else date(2024, 3, 2))


# --- what is needed elsewhere -----------------------------------------------------------------------


def test_files_that_others_need_stay():
    ticket, other = closed(), f.make_ticket()
    with_file(ticket, b"the same")
    with_file(other, b"the same")
    done = actions.erase(tickets=[ticket.pk], reason=BY_HAND)
    assert (done["attachments"], done["files"]) == (1, 0)
    assert Blob.objects.get().read() == b"the same"


def test_what_is_erased_is_in_the_journal_before_it_is_gone(settings, tmp_path):
    settings.HELPDESK = {**settings.HELPDESK, "ERASURE_JOURNAL": str(tmp_path)}
    ticket = closed()
    article = ticket.articles.get()
    actions.erase(tickets=[ticket.pk])
    ((_at, entries),) = journal.read()
    assert entries[0] == {
        "kind": "ticket",
        "pk": ticket.pk,
        "number": ticket.number,
        "queue": ticket.queue_id,
        "opened_on": timezone.localdate(ticket.created_at).isoformat(),
        "closed_on": timezone.localdate(ticket.closed_at).isoformat(),
        "reason": "retention",
    }
    assert entries[1] == {"kind": "articles", "pks": [article.pk]}


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has one writer at a time")
def test_what_the_commit_would_refuse_is_not_written_down(settings, tmp_path):
    """A row of another app that came between leads to the ticket: it stays, and no backup takes it for erased."""
    settings.HELPDESK = {**settings.HELPDESK, "ERASURE_JOURNAL": str(tmp_path)}
    ticket = closed()
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE other_app (ticket bigint REFERENCES helpdesk_ticket DEFERRABLE INITIALLY DEFERRED)"
        )
        try:
            cursor.execute("INSERT INTO other_app VALUES (%s)", [ticket.pk])
            with pytest.raises(IntegrityError):
                actions.erase(tickets=[ticket.pk])
        finally:
            cursor.execute("DROP TABLE other_app")
    assert Ticket.objects.get() == ticket
    assert list(journal.read()) == []


def test_an_anonymised_ticket_can_be_erased_and_has_one_tombstone():
    ticket = closed()
    actions.anonymise(tickets=[ticket.pk])
    assert Tombstone.objects.get().is_anonymised
    actions.erase(tickets=[ticket.pk], reason=BY_HAND)
    stone = Tombstone.objects.get()
    assert (stone.is_anonymised, stone.reason) == (False, "by_hand")


def test_an_open_ticket_is_closed_when_it_becomes_anonymous():
    ticket = f.make_ticket()
    actions.anonymise(tickets=[ticket.pk], reason=BY_HAND)
    ticket.refresh_from_db()
    assert (ticket.state.type, ticket.next_action_at) == (StateType.CLOSED, None)


def test_no_text_is_read_and_the_number_of_statements_does_not_grow():
    many = [closed() for _number in range(8)]
    with CaptureQueriesContext(connection) as few:
        actions.erase(tickets=[many[0].pk])
    with CaptureQueriesContext(connection) as more:
        actions.erase(tickets=[one.pk for one in many[1:]])
    assert len(more) <= len(few)
    read = [one["sql"] for one in more.captured_queries if one["sql"].startswith("SELECT")]
    assert not [sql for sql in read if '"body"' in sql or '"words"' in sql or '"answers"' in sql]


def test_lists_show_no_answer_that_went():
    said = [
        {"key": "tel", "type": "phone", "label": "Tel", "value": "T-1", "shown": "T-1"},
        {"key": "plan", "type": "files", "label": "Plan", "value": [], "shown": "plan.pdf"},
        {"key": "why", "type": "text", "label": "Why", "value": "open", "shown": "open"},
    ]
    ticket = f.make_ticket(
        body="Tel: T-1\n\nPlan: plan.pdf\n\nWhy: open", origin=actions.Origin(answers=tuple(said))
    )
    for step, left in (
        (actions.erase_files, "Tel: T-1 Why: open"),
        (actions.erase_persons, "Why: open"),
    ):
        step(tickets=[ticket.pk], reason=BY_HAND)
        ticket.refresh_from_db()
        assert ticket.preview == left


def test_what_was_merged_shows_nothing_of_it_either():
    target = f.make_ticket(customer=f.CustomerFactory())
    ticket = f.make_ticket(
        customer=target.customer,
        body="Tel: T-1",
        origin=actions.Origin(
            answers=({"key": "t", "type": "phone", "label": "Tel", "value": "T-1", "shown": "T-1"},)
        ),
    )
    actions.merge(actor=permissions.SYSTEM, source=ticket, target=target)
    actions.erase_persons(tickets=[target.pk], reason=BY_HAND)
    assert not Ticket.objects.filter(preview__contains="T-1").exists()


PERSONAL = (
    {"key": "tel", "type": "text", "label": "Tel", "value": "T-1", "shown": "T-1", "private": True},
    {"key": "room", "type": "text", "label": "Room", "value": "101", "shown": "101"},
)


def by_form(subject="Key: T-1, 101", **options):
    draft = Draft(
        body="Tel: T-1\n\nRoom: 101", channel=Channel.WEB, subject=subject, from_name="Ada Lee"
    )
    queue = f.QueueFactory()
    customer = f.CustomerAddressFactory(verified=True).customer
    return actions.open_ticket(
        actor=permissions.SYSTEM,
        queue=queue,
        subject=subject,
        draft=draft,
        customer=customer,
        origin=actions.Origin(answers=PERSONAL),
        **options,
    ).ticket


def test_a_message_that_was_split_off_keeps_no_personal_answer():
    ticket = by_form()
    queue = ticket.queue
    opened = actions.split(
        actor=permissions.SYSTEM,
        ticket=ticket,
        article=ticket.articles.get(),
        queue=queue,
        subject="Call T-1",
    )
    actions.erase_persons(tickets=[opened.ticket.pk], reason=BY_HAND)
    copy = Article.objects.get(pk=opened.article.pk)
    opened.ticket.refresh_from_db()
    assert (copy.body.strip(), copy.subject, opened.ticket.subject) == (
        "Room: 101",
        "Key: 101",
        "Call",
    )
    assert opened.ticket.preview == "Room: 101"
    assert "T-1" not in str(copy.extra)
    assert "T-1" in ticket.articles.get().body  # its own time is not over


@pytest.mark.parametrize(
    ("subject", "left"),
    [
        ("Key: T-1, 101", "Key: 101"),
        ("Key: 101, T-1", "Key: 101"),
        ("Request of Ada Lee", "Request of"),
        ("T-1", "–"),
        ("Key T-12 of Ada Leeds", "Key T-12 of Ada Leeds"),
        (f"{'x' * 246} T-1", "x" * 246),
    ],
)
def test_no_subject_of_a_form_says_who_it_was(subject, left):
    ticket = by_form(subject)
    agent = permissions.agent(f.make_agent(ticket.queue))
    draft = Draft(body="Here", channel=Channel.NOTE, subject=f"Re: {ticket.subject}")
    note = actions.add_note(actor=agent, ticket=ticket, draft=draft)
    actions.erase_persons(tickets=[ticket.pk], reason=BY_HAND)
    ticket.refresh_from_db()
    note.refresh_from_db()
    assert ticket.subject == left
    assert note.subject == f"Re: {left}"
    assert ticket.articles.get(channel=Channel.WEB).subject == left.strip("–")


def test_the_subject_of_a_mail_stays():
    ticket = f.make_ticket(subject="Of Ada Lee")
    Article.objects.filter(ticket=ticket).update(from_name="Ada Lee", channel=Channel.EMAIL)
    actions.erase_persons(tickets=[ticket.pk], reason=BY_HAND)
    ticket.refresh_from_db()
    assert ticket.subject == "Of Ada Lee"


def test_of_a_merged_form_the_subjects_say_nothing_either():
    ticket = by_form()
    target = f.make_ticket(ticket.queue, customer=ticket.customer)
    actions.merge(actor=permissions.SYSTEM, source=ticket, target=target)
    actions.erase_persons(tickets=[target.pk], reason=BY_HAND)
    ticket.refresh_from_db()
    assert ticket.subject == "Key: 101"
    assert not Article.objects.filter(body__contains="T-1").exists()
    assert not Article.objects.filter(subject__contains="T-1").exists()


# --- files ---------------------------------------------------------------------------------------------

WITH_FILES = (
    {"key": "plan", "type": "files", "label": "Plan", "value": [], "shown": "secret-plan.pdf"},
    {
        "key": "people",
        "type": "group",
        "label": "People",
        "value": [],
        "shown": "Who: Ada, Plan: cell.pdf, Seats: 3",
        "rows": [
            [
                {"key": "who", "type": "text", "label": "Who", "value": "Ada", "shown": "Ada", "private": True},
                {"key": "plan", "type": "files", "label": "Plan", "value": [], "shown": "cell.pdf"},
                {"key": "seats", "type": "number", "label": "Seats", "value": 3, "shown": "3"},
            ]
        ],
    },
    {"key": "why", "type": "text", "label": "Why", "value": "open", "shown": "open"},
)  # fmt: skip
BODY = "Plan: secret-plan.pdf\n\nPeople:\nWho: Ada, Plan: cell.pdf, Seats: 3\n\nWhy: open"


def form_with_files():
    """Return a ticket of a form, and one that was split off its message."""
    draft = Draft(body=BODY, channel=Channel.WEB, subject="Plan: secret-plan.pdf")
    ticket = actions.open_ticket(
        actor=permissions.SYSTEM,
        queue=f.QueueFactory(),
        subject="Plan: secret-plan.pdf",
        draft=draft,
        customer=f.CustomerAddressFactory(verified=True).customer,
        origin=actions.Origin(answers=WITH_FILES),
    ).ticket
    opened = actions.split(
        actor=permissions.SYSTEM,
        ticket=ticket,
        article=ticket.articles.get(),
        queue=ticket.queue,
        subject="Of secret-plan.pdf",
    )
    return ticket, opened.ticket


@pytest.mark.parametrize("which", [0, 1])
def test_with_the_files_go_their_names_also_in_what_was_split_off(which):
    both = form_with_files()
    one, other = both[which], both[1 - which]
    actions.erase_files(tickets=[one.pk], reason=BY_HAND)
    one.refresh_from_db()
    article = one.articles.get()
    said = f"{one.subject} {one.preview} {article.subject} {article.body} {article.extra}"
    assert "secret-plan" not in said
    assert "cell.pdf" not in said
    assert "Who: Ada, Seats: 3" in article.body
    assert "Why: open" in one.preview
    assert not SearchEntry.objects.filter(ticket=one, words__contains="secret").exists()
    assert "secret-plan.pdf" in other.articles.get().body  # its own time is not over


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize(
    "steps",
    [
        (erasing.erase_files, erasing.erase_persons),
        (erasing.erase_persons, erasing.erase_files),
    ],
)
def test_a_row_with_a_name_and_a_file_loses_both_whichever_step_comes_first(which, steps):
    ticket = form_with_files()[which]
    for step in steps:
        step(tickets=[ticket.pk], reason=BY_HAND)
    article = ticket.articles.get()
    assert article.body.strip() == "People:\nSeats: 3\n\nWhy: open"
    assert "Ada" not in str(article.extra)
    assert "cell" not in str(article.extra)


def draft_with_file(ticket, text="Dear"):
    agent = permissions.agent(f.make_agent(ticket.queue))
    file = Upload("plan.pdf", text.encode(), "application/pdf")
    return saved_drafts.save_draft(
        actor=agent, ticket=ticket, mode="reply", fields={"body": text}, files=[file]
    )


def test_drafts_lose_their_files_and_say_so_as_long_as_they_are():
    ticket = closed()
    draft = draft_with_file(ticket)
    actions.erase_files(tickets=[ticket.pk], reason=BY_HAND)
    draft.refresh_from_db()
    assert draft.fields == {"body": "Dear", "files_gone": 1}
    assert not DraftFile.objects.exists()
    assert not Blob.objects.exists()
    again = saved_drafts.save_draft(
        actor=permissions.agent(draft.user),
        ticket=ticket,
        mode="reply",
        fields={"body": "Dear Ada"},
        version=draft.version,
    )
    assert again.fields == {"body": "Dear Ada", "files_gone": 1}


def test_a_file_put_into_a_draft_after_the_step_goes_as_well():
    ticket, held, reopened, young = closed(), closed(), closed(), closed()
    for one in (ticket, held, reopened):
        actions.erase_files(tickets=[one.pk], reason=BY_HAND)
    actions.change_state(actor=permissions.SYSTEM, ticket=reopened, state=f.state(StateType.OPEN))
    drafts = [draft_with_file(one, str(one.pk)) for one in (ticket, held, reopened, young)]
    assert draft_files.take_late_files(held=[held.pk]) == 1
    left = [list(one.files.values_list("name", flat=True)) for one in drafts]
    assert left == [[], ["plan.pdf"], ["plan.pdf"], ["plan.pdf"]]
    assert Blob.objects.count() == 3
    drafts[0].refresh_from_db()
    assert drafts[0].fields["files_gone"] == 1
