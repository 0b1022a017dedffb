"""One-time codes: who gets one, what it opens, and what it tells nobody."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth import hashers
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from helpdesk.customers import codes
from helpdesk.models import (
    AuditEntry,
    AuditKind,
    Channel,
    Customer,
    CustomerAddress,
    OutboundMail,
    Participant,
    Proof,
)
from tests import factories as f

pytestmark = pytest.mark.django_db

ASK = "/en/requests/code/"
ENTER = "/en/requests/code/enter/"
LIST = "/en/requests/"


@pytest.fixture
def ticket():
    row = f.CustomerAddressFactory(address="ada@mail.example", verified_at=None)
    return f.make_ticket(
        customer=row.customer,
        contact="ada@mail.example",
        channel=Channel.EMAIL,
        subject="Broken chair",
    )


def ask(client: Client, address: str = "Ada@mail.example", **more):
    return client.post(ASK, {"address": address}, follow=True, **more)


def mailed_code() -> str:
    mail = OutboundMail.objects.latest("pk")
    return "".join(re.search(r"^    (\d{4}) (\d{4})$", mail.body, re.MULTILINE).groups())


def come_in(client: Client, address: str = "Ada@mail.example"):
    ask(client, address)
    return client.post(ENTER, {"code": mailed_code()})


def page_of(ticket) -> str:
    return f"/en/requests/{ticket.number}/"


def test_a_code_opens_the_requests_of_the_address(client, ticket):
    assert client.get(LIST).status_code == 302
    page = ask(client).content.decode()
    assert "If there are requests from Ada@mail.example, a code is on its way." in page
    mail = OutboundMail.objects.get()
    assert (mail.to[0][1], mail.automatic, mail.language) == ("ada@mail.example", True, "en")
    before = client.session.session_key
    response = client.post(ENTER, {"code": f" {mailed_code()[:4]}-{mailed_code()[4:]} "})
    assert response["Location"] == LIST
    assert client.session.session_key != before
    page = client.get(LIST).content.decode()
    assert "Broken chair" in page
    assert "You see the requests of ada@mail.example." in page
    assert client.get(page_of(ticket)).status_code == 200
    data = {"body": "one more thing", "key": "0" * 32}
    assert client.post(page_of(ticket) + "reply/", data).status_code == 302
    assert ticket.articles.latest("pk").body == "one more thing"
    assert client.get(LIST, {"q": "chair"}).status_code == 200


def test_nothing_else_is_opened(client, ticket):
    second = f.CustomerAddressFactory(customer=ticket.customer, address="ada@other.example")
    other = f.make_ticket(
        customer=ticket.customer, contact=second.normalised, channel=Channel.EMAIL
    )
    strange = f.make_ticket(customer=f.CustomerFactory(), contact="bob@mail.example")
    come_in(client)
    assert client.get(page_of(ticket)).status_code == 200
    assert client.get(page_of(other)).status_code == 404
    assert client.get(page_of(strange)).status_code == 404
    assert client.get("/admin/").status_code == 302
    assert client.get("/accounts/email/").status_code == 302


def test_who_takes_part_sees_what_they_were_invited_to(client, ticket):
    Participant.objects.create(
        ticket=ticket, address="eve@mail.example", normalised="eve@mail.example", may_read=True
    )
    come_in(client, "eve@mail.example")
    assert client.get(page_of(ticket)).status_code == 200


def test_the_proof_verifies_the_address_of_a_customer_without_an_account(client, ticket):
    come_in(client)
    row = CustomerAddress.objects.get()
    assert row.verified_at is not None
    assert row.verified_by == Proof.CODE
    entry = AuditEntry.objects.get(kind=AuditKind.ADDRESS_VERIFIED)
    assert entry.data == {"customer": ticket.customer_id, "by": "code"}


def test_who_has_an_account_is_sent_there_and_gets_no_code(client, ticket):
    Customer.objects.filter(pk=ticket.customer_id).update(user=f.UserFactory())
    CustomerAddress.objects.update(verified_at=timezone.now())
    page = ask(client).content.decode()
    assert "If there are requests from" in page
    mail = OutboundMail.objects.get()
    assert "log in" in mail.body
    assert not re.search(r"\d{4} \d{4}", mail.body)


def body(response) -> str:
    text = response.content.decode()
    return re.sub(r"[\w.]+@mail\.example|name=\"csrfmiddlewaretoken\" value=\"\w+\"", "X", text)


def test_the_answer_is_the_same_for_every_address(ticket):
    pages = []
    for address in ("ada@mail.example", "bob@mail.example"):
        client = Client()
        pages.append([body(ask(client, address))])
        for _number in range(5):
            pages[-1].append(body(client.post(ENTER, {"code": "00000000"}, follow=True)))
    assert pages[0] == pages[1]
    assert OutboundMail.objects.count() == 1


def test_so_is_the_work_which_the_worker_does(ticket, monkeypatch, settings):
    settings.TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}}
    hashed = []
    encode = hashers.MD5PasswordHasher.encode
    monkeypatch.setattr(
        hashers.MD5PasswordHasher,
        "encode",
        lambda self, password, salt: hashed.append(1) or encode(self, password, salt),
    )
    counts = []
    for address in ("ada@mail.example", "bob@mail.example"):
        hashed.clear()
        with CaptureQueriesContext(connection) as queries:
            Client().post(ASK, {"address": address})
        counts.append((len(queries), len(hashed)))
    assert counts[0] == counts[1]
    assert counts[0][1] == 1
    assert not OutboundMail.objects.exists()
    rows = DBTaskResult.objects.all()
    assert len(rows) == 2
    assert len({len(str(row.args_kwargs)) for row in rows}) == 1


def test_the_code_is_nowhere_to_be_read(client, ticket):
    ask(client)
    code = mailed_code()
    sessions = [row.get_decoded() for row in Session.objects.all()]
    assert any(codes.PENDING in one for one in sessions)
    assert not any(code in str(one) for one in sessions)


def test_five_wrong_codes_and_the_right_one_holds_no_more(client, ticket):
    ask(client)
    code = mailed_code()
    for _number in range(4):
        assert client.post(ENTER, {"code": "1"}).status_code == 422
    assert client.post(ENTER, {"code": "1"})["Location"] == ASK
    assert client.post(ENTER, {"code": code})["Location"] == ASK
    assert client.get(LIST).status_code == 302


def test_an_old_copy_of_the_session_gives_no_more_tries(client, ticket):
    ask(client)
    start = dict(client.session[codes.PENDING])
    for _number in range(6):
        session = client.session
        session[codes.PENDING] = start
        session.save()
        client.post(ENTER, {"code": "1"})
    session = client.session
    session[codes.PENDING] = start
    session.save()
    client.post(ENTER, {"code": mailed_code()})
    assert client.get(LIST).status_code == 302


def test_a_code_holds_ten_minutes_and_in_its_own_browser(client, ticket):
    ask(client)
    assert Client().post(ENTER, {"code": mailed_code()})["Location"] == ASK
    with time_machine.travel(timezone.now() + timedelta(minutes=11)):
        assert client.post(ENTER, {"code": mailed_code()})["Location"] == ASK


def test_a_code_works_once(client, ticket):
    ask(client)
    code = mailed_code()
    client.post(ENTER, {"code": code})
    client.post("/en/requests/code/leave/")
    assert client.get(LIST).status_code == 302
    assert client.post(ENTER, {"code": code})["Location"] == ASK


def test_a_guest_who_does_nothing_for_half_an_hour_is_out(client, ticket):
    come_in(client)
    now = timezone.now()
    for minutes in (25, 50):
        with time_machine.travel(now + timedelta(minutes=minutes)):
            assert client.get(LIST).status_code == 200
    with time_machine.travel(now + timedelta(minutes=81)):
        assert client.get(LIST).status_code == 302
        assert client.get(page_of(ticket)).status_code == 302


def test_a_guest_who_logs_in_is_no_guest_any_more(client, ticket):
    come_in(client)
    client.force_login(f.UserFactory())
    assert client.get(page_of(ticket)).status_code == 404
    assert codes.GUEST not in client.session
    assert client.get(ASK)["Location"] == LIST


def test_one_address_gets_few_codes_and_one_place_may_ask_for_few(ticket):
    for _number in range(7):
        assert "a code is on its way" in ask(Client()).content.decode()
    assert OutboundMail.objects.count() == 3  # the brake on automatic mail; five without it
    for number in range(13):
        ask(Client(), f"somebody{number}@mail.example")
    last = Client().post(ASK, {"address": "more@mail.example"})
    assert last.status_code == 429
    assert "Please wait an hour" in last.content.decode()
    assert (
        Client().post(ASK, {"address": "x@mail.example"}, REMOTE_ADDR="192.0.2.9").status_code
        == 302
    )


def test_what_is_no_address_is_said(client):
    assert client.post(ASK, {"address": "ada"}).status_code == 422
    assert client.post(ASK, {}).status_code == 422
    assert client.get(ENTER)["Location"] == ASK
    assert client.get("/en/requests/code/leave/").status_code == 405


def test_a_blocked_customer_gets_none(client, ticket):
    Customer.objects.update(is_blocked=True)
    ask(client)
    assert not OutboundMail.objects.exists()


def test_the_mail_is_in_the_language_of_the_page(client, ticket):
    client.post("/requests/code/", {"address": "ada@mail.example"})
    assert OutboundMail.objects.get().language == "de"


def test_pages_lead_there(client, ticket):
    url = reverse("helpdesk_customers:code")
    assert url in client.get("/en/accounts/login/").content.decode()
    assert url in client.get("/en/requests/status/nonsense/").content.decode()


def test_pages_are_kept_out_of_caches(client):
    assert client.get(ASK)["Cache-Control"] == "private, no-store"
