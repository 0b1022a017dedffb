from __future__ import annotations

import csv

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from wagtail.models import GroupPagePermission

from helpdesk.models import AuditEntry, AuditKind, Ticket
from helpdesk.states import StateType
from tests import factories as f
from tests import page_factories as p

pytestmark = pytest.mark.django_db


@pytest.fixture
def tree():
    return p.make_site()


@pytest.fixture
def page(tree):
    return p.make_form(tree.services, [p.question("text", "room", "Raum")])


def editor(tree, *, agent_of=None):
    user = f.make_agent(agent_of) if agent_of else f.UserFactory()
    group = Group.objects.create(name="Redaktion")
    group.permissions.add(*f.make_team().permissions.all())
    for right in ("add", "change", "publish"):
        GroupPagePermission.objects.create(group=group, page=tree.home, permission_type=right)
    user.groups.add(group)
    return user


def listing(client, page, **query):
    return client.get(reverse("wagtailforms:list_submissions", args=[page.pk]), query)


def test_editor_with_rights_in_the_queue_reads_the_tickets(client, tree, page):
    p.sent(client, page, q_room="4711")
    client.force_login(editor(tree, agent_of=page.queue))
    html = listing(client, page).content.decode()
    assert "4711" in html
    assert Ticket.objects.get().number in html


def test_editor_without_rights_sees_no_contents(client, tree, page):
    p.sent(client, page, q_room="4711")
    client.force_login(editor(tree))
    html = listing(client, page).content.decode()
    assert "4711" not in html
    assert Ticket.objects.get().number not in html


def test_agent_without_page_rights_does_not_get_the_list(client, page):
    client.force_login(f.make_agent(page.queue))
    response = listing(client, page)
    assert response.status_code in (302, 403)


@pytest.mark.parametrize(("is_agent", "rows"), [(True, 2), (False, 1)])
def test_export_holds_what_the_list_shows(client, tree, page, is_agent, rows):
    p.sent(client, page, q_room="4711")
    client.force_login(editor(tree, agent_of=page.queue if is_agent else None))
    response = listing(client, page, export="csv")
    lines = b"".join(response.streaming_content).decode().splitlines()
    assert len(lines) == rows
    assert lines[0].endswith("Raum")


def test_answers_of_an_older_form_are_found_by_key(client, tree, page):
    p.sent(client, page, q_room="4711")
    page.fields[0].value["label"] = "Zimmer"
    page.save_revision().publish()
    client.force_login(editor(tree, agent_of=page.queue))
    html = listing(client, page).content.decode()
    assert "Zimmer" in html
    assert "4711" in html


def test_delete_address_of_submissions_deletes_no_ticket(client, tree, page):
    p.sent(client, page)
    client.force_login(editor(tree, agent_of=page.queue))
    url = reverse("wagtailforms:delete_submissions", args=[page.pk])
    ids = [str(pk) for pk in Ticket.objects.values_list("pk", flat=True)]
    client.post(f"{url}?selected-submissions={'&selected-submissions='.join(ids)}")
    assert Ticket.objects.count() == 1


def test_forms_are_listed_for_their_editors(client, tree, page):
    client.force_login(editor(tree))
    assert page.title in client.get(reverse("wagtailforms:index")).content.decode()


def test_list_uses_a_constant_number_of_queries(client, tree, page, django_assert_max_num_queries):
    for number in range(2):
        p.sent(client, page, q_room=str(number))
    visitor = editor(tree, agent_of=page.queue)
    client.force_login(visitor)
    listing(client, page)
    with CaptureQueriesContext(connection) as queries:
        listing(client, page)
    few = len(queries)
    client.logout()
    for number in range(10):
        p.sent(client, page, q_room=str(number))
    client.force_login(visitor)
    listing(client, page)
    with django_assert_max_num_queries(few):
        listing(client, page)


# --- across versions and languages, by field -----------------------------------------------------

WIDE = [
    p.question("text", "room", "Raum"),
    p.question("number", "count", "Anzahl"),
    p.question("date", "day", "Seit wann"),
    p.question("choice", "kind", "Art", choices={"paper": "Papier", "toner": "Toner"}),
    p.question("choices", "floors", "Stockwerke", choices={"one": "Erster", "two": "Zweiter"}),
    p.question("yes_no", "urgent", "Eilt es?"),
]
FIRST = {
    "q_room": "West 1",
    "q_count": "2,5",
    "q_day": "2026-11-20",
    "q_kind": "toner",
    "q_floors": ["one", "two"],
    "q_urgent": "yes",
}
SECOND = {"q_room": "Ost 2", "q_count": "-7", "q_day": "2026-12-01", "q_kind": "paper"}


@pytest.fixture
def wide(client, tree):
    page = p.make_form(tree.services, WIDE)
    p.sent(client, page, **FIRST)
    p.sent(client, page, **SECOND)
    client.force_login(editor(tree, agent_of=page.queue))
    return page


def rooms(response):
    """Return which of the two tickets a list shows."""
    html = response.content.decode()
    return {word for word in ("West 1", "Ost 2") if f">{word}" in " ".join(html.split()).replace("> ", ">")}  # fmt: skip


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, {"West 1", "Ost 2"}),
        ({"answer_room": "WEST"}, {"West 1"}),
        ({"answer_room": "nirgends"}, set()),
        ({"answer_count_min": "2.5"}, {"West 1"}),
        ({"answer_count_max": "-1"}, {"Ost 2"}),
        ({"answer_count_min": "-10", "answer_count_max": "10"}, {"West 1", "Ost 2"}),
        ({"answer_day_from": "2026-11-21"}, {"Ost 2"}),
        ({"answer_day_from": "2026-11-20", "answer_day_to": "2026-11-20"}, {"West 1"}),
        ({"answer_kind": "toner"}, {"West 1"}),
        ({"answer_kind": ["toner", "paper"]}, {"West 1", "Ost 2"}),
        ({"answer_floors": "two"}, {"West 1"}),
        ({"answer_urgent": "yes"}, {"West 1"}),
        ({"answer_urgent": "no"}, set()),
        ({"answer_kind": "toner", "answer_room": "ost"}, set()),
    ],
)
def test_list_is_filtered_by_the_answers(client, wide, query, found):
    assert rooms(listing(client, wide, **query)) == found


def test_field_that_is_gone_keeps_its_column_and_filter(client, tree, page):
    p.sent(client, page, q_room="4711")
    page.fields = [("long_text", {"label": "Neu", "key": "new"})]
    page.save_revision().publish()
    client.force_login(editor(tree, agent_of=page.queue))
    html = listing(client, page).content.decode()
    assert "Raum (wird nicht mehr gefragt)" in html or "Raum (no longer asked)" in html
    assert "4711" in html
    assert html.index("Neu") < html.index("Raum (")
    assert "4711" not in listing(client, page, answer_room="4712").content.decode()
    assert exported(client, page)[0][3:] in (
        ["Neu", "Raum (no longer asked)"],
        ["Neu", "Raum (wird nicht mehr gefragt)"],
    )


def test_tickets_of_all_languages_share_the_columns(client, tree, page):
    english = page.copy_for_translation(tree.english.locale, copy_parents=True)
    english.fields[0].value["label"] = "Room"
    english.save_revision().publish()
    p.sent(client, page, q_room="4711")
    p.sent(client, type(page).objects.get(pk=english.pk), q_room="0815")
    client.force_login(editor(tree, agent_of=page.queue))
    response = listing(client, page, answer_room="0815", export="csv")
    lines = b"".join(response.streaming_content).decode().splitlines()
    assert lines[0].endswith(",Raum")
    assert [line.rsplit(",", 1)[1] for line in lines[1:]] == ["0815"]


def test_what_was_chosen_in_another_language_reads_in_that_of_the_list(client, tree, wide):
    english = wide.copy_for_translation(tree.english.locale, copy_parents=True)
    for child in english.fields:
        child.value["label"] = f"English {child.value['label']}"
        for item in child.block.choices_of(child.value) and child.value["choices"]:
            item["label"] = f"English {item['label']}"
    english.save_revision().publish()
    client.logout()
    response = p.sent(client, type(wide).objects.get(pk=english.pk), **FIRST | {"q_count": "1"})
    assert response.status_code == 302, response.context["form"].errors
    assert Ticket.objects.latest("pk").answers[3]["shown"] == "English Toner"
    client.force_login(f.UserFactory(is_superuser=True))
    for one, toner in ((wide, "Toner"), (english, "English Toner")):
        response = listing(client, one, export="csv", answer_count_max="2")
        lines = b"".join(response.streaming_content).decode().splitlines()
        cells = next(line for line in lines[1:] if "West 1" in line)
        assert f",{toner}," in cells


def test_columns_can_be_ordered(client, wide):
    first, last = (
        Ticket.objects.order_by(way).values_list("number", flat=True)[0] for way in ("pk", "-pk")
    )
    for key in ("created_at", "number"):
        html = listing(client, wide, ordering=key).content.decode()
        assert html.index(first) < html.index(last)
        html = listing(client, wide, ordering=f"-{key}").content.decode()
        assert html.index(last) < html.index(first)
    assert listing(client, wide, ordering="answers").status_code == 200


def test_tests_are_left_out_unless_they_are_asked_for(client, wide):
    number = Ticket.objects.latest("pk").number
    Ticket.objects.filter(number=number).update(is_test=True)
    assert rooms(listing(client, wide)) == {"West 1"}
    assert rooms(listing(client, wide, tests="with")) == {"West 1", "Ost 2"}
    assert rooms(listing(client, wide, tests="only")) == {"Ost 2"}
    assert rooms(listing(client, wide, tests="anything")) == {"West 1"}


def test_confidential_answers_are_neither_shown_nor_filtered(client, wide):
    queue = wide.queue
    queue.is_confidential = True
    queue.save()
    response = listing(client, wide)
    html = response.content.decode()
    assert rooms(response) == set()
    assert "answer_room" not in html
    assert Ticket.objects.latest("pk").number in html


def test_filters_do_not_look_into_confidential_tickets(client, tree, wide):
    confidential = f.QueueFactory(is_confidential=True)
    user = f.make_agent(wide.queue, confidential)
    for group in Group.objects.filter(name="Redaktion"):
        user.groups.add(group)
    Ticket.objects.filter(pk=Ticket.objects.latest("pk").pk).update(queue=confidential)
    client.force_login(user)
    number = Ticket.objects.latest("pk").number
    assert number in listing(client, wide).content.decode()
    assert number not in listing(client, wide, answer_kind="paper").content.decode()


def test_export_has_no_formula():
    from helpdesk.pages.submissions import _harmless

    assert _harmless('=HYPERLINK("x")') == '\'=HYPERLINK("x")'
    assert _harmless("@SUM(A1)").startswith("'")
    assert _harmless("-1+cmd|' /C calc'!A0").startswith("'")
    assert _harmless("+49 211 81-1") == "+49 211 81-1"
    assert _harmless("-7,5") == "-7,5"


def test_export_and_filters_use_a_constant_number_of_queries(client, wide):
    def queries():
        with CaptureQueriesContext(connection) as found:
            response = listing(client, wide, answer_room="t", export="csv")
            lines = b"".join(response.streaming_content).decode().splitlines()
        return len(found), len(lines)

    queries()
    few = queries()
    ticket = Ticket.objects.latest("pk")
    rows = list(ticket.answer_rows.all())
    for number in range(198):
        ticket.pk, ticket.number, ticket.submission_key = None, f"2026{number:04}", None
        ticket.save(force_insert=True)
        for row in rows:
            row.pk, row.ticket = None, ticket
            row.save(force_insert=True)
    assert queries() == (few[0], few[1] + 198)


# --- lists of rows -----------------------------------------------------------------------------------

PEOPLE = {
    "type": "group",
    "value": {
        "label": "Personen",
        "key": "people",
        "row_name": "Person",
        "columns": [
            p.question("text", "first", "Vorname"),
            p.question("email", "mail", "E-Mail"),
        ],
    },
}


@pytest.fixture
def listed(client, tree):
    """A form with a list of rows; its one ticket has two."""
    page = p.make_form(tree.services, [PEOPLE, p.question("text", "room", "Raum")])
    response = p.sent(
        client,
        page,
        **{
            "q_people-TOTAL": "2",
            "q_people-0-first": "Ada",
            "q_people-0-mail": "ada@mail.example",
            "q_people-1-first": "Bo",
            "q_people-1-mail": "bo@mail.example",
        },
    )
    assert response.status_code == 302, response.context["form"].errors
    client.force_login(editor(tree, agent_of=page.queue))
    return page


def exported(client, page, **query):
    response = listing(client, page, export="csv", **query)
    text = b"".join(response.streaming_content).decode()
    return list(csv.reader(text.splitlines(keepends=True)))


def test_list_of_rows_is_one_cell_or_a_line_each(client, listed):
    number = Ticket.objects.get().number
    head, line = exported(client, listed)
    assert head[3:] == ["Personen", "Raum"]
    assert len(line[3].splitlines()) == 2
    head, *lines = exported(client, listed, rows="people")
    assert head[3:] == ["Personen: Vorname", "Personen: E-Mail"]
    assert [line[0] for line in lines] == [number, number]
    assert [line[3:] for line in lines] == [["Ada", "ada@mail.example"], ["Bo", "bo@mail.example"]]
    assert len(exported(client, listed, rows="nothing")) == 2
    html = listing(client, listed).content.decode()
    assert "rows=people" in html


def test_fields_in_rows_are_filtered(client, listed):
    number = Ticket.objects.get().number
    assert number in listing(client, listed, answer_people__first="bo").content.decode()
    assert number not in listing(client, listed, answer_people__first="cy").content.decode()
    assert set(Ticket.objects.get().answer_rows.values_list("key", "row", "text")) >= {
        ("people.first", 0, "ada"),
        ("people.mail", 1, "bo@mail.example"),
    }


def test_rows_of_confidential_tickets_stay_closed(client, listed):
    listed.queue.is_confidential = True
    listed.queue.save()
    for query in ({}, {"rows": "people"}):
        lines = exported(client, listed, **query)
        assert "Ada" not in str(lines)
        assert len(lines) == 2


def test_archived_requests_stay_in_the_list(client, tree, page):
    p.sent(client, page, q_room="4711")
    closed = f.state(StateType.CLOSED)
    Ticket.objects.update(state=closed, closed_at=timezone.now(), archived_at=timezone.now())
    client.force_login(editor(tree, agent_of=page.queue))
    assert Ticket.objects.get().number in listing(client, page).content.decode()


def test_a_download_is_written_down_for_the_department_of_the_form(admin_client, page):
    answer = listing(admin_client, page, export="csv")
    assert answer.status_code == 200
    b"".join(answer.streaming_content)
    row = AuditEntry.objects.get(kind=AuditKind.EXPORTED)
    assert (row.queue_id, row.data["what"]) == (page.queue.pk, "submissions")
