"""What customers never read: internal notes, who is present, and agents' names where the queue keeps them back."""

from __future__ import annotations

import email
import email.policy
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import translation

from helpdesk import actions, permissions
from helpdesk.actions import Draft, presence, saved_drafts
from helpdesk.customers import access
from helpdesk.models import Article, Channel, OutboundMail, Right, Ticket
from helpdesk.notifications import mime
from tests import factories as f

pytestmark = pytest.mark.django_db

NAMES = ("Grace", "Hopper", "ghopper", "grace@staff.example", "Linus", "Watcherson")
INTERNAL = ("Internal-note", "Secret-draft", "Mentioned-word", "internal-file")
TEAM = "The Service Desk"


@pytest.fixture(autouse=True)
def english():
    with translation.override("en"):
        yield


def lived_through(agent_names: str, *, inherit: bool = False) -> tuple[Client, Ticket]:
    """A ticket on which everything happened that agents do; and its customer's browser."""
    queue = f.QueueFactory(
        agent_names=agent_names,
        sender_name=TEAM,
        signature_en="Yours, {{ agent_name }}\n{{ queue }}",
    )
    if inherit:
        queue = f.QueueFactory(parent=queue)
    user = f.make_agent(
        queue,
        first_name="Grace",
        last_name="Hopper",
        username="ghopper",
        email="grace@staff.example",
    )
    colleague = f.make_agent(queue, first_name="Linus", last_name="Watcherson")
    owner = f.UserFactory(first_name="Ada", last_name="Byron", email="ada@mail.example")
    person = actions.customer_for_user(owner)
    ticket = f.make_ticket(
        queue, customer=person, contact="ada@mail.example", receipt=True, language="en"
    )
    actor = permissions.agent(user)
    presence.note_presence(actor=actor, ticket=ticket, writing=True)
    saved_drafts.save_draft(
        actor=actor, ticket=ticket, mode="note", fields={"body": "Secret-draft"}, shared=True
    )
    actions.claim(actor=actor, ticket=ticket)
    note = actions.add_note(
        actor=actor,
        ticket=ticket,
        draft=Draft(
            body="Internal-note Mentioned-word",
            channel=Channel.NOTE,
            files=(
                actions.Upload(name="internal-file.txt", content=b"x", content_type="text/plain"),
            ),
        ),
    )
    actions.assign(actor=actor, ticket=ticket, owner=colleague)
    actions.set_responsible(actor=actor, ticket=ticket, responsible=user)
    said = actions.answer(
        actor=actor, ticket=ticket, draft=Draft(body="Solved.", channel=Channel.EMAIL)
    )
    actions.log_call(
        actor=actor,
        ticket=ticket,
        draft=Draft(body="We called.", channel=Channel.PHONE),
        inbound=False,
    )
    actions.forward(
        actor=actor,
        ticket=ticket,
        draft=Draft(body="Please look.", channel=Channel.EMAIL),
        original=said,
        to=(("", "firm@third.example"),),
    )
    assert note.visible is False
    client = Client()
    client.force_login(owner)
    return client, ticket


def pages(client: Client, ticket: Ticket) -> dict[str, str]:
    """Everything a customer can open of a request, by log-in and by link."""
    token = access.status_token(ticket)
    found = {
        "list": client.get(reverse("helpdesk_customers:list")),
        "search": client.get(reverse("helpdesk_customers:list"), {"q": "Mentioned"}),
    }
    for name in ("detail", "close", "reply", "objection"):
        one = reverse(f"helpdesk_customers:{name}", kwargs={"number": ticket.number})
        two = reverse(f"helpdesk_customers:status_{name}", kwargs={"token": token})
        for how, url in (("number", one), ("link", two)):
            found[f"{name} {how}"] = client.get(url, follow=True)
            if name == "reply":
                found[f"refused {how}"] = client.post(url, {"body": ""})
    assert found["detail number"].status_code == found["detail link"].status_code == 200
    return {name: answer.content.decode() for name, answer in found.items()}


def mails() -> dict[str, str]:
    """Every mail to somebody outside the team, as it goes out: headers and text, decoded."""
    found = {}
    for row in OutboundMail.objects.exclude(kind=OutboundMail.Kind.NOTICE):
        message: Any = email.message_from_bytes(mime.build(row), policy=email.policy.default)
        heads = "\n".join(f"{name}: {value}" for name, value in message.items())
        body = message.get_body(("plain",)).get_content()
        found[f"{row.kind} {row.pk}"] = heads + "\n" + body + row.html
    return found


def hits(texts: dict[str, str], words: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(name, word) for name, text in texts.items() for word in words if word in text]


@pytest.mark.parametrize("inherit", [False, True])
def test_with_the_team_s_name_only_no_agent_is_named_anywhere(inherit):
    client, ticket = lived_through("team", inherit=inherit)
    shown, sent = pages(client, ticket), mails()
    assert hits(shown, (*NAMES, *INTERNAL)) == []
    assert hits(sent, (*NAMES, *INTERNAL)) == []
    assert ticket.number in shown["list"]
    assert ticket.number not in shown["search"]
    assert TEAM in shown["detail number"]
    [answer] = [text for name, text in sent.items() if name.startswith("answer")]
    assert f"Yours, {TEAM}" in answer
    [forward] = [text for name, text in sent.items() if name.startswith("forward")]
    assert f"> From: {TEAM}" in forward


@pytest.mark.parametrize("setting", ["", "person"])
def test_else_the_agent_is_named_where_one_answers_and_nothing_internal_is_told(setting):
    client, ticket = lived_through(setting)
    shown, sent = pages(client, ticket), mails()
    assert "Grace Hopper" in shown["detail number"]
    assert any("Yours, Grace Hopper" in text for text in sent.values())
    assert hits(shown, ("Linus", "Watcherson", "ghopper", "grace@staff.example", *INTERNAL)) == []
    assert hits(sent, ("Linus", "Watcherson", "ghopper", "grace@staff.example", *INTERNAL)) == []


def test_the_scan_would_see_a_leak():
    client, ticket = lived_through("team")
    Article.objects.filter(ticket=ticket, channel=Channel.NOTE).update(visible=True)
    assert {word for _page, word in hits(pages(client, ticket), INTERNAL)} >= {"Internal-note"}


def test_the_name_follows_the_queue_the_ticket_is_in():
    client, ticket = lived_through("team")
    other = f.QueueFactory(sender_name="Others")
    actions.move(actor=permissions.SYSTEM, ticket=ticket, queue=other)
    assert "Grace Hopper" in pages(client, ticket)["detail number"]
    other.agent_names = "team"
    other.save()
    shown = pages(client, ticket)["detail number"]
    assert "Hopper" not in shown
    assert "Others" in shown


def test_agents_go_on_seeing_who_wrote():
    _client, ticket = lived_through("team")
    agent = f.make_agent(ticket.queue, rights=[Right.READ])
    browser = Client()
    browser.force_login(agent)
    page = browser.get(f"/admin/helpdesk/tickets/{ticket.pk}/").content.decode()
    assert "Grace Hopper" in page
