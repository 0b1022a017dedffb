from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.db.models import ProtectedError
from django.test import Client
from django.utils import timezone
from wagtail.models import GroupApprovalTask, Locale, Page, Workflow, WorkflowTask

from helpdesk.models import Customer, OutboundMail, Priority, Ticket, TicketType
from helpdesk.rules.terms import objection_wording
from portal.models import IntakeFormPage
from tests import factories as f
from tests import page_factories as p

pytestmark = pytest.mark.django_db

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 64

EVERYTHING = {
    "q_what": "Es druckt nichts.\nSeit gestern.",
    "q_mail": "zwei@mail.example",
    "q_phone": "+49 211 81-1",
    "q_count": "2,5",
    "q_day": "2026-11-20",
    "q_kind": "toner",
    "q_floors": ["one", "two"],
    "q_urgent": "yes",
    "q_agree": "on",
}


@pytest.fixture
def tree():
    return p.make_site()


@pytest.fixture
def page(tree):
    return p.make_form(tree.services)


@pytest.fixture
def full(tree):
    return p.make_form(p.make_service(tree.services), p.ALL_FIELDS)


def answers(ticket):
    return {entry["key"]: entry for entry in ticket.answers}


def test_submission_opens_one_ticket_and_redirects_to_the_thanks(client, page):
    response = p.sent(client, page)
    ticket = Ticket.objects.get()
    assert response.status_code == 302
    assert ticket.number in client.get(response["Location"]).content.decode()
    assert (ticket.queue, ticket.page_id, ticket.revision_id, ticket.form_key) == (
        page.queue,
        page.pk,
        page.live_revision_id,
        page.translation_key,
    )
    assert (ticket.contact, ticket.language, ticket.channel) == ("ada@mail.example", "de", "web")
    assert ticket.customer.name == "Ada Beispiel"
    article = ticket.articles.get()
    assert (article.body, article.from_name) == ("Raum: 12.3", "Ada Beispiel")


def test_snapshot_is_typed_and_shown_in_the_page_language(client, full):
    response = p.sent(client, full, **EVERYTHING)
    assert response.status_code == 302, response.context["form"].errors
    ticket = Ticket.objects.get()
    found = answers(ticket)
    assert ticket.subject == "Störung melden: 12.3"
    assert {key: entry["value"] for key, entry in found.items()} == {
        "room": "12.3",
        "what": "Es druckt nichts.\nSeit gestern.",
        "mail": "zwei@mail.example",
        "phone": "+49 211 81-1",
        "count": 2.5,
        "day": "2026-11-20",
        "kind": "toner",
        "floors": ["one", "two"],
        "urgent": True,
        "photo": [],
        "agree": True,
    }
    assert found["day"]["shown"] == "20. November 2026"
    assert found["count"]["shown"] == "2,5"
    assert found["kind"]["choices"] == [
        {"value": "paper", "label": "Papier"},
        {"value": "toner", "label": "Toner"},
    ]
    assert (found["room"]["help"], found["mail"]["private"]) == ("Am Türschild", True)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"q_room": ""}, "q_room"),
        ({"contact_name": ""}, "contact_name"),
        ({"contact_email": "nowhere"}, "contact_email"),
        ({"contact_email": ""}, "contact_email"),
        ({"q_count": "eleven"}, "q_count"),
        ({"q_count": "11"}, "q_count"),
        ({"q_day": "yesterday"}, "q_day"),
        ({"q_kind": "gold"}, "q_kind"),
        ({"q_phone": "call me"}, "q_phone"),
        ({"q_agree": None}, "q_agree"),
        ({"remarks_check": "buy now"}, "remarks_check"),
    ],
)
def test_invalid_submission_makes_no_ticket_and_keeps_what_was_typed(client, full, changes, field):
    response = p.sent(client, full, **{**EVERYTHING, **changes})
    html = response.content.decode()
    assert response.status_code == 200
    assert field in response.context["form"].errors
    assert not Ticket.objects.exists()
    assert not Customer.objects.exists()
    assert "Es druckt nichts." in html
    assert f'href="#id_{field}' in html
    assert 'aria-invalid="true"' in html


def test_files_are_kept_while_another_answer_is_wrong(client, full):
    file = SimpleUploadedFile("a.png", PNG)
    response = p.sent(client, full, **{**EVERYTHING, "q_room": "", "q_photo": file})
    assert response.context["form"].held_names() == ["a.png"]


def test_file_is_kept_with_the_key_of_its_field(client, full):
    file = SimpleUploadedFile("a.png", PNG, content_type="text/html")
    p.sent(client, full, **EVERYTHING, q_photo=file)
    ticket = Ticket.objects.get()
    attachment = ticket.articles.get().attachments.get()
    assert (attachment.name, attachment.content_type, attachment.answer_key) == (
        "a.png",
        "image/png",
        "photo",
    )
    assert answers(ticket)["photo"]["value"] == [
        {"name": "a.png", "size": len(PNG), "content_type": "image/png"}
    ]


@pytest.mark.parametrize(
    "files",
    [
        [SimpleUploadedFile("a.png", b"#!/bin/sh\n")],
        [SimpleUploadedFile("a.txt", PNG)],
        [SimpleUploadedFile("a.pdf", b"%PDF-1.7\n")],
        [SimpleUploadedFile("a", b"text")],
        [SimpleUploadedFile("a.txt", b"")],
        [SimpleUploadedFile("a.txt", b"x" * (1024 * 1024 + 1))],
        [SimpleUploadedFile(f"{n}.txt", b"x") for n in range(3)],
    ],
    ids=["script as picture", "picture as text", "ending", "no ending", "empty", "big", "many"],
)
def test_wrong_file_is_refused_at_its_field(client, full, files):
    response = p.sent(client, full, **EVERYTHING, q_photo=files)
    assert list(response.context["form"].errors) == ["q_photo"]
    assert not Ticket.objects.exists()


def test_repeated_submission_makes_no_second_ticket(client, page):
    key = client.get(page.url).context["form"]["submission_key"].value()
    first = p.sent(client, page, submission_key=key)
    second = p.sent(client, page, submission_key=key)
    assert Ticket.objects.count() == 1
    ticket = Ticket.objects.get()
    for response in (first, second):
        assert ticket.number in client.get(response["Location"]).content.decode()


def test_changed_submission_of_the_same_page_view_makes_a_second_ticket(client, page):
    key = client.get(page.url).context["form"]["submission_key"].value()
    p.sent(client, page, submission_key=key)
    p.sent(client, page, submission_key=key, q_room="99")
    assert Ticket.objects.count() == 2


@pytest.mark.parametrize("reference", ["", "1", "1:abc:def"])
def test_thanks_with_a_forged_reference_names_no_ticket(client, page, reference):
    p.sent(client, page)
    response = client.get(page.url, {"done": reference})
    assert response.status_code == 200
    assert response.context["ticket"] is None


def test_thanks_forgets_the_number_after_an_hour(client, page, time_machine):
    target = p.sent(client, page)["Location"]
    time_machine.move_to(timezone.now() + timedelta(seconds=3601))
    assert client.get(target).context["ticket"] is None


def test_form_is_never_cached_and_needs_its_token(page):
    strict = Client(enforce_csrf_checks=True)
    response = strict.get(page.url)
    assert "no-store" in response["Cache-Control"]
    assert strict.post(page.url, {"q_room": "1"}).status_code == 403


def test_logged_in_asker_is_known_and_cannot_be_somebody_else(client, page):
    user = f.UserFactory(first_name="Grace", last_name="Muster")
    client.force_login(user)
    p.sent(client, page, contact_name="Mallory", contact_email="mallory@mail.example")
    ticket = Ticket.objects.get()
    assert ticket.customer.user == user
    assert ticket.contact == user.email
    assert ticket.articles.get().from_name == "Grace Muster"


def test_objection_is_stored_with_its_wording(client, page):
    p.sent(client, page, objects_to_storage="on")
    ticket = Ticket.objects.get()
    assert ticket.objected_at is not None
    assert ticket.objection_wording == objection_wording(14, "de")
    assert ticket.objection_channel == "web"


def test_objection_is_unticked_and_its_absence_stored_as_such(client, page):
    assert not client.get(page.url).context["form"]["objects_to_storage"].value()
    p.sent(client, page)
    assert Ticket.objects.get().objected_at is None


def test_the_thank_you_page_says_that_the_objection_is_noted(client, page):
    noted = "Ihren Widerspruch gegen die längere Aufbewahrung haben wir vermerkt."
    answer = p.sent(client, page, objects_to_storage="on")
    assert noted in client.get(answer["Location"]).text
    answer = p.sent(client, page, contact_email="other@mail.example")
    assert noted not in client.get(answer["Location"]).text


def test_an_objection_that_would_change_nothing_is_not_offered(client, page):
    page.retention_days = 7
    page.save_revision().publish()
    assert "objects_to_storage" not in client.get(page.url).text
    p.sent(client, page, objects_to_storage="on")
    assert Ticket.objects.get().objected_at is None
    assert "room" in p.sent(client, page, q_room="").text  # its errors are listed all the same


def test_terms_of_the_page_come_before_those_of_the_queue(client, tree):
    queue = f.QueueFactory(retention_days=100, legal_basis_de="Art. 6")
    page = p.make_form(tree.services, queue=queue, retention_days=365)
    sentence = client.get(page.url).context["retention_sentence"]
    p.sent(client, page)
    ticket = Ticket.objects.get()
    assert (ticket.retention_days, ticket.legal_basis) == (365, "Art. 6")
    assert ticket.retention_sentence == sentence


def test_type_and_priority_of_the_page_are_given_to_the_ticket(client, tree):
    kind, high = TicketType.objects.first(), Priority.objects.order_by("-level").first()
    p.sent(client, p.make_form(tree.services, ticket_type=kind, priority=high))
    ticket = Ticket.objects.get()
    assert (ticket.type, ticket.priority) == (kind, high)


def test_ticket_keeps_its_snapshot_when_the_form_changes(client, page):
    p.sent(client, page)
    before = Ticket.objects.get().answers
    page.fields[0].value["label"] = "Zimmer"
    page.save_revision().publish()
    assert Ticket.objects.get().answers == before
    assert before[0]["label"] == "Raum"
    assert IntakeFormPage.objects.get().fields[0].value["key"] == "room"


@pytest.mark.parametrize("change", ["delete", "unpublish", "move"])
def test_ticket_outlives_what_happens_to_its_page(client, tree, page, change):
    p.sent(client, page)
    changes = {
        "delete": lambda: Page.objects.get(pk=page.pk).delete(),
        "unpublish": page.unpublish,
        "move": lambda: page.move(tree.home, "last-child"),
    }
    changes[change]()
    ticket = Ticket.objects.get()
    assert ticket.page_id == {"delete": None}.get(change, page.pk)
    assert answers(ticket)["room"]["value"] == "12.3"


def test_queue_of_a_form_cannot_be_deleted(page):
    with pytest.raises(ProtectedError):
        page.queue.delete()


def test_copy_keeps_the_field_keys_and_counts_for_itself(tree, full):
    copy = full.copy(update_attrs={"slug": "kopie", "title": "Kopie"})
    copy = IntakeFormPage.objects.get(pk=copy.pk)
    assert copy.get_data_fields() == full.get_data_fields()
    assert copy.translation_key != full.translation_key


def test_translation_keeps_keys_and_is_one_set_of_data(client, tree):
    page = p.make_form(tree.home, p.ALL_FIELDS)
    english = page.copy_for_translation(Locale.objects.get(language_code="en"))
    assert not english.live
    english.fields[0].value["label"] = "Room"
    english.save_revision().publish()
    english.refresh_from_db()
    assert english.url.startswith("/en/")
    response = p.sent(client, english, **EVERYTHING | {"q_count": "2.5"})
    assert response.status_code == 302, response.context["form"].errors
    ticket = Ticket.objects.get()
    assert ticket.form_key == page.translation_key
    assert ticket.language == "en"
    assert answers(ticket)["room"]["label"] == "Room"
    assert answers(ticket)["kind"]["value"] == "toner"
    assert answers(ticket)["day"]["shown"] == "20 November 2026"


def test_alias_takes_submissions_under_the_revision_of_its_source(client, tree, page):
    alias = page.create_alias(parent=p.make_service(tree.services))
    p.sent(client, alias)
    ticket = Ticket.objects.get()
    assert (ticket.page_id, ticket.revision_id) == (alias.pk, page.live_revision_id)


def test_draft_is_not_served(client, page):
    page.title = "Neuer Titel"
    page.save_revision()
    assert "Neuer Titel" not in client.get(page.url).content.decode()


def test_preview_shows_the_form_and_makes_no_ticket(admin_client, page):
    response = page.make_preview_request(preview_mode="form")
    html = response.render().content.decode() if hasattr(response, "render") else ""
    assert "disabled" in html
    assert 'action="' not in html.split('<form class="form')[1].split(">")[0]
    assert page.make_preview_request(preview_mode="landing").status_code == 200
    assert not Ticket.objects.exists()


def test_submission_sends_nothing_by_itself(client, page, mailoutbox):
    p.sent(client, page)
    assert mailoutbox == []
    assert OutboundMail.objects.count() <= 1


def test_form_is_published_on_schedule(client, page, time_machine):
    soon = timezone.now() + timedelta(hours=1)
    page.go_live_at, page.title = soon, "Neuer Titel"
    page.save_revision().publish()
    assert "Neuer Titel" not in client.get(page.url).content.decode()
    time_machine.move_to(soon + timedelta(minutes=1))
    call_command("publish_scheduled")
    assert "Neuer Titel" in client.get(page.url).content.decode()


def test_form_goes_live_through_a_workflow(client, page):
    user = f.UserFactory(is_superuser=True)
    workflow = Workflow.objects.create(name="Vier Augen")
    task = GroupApprovalTask.objects.create(name="Freigabe")
    WorkflowTask.objects.create(workflow=workflow, task=task, sort_order=0)
    page.title = "Neuer Titel"
    page.save_revision()
    state = workflow.start(page, user)
    assert "Neuer Titel" not in client.get(page.url).content.decode()
    state.current_task_state.specific.approve(user=user)
    assert "Neuer Titel" in client.get(page.url).content.decode()


def test_body_reads_as_question_and_answer(client, full):
    p.sent(client, full, **EVERYTHING)
    body = Ticket.objects.get().articles.get().body
    assert "Beschreibung:\nEs druckt nichts.\nSeit gestern." in body
    assert "Eilt es? Ja" in body
    assert "Foto" not in body


def test_thanks_leads_to_the_request(client, page):
    thanks = client.get(p.sent(client, page)["Location"])
    assert client.get(thanks.context["status_url"]).status_code == 200
