from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone, translation

from helpdesk import actions, permissions, storage
from helpdesk.actions import Draft, Upload
from helpdesk.customers import access
from helpdesk.models import Attachment, Channel, EventKind, Sender, Ticket, TicketLink
from helpdesk.states import StateType
from tests import factories as f

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def english():
    with translation.override("en"):
        yield


@pytest.fixture
def owner(client):
    user = f.UserFactory(first_name="Ada", last_name="Byron")
    client.force_login(user)
    return user


@pytest.fixture
def ticket(owner):
    return f.make_ticket(customer=actions.customer_for_user(owner), contact="a@mail.example")


@pytest.fixture(params=["number", "link"])
def door(request, client, owner, ticket):
    """Both ways to the same request; the link works without a log-in."""
    actor = permissions.customer(ticket.customer)
    doors = {
        "number": lambda: access.Door(actor, ticket),
        "link": lambda: client.logout() or access.by_link(access.status_token(ticket)),
    }
    return doors[request.param]()


def key_in(page: str) -> str:
    return re.search(r'name="key" value="([^"]+)"', page)[1]


def agent_of(ticket: Ticket) -> permissions.Actor:
    return permissions.agent(f.make_agent(ticket.queue, first_name="Grace", last_name="Hopper"))


def answer(ticket: Ticket, body: str, **options) -> None:
    # without an address no mail goes out: what the customer reads is on the site
    Ticket.objects.filter(pk=ticket.pk).update(contact="")
    ticket.refresh_from_db()
    draft = Draft(body=body, channel=Channel.EMAIL, **options.pop("draft", {}))
    actions.answer(actor=agent_of(ticket), ticket=ticket, draft=draft, **options)


def set_state(ticket: Ticket, type_: StateType, **options) -> None:
    actions.change_state(actor=agent_of(ticket), ticket=ticket, state=f.state(type_), **options)


def test_thread_shows_visible_articles_only(client, door, ticket):
    answer(ticket, "Try it again\n\n> It prints nothing.")
    note = Draft(body="he is tiresome", channel=Channel.NOTE, files=(Upload("secret.txt", b"x"),))
    actions.add_note(actor=agent_of(ticket), ticket=ticket, draft=note)
    page = client.get(door.url()).text
    assert "It prints nothing." in page
    assert "Try it again" in page
    assert "Grace Hopper" in page
    assert "tiresome" not in page
    assert "secret.txt" not in page


def test_what_people_write_is_text(client, door, ticket):
    answer(ticket, "<script>alert(1)</script> https://help.example/x")
    page = client.get(door.url()).text
    assert "<script>alert" not in page
    assert 'href="https://help.example/x"' in page


def test_answers_are_a_definition_list(client, owner):
    inner = {"key": "b", "label": "Seat", "type": "text", "value": "7", "shown": "seven"}
    answers = (
        {"key": "a", "label": "Room", "type": "text", "value": "C7", "shown": "C 7"},
        {
            "key": "c",
            "label": "Seats",
            "type": "group",
            "value": [],
            "shown": "",
            "rows": [[inner]],
        },
    )
    ticket = f.make_ticket(
        customer=actions.customer_for_user(owner), origin=actions.Origin(answers=answers)
    )
    page = client.get(reverse("helpdesk_customers:detail", args=[ticket.number])).text
    assert "<dt>Room</dt>" in page
    assert "C 7</dd>" in page
    assert "<dt>Seat</dt>" in page
    assert "seven</dd>" in page


def test_reply_is_filed_with_its_files_once(client, door, ticket):
    data = {"body": "It works\r\nagain", "key": key_in(client.get(door.url()).text)}
    for _twice in range(2):
        files = [
            SimpleUploadedFile("evil.pdf", b"just words"),
            SimpleUploadedFile("b.x", b"%PDF-1.4"),
        ]
        response = client.post(door.url("reply"), {**data, "attachments": files}, follow=True)
        assert response.redirect_chain == [(door.url(), 302)]
        assert "Your message has been received." in response.text
    article = ticket.articles.last()
    assert ticket.articles.count() == 2
    assert (article.body, article.sender) == ("It works\nagain", Sender.CUSTOMER)
    assert (article.visible, article.verified, article.customer) == (True, True, ticket.customer)
    types = list(article.attachments.values_list("content_type", flat=True))
    assert types == ["text/plain", "application/pdf"]


def test_reply_without_words_needs_a_file(client, door, ticket):
    key = key_in(client.get(door.url()).text)
    response = client.post(door.url("reply"), {"body": "  ", "key": key})
    assert response.status_code == 422
    assert "Write something or choose a file." in response.text
    assert key_in(response.text) == key
    data = {"body": "", "key": key, "attachments": SimpleUploadedFile("a.txt", b"x")}
    assert client.post(door.url("reply"), data).status_code == 302
    assert ticket.articles.count() == 2


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ([b"x"] * 3, "At most 2 files"),
        ([b"x" * 11], "too large"),
        ([b""], "empty"),
    ],
)
def test_reply_over_a_limit_keeps_the_words(client, settings, door, ticket, files, words):
    settings.HELPDESK = {**settings.HELPDESK, "UPLOAD_MAX_FILES": 2, "UPLOAD_MAX_BYTES": 10}
    uploads = [SimpleUploadedFile("a.txt", content) for content in files]
    data = {"body": "my <words>", "key": "0" * 32, "attachments": uploads}
    response = client.post(door.url("reply"), data)
    assert response.status_code == 422
    assert words in response.text
    assert "my &lt;words&gt;" in response.text
    assert ticket.articles.count() == 1


@pytest.mark.parametrize("key", ["", "x", "\x00", "1" * 999])
def test_reply_with_a_bad_key_is_refused(client, door, ticket, key):
    response = client.post(door.url("reply"), {"body": "words", "key": key})
    assert response.status_code == 422
    assert "words" in response.text
    assert ticket.articles.count() == 1


def test_key_of_one_request_is_free_in_another(client, owner, ticket):
    other = f.make_ticket(customer=ticket.customer, contact=ticket.contact)
    for one in (ticket, other):
        url = reverse("helpdesk_customers:reply", args=[one.number])
        client.post(url, {"body": "words", "key": "0" * 32})
        assert one.articles.count() == 2


def test_reply_opens_a_closed_request(client, door, ticket):
    set_state(ticket, StateType.CLOSED)
    assert "Your message opens it again." in client.get(door.url()).text
    client.post(door.url("reply"), {"body": "No", "key": "0" * 32})
    ticket.refresh_from_db()
    assert ticket.state.type == StateType.OPEN


def test_reply_becomes_a_new_request_once_where_the_queue_says_so(client, door, ticket):
    ticket.queue.follow_up = "new"
    ticket.queue.save()
    set_state(ticket, StateType.CLOSED)
    assert "Your message becomes a new one" in client.get(door.url()).text
    for _twice in range(2):
        response = client.post(door.url("reply"), {"body": "Next", "key": "0" * 32}, follow=True)
        link = TicketLink.objects.get(target=ticket)
        assert link.source.number in response.text
        assert "Next" in response.text
        assert response.redirect_chain[-1][0] == door.url(ticket=link.source)


def test_reply_is_refused_where_the_queue_says_so(client, door, ticket):
    ticket.queue.follow_up = "refuse"
    ticket.queue.save()
    set_state(ticket, StateType.CLOSED)
    page = client.get(door.url()).text
    assert "Please write a new one." in page
    assert "<textarea" not in page
    response = client.post(door.url("reply"), {"body": "But", "key": "0" * 32})
    assert response.status_code == 422
    assert ticket.articles.count() == 1


def test_close_asks_first(client, door, ticket):
    assert "Close this request?" in client.get(door.url("close")).text
    ticket.refresh_from_db()
    assert ticket.state.is_open
    for _twice in range(2):
        response = client.post(door.url("close"), follow=True)
        assert "The request is closed." in response.text
    ticket.refresh_from_db()
    assert ticket.state.type == StateType.CLOSED
    assert client.get(door.url("close")).url == door.url()


def test_objection_needs_a_tick_of_ones_own(client, door, ticket):
    page = client.get(door.url()).text
    assert "checked" not in page
    assert ticket.retention_sentence in page
    response = client.post(door.url("objection"))
    assert response.status_code == 422
    assert "Tick the box" in response.text
    for _twice in range(2):
        response = client.post(door.url("objection"), {"objects": "on"}, follow=True)
        assert "You objected to the longer storage" in response.text
    ticket.refresh_from_db()
    assert ticket.objection_channel == Channel.WEB
    assert ticket.events.filter(kind=EventKind.OBJECTION_CHANGED).count() == 1


@pytest.mark.parametrize(
    ("claimed", "sent"),
    [
        ("text/html", "application/octet-stream"),
        ("image/svg+xml", "application/octet-stream"),
        ("x\r\nSet-Cookie: a=b", "application/octet-stream"),
        ("application/pdf", "application/pdf"),
    ],
)
def test_files_come_as_downloads(client, door, ticket, claimed, sent):
    upload = Upload("Plan – “neu”.html", b"<script>", claimed)
    answer(ticket, "see", draft={"files": (upload,)})
    file = Attachment.objects.get()
    assert door.url("file", pk=file.pk) in client.get(door.url()).text
    response = client.get(door.url("file", pk=file.pk))
    assert b"".join(response) == b"<script>"
    assert response["Content-Type"] == sent
    assert response["Content-Disposition"].startswith("attachment")
    assert response["X-Content-Type-Options"] == "nosniff"


def test_files_of_notes_and_of_other_requests_are_not_there(client, door, ticket):
    files = (Upload("a.txt", b"x"),)
    draft = Draft(body="x", channel=Channel.NOTE, files=files)
    actions.add_note(actor=agent_of(ticket), ticket=ticket, draft=draft)
    other = f.make_ticket()
    actions.receive_message(actor=permissions.SYSTEM, ticket=other, draft=draft)
    for file in Attachment.objects.all():
        assert client.get(door.url("file", pk=file.pk)).status_code == 404


def test_lost_file_is_not_found(client, door, ticket):
    answer(ticket, "see", draft={"files": (Upload("a.txt", b"lost bytes"),)})
    file = Attachment.objects.get()
    storage.delete(file.blob.sha256)
    assert client.get(door.url("file", pk=file.pk)).status_code == 404


def test_archived_request_stays_in_the_list_of_its_customer(client, owner, ticket):
    set_state(ticket, StateType.CLOSED)
    Ticket.objects.filter(pk=ticket.pk).update(archived_at=timezone.now())
    page = client.get(reverse("helpdesk_customers:list")).text
    assert page.index("Closed requests") < page.index(ticket.subject)
    assert "archive" not in page


def test_list_shows_open_ones_first(client, owner, ticket):
    set_state(ticket, StateType.CLOSED)
    f.make_ticket(customer=ticket.customer, contact=ticket.contact, subject="Second")
    foreign = f.make_ticket(subject="Foreign")
    page = client.get(reverse("helpdesk_customers:list")).text
    assert page.index("Open requests") < page.index("Second") < page.index("Closed requests")
    assert page.index("Closed requests") < page.index(ticket.subject)
    assert foreign.subject not in page


def test_the_last_change_is_one_that_the_customer_sees(client, owner, ticket):
    """That a team wrote a note is nobody else's business, nor when."""

    def at(day: int) -> time_machine.travel:
        return time_machine.travel(datetime(2031, 3, day, 9, tzinfo=UTC), tick=False)

    detail = reverse("helpdesk_customers:detail", args=[ticket.number])
    for day, write, code in ((4, actions.answer, True), (9, actions.add_note, False)):
        with at(day):
            draft = Draft(body="Words", channel=Channel.WEB if code else Channel.NOTE)
            write(actor=agent_of(ticket), ticket=ticket, draft=draft)
        for url in (reverse("helpdesk_customers:list"), detail):
            page = client.get(url).text
            assert "2031-03-04" in page
            assert "2031-03-09" not in page


def test_list_finds_within_own_requests(client, owner, ticket):
    f.make_ticket(customer=ticket.customer, contact=ticket.contact, subject="Quokka", body="x")
    f.make_ticket(subject="Quokka of somebody else")
    draft = Draft(body="wombat", channel=Channel.NOTE)
    actions.add_note(actor=agent_of(ticket), ticket=ticket, draft=draft)
    url = reverse("helpdesk_customers:list")
    page = client.get(url, {"q": "quokka"}).text
    assert "1 request found." in page
    assert "somebody else" not in page
    assert "0 requests found." in client.get(url, {"q": "wombat"}).text
    assert "0 requests found." in client.get(url, {"q": '"\x00('}).text


def test_list_without_requests_says_so(client, owner):
    assert "no requests yet" in client.get(reverse("helpdesk_customers:list")).text


@pytest.mark.parametrize("query", ["", "q=printer", "p=2", "p=last", "p=x"])
def test_list_costs_the_same_for_2_and_200(client, owner, django_assert_max_num_queries, query):
    customer = actions.customer_for_user(owner)
    queue = f.QueueFactory()
    client.get(reverse("helpdesk_customers:list"))  # what the frame keeps is read once
    counts = []
    for many in (2, 198):
        for _ in range(many):
            f.make_ticket(queue, customer=customer, contact="a@mail.example")
        with django_assert_max_num_queries(20) as queries:
            response = client.get(reverse("helpdesk_customers:list") + "?" + query)
        assert response.status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_request_costs_the_same_for_2_and_90_messages(client, door, ticket):
    client.get(door.url())
    counts = []
    for many in (1, 88):
        for number in range(many):
            files = (Upload(f"{number}.txt", b"%d" % number),)
            draft = Draft(body=f"message {number}", channel=Channel.WEB, files=files)
            actions.receive_message(actor=permissions.SYSTEM, ticket=ticket, draft=draft)
        with CaptureQueriesContext(connection) as queries:
            page = client.get(door.url()).text
        counts.append(len(queries))
    assert page.count("<article") == 90
    assert counts[0] == counts[1] <= 25


def test_long_thread_has_pages_and_opens_at_its_end(client, door, ticket):
    for number in range(105):
        draft = Draft(body=f"message-{number}.", channel=Channel.WEB)
        actions.receive_message(actor=permissions.SYSTEM, ticket=ticket, draft=draft)
    page = client.get(door.url()).text
    assert "message-104." in page
    assert "message-5." not in page
    assert "message-5." in client.get(door.url() + "?p=1").text


@pytest.mark.parametrize(
    ("type_", "word"),
    [
        (StateType.NEW, "received"),
        (StateType.OPEN, "in progress"),
        (StateType.CLOSED, "Your request is closed."),
    ],
)
def test_states_speak_the_customers_words(client, owner, ticket, type_, word):
    Ticket.objects.filter(pk=ticket.pk).update(state=f.state(type_))
    assert word in client.get(reverse("helpdesk_customers:detail", args=[ticket.number])).text


@pytest.mark.parametrize(
    ("type_", "answered", "word"),
    [
        (StateType.PENDING_REMINDER, True, "Your answer is awaited."),
        (StateType.PENDING_REMINDER, False, "on hold until"),
        (StateType.PENDING_AUTO, True, "Without one the request closes on"),
    ],
)
def test_pending_says_for_whom(client, owner, ticket, type_, answered, word):
    until = timezone.now() + timedelta(days=3)
    Ticket.objects.filter(pk=ticket.pk).update(
        state=f.state(type_),
        pending_until=until,
        waiting_since={True: None, False: timezone.now()}[answered],
    )
    assert word in client.get(reverse("helpdesk_customers:detail", args=[ticket.number])).text


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"%PDF-1.7\n", "application/pdf"),
        (b"\x89PNG\r\n\x1a\n" + b"\x00" * 20, "image/png"),
        ("Grüße".encode(), "text/plain"),
        ("Grüße".encode("latin-1"), "application/octet-stream"),
        (b"a\x00b", "application/octet-stream"),
        (b"<svg onload=alert(1)>", "image/svg+xml"),
        (b"", "text/plain"),
    ],
)
def test_type_of_a_file_is_told_by_its_bytes(content, kind):
    assert storage.content_type_of(content) == kind
