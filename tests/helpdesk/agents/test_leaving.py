"""Who leaves a team sees nothing of it from the next click on; until it is cleared up, the screens say so."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from helpdesk import actions, permissions
from helpdesk.actions import saved_drafts
from helpdesk.models import AgentSettings, Article, Notice, NoticeKind, Presence, SavedDraft
from tests import factories as f

from .conftest import Team, browser

pytestmark = pytest.mark.django_db


@pytest.fixture
def leaver(red) -> Team:
    """An agent in the middle of the work who still belongs to another team, and leaves this one."""
    other = f.QueueFactory()
    red.agent.groups.add(f.make_team(other))
    actions.assign(actor=permissions.SYSTEM, ticket=red.ticket, owner=red.agent)
    actions.watch(actor=red.actor, ticket=red.ticket)
    saved_drafts.save_draft(
        actor=red.actor, ticket=red.ticket, mode="reply", fields={"body": "Nearly done"}
    )
    Notice.objects.create(
        user=red.agent, kind=NoticeKind.REPLY, ticket=red.ticket, at=timezone.now(), in_admin=True
    )
    AgentSettings.objects.update_or_create(user=red.agent, defaults={"feed_key": "k" * 32})
    return red


def leave(team: Team) -> None:
    team.agent.groups.remove(team.agent.groups.order_by("pk").first())


def test_the_next_click_finds_nothing(leaver):
    url = f"/admin/helpdesk/tickets/{leaver.ticket.pk}/"
    assert leaver.client.get(url).status_code == 200
    leave(leaver)
    assert leaver.client.get(url).status_code == 404
    for name in ("tickets", "tickets_view"):
        for view in [""] if name == "tickets" else ["mine", "watched", "all"]:
            where = reverse(f"helpdesk_agents:{name}", args=[view] if view else [])
            assert leaver.ticket.number not in leaver.client.get(where).content.decode()
    assert leaver.ticket.subject not in leaver.client.get("/admin/").content.decode()


def test_an_open_draft_cannot_be_sent_or_saved(leaver):
    page = leaver.client.get(f"/admin/helpdesk/tickets/{leaver.ticket.pk}/").content.decode()
    assert "Nearly done" in page
    leave(leaver)
    base = f"/admin/helpdesk/tickets/{leaver.ticket.pk}"
    data = {"body": "Done", "idempotency_key": "k", "last_article": "0"}
    before = Article.objects.count()
    for change in ("reply", "note"):
        assert leaver.client.post(f"{base}/do/{change}/", data).status_code == 404
    assert leaver.client.post(f"{base}/draft/reply/", data).status_code == 404
    assert Article.objects.count() == before
    assert SavedDraft.objects.get().fields == {"body": "Nearly done"}


def test_presence_notices_and_mails_end_with_it(leaver):
    leave(leaver)
    Presence.objects.all().delete()
    answer = leaver.client.post("/admin/helpdesk/together/", {"ticket": leaver.ticket.pk}).json()
    assert not Presence.objects.exists()
    assert answer["unread"] == 0
    assert answer["people"] == ""
    page = leaver.client.get("/admin/helpdesk/notices/?show=all").content.decode()
    assert leaver.ticket.number not in page
    notice = Notice.objects.get(user=leaver.agent)
    assert leaver.client.get(f"/admin/helpdesk/notices/{notice.pk}/").status_code == 404


def test_who_is_in_no_team_any_more_has_no_feed_and_no_desk(leaver):
    feed = reverse("helpdesk_feed:mine", args=["k" * 32])
    assert leaver.client.get(feed).status_code == 200
    leaver.agent.groups.clear()
    assert leaver.client.get(feed).status_code == 404
    leaver.agent.groups.add(f.make_team(rights=[]))  # may still enter the admin
    assert leaver.client.get("/admin/helpdesk/tickets/").status_code == 302
    assert "helpdesk/tickets" not in leaver.client.get("/admin/").content.decode()


def test_list_and_ticket_say_that_the_owner_has_left(leaver):
    colleague = browser(f.make_agent(leaver.queue))
    listed = reverse("helpdesk_agents:tickets")
    url = f"/admin/helpdesk/tickets/{leaver.ticket.pk}/"
    words = "has no rights here any more"
    for page in (listed, url):
        assert words not in colleague.get(page).content.decode()
    leave(leaver)
    for page in (listed, url):
        assert words in colleague.get(page).content.decode()
    leaver.agent.is_active = False
    leaver.agent.save()
    assert words in colleague.get(listed).content.decode()


def test_saying_so_takes_as_many_questions_for_many_rows(leaver):
    client: Any = browser(f.make_agent(leaver.queue))

    def queries() -> int:
        with CaptureQueriesContext(connection) as caught:
            client.get("/admin/helpdesk/tickets/")
        return len(caught)

    few = queries()
    for _number in range(15):
        ticket = f.make_ticket(leaver.queue, contact="")
        actions.assign(actor=permissions.SYSTEM, ticket=ticket, owner=f.make_agent(leaver.queue))
    assert queries() == few
