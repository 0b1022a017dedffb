"""What the page of a request says of its storage, and what the links to an erased one say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.urls import reverse
from django.utils import timezone, translation

from helpdesk import actions, permissions
from helpdesk.actions import Upload
from helpdesk.actions.erasing import anonymise, erase, erase_files, erase_persons
from helpdesk.customers import access
from helpdesk.models import Channel, Hold, RetentionSettings, Tombstone
from helpdesk.permissions import SYSTEM
from helpdesk.rules.terms import Terms
from helpdesk.states import StateType
from tests import factories as f

pytestmark = pytest.mark.django_db

REASON = Tombstone.Reason
BECAUSE = "Your request is deleted 14 days after it is closed because you objected"


@pytest.fixture(autouse=True)
def english():
    with translation.override("en"):
        yield


@pytest.fixture
def ticket():
    return f.make_ticket(contact="a@mail.example", language="en")


def url(ticket, page="detail", language="en"):
    with translation.override(language):
        token = access.status_token(ticket)
        return reverse(f"helpdesk_customers:status_{page}", kwargs={"token": token})


def close(ticket):
    actions.change_state(actor=SYSTEM, ticket=ticket, state=f.state(StateType.CLOSED))
    ticket.refresh_from_db()


def object_to(ticket):
    bearer = permissions.link_bearer(ticket)
    actions.object_to_storage(actor=bearer, ticket=ticket, channel=Channel.WEB)
    ticket.refresh_from_db()


@pytest.mark.parametrize(
    ("objects", "said"),
    [
        (False, "It will be deleted on 15 March 2028 at the latest."),
        (True, "It will be deleted on 30 March 2026 at the latest."),
    ],
)
def test_the_date_stands_there_in_words(client, ticket, objects, said):
    assert "the day on which it is deleted is set when it is closed" in client.get(url(ticket)).text
    with time_machine.travel(datetime(2026, 3, 15, 12, tzinfo=UTC)):
        if objects:
            object_to(ticket)
            page = client.get(url(ticket)).text
            assert "the day on which it is deleted is set when it is closed" in page
            assert page.index(BECAUSE) < page.index("kept for 2 years")
        close(ticket)
        assert said in client.get(url(ticket)).text


def test_the_date_is_told_in_german(client, ticket):
    with time_machine.travel(datetime(2026, 3, 15, 12, tzinfo=UTC)):
        close(ticket)
        assert "15. März 2028" in client.get(url(ticket, language="de")).text


def test_what_is_due_held_or_gone_in_part_is_said_so(client, ticket):
    object_to(ticket)
    with time_machine.travel(timezone.now() - timedelta(days=60)):
        close(ticket)
    assert "it is deleted in one of the next nights" in client.get(url(ticket)).text
    until = timezone.localdate() + timedelta(days=9)
    Hold.objects.create(ticket=ticket, reason="Suit", until=until, placed_at=timezone.now())
    page = client.get(url(ticket)).text
    assert "At present it has to be kept" in page
    assert "Suit" not in page
    erase_files(tickets=[ticket.pk], reason=REASON.BY_HAND)
    ticket.files_erased_at = timezone.now()
    ticket.save(update_fields=["files_erased_at"])
    assert "Its files were deleted on" in client.get(url(ticket)).text


def test_an_objection_is_withdrawn_after_a_question_and_by_no_get(client, ticket):
    object_to(ticket)
    page = client.get(url(ticket)).text
    assert "You objected to the longer storage" in page
    assert url(ticket, "withdraw") in page
    question = client.get(url(ticket, "withdraw"))
    assert ticket.retention_sentence in question.text
    ticket.refresh_from_db()
    assert ticket.objected_at
    for _twice in range(2):
        answer = client.post(url(ticket, "withdraw"))
        assert answer.url == url(ticket) + "#storage"
    ticket.refresh_from_db()
    assert ticket.objected_at is None
    assert client.get(url(ticket, "withdraw")).status_code == 302
    assert 'name="objects"' in client.get(url(ticket)).text


def test_a_merged_request_says_for_how_long_the_whole_is_kept(client, ticket):
    other = f.make_ticket(ticket.queue)
    object_to(other)
    actions.merge(actor=SYSTEM, source=ticket, target=other, visible=False)
    ticket.refresh_from_db()
    page = client.get(url(ticket)).text
    assert "It is still open. It is deleted 14 days after it is closed." in page


def test_by_opening_an_address_nobody_objects(client, ticket):
    for page in ("detail", "objection", "withdraw"):
        client.get(url(ticket, page))
    ticket.refresh_from_db()
    assert ticket.objected_at is None


def test_anothers_objection_is_nothing_to_read_nor_to_withdraw(client, ticket):
    other = f.make_ticket(ticket.queue)
    object_to(other)
    actions.merge(actor=SYSTEM, source=other, target=ticket, visible=False)
    ticket.refresh_from_db()
    assert ticket.objected_at
    page = client.get(url(ticket)).text
    assert "You objected" not in page
    assert url(ticket, "withdraw") not in page
    assert "you objected" not in page
    assert "kept with all data for 14 days after it is closed and then deleted" in page
    assert "2 years" not in page
    client.post(url(ticket, "withdraw"))
    ticket.refresh_from_db()
    assert ticket.objected_at


@pytest.mark.parametrize(("days", "at_end", "offered"), [(7, "erase", 0), (7, "anonymise", 1)])
def test_what_would_change_nothing_is_not_offered(client, days, at_end, offered):
    terms = Terms(retention_days=days, at_end=at_end, retention_sentence="A week.")
    ticket = f.make_ticket(terms=terms)
    assert client.get(url(ticket)).text.count('name="objects"') == offered


def test_the_words_are_those_of_today(client, ticket):
    RetentionSettings(objection_days=5).save()
    assert " 5 " in client.get(url(ticket)).text


# --- erased --------------------------------------------------------------------------------------


@pytest.mark.parametrize("go", [erase, anonymise])
@pytest.mark.parametrize(
    ("reason", "words"),
    [
        (REASON.RETENTION, "The time was over for which we keep requests"),
        (REASON.OBJECTION, "The longer storage had been objected to."),
        (REASON.UNCLOSED, "Nothing had happened with it"),
        (REASON.PERSON, "The person it was about had asked for it."),
        (REASON.BY_HAND, "as promised"),
    ],
)
def test_a_genuine_link_says_that_the_request_was_erased_and_why(client, ticket, go, reason, words):
    close(ticket)
    urls = [url(ticket, page) for page in ("detail", "reply", "objection", "withdraw")]
    subject = ticket.subject
    go(tickets=[ticket.pk], reason=reason)
    for one in urls:
        for response in (client.get(one), client.post(one, {"body": "x"})):
            assert response.status_code == 410
            assert "This request was deleted" in response.text
            assert words in response.text
            assert ("as promised" in response.text) == (reason != REASON.PERSON)
            assert ticket.number in response.text
            assert subject not in response.text
            assert response["Cache-Control"] == "private, no-store"


def test_forged_links_and_those_of_who_took_part_lead_nowhere(client, ticket):
    actions.invite(actor=SYSTEM, ticket=ticket, address="friend@mail.example")
    token = access.participant_token(ticket.participants.get())
    genuine = url(ticket)
    erase(tickets=[ticket.pk], reason=REASON.RETENTION)
    forged = genuine[:-3] + ("aa/" if genuine[-3:-1] != "aa" else "bb/")
    taking_part = reverse("helpdesk_customers:status_detail", kwargs={"token": token})
    for one in (forged, taking_part):
        response = client.get(one)
        assert response.status_code == 404
        assert "This link does not work" in response.text
        assert ticket.number not in response.text


@pytest.mark.parametrize("go", [erase, anonymise])
@pytest.mark.parametrize("steps", [["go"], ["persons"], ["persons", "go"]])
def test_a_link_that_was_withdrawn_is_told_nothing_of_the_end_either(client, ticket, go, steps):
    close(ticket)
    withdrawn = url(ticket)
    actions.withdraw_links(actor=SYSTEM, ticket=ticket)
    ticket.refresh_from_db()
    last = url(ticket)
    for step in steps:
        (erase_persons if step == "persons" else go)(tickets=[ticket.pk], reason=REASON.BY_HAND)
    assert client.get(withdrawn).status_code == 404
    assert ticket.number not in client.get(withdrawn).text
    assert client.get(last).status_code == 410


def test_an_anonymised_request_keeps_its_link_when_it_goes_for_good(client, ticket):
    close(ticket)
    link = url(ticket)
    anonymise(tickets=[ticket.pk], reason=REASON.BY_HAND)
    erase(tickets=[ticket.pk], reason=REASON.BY_HAND)
    assert client.get(link).status_code == 410


def test_of_one_erased_before_links_were_remembered_it_is_told_as_ever(client, ticket):
    link = url(ticket)
    erase(tickets=[ticket.pk], reason=REASON.RETENTION)
    Tombstone.objects.update(link_digest="")
    assert client.get(link).status_code == 410


def test_of_a_request_without_its_people_the_link_says_so(client, ticket):
    close(ticket)
    link = url(ticket)
    erase_persons(tickets=[ticket.pk], reason=REASON.BY_HAND)
    response = client.get(link)
    assert response.status_code == 410
    assert "Your details were deleted from this request" in response.text


def test_by_number_an_erased_one_is_like_one_that_never_was(client, ticket):
    user = f.UserFactory()
    own = f.make_ticket(customer=actions.customer_for_user(user))
    erase(tickets=[own.pk], reason=REASON.RETENTION)
    client.force_login(user)
    pages = [
        client.get(reverse("helpdesk_customers:detail", kwargs={"number": number}))
        for number in (own.number, ticket.number, "2026010110000011")
    ]
    assert [one.status_code for one in pages] == [404, 404, 404]
    assert "Requests are deleted when their time is over" in pages[0].text
    texts = {one.text for one in pages}
    assert len({text.split("<main")[1].split("</main>")[0] for text in texts}) == 1


def test_files_can_be_given_and_are_gone_with_the_request(client):
    upload = (Upload("plan.pdf", b"%PDF-1"),)
    ticket = f.make_ticket()
    draft = actions.Draft(body="see", channel=Channel.WEB, files=upload)
    article = actions.receive_message(actor=SYSTEM, ticket=ticket, draft=draft)
    token, pk = access.status_token(ticket), article.attachments.get().pk
    link = reverse("helpdesk_customers:status_file", kwargs={"token": token, "pk": pk})
    assert client.get(link).status_code == 200
    erase(tickets=[ticket.pk], reason=REASON.RETENTION)
    assert client.get(link).status_code == 410
