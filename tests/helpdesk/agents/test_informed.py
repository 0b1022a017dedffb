"""A queue that got the mail too: its team reads the conversation, and nothing else."""

from __future__ import annotations

import pytest
from django.urls import reverse
from django.utils import timezone
from wagtail import hooks

from helpdesk import actions
from helpdesk.actions import Draft
from helpdesk.agents.panels import TicketPanel
from helpdesk.agents.policy import visible_customers, visible_tags
from helpdesk.agents.tickets_list import VIEWS, TicketFilters, tickets_for
from helpdesk.models import (
    Article,
    Blob,
    BouncedAddress,
    Channel,
    InboundMail,
    OutboundMail,
    Seen,
)
from helpdesk.permissions import SYSTEM, visible_tickets
from tests import factories as f

from .conftest import Team, upload, write_note
from .test_ticket import count, do, message, screen

pytestmark = pytest.mark.django_db

BANNER = "Your queue got this message too; Blue works on it."


def inform(team: Team, ticket, **options) -> None:
    first = ticket.articles.order_by("pk").first()
    actions.inform_queue(
        actor=SYSTEM, ticket=ticket, article=first, queue_id=team.queue.pk, **options
    )


@pytest.fixture
def shared(red, blue):
    """Blue's ticket, of which Red was informed, with a note, files, mail, history and a source."""
    note = write_note(blue, "Between us", files=(upload("internal.txt", b"x", "text/plain"),))
    actions.rename(actor=blue.actor, ticket=blue.ticket, subject="First name")
    actions.rename(actor=blue.actor, ticket=blue.ticket, subject="Second name")
    answer = actions.answer(
        actor=blue.actor,
        ticket=blue.ticket,
        draft=Draft(
            body="Dear customer",
            channel=Channel.EMAIL,
            html="<p>Dear</p>",
            files=(upload("public.txt", b"y", "text/plain"),),
        ),
        to=(("", "asker@mail.example"),),
        bcc=(("", "secret@mail.example"),),
    )
    OutboundMail.objects.update(state="failed", server_reply="550 no such user")
    InboundMail.objects.create(
        source="pipe", key="k", article=answer, ticket=blue.ticket, blob=Blob.keep(b"From: x\n\n")
    )
    inform(red, blue.ticket)
    return note, answer


def test_the_conversation_shows_with_a_banner_and_nothing_internal(red, blue, shared):
    page = red.client.get(screen(blue.ticket)).content.decode()
    assert BANNER in page
    assert "Also sent to" in page
    page = page.replace("/do/watch/", "")  # the one thing that whoever reads along may do
    for word in ("Words of Blue", "Dear customer", "public.txt"):
        assert word in page
    for word in (
        *("Between us", "internal.txt", "First name", "secret@mail.example", "550 no such user"),
        *("/source/", "/do/", "#composer", "Show source"),
    ):
        assert word not in page, word
    assert Seen.objects.filter(ticket=blue.ticket, user=red.agent).exists()


def test_whose_mail_came_back_is_for_those_who_work_on_it(red, blue, shared):
    """A third party who was asked internally is among them."""
    at = timezone.now()
    OutboundMail.objects.update(bounces=[["secret@mail.example", "5.1.1", "no"]], bounced_at=at)
    BouncedAddress.objects.create(address="secret@mail.example", bounces=1, last_at=at)
    words = "Mail to this address comes back"
    assert words in blue.client.get(screen(blue.ticket)).content.decode()
    assert words not in red.client.get(screen(blue.ticket)).content.decode()


def test_the_team_itself_sees_everything_and_whom_it_informed(red, blue, shared):
    page = blue.client.get(screen(blue.ticket)).content.decode()
    assert BANNER not in page
    for word in ("Between us", "internal.txt", "First name", "550 no such user", "Show source"):
        assert word in page, word
    assert "Also sent to" in page
    assert "Red" in page


def test_files_follow_their_articles(red, blue, shared):
    note, answer = shared

    def get(name: str, *args: int) -> int:
        url = reverse(f"helpdesk_agents:{name}", args=[blue.ticket.pk, *args])
        return red.client.get(url).status_code

    assert get("attachment", answer.attachments.get().pk) == 200
    assert get("attachment", note.attachments.get().pk) == 404
    assert get("frame", answer.pk) == 200
    Article.objects.filter(pk=note.pk).update(html="<p>x</p>")
    assert get("frame", note.pk) == 404
    assert get("source", answer.pk) == 404


@pytest.mark.parametrize(
    "change",
    [
        *("claim", "hand-back", "owner", "responsible", "queue", "state", "priority", "type"),
        *(
            "subject",
            "customer",
            "link",
            "end-along",
            "reply",
            "note",
            "forward",
            "tags",
            "spam",
            "not-spam",
        ),
    ],
)
def test_reading_along_is_no_right_to_do_anything(red, blue, shared, change):
    before = blue.ticket.events.count()
    answer = red.client.post(do(blue.ticket, change), message(subject="x", tags="x"))
    assert answer.status_code == 404
    assert blue.ticket.events.count() == before


def test_buttons_on_articles_are_refused(red, blue, shared):
    _note, answer = shared
    Article.objects.filter(pk=answer.pk).update(verified=False)
    mail = OutboundMail.objects.get()
    for name, pk in (
        ("accept_sender", answer.pk),
        ("own_ticket", answer.pk),
        ("send_again", mail.pk),
    ):
        url = reverse(f"helpdesk_agents:{name}", args=[blue.ticket.pk, pk])
        assert red.client.post(url).status_code == 404, name


def test_what_the_site_adds_is_for_those_who_work_on_it(red, blue, shared):
    def build(request, ticket):
        return TicketPanel(title="Incident", html="<b>down</b>")

    with hooks.register_temporarily("register_ticket_panel", build):
        assert "Incident" not in red.client.get(screen(blue.ticket)).content.decode()
        assert "Incident" in blue.client.get(screen(blue.ticket)).content.decode()


def test_its_customer_is_no_customer_of_the_informed_team(red, blue, shared):
    customer = blue.ticket.customer
    assert customer not in visible_customers(red.actor)
    assert customer in visible_customers(blue.actor)
    url = reverse("helpdesk_people:edit", args=[customer.pk])
    assert red.client.get(url).status_code == 404


def test_list_shows_it_with_a_mark_and_search_finds_what_may_be_read(red, blue, shared):
    lists = reverse("helpdesk_agents:tickets_view", args=["all"])
    assert "Your queue got this message too" in red.client.get(lists).content.decode()
    assert "Also sent to another queue" in blue.client.get(lists).content.decode()

    def found(team: Team, words: str) -> list[int]:
        page = team.client.get(lists, {"q": words})
        return [row.pk for row in page.context["object_list"]]

    assert found(red, "dear customer") == [blue.ticket.pk]
    assert found(red, "between us") == []
    assert found(red, "internal.txt") == []
    assert found(blue, "between us") == [blue.ticket.pk]


def test_work_lists_leave_it_to_the_team_that_works_on_it(red, blue):
    inform(red, blue.ticket)
    shown = {
        slug: blue.ticket in tickets_for(red.actor, TicketFilters(view=slug)) for slug in VIEWS
    }
    assert shown == {
        "mine": False,
        "in-place-of-others": False,
        "unassigned": False,
        "due": False,
        "absent-owners": False,
        "open": True,
        "waiting-for-us": False,
        "waiting-for-customer": False,
        "watched": False,
        "closed": False,
        "all": True,
    }
    assert set(tickets_for(red.actor, TicketFilters(view="all"))) == set(visible_tickets(red.actor))


def test_who_was_not_informed_still_sees_nothing(red, blue, shared):
    outsider = f.make_agent(f.QueueFactory())
    red.client.force_login(outsider)
    assert red.client.get(screen(blue.ticket)).status_code == 404
    lists = reverse("helpdesk_agents:tickets_view", args=["all"])
    assert "Second name" not in red.client.get(lists).content.decode()


def test_moved_into_the_informed_queue_it_is_a_ticket_like_any_other(red, blue, shared):
    actions.move(actor=SYSTEM, ticket=blue.ticket, queue=red.queue)
    page = red.client.get(screen(blue.ticket)).content.decode()
    assert "Between us" in page
    assert "works on it" not in page
    assert "Also sent to" not in page
    assert blue.client.get(screen(blue.ticket)).status_code == 404


def test_the_team_ends_it_with_one_button(red, blue, shared):
    page = blue.client.get(screen(blue.ticket)).content.decode()
    assert "End reading along" in page
    answer = blue.client.post(do(blue.ticket, "end-along"), {"queue": red.queue.pk})
    assert answer.status_code == 302
    assert red.client.get(screen(blue.ticket)).status_code == 404
    page = blue.client.get(screen(blue.ticket)).content.decode()
    assert "ended the reading along of a queue" in page
    assert "Also sent to" not in page
    # a second click, and a queue that never did
    for queue in (red.queue, blue.queue):
        answer = blue.client.post(do(blue.ticket, "end-along"), {"queue": queue.pk})
        assert answer.status_code == 422


def test_a_confidential_ticket_is_read_along_by_nobody(red, blue, shared):
    blue.queue.is_confidential = True
    blue.queue.save()
    assert red.client.get(screen(blue.ticket)).status_code == 404
    assert "Also sent to" not in blue.client.get(screen(blue.ticket)).content.decode()
    lists = reverse("helpdesk_agents:tickets_view", args=["all"])
    assert "Also sent to another queue" not in blue.client.get(lists).content.decode()


def test_tags_offered_are_those_on_tickets_one_may_read(red, blue):
    actions.set_tags(actor=blue.actor, ticket=blue.ticket, tags=["azure"])
    assert not visible_tags(red.actor).exists()
    inform(red, blue.ticket)
    assert [tag.name for tag in visible_tags(red.actor)] == ["azure"]


def test_screen_needs_as_many_queries_for_200_informed_queues_and_notes_as_for_2(red, blue):
    write_note(blue)
    for team in (red, red):
        inform(team, blue.ticket)
    for client in (red.client, blue.client):
        count(client, screen(blue.ticket))
    few = [count(client, screen(blue.ticket)) for client in (red.client, blue.client)]
    for number in range(198):
        queue = f.QueueFactory()
        actions.inform_queue(
            actor=SYSTEM,
            ticket=blue.ticket,
            article=blue.ticket.articles.first(),
            queue_id=queue.pk,
        )
        if number % 10 == 0:
            write_note(blue, f"note {number}")
            actions.set_tags(actor=blue.actor, ticket=blue.ticket, tags=[f"t{number}", "kept"])
    many = [count(client, screen(blue.ticket)) for client in (red.client, blue.client)]
    # the names of tags in the history: one query more, however many changes
    assert many[0] == few[0]
    assert many[1] <= few[1] + 1
