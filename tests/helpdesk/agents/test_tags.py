"""Tags and spam on the ticket screen and in the list."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse

from helpdesk import actions
from helpdesk.agents.tickets_list import TicketFilters, tickets_for
from helpdesk.models import (
    InformedQueue,
    Queue,
    Right,
    SenderBlock,
    TaggedTicket,
    Ticket,
    TicketTag,
)
from helpdesk.permissions import SYSTEM, visible_tickets
from helpdesk.states import StateType
from tests import factories as f

from .conftest import browser
from .test_ticket import do, screen
from .test_tickets_list import LIST, queries, view

pytestmark = pytest.mark.django_db


def pills(page: str) -> list[str]:
    found = re.findall(r'<ul class="hd-tags"[^>]*>(.*?)</ul>', page, re.DOTALL)
    return re.findall(r"<li>(.*?)</li>", "".join(found))


def test_tags_are_changed_in_place_and_shown(red):
    answer = red.client.post(do(red.ticket, "tags"), {"tags": " WLAN,  big printer,wlan "})
    assert answer.status_code == 302
    page = red.client.get(screen(red.ticket)).content.decode()
    assert pills(page) == ["WLAN", "big printer"]
    assert 'value="WLAN, big printer"' in page
    assert "+ WLAN" in page
    red.client.post(do(red.ticket, "tags"), {"tags": ""})
    page = red.client.get(screen(red.ticket)).content.decode()
    assert pills(page) == []
    assert "− WLAN" in page


@pytest.mark.parametrize("tags", ["x" * 51, ",".join(str(number) for number in range(21))])
def test_refused_tags_keep_what_was_typed(red, tags):
    answer = red.client.post(do(red.ticket, "tags"), {"tags": tags})
    assert answer.status_code == 422
    assert tags in answer.content.decode()
    assert not TaggedTicket.objects.exists()


def test_markup_in_a_tag_is_text(red):
    actions.set_tags(actor=red.actor, ticket=red.ticket, tags=["<b>x</b>"])
    other = f.make_ticket(red.queue, contact="")
    for url in (screen(red.ticket), screen(other), reverse(LIST)):
        assert "<b>x</b>" not in red.client.get(url).content.decode()


def test_suggestions_are_tags_of_visible_tickets_behind_what_stands_there(red, blue):
    actions.set_tags(actor=blue.actor, ticket=blue.ticket, tags=["azure"])
    other = f.make_ticket(red.queue, contact="", tags=["printer"])
    assert '<option value="printer">' in red.client.get(screen(red.ticket)).content.decode()
    actions.set_tags(actor=red.actor, ticket=red.ticket, tags=["wlan"])
    page = red.client.get(screen(red.ticket)).content.decode()
    assert '<option value="wlan, printer">' in page
    assert "azure" not in page
    assert '<option value="printer, wlan">' in red.client.get(screen(other)).content.decode()


def test_reader_sees_tags_and_cannot_change_them(red):
    actions.set_tags(actor=red.actor, ticket=red.ticket, tags=["wlan"])
    reader = browser(f.make_agent(red.queue, rights=[Right.READ]))
    page = reader.get(screen(red.ticket)).content.decode()
    assert pills(page) == ["wlan"]
    assert do(red.ticket, "tags") not in page
    assert do(red.ticket, "spam") not in page
    for change in ("tags", "spam", "not-spam"):
        assert reader.post(do(red.ticket, change), {"tags": "x"}).status_code == 404


def test_list_filters_by_tag_and_offers_no_foreign_one(red, blue):
    actions.set_tags(actor=blue.actor, ticket=blue.ticket, tags=["azure", "wlan"])
    tagged = f.make_ticket(red.queue, contact="", subject="tagged", tags=["wlan", "printer"])
    page = red.client.get(reverse(LIST))
    assert pills(page.content.decode()) == ["printer", "wlan"]
    assert "azure" not in page.content.decode()
    ids = dict(TicketTag.objects.values_list("name", "pk"))
    for names in (["wlan"], ["printer"], ["wlan", "printer"]):
        found = red.client.get(reverse(LIST), {"tag": [ids[name] for name in names]})
        assert [row.pk for row in found.context["object_list"]] == [tagged.pk]
    assert "azure" not in red.client.get(reverse(LIST), {"tag": ids["azure"]}).content.decode()
    foreign = TicketFilters(view="all", tags=(ids["azure"],))
    assert not tickets_for(red.actor, foreign).exists()


def test_search_finds_by_tag(red):
    actions.set_tags(actor=red.actor, ticket=red.ticket, tags=["quokka"])
    page = red.client.get(view("all"), {"q": "quokka"})
    assert [row.pk for row in page.context["object_list"]] == [red.ticket.pk]


def test_list_needs_as_many_queries_for_200_tagged_and_informing_rows(red, blue, monkeypatch):
    monkeypatch.setattr("helpdesk.agents.tickets_list.TicketIndexView.paginate_by", 250)
    actions.set_tags(actor=red.actor, ticket=red.ticket, tags=["wlan"])
    f.make_ticket(red.queue, contact="")
    queries(red.client, reverse(LIST))
    few = queries(red.client, reverse(LIST))
    tags = TicketTag.objects.bulk_create(TicketTag(name=f"t{n}", slug=f"t{n}") for n in range(20))
    row = Ticket.objects.get(pk=red.ticket.pk)
    for number in range(198):
        row.pk, row.number, row.link_nonce = None, f"20260101{number:08d}", f"n{number}"
        row.queue = (red.queue, blue.queue)[number % 2]
        row.save(force_insert=True)
        TaggedTicket.objects.bulk_create(
            TaggedTicket(tag=tags[(number + n) % 20], content_object_id=row.pk) for n in range(3)
        )
        other = (blue.queue, red.queue)[number % 2]
        InformedQueue.objects.create(ticket_id=row.pk, queue=other, at=row.created_at)
    many = queries(red.client, reverse(LIST))
    assert len(red.client.get(reverse(LIST)).context["object_list"]) == 200
    assert len(many) == len(few)


# --- spam --------------------------------------------------------------------------------------------


@pytest.fixture
def junk() -> Queue:
    return f.QueueFactory(name="Junk", is_junk=True)


@pytest.fixture
def spam(red) -> Ticket:
    return f.make_ticket(red.queue, subject="You won", contact="eve@evil.example")


def test_this_is_spam_and_back(red, junk, spam):
    page = red.client.get(screen(spam)).content.decode()
    assert "also block eve@evil.example" in page
    assert "Not spam" not in page
    answer = red.client.post(do(spam, "spam"), {"block": "on"})
    assert answer["Location"] == reverse(LIST)  # out of the team's sight
    assert red.client.get(screen(spam)).status_code == 404
    assert SenderBlock.objects.get().pattern == "eve@evil.example"
    keeper = browser(f.make_agent(junk, rights=[Right.NOTE]))
    page = keeper.get(screen(spam)).content.decode()
    assert "This ticket is marked as spam." in page
    assert do(spam, "not-spam") in page
    assert do(spam, "spam") not in page
    assert keeper.post(do(spam, "not-spam")).status_code == 302
    assert not SenderBlock.objects.exists()
    spam.refresh_from_db()
    assert (spam.queue, spam.state.type) == (red.queue, StateType.OPEN)


def test_a_block_is_asked_for(red, junk, spam):
    red.client.post(do(spam, "spam"))
    assert not SenderBlock.objects.exists()


def test_a_refused_block_says_why_and_changes_nothing(red, junk):
    ticket = f.make_ticket(red.queue, contact=red.agent.email)
    answer = red.client.post(do(ticket, "spam"), {"block": "on"})
    assert answer.status_code == 422
    assert "our own or an agent" in answer.content.decode()
    ticket.refresh_from_db()
    assert (ticket.queue, ticket.state.type) == (red.queue, StateType.NEW)


def test_the_button_needs_the_right_to_write_notes(red, junk, spam):
    others = sorted(set(Right) - {Right.NOTE})
    client = browser(f.make_agent(red.queue, rights=others))
    assert do(spam, "spam") not in client.get(screen(spam)).content.decode()
    assert client.post(do(spam, "spam")).status_code == 404
    note = browser(f.make_agent(red.queue, rights=[Right.NOTE]))
    assert note.post(do(spam, "spam")).status_code == 302


def test_open_spam_counts_among_no_work_until_its_queue_is_asked_for(red, junk):
    user = f.make_agent(junk)
    f.make_ticket(junk, subject="You won", contact="")
    actor = actions_of(user)
    for slug in ("open", "unassigned", "waiting-for-us"):
        assert not tickets_for(actor, TicketFilters(view=slug)).exists(), slug
    asked = TicketFilters(view="open", queues=(junk.pk,))
    assert tickets_for(actor, asked).count() == 1
    assert set(tickets_for(actor, TicketFilters(view="all"))) == set(visible_tickets(actor))
    home = browser(user).get(reverse("wagtailadmin_home")).content.decode()
    assert "You won" not in home


def actions_of(user):
    from helpdesk import permissions

    return permissions.agent(user)


def test_one_queue_takes_spam(admin, red, junk):
    url = reverse("helpdesk_queues:edit", args=[red.queue.pk])
    data = {
        "name": "Red", "slug": "red", "purpose": "x", "follow_up": "", "is_active": "on",
        "is_junk": "on", "addresses-TOTAL_FORMS": "0", "addresses-INITIAL_FORMS": "0",
    }  # fmt: skip
    answer = admin.post(url, data)
    assert "Another queue takes spam already." in answer.content.decode()
    actions.mark_spam(actor=SYSTEM, ticket=red.ticket)
    red.ticket.refresh_from_db()
    assert red.ticket.queue == junk
    Queue.objects.filter(pk=junk.pk).update(is_junk=False)
    assert admin.post(url, data).status_code == 302
    red.queue.refresh_from_db()
    assert red.queue.is_junk
