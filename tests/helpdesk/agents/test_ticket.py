from __future__ import annotations

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone, translation
from wagtail import hooks

from helpdesk import actions, permissions
from helpdesk.actions import Draft, Origin
from helpdesk.agents import answers, thread
from helpdesk.agents.panels import TicketAction, TicketPanel
from helpdesk.models import (
    Article,
    Channel,
    EventKind,
    OutboundMail,
    Priority,
    Right,
    State,
    Ticket,
    TicketLink,
    TicketType,
)
from helpdesk.states import StateType
from tests import factories as f

from .conftest import browser, upload, write_note

pytestmark = pytest.mark.django_db


def screen(ticket: Ticket) -> str:
    return reverse("helpdesk_agents:ticket", args=[ticket.pk])


def do(ticket: Ticket, change: str) -> str:
    return reverse("helpdesk_agents:change", args=[ticket.pk, change])


def message(text: str = "Hello", key: str = "k1", **data):
    return {"body": text, "idempotency_key": key, "last_article": 10**9, **data}


def count(client, url: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(url).status_code == 200
    return len(captured)


def test_screen_needs_as_many_queries_for_60_articles_as_for_2(red):
    write_note(red)
    count(red.client, screen(red.ticket))
    few = count(red.client, screen(red.ticket))
    for number in range(58):
        files = (upload(f"{number}.txt", b"x", "text/plain"),)
        article = write_note(red, f"note {number}", files=files)
        actions.rename(actor=red.actor, ticket=red.ticket, subject=f"Subject {number}")
        OutboundMail.objects.create(
            ticket=red.ticket,
            article=article,
            kind="answer",
            state="sent",
            message_id=f"<{number}@desk.example>",
            from_address="a@desk.example",
            subject="x",
            body="x",
            due_at=timezone.now(),
        )
    actions.claim(actor=red.actor, ticket=red.ticket)
    actions.hand_back(actor=red.actor, ticket=red.ticket)
    # the owner's name in the history: one query more, however many changes
    assert count(red.client, screen(red.ticket)) <= few + 1
    assert Article.objects.filter(ticket=red.ticket).count() == 60


def test_screen_of_another_team_is_not_found(red, blue):
    assert red.client.get(screen(blue.ticket)).status_code == 404


def test_long_thread_is_cut_until_asked_for_all(red, monkeypatch):
    monkeypatch.setattr(thread, "LIMIT", 2)
    for number in range(3):
        write_note(red, f"note {number}")
    page = red.client.get(screen(red.ticket)).content.decode()
    assert "Words of Red" not in page.split("hd-thread")[1].split("hd-side")[0]
    assert "?all=1" in page
    assert "Words of Red" in red.client.get(screen(red.ticket) + "?all=1").content.decode()


def test_thread_tells_kinds_apart_by_label(red):
    write_note(red)
    actions.answer(
        actor=red.actor, ticket=red.ticket, draft=Draft(body="An answer", channel=Channel.WEB)
    )
    page = red.client.get(screen(red.ticket)).content.decode()
    for label in ("Customer", "Internal note", "Agent"):
        assert f"</svg>{label}</span>" in page.replace("\n", "").replace("  ", "")


def test_a_note_of_the_machine_is_the_help_desks(red):
    draft = Draft(body="Compare with the order.", channel=Channel.NOTE)
    note = actions.add_note(actor=permissions.SYSTEM, ticket=red.ticket, draft=draft)
    with translation.override("en"):
        assert thread.bare_entry(note).who == "Help desk"


def test_history_stands_between_messages_in_words(red):
    actions.claim(actor=red.actor, ticket=red.ticket)
    high = Priority.objects.get(slug="high")
    actions.set_priority(actor=red.actor, ticket=red.ticket, priority=high)
    page = red.client.get(screen(red.ticket)).content.decode()
    assert "normal → high" in page
    assert "– → Red Agent" in page


def test_history_does_not_name_a_queue_of_another_team(red, blue):
    actions.move(actor=permissions.SYSTEM, ticket=red.ticket, queue=blue.queue)
    actions.move(actor=permissions.SYSTEM, ticket=red.ticket, queue=red.queue)
    page = red.client.get(screen(red.ticket)).content.decode()
    assert "Red → …" in page
    assert "Blue" not in page


def test_form_answers_are_a_definition_list_that_bears_odd_snapshots(red):
    snapshot = (
        {"key": "room", "label": "Room", "value": "214", "shown": "2.14"},
        {"key": "file", "label": "Photo", "value": []},
        {"key": "rows", "label": "Devices", "rows": [[{"key": "n", "label": "No", "shown": "P1"}]]},
        {"key": "flag", "label": "Choices", "value": ["a", "b"]},
    )
    opened = actions.open_ticket(
        actor=permissions.SYSTEM,
        queue=red.queue,
        subject="Form",
        draft=Draft(
            body="x",
            channel=Channel.WEB,
            files=(upload("p.png", b"png", "image/png", answer_key="file"),),
        ),
        customer=None,
        origin=Origin(answers=snapshot),
        receipt=False,
    )
    Ticket.objects.filter(pk=opened.ticket.pk).update(answers=[*snapshot, "nonsense"])
    page = red.client.get(screen(opened.ticket)).content.decode()
    for shown in ("<dt>Room</dt>", "2.14", "P1", "a, b", "p.png"):
        assert shown in page
    assert answers.read("nonsense", []) == []


@pytest.mark.parametrize(
    ("change", "data", "field", "value"),
    [
        ("subject", {"subject": "New name"}, "subject", "New name"),
        ("queue", {}, "queue", None),
        ("claim", {}, "owner", None),
    ],
)
def test_change_posts_to_its_own_address(red, change, data, field, value):
    if_queue = {"queue": red.queue.pk} if change == "queue" else {}
    answer = red.client.post(do(red.ticket, change), {**data, **if_queue})
    assert answer.status_code == 302
    red.ticket.refresh_from_db()
    expected = {"subject": value, "queue": red.queue, "owner": red.agent}[field]
    assert getattr(red.ticket, field) == expected


def test_each_fact_is_changed_by_its_verb(red):
    colleague = f.make_agent(red.queue)
    ticket = red.ticket
    pending = f.state(StateType.PENDING_REMINDER)
    later = timezone.localtime() + dt.timedelta(days=3)
    for change, data in {
        "owner": {"owner": colleague.pk},
        "responsible": {"responsible": colleague.pk},
        "priority": {"priority": Priority.objects.get(slug="high").pk},
        "type": {"type": TicketType.objects.get(slug="fault").pk},
        "state": {"state": pending.pk, "pending_until": f"{later:%Y-%m-%dT%H:%M}"},
        "customer": {"email": "new@mail.example", "full_name": "New Person"},
    }.items():
        assert red.client.post(do(ticket, change), data).status_code == 302, change
    ticket = Ticket.objects.get(pk=ticket.pk)
    assert (ticket.owner, ticket.responsible) == (colleague, colleague)
    assert (ticket.priority.slug, ticket.type.slug) == ("high", "fault")
    assert ticket.state == pending
    assert abs(ticket.pending_until - later) < dt.timedelta(minutes=1)
    assert (ticket.customer.name, ticket.contact) == ("New Person", "new@mail.example")
    red.client.post(do(ticket, "hand-back"))
    ticket.refresh_from_db()
    assert ticket.owner is None


def test_removed_and_merged_cannot_be_chosen(red):
    for type_ in (StateType.REMOVED, StateType.MERGED):
        answer = red.client.post(do(red.ticket, "state"), {"state": f.state(type_).pk})
        assert answer.status_code == 422
    red.ticket.refresh_from_db()
    assert red.ticket.state.type == StateType.NEW


def test_owner_must_be_of_the_team(red, blue):
    answer = red.client.post(do(red.ticket, "owner"), {"owner": blue.agent.pk})
    assert answer.status_code == 422
    assert "Blue" not in answer.content.decode()


def test_move_into_a_foreign_queue_is_refused(red, blue):
    assert red.client.post(do(red.ticket, "queue"), {"queue": blue.queue.pk}).status_code == 422
    red.ticket.refresh_from_db()
    assert red.ticket.queue == red.queue


def test_move_out_of_sight_ends_at_the_list(red, blue):
    red.agent.groups.add(f.make_team(blue.queue, rights=[Right.MOVE_INTO]))
    answer = red.client.post(do(red.ticket, "queue"), {"queue": blue.queue.pk})
    assert answer.status_code == 302
    red.ticket.refresh_from_db()
    assert red.ticket.queue == blue.queue


def test_link_finds_visible_tickets_only(red, blue):
    other = f.make_ticket(red.queue, subject="The other", contact="")
    data = {"number": other.number, "kind": "related"}
    assert red.client.post(do(red.ticket, "link"), data).status_code == 302
    assert TicketLink.objects.get().target == other
    assert "The other" in red.client.get(screen(red.ticket)).content.decode()
    data["number"] = blue.ticket.number
    assert red.client.post(do(red.ticket, "link"), data).status_code == 422


def test_links_to_invisible_tickets_leave_no_trace(red, blue):
    TicketLink.objects.create(source=red.ticket, target=blue.ticket, kind="related")
    page = red.client.get(screen(red.ticket)).content.decode()
    assert "Secret of Blue" not in page
    assert blue.ticket.number not in page


def test_reply_is_written_once_however_often_it_is_sent(red):
    state = f.state(StateType.CLOSED)
    data = message("The answer", state=state.pk)
    for _time in range(2):
        assert red.client.post(do(red.ticket, "reply"), data).status_code == 302
    article = Article.objects.get(ticket=red.ticket, sender="agent")
    assert (article.body, article.visible, article.author) == ("The answer", True, red.agent)
    red.ticket.refresh_from_db()
    assert red.ticket.state == state


def test_note_with_files_is_internal(red):
    from django.core.files.uploadedfile import SimpleUploadedFile

    files = [SimpleUploadedFile("a.txt", b"a"), SimpleUploadedFile("b.txt", b"b")]
    answer = red.client.post(do(red.ticket, "note"), message("For us", files=files))
    assert answer.status_code == 302
    article = Article.objects.get(ticket=red.ticket, channel=Channel.NOTE)
    assert not article.visible
    assert [one.name for one in article.attachments.all()] == ["a.txt", "b.txt"]


def test_refused_reply_keeps_everything_typed(red):
    data = message("Long text", to="nonsense, b@mail.example", cc="c@mail.example")
    answer = red.client.post(do(red.ticket, "reply"), data)
    assert answer.status_code == 422
    page = answer.content.decode()
    for typed in ("Long text", "nonsense, b@mail.example", "c@mail.example", "k1"):
        assert typed in page
    assert "is not a mail address" in page
    assert not Article.objects.filter(sender="agent").exists()


def test_empty_note_is_refused_at_its_field(red):
    answer = red.client.post(do(red.ticket, "note"), message("  "))
    assert answer.status_code == 422
    assert "Write something first." in answer.content.decode()


def test_waiting_state_needs_a_date_and_says_so_beside_it(red):
    data = {"state": f.state(StateType.PENDING_REMINDER).pk, "pending_until": "2001-01-01T09:00"}
    answer = red.client.post(do(red.ticket, "state"), data)
    assert answer.status_code == 422
    assert "The date lies in the past." in answer.content.decode()


def test_reply_stops_once_when_the_customer_wrote_meanwhile(red):
    first = red.ticket.articles.get()
    actions.receive_message(
        actor=permissions.SYSTEM,
        ticket=red.ticket,
        draft=Draft(body="One more thing", channel=Channel.WEB),
    )
    answer = red.client.post(do(red.ticket, "reply"), message(last_article=first.pk))
    assert answer.status_code == 409
    assert "Not sent yet: somebody was faster." in answer.content.decode()
    newest = red.ticket.articles.order_by("-pk").first()
    assert f'value="{newest.pk}"' in answer.content.decode()
    assert (
        red.client.post(do(red.ticket, "reply"), message(last_article=newest.pk)).status_code == 302
    )


def test_forms_need_their_right(red):
    reader = browser(f.make_agent(red.queue, rights=[Right.READ]))
    page = reader.get(screen(red.ticket))
    assert page.context["composers"] == []
    assert "do/" not in page.content.decode().replace("do/watch/", "")
    for change in ("reply", "note", "claim", "state", "priority", "subject"):
        assert reader.post(do(red.ticket, change), message()).status_code == 404
    assert Article.objects.filter(ticket=red.ticket).count() == 1


def test_unverified_sender_is_accepted_by_a_button(red):
    article = actions.receive_message(
        actor=permissions.SYSTEM,
        ticket=red.ticket,
        draft=Draft(body="Stranger", channel=Channel.EMAIL, verified=False),
        visible=False,
    )
    url = reverse("helpdesk_agents:accept_sender", args=[red.ticket.pk, article.pk])
    assert url in red.client.get(screen(red.ticket)).content.decode()
    assert red.client.post(url).status_code == 302
    article.refresh_from_db()
    assert article.visible
    assert url not in red.client.get(screen(red.ticket)).content.decode()
    assert red.ticket.events.filter(kind=EventKind.SENDER_ACCEPTED).count() == 1


def test_failed_mail_shows_the_servers_words_on_its_article(red):
    OutboundMail.objects.create(
        ticket=red.ticket,
        article=red.ticket.articles.get(),
        kind="answer",
        state="failed",
        message_id="<1@desk.example>",
        from_address="a@desk.example",
        subject="x",
        body="x",
        due_at=timezone.now(),
        server_reply="550 no such user",
    )
    page = red.client.get(screen(red.ticket)).content.decode()
    assert "550 no such user" in page
    assert "Send again" in page


def test_other_tickets_of_the_customer_are_the_visible_ones(red, blue):
    customer = red.ticket.customer
    f.make_ticket(red.queue, subject="Also mine", customer=customer, contact="")
    f.make_ticket(blue.queue, subject="Hidden one", customer=customer, contact="")
    page = red.client.get(screen(red.ticket)).content.decode()
    assert "Also mine" in page
    assert "Hidden one" not in page


@pytest.mark.parametrize(
    ("hook", "made"),
    [
        ("register_ticket_panel", TicketPanel(title="Incident", html="<b>down</b>")),
        ("register_ticket_action", TicketAction(html="<b>down</b>")),
        ("register_ticket_panel", None),
    ],
)
def test_site_adds_panels_and_actions_by_hooks(red, hook, made):
    asked = []

    def build(request, ticket):
        asked.append(ticket.pk)
        return made

    with hooks.register_temporarily(hook, build):
        page = red.client.get(screen(red.ticket))
    assert page.status_code == 200
    assert asked == [red.ticket.pk]


@pytest.mark.parametrize(("language", "state"), [("de", "neu"), ("en", "new")])
def test_screens_speak_the_users_language(red, language, state):
    from wagtail.users.models import UserProfile

    UserProfile.objects.update_or_create(user=red.agent, defaults={"preferred_language": language})
    page = red.client.get(screen(red.ticket)).content.decode()
    assert f'lang="{language}"' in page
    assert State.objects.get(slug="new").name_de == "neu"
    assert f">{state}<" in page.replace("</svg>", ">").replace("\n", "").replace("  ", "")


@pytest.fixture
def reachable(red):
    f.QueueAddressFactory(queue=red.queue, address="red@desk.example")
    Ticket.objects.filter(pk=red.ticket.pk).update(contact="asker@mail.example")
    return red


def test_reply_queues_the_mail_to_those_shown(reachable):
    page = reachable.client.get(screen(reachable.ticket)).content.decode()
    assert "asker@mail.example" in page
    assert "Send to 1 person" in page
    data = message(to="asker@mail.example", cc="Boss <boss@mail.example>")
    assert reachable.client.post(do(reachable.ticket, "reply"), data).status_code == 302
    mail = OutboundMail.objects.get()
    assert [address for _name, address in mail.to] == ["asker@mail.example"]
    assert [address for _name, address in mail.cc] == ["boss@mail.example"]
    assert "queued" in reachable.client.get(screen(reachable.ticket)).content.decode()


def test_reply_proposes_who_was_copied_in_and_none_of_ours(reachable):
    actions.receive_message(
        actor=permissions.SYSTEM,
        ticket=reachable.ticket,
        draft=Draft(
            body="More",
            channel=Channel.EMAIL,
            to=(("", "red+t1@desk.example"),),
            cc=(("Boss", "boss@mail.example"), ("", "stranger@mail.example")),
        ),
    )
    reachable.ticket.participants.create(
        address="boss@mail.example", normalised="boss@mail.example"
    )
    page = reachable.client.get(screen(reachable.ticket))
    reply = page.context["composers"][0]
    assert reply["cc"].value() == "Boss <boss@mail.example>"
    with translation.override("en"):  # the request's language went with the request
        assert reply.button == "Send to 2 people"


def test_forward_goes_to_a_third_party_with_the_chosen_message(reachable):
    original = reachable.ticket.articles.get()
    data = message("Please look", to="vendor@mail.example", original=original.pk)
    assert reachable.client.post(do(reachable.ticket, "forward"), data).status_code == 302
    article = Article.objects.get(sender="agent")
    assert not article.visible
    assert OutboundMail.objects.get().kind == "forward"


def test_failed_mail_is_sent_again_by_a_button(reachable):
    reachable.client.post(do(reachable.ticket, "reply"), message(to="asker@mail.example"))
    mail = OutboundMail.objects.get()
    url = reverse("helpdesk_agents:send_again", args=[reachable.ticket.pk, mail.pk])
    due = mail.due_at
    assert reachable.client.post(url).status_code == 302  # it is queued: nothing to do
    mail.refresh_from_db()
    assert (mail.state, mail.due_at) == ("queued", due)
    OutboundMail.objects.update(state="uncertain")
    assert reachable.client.post(url).status_code == 302
    mail.refresh_from_db()
    assert mail.state == "queued"


def test_wrongly_filed_message_becomes_a_ticket_of_its_own(red):
    article = actions.receive_message(
        actor=permissions.SYSTEM,
        ticket=red.ticket,
        draft=Draft(body="Other matter", channel=Channel.WEB, subject="Other"),
    )
    url = reverse("helpdesk_agents:own_ticket", args=[red.ticket.pk, article.pk])
    assert url in red.client.get(screen(red.ticket)).content.decode()
    answer = red.client.post(url)
    made = Ticket.objects.get(subject="Other")
    assert answer["Location"] == screen(made)
    assert made.number in red.client.get(screen(red.ticket)).content.decode()
    assert red.client.post(url)["Location"] == screen(made)  # pressed twice, made once
    assert Ticket.objects.filter(subject="Other").count() == 1
