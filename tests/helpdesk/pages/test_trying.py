"""Trying a form: the latest draft, as a marked ticket that is mailed to nobody."""

from __future__ import annotations

import json

import pytest
from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from wagtail.models import GroupPagePermission

from helpdesk import storage
from helpdesk.models import (
    AuditEntry,
    Blob,
    Clock,
    Notice,
    OutboundMail,
    Promise,
    Ticket,
    UntoldEvent,
)
from helpdesk.pages import acceptance
from portal.models import IntakeFormPage
from tests import factories as f
from tests import page_factories as p

pytestmark = pytest.mark.django_db

FIELDS = [
    p.question("text", "room", "Raum", required=True),
    p.question("files", "photo", "Foto", max_files=2, max_megabytes=1, endings="png, txt"),
]


@pytest.fixture
def tree():
    return p.make_site()


@pytest.fixture
def queue(db):
    return f.QueueAddressFactory(address="druck@desk.example").queue


@pytest.fixture
def page(tree, queue):
    return p.make_form(tree.services, FIELDS, queue=queue)


def editor_of(page):
    user = f.UserFactory()
    group = f.make_team()
    GroupPagePermission.objects.create(
        group=group, page=page, permission=Permission.objects.get(codename="change_page", content_type__app_label="wagtailcore")
    )  # fmt: skip
    user.groups.add(group)
    return user


def browser(user):
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def editor(page):
    return editor_of(page)


@pytest.fixture
def client(editor):
    return browser(editor)


def address(page):
    return reverse("helpdesk_forms:try", args=[page.pk])


def tried(client, page, **data):
    shown = client.get(address(page)).context["form"]
    data = {"submission_key": shown["submission_key"].value(), "q_room": "12.3", **data}
    return client.post(address(page), data)


def test_a_test_is_a_marked_ticket_mailed_to_nobody(client, editor, page, queue):
    f.make_agent(queue)
    answer = tried(client, page)
    ticket = Ticket.objects.get()
    assert answer.status_code == 302
    assert ticket.is_test
    assert (ticket.queue, ticket.contact, ticket.customer.user) == (queue, "", editor)
    assert [entry["shown"] for entry in ticket.answers] == ["12.3", ""]
    for model in (OutboundMail, Notice, UntoldEvent, Clock):
        assert not model.objects.exists()
    assert acceptance.submissions([page.translation_key]) == {}


def test_it_is_the_latest_draft_that_is_tried(client, page):
    draft = IntakeFormPage.objects.get(pk=page.pk)
    draft.fields = json.dumps([p.question("text", "floor", "Stockwerk", required=True)])
    draft.save_revision()
    shown = client.get(address(page)).content.decode()
    assert 'name="q_floor"' in shown
    assert 'name="q_room"' not in shown
    assert client.post(address(page), {"q_room": "1"}).status_code == 200
    assert not Ticket.objects.exists()
    tried(client, page, q_floor="3")
    assert Ticket.objects.get().revision_id == draft.latest_revision_id


def test_what_is_wrong_is_refused_as_in_the_real_form(client, page):
    bad = SimpleUploadedFile("a.png", b"no picture")
    answer = tried(client, page, q_photo=bad)
    assert answer.status_code == 200
    assert answer.context["form"].errors
    assert not Ticket.objects.exists()


def test_a_closed_form_for_others_can_be_tried(client, page):
    page.closes_at, page.audience, page.submission_limit = "2020-01-01T00:00Z", "groups", 1
    page.save_revision()
    assert tried(client, page).status_code == 302


def test_the_result_says_what_would_have_happened(client, page, queue):
    other = f.QueueFactory(name="Lager")
    owner = f.make_agent(other, first_name="Olga", last_name="Owner")
    rule = {"condition": None, "queue": other.pk, "owner": owner.pk}
    page.routes = json.dumps([{"type": "route", "value": rule}])
    page.subject = "Raum {{ answer_room }}"
    page.receipt_text = "{{ greeting }}\n\nRaum {{ answer_room }} ist notiert."
    page.save_revision()
    html = client.get(tried(client, page)["Location"]).content.decode()
    for words in ("Lager", "Olga Owner", "Raum 12.3", "Raum 12.3 ist notiert.", "gelöscht"):
        assert words in html
    assert not OutboundMail.objects.exists()
    assert reverse("helpdesk_agents:ticket", args=[Ticket.objects.get().pk]) not in html


def test_the_result_tells_of_an_owner_who_may_not(client, page):
    stranger = f.make_agent(f.QueueFactory(), first_name="Olga")
    page.routes = json.dumps([{"type": "route", "value": {"owner": stranger.pk}}])
    page.save_revision()
    answer = client.get(tried(client, page)["Location"])
    assert "Olga" in answer.context["problem"]
    assert Ticket.objects.get().owner is None


def test_the_result_tells_of_a_queue_without_receipts(client, page, queue):
    queue.sends_receipt = False
    queue.save()
    answer = client.get(tried(client, page)["Location"])
    assert answer.context["receipt"] is None


def test_sent_twice_is_one_test(client, page):
    shown = client.get(address(page)).context["form"]
    data = {"submission_key": shown["submission_key"].value(), "q_room": "12.3"}
    assert (
        client.post(address(page), data)["Location"] == client.post(address(page), data)["Location"]
    )
    assert Ticket.objects.count() == 1


# --- who may -------------------------------------------------------------------------------------


def strangers(page, queue):
    other = p.make_form(page.get_parent(), FIELDS, title="Andere")
    return [editor_of(other), f.make_agent(queue), f.make_agent(f.QueueFactory())]


def test_who_may_not_edit_the_page_finds_no_test(page, queue, editor):
    location = tried(browser(editor), page)["Location"]
    ticket = Ticket.objects.get()
    discard = reverse("helpdesk_forms:discard", args=[ticket.pk])
    for user in [*strangers(page, queue), editor_of(page)]:
        stranger = browser(user)
        if user.pk != editor.pk:
            assert stranger.get(location).status_code == 404
    for user in strangers(page, queue):
        assert browser(user).get(address(page)).status_code == 404
        assert browser(user).post(address(page), {"q_room": "1"}).status_code == 404
    nobody = Client()
    assert nobody.get(address(page)).status_code == 302
    assert nobody.post(discard).status_code == 302
    no_editor = browser(f.UserFactory())
    assert no_editor.get(address(page)).status_code == 302
    assert Ticket.objects.count() == 1


@pytest.mark.parametrize("path", ["999999/try/", "1/try/", "tests/999999/"])
def test_what_is_no_form_or_test_is_not_found(client, path):
    assert client.get(f"/admin/helpdesk/forms/{path}").status_code == 404


def test_tries_need_their_token(page, editor):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(editor)
    assert strict.post(address(page), {"q_room": "1"}).status_code == 403
    assert not Ticket.objects.exists()


def test_a_real_request_has_no_result_page(client, editor, page):
    ticket = f.make_ticket(page.queue)
    assert client.get(reverse("helpdesk_forms:tried", args=[ticket.pk])).status_code == 404
    assert client.post(reverse("helpdesk_forms:discard", args=[ticket.pk])).status_code == 404


# --- deleting ------------------------------------------------------------------------------------


def test_a_test_is_deleted_with_its_files(client, page, django_capture_on_commit_callbacks):
    tried(client, page, q_photo=SimpleUploadedFile("a.txt", b"only here"))
    ticket, blob = Ticket.objects.get(), Blob.objects.get()
    discard = reverse("helpdesk_forms:discard", args=[ticket.pk])
    assert client.get(discard).status_code == 405
    with django_capture_on_commit_callbacks(execute=True):
        answer = client.post(discard, {"next": "https://evil.example/"})
    assert answer["Location"] == reverse("wagtailadmin_home")
    assert not Ticket.objects.exists()
    assert not Blob.objects.exists()
    with pytest.raises(FileNotFoundError):
        storage.read(blob.sha256)
    line = AuditEntry.objects.get(kind="test.discarded")
    assert line.ticket_number == ticket.number


@pytest.mark.parametrize(
    ("rights", "status"), [(["read", "manage"], 302), (["read", "note", "answer", "own"], 404)]
)
def test_agents_who_manage_the_queue_may_delete_it(client, page, queue, rights, status):
    tried(client, page)
    ticket = Ticket.objects.get()
    agent = browser(f.make_agent(queue, rights=rights))
    screen = agent.get(reverse("helpdesk_agents:ticket", args=[ticket.pk])).content.decode()
    discard = reverse("helpdesk_forms:discard", args=[ticket.pk])
    assert (discard in screen) is (status == 302)
    assert agent.post(discard).status_code == status
    assert Ticket.objects.exists() is (status == 404)


def test_lists_mark_tests(client, page, queue):
    tried(client, page)
    real = f.make_ticket(queue, subject="Echte Anfrage")
    agent = browser(f.make_agent(queue))
    html = agent.get(reverse("helpdesk_agents:tickets_view", args=["all"])).content.decode()
    assert html.count('<span class="hd-label">Test</span>') == 1
    assert real.subject in html


def test_the_preview_and_the_editor_lead_to_it(page, admin_client):
    html = page.make_preview_request().render().content.decode()
    assert address(page) in html
    edit = admin_client.get(reverse("wagtailadmin_pages:edit", args=[page.pk])).content.decode()
    assert address(page) in edit


def test_the_result_tells_when_a_real_request_would_be_answered(client, page, queue):
    queue.promise = Promise.objects.create(name="Bald", first_response=180)
    queue.save()
    html = client.get(tried(client, page)["Location"]).content.decode()
    assert "Bald" in html
    assert "3 Arbeitsstunden" in html
    ticket = Ticket.objects.get()
    assert ticket.promise is None
