from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError
from django.db.models import ProtectedError
from django.urls import reverse
from wagtail.models import Locale
from wagtail.test.utils.form_data import rich_text

from portal.models import QueuePage
from tests import factories as f
from tests import page_factories as p

pytestmark = pytest.mark.django_db


@pytest.fixture
def tree():
    return p.make_site()


@pytest.fixture
def queue():
    return f.QueueFactory(purpose="Was kaputt ist.")


def edit(client, page, queue, **action):
    data = {
        "title": page.title,
        "slug": page.slug,
        "queue": queue.pk,
        "summary": "",
        "purpose": rich_text(""),
        "hours": "",
        "promise": rich_text(""),
        "comments-TOTAL_FORMS": 0,
        "comments-INITIAL_FORMS": 0,
        **action,
    }
    return client.post(reverse("wagtailadmin_pages:edit", args=[page.pk]), data)


def test_page_shows_what_the_queue_says(client, tree, queue):
    f.QueueAddressFactory(queue=queue, address="kaputt@desk.example")
    html = client.get(p.make_queue_page(tree.services, queue).url).content.decode()
    assert "Was kaputt ist." in html
    assert "mailto:kaputt@desk.example" in html


def test_second_live_page_of_a_queue_is_refused_in_the_editor(admin_client, tree, queue):
    first = p.make_queue_page(tree.services, queue)
    second = p.make_queue_page(tree.services, queue, title="Zweite", live=False)
    response = edit(admin_client, second, queue, **{"action-publish": "1"})
    assert first.title in str(response.context["form"].errors["queue"])
    assert not QueuePage.objects.get(pk=second.pk).live


def test_second_page_of_a_queue_may_be_a_draft(admin_client, tree, queue):
    p.make_queue_page(tree.services, queue)
    second = p.make_queue_page(tree.services, queue, title="Zweite", live=False)
    assert edit(admin_client, second, queue).status_code == 302


def test_only_page_of_a_queue_is_published_again(admin_client, tree, queue):
    page = p.make_queue_page(tree.services, queue)
    assert edit(admin_client, page, queue, **{"action-publish": "1"}).status_code == 302
    assert QueuePage.objects.get(pk=page.pk).live


def test_second_page_is_not_published_past_the_editor(tree, queue):
    p.make_queue_page(tree.services, queue)
    second = p.make_queue_page(tree.services, queue, title="Zweite", live=False)
    with pytest.raises(ValidationError, match="already shows this queue"):
        second.save_revision().publish()
    assert not QueuePage.objects.get(pk=second.pk).live


def test_copy_of_a_live_page_starts_as_a_draft(tree, queue):
    page = p.make_queue_page(tree.services, queue)
    copy = page.copy(update_attrs={"slug": "kopie"}, keep_live=True)
    assert not QueuePage.objects.get(pk=copy.pk).live


def test_queue_may_have_a_page_in_each_language(tree, queue):
    page = p.make_queue_page(tree.home, queue)
    english = page.copy_for_translation(Locale.objects.get(language_code="en"))
    english.save_revision().publish()
    assert QueuePage.objects.filter(queue=queue, live=True).count() == 2


def test_queue_with_a_page_cannot_be_deleted(tree, queue):
    p.make_queue_page(tree.services, queue)
    with pytest.raises(ProtectedError):
        queue.delete()


def test_page_can_go_and_the_queue_stays(tree, queue):
    p.make_queue_page(tree.services, queue).delete()
    queue.refresh_from_db()


def test_words_of_the_queue_say_their_language_on_a_page_in_another(client, tree, queue):
    queue.purpose = "Druckt Plakate."
    queue.save()
    page = p.make_queue_page(tree.services, queue)
    english = page.copy_for_translation(tree.english.locale, copy_parents=True)
    english.save_revision().publish()
    assert '<p lang="de">Druckt Plakate.</p>' in client.get(english.url).content.decode()
    assert "<p>Druckt Plakate.</p>" in client.get(page.url).content.decode()
