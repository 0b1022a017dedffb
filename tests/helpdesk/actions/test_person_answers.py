"""A person is corrected in forms and orders, with the history saying so; held tickets and free text stay."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from helpdesk import actions, permissions, search
from helpdesk.actions.person_answers import places_of
from helpdesk.actions.person_rows import known_of
from helpdesk.models import Answer, Event, EventKind, Hold, QueueOrder, Ticket, Tombstone
from helpdesk.privacy import found, person_jobs, persons
from helpdesk.states import StateType
from tests import factories as f

pytestmark = pytest.mark.django_db

NAME, MAIL, LOGIN = "Ada Byron", "ada@old.example", "ab1815"


@pytest.fixture
def boss():
    return permissions.agent(f.UserFactory(is_superuser=True))


@pytest.fixture
def ada():
    row = f.CustomerAddressFactory(address=MAIL, verified_at=timezone.now())
    row.customer.name, row.customer.login_name = NAME, LOGIN
    row.customer.save()
    return row.customer


def answer(type_: str, key: str, value: str, **more: Any) -> dict[str, Any]:
    return {"key": key, "label": key.title(), "type": type_, "value": value, "shown": value, **more}


def by_form(customer: Any, *said: dict[str, Any]) -> Ticket:
    lines = "\n\n".join(f"{one['label']}: {one['shown']}" for one in said)
    return f.make_ticket(
        customer=customer,
        subject="Key",
        body=lines,
        origin=actions.Origin(answers=said),
    )


def own(customer: Any) -> Ticket:
    return by_form(
        customer,
        answer("email", "mail", MAIL, private=True),
        answer("login", "login", LOGIN),
        answer("text", "free", f"{NAME}, {MAIL}"),
    )


def correct(boss: Any, ada: Any, **changes: Any) -> None:
    row = ada.addresses.get()
    facts = {"name": NAME, "login_name": LOGIN, "in_answers": True, **changes}
    mail = facts.pop("mail", None)
    actions.correct_person(
        actor=boss, customer=ada, addresses={row.pk: mail} if mail else {}, **facts
    )


@pytest.mark.parametrize("closed", [False, True])
def test_typed_answers_are_corrected_and_the_history_says_so(boss, ada, closed):
    ticket = own(ada)
    if closed:
        actions.change_state(actor=boss, ticket=ticket, state=f.state(StateType.CLOSED))
    ticket.refresh_from_db()
    before = (ticket.changed_at, ticket.erase_at)
    correct(boss, ada, mail="ada@new.example", login_name="al1816", reference="DS-9")
    ticket.refresh_from_db()
    shown = {one["key"]: one["shown"] for one in ticket.answers}
    assert shown == {"mail": "ada@new.example", "login": "al1816", "free": f"{NAME}, {MAIL}"}
    assert (ticket.changed_at, ticket.erase_at) == before  # how long it is kept is another matter
    body = ticket.articles.get().body
    assert body == f"Mail: ada@new.example\n\nLogin: al1816\n\nFree: {NAME}, {MAIL}"
    assert ticket.preview.startswith("Mail: ada@new.example")
    texts = set(Answer.objects.filter(ticket=ticket).values_list("text", flat=True))
    assert {"ada@new.example", "al1816"} <= texts
    assert list(search.find_tickets(boss, "al1816")) == [ticket]
    event = ticket.events.get(kind=EventKind.CUSTOMER_CHANGED)
    assert event.data == {"corrected": True, "order": False, "reference": "DS-9"}
    assert event.user == boss.user
    assert MAIL not in str((event.data, event.content))


def test_what_is_corrected_is_still_personal(boss, ada):
    """The step that takes personal answers out of the message finds them as they read now, and what a subject said."""
    ticket = own(ada)
    Ticket.objects.filter(pk=ticket.pk).update(subject=f"Key: {MAIL}")
    correct(boss, ada, mail="ada@new.example")
    actions.erase_persons(tickets=[ticket.pk], reason=Tombstone.Reason.BY_HAND)
    ticket.refresh_from_db()
    article = ticket.articles.get()
    assert "ada@new.example" not in f"{article.body} {article.extra} {ticket.answers}"
    assert MAIL not in ticket.subject


def test_only_if_it_is_wanted_and_only_what_changed(boss, ada):
    ticket = own(ada)
    correct(boss, ada, mail="ada@new.example", in_answers=False)
    ticket.refresh_from_db()
    assert ticket.answers[0]["shown"] == MAIL
    assert not ticket.events.filter(kind=EventKind.CUSTOMER_CHANGED).exists()
    correct(boss, ada, phone="+49 1")
    assert not Event.objects.filter(kind=EventKind.CUSTOMER_CHANGED).exists()


def test_a_held_ticket_stays_as_it_is(boss, ada):
    ticket = own(ada)
    until = timezone.localdate() + timedelta(days=9)
    Hold.objects.create(ticket=ticket, reason="x", until=until, placed_at=timezone.now())
    ((listed, _places, is_held),) = places_of(known_of(ada).same(), [ada.pk])
    assert (listed, is_held) == (ticket, True)
    correct(boss, ada, login_name="al1816")
    ticket.refresh_from_db()
    assert ticket.answers[1]["shown"] == LOGIN


def test_an_order_of_a_queue_is_corrected_and_has_to_be_looked_at_again(boss, ada):
    ticket = f.make_ticket()
    agents = [
        {"first_name": "Ada", "last_name": "Byron", "email": MAIL, "login_name": LOGIN},
        {"first_name": "Bo", "last_name": "Bee", "email": "", "login_name": "bb1"},
    ]
    order = QueueOrder.objects.create(
        ticket=ticket, address="new@desk.example", name="New", group_name="New", agents=agents
    )
    correct(boss, ada, name="Ada Lovelace", mail="ada@new.example", login_name="al1816")
    order.refresh_from_db()
    assert order.agents == [
        {
            "first_name": "Ada",
            "last_name": "Lovelace",
            "email": "ada@new.example",
            "login_name": "al1816",
        },
        agents[1],
    ]
    assert order.version == 2
    assert ticket.events.get(kind=EventKind.CUSTOMER_CHANGED).data["order"] is True


def test_forms_of_others_keep_an_address_that_may_be_anothers(boss, ada):
    other = f.CustomerAddressFactory(verified=True).customer
    ticket = by_form(other, answer("email", "mail", MAIL), answer("login", "login", LOGIN))
    correct(boss, ada, mail="ada@new.example", login_name="al1816")
    ticket.refresh_from_db()
    assert [one["shown"] for one in ticket.answers] == [MAIL, "al1816"]


def test_afterwards_the_person_is_found_and_erased_without_the_former_values(boss, ada):
    other = f.CustomerAddressFactory(verified=True).customer
    cells = [answer("text", "first_name", "Ada"), answer("text", "last_name", "Byron"), answer("login", "login_name", LOGIN)]  # fmt: skip
    rows = {"key": "people", "label": "People", "type": "group", "rows": [cells], "value": [], "shown": f"1. First_Name: Ada, Last_Name: Byron, Login_Name: {LOGIN}"}  # fmt: skip
    mine, theirs = own(ada), by_form(other, rows)
    correct(boss, ada, name="Ada Lovelace", mail="ada@new.example", login_name="al1816")
    theirs.refresh_from_db()
    assert "Byron" not in str(theirs.answers)
    person = persons.person_of(addresses=["ada@new.example"])
    sections = {one.code: one.count for one in found.everything(boss, person)}
    assert (sections["own"], sections["answers"]) == (1, 1)
    person_jobs.ask(actor=boss, person=person, kind="erase", ground="needless")
    while person_jobs.work():
        pass
    assert not Ticket.objects.filter(pk=mine.pk).exists()
    theirs.refresh_from_db()
    assert not {"Lovelace", "al1816", "Byron", LOGIN} & set(str(theirs.answers).split("'"))


def test_nothing_is_read_for_people_who_stand_nowhere(boss, ada, django_assert_max_num_queries):
    with django_assert_max_num_queries(6):
        assert list(places_of(known_of(ada).same(), [ada.pk])) == []
