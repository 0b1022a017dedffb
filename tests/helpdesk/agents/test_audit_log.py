"""The screen of the audit log."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from helpdesk import audit
from helpdesk.models import AuditEntry, AuditKind, QueueRight
from tests import factories as f

from .conftest import Team, browser

pytestmark = pytest.mark.django_db

URL = "/admin/helpdesk/audit/"


def line(name: str, kind: AuditKind = AuditKind.LOGIN, **facts: Any) -> AuditEntry:
    facts = {"at": timezone.now(), "kind": kind, "user_name": name, **facts}
    return AuditEntry.objects.create(**facts)


def shown(client: Any, **query: str) -> list[str]:
    return [one.entry.user_name for one in client.get(URL, query).context["lines"]]


@pytest.fixture
def head(red) -> Any:
    """Somebody who administers the red queue, and no more."""
    return browser(f.make_agent(red.queue, rights=["administer"], username="head"))


def test_superusers_see_everything_newest_first(admin):
    AuditEntry.objects.all()
    line("early", at=timezone.now() - timedelta(days=1))
    line("late", at=timezone.now() + timedelta(minutes=1))
    names = shown(admin)
    assert names[0] == "late"
    assert names[-1] == "early"


def test_who_administers_a_subtree_sees_its_lines_only(red, blue, head):
    below = f.QueueFactory(parent=red.queue)
    for queue, name in ((red.queue, "of red"), (below, "below red"), (blue.queue, "of blue")):
        line(name, queue_id=queue.pk)
    line("of nobody")
    assert shown(head) == ["below red", "of red"]
    page = head.get(URL).content.decode()
    assert blue.queue.name not in page
    asked = shown(head, queue=str(blue.queue.pk))
    assert asked == []


@pytest.mark.parametrize("rights", [[], ["read"], ["manage", "answer"]])
def test_nobody_else_sees_it(red, rights):
    client = browser(f.make_agent(red.queue, rights=rights))
    for url in (URL, f"{URL}export/"):
        assert client.get(url).status_code == 302
    assert URL not in client.get("/admin/").content.decode()


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"q": "ams"}, {"amsel"}),
        ({"q": "FIN"}, {"meise"}),
        ({"who": "mei"}, {"meise"}),
        ({"whom": "fink"}, {"meise"}),
        ({"kind": "data.exported"}, {"lark"}),
        ({"number": "2026-1"}, {"amsel"}),
        ({"ip": "192.0.2"}, {"meise"}),
        ({"last": "2020-01-31"}, {"lark"}),
        ({"first": "2020-01-31", "last": "2020-02-01", "q": "lark"}, set()),
        ({"q": "nobody-is-called-so"}, set()),
    ],
)
def test_filters(admin, query, found):
    line("amsel", ticket_number="2026-1", kind=AuditKind.CONFIDENTIAL_READ)
    line("meise", kind=AuditKind.MEMBER_ADDED, subject_name="fink", ip="192.0.2.9")
    line("lark", kind=AuditKind.EXPORTED, at=timezone.now().replace(year=2020, month=1, day=2))
    assert set(shown(admin, **query)) - {"root"} == found


def test_the_last_day_counts_whole(admin):
    today = timezone.localdate().isoformat()
    line("now")
    assert "now" in shown(admin, first=today, last=today)


def test_a_wrong_date_says_so_and_finds_nothing(admin):
    answer = admin.get(URL, {"first": "yesterday"})
    assert answer.status_code == 200
    assert answer.context["lines"] == []
    assert "Enter a valid date" in answer.content.decode()


def test_pages_by_key_lose_and_repeat_nothing(admin):
    at = timezone.now() - timedelta(days=1)
    for number in range(120):  # many of them at the same moment
        line(f"n{number}", at=at - timedelta(minutes=number // 40), kind=AuditKind.LOGOUT)
    found, url = [], f"{URL}?kind=login.ended"
    while url:
        context = admin.get(url).context
        found += [one.entry.user_name for one in context["lines"]]
        url = URL + context["older"] if context["older"] else ""
    assert len(found) == len(set(found)) == 120


@pytest.mark.parametrize(
    "cursor", ["x", "_", "2026-01-01_1", "2026-99-01T00:00:00+00:00_1", "_9" * 40]
)
def test_a_wrong_place_shows_the_newest(admin, cursor):
    assert "root" in shown(admin, before=cursor)


def test_reading_is_constant_and_counts_nothing(admin):
    def queries() -> list[str]:
        with CaptureQueriesContext(
            connection,
        ) as caught:
            assert admin.get(URL).status_code == 200
        return [one["sql"] for one in caught.captured_queries]

    ticket = f.make_ticket()
    audit.record(AuditKind.CONFIDENTIAL_READ, ticket=ticket)
    audit.record(AuditKind.RIGHT_GRANTED, data={"permissions": ["access_admin"]})
    few = queries()
    for number in range(200):
        audit.record(
            AuditKind.RIGHT_GRANTED,
            user_name=f"n{number}",
            ticket=f.make_ticket() if number < 5 else ticket,
            data={"permissions": ["access_admin"]},
        )
    many = queries()
    assert len(few) == len(many)
    assert not [sql for sql in many if "COUNT" in sql and "auditentry" in sql]


def test_details_are_told_in_words(admin, red):
    row = QueueRight.objects.filter(queue=red.queue).first()
    audit.record(AuditKind.RIGHT_GRANTED, data={"group": "Desk", "right": "answer"})
    audit.record(
        AuditKind.SETTING_CHANGED,
        queue=red.queue,
        data={
            "model": "helpdesk.queue",
            "did": "changed",
            "id": 1,
            "name": "IT",
            "fields": ["purpose"],
        },
    )
    audit.record(AuditKind.SETTING_CHANGED, data={"model": "gone.model", "did": "deleted"})
    page = admin.get(URL).content.decode()
    assert row is not None
    assert "group “Desk” · answer customers" in page
    assert "Queue “IT” · changed · purpose" in page


def test_what_a_night_erased_is_told_in_words(admin):
    audit.record(AuditKind.ERASED, data={"run": 7, "tickets": 2, "articles": 1, "rows": 12})
    page = admin.get(URL).content.decode()
    assert "2 tickets erased · 1 message" in page
    assert "rows: 12" not in page


def test_a_ticket_is_linked_only_for_those_who_may_read_it(red, head, admin):
    audit.record(AuditKind.CONFIDENTIAL_READ, ticket=red.ticket)
    link = f'href="/admin/helpdesk/tickets/{red.ticket.pk}/"'
    assert link in admin.get(URL).content.decode()
    assert link in head.get(URL).content.decode()
    from helpdesk import actions

    other = f.QueueFactory()
    f.make_agent(other)
    actions.move(actor=permissions_system(), ticket=red.ticket, queue=other)
    page = head.get(URL).content.decode()
    assert link not in page
    assert red.ticket.number in page  # what was read while it lay here was read here


def permissions_system() -> Any:
    from helpdesk import permissions

    return permissions.SYSTEM


def exported(client: Any, **query: str) -> list[list[str]]:
    answer = client.get(f"{URL}export/", query)
    assert answer.streaming
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text)))


def test_the_export_holds_what_fits_and_is_itself_written_down(admin):
    line("amsel", kind=AuditKind.LOGOUT, subject_name='=cmd|"x"!A1')
    line("meise")
    rows = exported(admin, kind="login.ended")
    assert [row[2] for row in rows] == ["who", "amsel"]
    assert rows[1][3].startswith("'=")
    told = AuditEntry.objects.filter(kind=AuditKind.EXPORTED).get()
    assert told.user_name == "root"
    assert told.data == {"what": "audit log", "filters": ["kind"]}


def test_the_export_ends_at_the_same_walls(red: Team, blue: Team, head):
    line("of red", queue_id=red.queue.pk)
    line("of blue", queue_id=blue.queue.pk)
    assert [row[2] for row in exported(head)][1:] == ["of red"]
