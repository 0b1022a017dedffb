"""Automatic answers in the admin: whose they are, what cannot be saved, what the preview shows."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from helpdesk.models import AutoResponse, Queue, Right
from tests import factories as f

from .conftest import browser

pytestmark = pytest.mark.django_db

TEXTS = {
    "subject_de": "Anfrage {{ number }}",
    "body_de": "{{ greeting }}\n\nschön, dass Sie schreiben.\n{{ status_link }}",
    "subject_en": "",
    "body_en": "<b>Hi {{ customer_name }}</b>",
}


def url(action: str, *args: object) -> str:
    return reverse(f"helpdesk_responses:{action}", args=args)


def data(queue, kind="received", **fields):
    return {"queue": queue.pk, "kind": kind, "is_active": "on", **TEXTS, **fields}


def make(queue, kind="received", **fields):
    return AutoResponse.objects.create(queue=queue, kind=kind, **{**TEXTS, **fields})


def test_answer_is_written_and_changed_by_who_manages_the_queue(red):
    assert red.client.post(url("add"), data(red.queue)).status_code == 302
    row = AutoResponse.objects.get()
    assert (row.queue, row.kind, row.body_en) == (red.queue, "received", TEXTS["body_en"])
    changed = data(red.queue, body_en="Hello.", is_active="")
    assert red.client.post(url("edit", row.pk), changed).status_code == 302
    row.refresh_from_db()
    assert (row.body_en, row.is_active) == ("Hello.", False)
    assert red.client.post(url("delete", row.pk)).status_code == 302
    assert not AutoResponse.objects.exists()


def test_list_leads_to_the_answers(red):
    assert url("edit", make(red.queue).pk) in red.client.get(url("index")).content.decode()


def test_answers_of_other_queues_are_absent(red, blue):
    row = make(blue.queue)
    assert "Blue" not in red.client.get(url("index")).content.decode()
    assert red.client.get(url("edit", row.pk)).status_code == 404
    assert red.client.post(url("edit", row.pk), data(blue.queue, body_en="x")).status_code == 404
    assert red.client.post(url("delete", row.pk)).status_code == 404
    assert red.client.post(url("add"), data(blue.queue, "refused")).status_code == 200
    assert list(AutoResponse.objects.values_list("body_en", flat=True)) == [TEXTS["body_en"]]


def test_agent_without_manage_is_sent_away(red):
    agent = browser(f.make_agent(red.queue, rights=[Right.READ, Right.ANSWER]))
    assert agent.get(url("index")).status_code == 302
    assert agent.get(url("add")).status_code == 302
    assert agent.get(url("edit", make(red.queue).pk)).status_code == 302


def test_one_answer_of_a_kind_for_a_queue(red):
    make(red.queue)
    page = red.client.post(url("add"), data(red.queue))
    assert page.status_code == 200
    assert "already exists" in page.content.decode()


def test_queue_and_kind_of_an_answer_are_fixed(red):
    row, other = make(red.queue), f.QueueFactory(parent=red.queue)
    red.client.post(url("edit", row.pk), data(other, "refused", body_en="New."))
    row.refresh_from_db()
    assert (row.queue, row.kind, row.body_en) == (red.queue, "received", "New.")


@pytest.mark.parametrize("field", TEXTS)
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{{ nubmer }}", "There is no variable “nubmer”. Known here: greeting, customer_name"),
        ("{{ number }", "two braces"),
        ("{{ closed_number }}", "There is no variable “closed_number”"),
    ],
)
def test_text_with_a_wrong_variable_is_refused_at_its_field(red, field, text, words):
    page = red.client.post(url("add"), data(red.queue, **{field: text}))
    assert page.status_code == 200
    errors = page.context["form"].errors
    assert list(errors) == [field]
    assert words in errors[field][0]
    assert not AutoResponse.objects.exists()


def test_edit_page_shows_variables_and_both_languages(red):
    page = red.client.get(url("edit", make(red.queue).pk)).content.decode()
    assert "{{ expected_answer }}" in page
    assert "{{ closed_number }}" not in page
    assert "[Ticket#2026031510000427] Anfrage 2026031510000427" in page
    assert "schön, dass Sie schreiben." in page
    assert "&lt;b&gt;Hi Kim Weber&lt;/b&gt;" in page
    assert "<b>Hi" not in page


def test_preview_shows_what_is_typed_and_saves_nothing(red):
    row = make(red.queue)
    typed = data(red.queue, body_en="Typed just now: {{ queue }}.", preview="1")
    page = red.client.post(url("edit", row.pk), typed)
    assert page.status_code == 200
    assert "<p>Typed just now: Red.</p>" in page.content.decode()
    row.refresh_from_db()
    assert row.body_en == TEXTS["body_en"]
    page = red.client.post(url("add"), {**typed, "kind": "new_ticket"}).content.decode()
    assert "<p>Typed just now: Red.</p>" in page
    assert AutoResponse.objects.count() == 1


def test_preview_of_a_wrong_text_says_what_is_wrong(red):
    row = make(red.queue)
    page = red.client.post(url("edit", row.pk), data(red.queue, body_en="{{ x }}", preview="1"))
    assert "There is no variable “x”" in page.content.decode()
    assert page.context["previews"] == []


@pytest.mark.parametrize("kind", AutoResponse.Kind.values)
def test_preview_of_empty_texts_is_the_built_in_one_without_gaps(red, kind):
    row = AutoResponse.objects.create(queue=red.queue, kind=kind)
    page = red.client.get(url("edit", row.pk))
    english = next(one for one in page.context["previews"] if one.language == "en")
    assert english.body.startswith("Dear Kim Weber,\n\n")
    assert "The projector in room 2.14 stays dark" in english.body
    assert english.body.endswith(" wrote this mail automatically.\n")
    assert "{{" not in english.body


def test_list_costs_the_same_for_few_and_many(admin):
    def queries(more: int) -> int:
        for _number in range(more):
            make(f.QueueFactory())
        with CaptureQueriesContext(
            connection,
        ) as seen:
            assert admin.get(url("index")).status_code == 200
        return len(seen)

    queries(1)  # caches
    few = queries(1)
    assert queries(45) == few


def test_queue_page_says_what_holds_and_leads_there(red):
    below = f.QueueFactory(parent=red.queue, name="Below")
    received = make(red.queue)
    AutoResponse.objects.create(queue=red.queue, kind="refused", is_active=False)
    page = red.client.get(reverse("helpdesk_queues:edit", args=[red.queue.pk]))
    assert [line.what for line in page.context["responses"]] == [
        "own text",
        "nothing is sent",
        "nothing is sent",
        "built-in text",
    ]
    assert url("edit", received.pk) in page.content.decode()
    page = red.client.get(reverse("helpdesk_queues:edit", args=[below.pk]))
    lines = page.context["responses"]
    assert [line.what for line in lines] == [
        "text of the queue “Red”",
        "nothing is sent",
        "nothing is sent, as in the queue “Red”",
        "built-in text",
    ]
    form = red.client.get(lines[2].url).context["form"]
    assert (form["queue"].value(), form["kind"].value()) == (str(below.pk), "refused")
    Queue.objects.filter(pk=below.pk).update(sends_receipt=False)
    page = red.client.get(reverse("helpdesk_queues:edit", args=[below.pk]))
    assert "confirms no receipt" in page.context["responses"][0].what


def test_signature_takes_variables_and_refuses_unknown_ones(red):
    edit = reverse("helpdesk_queues:edit", args=[red.queue.pk])
    queue = {"name": "Red", "slug": "red", "purpose": "x", "is_active": "on"}
    queue |= {"addresses-TOTAL_FORMS": 0, "addresses-INITIAL_FORMS": 0}
    page = red.client.post(edit, {**queue, "signature_en": "{{ agent }}"})
    assert "Known here: agent_name" in page.context["form"].errors["signature_en"][0]
    page = red.client.post(edit, {**queue, "signature_en": "{{ agent_name }}"})
    assert page.status_code == 302


def test_menu_offers_them_to_managers(red):
    assert url("index") in red.client.get(reverse("wagtailadmin_home")).content.decode()
