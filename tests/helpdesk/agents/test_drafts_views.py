"""Drafts on the ticket screen: with the script as JSON, and with its buttons alone."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from bs4 import BeautifulSoup
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from helpdesk import actions, permissions, worker
from helpdesk.actions import saved_drafts
from helpdesk.models import Article, InformedQueue, Right, SavedDraft
from tests import factories as f

from .conftest import browser
from .test_conflicts import do, form, screen

pytestmark = pytest.mark.django_db
JSON = {"Accept": "application/json"}


def url(ticket, mode="reply", name="draft"):
    return reverse(f"helpdesk_agents:{name}", args=[ticket.pk, mode])


def autosave(client, ticket, text="Dear", mode="reply", **data: Any):
    data = {"body": text, "draft_version": 0, "idempotency_key": "k", **data}
    return client.post(url(ticket, mode), data, headers=JSON)


def composer(client, ticket, mode="reply"):
    page = BeautifulSoup(client.get(screen(ticket)).content, "html.parser")
    return page.select_one(f"form[data-mode={mode}]")


def text_in(client, ticket, mode="reply"):
    return composer(client, ticket, mode).select_one("textarea").get_text().strip()


@pytest.fixture
def fink(red):
    return f.make_agent(red.queue, first_name="Fink", last_name="Vogel")


def test_autosave_answers_when_and_which_version(red):
    at = dt.datetime(2026, 3, 2, 10, 32, tzinfo=timezone.get_current_timezone())
    answer = autosave(red.client, red.ticket)
    assert (answer.status_code, answer.json()["version"]) == (200, 1)
    SavedDraft.objects.update(saved_at=at)
    assert "Draft from" in composer(red.client, red.ticket).get_text()
    assert autosave(red.client, red.ticket, "More", draft_version=1).json()["version"] == 2


def test_a_draft_comes_back_as_it_was_typed_in_its_form(red):
    later = "2031-05-04T09:30"
    waiting = str(f.state("pending_reminder").pk)
    autosave(
        red.client, red.ticket, "Zeile 1\r\n  <b>Zeile 2</b>", mode="reply",
        to="Ada, unfinished", cc="bob@mail.example", state=waiting, pending_until=later,
    )  # fmt: skip
    found = composer(red.client, red.ticket)
    assert not found.has_attr("hidden")
    assert found.select_one("textarea").get_text() == "\nZeile 1\n  <b>Zeile 2</b>"
    assert found.select_one("[name=to]")["value"] == "Ada, unfinished"
    assert found.select_one("[name=cc]")["value"] == "bob@mail.example"
    assert found.select_one("[name=state] [selected]")["value"] == waiting
    assert found.select_one("[name=pending_until]")["value"] == later


def test_the_form_written_in_last_is_open(red):
    autosave(red.client, red.ticket, mode="reply")
    autosave(red.client, red.ticket, mode="note", text="Aside")
    assert not composer(red.client, red.ticket, "note").has_attr("hidden")
    assert text_in(red.client, red.ticket, "reply") == "Dear"


def test_a_draft_is_private_until_shared_then_taken_over(red, fink):
    other = browser(fink)
    autosave(red.client, red.ticket, "Begun by Red")
    assert "Begun by Red" not in other.get(screen(red.ticket)).content.decode()
    autosave(red.client, red.ticket, "Begun by Red", draft_version=1, shared="on")
    page = other.get(screen(red.ticket)).content.decode()
    assert "shares the draft of an answer." in page
    version = SavedDraft.objects.get().version
    answer = other.post(url(red.ticket, name="draft_over"), {"version": version})
    assert answer.status_code == 302
    assert text_in(other, red.ticket) == "Begun by Red"
    # Red's page saves on: what Fink writes is not overwritten
    assert autosave(red.client, red.ticket, "Red again", draft_version=2).status_code == 200
    assert text_in(other, red.ticket) == "Begun by Red"


def test_a_shared_draft_that_changed_is_not_taken_over_unseen(red, fink):
    autosave(red.client, red.ticket, shared="on")
    autosave(red.client, red.ticket, "Changed", draft_version=1, shared="on")
    page = browser(fink).post(url(red.ticket, name="draft_over"), {"version": 1}, follow=True)
    assert "The draft was changed in the meantime." in page.content.decode()
    assert SavedDraft.objects.get().user == red.agent


def test_a_shared_draft_that_is_gone_is_said_to_be(red, fink):
    page = browser(fink).post(url(red.ticket, name="draft_over"), {"version": 1}, follow=True)
    assert "This draft is gone" in page.content.decode()


def test_sending_ends_the_draft(red):
    autosave(red.client, red.ticket, "Dear", idempotency_key="one")
    data = {**form(red.client, red.ticket, "reply"), "idempotency_key": "one"}
    assert red.client.post(do(red.ticket, "reply"), data).status_code == 302
    assert not SavedDraft.objects.exists()
    assert autosave(red.client, red.ticket, "Dear", idempotency_key="one").json() == {"sent": True}
    assert not SavedDraft.objects.exists()


def test_a_refused_message_leaves_the_draft(red):
    autosave(red.client, red.ticket, "Dear")
    data = {**form(red.client, red.ticket, "reply"), "to": "nobody"}
    assert red.client.post(do(red.ticket, "reply"), data).status_code == 422
    assert SavedDraft.objects.exists()


def test_an_empty_text_is_no_draft(red):
    assert autosave(red.client, red.ticket, "  ").json() == {"saved": "", "version": 0}
    autosave(red.client, red.ticket)
    autosave(red.client, red.ticket, "", draft_version=1)
    assert not SavedDraft.objects.exists()


def test_another_window_is_told_of_and_may_go_first_all_the_same(red):
    autosave(red.client, red.ticket, "one")
    autosave(red.client, red.ticket, "two", draft_version=1)
    answer = autosave(red.client, red.ticket, "three", draft_version=1)
    assert answer.status_code == 409
    assert "another window" in answer.json()["message"]
    assert autosave(red.client, red.ticket, "three", draft_version=1, force=1).status_code == 200
    assert text_in(red.client, red.ticket) == "three"


# --- without script ------------------------------------------------------------------------------


def test_a_button_saves_the_draft_with_its_files(red):
    data = {**form(red.client, red.ticket, "note"), "body": "Half"}
    data["files"] = SimpleUploadedFile("plan.txt", b"the plan")
    page = red.client.post(url(red.ticket, "note"), data, follow=True)
    assert "Draft saved at" in page.content.decode()
    again = form(red.client, red.ticket, "note", page)
    assert (again["body"], len(again["drafted"])) == ("Half", 1)
    red.client.post(do(red.ticket, "note"), again)
    assert [one.name for one in Article.objects.latest("pk").attachments.all()] == ["plan.txt"]


def test_a_button_says_that_another_window_saved(red):
    data = {**form(red.client, red.ticket, "note"), "body": "Mine"}
    autosave(red.client, red.ticket, "Other", mode="note")
    page = red.client.post(url(red.ticket, "note"), data)
    assert page.status_code == 409
    assert "another window" in page.content.decode()
    again = form(red.client, red.ticket, "note", page)
    assert again["body"] == "Mine"
    assert red.client.post(url(red.ticket, "note"), again).status_code == 302
    assert text_in(red.client, red.ticket, "note") == "Mine"


def test_a_file_too_large_is_said_and_nothing_is_lost(red, settings):
    settings.HELPDESK = {**settings.HELPDESK, "UPLOAD_MAX_BYTES": 3}
    data = {**form(red.client, red.ticket, "note"), "body": "Half"}
    data["files"] = SimpleUploadedFile("plan.txt", b"the plan")
    page = red.client.post(url(red.ticket, "note"), data)
    assert page.status_code == 422
    assert form(red.client, red.ticket, "note", page)["body"] == "Half"


def test_a_draft_is_discarded_by_a_button(red):
    autosave(red.client, red.ticket)
    button = composer(red.client, red.ticket).select_one(
        f"[formaction='{url(red.ticket, name='draft_off')}']"
    )
    assert not button.has_attr("hidden")
    assert red.client.post(button["formaction"], {"body": "Dear"}).status_code == 302
    assert not SavedDraft.objects.exists()
    assert text_in(red.client, red.ticket) == ""


def test_enter_in_a_field_sends_and_does_not_discard(red):
    buttons = composer(red.client, red.ticket).select("button[type=submit]")
    assert not buttons[0].has_attr("formaction")


# --- who may not ---------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["stranger", "along", "reader", "noter"])
@pytest.mark.parametrize("name", ["draft", "draft_off", "draft_over"])
def test_drafts_of_answers_are_absent_for_who_may_not_answer(red, blue, who, name):
    autosave(red.client, red.ticket, "Secret draft", shared="on")
    if who == "along":
        InformedQueue.objects.create(ticket=red.ticket, queue=blue.queue, at=timezone.now())
    rights = {"reader": [Right.READ], "noter": [Right.READ, Right.NOTE]}.get(who)
    client = browser(f.make_agent(red.queue, rights=rights)) if rights else blue.client
    before = list(SavedDraft.objects.values())
    for headers in ({}, JSON):
        answer = client.post(
            url(red.ticket, name=name), {"body": "x", "version": 1}, headers=headers
        )
        assert answer.status_code == 404
    assert list(SavedDraft.objects.values()) == before
    if who != "stranger":
        assert "Secret draft" not in client.get(screen(red.ticket)).content.decode()


def test_unknown_kinds_of_drafts_are_not_found(red):
    for name in ("draft", "draft_off", "draft_over"):
        assert red.client.post(url(red.ticket, "poem", name), {"body": "x"}).status_code == 404
        assert red.client.get(url(red.ticket, "note", name)).status_code == 405
    assert red.client.post(url(red.ticket, "note", "draft_over")).status_code == 404


def test_customers_see_no_drafts(red, client):
    customer = f.CustomerAddressFactory(verified_at=timezone.now()).customer
    customer.user = f.UserFactory()
    customer.save()
    actions.set_customer(actor=permissions.SYSTEM, ticket=red.ticket, customer=customer)
    autosave(red.client, red.ticket, "Secret draft", shared="on")
    client.force_login(customer.user)
    page = client.get(reverse("helpdesk_customers:detail", args=[red.ticket.number]))
    assert page.status_code == 200
    assert "Secret draft" not in page.content.decode()


def test_lists_mark_tickets_with_an_own_draft(red, fink):
    autosave(red.client, red.ticket, shared="on")
    page = reverse("helpdesk_agents:tickets")
    assert "You have a draft here" in red.client.get(page).content.decode()
    assert "You have a draft here" not in browser(fink).get(page).content.decode()


def test_the_worker_forgets_old_drafts(red):
    autosave(red.client, red.ticket)
    actions.change_state(actor=red.actor, ticket=red.ticket, state=f.state("closed"))
    long_ago = timezone.now() - dt.timedelta(days=31)
    type(red.ticket).objects.filter(pk=red.ticket.pk).update(closed_at=long_ago)
    SavedDraft.objects.update(saved_at=long_ago)
    worker.tidy()
    assert not SavedDraft.objects.exists()
    assert saved_drafts.tidy_drafts() == 0
