"""Merging, splitting, links and likely duplicates on the agents' screens."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from helpdesk import actions
from helpdesk.actions import Draft, Upload
from helpdesk.models import (
    AuditEntry,
    Channel,
    DismissedHint,
    Merge,
    OutboundMail,
    Right,
    Ticket,
    TicketLink,
)
from helpdesk.states import StateType
from tests import factories as f

from .conftest import browser

pytestmark = pytest.mark.django_db

TEXT = "The lamp above the desk in the reading room flickers since yesterday evening."


def url(name, *args):
    return reverse(f"helpdesk_agents:{name}", args=args)


def screen(ticket):
    return url("ticket", ticket.pk)


def html(answer):
    return answer.content.decode()


@pytest.fixture
def twin(red):
    """A younger ticket of the customer of Red's ticket that looks like it."""
    return f.make_ticket(
        red.queue, subject="The secret of Red", customer=red.ticket.customer, contact=""
    )


def sent(ticket, other, **more):
    return {"other": other.number, "keep": other.pk, **more}


# --- merging -------------------------------------------------------------------------------------


def test_the_page_offers_tickets_and_compares_two(red, twin):
    page = html(red.client.get(url("merge", red.ticket.pk)))
    assert f"?other={twin.number}" in page
    page = html(red.client.get(url("merge", red.ticket.pk), {"other": twin.number}))
    assert red.ticket.number in page
    assert twin.number in page
    assert "The customers differ" not in page
    # the older one goes on unless somebody says otherwise
    assert f'name="keep" value="{red.ticket.pk}" checked' in page


def test_merging_leads_to_the_target_and_can_be_taken_back_from_both(red, twin):
    answer = red.client.post(url("merge", red.ticket.pk), sent(red.ticket, twin))
    assert answer["Location"] == screen(twin)
    journal = Merge.objects.get()
    assert (journal.source, journal.target) == (red.ticket, twin)
    undo = url("unmerge", journal.pk)
    target, source = html(red.client.get(screen(twin))), html(red.client.get(screen(red.ticket)))
    assert undo in target
    assert undo in source
    assert target.count("csrfmiddlewaretoken") == target.count('method="post"')
    assert "Words of Red" in target
    assert "Words of Red" not in source
    assert twin.number in source
    assert 'id="composer"' not in source
    assert red.client.get(url("merge", red.ticket.pk)).status_code == 404
    answer = red.client.post(undo)
    assert answer["Location"] == screen(red.ticket)
    assert "Words of Red" in html(red.client.get(screen(red.ticket)))
    assert red.client.post(undo).status_code == 302  # a second click does no harm


def test_customers_who_differ_have_to_be_confirmed(red):
    other = f.make_ticket(red.queue, subject="Somebody else's", contact="")
    data = sent(red.ticket, other)
    answer = red.client.post(url("merge", red.ticket.pk), data)
    assert answer.status_code == 422
    assert "Confirm that the messages become internal" in html(answer)
    assert not Merge.objects.exists()
    answer = red.client.post(url("merge", red.ticket.pk), {**data, "confirm": "on"})
    assert answer.status_code == 302
    assert "Came with a merged ticket of another customer" in html(red.client.get(screen(other)))


def test_who_merges_what_is_confidential_into_an_open_queue_has_to_say_so(red):
    """The other team reads it from then on, and nobody writes down who does."""
    safe = f.QueueFactory(is_confidential=True)
    closed = f.make_ticket(safe, customer=red.ticket.customer, contact="", body="Zebra-body")
    both = browser(f.make_agent(safe, red.queue))
    page = html(both.get(url("merge", closed.pk), {"other": red.ticket.number}))
    assert "is confidential, the other ticket is not" in page
    assert f'value="{closed.pk}" checked' in page  # what harms nobody is offered first
    refused = both.post(url("merge", closed.pk), sent(red.ticket, red.ticket))
    assert refused.status_code == 422
    assert "Confirm that all of it may be read there." in html(refused)
    assert "Zebra-body" not in html(red.client.get(screen(red.ticket)))
    told = AuditEntry.objects.filter(data__has_key="merged_into")
    assert not told.exists()
    answer = both.post(url("merge", closed.pk), sent(red.ticket, red.ticket, opens="on"))
    assert answer.status_code == 302
    assert "Zebra-body" in html(red.client.get(screen(red.ticket)))
    entry = told.get()
    assert (entry.ticket_number, entry.queue_id) == (closed.number, safe.pk)


def test_into_the_confidential_one_nothing_is_asked(red):
    safe = f.QueueFactory(is_confidential=True)
    closed = f.make_ticket(safe, customer=red.ticket.customer, contact="")
    both = browser(f.make_agent(safe, red.queue))
    answer = both.post(url("merge", closed.pk), {**sent(closed, red.ticket), "keep": closed.pk})
    assert answer.status_code == 302
    red.ticket.refresh_from_db()
    assert red.ticket.merged_into == closed


@pytest.mark.parametrize("number", ["", "nothing", "2026"])
def test_a_number_that_is_none_is_told_at_the_field(red, number):
    answer = red.client.get(url("merge", red.ticket.pk), {"other": number})
    assert answer.status_code == 422
    assert 'role="alert"' in html(answer)


def test_a_ticket_of_another_team_cannot_be_chosen(red, blue):
    for method in (red.client.get, red.client.post):
        answer = method(url("merge", red.ticket.pk), sent(red.ticket, blue.ticket))
        assert answer.status_code == 422
        assert "Secret of Blue" not in html(answer)
    assert red.client.get(url("merge", blue.ticket.pk)).status_code == 404


def test_without_the_right_to_note_there_is_no_merging(red, twin):
    reader = browser(f.make_agent(red.queue, rights=[Right.ANSWER]))
    assert url("merge", red.ticket.pk) not in html(reader.get(screen(red.ticket)))
    assert reader.get(url("merge", red.ticket.pk)).status_code == 404
    assert reader.post(url("merge", red.ticket.pk), sent(red.ticket, twin)).status_code == 404
    journal = actions.merge(actor=red.actor, source=red.ticket, target=twin)
    assert url("unmerge", journal.pk) not in html(reader.get(screen(twin)))
    assert reader.post(url("unmerge", journal.pk)).status_code == 404
    journal.refresh_from_db()
    assert journal.undone_at is None


def test_a_merge_into_a_queue_out_of_sight_tells_only_that(red, blue):
    both = f.make_agent(red.queue, blue.queue)
    blue.ticket.customer = red.ticket.customer
    blue.ticket.save()
    client = browser(both)
    client.post(url("merge", red.ticket.pk), sent(red.ticket, blue.ticket))
    page = html(red.client.get(screen(red.ticket)))
    assert "This ticket was merged into another one." in page
    assert blue.ticket.number not in page
    assert "Secret of Blue" not in page


def test_taking_back_what_was_merged_on_is_refused_in_words(red, twin):
    third = f.make_ticket(red.queue, customer=red.ticket.customer, contact="")
    inner = actions.merge(actor=red.actor, source=red.ticket, target=twin)
    actions.merge(actor=red.actor, source=twin, target=third)
    assert url("unmerge", inner.pk) not in html(red.client.get(screen(red.ticket)))
    answer = red.client.post(url("unmerge", inner.pk), follow=True)
    assert "Take that back first" in html(answer)


def test_files_of_a_merged_form_stay_with_their_message(red):
    forms = []
    for name in ("old.txt", "new.txt"):
        answers = ({"key": "photo", "label": "Photo", "type": "files", "value": [], "shown": ""},)
        opened = actions.open_ticket(
            actor=red.actor,
            queue=red.queue,
            subject="Form",
            draft=Draft(
                body="Photo:",
                channel=Channel.WEB,
                files=(Upload(name, name.encode(), answer_key="photo"),),
            ),
            customer=red.ticket.customer,
            origin=actions.Origin(answers=answers),
            receipt=False,
        )
        forms.append(opened.ticket)
    actions.merge(actor=red.actor, source=forms[1], target=forms[0])
    response = red.client.get(screen(forms[0]))
    [answer] = response.context["answers"]
    assert [file.name for file in answer.files] == ["old.txt"]
    entries = [one for one in response.context["thread"].entries if one.article]
    assert [[file.name for file in one.files] for one in entries] == [[], ["new.txt"]]


# --- finding -------------------------------------------------------------------------------------


def found(team, words, **more):
    return html(team.client.get(url("find_ticket"), {"q": words, **more}))


def test_tickets_are_found_by_number_and_words_among_the_own(red, blue, twin):
    for words in (twin.number, "secret", "red"):
        page = found(red, words, but=red.ticket.pk)
        assert twin.number in page
        assert red.ticket.number not in page
        assert blue.ticket.number not in page
    assert 'role="option"' not in found(red, "s")
    assert 'role="option"' not in found(red, "Einhorn")
    assert found(red, "secret", but="x" * 30)


def test_finding_is_for_agents(client, db):
    client.force_login(f.UserFactory())
    assert client.get(url("find_ticket"), {"q": "secret"}).status_code in (302, 403)


# --- links ---------------------------------------------------------------------------------------


def test_a_link_is_removed_where_it_is_shown(red, twin):
    link = actions.link(actor=red.actor, source=twin, target=red.ticket, kind="parent")
    page = html(red.client.get(screen(red.ticket)))
    assert "part of" in page
    answer = red.client.post(url("change", red.ticket.pk, "unlink"), {"link": link.pk})
    assert answer.status_code == 302
    assert not TicketLink.objects.exists()
    answer = red.client.post(url("change", red.ticket.pk, "unlink"), {"link": link.pk})
    assert answer.status_code == 404


def test_a_link_of_other_tickets_is_not_removed_from_here(red, blue, twin):
    other = f.make_ticket(red.queue)
    link = actions.link(actor=red.actor, source=twin, target=other, kind="related")
    hidden = TicketLink.objects.create(source=red.ticket, target=blue.ticket, kind="related")
    for one in (link, hidden):
        answer = red.client.post(url("change", red.ticket.pk, "unlink"), {"link": one.pk})
        assert answer.status_code == 404
    assert TicketLink.objects.count() == 2


def test_closing_a_parent_tells_which_parts_are_open(red, twin):
    actions.link(actor=red.actor, source=red.ticket, target=twin, kind="parent")
    closed = f.state(StateType.CLOSED).pk
    answer = red.client.post(url("change", red.ticket.pk, "state"), {"state": closed}, follow=True)
    assert f"Still open are its parts: {twin.number}" in html(answer)
    answer = red.client.post(url("change", twin.pk, "state"), {"state": closed}, follow=True)
    assert "Still open" not in html(answer)


# --- splitting -----------------------------------------------------------------------------------


def test_a_message_is_split_off(red):
    article = actions.receive_message(
        actor=red.actor,
        ticket=red.ticket,
        draft=Draft(
            body="And a new chair, please.",
            channel=Channel.WEB,
            subject="Chair",
            files=(Upload("chair.txt", b"a chair"),),
        ),
    )
    where = url("split", red.ticket.pk, article.pk)
    assert where in html(red.client.get(screen(red.ticket)))
    page = red.client.get(where)
    form = page.context["form"]
    assert (form["subject"].value(), form["receipt"].value()) == ("Chair", None)
    data = {
        "subject": "Chair",
        "queue": red.queue.pk,
        "idempotency_key": form["idempotency_key"].value(),
    }
    for _time in range(2):
        answer = red.client.post(where, data)
    made = Ticket.objects.get(subject="Chair")
    assert answer["Location"] == screen(made)
    assert made.customer == red.ticket.customer
    copy = made.articles.get()
    assert (copy.body, copy.visible) == ("And a new chair, please.", True)
    [file], [original] = copy.attachments.all(), article.attachments.all()
    assert (file.name, file.blob) == ("chair.txt", original.blob)
    link = TicketLink.objects.get()
    assert (link.source, link.target, link.kind) == (red.ticket, made, "parent")
    assert red.ticket.articles.filter(pk=article.pk).exists()
    assert not OutboundMail.objects.exists()


def test_splitting_is_refused_where_it_is_not_allowed(red, blue):
    article = red.ticket.articles.get()
    assert blue.client.get(url("split", red.ticket.pk, article.pk)).status_code == 404
    foreign = blue.ticket.articles.get()
    assert red.client.get(url("split", red.ticket.pk, foreign.pk)).status_code == 404
    reader = browser(f.make_agent(red.queue, rights=[Right.NOTE]))
    assert reader.get(url("split", red.ticket.pk, article.pk)).status_code == 404
    where = url("split", red.ticket.pk, article.pk)
    data = {"subject": "", "queue": blue.queue.pk, "idempotency_key": "1"}
    answer = red.client.post(where, data)
    assert answer.status_code == 422
    assert {"subject", "queue"} <= set(answer.context["form"].errors)
    assert Ticket.objects.count() == 2


# --- likely duplicates ---------------------------------------------------------------------------


def test_what_looks_alike_is_shown_with_its_reason(red, twin):
    page = html(red.client.get(screen(red.ticket)))
    assert "Looks like" in page
    assert twin.number in page
    assert "the same sender, a similar subject" in page
    assert f"{url('merge', red.ticket.pk)}?other={twin.number}" in page


def test_not_the_same_takes_the_hint_away_for_good(red, twin):
    where = url("hint", red.ticket.pk, twin.pk)
    assert red.client.post(where, {"do": "dismiss"}).status_code == 302
    assert DismissedHint.objects.count() == 2
    for one in (red.ticket, twin):
        assert "Looks like" not in html(red.client.get(screen(one)))


def test_linked_as_duplicate_it_is_no_hint_any_more(red, twin):
    red.client.post(url("hint", red.ticket.pk, twin.pk), {"do": "link"})
    link = TicketLink.objects.get()
    assert (link.source, link.target, link.kind) == (twin, red.ticket, "duplicate")
    page = html(red.client.get(screen(red.ticket)))
    assert "Looks like" not in page
    assert "has the duplicate" in page


def test_hints_lead_to_no_ticket_of_another_team(red, blue):
    blue.ticket.customer = red.ticket.customer
    blue.ticket.subject = red.ticket.subject
    blue.ticket.save()
    assert "Looks like" not in html(red.client.get(screen(red.ticket)))
    where = url("hint", red.ticket.pk, blue.ticket.pk)
    assert red.client.post(where, {"do": "dismiss"}).status_code == 404
    assert not DismissedHint.objects.exists()


def test_a_closed_ticket_has_no_hints(red, twin):
    closed = f.state(StateType.CLOSED)
    actions.change_state(actor=red.actor, ticket=red.ticket, state=closed)
    assert "Looks like" not in html(red.client.get(screen(red.ticket)))
    assert "Looks like" in html(red.client.get(screen(twin)))


def test_the_screen_asks_as_often_for_many_merges_links_and_hints(red, twin):
    counts = []
    for more in (2, 20):
        for n in range(more):
            options = {"customer": red.ticket.customer, "contact": ""}
            one = f.make_ticket(red.queue, subject=f"Other {n}", **options)
            actions.merge(actor=red.actor, source=one, target=red.ticket)
            two = f.make_ticket(red.queue, subject="The secret of Red", **options)
            actions.link(actor=red.actor, source=red.ticket, target=two, kind="related")
        red.client.get(screen(red.ticket))
        with CaptureQueriesContext(connection) as queries:
            red.client.get(screen(red.ticket))
        counts.append(len(queries))
    assert counts[0] == counts[1]
