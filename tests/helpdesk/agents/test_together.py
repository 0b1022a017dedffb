"""Who else is here: the address that ticket screen and lists ask, and what the pages say at once."""

from __future__ import annotations

import pytest
from bs4 import BeautifulSoup
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from helpdesk import actions, permissions
from helpdesk.actions import Draft, presence
from helpdesk.agents import together
from helpdesk.models import Channel, InformedQueue, Presence, Right
from helpdesk.notifications import telling
from tests import factories as f

from .conftest import browser, write_note

pytestmark = pytest.mark.django_db

URL = reverse("helpdesk_agents:together")


def colleague(team, **options):
    user = f.make_agent(team.queue, first_name="Fink", last_name="Vogel", **options)
    return permissions.agent(user)


def ask(client, **data):
    answer = client.post(URL, data)
    assert answer.status_code == 200
    return answer.json()


def on(ticket, **data):
    newest = ticket.articles.order_by("-pk").first().pk
    ticket.refresh_from_db()
    return {"ticket": ticket.pk, "article": newest, "version": ticket.version, **data}


def screen(ticket):
    return reverse("helpdesk_agents:ticket", args=[ticket.pk])


def test_ticket_screen_learns_who_is_here_and_is_seen_itself(red):
    fink = colleague(red)
    assert ask(red.client, **on(red.ticket)) == {"people": "", "news": "", "rows": {}, "unread": 0}
    presence.note_presence(actor=fink, ticket=red.ticket)
    assert "Fink Vogel is looking at this." in ask(red.client, **on(red.ticket))["people"]
    presence.note_presence(actor=fink, ticket=red.ticket, writing=True)
    answer = ask(red.client, **on(red.ticket, writing=1))
    assert "Fink Vogel is writing here." in answer["people"]
    assert Presence.objects.get(user=red.agent).is_writing


def test_leaving_is_told_by_a_beacon(red):
    ask(red.client, **on(red.ticket))
    assert red.client.post(URL, {"ticket": red.ticket.pk, "leave": 1}).status_code == 204
    assert not Presence.objects.exists()


def test_list_learns_who_is_on_which_visible_ticket(red, blue):
    fink = colleague(red)
    presence.note_presence(actor=fink, ticket=red.ticket)
    presence.note_presence(actor=blue.actor, ticket=blue.ticket)
    rows = ask(red.client, rows=f"{red.ticket.pk},{blue.ticket.pk},999999")["rows"]
    assert list(rows) == [str(red.ticket.pk)]
    assert "Fink Vogel is looking at this." in rows[str(red.ticket.pk)]
    assert not Presence.objects.filter(user=red.agent).exists()  # a list is no presence


def test_pages_say_it_at_once_without_script(red):
    presence.note_presence(actor=colleague(red), ticket=red.ticket, writing=True)
    words = "Fink Vogel is writing here."
    page = BeautifulSoup(red.client.get(screen(red.ticket)).content, "html.parser")
    region = page.select_one("[aria-live=polite].hd-people")
    assert words in region.get_text()
    rows = BeautifulSoup(red.client.get(reverse("helpdesk_agents:tickets")).content, "html.parser")
    mark = rows.select_one(f"[data-hd-row='{red.ticket.pk}'] .hd-mark--writing")
    assert (mark["title"], mark.select_one(".w-sr-only").get_text()) == (words, words)


def test_opening_a_ticket_is_presence(red):
    red.client.get(screen(red.ticket))
    assert Presence.objects.get().user == red.agent


def test_who_reads_along_neither_sees_nor_is_seen(red, blue):
    InformedQueue.objects.create(ticket=red.ticket, queue=blue.queue, at=timezone.now())
    presence.note_presence(actor=red.actor, ticket=red.ticket)
    assert blue.client.get(screen(red.ticket)).status_code == 200
    answer = ask(blue.client, rows=str(red.ticket.pk), **on(red.ticket))
    assert (answer["people"], answer["rows"]) == ("", {})
    assert not Presence.objects.filter(user=blue.agent).exists()


def test_who_reads_along_hears_of_no_notes(red, blue):
    InformedQueue.objects.create(ticket=red.ticket, queue=blue.queue, at=timezone.now())
    shown = on(red.ticket)
    write_note(red)
    assert ask(blue.client, **shown)["news"] == ""
    actions.answer(
        actor=red.actor, ticket=red.ticket, draft=Draft(body="Soon.", channel=Channel.WEB)
    )
    assert "A new message has arrived." in ask(blue.client, **shown)["news"]


def test_news_are_messages_of_others_and_changes(red):
    fink = colleague(red)
    shown = on(red.ticket)
    write_note(red)
    assert "Something has changed" in ask(red.client, **shown)["news"]  # in another window
    actions.add_note(actor=fink, ticket=red.ticket, draft=Draft(body="Aside", channel=Channel.NOTE))
    assert "A new message has arrived." in ask(red.client, **shown)["news"]
    assert ask(red.client, **on(red.ticket))["news"] == ""


@pytest.mark.parametrize("user", ["stranger", "gone"])
def test_a_ticket_out_of_sight_is_absent(red, blue, user):
    fink = colleague(red)
    presence.note_presence(actor=fink, ticket=red.ticket)
    pk = red.ticket.pk if user == "stranger" else 999_999
    answer = ask(blue.client, ticket=pk, rows=str(pk))
    assert (answer["people"], answer["rows"]) == ("", {})
    assert "moved to where you do not see it" in answer["news"]
    assert Presence.objects.get().user == fink.user


def test_nobody_but_agents_may_ask(red):
    editor = f.UserFactory()
    editor.groups.add(f.make_team())
    assert browser(editor).post(URL, on(red.ticket)).status_code == 404
    customer = f.UserFactory()
    assert browser(customer).post(URL, on(red.ticket)).status_code == 302
    assert Client().post(URL, on(red.ticket)).status_code == 302
    assert red.client.get(URL).status_code == 405
    assert not Presence.objects.exists()


@pytest.mark.parametrize(
    "data", [{"rows": "1,x"}, {"ticket": "one"}, {"ticket": "1", "version": "new"},
             {"rows": "9" * 30}, {"ticket": "-" + "9" * 30}]
)  # fmt: skip
def test_nonsense_is_a_bad_request(red, data):
    assert red.client.post(URL, data).status_code == 400


def test_a_list_of_200_rows_needs_as_many_queries_as_one_of_2(red, django_assert_max_num_queries):
    fink = colleague(red)
    others = [f.make_ticket(red.queue, contact="") for _ in range(3)]
    for ticket in others:
        presence.note_presence(actor=fink, ticket=ticket)
    counts = []
    for ids in ([others[0].pk, 1], [*(one.pk for one in others), *range(10_000, 10_197)]):
        with CaptureQueriesContext(connection) as captured:
            ask(red.client, rows=",".join(map(str, ids)))
        counts.append(len(captured))
    with CaptureQueriesContext(connection) as captured:
        ask(red.client, **on(red.ticket))
    assert counts[0] == counts[1]
    ours = [one for one in captured if "helpdesk_presence" in one["sql"] or "MAX(" in one["sql"]]
    assert len(ours) == 3


def test_the_list_of_tickets_needs_two_queries_for_its_marks(red):
    tickets = [f.make_ticket(red.queue, contact="") for _ in range(5)]
    for ticket in tickets:
        ticket.reads_along = False
    assert red.actor.queue_rights
    actor = red.actor
    assert actor.queue_rights
    for rows in (tickets[:1], tickets):
        with CaptureQueriesContext(connection) as captured:
            together.mark_rows(actor, rows)
        assert len(captured) == 2


def test_unread_notices_ride_along(red):
    assert ask(red.client)["unread"] == 0
    telling.tell()
    assert ask(red.client)["unread"] == 1


def test_a_reader_is_seen_too(red):
    reader = f.make_agent(red.queue, rights=[Right.READ])
    browser(reader).get(screen(red.ticket))
    assert presence.present(actor=red.actor, ticket_ids=[red.ticket.pk])
