"""Who may send a form."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from wagtail.models import Locale

from helpdesk.models import Customer, Ticket
from portal.models import IntakeFormPage
from tests import factories as f
from tests import page_factories as p

pytestmark = pytest.mark.django_db


@pytest.fixture
def tree():
    return p.make_site()


@pytest.fixture
def members():
    return Group.objects.create(name="Mitglieder")


@pytest.fixture
def page(tree, members):
    made = p.make_form(
        tree.services, audience="groups", text_excluded="<p>Nur für <b>Mitglieder</b>.</p>"
    )
    made.audience_groups = [members]
    made.save_revision().publish()
    return IntakeFormPage.objects.get(pk=made.pk)


def logged_in(*groups, **options):
    user = f.UserFactory(**options)
    user.groups.add(*groups)
    client = Client()
    client.force_login(user)
    return client


def test_everyone_may_by_default(client, tree):
    assert p.sent(client, p.make_form(tree.services)).status_code == 302


def test_who_is_not_logged_in_reads_why_and_where_to_log_in(client, tree):
    page = p.make_form(tree.services, audience="signed_in")
    text = client.get(page.url).content.decode()
    assert "q_room" not in text
    assert f"/accounts/login/?next={quote(page.url)}" in text
    inside = logged_in().get(page.url)
    assert "q_room" in inside.content.decode()


def test_groups_alone_see_the_fields(page, members):
    for client in (Client(), logged_in(), logged_in(is_superuser=True)):
        text = client.get(page.url).content.decode()
        assert "q_room" not in text
        assert "<b>Mitglieder</b>" in text
    inside = logged_in(members)
    assert p.sent(inside, page).status_code == 302
    assert Ticket.objects.count() == 1


def test_groups_chosen_by_nobody_let_nobody_in(tree, members):
    page = p.make_form(tree.services, audience="groups")
    assert "q_room" not in logged_in(members).get(page.url).content.decode()


def test_what_is_sent_all_the_same_is_refused_and_given_back(page):
    data = {
        "contact_name": "Ada",
        "contact_email": "ada@mail.example",
        "q_room": 'Saal <script>alert("x")</script>',
    }
    for client in (Client(), logged_in()):
        customers = Customer.objects.count()
        answer = client.post(page.url, data)
        text = answer.content.decode()
        assert answer.status_code == 403
        assert "Saal &lt;script&gt;" in text
        assert 'name="q_room"' not in text
        assert not Ticket.objects.exists()
        assert Customer.objects.count() == customers


def test_the_form_needs_its_token_for_members_too(page, members):
    user = f.UserFactory()
    user.groups.add(members)
    client = Client(enforce_csrf_checks=True)
    client.force_login(user)
    answer = client.post(page.url, {"q_room": "1"})
    assert answer.status_code == 403
    assert not Ticket.objects.exists()


def test_the_thanks_are_for_the_audience_as_well(page, members):
    sent = p.sent(logged_in(members), page)
    assert Ticket.objects.get().number not in Client().get(sent["Location"]).content.decode()


def test_the_audience_goes_along_with_copies_and_translations(tree, page, members):
    english = Locale.objects.get(language_code="en")
    tree.services.copy_for_translation(english).save_revision().publish()
    page.copy_for_translation(english).save_revision().publish()
    others = [
        IntakeFormPage.objects.get(locale=english),
        page.create_alias(update_slug="alias"),
        page.copy(update_attrs={"slug": "copy"}),
    ]
    for other in others:
        fresh = IntakeFormPage.objects.get(pk=other.pk)
        assert (fresh.audience, list(fresh.audience_groups.all())) == ("groups", [members])


def test_a_draft_keeps_its_groups(page, members):
    page.audience_groups = []
    page.save_revision()
    assert list(IntakeFormPage.objects.get(pk=page.pk).audience_groups.all()) == [members]
    draft = page.get_latest_revision_as_object()
    assert list(draft.audience_groups.all()) == []


def test_preview_shows_the_form_to_its_editor(page):
    assert b"q_room" in page.make_preview_request().render().content


def test_a_group_that_is_gone_lets_nobody_in(page, members):
    client = logged_in(members)
    members.delete()
    assert "q_room" not in client.get(page.url).content.decode()
