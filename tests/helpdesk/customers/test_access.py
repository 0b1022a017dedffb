"""Who comes through which door, over every address."""

from __future__ import annotations

import pytest
from django.urls import reverse
from django.utils import translation

from helpdesk import actions, permissions
from helpdesk.actions import Draft, Upload
from helpdesk.customers import access
from helpdesk.models import Article, Channel, Right, Ticket
from helpdesk.states import StateType
from tests import factories as f

pytestmark = pytest.mark.django_db

PAGES = [
    "detail",
    "reply",
    "close",
    "objection",
    "withdraw",
    "file",
    "invite",
    "uninvite",
    "share",
    "links",
]
METHODS = ["get", "post"]


@pytest.fixture
def owner():
    """A user with an account and a request with a file."""
    return f.UserFactory()


@pytest.fixture
def ticket(owner):
    ticket = f.make_ticket(customer=actions.customer_for_user(owner), contact="a@mail.example")
    draft = Draft(body="see", channel=Channel.WEB, files=(Upload("plan.pdf", b"%PDF-1"),))
    actions.receive_message(actor=permissions.SYSTEM, ticket=ticket, draft=draft)
    return ticket


def options(ticket: Ticket, page: str) -> dict[str, int]:
    files = {"file": {"pk": ticket.articles.last().attachments.get().pk}}
    return files.get(page, {})


def by_number(ticket: Ticket, page: str) -> str:
    kwargs = {"number": ticket.number, **options(ticket, page)}
    return reverse(f"helpdesk_customers:{page}", kwargs=kwargs)


def by_link(ticket: Ticket, page: str, token: str | None = None) -> str:
    kwargs = {"token": token or access.status_token(ticket), **options(ticket, page)}
    return reverse(f"helpdesk_customers:status_{page}", kwargs=kwargs)


def state_of(ticket: Ticket) -> tuple[object, ...]:
    row = Ticket.objects.get(pk=ticket.pk)
    people = row.participants.count()
    return row.version, row.state_id, row.objected_at, Article.objects.count(), people


POST = {"body": "x", "key": "0" * 32, "objects": "on", "email": "x@mail.example", "share": "on"}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("page", PAGES)
def test_stranger_is_led_to_the_login(client, ticket, page, method):
    before = state_of(ticket)
    response = getattr(client, method)(by_number(ticket, page), POST)
    assert response.status_code == 302
    assert response.url.startswith(reverse("account_login"))
    assert state_of(ticket) == before


def test_stranger_learns_nothing_about_numbers(client, ticket):
    known = client.get(by_number(ticket, "detail"))
    unknown = client.get(reverse("helpdesk_customers:detail", kwargs={"number": "12345"}))
    assert known.status_code == unknown.status_code == 302


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("page", PAGES)
def test_other_customer_finds_nothing(client, ticket, page, method):
    before = state_of(ticket)
    client.force_login(f.UserFactory())
    response = getattr(client, method)(by_number(ticket, page), POST)
    assert response.status_code == 404
    assert state_of(ticket) == before


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("rights", [list(Right.values), [Right.READ]])
def test_agent_is_no_customer(client, ticket, page, method, rights):
    before = state_of(ticket)
    client.force_login(f.make_agent(ticket.queue, rights=rights))
    response = getattr(client, method)(by_number(ticket, page), POST)
    assert response.status_code == 404
    assert ticket.subject not in client.get(reverse("helpdesk_customers:list")).text
    assert state_of(ticket) == before


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("page", PAGES)
def test_superuser_is_no_customer_either(client, ticket, page, method):
    before = state_of(ticket)
    client.force_login(f.UserFactory(is_superuser=True, is_staff=True))
    assert getattr(client, method)(by_number(ticket, page), POST).status_code == 404
    assert state_of(ticket) == before


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("page", PAGES)
def test_withdrawn_link_looks_like_one_that_never_was(client, ticket, page, method):
    url = by_link(ticket, page)
    wrong = by_link(ticket, page, access.status_token(ticket)[:-3] + "aaa")
    Ticket.objects.filter(pk=ticket.pk).update(link_nonce="another")
    before = state_of(ticket)
    responses = [getattr(client, method)(one, POST) for one in (url, wrong)]
    assert [response.status_code for response in responses] == [404, 404]
    assert ticket.subject not in responses[0].text
    assert ticket.number not in responses[0].text
    assert state_of(ticket) == before


@pytest.mark.parametrize("token", ["x", "1.a.b", "1." + "a" * 16 + "." + "a" * 32, "%00", "…"])
def test_any_text_may_stand_in_a_link(client, ticket, token):
    url = reverse("helpdesk_customers:status_detail", kwargs={"token": token})
    assert client.get(url).status_code == 404


def test_link_of_another_ticket_opens_that_one_only(client, ticket):
    other = f.make_ticket(customer=ticket.customer, contact=ticket.contact, subject="Other")
    kwargs = {"token": access.status_token(other), **options(ticket, "file")}
    assert client.get(reverse("helpdesk_customers:status_file", kwargs=kwargs)).status_code == 404
    page = client.get(reverse("helpdesk_customers:status_detail", args=[kwargs["token"]])).text
    assert "Other" in page
    assert ticket.subject not in page
    assert ticket.number not in page


@pytest.mark.parametrize("way", [by_number, by_link])
def test_removed_ticket_is_gone(client, owner, ticket, way):
    client.force_login(owner)
    Ticket.objects.filter(pk=ticket.pk).update(state=f.state(StateType.REMOVED))
    assert client.get(way(ticket, "detail")).status_code == 404


def test_mail_from_an_unverified_address_shows_by_link_only(client, owner):
    customer = actions.customer_for_user(owner)
    address = f.CustomerAddressFactory(customer=customer)
    ticket = f.make_ticket(customer=customer, contact=address.address, channel=Channel.EMAIL)
    url = reverse("helpdesk_customers:detail", kwargs={"number": ticket.number})
    client.force_login(owner)
    assert client.get(url).status_code == 404
    assert ticket.subject not in client.get(reverse("helpdesk_customers:list")).text
    link = reverse("helpdesk_customers:status_detail", args=[access.status_token(ticket)])
    assert client.get(link).status_code == 200
    actions.verify_address(user=owner, address=address.address)
    assert client.get(url).status_code == 200


@pytest.mark.parametrize("way", [by_number, by_link])
@pytest.mark.parametrize("page", PAGES)
def test_pages_stay_private(client, owner, ticket, way, page):
    client.force_login(owner)
    response = client.get(way(ticket, page))
    assert response.status_code in (200, 302)
    assert response["Cache-Control"] == "private, no-store"
    assert response["Referrer-Policy"] == "same-origin"
    assert "noindex" in response["X-Robots-Tag"]


def test_list_is_for_people_logged_in(client, owner, ticket):
    url = reverse("helpdesk_customers:list")
    assert client.get(url).status_code == 302
    client.force_login(owner)
    response = client.get(url)
    assert ticket.subject in response.text
    assert response["Cache-Control"] == "private, no-store"


@pytest.mark.parametrize(("language", "start"), [("de", "/requests/"), ("en", "/en/requests/")])
def test_pages_speak_the_language_of_their_address(client, owner, ticket, language, start):
    client.force_login(owner)
    with translation.override(language):
        urls = [by_number(ticket, "detail"), by_link(ticket, "detail"), by_number(ticket, "close")]
        urls.append(reverse("helpdesk_customers:list"))
    for url in urls:
        assert url.startswith(start)
        assert f'<html lang="{language}">' in client.get(url).text
