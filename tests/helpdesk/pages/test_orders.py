"""The page on which a queue is ordered."""

from __future__ import annotations

import json

import pytest
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.utils import timezone

from helpdesk import actions, persons
from helpdesk.errors import AddressTaken
from helpdesk.models import OrderSettings, QueueOrder, Ticket
from helpdesk.pages.orders import OrderFieldsBlock
from portal.models import NameFrom, QueueOrderPage
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


@pytest.mark.parametrize(
    ("changes", "place"),
    [({"q_name": " prüfungsamt "}, "q_name"), ({"q_name": "", "q_addr": "exams@desk.example"}, "q_name")],
)  # fmt: skip
def test_a_name_that_is_taken_is_told_to_whoever_orders(client, page, changes, place):
    for name in ("Prüfungsamt", "Exams"):
        f.QueueFactory(name=name)
    answer = order(client, page, **changes)
    assert answer.status_code == 200
    assert list(answer.context["form"].errors) == [place]
    assert "Namen gibt es schon" in answer.content.decode()
    assert not QueueOrder.objects.exists()
    assert order(client, page, **{**changes, "q_name": "Ein anderer"}).status_code == 302


def test_of_the_names_of_confidential_queues_strangers_learn_nothing(client, page):
    above = f.QueueFactory(is_confidential=True)
    f.QueueFactory(name="Prüfungsamt", parent=above)
    assert order(client, page).status_code == 302


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
    f.CustomerAddressFactory(
        address="pruefung@desk.example",
        customer__name="Petra Privat",
        verified_at=timezone.now(),
    )
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


@pytest.mark.parametrize("login", ["Unikennung", "Anmeldename", "User name"])
def test_people_can_be_pasted_from_a_table(client, page, login):
    table = f"Vorname;Nachname;E-Mail;{login}\nAda;Byron;ada@uni.example;adbyr100\nBen;Berg;ben@uni.example;beber101"
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


def check(client, page, *people, **changes):
    """Ask for the errors of a step, as the script does."""
    data = {"contact_name": "x", "contact_email": "x@mail.example", "check_step": "1", **changes}
    sent = {name: text for name, text in rows(*people).items() if text is not None}
    return client.post(page.url, {**data, **sent})


CALLS: list[str] = []


def counted(text):
    CALLS.append(text)
    return []


def test_a_step_asks_no_directory_and_neither_does_who_signed_up_alone(client, page, settings):
    settings.HELPDESK = {**settings.HELPDESK, "PERSONS": f"{__name__}.counted"}
    CALLS.clear()
    client.force_login(f.UserFactory(name_from=NameFrom.DOOR))
    assert "q_team" not in check(client, page, ADA, q_addr="a@desk.example").json()["errors"]
    assert CALLS == []
    client.force_login(f.UserFactory(name_from=NameFrom.SELF))
    assert order(client, page).status_code == 302
    assert CALLS == []
    client.force_login(f.UserFactory(name_from=NameFrom.DOOR))
    assert order(client, page, q_addr="other@desk.example").status_code == 200
    assert CALLS == ["adbyr100", "beber101"]


def test_nobody_tries_addresses_without_end(client, page, settings):
    settings.HELPDESK = {**settings.HELPDESK, "CHECKS_PER_IP": 3}
    cache.clear()
    f.UserFactory(email="chef@desk.example")
    for _time in range(2):
        assert "q_addr" in check(client, page, q_addr="chef@desk.example").json()["errors"]
    answer = order(client, page, q_addr="chef@desk.example")
    assert set(answer.context["form"].errors) == {"q_addr"}
    answer = check(client, page, q_addr="chef@desk.example")
    assert (answer.status_code, answer.json()) == (429, {"errors": {}})
    assert int(answer["Retry-After"]) > 0
    answer = order(client, page, {**BEN, "login_name": "b ?"}, q_addr="chef@desk.example")
    html = answer.content.decode()
    assert answer.status_code == 429
    assert set(answer.context["form"].errors) == {"__all__"}
    for text in ("chef@desk.example", "Prüfungsamt", "ben@uni.example", "b ?"):
        assert f'value="{text}"' in html
    assert order(client, page, q_addr="free@desk.example").status_code == 429
    # a button of the list looks at nothing
    data = {"q_addr": "chef@desk.example", "q_team-add": "1"}
    assert client.post(page.url, data).status_code == 200
    assert not Ticket.objects.exists()


@pytest.mark.parametrize("verified_at", [None, timezone.now()])
def test_a_mailbox_orders_itself(client, page, verified_at):
    f.CustomerAddressFactory(address="pruefung@desk.example", verified_at=verified_at)
    answer = order(client, page, contact_email="pruefung@desk.example")
    assert answer.status_code == 302, answer.context["form"].errors
    assert QueueOrder.objects.get().address == "pruefung@desk.example"


def test_who_is_not_signed_in_orders_no_address_of_an_account(client, page):
    owner = f.UserFactory(email="owner@mail.example")
    actions.verify_address(user=owner, address="pruefung@desk.example")
    answer = order(client, page, contact_email="pruefung@desk.example")
    assert set(answer.context["form"].errors) == {"q_addr"}
    client.force_login(owner)
    assert order(client, page).status_code == 302


def test_taken_in_the_same_moment_is_said_at_the_field(client, page, monkeypatch):
    def late(**_given):
        raise AddressTaken("Schon vergeben.")

    monkeypatch.setattr(actions, "place_order", late)
    answer = order(client, page)
    assert answer.context["form"].errors == {"q_addr": ["Schon vergeben."]}
    assert not Ticket.objects.exists()


WHEN = {"field": "ok", "op": "is", "value": True}


@pytest.mark.parametrize("place", ["own", "agents", "section", "step", "before"])
def test_no_condition_hides_the_address_or_the_agents(place):
    block = OrderFieldsBlock()
    address, *between, agents = FIELDS
    fields = [question("yes_no", "ok", "Ja?"), address, *between, agents]
    if place in ("own", "agents"):
        at = {"own": 1, "agents": -1}[place]
        fields[at] = {**fields[at], "value": {**fields[at]["value"], "condition": WHEN}}
    else:
        kind = "step" if place == "step" else "section"
        name = "title" if kind == "step" else "heading"
        part = {"type": kind, "value": {name: "Teil", "text": "", "condition": WHEN}}
        fields.insert(1, part)
        if place == "before":  # it ends before the address begins
            fields.insert(2, question("text", "more", "Mehr"))
            fields.insert(3, {"type": "section", "value": {name: "Rest", "text": ""}})
            block.clean(block.to_python(fields))
            return
    with pytest.raises(ValidationError) as error:
        block.clean(block.to_python(fields))
    at = len(fields) - 1 if place == "agents" else 1
    assert list(error.value.block_errors) == [at]
    assert "condition" in error.value.block_errors[at].block_errors
    # what is not asked always may depend on something
    fields = [question("yes_no", "ok", "Ja?"), *FIELDS]
    fields[2] = {**fields[2], "value": {**fields[2]["value"], "condition": WHEN}}
    block.clean(block.to_python(fields))


def test_the_editor_needs_address_and_agents_with_their_columns():
    block = OrderFieldsBlock()
    block.clean(block.to_python(FIELDS))
    for missing in (FIELDS[:-1], FIELDS[1:]):
        with pytest.raises(ValidationError):
            block.clean(block.to_python(missing))
    fewer = question("agents", "team", "Team", columns=COLUMNS[:3])
    with pytest.raises(ValidationError):
        block.clean(block.to_python([FIELDS[0], fewer]))
