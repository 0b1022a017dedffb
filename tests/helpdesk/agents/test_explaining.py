from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse

from helpdesk.models import Right
from tests import factories as f

from .conftest import browser
from .test_refusals import plain

pytestmark = pytest.mark.django_db

EXPLAIN = "helpdesk_agents:explain"


def people(queue):
    return reverse("helpdesk_agents:queue_people", args=[queue.pk])


def test_the_table_names_people_teams_and_superusers(red, admin):
    below = f.QueueFactory(name="Below", parent=red.queue)
    clerk = f.make_agent(below, rights=[Right.NOTE], last_name="Clerk")
    page = red.client.get(people(below)).content.decode()
    assert "Clerk" in page
    assert "in “Red” above" in page
    assert f"follows from “write notes”: team “{clerk.groups.get().name}”, here" in page
    assert page.index("Superusers") < page.rindex("Example")


@pytest.mark.parametrize("right", [Right.MANAGE, Right.ADMINISTER])
def test_it_is_for_who_leads_the_queue(red, blue, right):
    assert (
        browser(f.make_agent(red.queue, rights=[right])).get(people(red.queue)).status_code == 200
    )
    for user in (f.make_agent(red.queue, rights=[Right.OWN]), blue.agent):
        assert browser(user).get(people(red.queue)).status_code == 404
    edit = reverse("helpdesk_queues:edit", args=[red.queue.pk])
    assert people(red.queue) in red.client.get(edit).content.decode()
    assert people(red.queue) in red.client.get(reverse("helpdesk_queues:index")).content.decode()


def test_a_queue_above_is_not_named_to_who_has_no_rights_there(red):
    above = f.QueueFactory(name="Secret above")
    red.queue.parent = above
    red.queue.save()
    f.make_agent(above, rights=[Right.READ])
    page = red.client.get(people(red.queue)).content.decode()
    assert "Secret above" not in page
    assert "in a queue above" in page


def test_200_people_need_as_many_queries_as_2(red, django_assert_max_num_queries):
    red.client.get(people(red.queue))
    with django_assert_max_num_queries(60) as few:
        red.client.get(people(red.queue))
    f.make_team(red.queue).user_set.add(*(f.UserFactory() for _n in range(200)))
    with django_assert_max_num_queries(len(few)):
        red.client.get(people(red.queue))


def ask(client, ticket, who):
    return client.get(reverse(EXPLAIN), {"number": ticket.number, "who": who})


def test_one_agent_and_one_ticket_are_explained(red, blue):
    page = ask(red.client, red.ticket, "red").content.decode()
    assert f"Red Agent may read ticket {red.ticket.number}" in page
    page = ask(red.client, red.ticket, "blue").content.decode()
    assert f"Blue Agent may not read ticket {red.ticket.number}" in page
    assert "No team of theirs has this right here." in page
    assert "There is no account" in ask(red.client, red.ticket, "nobody").content.decode()


def test_foreign_tickets_and_none_at_all_look_the_same(red, blue):
    foreign = ask(red.client, blue.ticket, "blue")
    number = blue.ticket.number
    none = red.client.get(reverse(EXPLAIN), {"number": number[:-1] + "x", "who": "blue"})
    assert (foreign.status_code, none.status_code) == (404, 404)
    assert "Secret" not in foreign.content.decode()
    assert "Blue Agent" not in foreign.content.decode()


def test_it_is_not_for_agents_without_a_queue_of_their_own(red):
    client = browser(f.make_agent(red.queue, rights=[Right.OWN]))
    assert client.get(reverse(EXPLAIN)).status_code == 404
    assert ask(client, red.ticket, "red").status_code == 404


def test_the_ticket_leads_there_for_who_leads_its_queue(red):
    address = reverse("helpdesk_agents:ticket", args=[red.ticket.pk])
    link = f"{reverse(EXPLAIN)}?number={red.ticket.number}"
    assert link in red.client.get(address).content.decode()
    agent = browser(f.make_agent(red.queue, rights=[Right.OWN]))
    assert link not in agent.get(address).content.decode()


def test_a_merged_ticket_says_where_it_went(red):
    other = f.make_ticket(red.queue, contact="")
    red.ticket.merged_into = other
    red.ticket.save()
    assert f"merged into {other.number}" in ask(red.client, red.ticket, "red").content.decode()


def test_who_manages_a_queue_is_told_of_nobody_they_do_not_know(red, blue, admin):
    """Else the names of all accounts could be read from here, and the address of a customer be tried."""
    manager = f.make_agent(red.queue, rights=[Right.MANAGE], username="boss")
    customer = f.UserFactory(email="ada@mail.example", first_name="Ada", last_name="Byron")
    f.UserFactory(email="twin@mail.example")
    f.UserFactory(email="twin@mail.example")
    client = browser(manager)

    def told(who: str) -> str:
        page = plain(ask(client, red.ticket, who).content.decode(), "/")
        return page.replace(f'value="{who}"', 'value="x"')

    for who in ("blue", customer.username, "ada@mail.example", "twin@mail.example"):
        assert told(who) == told("x"), who
    assert "There is no account" in told("blue")
    for who, name in (("red", "Red Agent"), ("boss", str(manager)), ("root", "may read ticket")):
        assert name in ask(client, red.ticket, who).content.decode()
    # who takes accounts into teams, or keeps them, finds them there as well
    assert "Ada Byron" in ask(red.client, red.ticket, "ada@mail.example").content.decode()
    manager.user_permissions.add(Permission.objects.get(codename="change_user"))
    assert "Ada Byron" in ask(browser(manager), red.ticket, "ada@mail.example").content.decode()
