"""A customer about to send a form sees own open requests about the same."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from helpdesk import actions, permissions, worker
from helpdesk.models import Article, Blob, EventKind, HeldFile, Ticket, Tombstone
from helpdesk.states import StateType
from tests import factories as f
from tests import page_factories as p
from tests.helpdesk.agents.pages import fields_of

pytestmark = pytest.mark.django_db

WHAT = "Der Drucker im Flur druckt seit gestern nur noch leere Seiten, bitte helfen Sie uns."
FIELDS = [
    p.question("text", "room", "Raum", required=True, in_subject=True),
    p.question("long_text", "what", "Beschreibung"),
    p.question("files", "photo", "Foto", required=True, max_files=2, endings="png, txt"),
]


def text(name="a.txt", content=b"leere Seiten"):
    return SimpleUploadedFile(name, content)


@pytest.fixture
def form():
    return p.make_form(p.make_service(p.make_site().services), FIELDS)


@pytest.fixture
def user(client):
    user = f.UserFactory(first_name="Ada", last_name="Beispiel")
    client.force_login(user)
    return user


@pytest.fixture
def first(client, user, form):
    """The request that the customer has sent already."""
    assert p.sent(client, form, q_what=WHAT, q_photo=text()).status_code == 302
    return Ticket.objects.get()


def asked(client, form, **more):
    return p.sent(client, form, **{"q_what": WHAT + " Danke!", "q_photo": text("b.txt"), **more})


def go_on(client, form, page, **answer):
    """Send the page as a browser without script does: its hidden fields, and the button pressed."""
    return client.post(form.url, {**fields_of(page.content.decode()), **answer})


def test_who_has_an_open_request_about_the_same_is_asked_first(client, form, first):
    page = asked(client, form)
    html = page.content.decode()
    assert page.status_code == 200
    assert first.number in html
    assert reverse("helpdesk_customers:detail", kwargs={"number": first.number}) in html
    assert "b.txt" in html
    assert Ticket.objects.count() == 1


def test_what_was_written_is_added_with_its_files(client, form, first):
    page = asked(client, form, objects_to_storage="on")
    for _time in range(2):  # a second click adds nothing
        answer = go_on(client, form, page, instead=first.number)
        assert answer["Location"].endswith(f"/{first.number}/")
    article = first.articles.order_by("pk").last()
    assert first.articles.count() == 2
    assert WHAT in article.body
    assert (article.visible, article.customer) == (True, first.customer)
    [file] = article.attachments.all()
    assert (file.name, file.blob.read(), file.answer_key) == ("b.txt", b"leere Seiten", "")
    first.refresh_from_db()
    assert first.objected_at is not None
    assert Ticket.objects.count() == 1


@pytest.mark.parametrize(("days", "kept"), [(30, 30), (4000, 730)])
def test_what_the_form_promises_holds_for_the_request_to_which_it_was_added(
    client, form, first, days, kept
):
    form.retention_days, form.storage_purpose = days, "Reparatur"
    form.save_revision().publish()
    page = asked(client, form)
    for _time in range(2):
        go_on(client, form, page, instead=first.number)
    first.refresh_from_db()
    assert first.retention_days == kept
    assert ("30 Tage" in first.retention_sentence) == (days == kept)
    assert ("Reparatur" in first.retention_sentence) == (days == kept)
    shortened = first.events.filter(kind=EventKind.TERMS_APPLIED).count()
    assert shortened == int(days == kept)


def test_personal_answers_that_were_added_go_with_the_personal_details(client, user):
    fields = [
        p.question("text", "tel", "Telefon", private=True, in_subject=True),
        p.question("long_text", "what", "Beschreibung"),
    ]
    form = p.make_form(p.make_service(p.make_site().services), fields)
    form.subject = "Anfrage von {{ customer_name }}"
    form.save_revision().publish()
    assert p.sent(client, form, q_what=WHAT, q_tel="T-1").status_code == 302
    first = Ticket.objects.get()
    page = p.sent(client, form, q_what=WHAT + " Danke!", q_tel="T-2")
    go_on(client, form, page, instead=first.number)
    before = f"{first.subject} " + " ".join(first.articles.values_list("subject", flat=True))
    assert {"T-1", "T-2"} <= set(before.split())
    assert first.articles.first().from_name in before
    name = first.articles.first().from_name
    actions.erase_persons(tickets=[first.pk], reason=Tombstone.Reason.RETENTION)
    first.refresh_from_db()
    said = first.subject + first.preview
    for one in first.articles.all():
        assert WHAT in one.body
        said += f"{one.body} {one.subject} {one.extra}"
    assert not [one for one in ("T-1", "T-2", name) if one in said]


def test_it_can_be_sent_as_a_new_request_all_the_same(client, form, first):
    page = asked(client, form)
    for _time in range(2):
        answer = go_on(client, form, page, instead="new")
        assert "done=" in answer["Location"]
    new = Ticket.objects.exclude(pk=first.pk).get()
    assert WHAT in new.articles.get().body
    assert [file.name for file in new.articles.get().attachments.all()] == ["b.txt"]


def test_back_at_the_form_everything_is_there(client, form, first):
    page = asked(client, form, q_room="7.01")
    back = go_on(client, form, page, instead="edit")
    html = back.content.decode()
    assert WHAT in html
    assert 'value="7.01"' in html
    assert "b.txt" in html
    assert Ticket.objects.count() == 1
    data = {**fields_of(html), "q_room": "7.02", "instead": "new"}
    assert client.post(form.url, data).status_code == 302
    new = Ticket.objects.exclude(pk=first.pk).get()
    assert "7.02" in new.articles.get().body
    assert new.articles.get().attachments.get().name == "b.txt"


def test_the_same_form_sent_twice_is_no_question(client, form, user):
    shown = client.get(form.url).context["form"]["submission_key"].value()
    for _time in range(2):
        answer = p.sent(client, form, q_what=WHAT, q_photo=text(), submission_key=shown)
        assert answer.status_code == 302
    assert Ticket.objects.count() == 1


def test_nobody_is_asked_by_a_typed_address(client, form, first, user):
    client.logout()
    answer = asked(client, form, contact_email=user.email)
    assert answer.status_code == 302
    assert Ticket.objects.count() == 2


def test_another_customers_requests_are_neither_shown_nor_added_to(client, form, first):
    client.force_login(f.UserFactory())
    assert asked(client, form).status_code == 302
    answer = asked(client, form, instead=first.number)
    assert "done=" in answer["Location"]
    assert first.articles.count() == 1


def test_files_held_for_somebody_else_are_not_taken(client, form, first):
    held = fields_of(asked(client, form).content.decode())["q_photo-held"]
    client.force_login(f.UserFactory())
    answer = asked(client, form, q_photo=None, **{"q_photo-held": held})
    assert answer.status_code == 200
    assert "q_photo" in answer.context["form"].errors


def test_what_looks_different_or_is_closed_is_no_question(client, form, first):
    answer = asked(client, form, q_what="Bitte einen neuen Stuhl für das Büro.", q_room="1")
    assert answer.status_code == 302
    actions.change_state(actor=permissions.SYSTEM, ticket=first, state=f.state(StateType.CLOSED))
    Ticket.objects.exclude(pk=first.pk).update(created_at=timezone.now() - timedelta(days=9))
    assert asked(client, form).status_code == 302


def test_held_files_go_after_some_hours_and_their_bytes_with_them(client, form, first):
    asked(client, form, q_photo=text("c.txt", b"only held"))
    [job] = [job for job in worker.schedule() if job.name == "forms.held"]
    job.run()
    assert HeldFile.objects.count() == 1
    with time_machine.travel(timezone.now() + timedelta(hours=24, minutes=1)):
        assert (job.run(), job.run()) == (1, 0)
    assert not HeldFile.objects.exists()
    kept = {row.blob_id for article in Article.objects.all() for row in article.attachments.all()}
    assert set(Blob.objects.values_list("pk", flat=True)) == kept
