"""The page on which a queue is ordered."""

from __future__ import annotations

import json

import pytest
from django.core.exceptions import ValidationError

from helpdesk import persons
from helpdesk.models import OrderSettings, QueueOrder, Ticket
from helpdesk.pages.orders import OrderFieldsBlock
from portal.models import QueueOrderPage
from tests import factories as f
from tests import page_factories as p
from tests.page_factories import question

pytestmark = pytest.mark.django_db

COLUMNS = [
    question("text", "first_name", "Vorname", required=True),
    question("text", "last_name", "Nachname", required=True),
    question("email", "email", "E-Mail", required=True),
    question("login", "login_name", "Unikennung", required=True),
]
FIELDS = [
    question("queue_address", "addr", "Gewünschte Adresse"),
    question("queue_name", "name", "Name der Queue"),
    question("queue_purpose", "what", "Wofür?"),
    question("queue_department", "dep", "Einrichtung"),
    question("queue_hours", "hours", "Zeiten"),
    question("agents", "team", "Wer bearbeitet die Anfragen?", columns=COLUMNS),
]
ADA = {
    "first_name": "Ada",
    "last_name": "Byron",
    "email": "ada@uni.example",
    "login_name": "adbyr100",
}
BEN = {
    "first_name": "Ben",
    "last_name": "Berg",
    "email": "ben@uni.example",
    "login_name": "beber101",
}


@pytest.fixture
def page():
    tree = p.make_site()
    OrderSettings(domains="desk.example").save()
    page = QueueOrderPage(title="Queue beantragen", queue=f.QueueFactory())
    page.fields = json.dumps(FIELDS)
    tree.services.get_parent().add_child(instance=page)
    page.save_revision().publish()
    return QueueOrderPage.objects.get(pk=page.pk)


def rows(*people):
    data = {
        f"q_team-{at}-{key}": text for at, row in enumerate(people) for key, text in row.items()
    }
    return {"q_room": None, "q_team-rows": str(len(people)), **data}


def order(client, page, *people, **changes):
    data = {"q_addr": "Pruefung@desk.example", "q_name": "Prüfungsamt", "q_what": "Fragen."}
    people = people or (ADA, BEN)
    return p.sent(
        client,
        page,
        **{**data, "q_dep": "Fakultät", "q_hours": "Mo–Fr", **rows(*people), **changes},
    )


def test_an_order_is_a_ticket_with_its_order(client, page):
    answer = order(client, page)
    assert answer.status_code == 302, answer.context["form"].errors
    ticket = Ticket.objects.get()
    found = QueueOrder.objects.get(ticket=ticket)
    assert (found.address, found.name, found.purpose) == (
        "pruefung@desk.example",
        "Prüfungsamt",
        "Fragen.",
    )
    assert (found.department, found.hours) == ("Fakultät", "Mo–Fr")
    assert found.agents == [{**ADA, "check": ""}, {**BEN, "check": ""}]
    assert {entry["type"] for entry in ticket.answers} == {"email", "text", "long_text", "group"}
    assert "adbyr100" in ticket.articles.get().body


def test_sent_twice_it_is_one_order(client, page):
    shown = client.get(page.url)
    key = shown.context["form"]["submission_key"].value()
    first = order(client, page, submission_key=key)
    # its own order is no stranger's
    QueueOrder.objects.update(state="refused")
    again = order(client, page, submission_key=key)
    assert first.status_code == again.status_code == 302
    assert (Ticket.objects.count(), QueueOrder.objects.count()) == (1, 1)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("x@desk.example.evil.org", "gehört"),
        ("x@sub.desk.example", "@desk.example"),
        ("x+y@desk.example", "+"),
        ("müller@desk.example", ""),
        ("postmaster@desk.example", "postmaster"),
        ("nobody", ""),
        ("", ""),
    ],
)
def test_an_address_that_cannot_be_is_refused_at_its_field(client, page, address, words):
    answer = order(client, page, q_addr=address)
    assert answer.status_code == 200
    assert set(answer.context["form"].errors) == {"q_addr"}
    assert not Ticket.objects.exists()
    assert 'value="adbyr100"' in answer.content.decode()


def test_a_taken_address_is_refused_without_saying_whose_it_is(client, page):
    f.CustomerAddressFactory(address="pruefung@desk.example", customer__name="Petra Privat")
    text = order(client, page).content.decode()
    assert "Petra" not in text
    assert not Ticket.objects.exists()


def test_a_malformed_row_is_flagged_at_its_row_and_the_others_stay(client, page):
    bad = {**BEN, "login_name": "b ?"}
    answer = order(client, page, ADA, bad)
    html = answer.content.decode()
    bound = answer.context["form"]["q_team"]
    assert [row.has_errors for row in bound.rows] == [False, True]
    assert [cell.name for cell in bound.rows[1].cells if cell.errors] == ["login_name"]
    for text in ("adbyr100", "ada@uni.example", "ben@uni.example"):
        assert f'value="{text}"' in html
    assert not Ticket.objects.exists()


def test_the_same_person_twice_is_flagged_at_the_second(client, page):
    answer = order(client, page, ADA, {**BEN, "login_name": "ADBYR100"})
    assert [row.has_errors for row in answer.context["form"]["q_team"].rows] == [False, True]


def test_people_can_be_pasted_from_a_table(client, page):
    table = "Vorname;Nachname;E-Mail;Unikennung\nAda;Byron;ada@uni.example;adbyr100\nBen;Berg;ben@uni.example;beber101"
    answer = p.sent(
        client,
        page,
        q_room=None,
        q_addr="amt@desk.example",
        **{"q_team-rows": "0", "q_team-paste": table},
    )
    assert answer.status_code == 302, answer.context["form"].errors
    found = QueueOrder.objects.get()
    assert [row["login_name"] for row in found.agents] == ["adbyr100", "beber101"]
    assert found.name == "amt"


def directory(text):
    return [persons.Person(login_name="adbyr100", name="Ada")] if text == "adbyr100" else []


def test_the_directory_speaks_only_to_who_is_signed_in(client, page, settings):
    settings.HELPDESK = {**settings.HELPDESK, "PERSONS": f"{__name__}.directory"}
    assert order(client, page).status_code == 302
    assert [row["check"] for row in QueueOrder.objects.get().agents] == ["unchecked", "unchecked"]
    user = f.UserFactory(email="me@uni.example")
    client.force_login(user)
    answer = order(client, page, q_addr="other@desk.example")
    assert answer.status_code == 200
    errors = [
        [cell.name for cell in row.cells if cell.errors]
        for row in answer.context["form"]["q_team"].rows
    ]
    assert errors == [[], ["login_name"]]
    assert order(client, page, ADA, q_addr="other@desk.example").status_code == 302
    assert QueueOrder.objects.latest("pk").agents[0]["check"] == "known"


def test_the_editor_needs_address_and_agents_with_their_columns():
    block = OrderFieldsBlock()
    block.clean(block.to_python(FIELDS))
    for missing in (FIELDS[:-1], FIELDS[1:]):
        with pytest.raises(ValidationError):
            block.clean(block.to_python(missing))
    fewer = question("agents", "team", "Team", columns=COLUMNS[:3])
    with pytest.raises(ValidationError):
        block.clean(block.to_python([FIELDS[0], fewer]))
