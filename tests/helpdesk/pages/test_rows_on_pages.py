"""Lists of rows on a real page: what visitors send, and where what they sent is read again."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group
from django.urls import reverse
from wagtail.models import GroupPagePermission

from helpdesk import permissions, search
from helpdesk.models import Answer, Ticket
from helpdesk.pages.sending import LONG
from tests import factories as f
from tests import page_factories as pages

pytestmark = pytest.mark.django_db

COLUMNS = [
    pages.question("text", "first", "Vorname", required=True),
    pages.question("email", "mail", "E-Mail", private=True),
]
ROWS = {
    "q_room": None,
    "q_team-rows": "2",
    "q_team-0-first": "Adalgunde",
    "q_team-0-mail": "ada@mail.example",
    "q_team-1-first": "Kim",
}


@pytest.fixture
def page():
    tree = pages.make_site()
    group = pages.question("group", "team", "Gruppe", columns=COLUMNS, row_name="Person")
    return pages.make_form(tree.services, [group])


def test_a_visitor_sends_rows(client, page):
    pages.sent(client, page, **ROWS)
    [ticket] = Ticket.objects.all()
    [answer] = ticket.answers
    assert answer["value"] == [
        {"first": "Adalgunde", "mail": "ada@mail.example"},
        {"first": "Kim", "mail": ""},
    ]
    assert answer["rows"][0][1]["private"] is True
    assert ticket.articles.get().body == (
        "Gruppe:\n1. Vorname: Adalgunde, E-Mail: ada@mail.example\n2. Vorname: Kim"
    )


def test_a_check_of_a_step_tells_which_cell_is_wrong(client, page):
    lists = pages.sent(
        client, page, **{**ROWS, "q_team-1-mail": "kim@@mail"}, check_step="1"
    ).json()["lists"]
    assert lists["q_team"]["general"] == []
    [(cell, [message])] = lists["q_team"]["cells"].items()
    assert cell == "q_team-1-mail"
    assert "E-Mail" in message


def test_a_button_of_the_list_opens_no_ticket(client, page):
    response = pages.sent(client, page, **ROWS, **{"q_team-add": "1", "contact_email": "nonsense"})
    html = response.content.decode()
    assert response.status_code == 200
    assert "Adalgunde" in html
    assert "nonsense" in html
    assert 'id="problems"' not in html
    assert 'name="q_team-2-first"' in html
    assert not Ticket.objects.exists()


@pytest.mark.parametrize(
    "more",
    [
        {"q_team-rows": "1000000"},
        {"q_team-rows": "-5"},
        {"q_team-rows": "2", "q_team-1-first": None, "q_team-1-mail": None},
        {"q_team-7000000-first": "x"},
        {"q_team--1-first": "x"},
        {"q_team-remove": "99999999999999999999"},
        {"q_team-paste": "\0;\"'" * 9000},
    ],
)
def test_nothing_that_is_sent_breaks_the_page(client, page, more):
    assert pages.sent(client, page, **{**ROWS, **more}).status_code in (200, 302)


def test_what_stands_in_rows_is_found(client, page):
    pages.sent(client, page, **ROWS)
    found = search.find_tickets(permissions.SYSTEM, "adalgunde")
    assert list(found) == list(Ticket.objects.all())


def test_submissions_count_rows_and_the_export_has_them_all(client, page):
    pages.sent(client, page, **ROWS)
    user = f.make_agent(page.queue)
    group = Group.objects.create(name="Redaktion")
    for right in ("add", "change", "publish"):
        GroupPagePermission.objects.create(
            group=group, page=page.get_parent(), permission_type=right
        )
    user.groups.add(group)
    client.force_login(user)
    address = reverse("wagtailforms:list_submissions", args=[page.pk])
    html = client.get(address).content.decode()
    assert "2 rows" in html or "2 Zeilen" in html
    assert "Adalgunde" not in html
    exported = b"".join(client.get(address, {"export": "csv"}).streaming_content).decode()
    assert '"1. Vorname: Adalgunde, E-Mail: ada@mail.example\n2. Vorname: Kim"' in exported


def test_several_answers_of_a_cell_are_told_exported_and_found(client):
    extras = pages.question("choices", "extras", "Extras", choices={"bed": "Bett", "dog": "Hund"})
    group = pages.question("group", "team", "Gruppe", columns=[COLUMNS[0], extras])
    page = pages.make_form(pages.make_site().services, [group])
    pages.sent(client, page, **{**ROWS, "q_team-0-mail": None, "q_team-0-extras": ["bed", "dog"]})
    [ticket] = Ticket.objects.all()
    assert ticket.articles.get().body == (
        "Gruppe:\n1. Vorname: Adalgunde, Extras: Bett, Hund\n2. Vorname: Kim"
    )
    found = Answer.objects.filter(ticket=ticket, key="team.extras").order_by("pk")
    assert list(found.values_list("row", "text")) == [(0, "bed"), (0, "dog")]
    client.force_login(f.UserFactory(is_superuser=True))
    address = reverse("wagtailforms:list_submissions", args=[page.pk])
    answer = client.get(address, {"export": "csv", "rows": "team"})
    lines = b"".join(answer.streaming_content).decode().splitlines()
    assert lines[0].endswith("Gruppe: Vorname,Gruppe: Extras")
    assert lines[1].endswith('Adalgunde,"Bett, Hund"')
    html = client.get(reverse("helpdesk_agents:ticket", args=[ticket.pk])).content.decode()
    assert "<td>Bett, Hund</td>" in html


def test_agents_and_customers_read_the_rows(client, page):
    user = f.UserFactory(email="ada@mail.example")
    client.force_login(user)
    pages.sent(client, page, **ROWS)
    [ticket] = Ticket.objects.all()
    own = client.get(reverse("helpdesk_customers:detail", args=[ticket.number]))
    assert "Adalgunde" in own.content.decode()
    client.force_login(f.make_agent(page.queue))
    html = client.get(reverse("helpdesk_agents:ticket", args=[ticket.pk])).content.decode()
    assert '<th scope="col">Vorname</th>' in html
    assert "<td>Adalgunde</td>" in html


def test_long_lists_are_counted_each_time_they_are_shown(client, page, settings):
    settings.HELPDESK = {**settings.HELPDESK, "FORMS_PER_IP": 2}
    long = {f"q_team-{n}-first": "x" for n in range(LONG)} | {
        "q_team-rows": str(LONG),
        "q_room": None,
    }
    grow = {**long, "q_team-add": "1"}
    assert [pages.sent(client, page, **grow).status_code for _n in range(2)] == [200, 200]
    refused = pages.sent(client, page, **grow)
    assert (refused.status_code, int(refused["Retry-After"]) > 0) == (429, True)
    assert "q_team" not in refused.content.decode()
    # short ones go on, and so does sending
    assert pages.sent(client, page, **ROWS, **{"q_team-add": "1"}).status_code == 200
    assert pages.sent(client, page, **long).status_code == 302
