"""Requests that were merged, as their customers see them."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse
from django.utils import timezone

from helpdesk import actions, permissions
from helpdesk.actions import Draft, Upload
from helpdesk.customers import access
from helpdesk.models import Channel
from helpdesk.states import StateType
from tests import factories as f

pytestmark = pytest.mark.django_db

SECRET = "Only for the second"


@pytest.fixture
def user(client):
    user = f.UserFactory(first_name="Ada")
    client.force_login(user)
    return user


@pytest.fixture
def queue():
    return f.QueueFactory()


@pytest.fixture
def agent(queue):
    return permissions.agent(f.make_agent(queue))


@pytest.fixture
def own(queue, user):
    person = actions.customer_for_user(user)
    return [
        f.make_ticket(queue, subject=f"Mine {n}", body=f"Words {n}", customer=person, contact="")
        for n in (1, 2)
    ]


@pytest.fixture
def other(queue):
    return f.make_ticket(queue, subject="Secret subject", body=SECRET)


def link(ticket) -> str:
    ticket.refresh_from_db()
    return access.Door(permissions.link_bearer(ticket), ticket, access.status_token(ticket)).url()


def number(ticket) -> str:
    return reverse("helpdesk_customers:detail", kwargs={"number": ticket.number})


def key_in(page: str) -> str:
    return re.search(r'name="key" value="([^"]+)"', page)[1]


def test_number_and_link_of_the_own_source_lead_to_the_target(client, agent, own):
    source, target = own
    before = link(source)
    actions.merge(actor=agent, source=source, target=target)
    for asked, home in ((number(source), number(target)), (before, link(target))):
        response = client.get(asked)
        assert (response.status_code, response["Location"]) == (302, home)
        assert "Words 1" in client.get(home).content.decode()
    listed = client.get(reverse("helpdesk_customers:list")).content.decode()
    assert "Mine 1" in listed
    assert "Mine 2" in listed


def test_a_form_sent_from_the_page_of_the_source_arrives_at_the_target(client, agent, own):
    source, target = own
    key = key_in(client.get(number(source)).content.decode())
    actions.merge(actor=agent, source=source, target=target)
    response = client.post(number(source) + "reply/", {"body": "More", "key": key})
    assert response["Location"] == number(target)
    assert target.articles.get(body="More").visible


def test_files_of_the_source_are_found_by_their_old_address(client, agent, own):
    source, target = own
    file = Upload("a.txt", b"mine")
    draft = Draft(body="See", channel=Channel.WEB, files=(file,))
    article = actions.receive_message(actor=permissions.SYSTEM, ticket=source, draft=draft)
    path = f"{number(source)}files/{article.attachments.get().pk}/"
    actions.merge(actor=agent, source=source, target=target)
    assert b"".join(client.get(path)) == b"mine"


@pytest.mark.parametrize("way", [number, link])
def test_joined_with_another_customers_the_page_tells_that_and_no_more(
    client, agent, own, other, way
):
    source = own[0]
    actions.merge(actor=agent, source=source, target=other, visible=False)
    actions.answer(
        actor=agent, ticket=other, draft=Draft(body="For the other", channel=Channel.WEB)
    )
    response = client.get(way(source))
    page = response.content.decode()
    assert response.status_code == 200
    assert "dealt with together with another one" in page
    assert "Words 1" in page  # the own message
    for secret in (SECRET, "Secret subject", "For the other", other.number, other.contact):
        assert secret not in page


def test_a_reply_from_there_reaches_the_agents_alone(client, agent, own, other):
    source = own[0]
    actions.merge(actor=agent, source=source, target=other, visible=False)
    key = key_in(client.get(number(source)).content.decode())
    response = client.post(number(source) + "reply/", {"body": "Any news?", "key": key})
    assert response["Location"] == number(source)
    article = other.articles.get(body="Any news?")
    assert (article.visible, article.customer) == (False, source.customer)
    page = client.get(number(source)).content.decode()
    assert other.number not in page
    assert "Any news?" not in client.get(link(other)).content.decode()


def test_the_other_customer_never_sees_the_source(client, agent, own, other):
    source = own[0]
    actions.merge(actor=agent, source=source, target=other, visible=False)
    page = client.get(link(other)).content.decode()
    assert SECRET in page
    for secret in ("Words 1", "Mine 1", source.number):
        assert secret not in page


def test_a_request_joined_with_one_that_is_out_of_sight_keeps_its_page(client, agent, own):
    source, target = own
    actions.merge(actor=agent, source=source, target=target)
    root = permissions.agent(f.UserFactory(is_superuser=True))
    target.refresh_from_db()
    actions.change_state(actor=root, ticket=target, state=f.state(StateType.REMOVED))
    assert client.get(number(source)).status_code == 200


def test_an_address_that_is_not_verified_is_somebody_elses(queue, agent, user):
    person = actions.customer_for_user(user)
    mine = f.make_ticket(queue, customer=person, contact="")
    f.CustomerAddressFactory(customer=person, address="maybe@mail.example")
    mailed = f.make_ticket(
        queue, customer=person, contact="maybe@mail.example", channel=Channel.EMAIL
    )
    assert not permissions.share_customer(mailed, mine)
    person.addresses.update(verified_at=timezone.now())
    assert permissions.share_customer(mailed, mine)
