from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, Permission
from django.core.exceptions import ValidationError
from django.db.models import ProtectedError
from django.urls import reverse
from wagtail.models import GroupPagePermission, Locale
from wagtail.test.utils.form_data import rich_text

from portal.models import QueuePage
from tests import factories as f
from tests import page_factories as p
from tests.helpdesk.agents.conftest import browser

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


def test_a_departments_editor_shows_its_queues_only(tree):
    own, other = f.make_department("Alpha"), f.make_department("Beta")
    own.page = tree.services.page_ptr
    own.save()
    group = Group.objects.create(name="Editors of Alpha")
    f.join(group, own)
    group.permissions.add(Permission.objects.get(codename="access_admin"))
    for right in ("add", "change", "publish"):
        GroupPagePermission.objects.create(group=group, page=tree.services, permission_type=right)
    user = f.UserFactory()
    user.groups.add(group)
    client = browser(user)
    page = client.get(
        reverse("wagtailadmin_pages:add", args=["portal", "queuepage", tree.services.pk])
    )
    offered = [row.pk for row in page.context["form"].fields["queue"].queryset]
    assert offered == [own.queue.pk]
    mine = p.make_queue_page(tree.services, own.queue, live=False)
    answer = edit(client, mine, other.queue)
    assert "queue" in answer.context["form"].errors
    # what a superuser chose stays
    theirs = p.make_queue_page(tree.services, other.queue, title="Zweite", live=False)
    assert edit(client, theirs, other.queue).status_code == 302
