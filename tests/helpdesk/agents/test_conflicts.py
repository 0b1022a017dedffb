"""Somebody was faster: nothing is overwritten silently, and no answer goes out over a colleague's head."""

from __future__ import annotations

import json
from typing import Any

import pytest
from bs4 import BeautifulSoup
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from helpdesk import actions, permissions
from helpdesk.actions import Draft
from helpdesk.agents.forms import CHANGES
from helpdesk.models import (
    Article,
    Channel,
    Customer,
    Event,
    EventKind,
    Priority,
    SavedDraft,
    TicketLink,
    TicketType,
)
from helpdesk.states import StateType
from tests import factories as f

from .pages import fields_of

pytestmark = pytest.mark.django_db


def screen(ticket):
    return reverse("helpdesk_agents:ticket", args=[ticket.pk])


def do(ticket, change):
    return reverse("helpdesk_agents:change", args=[ticket.pk, change])


def form(client: Any, ticket: Any, change: str, page: Any = None) -> dict[str, Any]:
    """Return what a browser sends for a form of the ticket screen."""
    page = page if page is not None else client.get(screen(ticket))
    soup = BeautifulSoup(page.content, "html.parser")
    found = soup.select(f"form[action='{do(ticket, change)}']")[0]
    return {
        name: values[0] if len(values) == 1 else values
        for name, values in fields_of(str(found)).items()
        if values and name != "files"
    }


@pytest.fixture
def fink(red):
    user = f.make_agent(red.queue, first_name="Fink", last_name="Vogel", username="fink")
    return permissions.agent(user)


def note(actor, ticket, text="A note"):
    return actions.add_note(
        actor=actor, ticket=ticket, draft=Draft(body=text, channel=Channel.NOTE)
    )


# --- stop-send -----------------------------------------------------------------------------------


def test_an_overtaken_answer_is_held_back_with_what_is_new_above_the_kept_text(red, fink):
    data = {**form(red.client, red.ticket, "reply"), "body": "My long answer"}
    note(fink, red.ticket, "Do not answer, I have called her.")
    count = Article.objects.count()
    page = red.client.post(do(red.ticket, "reply"), data)
    assert (page.status_code, Article.objects.count()) == (409, count)
    soup = BeautifulSoup(page.content, "html.parser")
    composer = soup.select_one("form[data-mode=reply]")
    assert not composer.has_attr("hidden")
    above = composer.select_one(".hd-meanwhile").get_text()
    assert "Do not answer, I have called her." in above
    assert "Fink Vogel" in above
    assert composer.select_one("textarea").get_text().strip() == "My long answer"
    assert SavedDraft.objects.get().fields["body"] == "My long answer"
    again = form(red.client, red.ticket, "reply", page)
    assert again["idempotency_key"] == data["idempotency_key"]
    assert red.client.post(do(red.ticket, "reply"), again).status_code == 302
    assert Article.objects.latest("pk").body == "My long answer"
    assert not SavedDraft.objects.exists()


@pytest.mark.parametrize("mode", ["reply", "note"])
def test_files_of_a_held_message_are_kept_and_sent(red, fink, mode):
    data = {**form(red.client, red.ticket, mode), "body": "See the plan"}
    note(fink, red.ticket)
    data["files"] = [SimpleUploadedFile("plan.txt", b"first"), SimpleUploadedFile("b.txt", b"2nd")]
    page = red.client.post(do(red.ticket, mode), data)
    assert page.status_code == 409
    again = form(red.client, red.ticket, mode, page)
    assert len(again["drafted"]) == 2
    again["drafted"] = again["drafted"][:1]  # one unticked
    again["files"] = [SimpleUploadedFile("c.txt", b"third")]
    assert red.client.post(do(red.ticket, mode), again).status_code == 302
    sent = Article.objects.latest("pk").attachments.all()
    assert [(one.name, one.blob.read()) for one in sent] == [
        ("plan.txt", b"first"),
        ("c.txt", b"third"),
    ]
    assert not SavedDraft.objects.exists()


def test_a_message_held_twice_keeps_its_files_once(red, fink):
    data = {**form(red.client, red.ticket, "note"), "body": "Plan"}
    data["files"] = [SimpleUploadedFile("plan.txt", b"first")]
    page = None
    for _ in range(2):
        note(fink, red.ticket)
        page = red.client.post(do(red.ticket, "note"), data)
        assert page.status_code == 409
        data = form(red.client, red.ticket, "note", page)
    assert red.client.post(do(red.ticket, "note"), data).status_code == 302
    assert Article.objects.latest("pk").attachments.count() == 1


@pytest.mark.parametrize("how", ["closed", "assigned"])
def test_a_held_answer_says_what_became_of_the_ticket(red, fink, how):
    data = {**form(red.client, red.ticket, "reply"), "body": "Answer"}
    if how == "closed":
        closed = f.state(StateType.CLOSED)
        actions.change_state(actor=fink, ticket=red.ticket, state=closed)
        words = "changed the state"
    else:
        actions.claim(actor=fink, ticket=red.ticket)
        words = "changed the owner"
    page = red.client.post(do(red.ticket, "reply"), data)
    assert page.status_code == 409
    change = BeautifulSoup(page.content, "html.parser").select_one(".hd-meanwhile__change")
    assert words in change.get_text()
    assert "Fink Vogel" in change.get_text()


def test_text_written_on_a_ticket_moved_out_of_sight_is_shown_to_be_copied(red, blue):
    data = {**form(red.client, red.ticket, "reply"), "body": "An hour's <work>"}
    actions.move(actor=permissions.SYSTEM, ticket=red.ticket, queue=blue.queue)
    page = red.client.post(do(red.ticket, "reply"), data)
    assert page.status_code == 404
    soup = BeautifulSoup(page.content, "html.parser")
    assert soup.select_one("textarea").get_text().strip() == "An hour's <work>"
    assert "Blue" not in soup.get_text()


# --- one fact ------------------------------------------------------------------------------------


def faster(fink, red, fact):
    """Let a colleague change a fact to something else than the agent is about to."""
    ticket, who = red.ticket, {"actor": fink, "ticket": red.ticket}
    low = Priority.objects.get(slug="low")
    return {
        "owner": lambda: actions.assign(owner=fink.user, **who),
        "claim": lambda: actions.claim(**who),
        "responsible": lambda: actions.set_responsible(responsible=fink.user, **who),
        "priority": lambda: actions.set_priority(priority=low, **who),
        "state": lambda: actions.change_state(state=f.state(StateType.OPEN), **who),
        "subject": lambda: actions.rename(subject="Fink's subject", **who),
        "customer": lambda: actions.set_customer(
            customer=f.CustomerAddressFactory(address="fink@mail.example").customer, **who
        ),
        "tags": lambda: actions.set_tags(tags=["finks"], **who),
        "type": lambda: actions.set_type(type_=TicketType.objects.first(), **who),
        "queue": lambda: actions.move(
            queue=another_queue(red, "Third", fink.user),
            actor=permissions.agent(type(fink.user).objects.get(pk=fink.user.pk)),
            ticket=ticket,
        ),
        "hand-back": lambda: actions.assign(
            owner=fink.user, actor=permissions.SYSTEM, ticket=ticket
        ),
    }[fact]()


def another_queue(red, name, *others):
    """Make a queue into which the team may move tickets."""
    queue = f.QueueFactory(name=name)
    for user in (red.agent, *others):
        user.groups.add(f.make_team(queue))
    return queue


@pytest.mark.parametrize(
    ("change", "wanted", "now", "mine"),
    [
        ("owner", lambda red: {"owner": red.agent.pk}, "Fink Vogel", "Red Agent"),
        ("claim", lambda red: {}, "Fink Vogel", "Red Agent"),
        ("hand-back", lambda red: {}, "Fink Vogel", "Nobody"),
        ("responsible", lambda red: {"responsible": red.agent.pk}, "Fink Vogel", "Red Agent"),
        (
            "priority",
            lambda red: {"priority": Priority.objects.get(slug="high").pk},
            "low",
            "high",
        ),
        ("state", lambda red: {"state": f.state(StateType.CLOSED).pk}, "open", "solved"),
        ("subject", lambda red: {"subject": "My subject"}, "Fink's subject", "My subject"),
        ("customer", lambda red: {"email": "me@mail.example"}, "fink@mail.example", "me@mail.example"),
        ("tags", lambda red: {"tags": "mine"}, "finks", "mine"),
        ("queue", lambda red: {"queue": another_queue(red, "Fourth").pk}, "Third", "Fourth"),
    ],
)  # fmt: skip
def test_a_fact_that_somebody_changed_is_not_overwritten_until_one_says_so(
    red, fink, change, wanted, now, mine
):
    if change == "hand-back":
        actions.claim(actor=red.actor, ticket=red.ticket)
    data = {**form(red.client, red.ticket, change), **wanted(red)}
    faster(fink, red, change)
    red.ticket.refresh_from_db()
    version = red.ticket.version
    page = red.client.post(do(red.ticket, change), data)
    red.ticket.refresh_from_db()
    assert (page.status_code, red.ticket.version) == (409, version)
    box = BeautifulSoup(page.content, "html.parser").select_one(".hd-conflict")
    assert [one.get_text() for one in box.select("dd")] == [now, mine]
    assert ("Fink Vogel" if change != "hand-back" else "The help desk") in box.get_text()
    again = fields_of(str(box.select_one("form")))
    answer = red.client.post(do(red.ticket, change), {key: one[0] for key, one in again.items()})
    assert answer.status_code == 302
    red.ticket.refresh_from_db()
    assert red.ticket.version > version


def test_a_type_is_not_overwritten_either(red, fink):
    data = form(red.client, red.ticket, "type")
    faster(fink, red, "type")
    data["type"] = TicketType.objects.exclude(pk=TicketType.objects.first().pk).first().pk
    assert red.client.post(do(red.ticket, "type"), data).status_code == 409


def test_another_fact_that_changed_is_no_conflict(red, fink):
    high = Priority.objects.get(slug="high").pk
    data = {**form(red.client, red.ticket, "priority"), "priority": high}
    for fact in ("owner", "subject", "tags", "state"):
        faster(fink, red, fact)
    assert red.client.post(do(red.ticket, "priority"), data).status_code == 302


def test_a_refused_customer_leaves_no_new_one_behind(red, fink):
    data = {**form(red.client, red.ticket, "customer"), "email": "new@mail.example"}
    faster(fink, red, "customer")
    count = Customer.objects.count()
    assert red.client.post(do(red.ticket, "customer"), data).status_code == 409
    assert Customer.objects.count() == count


@pytest.mark.parametrize("shown", ["", "nonsense", "[]", '{"owner_id": 1}', "{"])
def test_without_a_word_of_what_was_shown_nothing_is_compared(red, fink, shown):
    faster(fink, red, "priority")
    high = Priority.objects.get(slug="high").pk
    data = {"priority": high, "shown": shown}
    assert red.client.post(do(red.ticket, "priority"), data).status_code == 302


def test_every_form_that_sets_a_fact_says_what_was_shown(red):
    silent = {name for name, one in CHANGES.items() if not one.watches}
    assert silent == {"link", "unlink", "end-along", "spam", "not-spam"}
    page = red.client.get(screen(red.ticket))
    for name in set(CHANGES) - silent - {"hand-back"}:
        assert isinstance(json.loads(form(red.client, red.ticket, name, page)["shown"]), dict)


# --- twice ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("change", ["claim", "link", "tags", "spam", "note", "reply", "forward"])
def test_a_form_sent_twice_does_it_once(red, change):
    other = f.make_ticket(red.queue, contact="")
    data = {
        **form(red.client, red.ticket, change),
        **{
            "link": {"number": other.number, "kind": "related"},
            "tags": {"tags": "lift"},
            "note": {"body": "Aside"},
            "reply": {"body": "Answer"},
            "forward": {"body": "Please", "to": "firm@vendor.example"},
        }.get(change, {}),
    }
    assert red.client.post(do(red.ticket, change), data).status_code == 302
    red.ticket.refresh_from_db()

    def state() -> tuple[int, ...]:
        return (
            Article.objects.count(),
            Event.objects.exclude(kind=EventKind.MARKED_SPAM).count(),
            TicketLink.objects.count(),
        )

    before = state()
    again = red.client.post(do(red.ticket, change), data)
    assert again.status_code == (422 if change == "spam" else 302)  # "marked as spam already"
    assert state() == before


def test_a_message_made_a_ticket_twice_is_one_and_leads_there(red):
    article = actions.receive_message(
        actor=permissions.SYSTEM,
        ticket=red.ticket,
        draft=Draft(body="Something else", channel=Channel.EMAIL, from_address="x@mail.example"),
    )
    url = reverse("helpdesk_agents:own_ticket", args=[red.ticket.pk, article.pk])
    places = [red.client.post(url).headers["Location"] for _ in range(2)]
    assert places[0] == places[1] != screen(red.ticket)


def test_files_of_a_draft_and_new_ones_together_keep_to_the_limit(red, fink, settings):
    settings.HELPDESK = {**settings.HELPDESK, "UPLOAD_MAX_FILES": 1}
    data = {**form(red.client, red.ticket, "note"), "body": "Plan"}
    note(fink, red.ticket)
    page = red.client.post(
        do(red.ticket, "note"), {**data, "files": [SimpleUploadedFile("a.txt", b"a")]}
    )
    again = form(red.client, red.ticket, "note", page)
    again["files"] = [SimpleUploadedFile("b.txt", b"b")]
    assert red.client.post(do(red.ticket, "note"), again).status_code == 422
