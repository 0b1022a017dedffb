"""The bell, the choices, watching and mentioning on the screens; and what is refused."""

from __future__ import annotations

from datetime import timedelta

import pytest
from bs4 import BeautifulSoup
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from helpdesk import actions, permissions
from helpdesk.actions import Draft
from helpdesk.agents import notices
from helpdesk.errors import NotPermitted
from helpdesk.models import (
    Absence,
    AgentSettings,
    Channel,
    InformedQueue,
    Mention,
    MutedQueue,
    Notice,
    NoticeChoice,
    NoticeKind,
    Right,
    Watcher,
)
from helpdesk.notifications import telling
from tests import factories as f

from . import pages
from .conftest import browser

BELL = "helpdesk_agents:notices"


def give(user, ticket, kind="reply", **more):
    return Notice.objects.create(user=user, ticket=ticket, kind=kind, at=timezone.now(), **more)


def text(response) -> str:
    return " ".join(BeautifulSoup(response.content, "html.parser").get_text(" ").split())


# --- the bell --------------------------------------------------------------------------------------


def test_bell_lists_what_is_unread_and_reading_takes_it_off(red):
    row = give(red.agent, red.ticket)
    assert notices.unread_count(red.actor) == 1
    page = red.client.get(reverse(BELL))
    assert red.ticket.subject in text(page)
    opened = red.client.get(reverse("helpdesk_agents:notice", args=[row.pk]))
    assert opened.url == reverse("helpdesk_agents:ticket", args=[red.ticket.pk])
    assert notices.unread_count(red.actor) == 0
    assert red.ticket.subject not in text(red.client.get(reverse(BELL)))
    assert red.ticket.subject in text(red.client.get(reverse(BELL), {"show": "all"}))


def test_opening_a_ticket_reads_what_was_told_of_it_and_of_no_other(red):
    other = f.make_ticket(red.queue)
    give(red.agent, red.ticket)
    left = give(red.agent, other)
    red.client.get(reverse("helpdesk_agents:ticket", args=[red.ticket.pk]))
    assert [row.pk for row in notices.bell(red.actor).filter(read_at=None)] == [left.pk]


def test_one_or_all_are_marked_as_read(red):
    first, *_rest = [give(red.agent, red.ticket) for _number in range(3)]
    url = reverse("helpdesk_agents:notices_read")
    red.client.post(url, {"notice": first.pk})
    assert notices.unread_count(red.actor) == 2
    red.client.post(url)
    assert notices.unread_count(red.actor) == 0
    assert red.client.get(url).status_code == 405


def test_a_notice_of_somebody_else_is_not_there(red, blue):
    row = give(blue.agent, blue.ticket)
    assert red.client.get(reverse("helpdesk_agents:notice", args=[row.pk])).status_code == 404
    post = red.client.post(reverse("helpdesk_agents:notices_read"), {"notice": row.pk})
    assert post.status_code == 404
    red.client.post(reverse("helpdesk_agents:notices_read"))
    row.refresh_from_db()
    assert row.read_at is None


def test_a_notice_of_what_one_may_read_no_more_is_neither_listed_nor_counted(red, blue):
    row = give(red.agent, blue.ticket)
    assert notices.unread_count(red.actor) == 0
    assert blue.ticket.subject not in text(red.client.get(reverse(BELL)))
    assert red.client.get(reverse("helpdesk_agents:notice", args=[row.pk])).status_code == 404


def test_who_reads_along_sees_no_notice_of_a_note(red, blue):
    InformedQueue.objects.create(ticket=blue.ticket, queue=red.queue, at=timezone.now())
    give(red.agent, blue.ticket, "note")
    give(red.agent, blue.ticket, "reply")
    assert [row.kind for row in notices.bell(red.actor)] == ["reply"]


def test_what_is_only_mailed_does_not_show(red):
    give(red.agent, red.ticket, in_admin=False)
    assert notices.unread_count(red.actor) == 0


def test_nobody_but_agents_has_a_bell(db):
    client = browser(f.UserFactory())
    for name in ("notices", "notice_count", "notice_choices"):
        assert client.get(reverse(f"helpdesk_agents:{name}")).status_code in (302, 403)


def test_count_is_capped_and_stands_in_the_menu(red):
    Notice.objects.bulk_create(
        Notice(user=red.agent, ticket=red.ticket, kind="reply", at=timezone.now())
        for _number in range(101)
    )
    assert notices.in_words(notices.unread_count(red.actor)) == "99+"
    answer = red.client.get(reverse("helpdesk_agents:notice_count"))
    assert answer.json() == {"unread": "99+"}
    assert "Notices (99+)" in red.client.get(reverse(BELL)).content.decode()


def test_unread_count_is_one_query_when_the_rights_are_known(red):
    actor = red.actor
    assert actor.queue_rights
    with CaptureQueriesContext(connection) as found:
        notices.unread_count(actor)
    assert len(found) == 1


def test_list_takes_as_many_queries_for_many_as_for_few(red):
    def queries(count: int) -> int:
        for _number in range(count):
            give(red.agent, f.make_ticket(red.queue))
        with CaptureQueriesContext(connection) as found:
            red.client.get(reverse(BELL), {"show": "all"})
        return len(found)

    queries(1)
    assert queries(1) == queries(200)


def test_pages_follow_each_other(red):
    for _number in range(31):
        give(red.agent, red.ticket)
    page = red.client.get(reverse(BELL))
    assert "Page 1 of 2" in text(page)
    assert len(red.client.get(reverse(BELL), {"p": 2}).context["lines"]) == 1


def test_mentions_have_a_list_of_their_own(red):
    give(red.agent, red.ticket, "mentioned", read_at=timezone.now())
    other = f.make_ticket(red.queue, subject="Only a reply")
    give(red.agent, other)
    page = text(red.client.get(reverse(BELL), {"show": "mentions"}))
    assert red.ticket.subject in page
    assert "Only a reply" not in page


# --- choices ---------------------------------------------------------------------------------------


def test_choices_are_kept_where_they_differ_from_the_defaults(red):
    url = reverse("helpdesk_agents:notice_choices")
    data = pages.fields_of(red.client.get(url).content.decode())
    assert data["mail-assigned"] == ["now"]
    data = {key: values for key, values in data.items() if key not in ("admin-note", "digest")}
    data |= {"mail-new_ticket": "now", "muted": [red.queue.pk]}
    assert red.client.post(url, data).status_code == 302
    rows = NoticeChoice.objects.values_list("kind", "in_admin", "by_mail")
    assert set(rows) == {("note", False, "digest"), ("new_ticket", True, "now")}
    assert MutedQueue.objects.get().queue == red.queue
    assert not AgentSettings.objects.get(user=red.agent).digest
    data |= {"mail-new_ticket": "digest", "admin-note": "on", "muted": [], "digest": "on"}
    red.client.post(url, data)
    assert not NoticeChoice.objects.exists()
    assert not MutedQueue.objects.exists()
    assert AgentSettings.objects.get(user=red.agent).digest


def test_a_queue_that_one_does_not_read_cannot_be_muted(red, blue):
    url = reverse("helpdesk_agents:notice_choices")
    page = red.client.get(url)
    assert blue.queue.name not in text(page)
    data = pages.fields_of(page.content.decode()) | {"muted": [blue.queue.pk]}
    assert red.client.post(url, data).status_code == 200
    assert not MutedQueue.objects.exists()


def test_wagtails_account_page_leads_to_the_choices(red):
    page = red.client.get(reverse("wagtailadmin_account"))
    assert reverse("helpdesk_agents:notice_choices") in page.content.decode()


# --- watching --------------------------------------------------------------------------------------


def change(team, what, ticket=None, **data):
    ticket = ticket or team.ticket
    return team.client.post(
        reverse("helpdesk_agents:change", args=[ticket.pk, what]), data, follow=True
    )


def test_watch_and_unwatch_on_the_ticket(red):
    page = change(red, "watch")
    assert Watcher.objects.get().user == red.agent
    assert f"Watched by {red.agent}" in text(page)
    change(red, "watch")  # once more changes nothing
    assert Watcher.objects.count() == 1
    watched = red.client.get(reverse("helpdesk_agents:tickets_view", args=["watched"]))
    assert red.ticket.subject in text(watched)
    change(red, "unwatch")
    assert not Watcher.objects.exists()


def test_who_may_not_read_may_not_watch(red, blue):
    assert change(red, "watch", blue.ticket).status_code == 404
    with pytest.raises(NotPermitted):
        actions.watch(actor=red.actor, ticket=blue.ticket)
    with pytest.raises(NotPermitted):
        actions.unwatch(actor=red.actor, ticket=blue.ticket)
    with pytest.raises(NotPermitted):
        actions.watch(actor=permissions.SYSTEM, ticket=blue.ticket)
    assert not Watcher.objects.exists()


def test_who_reads_along_may_watch_and_is_told_no_names(red, blue):
    InformedQueue.objects.create(ticket=blue.ticket, queue=red.queue, at=timezone.now())
    change(blue, "watch")
    page = change(red, "watch", blue.ticket)
    assert Watcher.objects.count() == 2
    assert "Watched by" not in text(page)


def test_a_watched_ticket_that_left_ones_queues_is_not_listed(red, blue):
    Watcher.objects.create(ticket=blue.ticket, user=red.agent)
    watched = red.client.get(reverse("helpdesk_agents:tickets_view", args=["watched"]))
    assert blue.ticket.subject not in text(watched)


# --- mentioning ------------------------------------------------------------------------------------


def note(team, body):
    return change(team, "note", body=body, idempotency_key=body[:60], last_article=10**9)


def test_a_note_tells_whom_it_names_and_says_whom_it_could_not(red, blue):
    kai = f.make_agent(red.queue, username="kai")
    page = note(red, "@kai and @blue and @nobody, please look")
    assert Mention.objects.get().user == kai
    telling.tell()
    assert NoticeKind.MENTIONED in Notice.objects.filter(user=kai).values_list("kind", flat=True)
    assert not Notice.objects.filter(user=blue.agent, ticket=red.ticket).exists()
    assert "@blue, @nobody: nobody of these names may read this ticket" in text(page)
    assert red.ticket.articles.filter(body__startswith="@kai").exists()


def test_names_are_offered_from_those_who_may_read(red, blue):
    f.make_agent(red.queue, username="kai", first_name="Kai", last_name="Kern")
    url = reverse("helpdesk_agents:mention", args=[red.ticket.pk])
    assert red.client.get(url, {"q": "k"}).json() == {
        "people": [{"login": "kai", "name": "Kai Kern"}]
    }
    assert [one["login"] for one in red.client.get(url).json()["people"]] == ["kai"]
    assert red.client.get(url, {"q": "blue"}).json() == {"people": []}


def test_names_are_refused_to_who_may_write_no_note_there(red, blue):
    url = reverse("helpdesk_agents:mention", args=[blue.ticket.pk])
    assert red.client.get(url).status_code == 404
    InformedQueue.objects.create(ticket=blue.ticket, queue=red.queue, at=timezone.now())
    assert red.client.get(url).status_code == 404
    reader = browser(f.make_agent(blue.queue, rights=[Right.READ]))
    assert reader.get(url).status_code == 404


def test_a_note_that_came_by_mail_names_nobody(red):
    kai = f.make_agent(red.queue, username="kai")
    actions.add_note(
        actor=red.actor, ticket=red.ticket, draft=Draft(body="@kai", channel=Channel.EMAIL)
    )
    assert not Mention.objects.filter(user=kai).exists()


# --- a queue of which nobody would hear ------------------------------------------------------------


def test_first_page_names_queues_of_which_nobody_would_hear_to_who_manages_them(red, blue, admin):
    home = reverse("wagtailadmin_home")
    said = "Nobody would hear of new tickets here"
    assert said not in text(red.client.get(home))
    now = timezone.now()
    Absence.objects.create(user=red.agent, starts_at=now, ends_at=now + timedelta(days=1))
    assert said in text(red.client.get(home))
    assert said not in text(blue.client.get(home))
    assert said in text(admin.get(home))
