"""Every address of the help desk in the admin, asked by the wrong team."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import connection
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone
from django_mailbox.models import Mailbox, Message
from django_tasks_db.models import DBTaskResult

from helpdesk import actions, storage
from helpdesk.actions import presence, saved_drafts
from helpdesk.models import (
    Absence,
    Article,
    Attachment,
    Blob,
    BouncedAddress,
    Calendar,
    Customer,
    CustomerAddress,
    DataExport,
    Department,
    DismissedHint,
    Event,
    Hold,
    InboundMail,
    MailAccount,
    MailFilter,
    MailRoute,
    Merge,
    OrderSettings,
    OutboundMail,
    Participant,
    PersonErasure,
    Presence,
    Priority,
    Promise,
    Queue,
    QueueAddress,
    QueueOrder,
    QueueRight,
    RetentionSettings,
    SavedDraft,
    State,
    TermsChange,
    Ticket,
    TicketLink,
    TicketType,
    Tombstone,
)
from helpdesk.models import Team as TeamRow
from tests import factories as f

from .conftest import Team, browser, upload, write_note

pytestmark = pytest.mark.django_db

OURS = "admin/helpdesk/"
WATCHED = (
    *(Ticket, Article, Attachment, Event, TicketLink, Customer, CustomerAddress, Queue),
    *(QueueAddress, QueueRight, State, Priority, TicketType, Calendar, Promise, Mailbox),
    *(MailAccount, MailRoute, InboundMail, OutboundMail, Message, DBTaskResult, Blob),
    *(Department, TeamRow, Group, get_user_model()),
    *(BouncedAddress, MailFilter, Participant, Absence, Presence, SavedDraft, Merge, DismissedHint),
    *(QueueOrder, OrderSettings, Hold, Tombstone),
    *(RetentionSettings, TermsChange, DataExport, PersonErasure),
)


def routes(patterns: Any = None, prefix: str = "") -> list[tuple[str, URLPattern]]:
    """Return all addresses below the help desk's part of the admin."""
    found: list[tuple[str, URLPattern]] = []
    for one in get_resolver().url_patterns if patterns is None else patterns:
        path = prefix + str(one.pattern).lstrip("^")
        if isinstance(one, URLResolver):
            found += routes(one.url_patterns, path)
        elif path.startswith(OURS):
            found.append((path, one))
    return found


def fill(team: Team) -> dict[str, str]:
    """Make one row of everything for a team; return what stands for each part of an address."""
    article = write_note(team, files=(upload("secret.txt", b"secret file", "text/plain"),))
    Article.objects.filter(pk=article.pk).update(html="<p>secret</p>", verified=False)
    mailbox = Mailbox.objects.create(name="Secret box", uri="imap+ssl://desk@mail.example/")
    MailAccount.objects.create(
        mailbox=mailbox, queue=team.queue, secret=storage.encrypt("topsecret-word")
    )
    route = MailRoute.objects.create(
        name="Secret route",
        host="mail.example",
        user="desk",
        secret=storage.encrypt("topsecret-word"),
    )
    message = Message.objects.create(
        mailbox=mailbox, subject="Secret journal", message_id="m", from_header="x", body=""
    )
    inbound = InboundMail.objects.create(
        source="pipe",
        key="secret",
        state="failed",
        reason="Secret reason",
        queue=team.queue,
        mailbox=mailbox,
        message=message,
        blob=Blob.keep(b"From: x\n\nsecret"),
    )
    outbound = OutboundMail.objects.create(
        ticket=team.ticket,
        article=article,
        kind="answer",
        state="failed",
        message_id="<secret@desk.example>",
        from_address="a@desk.example",
        to=[["Secret person", "secret@mail.example"]],
        subject="Secret mail",
        body="x",
        due_at=timezone.now(),
    )
    Participant.objects.create(
        ticket=team.ticket, address="secret@mail.example", normalised="secret@mail.example"
    )
    BouncedAddress.objects.create(
        address="secret@mail.example",
        bounces=3,
        last_at=timezone.now(),
        suspended_at=timezone.now(),
    )
    presence.note_presence(actor=team.actor, ticket=team.ticket)
    saved_drafts.save_draft(
        actor=team.actor,
        ticket=team.ticket,
        mode="note",
        fields={"body": "Secret draft"},
        shared=True,
    )
    DBTaskResult.objects.create(
        task_path="secret.task",
        args_kwargs={"args": [], "kwargs": {}},
        queue_name="q",
        backend_name="default",
        run_after=timezone.now(),
        priority=0,
    )
    group = team.agent.groups.get()
    department = Department.objects.create(
        name="Secret department", slug="secret", queue=team.queue
    )
    TeamRow.objects.create(group=group, department=department)
    OrderSettings(domains="desk.example", queue=team.queue).save()
    QueueOrder.objects.create(
        ticket=team.ticket,
        address="secret@desk.example",
        name="Secret order",
        purpose="Secret purpose",
        group_name="Secret team",
        agents=[{"first_name": "Secret", "last_name": "person", "email": "", "login_name": "s"}],
    )
    Hold.objects.create(
        ticket=team.ticket,
        reason="Secret hold",
        until=timezone.localdate() + timedelta(days=9),
        placed_at=timezone.now(),
    )
    Tombstone.objects.create(
        ticket_pk=77,
        number="2020010110000077",
        queue=team.queue,
        opened_on=timezone.localdate(),
        erased_at=timezone.now(),
        reason="retention",
    )
    absence = f.make_absence(team.agent, reason="Secret reason")
    data_export = DataExport.objects.create(
        customer=team.ticket.customer,
        is_complete=True,
        state="ready",
        blob=Blob.keep(b"secret file of everything"),
        asked_at=timezone.now(),
        expires_at=timezone.now() + timedelta(days=1),
    )
    erasure = PersonErasure.objects.create(
        kind="erase", ground="duty", state="failed", person={"names": ["Secret person"]}
    )
    mail_filter = MailFilter.objects.create(
        name="Secret filter",
        condition={"field": "subject", "op": "is", "value": "Secret mail"},
        effects=[{"do": "ignore", "reason": "x"}],
    )
    twins = [
        f.make_ticket(team.queue, subject="Secret of Blue", customer=team.ticket.customer)
        for _n in range(2)
    ]
    journal = actions.merge(actor=team.actor, source=twins[1], target=twins[0])
    return {
        "merge": str(journal.pk),
        "other": str(twins[0].pk),
        "view": "all",
        "change": "note",
        "article": str(article.pk),
        "attachment": str(article.attachments.get().pk),
        "mail": str(outbound.pk),
        "ticket": str(team.ticket.pk),
        "queue": str(team.queue.pk),
        "scope": f"queue-{team.queue.pk}",
        "team": str(group.pk),
        "user": str(team.agent.pk),
        "department": str(department.pk),
        "customer": str(team.ticket.customer_id),
        "mailbox": str(mailbox.pk),
        "message": str(message.pk),
        "inbound": str(inbound.pk),
        "outbound": str(outbound.pk),
        "route": str(route.pk),
        "filter": str(mail_filter.pk),
        "absence": str(absence.pk),
        "export": str(data_export.pk),
        "erasure": str(erasure.pk),
        "key": f"customer-{team.ticket.customer_id}",
        "task": str(DBTaskResult.objects.get().pk),
    }


#: What `pk` means below each part of the admin.
ROWS = (
    ("helpdesk/tickets/", "ticket"),
    ("helpdesk/merges/", "merge"),
    ("helpdesk/failures/in/", "inbound"),
    ("helpdesk/failures/out/", "outbound"),
    ("helpdesk/filters/", "filter"),
    ("helpdesk/absences/", "absence"),
    ("helpdesk/queues/", "queue"),
    ("helpdesk/teams/", "team"),
    ("helpdesk/departments/", "department"),
    ("helpdesk/customers/", "customer"),
    ("helpdesk/people/", "customer"),
    ("helpdesk/persons/exports/", "export"),
    ("helpdesk/persons/erasures/", "erasure"),
    ("helpdesk/organisations/", "one"),
    ("helpdesk/accounts/", "mailbox"),
    ("helpdesk/routes/", "route"),
    ("helpdesk/inbound/", "inbound"),
    ("helpdesk/outbound/", "outbound"),
    ("helpdesk/journal/", "message"),
    ("helpdesk/tasks/", "task"),
    ("helpdesk/calendars/", "one"),
    ("helpdesk/promises/", "one"),
    ("helpdesk/states/", "one"),
    ("helpdesk/priorities/", "one"),
    ("helpdesk/types/", "one"),
)


def addresses(parts: dict[str, str]) -> list[str]:
    """Return every address with the team's ids filled in."""
    found = []
    for path, _route in routes():
        pk = next((parts.get(row, "1") for start, row in ROWS if start in path), "1")
        for name, value in {**parts, "pk": pk}.items():
            for kind in ("int:", "slug:", "str:", "uuid:", ""):
                path = path.replace(f"<{kind}{name}>", value)
        path = path.replace(r"(?P<instance_pk>[-\w]+)", pk).replace("$", "")
        assert "<" not in path, path
        found.append("/" + path)
    return sorted(set(found))


def snapshot() -> dict[str, list[Any]]:
    return {model.__name__: list(model.objects.order_by("pk").values()) for model in WATCHED}


class Writing:
    """Notes whether anything is written to the database: only then can a look at all the rows find a change."""

    def __init__(self) -> None:
        self.seen = False

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        # looks and what surrounds them change nothing; whatever else comes is taken for writing
        if not sql.startswith(("SELECT", "SAVEPOINT", "RELEASE SAVEPOINT")):
            self.seen = True
        return execute(sql, params, many, context)


def text_of(answer: Any) -> str:
    body = b"".join(answer) if answer.streaming else answer.content
    return body.decode(errors="replace")


SECRETS = (
    *("Secret of Blue", "Words of Blue", "Secret reason", "Secret box", "Secret journal"),
    *(
        "Secret mail",
        "Secret draft",
        "Secret route",
        "Secret filter",
        "Secret department",
        "Secret person",
        "secret@mail.example",
        "secret file",
        "Secret order",
        "Secret hold",
        "2020010110000077",
        "secret@desk.example",
        "topsecret-word",
    ),
    *("imap+ssl://", "Blue"),
)


@pytest.fixture
def other_teams(blue) -> list[str]:
    Calendar.objects.create(pk=1, name="Hours")
    Promise.objects.create(pk=1, name="Soon")
    return addresses(fill(blue))


def test_walk_finds_the_whole_help_desk(db):
    found = {path for path, _route in routes()}
    assert len(found) > 60
    for part in ("tickets/", "queues/", "accounts/", "inbound/", "outbound/", "journal/", "tasks/"):
        assert any(path.startswith(OURS + part) for path in found), part


@pytest.mark.parametrize("rights", ["all in another queue", "read only", "none"])
def test_wrong_team_learns_and_changes_nothing(red, other_teams, rights):
    users = {
        "all in another queue": red.agent,
        "read only": f.make_agent(red.queue, rights=["read"]),
        "none": f.make_agent(rights=[]),
    }
    client = browser(users[rights])
    before = snapshot()
    data = {
        "body": "x",
        "idempotency_key": "k",
        "last_article": "999999",
        "name": "Taken over",
        "subject": "Taken over",
        "purpose": "x",
        "number": "1",
        "protocol": "imap",
        "address": "secret@mail.example",
        "who": "red",
    }
    writing = Writing()
    for url in other_teams:
        if url == "/admin/helpdesk/new/":
            continue  # makes a ticket in the agent's own queue: tested by itself
        with connection.execute_wrapper(writing):
            for answer in (client.get(url), client.post(url, data)):
                assert answer.status_code in (200, 302, 404, 405, 422), url
                page = text_of(answer)
                assert not [word for word in SECRETS if word in page], url
        if writing.seen:
            assert snapshot() == before, url
            writing.seen = False
    assert snapshot() == before


@pytest.mark.parametrize(
    "part", ["tickets/{ticket}/", "tickets/{ticket}/files/{attachment}/", "queues/edit/{queue}/",
             "customers/edit/{customer}/", "failures/in/{inbound}/source/"]
)  # fmt: skip
def test_what_another_team_owns_looks_absent(red, blue, part):
    url = "/admin/helpdesk/" + part.format(**fill(blue))
    assert red.client.get(url).status_code == 404
    assert blue.client.get(url).status_code == 200


def test_logs_and_journals_cannot_be_written_by_address_even_by_superusers(blue, admin):
    parts = fill(blue)
    before = snapshot()
    for name, row in (
        ("inbound", "inbound"), ("outbound", "outbound"), ("journal", "message"), ("tasks", "task"),
    ):  # fmt: skip
        base = f"/admin/helpdesk/{name}/"
        assert admin.get(base).status_code == 200
        assert admin.get(f"{base}inspect/{parts[row]}/").status_code == 200
        for url in (f"{base}create/", f"{base}edit/{parts[row]}/", f"{base}delete/{parts[row]}/"):
            assert admin.get(url).status_code == 302, url
            assert admin.post(url, {"subject": "x"}).status_code == 302, url
    assert snapshot() == before


def test_manager_sees_the_log_rows_of_own_queues_only(red, blue):
    fill(blue)
    for name in ("inbound", "outbound", "journal", "accounts"):
        assert "ecret" not in red.client.get(f"/admin/helpdesk/{name}/").content.decode(), name
        assert "ecret" in blue.client.get(f"/admin/helpdesk/{name}/").content.decode(), name
    assert blue.client.get("/admin/helpdesk/tasks/").status_code == 302


@pytest.mark.parametrize(
    "query",
    [
        "mailbox__helpdesk_account__secret__startswith=g",
        "mailbox__uri__startswith=imap",
        "ticket__subject__startswith=S",
    ],
)
def test_lists_filter_by_nothing_they_do_not_offer(blue, query):
    fill(blue)
    none = query.rsplit("=", 1)[0] + "=zzz"
    pages = [
        blue.client.get(f"/admin/helpdesk/inbound/?{one}").content.decode() for one in (query, none)
    ]
    assert all("Secret reason" in page for page in pages)
    found = blue.client.get("/admin/helpdesk/accounts/?helpdesk_account__secret__startswith=zzz")
    assert "Secret box" in found.content.decode()


def test_bulk_actions_and_reports_offer_no_tickets(red, blue):
    for url in (
        "/admin/bulk/helpdesk/ticket/delete/",
        "/admin/bulk/helpdesk/queue/delete/",
        "/admin/bulk/helpdesk/customer/delete/",
    ):
        answer = red.client.post(f"{url}?id={blue.ticket.pk}")
        assert answer.status_code == 404, url
    assert Ticket.objects.filter(pk=blue.ticket.pk).exists()


def test_no_response_carries_a_stored_secret(blue, admin):
    parts = fill(blue)
    stored = MailAccount.objects.get().secret
    for url in addresses(parts):
        page = text_of(admin.get(url))
        assert "topsecret-word" not in page, url
        assert stored not in page, url
